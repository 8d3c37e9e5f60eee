/* SPDX-License-Identifier: MIT */
/* `sheaf tree`. */
#include <stdlib.h>
#include <string.h>

#include "cmd/lister.h"
#include "cmd/text.h"

struct tree {
	struct files f;
	struct lister l;
	struct listing *top; /* is being drawn; by parent, those it is in */
	struct buf out;
	struct buf indent; /* of the members of top */
	const char *const *lines;
	bool waits; /* for the turn of the collection that is entered */
	uint64_t collections, files, unknown;
};

/*
 * Indices of lines: in front of a member, in front of the last one, and in
 * front of what is below a member and below the last one.
 */
enum { LINE_ONE, LINE_LAST, LINE_ON, LINE_OFF };

static const char *const *
choose_lines(void)
{
	static const char *const plain[] = { "|-- ", "`-- ", "|   ", "    " };
	static const char *const boxes[] = { "\u251c\u2500\u2500 ",
		"\u2514\u2500\u2500 ", "\u2502   ", "    " };
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *locale = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(names) && (!locale || !*locale); i++)
		locale = getenv(names[i]);
	return locale &&
		(strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"))
	    ? boxes
	    : plain;
}

static void
flush(struct tree *t)
{
	if (buf_failed(&t->out) || buf_failed(&t->indent))
		work_stop(t->f.work, "the tree", NULL);
	else
		work_out(t->f.work, buf_str(&t->out));
	buf_clear(&t->out);
}

static void
count(struct tree *t, const struct entry *e)
{
	if (e->unknown)
		t->unknown++;
	else if (e->collection)
		t->collections++;
	else
		t->files++;
}

static void
put_row(struct tree *t, const struct row *r, bool last)
{
	struct buf *b = &t->out;

	count(t, &r->e);
	if (work_json(t->f.work)) {
		lister_put_json(b, r);
		buf_putc(b, '\n');
		return;
	}
	buf_put(b, buf_str(&t->indent));
	buf_put(b, str_from_c(t->lines[last ? LINE_LAST : LINE_ONE]));
	text_put_plain(b, r->name);
	if (r->e.unknown) {
		BUF_LIT(b, "  (unknown: ");
		lister_put_why(b, r);
		buf_putc(b, ')');
	}
	buf_putc(b, '\n');
}

/* Sets what stands in front of the members of g. */
static void
set_indent(struct tree *t, const struct listing *g)
{
	const struct listing *chain[LISTER_DEPTH + 2] = { NULL };
	size_t n = 0;

	buf_clear(&t->indent);
	for (g = g->parent; g && n < ARRAY_LEN(chain); g = g->parent)
		chain[n++] = g;
	while (n--)
		buf_put(&t->indent,
		    str_from_c(
			t->lines[chain[n]->at < chain[n]->n ? LINE_ON
							    : LINE_OFF]));
}

/* Draws members up to one that is entered, whose turn comes then. */
static void
between(struct lister *l)
{
	struct tree *t = CONTAINER_OF(l, struct tree, l);

	while (t->top && !t->waits) {
		struct listing *g = t->top;
		const struct row *r = g->at < g->n ? &g->rows[g->at++] : NULL;

		if (!r) {
			t->top = g->parent;
			lister_finish(l, g);
			if (t->top)
				set_indent(t, t->top);
			else
				flush(t);
			continue;
		}
		put_row(t, r, g->at == g->n);
		t->waits = r->enter;
	}
	if (t->out.len > 65536)
		flush(t);
}

static void
turn(struct lister *l, struct listing *g)
{
	struct tree *t = CONTAINER_OF(l, struct tree, l);

	t->waits = false;
	g->parent = t->top;
	set_indent(t, g);
	if (!g->parent && g->self_known) {
		if (work_json(t->f.work)) {
			lister_put_json(&t->out, &g->self);
		} else {
			text_put_plain(&t->out, g->url);
		}
		buf_putc(&t->out, '\n');
		if (!g->self.e.collection)
			count(t, &g->self.e);
	}
	t->top = g;
}

static void
put_counts(struct tree *t)
{
	if (work_json(t->f.work) || t->f.o.quiet)
		return;
	buf_putc(&t->out, '\n');
	text_put_count(&t->out, t->collections);
	buf_put(&t->out,
	    t->collections == 1 ? STR(" collection, ") : STR(" collections, "));
	text_put_count(&t->out, t->files);
	buf_put(&t->out, t->files == 1 ? STR(" file") : STR(" files"));
	if (t->unknown) {
		BUF_LIT(&t->out, ", ");
		text_put_count(&t->out, t->unknown);
		BUF_LIT(&t->out, " unknown");
	}
	buf_putc(&t->out, '\n');
}

int
cmd_tree(const char *const *args)
{
	static const struct files_shape shape = { 1, SIZE_MAX, 0, 0 };
	static const struct lister_ops ops = {
		.turn = turn,
		.between = between,
	};
	struct tree t = { 0 };
	int code;

	if (!files_begin(&t.f, "tree", args, &shape, &code))
		return files_refuse(&t.f, code);
	t.l = (struct lister){ .f = &t.f, .ops = &ops, .recursive = true };
	t.lines = choose_lines();
	if (!lister_begin(&t.l))
		return files_cannot(&t.f);
	lister_go(&t.l);
	files_run(&t.f);
	put_counts(&t);
	flush(&t);
	buf_done(&t.out);
	buf_done(&t.indent);
	return files_end(&t.f);
}
