/* SPDX-License-Identifier: MIT */
#include "lib/batch_run.h"

static void
say_text(struct buf *b, const char *name, struct str s)
{
	if (s.ptr)
		buf_printf(b, " %s=%.*s", name, STR_ARG(s));
}

static void
say_headers(struct buf *b, const char *name, const struct headers *h)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		buf_printf(b, " %s%.*s:%.*s", name, STR_ARG(h->v[i].name),
		    STR_ARG(h->v[i].value));
}

static void
say_item(struct batch_run *r, const struct batch_item *it)
{
	static const char *const ops[] = { NULL, "create", "read", "update",
		"upsert", "patch", "delete", "copy", "move", "mkcol",
		"proppatch", "propfind" };
	struct buf *b = &r->said;
	size_t i;

	r->n++;
	r->bad += it->bad != NULL;
	buf_printf(
	    b, "%llu %.*s", (unsigned long long)it->index, STR_ARG(it->id));
	if (it->bad) {
		buf_printf(b, " bad %s\n", it->bad->tell);
		return;
	}
	if (ops[it->op])
		buf_printf(b, " %s", ops[it->op]);
	say_text(b, "method", it->method);
	say_text(b, "url", it->url);
	say_text(b, "to", it->destination);
	say_text(b, "match", it->if_match);
	say_text(b, "none", it->if_none_match);
	say_text(b, "token", it->lock_token);
	say_text(b, "depth", it->depth);
	if (it->has_overwrite)
		buf_printf(b, " overwrite=%d", it->overwrite);
	say_text(b, "key", it->idempotency_key);
	say_text(b, "group", it->group);
	for (i = 0; i < it->n_depends_on; i++)
		say_text(b, "after", it->depends_on[i]);
	say_headers(b, "", &it->headers);
	if (it->has_body) {
		buf_printf(b, " body(%.*s)=", STR_ARG(it->body_type));
		buf_put(b, it->body);
	}
	buf_putc(b, '\n');
}

static void
say_window(struct batch_run *r)
{
	const struct batch_window *w = batch_parser_window(r->parser);
	size_t i;

	for (i = 0; i < w->n; i++)
		say_item(r, &w->v[i]);
	if (r->windows && !r->quiet)
		BUF_LIT(&r->said, "--\n");
}

/* And what was in it is overwritten, whoever still looks at it. */
static void
clear(struct batch_run *r)
{
	struct batch_window *w = batch_parser_window(r->parser);
	char *over;

	batch_window_clear(w);
	over = arena_alloc(&w->arena, 1024);
	if (over)
		memset(over, 'z', 1024);
	batch_window_clear(w);
}

static enum err_code
take_big(void *arg, const struct batch_item *item, struct ostream **to,
    struct err *err)
{
	struct batch_run *r = arg;

	(void)err;
	say_window(r);
	clear(r);
	say_item(r, item);
	buf_clear(&r->body);
	*to = buf_ostream_init(&r->stream, &r->body);
	return ERR_OK;
}

static enum err_code
end_big(void *arg, const struct err *bad, struct err *err)
{
	struct batch_run *r = arg;

	(void)err;
	buf_printf(
	    &r->said, "big %s %zu\n", bad ? "cut" : "whole", r->body.len);
	return ERR_OK;
}

static enum err_code
feed(struct batch_run *r, struct str body, size_t step)
{
	enum err_code rc = ERR_OK;

	while (!rc && body.len) {
		size_t n = step ? step : body.len;

		rc = batch_parser_feed(r->parser, str_head(body, n), &r->err);
		body = str_skip(body, n);
		if (!rc && r->windows && batch_parser_is_full(r->parser)) {
			say_window(r);
			clear(r);
		}
	}
	return rc;
}

static void
say_head(struct batch_run *r)
{
	static const char *const modes[] = { "independent", "validate-first",
		"atomic" };
	const struct batch_head *h = batch_parser_head(r->parser);

	buf_printf(&r->said, "%s%s %llu", modes[h->mode],
	    h->dry_run ? " dry" : "", (unsigned long long)h->fail_on_errors);
	say_headers(&r->said, "", &h->defaults);
	buf_putc(&r->said, '\n');
}

enum err_code
batch_run(struct batch_run *r, struct str body, size_t step)
{
	const struct batch_big big = { take_big, end_big, r };
	enum err_code rc;

	buf_clear(&r->said);
	buf_clear(&r->print);
	r->n = r->bad = 0;
	r->err = (struct err){ 0 };
	rc = batch_parser_new(r->form, str_from_c(r->boundary),
	    r->limits ? r->limits : &batch_limits_default, r->big ? &big : NULL,
	    &r->parser, &r->err);
	if (rc)
		return rc;
	if (!r->no_prints)
		batch_parser_keep_prints(r->parser, BATCH_PRINTS_ALL);
	rc = feed(r, body, step);
	if (!rc)
		rc = batch_parser_end(r->parser, &r->err);
	say_window(r);
	if (!rc) {
		say_head(r);
		if (!r->no_prints)
			buf_put(&r->print, batch_parser_print(r->parser));
	}
	batch_parser_free(r->parser);
	return rc;
}

enum err_code
batch_run_operations(struct batch_run *r, const char *operations, size_t step)
{
	struct buf text = { 0 };
	struct buf body = { 0 };
	enum err_code rc;

	buf_printf(
	    &body, "{\"operations\":[%s]}", batch_quoted(&text, operations));
	rc = batch_run(r, buf_str(&body), step);
	buf_done(&text);
	buf_done(&body);
	return rc;
}

void
batch_run_done(struct batch_run *r)
{
	buf_done(&r->said);
	buf_done(&r->print);
	buf_done(&r->body);
}

const char *
batch_quoted(struct buf *b, const char *text)
{
	buf_clear(b);
	for (; *text; text++)
		buf_putc(b, *text == '\'' ? '"' : *text);
	buf_putc(b, '\0');
	return b->ptr;
}
