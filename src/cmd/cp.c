/* SPDX-License-Identifier: MIT */
/*
 * `sheaf cp` and `sheaf mv`.  The server does it (COPY, MOVE), so that sources
 * and destination are on the same one.  All are looked at first: what is copied
 * goes into a destination that is a collection, and never replaces a collection
 * by mistake.
 */
#include "cmd/files.h"

struct transfer;

/* One source. */
struct one {
	struct transfer *t;
	struct str url;
	struct str destination;
	bool collection;
	struct work_item item;
};

struct transfer {
	struct files f;
	const char *op; /* "copy", "move" */
	const char *method;
	bool recursive; /* collections may be taken */
	struct str to;
	bool into; /* to is a collection */
	struct one *all;
	size_t n;
};

/*
 * Tells that a source was not copied.  When it is tried again it overwrites
 * nothing: the destination may be the collection that it was to go into.
 */
static void
fail(struct one *s, const struct verdict *v)
{
	struct verdict not_begun = *v;

	s->item.keep = true;

	files_not_begun(&not_begun);
	work_done(s->t->f.work, &s->item, &not_begun);
}

static void
refuse(struct one *s, struct str why)
{
	struct verdict v = files_refusal(why);

	s->item.keep = true;
	work_done(s->t->f.work, &s->item, &v);
}

/* Fails with 412, as on a server that knows Overwrite: F. */
static void
refuse_to_overwrite(struct one *s)
{
	struct verdict v = files_refusal(STR("it is there already"));

	v.status = 412;
	work_done(s->t->f.work, &s->item, &v);
}

static void
send(struct one *s)
{
	struct options *o = &s->t->f.o;

	if (o->dry_run) {
		files_would(&s->t->f, s->t->op, s->url, s->destination);
		return;
	}
	change(&s->t->f, &s->item,
	    (struct remote_spec){
		.method = s->t->method,
		.url = s->url,
		.destination = s->destination,
		.has_depth = true,
		.depth = DEPTH_INFINITY,
		.keep = s->item.keep,
		.if_match = s->item.if_match,
		.lock_token = s->item.lock_token,
	    },
	    NULL, NULL);
}

/* We look for ourselves, because some servers ignore Overwrite: F. */
static void
looked_at_place(void *arg, const struct entry *e, const struct verdict *v)
{
	struct one *s = arg;
	bool missing = v->fate != FATE_DONE && v->status == 404;

	if (!missing && (v->fate != FATE_DONE || !e))
		fail(s, v);
	else if (!missing && e->collection && !s->collection)
		refuse(s,
		    STR("a collection of that name is there already; "
			"remove it first (sheaf rm -r)"));
	else if (!missing && s->item.keep)
		refuse_to_overwrite(s);
	else
		send(s);
}

static bool
overlap(struct str a, struct str b)
{
	struct url from, to;

	return url_parse(a, &from, NULL) || url_parse(b, &to, NULL) ||
	    url_covers(&from, &to) || url_covers(&to, &from);
}

/* Finds the destination: DEST/NAME, or DEST; a query stays at the end. */
static bool
place(struct one *s)
{
	struct transfer *t = s->t;
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t query = str_find(t->to, '?');
	struct url from;

	if (url_parse(s->url, &from, NULL))
		return false;
	buf_put(&b, str_head(t->to, query));
	if (t->into) {
		if (!str_ends(buf_str(&b), STR("/")))
			buf_putc(&b, '/');
		buf_put(&b, url_name(from.path));
	}
	if (s->collection && b.len && b.ptr[b.len - 1] != '/')
		buf_putc(&b, '/');
	buf_put(&b, str_skip(t->to, query));
	return !buf_failed(&b) &&
	    arena_str(&t->f.s.a, buf_str(&b), &s->destination);
}

/* Whether an earlier source goes to the same place. */
static bool
is_taken(const struct one *s)
{
	const struct one *other;
	struct url a, b;

	if (url_parse(s->destination, &a, NULL))
		return true;
	for (other = s->t->all; other < s->t->all + s->t->n; other++)
		if (other != s && other->destination.len &&
		    !url_parse(other->destination, &b, NULL) &&
		    url_same(&a, &b))
			return true;
	return false;
}

