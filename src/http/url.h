/* SPDX-License-Identifier: MIT */
/*
 * URLs of http and https as a client meets them: typed by people, and in the
 * answers of servers (RFC 3986).  Two are the same however they are written:
 * the case of scheme and host, the default port, percent-encoding, empty
 * segments, and a slash at the end make no difference here.
 */
#ifndef SHEAF_HTTP_URL_H
#define SHEAF_HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* A URL taken apart; everything is borrowed from its text. */
struct url {
	struct str scheme; /* as it is written */
	struct str user; /* "name" or "name:password", encoded, or empty */
	struct str host; /* with the brackets of an address */
	unsigned port; /* the scheme's default where none is given */
	struct str path; /* encoded; empty, or begins with a slash */
	struct str query; /* with its '?', or empty */
};

/*
 * Takes a URL apart.  ERR_BAD_REQUEST, with a sentence for people in err, where
 * it is not absolute or neither http nor https, has a host or port that cannot
 * be one, or a fragment.  Bytes that must be encoded are let through;
 * url_put() encodes them.
 */
enum err_code
url_parse(struct str s, struct url *out, struct err *err) MUST_USE;

/*
 * Appends it fit to be sent: without user name, default port and dot segments,
 * scheme and host in lower case, and what may not stand in it encoded.
 */
void url_put(struct buf *b, const struct url *u);

/*
 * url_parse() and url_put(), into the arena.  Fails as url_parse(); ERR_NOMEM.
 */
enum err_code url_clean(
    struct arena *a, struct str s, struct str *out, struct err *err) MUST_USE;

/*
 * Resolves the reference ref against base (RFC 3986 s5.2), as url_put() writes.
 * ERR_BAD_REQUEST where it is empty or of another scheme; ERR_NOMEM.
 */
enum err_code url_resolve(struct arena *a, const struct url *base,
    struct str ref, struct str *out, struct err *err) MUST_USE;

bool url_same_origin(const struct url *a, const struct url *b);

/* Whether they name the same resource; queries count. */
bool url_same(const struct url *a, const struct url *b);

/* Whether b is a, or below it; queries do not count. */
bool url_covers(const struct url *a, const struct url *b);

/*
 * Appends the path in the one form that all ways of writing it share, to
 * compare or sort by: "/a/b%2Fc", no slash at the end; of the root nothing.
 */
void url_put_key(struct buf *b, struct str path);

/* The last segment of a path, as it is written; of the root empty. */
struct str url_name(struct str path);

/*
 * The length of the URL s up to its last segment: of "http://h/a/b/" that of
 * "http://h/a/".  All of s where it is no URL or has no path.
 */
size_t url_parent_len(struct str s);

/* Appends s with its percent-encoding decoded, which may be any bytes. */
void url_put_decoded(struct buf *b, struct str s);

/* Appends any bytes as one segment of a path, encoded where they must be. */
void url_put_segment(struct buf *b, struct str name);

#endif
