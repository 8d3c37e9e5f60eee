/* SPDX-License-Identifier: MIT */
#include "cmd/table.h"

#include <assert.h>
#include <libsmartcols.h>
#include <locale.h>
#include <stdlib.h>

#include "cmd/text.h"

struct table {
	struct table_spec spec;
	struct libscols_table *cols;
	size_t rows;
};

static const char *const escapes[TONE_COUNT] = {
	[TONE_PLAIN] = NULL,
	[TONE_GOOD] = "\x1b[32m",
	[TONE_BAD] = "\x1b[31m",
	[TONE_DOUBT] = "\x1b[33m",
	[TONE_FAINT] = "\x1b[2m",
	[TONE_STRONG] = "\x1b[1m",
};

void
tone_put(struct buf *b, bool colours, enum tone tone, struct str text)
{
	assert(tone < TONE_COUNT);
	if (!colours || !escapes[tone]) {
		buf_put(b, text);
		return;
	}
	buf_put(b, str_from_c(escapes[tone]));
	buf_put(b, text);
	BUF_LIT(b, "\x1b[0m");
}

static bool
add_columns(struct table *t)
{
	size_t i;

	for (i = 0; i < t->spec.n; i++) {
		const struct table_column *c = &t->spec.columns[i];
		int flags = (c->right ? SCOLS_FL_RIGHT : 0) |
		    (c->cut && t->spec.width ? SCOLS_FL_TRUNC : 0);

		if (!scols_table_new_column(
			t->cols, c->name, c->cut ? 0.1 : 0, flags))
			return false;
	}
	return true;
}

static bool
set_up(struct table *t)
{
	const struct table_spec *s = &t->spec;
	unsigned width = s->width > s->indent + 20 ? s->width - s->indent : 20;

	/* Cells are escaped by us, and nothing depends on the locale. */
	if (scols_table_enable_noencoding(t->cols, 1) ||
	    scols_table_enable_noheadings(t->cols, !s->headings) ||
	    scols_table_enable_colors(t->cols, s->colours) ||
	    scols_table_set_column_separator(t->cols, "  ") ||
	    scols_table_set_termforce(t->cols,
		s->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER))
		return false;
	if (s->width && scols_table_set_termwidth(t->cols, width))
		return false;
	return add_columns(t);
}

enum err_code
table_new(const struct table_spec *spec, struct table **out, struct err *err)
{
	struct table *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (!t)
		return err_nomem(err);
	t->spec = *spec;
	t->cols = scols_new_table();
	if (!t->cols || !set_up(t)) {
		table_free(t);
		return err_nomem(err);
	}
	*out = t;
	return ERR_OK;
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->cols);
	free(t);
}

enum err_code
table_row(
    struct table *t, const struct str *cells, enum tone tone, struct err *err)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	struct libscols_line *line = scols_table_new_line(t->cols, NULL);
	size_t i;

	if (!line)
		return err_nomem(err);
	for (i = 0; i < t->spec.n; i++) {
		buf_clear(&text);
		text_put_plain(&text, cells[i]);
		buf_putc(&text, '\0');
		if (buf_failed(&text) || scols_line_set_data(line, i, text.ptr))
			return err_nomem(err);
	}
	if (t->spec.colours && escapes[tone] &&
	    scols_line_set_color(line, escapes[tone]))
		return err_nomem(err);
	t->rows++;
	return ERR_OK;
}

/* Puts the lines, indented and without blanks at their ends. */
static void
put_lines(struct buf *out, const struct table *t, struct str text)
{
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		while (line.len && line.ptr[line.len - 1] == ' ')
			line.len--;
		if (line.len)
			buf_printf(out, "%*s", (int)t->spec.indent, "");
		buf_put(out, line);
		buf_putc(out, '\n');
	}
}

enum err_code
table_put(struct table *t, struct buf *out, struct err *err)
{
	locale_t utf8, before;
	char *text = NULL;
	int failed;

	if (!t->rows)
		return ERR_OK;
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	before = utf8 ? uselocale(utf8) : (locale_t)0;
	failed = scols_print_table_to_string(t->cols, &text);
	if (utf8) {
		(void)uselocale(before);
		freelocale(utf8);
	}
	if (!failed && text) {
		struct str s = str_from_c(text);

		if (str_ends(s, STR("\n")))
			s.len--;
		put_lines(out, t, s);
	}
	free(text);
	scols_table_remove_lines(t->cols);
	t->rows = 0;
	return failed ? err_nomem(err) : ERR_OK;
}
