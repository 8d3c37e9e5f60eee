/* SPDX-License-Identifier: MIT */
#include "http/url.h"

#include "http/href.h"

/* ---- one byte of a path after the other */

enum { AT_END = -1, AT_SLASH = -2 };

/*
 * Takes the next byte off *s, decoded; or AT_SLASH for a slash that is not
 * encoded, AT_END.  A '%' that begins no escape stands for itself.
 */
static int
next_byte(struct str *s)
{
	int high, low;
	char c;

	if (!s->len)
		return AT_END;
	c = s->ptr[0];
	high = c == '%' && s->len > 2 ? ascii_hex(s->ptr[1]) : -1;
	low = high >= 0 ? ascii_hex(s->ptr[2]) : -1;
	if (low >= 0) {
		*s = str_skip(*s, 3);
		return high << 4 | low;
	}
	*s = str_skip(*s, 1);
	return c == '/' ? AT_SLASH : (unsigned char)c;
}

/* The same, but a run of slashes is one slash, and one at the end is none. */
static int
next_of_path(struct str *s)
{
	int c = next_byte(s);

	if (c != AT_SLASH)
		return c;
	while (s->len && s->ptr[0] == '/')
		*s = str_skip(*s, 1);
	return s->len ? AT_SLASH : AT_END;
}

/* ---- taken apart */

static enum err_code
no_url(struct err *err, const char *why)
{
	return err_tell(err, ERR_BAD_REQUEST, "%s", why);
}

static bool
scheme_of(struct str *s, struct str *scheme)
{
	size_t at = str_find(*s, ':');
	size_t i;

	if (!at || at == s->len || !ascii_is_alpha(s->ptr[0]))
		return false;
	for (i = 1; i < at; i++) {
		char c = s->ptr[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '+' &&
		    c != '-' && c != '.')
			return false;
	}
	*scheme = str_head(*s, at);
	*s = str_skip(*s, at + 1);
	return true;
}

static unsigned
default_port(struct str scheme)
{
	return str_eq_nocase(scheme, STR("https")) ? 443 : 80;
}

static enum err_code
parse_authority(struct str s, struct url *u, struct err *err)
{
	size_t at = str_rfind(s, '@');
	size_t bracket, colon;
	uint64_t port;

	if (at < s.len) {
		u->user = str_head(s, at);
		s = str_skip(s, at + 1);
	}
	if (!s.len)
		return no_url(err, "the URL names no host");
	if (!authority_ok(s))
		return no_url(err, "the URL's host or port is none");
	bracket = str_rfind(s, ']');
	colon = str_rfind(s, ':');
	u->host = s;
	u->port = default_port(u->scheme);
	if (colon == s.len || (bracket < s.len && colon < bracket))
		return ERR_OK;
	u->host = str_head(s, colon);
	s = str_skip(s, colon + 1);
	if (!s.len)
		return ERR_OK;
	if (!str_to_u64(s, &port) || !port || port > 65535)
		return no_url(err, "the URL's port is none");
	u->port = (unsigned)port;
	return ERR_OK;
}

/* The index of the first byte that is one of set. */
static size_t
find_any(struct str s, const char *set)
{
	size_t i = 0;

	while (i < s.len && (!s.ptr[i] || !strchr(set, s.ptr[i])))
		i++;
	return i;
}

enum err_code
url_parse(struct str s, struct url *out, struct err *err)
{
	struct url u = { 0 };
	struct str authority;
	size_t end;
	enum err_code rc;

	if (!scheme_of(&s, &u.scheme))
		return no_url(err,
		    "this is no URL: http:// or https:// "
		    "is missing in front");
	if (!str_eq_nocase(u.scheme, STR("http")) &&
	    !str_eq_nocase(u.scheme, STR("https")))
		return no_url(err, "only http:// and https:// can be asked");
	if (!str_starts(s, STR("//")))
		return no_url(err, "the URL names no host");
	if (str_find(s, '#') < s.len)
		return no_url(err,
		    "the URL has a fragment; "
		    "a # in a name is written %23");
	s = str_skip(s, 2);
	end = find_any(s, "/?");
	authority = str_head(s, end);
	rc = parse_authority(authority, &u, err);
	if (rc)
		return rc;
	s = str_skip(s, end);
	end = str_find(s, '?');
	u.path = str_head(s, end);
	u.query = str_skip(s, end);
	*out = u;
	return ERR_OK;
}

/* ---- put together */

/* Bytes that may stand in a path as they are, but for the escapes. */
static bool
may_stand(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) ||
	    (c && strchr("-._~!$&'()*+,;=:@/", c));
}

static void
put_escape(struct buf *b, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char u = (unsigned char)c;

	buf_putc(b, '%');
	buf_putc(b, digits[u >> 4]);
	buf_putc(b, digits[u & 15]);
}

/* Escapes are kept as they are written. */
static void
put_clean(struct buf *b, struct str s, bool query)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool escape = c == '%' && s.len - i > 2 &&
		    ascii_hex(s.ptr[i + 1]) >= 0 &&
		    ascii_hex(s.ptr[i + 2]) >= 0;

		if (escape || may_stand(c) || (query && c == '?'))
			buf_putc(b, c);
		else
			put_escape(b, c);
	}
}

/* 1 for ".", 2 for "..", however they are encoded; else 0. */
static int
dots(struct str segment)
{
	int n = 0;
	int c;

	while ((c = next_byte(&segment)) == '.')
		n++;
	return c == AT_END && n <= 2 ? n : 0;
}

/*
 * Appends a path, which begins with a slash, without dot segments (RFC 3986
 * s5.2.4).
 */
