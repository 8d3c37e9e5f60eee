/* SPDX-License-Identifier: MIT */
/*
 * The locks of the memory store, in a list: a few will do for tests and dry
 * runs.  Those that are over are not seen.  All zero is none.  The caller
 * serialises all access.
 */
#ifndef SHEAF_STORE_MEM_LOCKS_H
#define SHEAF_STORE_MEM_LOCKS_H

#include "store/store.h"

struct mem_lock_row;

struct mem_locks {
	struct mem_lock_row *first;
};

void mem_locks_done(struct mem_locks *l);

/*
 * The array is made in the arena; what the locks in it point to stays theirs,
 * until the next change of l.
 */
enum err_code mem_locks_covering(const struct mem_locks *l, struct rpath path,
    struct arena *a, const struct lock **out, size_t *n,
    struct err *err) MUST_USE;

/* The same of those that are rooted below path. */
enum err_code
mem_locks_below(const struct mem_locks *l, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;

/* Whether t may change what is at path.  ERR_LOCKED. */
enum err_code mem_locks_allow(const struct mem_locks *l, struct rpath path,
    const struct lock_tokens *t, struct err *err) MUST_USE;

/*
 * Whether t may change all that is below root, a collection with members; those
 * of whom deep locks are to be known are taken to have members.
 * ERR_MEMBER_LOCKED.
 */
enum err_code mem_locks_allow_below(const struct mem_locks *l,
    struct rpath root, const struct lock_tokens *t, struct err *err) MUST_USE;

/*
 * Whether a lock may come to stand beside those that cover its root, and, if it
 * is deep, those within its scope.  ERR_LOCK_CONFLICT.
 */
enum err_code mem_locks_compatible(const struct mem_locks *l, struct rpath root,
    const struct lock_spec *spec, struct err *err) MUST_USE;

/* A row for a lock that begins now, with a new token; not in any list yet. */
enum err_code mem_lock_row_new(struct rpath root, const struct lock_spec *spec,
    struct mem_lock_row **out, struct err *err) MUST_USE;

const struct lock *mem_lock_row_lock(const struct mem_lock_row *r);

/* For one that was never added; NULL is fine. */
void mem_lock_row_free(struct mem_lock_row *r);

/* Cannot fail, so that it may be the last step of a change.  Takes r. */
void mem_locks_add(struct mem_locks *l, struct mem_lock_row *r);

/*
 * A lock that covers path and has one of these tokens, or NULL: one that t
 * holds if there is one, else one of another user.
 */
struct mem_lock_row *mem_locks_find(
    const struct mem_locks *l, struct rpath path, const struct lock_tokens *t);

/* It is over `timeout` ns from now. */
void mem_lock_row_refresh(struct mem_lock_row *r, int64_t timeout);

void mem_locks_remove(struct mem_locks *l, struct mem_lock_row *r);

/* Removes those rooted below path, and, with_root, those rooted at it. */
void mem_locks_drop(struct mem_locks *l, struct rpath path, bool with_root);

#endif
