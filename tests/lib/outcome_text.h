/* SPDX-License-Identifier: MIT */
/*
 * Outcomes as lines of text, with all that they say, so that a test can compare
 * what was read, written and read again:
 *
 *	/a/ 207 tell=T error=<...> {200 {DAV:}a="x" {DAV:}r=[{DAV:}b]}{404 ...}
 *
 * A property is ="text", =#number, =[names], =<element> or alone.
 */
#ifndef SHEAF_TESTS_OUTCOME_TEXT_H
#define SHEAF_TESTS_OUTCOME_TEXT_H

#include "base/buf.h"
#include "outcome/sink.h"

void outcome_text_put(struct buf *b, const struct outcome *o);

/* A sink of such lines. */
struct text_sink {
	struct sink base;
	struct buf *to; /* borrowed */
	bool places; /* with "@line:column " in front */
	bool ended;
};

struct sink *text_sink_init(struct text_sink *s, struct buf *to);

#endif
