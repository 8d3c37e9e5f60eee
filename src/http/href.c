/* SPDX-License-Identifier: MIT */
#include "http/href.h"

#include "base/sixteen.h"

/* clang-format off */
/* The bytes that are not encoded in an href that we write. */
static const bool plain[256] = {
	[0x20] = /*  !"#$%&'()*+,-./ */
	0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
	/* 0123456789:;<=>? */
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0,
	/* @ABCDEFGHIJKLMNO */
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	/* PQRSTUVWXYZ[\]^_ */
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1,
	/* `abcdefghijklmno */
	0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	/* pqrstuvwxyz{|}~ */
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0,
};
/* clang-format on */

/*
 * Whether a byte may stand in a path unencoded: all but controls, space, and
 * what would begin a query or a fragment.
 */
static bool
raw_ok(char c)
{
	unsigned char u = (unsigned char)c;

	return u > ' ' && u != 0x7f && c != '?' && c != '#';
}

/* Decodes the escape at the start of s; returns NULL, or what is wrong. */
static const char *
unescape(struct str s, char *byte)
{
	int high = s.len > 1 ? ascii_hex(s.ptr[1]) : -1;
	int low = s.len > 2 ? ascii_hex(s.ptr[2]) : -1;

	if (high < 0 || low < 0)
		return "a path has a bad percent escape";
	*byte = (char)(high << 4 | low);
	if (*byte == '/')
		return "a path has an encoded slash";
	if (*byte == '\0')
		return "a path has an encoded NUL";
	return NULL;
}

/* `to` has room for wire.len bytes.  Returns NULL, or what is wrong. */
static const char *
decode_segment(struct str wire, char *to, size_t *len)
{
	size_t i, n = 0;

	for (i = 0; i < wire.len; i++) {
		char c = wire.ptr[i];

		if (c == '%') {
			const char *wrong = unescape(str_skip(wire, i), &c);

			if (wrong)
				return wrong;
			i += 2;
		} else if (!raw_ok(c)) {
			return "a path has a byte that must be encoded";
		}
		to[n++] = c;
	}
	/* Asked of the decoded name, so that "%2e" cannot get past it. */
	if (!rpath_segment_ok(str_of(to, n)))
		return "a path has a '.' or '..' segment";
	*len = n;
	return NULL;
}

enum err_code
href_decode_path(struct arena *a, struct str wire, struct rpath *out,
    bool *slash, struct err *err)
{
	struct str segment, rest = str_skip(wire, 1);
	size_t n, len = 0;
	char *to;

	if (!wire.len || wire.ptr[0] != '/')
		return err_tell(
		    err, ERR_BAD_PATH, "a path must begin with a slash");
	to = arena_alloc(a, wire.len + 1);
	if (!to)
		return err_nomem(err);
	to[0] = '/';
	while (str_cut(&rest, '/', &segment)) {
		const char *wrong;

		if (!segment.len)
			continue;
		to[len] = '/';
		wrong = decode_segment(segment, to + len + 1, &n);
		if (wrong)
			return err_tell(err, ERR_BAD_PATH, "%s", wrong);
		len += 1 + n;
	}
	out->s = str_of(to, len ? len : 1);
	if (slash)
		*slash = wire.ptr[wire.len - 1] == '/';
	return ERR_OK;
}

struct uri {
	struct str scheme;
	struct str authority;
	struct str path; /* "" or from its slash on */
};

/* RFC 3986 s3, for schemes with an authority; false for anything else. */
static bool
uri_split(struct str s, struct uri *out)
{
	size_t colon = str_find(s, ':');
	struct str rest = str_skip(s, colon + 1);
	size_t end;

	if (!colon || !str_starts(rest, STR("//")))
		return false;
	rest = str_skip(rest, 2);
	for (end = 0; end < rest.len; end++)
		if (rest.ptr[end] == '/' || rest.ptr[end] == '?' ||
		    rest.ptr[end] == '#')
			break;
	*out = (struct uri){
		.scheme = str_head(s, colon),
		.authority = str_head(rest, end),
		.path = str_skip(rest, end),
	};
	return true;
}

