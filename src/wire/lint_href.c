/* SPDX-License-Identifier: MIT */
/* X108, X109: the hrefs of responses. */
#include "wire/lint_impl.h"

static const char encode_todo[] =
    "Percent-encode each byte of a name that a URI cannot hold as it is: a "
    "space is %20, and what is not ASCII is encoded byte by byte of its UTF-8.";

/* unreserved, sub-delims, ":", "@" and "/" (RFC 3986 s3.3); '?' as well. */
static bool
may_stand(unsigned char c)
{
	return ascii_is_alpha((char)c) || ascii_is_digit((char)c) ||
	    (c && strchr("-._~!$&'()*+,;=:@/?%", c));
}

/* The first byte that may not stand in it, or s.len. */
static size_t
find_raw(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (!may_stand((unsigned char)s.ptr[i]))
			return i;
		if (s.ptr[i] == '%' &&
		    (i + 2 >= s.len || ascii_hex(s.ptr[i + 1]) < 0 ||
			ascii_hex(s.ptr[i + 2]) < 0))
			return i;
	}
	return s.len;
}

static bool
judge_bytes(struct lint *l, struct str href, const struct lint_place *at)
{
	size_t slashes = str_find(href, '/');
	struct str path = href;
	size_t i;

	/* "http://[::1]/" */
	if (str_starts(str_skip(href, slashes), STR("//[")))
		path = str_skip(href, str_find(href, ']') + 1);
	i = find_raw(path);
	if (i == path.len)
		return true;
	if (path.ptr[i] == '#')
		lint_say(l, LINT_X109, LINT_ERROR, at, NULL,
		    "the href '%.*s' has a fragment", LINT_SHOW(href));
	else if (path.ptr[i] == '%')
		lint_say(l, LINT_X109, LINT_ERROR, at, encode_todo,
		    "the href '%.*s' has a '%%' with no two hexadecimal digits "
		    "behind it",
		    LINT_SHOW(href));
	else
		lint_say(l, LINT_X109, LINT_ERROR, at, encode_todo,
		    "the href '%.*s' has a byte 0x%02x that is not encoded",
		    LINT_SHOW(href), (unsigned)(unsigned char)path.ptr[i]);
	return false;
}

/* "." or "..", however it is written. */
static bool
is_dots(struct str segment)
{
	size_t n = 0;

	while (segment.len) {
		size_t one = segment.ptr[0] == '.' ? 1 : 3;

		if (one == 3 &&
		    !str_eq_nocase(str_head(segment, 3), STR("%2e")))
			return false;
		segment = str_skip(segment, one);
		n++;
	}
	return n == 1 || n == 2;
}

static bool
judge_dots(struct lint *l, struct str path, const struct lint_place *at)
{
	struct str rest = path, segment;

	while (str_cut(&rest, '/', &segment)) {
		if (is_dots(segment)) {
			LINT_SAY(l, X109, at,
			    "the href '%.*s' has a '.' or '..' segment",
			    LINT_SHOW(path));
			return false;
		}
	}
	return true;
}

/* Methods whose answers are about what is at and below the request's URL. */
static bool
stays_below(const struct lint *l)
{
	return LINT_IS(l, "PROPFIND") || LINT_IS(l, "PROPPATCH") ||
	    LINT_IS(l, "DELETE") || LINT_IS(l, "MKCOL") || LINT_IS(l, "LOCK");
}

static void
judge_place(struct lint *l, struct str href, const struct url *u,
    const struct lint_place *at)
{
	if (!l->url.scheme.len)
		return;
	if (!url_same_origin(&l->url, u))
		LINT_SAY(l, X109, at,
		    "the href '%.*s' is of another server than the request",
		    LINT_SHOW(href));
	else if (stays_below(l) && !url_covers(&l->url, u))
		LINT_SAY(l, X109, at,
		    "the href '%.*s' is not below the request's '%.*s'",
		    LINT_SHOW(href), LINT_SHOW(l->url.path));
}

/* All hrefs are absolute, or all are paths (RFC 4918 s8.3). */
static void
judge_mixture(struct lint *l, struct lint_hrefs *hs, struct str href,
    bool absolute, const struct lint_place *at)
{
	if (!hs->some) {
		hs->some = true;
		hs->absolute = absolute;
	}
	if (hs->absolute == absolute || hs->said)
		return;
	hs->said = true;
	LINT_SAY(l, X109, at, "the href '%.*s' is %s, and the first was %s",
	    LINT_SHOW(href), absolute ? "a URI" : "a path",
	    absolute ? "a path" : "a URI");
}

/* Parses an href as a client would; false: it cannot be, which was said. */
static bool
take_apart(struct lint *l, struct lint_hrefs *hs, struct str href,
    struct url *u, const struct lint_place *at)
{
	bool absolute = !str_starts(href, STR("/"));

	if (!href.len) {
		LINT_SAY(l, X109, at, "the href is empty");
		return false;
	}
	if (!judge_bytes(l, href, at))
		return false;
	if (str_starts(href, STR("//"))) {
		LINT_SAY(l, X109, at,
		    "the href '%.*s' begins with two slashes, which would be "
		    "a host",
		    LINT_SHOW(href));
		return false;
	}
	if (absolute && url_parse(href, u, NULL)) {
		LINT_SAY(l, X109, at,
		    "the href '%.*s' is neither a URL of http or https nor an "
		    "absolute path",
		    LINT_SHOW(href));
		return false;
	}
	if (!absolute) {
		*u = l->url;
		u->path = str_head(href, str_find(href, '?'));
		u->query = str_skip(href, u->path.len);
	}
	judge_mixture(l, hs, href, absolute, at);
	return judge_dots(l, u->path, at);
}

/* Makes a key that all ways to write a URL share; a slash at its end counts. */
static enum err_code
make_key(const struct lint *l, struct lint_hrefs *hs, const struct url *u)
{
	struct buf *key = &hs->key;

	buf_clear(key);
	if (!l->url.scheme.len || !url_same_origin(&l->url, u))
		buf_printf(key, "%.*s:%u", STR_ARG(u->host), u->port);
	url_put_key(key, u->path);
	if (str_ends(u->path, STR("/")))
		buf_putc(key, '/');
	buf_put(key, u->query);
	return buf_failed(key);
}

enum err_code
lint_href(struct lint *l, struct lint_hrefs *hs, struct str href,
    const struct lint_place *at, bool *target)
{
	struct url u = { 0 };
	uint64_t *seen;
	enum err_code rc;

	*target = false;
	if (!take_apart(l, hs, href, &u, at))
		return ERR_OK;
	judge_place(l, href, &u, at);
	*target = l->url.scheme.len && url_same(&l->url, &u);
	rc = make_key(l, hs, &u);
	if (!rc)
		rc = lint_remember(l, buf_str(&hs->key), at->line, &seen);
	if (!rc && seen)
		LINT_SAY(l, X108, at,
		    "the href '%.*s' stood in line %llu already",
		    LINT_SHOW(href), (unsigned long long)*seen);
	return rc;
}
