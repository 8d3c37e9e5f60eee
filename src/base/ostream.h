/* SPDX-License-Identifier: MIT */
/*
 * Where bytes go: a spool, a file being uploaded, a parser, a compressor in
 * front of another of them.  The producer pushes and never learns which.
 *
 * The first failure sticks: later writes do nothing and return it again, so a
 * producer may stop checking without losing it.
 */
#ifndef SHEAF_BASE_OSTREAM_H
#define SHEAF_BASE_OSTREAM_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct ostream;

struct ostream_ops {
	const char *name;
	/* Takes all of bytes, or fails. */
	enum err_code (*write)(struct ostream *o, struct str bytes);
	/* Optional: what was written so far should become readable. */
	enum err_code (*flush)(struct ostream *o);
	/* Optional: there will be no more; called once, not after a failure. */
	enum err_code (*end)(struct ostream *o);
};

/* The base of every implementation, placed first in it. */
struct ostream {
	const struct ostream_ops *ops;
	struct err err; /* the failure that stuck; an implementation fills it */
};

/* Asserts that the required functions are there. */
void ostream_init(struct ostream *o, const struct ostream_ops *ops);

enum err_code ostream_write(struct ostream *o, struct str bytes);
enum err_code ostream_flush(struct ostream *o);
enum err_code ostream_end(struct ostream *o) MUST_USE;

/* An ostream into a buf that outlives it; fails with the buf's max. */
struct buf_ostream {
	struct ostream base;
	struct buf *buf;
};

struct ostream *buf_ostream_init(struct buf_ostream *o, struct buf *b);

#endif
