/* SPDX-License-Identifier: MIT */
/* Header fields of one operation, and what may not be among them. */
#include "wire/batch_impl.h"

#include <stdlib.h>

#include "http/scan.h"
#include "wire/json_load.h"

/*
 * Headers that no operation may have: they belong to the connection, or say who
 * asks, which the request says once for the whole batch.
 */
static const struct str forbidden[] = {
	STR_INIT("authorization"),
	STR_INIT("connection"),
	STR_INIT("content-length"),
	STR_INIT("cookie"),
	STR_INIT("cookie2"),
	STR_INIT("expect"),
	STR_INIT("host"),
	STR_INIT("http2-settings"),
	STR_INIT("keep-alive"),
	STR_INIT("te"),
	STR_INIT("trailer"),
	STR_INIT("transfer-encoding"),
	STR_INIT("upgrade"),
};

static bool
is_forbidden(struct str name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(forbidden); i++)
		if (str_eq_nocase(name, forbidden[i]))
			return true;
	return str_starts_nocase(name, STR("proxy-")) ||
	    (name.len && name.ptr[0] == ':');
}

static bool
is_field_value(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < ' ' ? s.ptr[i] != '\t'
						  : s.ptr[i] == '\x7f')
			return false;
	return true;
}

const char *
batch_header_wrong(const struct header *h)
{
	if (is_forbidden(h->name))
		return "belongs to the request that carries the batch; leave "
		       "it out";
	if (!scan_is_token(h->name))
		return "no name of a header field";
	if (!is_field_value(h->value))
		return "a control character in a header field";
	return NULL;
}

static bool
stands_before(const struct header *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_eq_nocase(v[i].name, v[n].name))
			return true;
	return false;
}

/* Header fields, and where they are read from, for messages. */
struct fields {
	struct arena *arena;
	struct header *v;
	size_t n, room;
	const struct batch_place *at;
	const char *below;
	struct err *err;
};

static bool
grow(struct fields *f)
{
	size_t room = f->room ? 2 * f->room : 2;
	struct header *v;

	if (f->n < f->room)
		return true;
	v = arena_array(f->arena, room, sizeof(*v));
	if (!v)
		return false;
	if (f->n)
		memcpy(v, f->v, f->n * sizeof(*v));
	f->v = v;
	f->room = room;
	return true;
}

/* Adds a field.  value.ptr is NULL where the value is not a string. */
static enum err_code
take_field(void *arg, struct str name, struct str value)
{
	struct fields *f = arg;
	const char *why = value.ptr ? NULL : "no string";
	struct header *h;

	if (!grow(f))
		return err_nomem(f->err);
	h = &f->v[f->n];
	if (!arena_str(f->arena, name, &h->name) ||
	    !arena_str(f->arena, str_trim(value), &h->value))
		return err_nomem(f->err);
	if (!why)
		why = batch_header_wrong(h);
	if (!why && stands_before(f->v, f->n))
		why = "the header stands twice";
	f->n++;
	return why ? batch_bad(f->err, ERR_BAD_BODY, f->at,
			 batch_below_in(f->below, name).text, "%s", why)
		   : ERR_OK;
}

enum err_code
batch_headers_read(struct arena *a, struct str bytes,
    const struct batch_place *at, const char *below, struct headers *out,
    struct err *err)
{
	struct fields f = { .arena = a, .at = at, .below = below, .err = err };
	const char *why;
	enum err_code rc = json_load_texts(bytes, take_field, &f, &why, err);

	if (!rc && why)
		rc = batch_bad(err, ERR_BAD_BODY, at, below, "%s", why);
	if (!rc)
		*out = (struct headers){ .v = f.v, .n = f.n };
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	const struct header *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

enum err_code
batch_headers_load(struct arena *a, const json_t *v,
    const struct batch_place *at, const char *below, struct headers *out,
    struct err *err)
{
	struct fields f = { .arena = a, .at = at, .below = below, .err = err };
	enum err_code rc = ERR_OK;
	const char *name;
	json_t *value;

	if (!json_is_object(v))
		return batch_bad(err, ERR_BAD_BODY, at, below, "no object");
	/* jansson takes no const object, and changes none. */
	json_object_foreach((json_t *)(uintptr_t)v, name, value)
	{
		if (!rc)
			rc =
			    take_field(&f, str_from_c(name), batch_text(value));
	}
	if (!rc && f.n)
		qsort(f.v, f.n, sizeof(*f.v), by_name);
	if (!rc)
		*out = (struct headers){ .v = f.v, .n = f.n };
	return rc;
}

enum err_code
batch_shorts_check(const struct batch_item *item, const struct batch_place *at,
    struct err *err)
{
	const struct {
		const char *member;
		bool is;
		const char *field;
	} rows[] = {
		{ "ifMatch", item->if_match.ptr != NULL, "if-match" },
		{ "ifNoneMatch", item->if_none_match.ptr != NULL,
		    "if-none-match" },
		{ "lockToken", item->lock_token.ptr != NULL, "lock-token" },
		{ "lockToken", item->lock_token.ptr != NULL, "if" },
		{ "depth", item->depth.ptr != NULL, "depth" },
		{ "destination", item->destination.ptr != NULL, "destination" },
		{ "overwrite", item->has_overwrite, "overwrite" },
		{ "idempotencyKey", item->idempotency_key.ptr != NULL,
		    "idempotency-key" },
	};
	size_t i;

	if (!item->headers.n)
		return ERR_OK;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].is &&
		    headers_has(&item->headers, str_from_c(rows[i].field)))
			return batch_bad(err, ERR_BAD_BODY, at,
			    batch_below(
				STR("headers"), str_from_c(rows[i].field))
				.text,
			    "stands beside \"%s\", which is short for it; "
			    "leave one out",
			    rows[i].member);
	return ERR_OK;
}
