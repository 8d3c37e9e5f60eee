/* SPDX-License-Identifier: MIT */
/*
 * A sink that answers a request with the outcomes put into it, in the form the
 * client accepts.  It chooses the status at the first outcome and not before:
 * an operation that had nothing to report leaves the reply to the method.
 */
#ifndef SHEAF_DAV_ANSWER_H
#define SHEAF_DAV_ANSWER_H

#include <stdbool.h>

#include "base/attr.h"
#include "dav/exchange.h"
#include "http/negotiate.h"
#include "outcome/failure_log.h"
#include "outcome/sink.h"
#include "outcome/tally.h"
#include "outcome/tee.h"

enum answer_kind {
	ANSWER_FAILURES, /* 207; nothing at all when nothing is put */
	ANSWER_ALL, /* 207, even when nothing is put */
	ANSWER_PAGE, /* 200 and a listing for a browser, likewise */
};

struct answer {
	struct sink base;
	struct exchange *x;
	enum answer_kind kind;
	struct preferences prefer;
	/* Set after init: the request's path may lack its slash. */
	bool says_path;
	bool collection; /* the path is one */
	bool is_long; /* it may be: its beginning is to leave early */
	struct ostream *to; /* NULL: the outcomes go to the reply as they are */
	struct sink *writer;
	struct tee tee;
	struct tally tally;
	struct failure_log log;
	bool started; /* the status is out */
};

/* Fails only where memory ran out. */
enum err_code answer_init(struct answer *a, struct exchange *x,
    enum answer_kind kind, struct err *err) MUST_USE;

/* Fine for all zero. */
void answer_done(struct answer *a);

#endif
