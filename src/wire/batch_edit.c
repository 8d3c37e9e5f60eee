/* SPDX-License-Identifier: MIT */
#include "wire/batch_edit.h"

#include "wire/escape.h"

/* ---- reading */

/* The members in which "$id" may stand; path: as "$id/rest", too. */
static const struct ref_row {
	const char *name;
	bool path;
} ref_rows[] = {
	{ "ifMatch", false },
	{ "ifNoneMatch", false },
	{ "url", true },
	{ "destination", true },
};

/* The id in "$id" or "$id/rest"; empty: it refers to nothing. */
static struct str
ref_of(struct str value, bool path)
{
	struct str id = str_skip(value, 1);

	if (!str_starts(value, STR("$")))
		return str_of("", 0);
	return path ? str_head(id, str_find(id, '/')) : id;
}

static enum err_code
read_refs(struct arena *a, struct batch_edit *e, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct str value, id;
	size_t i;

	for (i = 0; !rc && i < ARRAY_LEN(ref_rows); i++) {
		rc = json_member_text(
		    a, &e->members, ref_rows[i].name, &value, err);
		id = ref_of(value, ref_rows[i].path);
		if (!rc && id.len)
			e->refs[e->n_refs++] = id;
	}
	return rc;
}

static enum err_code
read_depends(struct arena *a, struct batch_edit *e, struct err *err)
{
	const struct json_member *m =
	    json_member_find(&e->members, "dependsOn");
	struct json_members list;
	enum err_code rc;
	struct str *ids;
	size_t i;

	if (!m)
		return ERR_OK;
	if (m->kind != SPLIT_ARRAY)
		return err_tell(err, ERR_BAD_BODY,
		    "the member \"dependsOn\" is no list of ids");
	rc = json_elements_read(a, m->value, &list, err);
	if (rc)
		return rc;
	ids = arena_array(a, list.n + 1, sizeof(*ids));
	if (!ids)
		return err_nomem(err);
	for (i = 0; !rc && i < list.n; i++)
		rc = json_string_read(a, list.v[i].value, &ids[i], err);
	e->depends_on = ids;
	e->n_depends_on = list.n;
	return rc;
}

/* Other servers' ids may be numbers. */
static enum err_code
read_id(struct arena *a, struct batch_edit *e, struct err *err)
{
	const struct json_member *m = json_member_find(&e->members, "id");

	if (!m || m->kind != SPLIT_NUMBER)
		return json_member_text(a, &e->members, "id", &e->id, err);
	e->id = m->value;
	return ERR_OK;
}

static enum err_code
read_texts(struct arena *a, struct batch_edit *e, struct err *err)
{
	const struct {
		const char *name;
		struct str *to;
	} rows[] = {
		{ "op", &e->op },
		{ "method", &e->method },
		{ "url", &e->url },
		{ "destination", &e->destination },
		{ "idempotencyKey", &e->key },
		{ "atomicityGroup", &e->group },
	};
	enum err_code rc = read_id(a, e, err);
	size_t i;

	for (i = 0; !rc && i < ARRAY_LEN(rows); i++)
		rc = json_member_text(
		    a, &e->members, rows[i].name, rows[i].to, err);
	return rc;
}

enum err_code
batch_edit_read(
    struct arena *a, struct str text, struct batch_edit *out, struct err *err)
{
	enum err_code rc;

	*out = (struct batch_edit){ 0 };
	rc = json_members_read(a, text, &out->members, err);
	if (!rc)
		rc = read_texts(a, out, err);
	if (!rc)
		rc = read_depends(a, out, err);
	if (!rc)
		rc = read_refs(a, out, err);
	if (!rc && !out->op.len == !out->method.len)
		rc = err_tell(err, ERR_BAD_BODY,
		    "one of \"op\" and \"method\" has to be there");
	if (!rc && !out->url.len)
		rc = err_tell(err, ERR_BAD_BODY, "there is no member \"url\"");
	return rc;
}

/* ---- writing */

struct writing {
	struct buf *b;
	const struct batch_edit *e;
	const struct edit_changes *c;
	bool some;
};

static bool
known(const struct edit_changes *c, struct str id, struct edit_known *out)
{
	*out = (struct edit_known){ 0 };
	return c->known && c->known(c->arg, id, out);
}

static void
put_name(struct writing *w, struct str name)
{
	if (w->some)
		buf_putc(w->b, ',');
	w->some = true;
	json_put_string(w->b, name);
	buf_putc(w->b, ':');
}

static void
put_text(struct writing *w, struct str name, struct str value)
{
	put_name(w, name);
	json_put_string(w->b, value);
}

