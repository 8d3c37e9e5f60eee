/* SPDX-License-Identifier: MIT */
/* Reads a batch and writes down what stands in it. */
#ifndef SHEAF_TESTS_BATCH_RUN_H
#define SHEAF_TESTS_BATCH_RUN_H

#include "base/buf.h"
#include "wire/batch.h"

/* The fields down to no_prints are set by the test; all zero is fine. */
struct batch_run {
	enum batch_form form;
	const char *boundary;
	const struct batch_limits *limits; /* NULL: the default ones */
	bool windows; /* clear the window when it is full, and say so */
	bool quiet; /* do not say so */
	bool big; /* take parts that are too long to be kept */
	bool no_prints; /* as where there is no key */
	/* What came of it. */
	struct buf said;
	struct err err;
	uint64_t n, bad; /* items, and those of them that were malformed */
	struct buf print;
	/* While it runs. */
	struct batch_parser *parser;
	struct buf body; /* of a part that is too long to be kept */
	struct buf_ostream stream;
};

/* Reads body in pieces of `step` bytes (0: all at once). */
enum err_code batch_run(struct batch_run *r, struct str body, size_t step);

/* The same for operations, with ' for ", inside {"operations":[...]}. */
enum err_code
batch_run_operations(struct batch_run *r, const char *operations, size_t step);

void batch_run_done(struct batch_run *r);

/* The text with ' for ": so that JSON can be read in C. */
const char *batch_quoted(struct buf *b, const char *text);

#endif
