/* SPDX-License-Identifier: MIT */
/*
 * Write locks (RFC 4918 s6, s7), as the stores keep them and the methods show
 * them.  A lock is rooted at a path, not at a resource: a MOVE leaves it
 * behind.
 *
 * It covers its root and, with DEPTH_INFINITY, everything below.  What it
 * protects is more: who makes, removes or renames a member of a collection
 * needs the token of a lock on the collection, whatever its depth (s7.4).
 */
#ifndef SHEAF_STORE_LOCK_H
#define SHEAF_STORE_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "http/method.h"
#include "http/path.h"

/* "urn:uuid:" and a UUID (RFC 4918 s6.5), with its NUL. */
#define LOCK_TOKEN_SIZE ((size_t)46)

struct lock {
	struct rpath root; /* DAV:lockroot */
	bool shared; /* else exclusive */
	enum depth depth; /* DEPTH_0 or DEPTH_INFINITY */
	struct str token; /* the URI, without <> */
	struct str owner; /* DAV:owner as PROP_XML has it; empty: not given */
	struct str user; /* who made it; empty: nobody in particular */
	int64_t expires; /* ns since 1970; a lock is over from then on */
};

/* The tokens a request submits (s6.4, s7.5), and who sends it. */
struct lock_tokens {
	struct str user;
	const struct str *v;
	size_t n;
};

/* A new token that no other lock has or had. */
enum err_code
lock_token_new(char out[LOCK_TOKEN_SIZE], struct err *err) MUST_USE;

/* *out: l, with all that it points to in the arena. */
enum err_code lock_copy(const struct lock *l, struct arena *a, struct lock *out,
    struct err *err) MUST_USE;

/* Whether t, which may be NULL, holds this lock's token for its creator. */
bool lock_is_held(const struct lock *l, const struct lock_tokens *t);

/* Whether l, not yet over, covers path. */
bool lock_covers(const struct lock *l, struct rpath path);

/*
 * Of locks that protect one resource: fine when there are none, or the token of
 * one was submitted (shared locks: one is enough, s6.2).  Else ERR_LOCKED,
 * about the root of the first.
 */
enum err_code locks_allow(const struct lock *locks, size_t n,
    const struct lock_tokens *t, struct err *err) MUST_USE;

/*
 * The same for the members, known or not, of the collection that they protect:
 * its deep locks.
 */
enum err_code locks_allow_members(const struct lock *locks, size_t n,
    const struct lock_tokens *t, struct err *err) MUST_USE;

/*
 * Whether a lock may come to stand beside these, all of which cover its root or
 * are within its scope: only when all are shared (s6.1, s9.10.5).  Else
 * ERR_LOCK_CONFLICT, about the root of the first that is in the way.
 */
enum err_code locks_compatible(
    const struct lock *locks, size_t n, bool shared, struct err *err) MUST_USE;

#endif
