/* SPDX-License-Identifier: MIT */
/*
 * Tables for people.  On a terminal they have colours and fit its width: cells
 * that are too long are cut, in columns that may be.  Elsewhere they are plain
 * and whole.  Cells are UTF-8 and may hold any bytes: control characters are
 * shown as numbers.  The only user of libsmartcols.
 *
 * A table holds its rows until it is printed; a caller that has many prints
 * some at a time.
 */
#ifndef SHEAF_CMD_TABLE_H
#define SHEAF_CMD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct table_column {
	const char *name; /* the heading */
	bool right; /* align it to the right: numbers */
	bool cut; /* its cells may be cut to fit the terminal */
};

struct table_spec {
	const struct table_column *columns;
	size_t n; /* of them */
	bool headings; /* print them */
	unsigned indent; /* spaces in front of each line */
	unsigned width; /* of the terminal; 0: there is none */
	bool colours;
};

enum tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_BAD,
	TONE_DOUBT,
	TONE_FAINT,
	TONE_STRONG,
	TONE_COUNT
};

struct table;

enum err_code table_new(const struct table_spec *spec, struct table **out,
    struct err *err) MUST_USE;

/* cells: one for each column; copied.  ERR_NOMEM. */
enum err_code table_row(struct table *t, const struct str *cells,
    enum tone tone, struct err *err) MUST_USE;

/* Appends the rows and forgets them; appends nothing where there are none. */
enum err_code
table_put(struct table *t, struct buf *out, struct err *err) MUST_USE;

void table_free(struct table *t); /* NULL is fine */

/* Appends text in a tone; without colours as it is. */
void tone_put(struct buf *b, bool colours, enum tone tone, struct str text);

#endif
