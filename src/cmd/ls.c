/* SPDX-License-Identifier: MIT */
/* `sheaf ls`. */
#include <unistd.h>

#include "cmd/lister.h"
#include "cmd/table.h"
#include "cmd/text.h"
#include "http/date.h"

/* Rows of a table that are printed at a time. */
#define CHUNK 1000

struct ls {
	struct files f;
	struct lister l;
	struct table *table; /* -l */
	struct buf out;
	unsigned rows; /* in table */
	bool headings; /* each collection has its URL in front */
	bool some; /* was printed before */
	bool broken;
};

static void
stop(struct ls *ls)
{
	if (!ls->broken)
		work_stop(ls->f.work, "the list", NULL);
	ls->broken = true;
}

static void
flush(struct ls *ls)
{
	struct err err = { 0 };

	if (ls->table && table_put(ls->table, &ls->out, &err))
		stop(ls);
	ls->rows = 0;
	if (buf_failed(&ls->out))
		stop(ls);
	else
		work_out(ls->f.work, buf_str(&ls->out));
	buf_clear(&ls->out);
}

static void
put_name(struct buf *b, const struct row *r)
{
	text_put_plain(b, r->name);
	if (r->e.collection && !str_ends(r->name, STR("/")))
		buf_putc(b, '/');
	if (!r->e.unknown)
		return;
	BUF_LIT(b, "  (unknown: ");
	lister_put_why(b, r);
	buf_putc(b, ')');
}

static void
put_long(struct ls *ls, const struct row *r)
{
	struct buf size CLEANUP(buf_done) = { 0 };
	struct buf time CLEANUP(buf_done) = { 0 };
	struct buf etag CLEANUP(buf_done) = { 0 };
	struct buf name CLEANUP(buf_done) = { 0 };
	const struct entry *e = &r->e;
	struct str type = e->unknown ? STR("?")
	    : e->collection          ? STR("d")
				     : STR("-");
	struct err err = { 0 };

	if (e->has_size && !e->collection)
		text_put_size(&size, e->size);
	else
		buf_putc(&size, '-');
	if (e->has_time)
		date_put_rfc3339(&time, e->time);
	else
		buf_putc(&time, '-');
	text_put_plain(&etag, e->etag.len ? e->etag : STR("-"));
	put_name(&name, r);
	if (table_row(ls->table,
		(const struct str[]){ type, buf_str(&size), buf_str(&time),
		    buf_str(&etag), buf_str(&name) },
		e->unknown          ? TONE_DOUBT
		    : e->collection ? TONE_STRONG
				    : TONE_PLAIN,
		&err))
		stop(ls);
}

static void
put_row(struct ls *ls, const struct row *r)
{
	if (work_json(ls->f.work)) {
		lister_put_json(&ls->out, r);
		buf_putc(&ls->out, '\n');
	} else if (ls->table) {
		put_long(ls, r);
	} else {
		put_name(&ls->out, r);
		buf_putc(&ls->out, '\n');
	}
	if (++ls->rows == CHUNK)
		flush(ls);
}

static void
put_heading(struct ls *ls, const struct listing *g)
{
	if (work_json(ls->f.work) || !ls->headings)
		return;
	if (ls->some)
		buf_putc(&ls->out, '\n');
	ls->some = true;
	text_put_plain(&ls->out, g->url);
	BUF_LIT(&ls->out, ":\n");
	flush(ls);
}

static void
stream_begin(struct lister *l, struct listing *g)
{
	struct ls *ls = CONTAINER_OF(l, struct ls, l);

	put_heading(ls, g);
	work_say(l->f->work,
	    "%.*s has over %zu members: they are listed in the order of the "
	    "server",
	    STR_ARG(g->url), LISTER_HELD);
}

static void
stream(struct lister *l, struct listing *g, const struct row *r)
{
	struct ls *ls = CONTAINER_OF(l, struct ls, l);

	(void)g;
	put_row(ls, r);
}

/* A URL of a file is listed itself; of a collection what is in it. */
static void
turn(struct lister *l, struct listing *g)
{
	struct ls *ls = CONTAINER_OF(l, struct ls, l);
	bool self = g->self_known && !g->self.e.collection;
	size_t i;

	if (!g->streams && (g->n || (g->self_known && !self)))
		put_heading(ls, g);
	if (self && !g->streams && !g->self.e.unknown)
		put_row(ls, &g->self);
	for (i = 0; i < g->n; i++)
		put_row(ls, &g->rows[i]);
	flush(ls);
	lister_finish(l, g);
}

static bool
make_table(struct ls *ls)
{
	static const struct table_column columns[] = { { .name = "TYPE" },
		{ .name = "SIZE", .right = true }, { .name = "MODIFIED" },
		{ .name = "ETAG" }, { .name = "NAME" } };
	const struct table_spec spec = {
		.columns = columns,
		.n = ARRAY_LEN(columns),
		.width = 0,
		.colours = text_colours(STDOUT_FILENO),
	};
	struct err err = { 0 };

	return !ls->f.o.long_format || work_json(ls->f.work) ||
	    !table_new(&spec, &ls->table, &err);
}

int
cmd_ls(const char *const *args)
{
	static const struct files_shape shape = { 1, SIZE_MAX, 0, 0 };
	static const struct lister_ops ops = {
		.turn = turn,
		.stream_begin = stream_begin,
		.stream = stream,
	};
	struct ls ls = { 0 };
	int code;

	if (!files_begin(&ls.f, "ls", args, &shape, &code))
		return files_refuse(&ls.f, code);
	ls.l = (struct lister){
		.f = &ls.f, .ops = &ops, .recursive = ls.f.o.recursive
	};
	ls.headings = ls.f.o.recursive || ls.f.s.n_urls > 1;
	if (!make_table(&ls) || !lister_begin(&ls.l)) {
		table_free(ls.table);
		return files_cannot(&ls.f);
	}
	lister_go(&ls.l);
	files_run(&ls.f);
	table_free(ls.table);
	buf_done(&ls.out);
	return files_end(&ls.f);
}