struct host_port {
	struct str host; /* with the brackets of an IPv6 address */
	uint64_t port;
};

static uint64_t
default_port(struct str scheme)
{
	if (str_eq_nocase(scheme, STR("http")))
		return 80;
	return str_eq_nocase(scheme, STR("https")) ? 443 : 0;
}

/* Takes an authority apart (RFC 3986 s3.2); a user name is passed over. */
static bool
authority_split(struct str s, struct str scheme, struct host_port *out)
{
	size_t at = str_find(s, '@');
	size_t end;
	struct str port;

	if (at < s.len)
		s = str_skip(s, at + 1);
	end =
	    s.len && s.ptr[0] == '[' ? str_find(s, ']') + 1 : str_find(s, ':');
	if (!end || end > s.len || str_find(s, '@') < s.len)
		return false;
	out->host = str_head(s, end);
	out->port = default_port(scheme);
	port = str_skip(s, end);
	if (port.len && port.ptr[0] != ':')
		return false;
	port = str_skip(port, 1);
	return !port.len || (str_to_u64(port, &out->port) && out->port < 65536);
}

bool
authority_ok(struct str s)
{
	struct host_port hp;
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!ascii_is_alpha(s.ptr[i]) && !ascii_is_digit(s.ptr[i]) &&
		    s.ptr[i] != '.' && s.ptr[i] != ':' &&
		    !(s.ptr[i] && strchr("-_~%!$&'()*+,;=[]", s.ptr[i])))
			return false;
	return authority_split(s, STR("http"), &hp);
}

/*
 * Compares as RFC 3986 s6.2.2.1 and s6.2.3 say, except that http and https at
 * their default ports are one: a proxy that speaks TLS for us may pass Host on
 * and say nothing of the scheme, while the client names the URL as it knows it.
 */
static bool
is_origin(
    const struct origin *origin, struct str scheme, const struct host_port *hp)
{
	uint64_t theirs = default_port(scheme);
	struct host_port ours;

	return theirs &&
	    authority_split(origin->authority, origin->scheme, &ours) &&
	    str_eq_nocase(hp->host, ours.host) &&
	    (hp->port == ours.port ||
		(hp->port == theirs &&
		    ours.port == default_port(origin->scheme)));
}

/* *path: what an absolute URI of this origin, or an absolute path, leads to. */
static enum err_code
find_path(const struct origin *origin, struct href wire, struct str *path,
    struct err *err)
{
	struct host_port hp;
	struct uri uri;

	if (str_starts(wire.s, STR("//")))
		return err_tell(err, ERR_BAD_PATH,
		    "a URL without scheme may not begin with two slashes");
	if (str_starts(wire.s, STR("/"))) {
		*path = wire.s;
		return ERR_OK;
	}
	if (!uri_split(wire.s, &uri) ||
	    !authority_split(uri.authority, uri.scheme, &hp))
		return err_tell(err, ERR_BAD_PATH,
		    "neither an absolute URL nor an absolute path");
	if (!is_origin(origin, uri.scheme, &hp))
		return err_tell(
		    err, ERR_BAD_GATEWAY, "the URL is of another server");
	*path = uri.path.len ? uri.path : STR("/");
	return ERR_OK;
}

/*
 * Compared decoded: a client may well encode a prefix in another way than the
 * administrator did.
 */
static enum err_code
take_prefix_off(
    struct arena *a, struct str encoded, struct rpath *path, struct err *err)
{
	struct rpath prefix;
	enum err_code rc = href_decode_path(a, encoded, &prefix, NULL, err);

