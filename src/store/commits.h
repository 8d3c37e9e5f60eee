/* SPDX-License-Identifier: MIT */
/*
 * Changes (store.h) that wait for the disk together, or that wait for nothing.
 */
#ifndef SHEAF_STORE_COMMITS_H
#define SHEAF_STORE_COMMITS_H

#include "store/store.h"

/*
 * Commits several uploads to one store, each on its own terms: as
 * upload_commit() without a guard would.  Without a batch they wait for the
 * disk together; with a batch, which is that of all, they wait for nothing.
 */
struct commit {
	struct upload *upload;
	const struct guard *guard;
	struct store_batch *batch;
	struct err *err;
	/*
	 * False: the commit is left to upload_commit(), which may have to wait.
	 */
	bool done;
	/*
	 * Where it is done: what upload_commit() would have returned and given.
	 */
	enum err_code rc;
	struct resource res;
	bool created;
};

void upload_commit_all(struct commit *v, size_t n);

/*
 * Whether that would be worth while for this one.  *patience: for how many ns
 * it is to wait for others, and 0 where syncs are short.  Where those do not
 * take long its file may be made now, without a name.
 */
bool upload_joins(struct upload *u, int64_t *patience);

/*
 * upload_commit() without a batch and a record, for a thread that must not be
 * kept waiting: false, and nothing is changed, where it would wait for the disk
 * or for what others are changing.  *rc is what upload_commit() would return.
 */
bool upload_commit_at_once(struct upload *u, const struct guard *g,
    struct resource *out, bool *created, enum err_code *rc, struct err *err);

/*
 * Whether a LOCK (known false), or a refresh or an UNLOCK (known true), would
 * wait for nothing now.  alone: no other client is kept waiting; so it may wait
 * for a sync that takes no longer than to wake another thread, unless it is a
 * LOCK of a path with nothing there.
 */
bool
store_lock_is_quick(struct store *s, struct rpath path, bool known, bool alone);

/* The same for store_patch() without a record and a batch. */
bool store_patch_is_quick(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, bool alone);

#endif
