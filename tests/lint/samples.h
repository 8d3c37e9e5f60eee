/* SPDX-License-Identifier: MIT */
/* The rows of samples.txt. */
#ifndef SHEAF_TESTS_LINT_SAMPLES_H
#define SHEAF_TESTS_LINT_SAMPLES_H

#include "base/arena.h"
#include "lib/lint_run.h"

struct sample {
	struct str name, method, url, request, want;
	struct str bytes;
	const struct lint_operation *operations;
	size_t n_operations;
};

struct samples {
	struct arena a;
	struct buf table;
	struct sample v[256];
	size_t n;
};

/* Of the directory; what is wrong with it fails the test. */
void samples_read(struct samples *s, const char *dir);
void samples_done(struct samples *s);

/* Runs one; r->step and r->per_rule are the caller's. */
enum err_code sample_run(const struct sample *s, struct lint_run *r);

#endif
