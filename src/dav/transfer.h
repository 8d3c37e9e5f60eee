/* SPDX-License-Identifier: MIT */
/* What COPY and a MOVE across file systems share. */
#ifndef SHEAF_DAV_TRANSFER_H
#define SHEAF_DAV_TRANSFER_H

#include <stdint.h>

#include "dav/op.h"
#include "dav/pathset.h"
#include "dav/portion.h"
#include "dav/tree.h"

struct copying;

/* How COPY and MOVE differ. */
struct copying_ops {
	/*
	 * Brings m to `to`; of a collection only itself, unless it sets *whole.
	 * After a failure m is left out.
	 */
	enum err_code (*take)(struct copying *c, const struct member *m,
	    struct rpath to, bool *whole, struct err *why);
	/* Whether m failed of a lock that protects m itself; NULL: never. */
	bool (*is_locked)(struct copying *c, const struct member *m);
	/* Optional: the root collection stands at the destination. */
	enum err_code (*root_done)(struct copying *c);
	/* Optional: m, a file that was copied, is at the destination. */
	enum err_code (*file_done)(struct copying *c, const struct member *m);
};

struct copying {
	const struct op *op;
	const struct transfer *t;
	struct sink *out;
	const struct copying_ops *ops;
	struct halt halt;
	bool in_parts; /* files of a collection go together */
	struct portions parts;
	struct buf
	    entered; /* a collection: what is in it may not be there yet */
	struct arena item; /* cleared for each member */
	/* Collections of the source that were not copied, or not wholly. */
	struct pathset left_out;
	/* Collections above a failed member that was reached through a link. */
	struct pathset spared;
	/* Members of the destination named by the purge: once is enough. */
	struct pathset named;
	bool started; /* the root is at the destination */
	bool collection; /* the root is one */
	bool created;
	bool to_linked; /* the destination's root is a link */
	bool again; /* what is at `to` is of the same transfer, begun before */
	struct record record; /* the guard's, where the transfer has begun it */
	bool begins_late; /* copy_begin() is to be called */
	bool called_off; /* after the root; no member is to be taken */
	struct guard root_guard;
	uint64_t failures; /* outcomes put */
};

/* Refuses what must not be begun: overlapping paths, first of all. */
enum err_code transfer_check(
    const struct op *op, const struct transfer *t, struct err *err) MUST_USE;

/* Words the store's ERR_EXISTS as Overwrite: F wants it. */
enum err_code
transfer_refused(const struct transfer *t, enum err_code rc, struct err *err);

/* Copies the root and, unless it is to be shallow, its members. */
enum err_code copy_tree(struct copying *c) MUST_USE;

/*
 * Removes the members of the destination that the source has not.  What cannot
 * be compared stays, and is reported.  What stands in the place of a collection
 * left out stays as it was.
 */
enum err_code copy_purge(struct copying *c) MUST_USE;

/*
 * Sets *out to the path that is below `to` as path is below `from`; valid until
 * the next call.
 */
enum err_code copy_counterpart(struct copying *c, struct rpath path,
    struct rpath from, struct rpath to, struct rpath *out) MUST_USE;

/*
 * Whether t was begun before and what is at `to` is its own: then that is no
 * obstacle.
 */
bool transfer_goes_on(const struct op *op, const struct transfer *t);

/*
 * Where begins_late is set: from now on the transfer is remembered as begun.
 * Until then it can be done again from the start, and nothing is lost.
 */
enum err_code copy_begin(struct copying *c) MUST_USE;

/*
 * To be called when all has been done: what was begun is remembered as a whole,
 * if nothing failed.
 */
void copy_remember(const struct copying *c, struct store_batch *b);

/* copying_ops.take of COPY. */
enum err_code copy_one(struct copying *c, const struct member *m,
    struct rpath to, bool *whole, struct err *why) MUST_USE;

/* Puts the failure of a resource. */
enum err_code copy_failed(struct copying *c, struct rpath path, bool collection,
    enum err_code why, const struct err *details) MUST_USE;

void copying_done(struct copying *c);

#endif
