/* SPDX-License-Identifier: MIT */
#include "store/apply_suite.h"

static struct edit *
add(struct edits *l, enum edit_kind kind, const char *path, const char *to)
{
	struct edit *e = &l->v[l->n];

	assert_true(l->n < EDITS_MAX);
	*e = (struct edit){ .kind = kind };
	if (path)
		e->path = at(path);
	if (to)
		e->to = at(to);
	l->n++;
	return e;
}

struct edit *
edit_remove(struct edits *l, const char *path)
{
	return add(l, EDIT_REMOVE, path, NULL);
}

struct edit *
edit_move(struct edits *l, const char *path, const char *to)
{
	return add(l, EDIT_MOVE, path, to);
}

struct edit *
edit_mkcol(struct edits *l, const char *to)
{
	return add(l, EDIT_MKCOL, NULL, to);
}

struct edit *
edit_unlock(struct edits *l, const char *path)
{
	return add(l, EDIT_UNLOCK, path, NULL);
}

struct edit *
edit_record(struct edits *l, const char *to, const struct record *r)
{
	struct edit *e = add(l, EDIT_RECORD, NULL, to);

	e->record = r;
	return e;
}

struct edit *
edit_file(struct edits *l, const char *to, const char *text)
{
	struct edit *e = add(l, EDIT_FILE, NULL, to);
	struct rpath near = rpath_parent(at(to));
	struct resource r;

	while (store_stat(l->store, near, &r, NULL))
		near = rpath_parent(near);
	assert_ok(store_stage(l->store, near, NULL, &e->file, err));
	(void)ostream_write(upload_stream(e->file), str_from_c(text));
	assert_ok(upload_settle(e->file, &e->made, err));
	return e;
}

void
edit_set(struct edits *l, struct edit *e, const char *value)
{
	struct prop *p = &l->props[e - l->v];

	*p = (struct prop){
		.name = { STR("urn:t"), STR("p") },
		.form = PROP_TEXT,
		.value = str_from_c(value),
	};
	e->props = p;
	e->n_props = 1;
}

struct edit *
edit_props(struct edits *l, const char *to, const char *value)
{
	struct edit *e = add(l, EDIT_PROPS, NULL, to);

	if (value)
		edit_set(l, e, value);
	return e;
}

enum err_code
edits_apply(struct edits *l, struct err *err)
{
	struct store_claim *c;
	enum err_code rc = store_claim(l->store, at("/"), &c, err);

	if (rc)
		return rc;
	rc = store_apply(l->store, c, l->v, l->n, err);
	store_claim_end(c);
	return rc;
}

void
must_apply(struct edits *l)
{
	assert_ok(edits_apply(l, err));
	edits_done(l);
}

void
edits_done(struct edits *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		upload_free(l->v[i].file);
	l->n = 0;
}