/* Writes dependsOn without what is done; not at all where all of it is. */
static void
put_depends(struct writing *w)
{
	struct edit_known k;
	bool some = false;
	size_t i;

	for (i = 0; i < w->e->n_depends_on; i++) {
		struct str id = w->e->depends_on[i];

		if (known(w->c, id, &k) && k.done)
			continue;
		if (some)
			buf_putc(w->b, ',');
		else {
			put_name(w, STR("dependsOn"));
			buf_putc(w->b, '[');
		}
		some = true;
		json_put_string(w->b, id);
	}
	if (some)
		buf_putc(w->b, ']');
}

/* Appends the location, and what followed the id; one slash between them. */
static void
put_path(struct buf *to, struct str href, struct str rest)
{
	if (rest.len && str_ends(href, STR("/")))
		href.len--;
	buf_put(to, href);
	buf_put(to, rest);
}

/*
 * Writes a member that refers to an operation that is done, with what it refers
 * to; *done: it did.  Any other is not touched.
 */
static enum err_code
put_ref(struct writing *w, const struct json_member *m,
    const struct ref_row *row, struct str value, bool *done, struct err *err)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	struct str id = ref_of(value, row->path);
	struct edit_known k;

	if (!id.len || !known(w->c, id, &k) || !k.done)
		return ERR_OK;
	if (row->path && k.href.len)
		put_path(&text, k.href, str_skip(value, id.len + 1));
	else if (!row->path)
		buf_put(&text, k.etag);
	if (buf_failed(&text))
		return err_nomem(err);
	if (!text.len)
		return err_tell(err, ERR_NOT_FOUND,
		    "\"%s\" refers to '%.*s', whose answer did not tell its %s",
		    row->name, (int)(id.len < 60 ? id.len : 60), id.ptr,
		    row->path ? "location" : "entity tag");
	put_text(w, m->name, buf_str(&text));
	*done = true;
	return ERR_OK;
}

static const struct ref_row *
find_row(struct str name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(ref_rows); i++)
		if (str_eq(name, str_from_c(ref_rows[i].name)))
			return &ref_rows[i];
	return NULL;
}

static enum err_code
put_member(struct writing *w, const struct json_member *m, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct ref_row *row = find_row(m->name);
	struct str value;
	bool done = false;
	enum err_code rc = ERR_OK;

	if (str_eq(m->name, STR("id")) && w->c->id.len)
		return ERR_OK;
	if (str_eq(m->name, STR("idempotencyKey")) && w->c->key.len)
		return ERR_OK;
	if (str_eq(m->name, STR("dependsOn")) && m->kind == SPLIT_ARRAY) {
		put_depends(w);
		return ERR_OK;
	}
	if (row && m->kind == SPLIT_STRING) {
		rc = json_string_read(&a, m->value, &value, err);
		if (!rc)
			rc = put_ref(w, m, row, value, &done, err);
	}
	if (rc || done)
		return rc;
	put_name(w, m->name);
	buf_put(w->b, m->value);
	return ERR_OK;
}

enum err_code
batch_edit_put(struct buf *b, const struct batch_edit *e,
    const struct edit_changes *c, struct err *err)
{
	struct writing w = { .b = b, .e = e, .c = c };
	enum err_code rc = ERR_OK;
	size_t i;

	buf_putc(b, '{');
	if (c->id.len)
		put_text(&w, STR("id"), c->id);
	if (c->key.len)
		put_text(&w, STR("idempotencyKey"), c->key);
	for (i = 0; !rc && i < e->members.n; i++)
		rc = put_member(&w, &e->members.v[i], err);
	buf_putc(b, '}');
	if (!rc && buf_failed(b))
		rc = err_nomem(err);
	return rc;
}

/* ---- Elasticsearch */

enum err_code
batch_action_read(
    struct arena *a, struct str text, struct batch_edit *out, struct err *err)
{
	static const char *const ops[] = { "index", "create", "update",
		"delete" };
	struct json_members inside;
	enum err_code rc;
	size_t i;

	*out = (struct batch_edit){ 0 };
	rc = json_members_read(a, text, &out->members, err);
	for (i = 0; !rc && out->members.n == 1 && i < ARRAY_LEN(ops); i++)
		if (str_eq(out->members.v[0].name, str_from_c(ops[i])))
			out->op = out->members.v[0].name;
	if (!rc && !out->op.len)
		rc = err_tell(err, ERR_BAD_BODY,
		    "an action is one of index, create, update and delete");
	if (!rc)
		rc =
		    json_members_read(a, out->members.v[0].value, &inside, err);
	if (!rc)
		rc = json_member_text(a, &inside, "_id", &out->id, err);
	return rc;
}

bool
batch_action_has_source(const struct batch_edit *e)
{
	return !str_eq(e->op, STR("delete"));
}
