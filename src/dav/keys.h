/* SPDX-License-Identifier: MIT */
/*
 * Idempotency keys: what has succeeded under a key is not done again, but
 * answered from the record (store_recall()).  The same for single requests
 * (Idempotency-Key, draft-ietf-httpapi-idempotency-key-header) and for the
 * items of a batch.
 */
#ifndef SHEAF_DAV_KEYS_H
#define SHEAF_DAV_KEYS_H

#include "base/buf.h"
#include "dav/exchange.h"
#include "http/fingerprint.h"

/* The keys that are in use at this moment, by any thread. */
struct keys;

enum err_code keys_new(struct keys **out, struct err *err) MUST_USE;
void keys_free(struct keys *k); /* NULL is fine */

/*
 * Takes a key until keys_give_back().  False: somebody has it, which is 409
 * with Retry-After (ERR_KEY_IN_USE); or memory ran out, with *nomem set.
 */
bool keys_take(struct keys *k, struct str key, bool *nomem) MUST_USE;
void keys_give_back(struct keys *k, struct str key);

/*
 * The key as the store knows it, with the user in it: users do not see each
 * other's.
 */
void key_put(struct buf *b, struct str user, struct str key);

/* What all keys of a user begin with. */
void key_put_user(struct buf *b, struct str user);

/* The key of an item that has none of its own: KEY/id. */
void
key_put_item(struct buf *b, struct str user, struct str key, struct str id);

/*
 * Begins the fingerprint of a request, by which a key is held to one request:
 * its method, its target, and the headers that make a difference.  The caller
 * adds the body.
 */
enum err_code keyed_print(const struct request *req, struct arena *a,
    struct fingerprint *f, struct err *err) MUST_USE;

/*
 * The method of a request that has an Idempotency-Key, around the method it
 * would have without; the same where it has none or the method is not one of
 * PUT, POST, PATCH, DELETE, COPY, MOVE, MKCOL, PROPPATCH.
 */
const struct method_ops *
keyed_method(const struct request *req, const struct method_ops *plain);

#endif
