/* SPDX-License-Identifier: MIT */
#include "http/condition.h"

#include "base/clock.h"
#include "http/date.h"

/* etagc (RFC 9110 s8.8.3): no quote, space, control or DEL. */
static bool
is_etagc(char c)
{
	unsigned char u = (unsigned char)c;

	return u > ' ' && u != '"' && u != 0x7f;
}

bool
etag_take(struct str *rest, bool spaces, struct etag *out)
{
	bool weak = str_starts(*rest, STR("W/"));
	struct str s = str_skip(*rest, weak ? 2 : 0);
	size_t end = 1;

	if (!s.len || s.ptr[0] != '"')
		return false;
	while (end < s.len &&
	    (is_etagc(s.ptr[end]) || (spaces && s.ptr[end] == ' ')))
		end++;
	if (end == s.len || s.ptr[end] != '"')
		return false;
	*out = (struct etag){ .opaque = str_head(s, end + 1), .weak = weak };
	*rest = str_skip(s, end + 1);
	return true;
}

bool
etag_parse(struct str s, struct etag *out)
{
	struct etag tag;

	if (!etag_take(&s, false, &tag) || s.len)
		return false;
	*out = tag;
	return true;
}

bool
etag_same_strong(const struct etag *a, const struct etag *b)
{
	return !a->weak && !b->weak && str_eq(a->opaque, b->opaque);
}

static bool
etag_same_weak(const struct etag *a, const struct etag *b)
{
	return str_eq(a->opaque, b->opaque);
}

/* At most: a tag has two quotes, and none between them. */
static size_t
count_tags(struct str s)
{
	size_t i, quotes = 0;

	for (i = 0; i < s.len; i++)
		quotes += s.ptr[i] == '"';
	return quotes / 2;
}

/*
 * Reads a list of tags into v; false when s is none.  Commas stand between tags
 * and may stand in them; a recipient passes over empty members (RFC 9110
 * s5.6.1).
 */
static bool
take_tags(struct str s, struct etag *v, size_t *n)
{
	bool between = true; /* at the start, or after a comma */

	for (*n = 0; (s = str_trim(s)).len;) {
		if (s.ptr[0] == ',') {
			s = str_skip(s, 1);
			between = true;
			continue;
		}
		if (!between || !etag_take(&s, false, &v[*n]))
			return false;
		(*n)++;
		between = false;
	}
	return *n > 0;
}

static enum err_code
etag_list_parse(const struct headers *h, struct str name, struct arena *a,
    struct etag_list *out, struct err *err)
{
	struct etag_list list = { .present = headers_has(h, name) };
	struct etag *v;
	struct str s;
	enum err_code rc;

	*out = list;
	if (!list.present)
		return ERR_OK;
	rc = headers_list(h, name, a, &s, err);
	if (rc)
		return rc;
	list.any = str_eq(s, STR("*"));
	if (!list.any) {
		v = arena_array(a, count_tags(s) + 1, sizeof(*v));
		if (!v)
			return err_nomem(err);
		if (!take_tags(s, v, &list.n))
			return err_tell(err, ERR_BAD_HEADER,
			    "%.*s is neither '*' nor a list of entity tags",
			    STR_ARG(name));
		list.v = v;
	}
	*out = list;
	return ERR_OK;
}

/*
 * False: the field is absent, or is to be ignored, being no date or several
 * (s13.1.3, s13.1.4).
 */
static bool
date_field_parse(const struct headers *h, struct str name, int64_t *seconds)
{
	struct str s;

	return headers_has(h, name) &&
	    headers_one(h, name, &s, NULL) == ERR_OK &&
	    date_parse_http(s, seconds);
}

enum err_code
conditions_parse(const struct headers *h, bool read, struct arena *a,
    struct conditions *out, struct err *err)
{
	struct conditions c = { 0 };
	enum err_code rc;

	rc = etag_list_parse(h, STR("If-Match"), a, &c.match, err);
	if (!rc)
		rc = etag_list_parse(
		    h, STR("If-None-Match"), a, &c.none_match, err);
	if (rc)
		return rc;
	if (read)
		c.has_modified_since = date_field_parse(
		    h, STR("If-Modified-Since"), &c.modified_since);
	c.has_unmodified_since = date_field_parse(
	    h, STR("If-Unmodified-Since"), &c.unmodified_since);
	*out = c;
	return ERR_OK;
}

/* Whether the list names the resource's tag, or is "*" and it exists. */
static bool
matches(const struct etag_list *list, const struct validators *now,
    bool (*same)(const struct etag *a, const struct etag *b))
{
	const struct etag current = { .opaque = now->etag };
	size_t i;

	if (!now->exists)
		return false;
	if (list->any)
		return true;
	for (i = 0; i < list->n; i++)
		if (same(&list->v[i], &current))
			return true;
	return false;
}

/* Whether If-Match holds, or, where that is absent, If-Unmodified-Since. */
static bool
is_unchanged(const struct conditions *c, const struct validators *now)
{
	if (c->match.present)
		return matches(&c->match, now, etag_same_strong);
	return !c->has_unmodified_since || !now->exists ||
	    now->modified <= c->unmodified_since;
}

/* Whether If-None-Match holds, or, where that is absent, If-Modified-Since. */
static bool
is_new(const struct conditions *c, bool read, const struct validators *now)
{
	if (c->none_match.present)
		return !matches(&c->none_match, now, etag_same_weak);
	return !read || !c->has_modified_since || !now->exists ||
	    now->modified > c->modified_since;
}

enum err_code
conditions_check(const struct conditions *c, bool read,
    const struct validators *now, struct err *err)
{
	if (!is_unchanged(c, now))
		return err_tell(err, ERR_PRECONDITION, "%s does not hold",
		    c->match.present ? "If-Match" : "If-Unmodified-Since");
	if (is_new(c, read, now))
		return ERR_OK;
	if (read)
		return err_tell(err, ERR_NOT_MODIFIED, "not modified");
	return err_tell(err, ERR_PRECONDITION, "If-None-Match does not hold");
}

bool
if_range_holds(const struct headers *h, const struct validators *now)
{
	const struct etag current = { .opaque = now->etag };
	struct etag tag;
	struct str s;
	int64_t date;

	if (!headers_has(h, STR("If-Range")))
		return true;
	if (!now->exists || headers_one(h, STR("If-Range"), &s, NULL))
		return false;
	if (etag_parse(s, &tag))
		return etag_same_strong(&tag, &current);
	return date_parse_http(s, &date) && date == now->modified &&
	    date <= clock_seconds(clock_now()) - 60;
}
