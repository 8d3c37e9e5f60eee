/* SPDX-License-Identifier: MIT */
#include "bulk/feed.h"

/*
 * The body is parsed in slices so small that a window is hardly ever more than
 * full.
 */
#define SLICE ((size_t)4096)

static bool
is_stream(const struct feed *f)
{
	return f->spec.form != BATCH_JSON;
}

/* ---- running */

static enum err_code
make_run(struct feed *f, struct err *err)
{
	struct bulk_spec *s = &f->spec.run;
	enum err_code rc;

	if (f->run)
		return ERR_OK;
	s->stream = is_stream(f);
	rc = bulk_run_new(f->spec.env, s, &f->run, err);
	f->run_failed = rc != ERR_OK;
	return rc;
}

static enum err_code
run_window(struct feed *f, bool last, struct err *err)
{
	struct batch_window *w = batch_parser_window(f->parser);
	enum err_code rc = ERR_OK;

	f->total += w->n;
	if (!f->spec.count_only) {
		rc = make_run(f, err);
		if (!rc)
			rc = bulk_run_window(
			    f->run, batch_parser_head(f->parser), w, last, err);
		f->run_failed = rc != ERR_OK;
	}
	batch_window_clear(w);
	return rc;
}

/* ---- parts that do not fit in memory */

static enum err_code
drop_bytes(struct ostream *o, struct str bytes)
{
	(void)o;
	(void)bytes;
	return ERR_OK;
}

static enum err_code
big_begin(void *arg, const struct batch_item *item, struct ostream **to,
    struct err *err)
{
	static const struct ostream_ops dropping = { .name = "nowhere",
		.write = drop_bytes };
	struct feed *f = arg;
	enum err_code rc = ERR_OK;

	if (f->spec.count_only) {
		f->total++;
		ostream_init(&f->nowhere, &dropping);
		*to = &f->nowhere;
		return ERR_OK;
	}
	if (batch_parser_window(f->parser)->n)
		rc = run_window(f, false, err);
	if (!rc)
		rc = make_run(f, err);
	if (rc)
		return rc;
	f->total++;
	rc = bulk_run_big_begin(
	    f->run, batch_parser_head(f->parser), item, to, err);
	f->run_failed = rc != ERR_OK;
	return rc;
}

static enum err_code
big_end(void *arg, const struct err *bad, struct err *err)
{
	struct feed *f = arg;
	enum err_code rc;

	if (f->spec.count_only)
		return ERR_OK;
	rc = bulk_run_big_end(f->run, bad, err);
	f->run_failed = rc != ERR_OK;
	return rc;
}

/* ---- reading */

enum err_code
feed_init(struct feed *f, const struct feed_spec *spec, struct err *err)
{
	enum err_code rc;

	*f = (struct feed){ .spec = *spec };
	f->big = (struct batch_big){ big_begin, big_end, f };
	rc = batch_parser_new(spec->form, spec->boundary, spec->env->limits,
	    &f->big, &f->parser, err);
	/* All of a stream is not known when its first window runs. */
	if (!rc && spec->run.key.len)
		batch_parser_keep_prints(f->parser,
		    is_stream(f) ? BATCH_PRINTS_ITEMS : BATCH_PRINTS_ALL);
	return rc;
}

/*
 * To be called when the rest cannot be read.  Where something has run, what was
 * read runs as well, and the answer says how it ended.
 */
static enum err_code
break_off(struct feed *f, enum err_code rc, struct err *err)
{
	if (f->run_failed || !f->run || !bulk_run_started(f->run))
		return rc;
	f->over = true;
	f->broke = *err;
	rc = run_window(f, true, err);
	return rc ? rc : bulk_run_end(f->run, &f->broke, err);
}

/*
 * The next slice, up to the end of a line, where an operation is likely to end.
 */
static struct str
next_slice(struct str bytes)
{
	struct str slice = str_head(bytes, SLICE);
	size_t end = str_rfind(slice, '\n');

	return end < slice.len ? str_head(slice, end + 1) : slice;
}

enum err_code
feed_write(struct feed *f, struct str bytes, struct err *err)
{
	enum err_code rc;

	while (bytes.len && !f->over) {
		struct str slice = next_slice(bytes);

		rc = batch_parser_feed(f->parser, slice, err);
		if (rc)
			return break_off(f, rc, err);
		bytes = str_skip(bytes, slice.len);
		if (is_stream(f) && batch_parser_is_full(f->parser)) {
			rc = run_window(f, false, err);
			if (rc)
				return rc;
		}
	}
	return ERR_OK;
}

enum err_code
feed_end(struct feed *f, struct err *err)
{
	enum err_code rc;

	if (f->over)
		return ERR_OK;
	rc = batch_parser_end(f->parser, err);
	if (rc)
		return break_off(f, rc, err);
	if (!is_stream(f) && f->spec.run.key.len) /* all of it is known */
		f->spec.run.print = batch_parser_print(f->parser);
	if (!rc && f->spec.count_only && !is_stream(f))
		rc = bulk_check(f->spec.env, &f->spec.run,
		    batch_parser_head(f->parser),
		    batch_parser_window(f->parser), err);
	if (!rc)
		rc = run_window(f, true, err);
	if (rc || f->spec.count_only)
		return rc;
	f->over = true;
	return bulk_run_end(f->run, NULL, err);
}

bool
feed_is_dry(const struct feed *f)
{
	return f->spec.run.dry_run || batch_parser_head(f->parser)->dry_run;
}

void
feed_done(struct feed *f)
{
	bulk_run_free(f->run);
	batch_parser_free(f->parser);
	f->run = NULL;
	f->parser = NULL;
}
