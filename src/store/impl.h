/* SPDX-License-Identifier: MIT */
/*
 * For implementers of a store: the tables behind store.h.  The contract stands
 * there and in apply.h; the wrappers in store.c check arguments and call these.
 */
#ifndef SHEAF_STORE_IMPL_H
#define SHEAF_STORE_IMPL_H

#include <stdatomic.h>

#include "store/apply.h"
#include "store/commits.h"
#include "store/members.h"
#include "store/spot.h"

/* Whether g, which may be NULL, has a condition. */
static inline bool
guard_asks(const struct guard *g)
{
	return g && g->check;
}

struct store_ops {
	const char *name;
	enum err_code (*stat)(
	    struct store *, struct rpath, struct resource *, struct err *);
	enum err_code (*walk)(
	    struct store *, struct rpath, const struct walk *, struct err *);
	bool (*walk_is_quick)(struct store *, struct rpath); /* optional */
	enum err_code (*open)(
	    struct store *, struct rpath, struct content **, struct err *);
	enum err_code (*upload)(struct store *, struct rpath,
	    const struct upload_spec *, struct upload **, struct err *);
	enum err_code (*may_make)(struct store *, struct rpath, struct err *);
	enum err_code (*mkcol)(struct store *, struct rpath,
	    const struct guard *, struct store_batch *, struct err *);
	enum err_code (*remove)(struct store *, struct rpath,
	    const struct guard *, struct store_batch *, struct err *);
	enum err_code (*copy)(struct store *, struct rpath, struct rpath,
	    enum replace, const struct guard *, struct store_batch *,
	    struct resource *, bool *, struct err *);
	enum err_code (*rename)(struct store *, struct rpath, struct rpath,
	    enum replace, const struct guard *, struct store_batch *, bool *,
	    struct err *);
	/*
	 * Optional: what can be done of store_copy_members() and
	 * store_remove_members() at a smaller price.  done has a place for each
	 * member; all else, and what fails, is done one by one.
	 */
	void (*copy_members)(struct store *, const struct member_files *,
	    bool itself, struct rpath, const struct guard *,
	    struct store_batch *, bool *done_itself, bool *done);
	void (*remove_members)(struct store *, const struct member_files *,
	    bool itself, const struct guard *, struct store_batch *,
	    bool *done_itself, bool *done);
	enum err_code (*allows)(struct store *, struct rpath, enum touch,
	    const struct guard *, struct err *);
	enum err_code (*lock)(struct store *, struct rpath,
	    const struct lock_spec *, const struct guard *, struct arena *,
	    struct lock *, bool *, struct err *);
	enum err_code (*lock_refresh)(struct store *, struct rpath,
	    const struct lock_tokens *, int64_t, const struct guard *,
	    struct arena *, struct lock *, struct err *);
	enum err_code (*unlock)(struct store *, struct rpath,
	    const struct lock_tokens *, const struct guard *, struct err *);
	bool (*lock_is_quick)(struct store *, struct rpath, bool known,
	    bool alone); /* optional */
	enum err_code (*locks)(struct store *, struct rpath, struct arena *,
	    const struct lock **, size_t *, struct err *);
	enum err_code (*locks_below)(struct store *, struct rpath,
	    struct arena *, const struct lock **, size_t *, struct err *);
	enum err_code (*patch)(struct store *, struct rpath,
	    const struct prop_change *, size_t, const struct guard *,
	    struct store_batch *, struct err *);
	bool (*patch_is_quick)(struct store *, struct rpath,
	    const struct prop_change *, size_t, bool alone); /* optional */
	enum err_code (*props)(struct store *, const struct resource *,
	    struct arena *, const struct prop **, size_t *, struct err *);
	enum err_code (*space)(
	    struct store *, struct rpath, struct space *, struct err *);
	/* Optional, both or neither: without them all batches are NULL. */
	enum err_code (*batch_begin)(
	    struct store *, struct rpath, struct store_batch **, struct err *);
	enum err_code (*batch_end)(
	    struct store *, struct store_batch *, struct err *);
	enum err_code (*batch_flush)(/* optional */
	    struct store *, struct store_batch *, struct err *);
	enum err_code (*recall)(struct store *, struct str, struct arena *,
	    struct recalled *, bool *, struct err *);
	enum err_code (*recall_any)(/* optional: there may be some */
	    struct store *, struct str, bool *, struct err *);
	enum err_code (*remember)(struct store *, const struct record *,
	    struct str, struct store_batch *, struct err *);
	enum err_code (*resolve)(struct store *, struct rpath, struct arena *,
	    struct rpath *, struct err *);
	/* Optional: it is found out by resolve and stat, one by one. */
	enum err_code (*find_spots)(struct store *, struct store_spot *, size_t,
	    struct arena *, struct err *);
	enum err_code (*claim)(
	    struct store *, struct rpath, struct store_claim **, struct err *);
	void (*claim_end)(struct store *, struct store_claim *);
	enum err_code (*stage)(struct store *, struct rpath,
	    const struct upload_spec *, struct upload **, struct err *);
	enum err_code (*apply)(struct store *, struct store_claim *,
	    struct edit *, size_t, struct err *);
	void (*close)(struct store *);
};

/* The base of every store, placed first in it. */
struct store {
	const struct store_ops *ops;
	bool has_links; /* store_has_links() */
	unsigned changers; /* store_changers() */
	struct crew_share helpers; /* store_helpers() */
};

/* The base of every batch, placed first in it. */
struct store_batch {
	struct store *store;
	atomic_bool many; /* store_batch_many() was told */
};

/* The base of every claim, placed first in it. */
struct store_claim {
	struct store *store;
};

struct content_ops {
	enum err_code (*read)(
	    struct content *, uint64_t, char *, size_t, size_t *, struct err *);
	struct str (*bytes)(struct content *); /* optional */
	int (*take_fd)(struct content *); /* optional */
	void (*free)(struct content *);
};

struct content {
	const struct content_ops *ops;
	struct resource res;
};

struct upload_ops {
	enum err_code (*commit)(struct upload *, const struct guard *,
	    struct store_batch *, struct resource *, bool *, struct err *);
	void (*expect)(struct upload *, const struct record *,
	    struct store_batch *); /* optional */
	bool (*commit_at_once)(struct upload *, const struct guard *,
	    struct resource *, bool *, enum err_code *,
	    struct err *); /* optional */
	/*
	 * Optional, both: makes those commits of upload_commit_all() that can
	 * be made at a smaller price, and says so.
	 */
	bool (*joins)(struct upload *, int64_t *patience);
	void (*commit_all)(struct commit *, size_t);
	/* Of what was staged, both. */
	enum err_code (*settle)(
	    struct upload *, struct resource *, struct err *);
	enum err_code (*open)(struct upload *, struct content **, struct err *);
	void (*free)(struct upload *);
};

struct upload {
	const struct upload_ops *ops;
	struct ostream *stream;
};

/* Each asserts that the required functions are there. */
struct store *store_init(struct store *s, const struct store_ops *ops);
void content_init(struct content *c, const struct content_ops *ops);
void upload_init(
    struct upload *u, const struct upload_ops *ops, struct ostream *stream);

#endif
