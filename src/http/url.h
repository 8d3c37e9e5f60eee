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

/* One that was taken apart; everything is borrowed from it. */
struct url {
	struct str scheme; /* as it is written */
	struct str user; /* "name" or "name:password", encoded, or empty */
	struct str host; /* with the brackets of an address */
	unsigned port; /* also where it is the default */
	struct str path; /* encoded; empty, or begins with a slash */
	struct str query; /* with its '?', or empty */
};

/*
 * ERR_BAD_REQUEST, with a sentence for people in err: not absolute, neither
 * http nor https, a host or port that is none, a fragment.  Bytes that must be
 * encoded are let through; url_put() encodes them.
 */
enum err_code
url_parse(struct str s, struct url *out, struct err *err) MUST_USE;

/*
 * Appends it fit to be sent: no user, scheme and host in lower case, no default
 * port, a path without dot segments, what may not stand in it encoded.
 */
void url_put(struct buf *b, const struct url *u);

/* The same in an arena.  As url_parse(); ERR_NOMEM. */
enum err_code url_clean(
    struct arena *a, struct str s, struct str *out, struct err *err) MUST_USE;

/*
 * What ref means beside base (RFC 3986 s5.2), as url_put() writes it.
 * ERR_BAD_REQUEST where it is empty or of another scheme; ERR_NOMEM.
 */
enum err_code url_resolve(struct arena *a, const struct url *base,
    struct str ref, struct str *out, struct err *err) MUST_USE;

bool url_same_origin(const struct url *a, const struct url *b);

/* The same resource; queries count. */
bool url_same(const struct url *a, const struct url *b);

/* b is a, or below it. */
bool url_covers(const struct url *a, const struct url *b);

/*
 * Appends the path in the one form that all ways of writing it share, to
 * compare or sort by: "/a/b%2Fc", no slash at the end; of the root nothing.
 */
void url_put_key(struct buf *b, struct str path);

/* The last segment, encoded, without a slash; of the root empty. */
struct str url_name(struct str path);

/* The length of s up to its last segment: "http://h/a/b/" to "http://h/a/". */
size_t url_parent_len(struct str s);

/* Appends what is percent-encoded, decoded: any bytes. */
void url_put_decoded(struct buf *b, struct str s);

/* Appends any bytes as one segment: what is not unreserved is encoded. */
void url_put_segment(struct buf *b, struct str name);

#endif
