/* SPDX-License-Identifier: MIT */
/* Changes (store.h) that wait together, or not at all. */
#ifndef SHEAF_STORE_COMMITS_H
#define SHEAF_STORE_COMMITS_H

#include "store/store.h"

/*
 * The commits of several uploads to one store, each by itself: without a guard
 * or a batch, but what they have to wait for they wait for together; or all of
 * one batch, which wait for nothing.
 */
struct commit {
	struct upload *upload;
	const struct guard *guard;
	struct store_batch *batch;
	struct err *err;
	/* Else it is left to upload_commit(), which may have to wait. */
	bool done;
	/* What came of it, and what that would say. */
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
 * upload_commit() without a batch and a record, for who must not be kept
 * waiting: false, and nothing is changed, where that would wait for a disk, or
 * for what others are changing.  *rc is what upload_commit() would return.
 */
bool upload_commit_at_once(struct upload *u, const struct guard *g,
    struct resource *out, bool *created, enum err_code *rc, struct err *err);

/*
 * Whether a LOCK, or what else is done to a known one, waits for nothing now.
 * alone: or, since nobody else is kept waiting, and for a LOCK of what is
 * there, for no more than a sync that takes less than to wake another thread.
 */
bool
store_lock_is_quick(struct store *s, struct rpath path, bool known, bool alone);

/* The same of store_patch() without a record and a batch. */
bool store_patch_is_quick(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, bool alone);

#endif
