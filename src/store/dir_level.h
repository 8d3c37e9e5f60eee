/* SPDX-License-Identifier: MIT */
/*
 * The members of one collection as a walk meets them: in blocks, whose names
 * are read and then asked about.
 *
 * One thread does both for a block: what the kernel looked up for a name is in
 * the cache of that processor, and to ask on another takes twice as long.
 * Helpers (dir_ahead.h) do some blocks before the walk is there; all others are
 * done when it comes to them.
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

/*
 * An entry of a collection: struct linux_dirent64, as getdents64() fills it in.
 */
struct entry {
	uint64_t inode;
	int64_t next; /* the offset to read on from, behind it */
	unsigned short size;
	unsigned char type;
	char name[];
};

/* A member, and what is known of it. */
struct spot {
	const struct entry *entry;
	size_t index; /* of the entry in its collection */
	bool known; /* from a listing that is kept in memory */
	bool opening; /* a helper is opening it */
	int wd; /* its watch, for a listing that is being made; or 0 */
	struct level *below; /* the collection it is, if a helper opened it */
	struct fact fact; /* unless spot_is_clear() */
};

/* Some members.  With helpers everything but `seen` is under their lock. */
struct block {
	struct block *next; /* behind it in the collection, or among spares */
	size_t n, max; /* spots */
	size_t seen; /* spots that the walk has met */
	bool ready; /* all were asked about */
	size_t tried; /* helpers open collections from this spot on */
	size_t entered; /* spots before it have no `below` */
	size_t n_below; /* spots that have a `below` */
	unsigned users; /* helpers that are at work on it */
	char *bytes; /* the entries */
	size_t size; /* room there */
	size_t len; /* bytes of them that no listing was made of yet */
	struct spot spots[];
};

/* A collection on the way down to where the walk is. */
struct level {
	struct level *up, *down;
	struct resource res;
	size_t path_len; /* of its own path, in the walk's */
	unsigned depth; /* below where the walk began */
	int fd; /* -1: closed, to be opened again; or not needed any more */
	bool is_root; /* the store's, where the state directory is */
	bool linked; /* it, or one above it, was come to by a link */
	bool maybe_locked; /* its members may have locks */
	bool kinds_only; /* files are not asked about: see struct walk */
	enum err_code failed; /* why not all entries could be read */
	struct listings *listings;
	struct listing *listing; /* what is known of it; may be NULL */
	size_t at; /* how far the walk is in its entries, in bytes */
	struct making *making; /* what will be known of it; may be NULL */
	/* Only the thread that is reading entries uses these. */
	bool reopened; /* fd is new: seek to `next` first */
	int64_t next; /* behind the last entry that was read */
	size_t index; /* of the entry behind that */
	int error; /* errno of the read that was the last; or 0 */
	/* With helpers these are under their lock. */
	struct block *now; /* where the walk is; by next, those behind it */
	struct block *last; /* the last of these */
	unsigned n_then; /* how many there are behind `now` */
	struct block *spare; /* may be NULL */
	bool reading; /* a thread is reading entries */
	bool ended; /* there is nothing more to read */
	bool shut; /* helpers are to leave it alone */
	bool whole; /* a helper has read and asked all of it */
};

/* Whether the type in the entry says all that is asked of the member. */
bool spot_is_clear(const struct level *l, const struct spot *s);

/*
 * The collection that is open as fd, `depth` levels below the root of the walk.
 * NULL: no memory; else fd is taken over.
 */
struct level *level_new(const struct dir_store *ds, const struct resource *res,
    unsigned depth, int *fd);

/*
 * Looks up what ls, which must outlive it, knows of the collection.  learns: if
 * that is nothing, the walk may learn it on the way.
 */
void level_look_up(struct level *l, struct listings *ls, bool learns);

void level_free(struct level *l); /* nobody is at it */

/* Gives back what a whole level no longer needs: room, and its descriptor. */
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
 * Fills a block that nobody else is at with the entries that come next, and
 * with what is known of them.  false: there are no more behind these.
 */
bool level_fill(const struct dir_store *ds, struct level *l, struct block *b);

struct block *level_block(const struct level *l); /* new; NULL: no memory */

/* Asks about those of its members that nothing is known of. */
void
block_ask(const struct dir_store *ds, const struct level *l, struct block *b);

#endif
