/* SPDX-License-Identifier: MIT */
/* Reads a 207 of the test's own, and keeps what was said. */
#ifndef SHEAF_TESTS_READ_RUN_H
#define SHEAF_TESTS_READ_RUN_H

#include "lib/outcome_text.h"
#include "wire/reader.h"

/* All zero: no Content-Type, all at once, the default limits. */
struct read_how {
	const char *type;
	size_t step; /* bytes at a time; 0: all */
	const struct reader_limits *limits;
	bool cut;
	bool places;
};

/* All zero is one that can be used, and again; said is new each time. */
struct read_run {
	struct buf said; /* lib/outcome_text.h */
	bool ended; /* the sink was */
	struct reading reading;
	enum err_code rc; /* of reader_new() and reader_end() */
	struct err err;
};

void read_207(struct read_run *run, struct str body, struct read_how how);
void read_run_done(struct read_run *run);

#endif
