/* SPDX-License-Identifier: MIT */
/* The implementations of methods, one file each, and what they share. */
#ifndef SHEAF_DAV_METHODS_H
#define SHEAF_DAV_METHODS_H

#include "dav/exchange.h"
#include "dav/precondition.h"

extern const struct method_ops method_options;
extern const struct method_ops method_get; /* and HEAD */
extern const struct method_ops method_put;
extern const struct method_ops method_post;
extern const struct method_ops method_patch;
extern const struct method_ops method_delete;
extern const struct method_ops method_mkcol;
extern const struct method_ops method_copy; /* and MOVE */
extern const struct method_ops method_propfind;
extern const struct method_ops method_proppatch;
extern const struct method_ops method_lock;
extern const struct method_ops method_unlock;
extern const struct method_ops method_unknown;

/* Sets a header whose value was made in a buffer, whose failure it returns. */
enum err_code
buf_header(struct reply *r, struct str name, const struct buf *value);

/* Whether the method applies to what is mapped at the request's path. */
bool method_applies(const struct exchange *x, enum method m);

/* The methods that apply to what is mapped there, for Allow. */
enum err_code allow_header(struct exchange *x);

/* What a PATCH may be (RFC 5789 s3.1). */
enum err_code accept_patch_header(struct reply *r);

/* The canonical path, as the client sees it, as the value of a header. */
enum err_code path_header(
    struct exchange *x, struct str name, struct rpath path, bool collection);

/*
 * Content-Location, where the URL lacked the slash of a collection or had one
 * too many (RFC 4918 s5.2).
 */
void canonical_header(struct exchange *x, bool collection);

/* A reply without a body to anything but GET: nobody is to keep it. */
enum err_code reply_done(struct exchange *x, unsigned status) MUST_USE;

/*
 * Whether a LOCK, a refresh or an UNLOCK may be done on the I/O thread.  known:
 * it is about a lock that is there.
 */
bool lock_is_quick(struct exchange *x, bool known);

/* store_stat(), with NULL in *now for "nothing is mapped there". */
enum err_code stat_or_null(const struct exchange *x, struct resource *res,
    const struct resource **now, struct err *err) MUST_USE;

#endif
