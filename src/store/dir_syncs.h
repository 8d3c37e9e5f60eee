/* SPDX-License-Identifier: MIT */
/*
 * Syncs that the kernel makes side by side (io_submit(2)) while the caller does
 * something else: all that begin together wait for the disk once.  What the
 * kernel does not take is synced one by one when the caller waits.
 */
#ifndef SHEAF_STORE_DIR_SYNCS_H
#define SHEAF_STORE_DIR_SYNCS_H

#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

#define SYNCS_MAX ((size_t)65) /* that begin together */
#define SYNC_LANES ((size_t)8) /* callers that may do so at once */

/* The kernel's contexts for them; made when they are first wanted. */
struct sync_lanes {
	pthread_mutex_t lock;
	size_t made, n; /* n of those that were made are free */
	aio_context_t free[SYNC_LANES];
};

void sync_lanes_init(struct sync_lanes *l);
void sync_lanes_done(struct sync_lanes *l); /* nothing is under way */

/* All zero: none.  It must not move. */
struct syncs {
	struct sync_lanes *lanes;
	aio_context_t lane;
	size_t n, begun;
	int fds[SYNCS_MAX];
	int failed[SYNCS_MAX]; /* after syncs_end(): errno of each, or 0 */
};

/* Covers what was written to the files before; they stay open until the end. */
void
syncs_begin(struct syncs *s, struct sync_lanes *l, const int *fds, size_t n);

/* Waits for them; nothing the second time.  For CLEANUP(), too. */
void syncs_end(struct syncs *s);

/* Both in one, for a caller that has nothing else to do. */
void
syncs_make(struct syncs *s, struct sync_lanes *l, const int *fds, size_t n);

/* ---- collections */

struct dir_store;

/*
 * Makes entries of a collection durable, unless relaxed.  In two parts, around
 * the change: what can be refused (a descriptor) is asked for while nothing has
 * changed.  *fd, which is -1 before, is the caller's to close, and stays -1
 * where there is nothing to sync.
 */
enum err_code dir_sync_begin(
    const struct dir_store *ds, int dir, int *fd, struct err *err) MUST_USE;
enum err_code dir_sync_end(int fd, struct err *err) MUST_USE;

/*
 * The second part, for a caller that has synced the collection itself: failed
 * is 0, or errno of that.
 */
enum err_code dir_synced(int failed, struct err *err) MUST_USE;

#endif
