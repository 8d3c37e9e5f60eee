/* SPDX-License-Identifier: MIT */
#include "http/headers.h"

#include "base/buf.h"

/* The exact comparison first: most clients write a name as the RFCs do. */
static inline bool
is_named(const struct header *h, struct str name)
{
	return h->name.len == name.len &&
	    (!memcmp(h->name.ptr, name.ptr, name.len) ||
		str_eq_nocase(h->name, name));
}

/* The next field of that name, from index *i on; NULL: no more. */
static const struct header *
next(const struct headers *h, struct str name, size_t *i)
{
	if (!headers_may_have(h, name))
		return NULL;
	while (*i < h->n) {
		const struct header *one = &h->v[(*i)++];

		if (is_named(one, name))
			return one;
	}
	return NULL;
}

size_t
headers_count(const struct headers *h, struct str name)
{
	size_t i = 0, n = 0;

	while (next(h, name, &i))
		n++;
	return n;
}

enum err_code
headers_one(
    const struct headers *h, struct str name, struct str *out, struct err *err)
{
	size_t i = 0;
	const struct header *first = next(h, name, &i);
	const struct header *other;

	if (!first) {
		*out = (struct str){ 0 };
		return ERR_OK;
	}
	while ((other = next(h, name, &i)))
		if (!str_eq(other->value, first->value))
			return err_tell(err, ERR_BAD_HEADER,
			    "%.*s is there more than once", STR_ARG(name));
	*out = first->value;
	return ERR_OK;
}

/* The length of all values with ", " behind each, so two bytes too many. */
static size_t
joined_length(const struct headers *h, struct str name)
{
	const struct header *one;
	size_t i = 0, len = 0;

	while ((one = next(h, name, &i)))
		len += one->value.len + 2;
	return len;
}

static char *
append(char *to, struct str s)
{
	if (s.len)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

enum err_code
headers_list(const struct headers *h, struct str name, struct arena *a,
    struct str *out, struct err *err)
{
	size_t i = 0, more;
	const struct header *one = next(h, name, &i);
	char *to, *at;

	more = i;
	if (!one || !next(h, name, &more)) {
		*out = one ? one->value : (struct str){ 0 };
		return ERR_OK;
	}
	to = at = arena_alloc(a, joined_length(h, name));
	if (!to)
		return err_nomem(err);
	i = 0;
	while ((one = next(h, name, &i))) {
		if (at != to)
			at = append(at, STR(", "));
		at = append(at, one->value);
	}
	*out = str_of(to, (size_t)(at - to));
	return ERR_OK;
}
