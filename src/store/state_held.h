/* SPDX-License-Identifier: MIT */
/*
 * The locks of the state, kept in memory as well.  The rows of the database are
 * read only where not all locks are here: when there are too many, and when
 * another process has changed the database (sheaf locks), until our next
 * transaction.
 *
 * A transaction notes its changes, which are made here when it is committed.  A
 * change that is written into a slot is made here at once, and beside any
 * transaction (state_lock_change.c).
 */
#ifndef SHEAF_STORE_STATE_HELD_H
#define SHEAF_STORE_STATE_HELD_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/lock.h"

#define HELD_LEVELS 16
#define HELD_MAX ((size_t)4 << 20) /* bytes */

struct held;

struct held_locks {
	pthread_mutex_t lock;
	struct held *first[HELD_LEVELS]; /* a skip list, by root and token */
	size_t levels; /* that it ever had; no more are looked at */
	size_t bytes;
	atomic_bool all; /* they are all here */
	/* The value of *counter that the locks here are of. */
	_Atomic uint32_t change;
	/* SQLite's own count of transactions, in shared memory; or NULL. */
	const _Atomic uint32_t *counter;
	void *map;
	int fd;
	atomic_uint seed;
	struct held *notes; /* those that the transaction changes */
	/* Only the writer uses these: */
	bool wanted; /* it is worth while to read them again */
	bool logged; /* set when a transaction has changed something */
};

void held_init(struct held_locks *h);

/* Finds the counter; without it they are not kept here.  dir: of the state. */
void held_open(struct held_locks *h, int dir);

/* To be called when no connection to the database is left. */
void held_done(struct held_locks *h);

/* ---- asking */

/* True: all locks are here, and none changes until held_end(). */
bool held_begin(struct held_locks *h);
void held_end(struct held_locks *h);

/*
 * The first lock rooted at root; more may follow it, by held_next(), while they
 * have that root.
 */
const struct held *held_at(const struct held_locks *h, struct rpath root);

/* The first that is below root, and those that follow it, in order of root. */
const struct held *held_below(const struct held_locks *h, struct rpath root);
const struct held *held_next(const struct held *at);

/* Whether one is rooted at path, or below it; or, the second, above it. */
bool held_any_from(const struct held_locks *h, struct rpath path);
bool held_any_near(const struct held_locks *h, struct rpath path);
const struct lock *held_lock(const struct held *at);

/* ---- for all who change them */

/* Whether no more of them fit. */
bool held_is_full(struct held_locks *h);

/* Whether no other process has changed the database, for all we know. */
bool held_is_fresh(const struct held_locks *h);

/* Whether all are here, as they are. */
bool held_is_whole(const struct held_locks *h);

/* Whether this one is, by its root and token. */
bool held_has(struct held_locks *h, const struct lock *l);

/* ---- for the writer, in a transaction */

/* Whether they are to be read anew: by held_clear(), held_put(), held_all(). */
bool held_is_stale(const struct held_locks *h);

/* Has the next transaction read them, if they are not all here. */
void held_want(struct held_locks *h);
void held_clear(struct held_locks *h);
enum err_code
held_put(struct held_locks *h, const struct lock *l, struct err *err) MUST_USE;
void held_all(struct held_locks *h);

/*
 * Note what is to be done when the transaction is committed; only held_add()
 * can fail.
 */
enum err_code
held_add(struct held_locks *h, const struct lock *l, struct err *err) MUST_USE;
void held_refresh(struct held_locks *h, const struct lock *l);
void held_remove(struct held_locks *h, const struct lock *l);
void held_drop_at(struct held_locks *h, struct rpath root);
void held_drop_below(struct held_locks *h, struct rpath root);

/* Removes those that are over; how many. */
int64_t held_drop_old(struct held_locks *h, int64_t now);

/* Does what was noted, after the commit; or forgets it. */
void held_commit(struct held_locks *h);
void held_forget(struct held_locks *h);

/* ---- for who has written it into a slot, while late_end() is to come */

/* A copy, for held_put_now() or held_free(); NULL: no memory. */
struct held *held_new(struct held_locks *h, const struct lock *l);
void held_put_now(struct held_locks *h, struct held *e);
void held_free(struct held *e);

/* False: it has gone, or a transaction is about to remove it. */
bool held_remove_now(struct held_locks *h, const struct lock *l);

/* Only with the writer's lock. */
void held_refresh_now(struct held_locks *h, const struct lock *l);

#endif
