/* SPDX-License-Identifier: MIT */
/*
 * A sink that has one line written for each failed outcome: "PROPFIND
 * /a/b: 403 not allowed".  Paths are escaped, so that a line stays a line
 * whatever bytes a name has.  It does not log itself: whoever makes it gives
 * the function that does.
 */
#ifndef SHEAF_OUTCOME_FAILURE_LOG_H
#define SHEAF_OUTCOME_FAILURE_LOG_H

#include "base/buf.h"
#include "outcome/sink.h"

struct log_lines {
	void (*line)(void *arg, struct str line); /* no newline at its end */
	void *arg;
};

struct failure_log {
	struct sink base;
	struct str what; /* the name of the operation; borrowed */
	struct log_lines to;
	struct buf line; /* scratch */
};

struct sink *
failure_log_init(struct failure_log *f, struct str what, struct log_lines to);
void failure_log_done(struct failure_log *f);

#endif
