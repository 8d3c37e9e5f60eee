/* SPDX-License-Identifier: MIT */
/*
 * Reads the small header fields of WebDAV, each in one place.  ERR_BAD_HEADER,
 * with a message for the client, for what is malformed.
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

/* Depth (RFC 4918 s10.2); where it is absent, method_default_depth(). */
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
 * Timeout (s10.7): how many seconds the client would like its lock to last, by
 * the first entry of the list that we understand.  TIMEOUT_MAX, the highest
 * that the RFC allows, for Infinite, for what is higher, and where no entry is
 * understood.
 *
 * It is never malformed: a server need not consider it at all, and a lock is
 * worth more than its spelling ("Second-0", RFC 2518's Extend), so what is not
 * understood is passed over.  Fails only where memory ran out.
 */
#define TIMEOUT_MAX UINT32_MAX

enum err_code timeout_parse(const struct headers *h, struct arena *a,
    uint32_t *seconds, struct err *err) MUST_USE;

/*
 * Lock-Token (s10.5): the URI, without its angle brackets, borrowed from h.
 * ERR_BAD_HEADER when absent.
 */
enum err_code lock_token_parse(
    const struct headers *h, struct str *token, struct err *err) MUST_USE;

/*
 * Slug (RFC 5023 s9.7): what a client would like a new member to be called,
 * decoded, in the arena; empty where it is absent, or is not UTF-8.  It is a
 * hint, so that this fails only where memory ran out.
 */
enum err_code slug_parse(const struct headers *h, struct arena *a,
    struct str *out, struct err *err) MUST_USE;

/* Most bytes of an idempotency key as a client chooses it. */
#define IDEMPOTENCY_KEY_MAX ((size_t)255)

/*
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header s2.1): a string in
 * quotes, or, as many clients send it, without them.  The empty string when it
 * is absent.  ERR_BAD_HEADER: empty, longer than IDEMPOTENCY_KEY_MAX, or with
 * anything in it but visible ASCII.
 */
enum err_code idempotency_key_parse(
    const struct headers *h, struct str *key, struct err *err) MUST_USE;

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