	if (rc)
		return rc;
	if (!rpath_covers(prefix, *path))
		return err_tell(err, ERR_BAD_GATEWAY,
		    "the URL is not below the root of this server");
	if (rpath_is_root(prefix))
		return ERR_OK;
	*path = rpath_eq(prefix, *path)
	    ? RPATH_ROOT
	    : (struct rpath){ str_skip(path->s, prefix.s.len) };
	return ERR_OK;
}

enum err_code
href_decode_target(struct arena *a, struct str prefix, struct str wire,
    struct rpath *out, bool *slash, struct err *err)
{
	struct rpath path;
	bool ends;
	enum err_code rc = href_decode_path(a, wire, &path, &ends, err);

	if (!rc && prefix.len)
		rc = take_prefix_off(a, prefix, &path, err);
	if (rc)
		return rc;
	*out = path;
	if (slash)
		*slash = ends;
	return ERR_OK;
}

enum err_code
href_decode(struct arena *a, const struct origin *origin, struct href wire,
    struct rpath *out, bool *slash, struct err *err)
{
	struct str path;
	enum err_code rc = find_path(origin, wire, &path, err);

	return rc
	    ? rc
	    : href_decode_target(a, origin->prefix, path, out, slash, err);
}

/* Marks all bytes but letters, digits and "-./:_"; few names have others. */
static ALWAYS_INLINE sixteen
is_uncommon(sixteen w)
{
	sixteen lower = w | sixteen_times(0x20);

	return ~(
	    ((lower >= sixteen_times('a')) & (lower <= sixteen_times('z'))) |
	    ((w >= sixteen_times('-')) & (w <= sixteen_times(':'))) |
	    (w == sixteen_times('_')));
}

/* Copies up to the first byte that has to be encoded; returns how many. */
static size_t
copy_plain(char *at, struct str s)
{
	size_t i = sixteen_copy(at, s, is_uncommon);

	for (; i < s.len && plain[(unsigned char)s.ptr[i]]; i++)
		at[i] = s.ptr[i];
	return i;
}

/* `at` has room for three times s.  Returns the end of what was written. */
static char *
encode(char *at, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";

	while (s.len) {
		size_t n = copy_plain(at, s);
		unsigned char c;

		at += n;
		if (n == s.len)
			break;
		c = (unsigned char)s.ptr[n];
		*at++ = '%';
		*at++ = digits[c >> 4];
		*at++ = digits[c & 15];
		s = str_skip(s, n + 1);
	}
	return at;
}

void
href_put(struct buf *b, struct str prefix, struct rpath p, bool collection)
{
	char *at;

	buf_put(b, prefix);
	at = buf_room(b, 3 * p.s.len + 1);
	if (!at)
		return;
	at = encode(at, p.s);
	if (collection && !rpath_is_root(p))
		*at++ = '/';
	b->len = (size_t)(at - b->ptr);
}

enum err_code
prefix_normalize(
    struct arena *a, struct str prefix, struct str *out, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct rpath path;
	enum err_code rc = href_decode_path(a, prefix, &path, NULL, err);

	if (rc)
		return rc;
	if (rpath_is_root(path)) {
		*out = STR("");
		return ERR_OK;
	}
	href_put(&b, STR(""), path, false);
	if (buf_failed(&b) || !arena_str(a, buf_str(&b), out))
		return err_nomem(err);
	return ERR_OK;
}

enum err_code
origin_from_url(
    struct arena *a, struct str url, struct origin *out, struct err *err)
{
	struct origin o = { 0 };
	struct uri uri;
	enum err_code rc;

	if (!uri_split(url, &uri) || !default_port(uri.scheme) ||
	    !authority_ok(uri.authority))
		return err_tell(err, ERR_BAD_PATH,
		    "not a URL like https://example.org/path");
	rc = prefix_normalize(
	    a, uri.path.len ? uri.path : STR("/"), &o.prefix, err);
	if (rc)
		return rc;
	if (!arena_str(a, uri.scheme, &o.scheme) ||
	    !arena_str(a, uri.authority, &o.authority))
		return err_nomem(err);
	*out = o;
	return ERR_OK;
}
