/* SPDX-License-Identifier: MIT */
/*
 * The members of one collection as a walk meets them: a block at a time, whose
 * names are read and then asked about.  One thread does both: what the kernel
 * had to look up for a name lies in the memory that is near its processor, and
 * to ask elsewhere takes twice as long.  Where a walk has helpers (dir_ahead.h)
 * they do some blocks before the walk is there; without them it is done when it
 * is.
 */
#ifndef SHEAF_STORE_DIR_LEVEL_H
#define SHEAF_STORE_DIR_LEVEL_H

#include "store/dir_impl.h"

#define SLICE 32U /* members that are asked about, or learnt, in one go */

struct ahead;
struct level;
struct listing;
struct listings;
struct making;

/* As the kernel fills it in. */
struct entry {
	uint64_t inode;
	int64_t next; /* where to go on behind it */
	unsigned short size;
	unsigned char type;
	char name[];
};

/* A member, and what is known of it. */
struct spot {
	const struct entry *entry;
	size_t index; /* of the entry in its collection */
	bool known; /* from a listing that is kept in memory */
	bool opening; /* a helper goes into it */
	int wd; /* its watch, for a listing that is being made; or 0 */
	struct level *below; /* what it is, if a helper was in it */
	struct fact fact; /* not where spot_is_clear() */
};

/* Some members.  With helpers all but seen is under their lock. */
struct block {
	struct block *next; /* what comes behind it, or another spare one */
	size_t n, max; /* spots */
	size_t seen; /* by the walk */
	bool ready; /* all were asked about */
	size_t tried; /* no helper goes into spots before it */
	size_t entered; /* nor did one stay in spots before that */
	size_t n_below; /* spots that a helper was in and the walk was not */
	unsigned users; /* who is at it, beside the walk */
	char *bytes; /* the entries */
	size_t size;
	size_t len; /* of what was read, and not yet made a listing of */
	struct spot spots[];
};

/* A collection on the way down to where the walk is. */
struct level {
	struct level *up, *down;
	struct resource res;
	size_t path_len; /* its own */
	unsigned depth; /* below where the walk began */
	int fd; /* -1: closed meanwhile, or not needed any more */
	bool is_root; /* the store's, where the state directory is */
	bool linked; /* it, or one above it, is one by a link */
	bool maybe_locked; /* its members */
	bool kinds_only; /* files are not asked about */
	enum err_code failed; /* to read all of its entries */
	struct listings *listings;
	struct listing *listing; /* what is known of it; may be NULL */
	size_t at; /* in the entries of that */
	struct making *making; /* what will be known of it; may be NULL */
	/* Who reads has these for himself. */
	bool reopened; /* the kernel is to be told where to go on */
	int64_t next; /* behind the last entry that was read */
	size_t index; /* of the entry behind that */
	int error; /* of reading, which ended with it */
	/* With helpers these are under their lock. */
	struct block
	    *now; /* where the walk is, and behind it what comes then */
	struct block *last; /* of those */
	unsigned n_then; /* how many there are behind now */
	struct block *spare; /* may be NULL */
	bool reading; /* somebody is */
	bool ended; /* there is nothing more to read */
	bool shut; /* there is nothing here for helpers */
	bool whole; /* nor was there: all was done when the walk came */
};

/* Its type says all that is asked of it. */
bool spot_is_clear(const struct level *l, const struct spot *s);

/*
 * The collection that is open as fd, so many below the root of the walk.  NULL:
 * no memory.  fd is taken over, unless it fails.
 */
struct level *level_new(const struct dir_store *ds, const struct resource *res,
    unsigned depth, int *fd);

/*
 * Takes what is known of it from ls, which must outlive it.  learns: it may be
 * learnt on the way.
 */
void level_look_up(struct level *l, struct listings *ls, bool learns);

void level_free(struct level *l); /* nobody is at it */

/*
 * Of a whole level: what is known of it takes no more room than it must, and no
 * descriptor.
 */
void level_settle(struct level *l);

/*
 * The next member that clients may see, or NULL at the end, or when the
 * collection cannot be read; then l->failed and err say so.  l->fd is open.
 * It lives until the next call.
 */
const struct spot *
level_next(struct ahead *a, struct level *l, struct err *err);

/* ---- between dir_level.c and dir_ahead.c */

/*
 * Fills a block that nobody is at with the entries that come next; with what is
 * known of them, if anything is.  false: there are no more behind these.
 */
bool level_fill(const struct dir_store *ds, struct level *l, struct block *b);

struct block *level_block(const struct level *l); /* another; NULL: no memory */

/* Asks about its members. */
void
block_ask(const struct dir_store *ds, const struct level *l, struct block *b);

#endif
