/* SPDX-License-Identifier: MIT */
/*
 * The front of a streamed body: decides whether it is worth a content coding,
 * and flushes when the producer is slow, so that what was made is on its way
 * within moments.
 */
#ifndef SHEAF_SERVER_BODY_OUT_H
#define SHEAF_SERVER_BODY_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ostream.h"
#include "server/compress.h"

/* Shorter bodies are sent as they are. */
#define BODY_OUT_SMALL 1024

/* No written byte waits longer than this for more to come. */
#define BODY_OUT_PATIENCE (20 * 1000 * 1000) /* ns */

struct body_out {
	struct ostream *(*open)(struct body_out *b);
	enum coding coding; /* what it may be; once decided, what it is */
	bool decided;
	bool small; /* it has ended, and all of it is in pending */
	struct compress *compress;
	struct ostream *next; /* what open() gave, or compress in front of it */
	int64_t flushed; /* when it last was: clock_monotonic() */
	size_t pending_len;
	/* The rest may hold anything until body_out_init() is called. */
	struct ostream base;
	char pending[BODY_OUT_SMALL];
};

/*
 * A stream whose bytes get that coding, if the body is worth one, and go to
 * what open() returns: lent by it, or NULL when memory ran out.  open() is
 * called once b->coding is decided, and never for a small body that nobody
 * flushed.
 */
struct ostream *body_out_init(struct body_out *b,
    struct ostream *(*open)(struct body_out *b), enum coding coding);

/* Releases what it holds, ended or not.  All zero is fine, up to the base. */
void body_out_done(struct body_out *b);

#endif