static void
put_path(struct buf *b, struct str path)
{
	size_t start = b->len;
	struct str segment;

	path = str_skip(path, 1);
	buf_putc(b, '/');
	while (path.len) {
		bool slash = str_find(path, '/') < path.len;
		int n;

		(void)str_cut(&path, '/', &segment);
		n = dots(segment);
		if (n == 2 && b->len > start + 1 && !buf_failed(b)) {
			do
				b->len--;
			while (b->ptr[b->len - 1] != '/');
		}
		if (n)
			continue;
		put_clean(b, segment, false);
		if (slash)
			buf_putc(b, '/');
	}
}

static void
put_lower(struct buf *b, struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		buf_putc(b, ascii_lower(s.ptr[i]));
}

static void
put_origin(struct buf *b, const struct url *u)
{
	put_lower(b, u->scheme);
	BUF_LIT(b, "://");
	put_lower(b, u->host);
	if (u->port != default_port(u->scheme)) {
		buf_putc(b, ':');
		buf_put_u64(b, u->port);
	}
}

void
url_put(struct buf *b, const struct url *u)
{
	put_origin(b, u);
	put_path(b, u->path.len ? u->path : STR("/"));
	put_clean(b, u->query, true);
}

static enum err_code
keep(struct arena *a, const struct buf *b, struct str *out, struct err *err)
{
	if (buf_failed(b) || !arena_str(a, buf_str(b), out))
		return err_nomem(err);
	return ERR_OK;
}

enum err_code
url_clean(struct arena *a, struct str s, struct str *out, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct url u;
	enum err_code rc = url_parse(s, &u, err);

	if (rc)
		return rc;
	url_put(&b, &u);
	return keep(a, &b, out, err);
}

/* Appends base's path up to its last slash, and the relative path behind it. */
static void
put_relative(struct buf *b, const struct url *base, struct str path)
{
	struct buf joined CLEANUP(buf_done) = { 0 };
	struct str dir = str_head(base->path, str_rfind(base->path, '/'));

	if (dir.len < base->path.len)
		buf_put(&joined, dir);
	buf_putc(&joined, '/');
	buf_put(&joined, path);
	put_path(b, buf_str(&joined));
	if (buf_failed(&joined))
		b->failed = buf_failed(&joined);
}

enum err_code
url_resolve(struct arena *a, const struct url *base, struct str ref,
    struct str *out, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct buf whole CLEANUP(buf_done) = { 0 };
	struct str scheme, rest = ref;
	size_t end;

	ref = str_head(ref, str_find(ref, '#'));
	if (!ref.len)
		return no_url(err, "the href is empty");
	if (scheme_of(&rest, &scheme))
		return url_clean(a, ref, out, err);
	if (str_starts(ref, STR("//"))) {
		buf_put(&whole, base->scheme);
		buf_putc(&whole, ':');
		buf_put(&whole, ref);
		return buf_failed(&whole)
		    ? err_nomem(err)
		    : url_clean(a, buf_str(&whole), out, err);
	}
	put_origin(&b, base);
	end = str_find(ref, '?');
	if (end && ref.ptr[0] == '/')
		put_path(&b, str_head(ref, end));
	else if (end)
		put_relative(&b, base, str_head(ref, end));
	else
		put_path(&b, base->path.len ? base->path : STR("/"));
	put_clean(&b, str_skip(ref, end), true);
	return keep(a, &b, out, err);
}

/* ---- compared */

bool
url_same_origin(const struct url *a, const struct url *b)
{
	return a->port == b->port && str_eq_nocase(a->scheme, b->scheme) &&
	    str_eq_nocase(a->host, b->host);
}

/* 0: they are the same; 1: b is below a; -1: neither. */
static int
relation(struct str a, struct str b)
{
	int x, y;

	do {
		x = next_of_path(&a);
		y = next_of_path(&b);
	} while (x == y && x != AT_END);
	if (x == y)
		return 0;
	return x == AT_END && y == AT_SLASH ? 1 : -1;
}

bool
url_same(const struct url *a, const struct url *b)
{
	return url_same_origin(a, b) && str_eq(a->query, b->query) &&
	    relation(a->path, b->path) == 0;
}

bool
url_covers(const struct url *a, const struct url *b)
{
	return url_same_origin(a, b) && relation(a->path, b->path) >= 0;
}

void
url_put_key(struct buf *b, struct str path)
{
	int c;

	while ((c = next_of_path(&path)) != AT_END) {
		char byte = (char)c;

		if (c == AT_SLASH)
			buf_putc(b, '/');
		else if (c != '/' && may_stand(byte))
			buf_putc(b, byte);
		else
			put_escape(b, byte);
	}
}

/* ---- pieces */

struct str
url_name(struct str path)
{
	while (path.len && path.ptr[path.len - 1] == '/')
		path = str_head(path, path.len - 1);
	if (str_rfind(path, '/') == path.len)
		return path;
	return str_skip(path, str_rfind(path, '/') + 1);
}

size_t
url_parent_len(struct str s)
{
	struct url u;
	size_t from, len;

	if (url_parse(s, &u, NULL) || !u.path.len)
		return s.len;
	from = (size_t)(u.path.ptr - s.ptr);
	len = from + u.path.len;
	while (len > from + 1 && s.ptr[len - 1] == '/')
		len--;
	while (len > from + 1 && s.ptr[len - 1] != '/')
		len--;
	return len;
}

void
url_put_decoded(struct buf *b, struct str s)
{
	int c;

	while ((c = next_byte(&s)) != AT_END)
		buf_putc(b, c == AT_SLASH ? '/' : (char)c);
}

void
url_put_segment(struct buf *b, struct str name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (c != '/' && may_stand(c))
			buf_putc(b, c);
		else
			put_escape(b, c);
	}
}