static void
looked_at_source(void *arg, const struct entry *e, const struct verdict *v)
{
	struct one *s = arg;
	struct transfer *t = s->t;
	bool taken;

	if (!e || v->fate != FATE_DONE) {
		fail(s, v);
		return;
	}
	s->collection = e->collection;
	if (s->collection && !t->recursive) {
		refuse(s,
		    STR("it is a collection; -r copies it with all that "
			"is in it"));
		return;
	}
	if (s->collection)
		s->url = files_slash(&t->f, s->url);
	if (!s->url.len || !place(s)) {
		refuse(s, STR("out of memory"));
		return;
	}
	taken = is_taken(s);
	s->item.url = s->url;
	s->item.destination = s->destination;
	s->item.recursive = s->collection;
	if (overlap(s->url, s->destination))
		refuse(s, STR("source and destination overlap"));
	else if (taken)
		refuse(s, STR("another source goes to the same place"));
	else
		look(&t->f, s->destination, looked_at_place, s);
}

static void
refuse_all(struct transfer *t, struct str why)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		refuse(&t->all[i], why);
}

static void
looked_at_destination(void *arg, const struct entry *e, const struct verdict *v)
{
	struct transfer *t = arg;
	bool missing = v->fate != FATE_DONE && v->status == 404;
	size_t i;

	t->into = e && v->fate == FATE_DONE && e->collection;
	if (v->fate != FATE_DONE && !missing) {
		for (i = 0; i < t->n; i++)
			fail(&t->all[i], v);
	} else if (!t->into && t->n > 1) {
		refuse_all(t,
		    STR("with several sources the last URL must be a "
			"collection; make it with sheaf mkdir"));
	} else {
		for (i = 0; i < t->n; i++)
			look(
			    &t->f, t->all[i].url, looked_at_source, &t->all[i]);
	}
}

/* Whether all sources are on the server of the destination; else says so. */
static bool
same_server(struct transfer *t, int *code)
{
	struct url to, from;
	size_t i;

	if (url_parse(t->to, &to, NULL))
		return false;
	for (i = 0; i < t->n; i++) {
		if (!url_parse(t->f.s.urls[i], &from, NULL) &&
		    url_same_origin(&from, &to))
			continue;
		*code = files_wrong(&t->f,
		    "'%.*s' is on another server than the destination; use "
		    "sheaf get and sheaf put",
		    STR_ARG(t->f.s.urls[i]));
		return false;
	}
	return true;
}

static bool
prepare(struct transfer *t)
{
	struct options *o = &t->f.o;
	size_t i;

	t->all = files_array(&t->f, t->n, sizeof(*t->all));
	for (i = 0; t->all && i < t->n; i++) {
		struct one *s = &t->all[i];

		s->t = t;
		s->url = t->f.s.urls[i];
		s->item = (struct work_item){
			.op = t->op,
			.url = s->url,
			.destination = t->to,
			.if_match = str_from_c(o->if_match),
			.lock_token = files_token(&t->f),
			.keep = !o->force,
			.recursive = t->recursive,
		};
	}
	return t->all != NULL;
}

static int
run(struct transfer *t, const char *command, const char *const *args)
{
	static const struct files_shape shape = { 2, SIZE_MAX, 0, 0 };
	int code = EXIT_OK;

	if (!files_begin(&t->f, command, args, &shape, &code))
		return files_refuse(&t->f, code);
	t->n = t->f.s.n_urls - 1;
	t->to = t->f.s.urls[t->n];
	t->recursive |= t->f.o.recursive;
	if (!same_server(t, &code))
		return files_refuse(&t->f, code);
	if (!prepare(t))
		return files_cannot(&t->f);
	look(&t->f, t->to, looked_at_destination, t);
	files_run(&t->f);
	return files_end(&t->f);
}

int
cmd_cp(const char *const *args)
{
	struct transfer t = { .op = "copy", .method = "COPY" };

	return run(&t, "cp", args);
}

int
cmd_mv(const char *const *args)
{
	struct transfer t = {
		.op = "move", .method = "MOVE", .recursive = true
	};

	return run(&t, "mv", args);
}
