/* SPDX-License-Identifier: MIT */
/*
 * Between the bytes of a batch and what carries it out: reads them as they
 * come, and has each window run when it is full.  A JSON batch runs at its end.
 */
#ifndef SHEAF_BULK_FEED_H
#define SHEAF_BULK_FEED_H

#include "bulk/run.h"

struct feed_spec {
	const struct bulk_env *env;
	enum batch_form form;
	struct str boundary;
	struct bulk_spec run; /* print and stream are set here */
	bool count_only; /* run nothing: for feed.total, and for what fails */
};

struct feed {
	struct feed_spec spec;
	struct batch_big big;
	struct batch_parser *parser;
	struct bulk_run *run;
	bool over; /* it broke off, and the answer says so: no more is read */
	bool run_failed; /* running it failed, not reading it */
	struct err broke; /* what it broke off with */
	uint64_t total; /* operations read so far */
	struct ostream nowhere; /* takes a big part that is only counted */
};

/* Fails only where memory ran out.  spec is copied, what it points to is not.
 */
enum err_code feed_init(
    struct feed *f, const struct feed_spec *spec, struct err *err) MUST_USE;

/*
 * A failure is the answer, and nothing has run; but when the results have been
 * started it is one of the machinery.  What is wrong with the rest of a stream
 * of which something has run is told at the end of the results.
 */
enum err_code
feed_write(struct feed *f, struct str bytes, struct err *err) MUST_USE;

/* Whether it is a dry run; to be asked from when its results start. */
bool feed_is_dry(const struct feed *f);

/*
 * To be called when all bytes have come: runs the rest, and ends the results.
 */
enum err_code feed_end(struct feed *f, struct err *err) MUST_USE;

void feed_done(struct feed *f); /* fine for all zero */

#endif
