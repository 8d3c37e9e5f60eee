/* SPDX-License-Identifier: MIT */
/*
 * Writes what the linter found: lines of text that editors can jump to, lines
 * of JSON, and SARIF 2.1.0, which editors and code hosts show beside the lines
 * it is about.  `sheaf lint` and libsheaf use it.
 */
#ifndef SHEAF_WIRE_LINT_OUTPUT_H
#define SHEAF_WIRE_LINT_OUTPUT_H

#include "base/buf.h"
#include "wire/lint.h"

/* Where an answer comes from. */
struct lint_source {
	struct str file; /* its name, or a URL; empty: standard input */
	bool is_url;
	/*
	 * Which of several in it, "DELETE http://..."; then lines and columns
	 * are those of its body, which stands in the file in another form.
	 */
	struct str answer;
	uint64_t line; /* of the file, before the body's first; or 0 */
};

/* Of all answers together. */
struct lint_totals {
	uint64_t answers, items, errors, warnings;
};

/* "FILE:3:14: error X104: ...", a line; nothing in it moves a terminal. */
void lint_put_text(struct buf *b, const struct lint_source *from,
    const struct lint_finding *f);

/* "3:14", in the file. */
void lint_put_place(struct buf *b, const struct lint_source *from,
    const struct lint_finding *f);

/* "FILE: and 80 more of X104", a line; from may be NULL: without its name. */
void lint_put_more(struct buf *b, const struct lint_source *from,
    enum lint_rule rule, uint64_t more);

/* {"type": "finding", ...} and a newline. */
void lint_put_json(struct buf *b, const struct lint_source *from,
    const struct lint_finding *f);

/* {"type": "summary", ...}, the last line. */
void lint_put_json_summary(struct buf *b, const struct lint_totals *t);

/*
 * A log of one run, with every rule.  complete: every input could be read.
 */
void lint_put_sarif_begin(struct buf *b);
void lint_put_sarif(struct buf *b, bool first, const struct lint_source *from,
    const struct lint_finding *f);
void lint_put_sarif_end(struct buf *b, bool complete);

#endif
