/* SPDX-License-Identifier: MIT */
/*
 * What `sheaf lint` prints: to a pipe a line for each finding, by which editors
 * jump there; to a terminal the same with headings and colours; or JSON or
 * SARIF.
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
	bool some; /* a finding was printed, of any answer */
	bool headed; /* the heading of this answer was (LINT_PRETTY) */
	bool told[LINT_COUNT]; /* of this answer: what to do about the rule was
				*/
	bool broken; /* stdout cannot be written to, which was said */
};

/* format: of --format; false: it is none of the words. */
bool lint_print_begin(struct lint_printer *p, const char *format);

void lint_print(struct lint_printer *p, const struct lint_source *from,
    const struct lint_finding *f);

/* Ends an answer: says how many findings were not printed. */
void lint_print_report(struct lint_printer *p, const struct lint_source *from,
    const struct lint_report *r, unsigned per_rule);

/* So many findings of a rule are printed of an answer; 0: all. */
unsigned lint_print_limit(const struct lint_printer *p);

/* Ends the output; complete: every input could be read. */
void lint_print_end(
    struct lint_printer *p, const struct lint_totals *t, bool complete);

#endif
