/* SPDX-License-Identifier: MIT */
/*
 * A decoded path to a resource: "/" or "/a/b".  It begins with a slash, ends
 * with none, and has no empty, "." or ".." segment and no NUL; its bytes are
 * otherwise free and need not be UTF-8.  Whether a URL had a trailing slash is
 * not part of it.
 *
 * There is one such type, for the request target, Destination, If tags, hrefs
 * in bodies and bulk items.  Only href_decode(), rpath_join() and
 * rpath_parent() make one, so who holds a struct rpath need not check it.  The
 * bytes belong to whoever made it.
 */
#ifndef SHEAF_HTTP_PATH_H
#define SHEAF_HTTP_PATH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct rpath {
	struct str s;
};

#define RPATH_ROOT ((struct rpath){ STR("/") })

static inline bool
rpath_is_root(struct rpath p)
{
	return p.s.len == 1;
}

static inline bool
rpath_eq(struct rpath a, struct rpath b)
{
	return str_eq(a.s, b.s);
}

/* Whether `above` is an ancestor of p; a path is not its own ancestor. */
bool rpath_is_ancestor(struct rpath above, struct rpath p);

/* Whether `above` is p or an ancestor of it. */
bool rpath_covers(struct rpath above, struct rpath p);

/* The collection it is a member of; the root's parent is the root. */
struct rpath rpath_parent(struct rpath p);

/* Its last segment; empty for the root. */
struct str rpath_name(struct rpath p);

/* What follows `above` (which must cover it), with no slash in front. */
struct str rpath_below(struct rpath above, struct rpath p);

/*
 * *out = dir + "/" + rest.  rest is one name or a path of several as
 * rpath_below() gives it (empty: dir itself).  ERR_BAD_PATH when rest has a
 * segment that a path may not have, ERR_NOMEM.
 */
enum err_code rpath_join(struct arena *a, struct rpath dir, struct str rest,
    struct rpath *out, struct err *err) MUST_USE;

/*
 * Whether one segment may stand in a path: not "", ".", "..", no NUL, no '/'.
 */
bool rpath_segment_ok(struct str name);

/*
 * A path in a buffer, to go down and up a tree without allocating.  An empty
 * buffer is the root.  push() returns the length to give to pop(); the bytes
 * may move.  A push that fails (ask buf_failed()) leaves the path as it was:
 * nothing may be done at that path then, since it is the parent's.
 */
size_t rpath_push(struct buf *b, struct str name);
void rpath_pop(struct buf *b, size_t len);
struct rpath rpath_of_buf(const struct buf *b);

#endif
