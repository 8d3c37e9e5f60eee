/* SPDX-License-Identifier: MIT */
#include "wire/json_members.h"

#include <jansson.h>

#include "base/buf.h"
#include "wire/json_load.h"

/* Of a value inside the object. */
#define MOST_DEPTH 64U

struct reading {
	struct arena *a;
	enum split_kind kind; /* that the whole must have */
	struct buf list; /* of struct json_member */
};

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	const struct reading *r = arg;

	if (v->depth) {
		*way = SPLIT_TAKE;
		return ERR_OK;
	}
	if (v->kind != r->kind)
		return err_tell(err, ERR_BAD_BODY,
		    r->kind == SPLIT_OBJECT ? "this is no JSON object"
					    : "this is no JSON array");
	*way = SPLIT_ENTER;
	return ERR_OK;
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct reading *r = arg;
	struct json_member m = { .value = bytes, .kind = v->kind };

	if (v->name.ptr && !arena_str(r->a, v->name, &m.name))
		return err_nomem(err);
	buf_put(&r->list, str_of((const char *)&m, sizeof(m)));
	return buf_failed(&r->list) ? err_nomem(err) : ERR_OK;
}

static enum err_code
finish(const struct reading *r, struct json_members *out, struct err *err)
{
	size_t n = r->list.len / sizeof(struct json_member);
	struct json_member *v = arena_array(r->a, n + 1, sizeof(*v));

	if (!v)
		return err_nomem(err);
	if (n)
		memcpy(v, r->list.ptr, r->list.len);
	*out = (struct json_members){ v, n };
	return ERR_OK;
}

static enum err_code
read_all(struct arena *a, struct str text, enum split_kind kind,
    struct json_members *out, struct err *err)
{
	static const struct split_events events = { .begin = on_begin,
		.take = on_take };
	/* It is fed in one piece: what is taken is borrowed of it. */
	const struct split_limits limits = { text.len, MOST_DEPTH };
	struct reading r = { .a = a, .kind = kind };
	struct json_split *s = NULL;
	enum err_code rc;

	*out = (struct json_members){ 0 };
	rc = json_split_new(&limits, &events, &r, &s, err);
	if (!rc)
		rc = json_split_feed(s, text, err);
	if (!rc)
		rc = json_split_end(s, err);
	if (!rc)
		rc = finish(&r, out, err);
	else if (rc != ERR_NOMEM)
		rc = ERR_BAD_BODY;
	if (rc && err)
		err->code = rc;
	json_split_free(s);
	buf_done(&r.list);
	return rc;
}

enum err_code
json_members_read(struct arena *a, struct str object, struct json_members *out,
    struct err *err)
{
	return read_all(a, object, SPLIT_OBJECT, out, err);
}

enum err_code
json_elements_read(struct arena *a, struct str array, struct json_members *out,
    struct err *err)
{
	return read_all(a, array, SPLIT_ARRAY, out, err);
}

const struct json_member *
json_member_find(const struct json_members *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (str_eq(m->v[i].name, str_from_c(name)))
			return m->v[i].kind == SPLIT_NULL ? NULL : &m->v[i];
	return NULL;
}

enum err_code
json_string_read(
    struct arena *a, struct str value, struct str *out, struct err *err)
{
	const char *why = NULL;
	json_t *v;
	enum err_code rc = json_load_value(value, &v, &why, err);

	if (rc)
		return rc;
	if (!json_is_string(v))
		rc = err_tell(err, ERR_BAD_BODY, "%s", why ? why : "no string");
	else if (!arena_str(a,
		     str_of(json_string_value(v), json_string_length(v)), out))
		rc = err_nomem(err);
	json_decref(v);
	return rc;
}

enum err_code
json_member_text(struct arena *a, const struct json_members *m,
    const char *name, struct str *out, struct err *err)
{
	const struct json_member *one = json_member_find(m, name);

	*out = str_of("", 0);
	if (!one)
		return ERR_OK;
	if (one->kind != SPLIT_STRING)
		return err_tell(
		    err, ERR_BAD_BODY, "the member \"%s\" is no text", name);
	return json_string_read(a, one->value, out, err);
}

enum err_code
json_member_number(const struct json_members *m, const char *name,
    uint64_t *out, struct err *err)
{
	const struct json_member *one = json_member_find(m, name);

	if (one && (one->kind != SPLIT_NUMBER || !str_to_u64(one->value, out)))
		return err_tell(err, ERR_BAD_BODY,
		    "the member \"%s\" is no whole number", name);
	return ERR_OK;
}

bool
json_member_is_true(const struct json_members *m, const char *name)
{
	const struct json_member *one = json_member_find(m, name);

	return one && str_eq(one->value, STR("true"));
}
