/* SPDX-License-Identifier: MIT */
/* What operations on trees share: walking, putting failures, removing. */
#ifndef SHEAF_DAV_TREE_H
#define SHEAF_DAV_TREE_H

#include "base/buf.h"
#include "dav/op.h"

/*
 * How a visitor ends its walk: it returns halt(), which keeps the details for
 * the operation's caller.
 */
struct halt {
	struct err *err; /* the operation's, may be NULL */
	bool set;
};

/* Returns rc.  why may be NULL. */
enum err_code
halt(struct halt *h, enum err_code rc, const struct err *why) MUST_USE;

/*
 * store_walk() for a visitor that has h.  After a failure h->set tells whether
 * it was the visitor's; the details are in h->err in both cases.
 */
enum err_code walk_tree(const struct op *op, struct rpath root,
    const struct walk *w, struct halt *h) MUST_USE;

/*
 * The member that a walk upwards left in place last.  In such a walk all
 * members of a collection come right before it, so this one path tells of any
 * collection whether something below it was kept.  All zero: none.
 */
struct kept {
	struct buf path;
};

/* False when memory ran out. */
bool kept_note(struct kept *k, struct rpath path) MUST_USE;
bool kept_is_below(const struct kept *k, struct rpath collection);
void kept_done(struct kept *k);

struct tree_removal {
	const struct op *op;
	struct rpath root;
	/*
	 * Asked again at the last moment about a root that is a file; of a
	 * collection it is too late by then.  May be NULL.
	 */
	const struct guard *guard;
	struct sink *out;
	/*
	 * A root that fails with nothing removed is an error, as in DELETE;
	 * else its failure is an outcome like all others.
	 */
	bool root_is_request;
};

/*
 * Removes members, then what they were in.  One outcome for each resource that
 * could not be removed, but for ancestors of such a one, and members of a
 * collection that is locked as a whole: that is named for them.  A root that is
 * not there is ERR_NOT_FOUND where it is the request's, else fine.  Does not
 * end the sink.
 */
enum err_code
tree_remove(const struct tree_removal *spec, struct err *err) MUST_USE;

/* Puts the outcome of a resource that failed; what the sink says. */
enum err_code put_failed(struct sink *out, struct rpath path, bool collection,
    enum err_code why, const struct err *details);

#endif
