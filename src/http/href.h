/* SPDX-License-Identifier: MIT */
/*
 * A path as it stands on the wire: percent-encoded (RFC 3986 s2.1), with or
 * without scheme and authority (RFC 4918 s8.3).  struct rpath is its decoded
 * form; nothing casts between the two.
 */
#ifndef SHEAF_HTTP_HREF_H
#define SHEAF_HTTP_HREF_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/path.h"

struct href {
	struct str s;
};

/*
 * Where this server's root stands in the eyes of the client: behind a proxy
 * its scheme, host and path may be other than what our socket sees.  Strings
 * are borrowed.
 */
struct origin {
	struct str scheme; /* "http" or "https" */
	struct str authority; /* "host", "host:port", "[::1]:80" */
	struct str prefix; /* as prefix_normalize() makes it */
};

/*
 * *out: "" or "/dav": encoded as href_put() encodes (so it may go into XML as
 * it is), with no slash at its end.  ERR_BAD_PATH as href_decode_path().
 */
enum err_code prefix_normalize(struct arena *a, struct str prefix,
    struct str *out, struct err *err) MUST_USE;

/*
 * The origin that a configured base URL names: "https://example.org/dav".
 * ERR_BAD_PATH when it is not an http or https URL, or has a user name, query
 * or fragment.  All in the arena.
 */
enum err_code origin_from_url(struct arena *a, struct str url,
    struct origin *out, struct err *err) MUST_USE;

/*
 * Whether s is a host, with or without a port, as RFC 3986 s3.2 has them, and
 * no user name.
 */
bool authority_ok(struct str s);

/*
 * Decodes an absolute path ("/a%20b/") that has no query or fragment.  *slash:
 * it ended in one.  Empty segments are dropped ("//a" is "/a").  ERR_BAD_PATH,
 * with the reason for the client, for: no leading slash, a bad percent escape,
 * an encoded slash or NUL, a "." or ".." segment however written, a raw
 * control byte or space, '?' or '#'.  Other raw bytes (UTF-8 sent unencoded)
 * are taken as they are.  slash may be NULL.
 */
enum err_code href_decode_path(struct arena *a, struct str wire,
    struct rpath *out, bool *slash, struct err *err) MUST_USE;

/*
 * The same for a request target (RFC 9112 s3.2.1, without its query), which
 * has to be below prefix, else ERR_BAD_GATEWAY; *out is what follows it.
 * "//a" is a path here: there is no other server that it could name.
 */
enum err_code href_decode_target(struct arena *a, struct str prefix,
    struct str wire, struct rpath *out, bool *slash, struct err *err) MUST_USE;

/*
 * Decodes a Destination, If tag or href: an absolute URI or an absolute path.
 * The authority of an absolute URI must be the origin's (compared as RFC 3986
 * s6.2.2 and s6.2.3 say: case, default port) and its scheme http or https,
 * whichever of them the origin has: a proxy may speak TLS for us and not say
 * so.  Else ERR_BAD_GATEWAY; so too when the path does not begin with the
 * prefix, which is taken off it.  Else as href_decode_path().
 *
 * A user name before the host is passed over: by RFC 9110 s4.2.4 nobody sends
 * one, but gvfs does.  "//a" could be a path or a host, so it is
 * ERR_BAD_PATH here (RFC 3986 s4.2).
 */
enum err_code href_decode(struct arena *a, const struct origin *origin,
    struct href wire, struct rpath *out, bool *slash, struct err *err) MUST_USE;

/*
 * Appends the absolute path: prefix, then p with every byte percent-encoded
 * that is not unreserved or one of "/!$()*+,;=:@", then a slash for a
 * collection.  '&' and '\'', which a path may hold, are encoded too, so that it
 * can stand in XML and HTML as it is.
 */
void
href_put(struct buf *b, struct str prefix, struct rpath p, bool collection);

#endif
