/* SPDX-License-Identifier: MIT */
/*
 * The small header fields of WebDAV, each from one place.  ERR_BAD_HEADER, with
 * a message for the client, for what is malformed.
 */
#ifndef SHEAF_HTTP_FIELDS_H
#define SHEAF_HTTP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "http/headers.h"
#include "http/href.h"
#include "http/method.h"

/* Depth (RFC 4918 s10.2); absent means what the method says. */
enum err_code depth_parse(const struct headers *h, enum method m,
    enum depth *out, struct err *err) MUST_USE;

/* Overwrite (s10.6): T, F, or absent, which is T. */
enum err_code
overwrite_parse(const struct headers *h, bool *out, struct err *err) MUST_USE;

/* Destination (s10.3); ERR_BAD_HEADER when absent; see href_decode(). */
enum err_code
destination_parse(const struct headers *h, const struct origin *origin,
    struct arena *a, struct rpath *out, bool *slash, struct err *err) MUST_USE;

/*
 * X-OC-Mtime: whole or decimal seconds since 1970, may be negative.
 * *present false when absent.
 */
enum err_code oc_mtime_parse(const struct headers *h, bool *present,
    int64_t *nanoseconds, struct err *err) MUST_USE;

/*
 * Scheme, authority and prefix as the client sees them: base (from the
 * configuration, may be all empty) first; else, from a trusted proxy,
 * Forwarded (RFC 7239) or X-Forwarded-Proto, -Host, -Port and -Prefix; else
 * scheme and the Host header.
 *
 * A base with an authority is taken whole.  Of several proxies the first in
 * the list counts, the one that the client sees; a proxy that is trusted is
 * trusted to remove such fields from what clients send.
 */
enum err_code origin_find(const struct headers *h, const struct origin *base,
    bool trusted_proxy, struct str scheme, struct arena *a, struct origin *out,
    struct err *err) MUST_USE;

#endif
