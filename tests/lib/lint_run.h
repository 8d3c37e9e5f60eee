/* SPDX-License-Identifier: MIT */
/*
 * Runs the linter over a saved answer and writes down what it says: a line
 * "X105 E 3:1 /pointer" for each finding, for tests/lint/samples.txt.
 */
#ifndef SHEAF_TESTS_LINT_RUN_H
#define SHEAF_TESTS_LINT_RUN_H

#include "wire/lint.h"

#define LINT_RUN_FIELDS 32

struct lint_run {
	/* What is known; set before. */
	struct str method, url;
	const struct lint_operation *operations;
	size_t n_operations;
	size_t step; /* bytes that are fed at a time; 0: all */
	unsigned per_rule;
	/* What was said. */
	struct buf said;
	struct lint_report report;
	struct buf sentences; /* of the findings, a line each */
};

/* A bare body; head is NULL where it is not known. */
enum err_code lint_run_body(
    struct lint_run *r, const struct answer_head *head, struct str body);

/* A file: with a head if it begins with "HTTP/". */
enum err_code lint_run_file(struct lint_run *r, struct str bytes);

void lint_run_done(struct lint_run *r);

#endif
