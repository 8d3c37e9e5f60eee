/* SPDX-License-Identifier: MIT */
/*
 * What `sheaf lint` prints: in a pipe a line for each finding that editors can
 * jump to, on a terminal the same for eyes, or JSON or SARIF.
 */
#ifndef SHEAF_CMD_LINT_PRINT_H
#define SHEAF_CMD_LINT_PRINT_H

#include "base/buf.h"
#include "wire/lint_output.h"

enum lint_format { LINT_TEXT, LINT_PRETTY, LINT_JSON, LINT_SARIF };

struct lint_printer {
	enum lint_format format;
	bool colours;
	unsigned width; /* of the terminal; 0: not known */
	struct buf out;
	bool some; /* a finding has been printed; of any answer */
	bool headed; /* the answer has its heading (LINT_PRETTY) */
	bool told[LINT_COUNT]; /* what to do has been said in this answer */
	bool broken; /* the output, and it has been said */
};

/* false: format is none of the option's words. */
bool lint_print_begin(struct lint_printer *p, const char *format);

void lint_print(struct lint_printer *p, const struct lint_source *from,
    const struct lint_finding *f);

/* The end of an answer: what was counted and not printed. */
void lint_print_report(struct lint_printer *p, const struct lint_source *from,
    const struct lint_report *r, unsigned per_rule);

/* Findings of one rule and answer that are printed; 0: all. */
unsigned lint_print_limit(const struct lint_printer *p);

/* The last; complete: every input could be read. */
void lint_print_end(
    struct lint_printer *p, const struct lint_totals *t, bool complete);

#endif
