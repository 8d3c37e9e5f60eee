/* SPDX-License-Identifier: MIT */
/* Header fields of one operation, and what may not be among them. */
#include "wire/batch_impl.h"

#include "http/scan.h"

/* They belong to the connection, or say who asks: one request has them once. */
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

enum err_code
batch_header_check(const struct header *h, const struct batch_place *at,
    const char *below, struct err *err)
{
	if (is_forbidden(h->name))
		return batch_bad(err, ERR_BAD_BODY, at, below,
		    "belongs to the request that carries the batch; leave it "
		    "out");
	if (!scan_is_token(h->name))
		return batch_bad(
		    err, ERR_BAD_BODY, at, below, "no name of a header field");
	if (!is_field_value(h->value))
		return batch_bad(err, ERR_BAD_BODY, at, below,
		    "a control character in a header field");
	return ERR_OK;
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

static enum err_code
take_field(struct arena *a, struct header *v, size_t n, const char *name,
    const json_t *value, const struct batch_place *at, const char *below,
    struct err *err)
{
	struct header *h = &v[n];
	enum err_code rc;

	if (!json_is_string(value))
		return batch_bad(err, ERR_BAD_BODY, at, below, "no string");
	if (!arena_str(a, str_from_c(name), &h->name) ||
	    !arena_str(a, str_trim(batch_text(value)), &h->value))
		return err_nomem(err);
	rc = batch_header_check(h, at, below, err);
	if (!rc && stands_before(v, n))
		rc = batch_bad(
		    err, ERR_BAD_BODY, at, below, "the header stands twice");
	return rc;
}

enum err_code
batch_headers_load(struct arena *a, const json_t *v,
    const struct batch_place *at, const char *below, struct headers *out,
    struct err *err)
{
	struct header *fields;
	enum err_code rc = ERR_OK;
	const char *name;
	json_t *value;
	size_t n = 0;

	if (!json_is_object(v))
		return batch_bad(err, ERR_BAD_BODY, at, below, "no object");
	fields = arena_array(a, json_object_size(v) + 1, sizeof(*fields));
	if (!fields)
		return err_nomem(err);
	/* jansson takes no const object, and changes none. */
	json_object_foreach((json_t *)(uintptr_t)v, name, value)
	{
		struct batch_below where =
		    batch_below_in(below, str_from_c(name));

		if (!rc)
			rc = take_field(
			    a, fields, n++, name, value, at, where.text, err);
	}
	if (!rc)
		*out = (struct headers){ fields, n };
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
