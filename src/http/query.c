/* SPDX-License-Identifier: MIT */
#include "http/query.h"

#include "base/buf.h"

/* How many bytes of a client's text an error message quotes at most. */
#define SAID 40

static enum err_code
decode(struct arena *a, struct str s, struct str *out, struct err *err)
{
	char *to = arena_alloc(a, s.len + 1);
	size_t i, n = 0;

	if (!to)
		return err_nomem(err);
	for (i = 0; i < s.len; i++) {
		int high, low;

		if (s.ptr[i] != '%') {
			to[n++] = s.ptr[i];
			continue;
		}
		high = i + 2 < s.len ? ascii_hex(s.ptr[i + 1]) : -1;
		low = i + 2 < s.len ? ascii_hex(s.ptr[i + 2]) : -1;
		if (high < 0 || low < 0)
			return err_tell(err, ERR_BAD_REQUEST,
			    "a bad percent escape in the query");
		to[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*out = str_of(to, n);
	return ERR_OK;
}

static struct query_param *
find(struct query_param *params, size_t n, struct str name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_eq(params[i].name, name))
			return &params[i];
	return NULL;
}

static enum err_code
unknown(struct str name, const struct query_param *params, size_t n,
    struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t i;

	for (i = 0; i < n; i++)
		buf_printf(
		    &b, "%s%.*s", i ? ", " : "", STR_ARG(params[i].name));
	return err_tell(err, ERR_BAD_REQUEST,
	    "the query has '%.*s'; known here: %.*s",
	    STR_ARG(str_head(name, SAID)),
	    STR_ARG(n ? buf_str(&b) : STR("nothing")));
}

enum err_code
query_read(struct arena *a, struct str query, struct query_param *params,
    size_t n, struct err *err)
{
	struct str piece, name, value;
	enum err_code rc;

	while (query.ptr && str_cut(&query, '&', &piece)) {
		struct query_param *p;
		size_t equals = str_find(piece, '=');

		if (!piece.len)
			continue;
		rc = decode(a, str_head(piece, equals), &name, err);
		if (!rc)
			rc =
			    decode(a, str_skip(piece, equals + 1), &value, err);
		if (rc)
			return rc;
		p = find(params, n, name);
		if (!p)
			return unknown(name, params, n, err);
		if (p->given)
			return err_tell(err, ERR_BAD_REQUEST,
			    "the query has '%.*s' twice", STR_ARG(p->name));
		p->given = true;
		p->value = value;
	}
	return ERR_OK;
}
