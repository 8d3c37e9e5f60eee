/* SPDX-License-Identifier: MIT */
/*
 * The members of one collection as a walk meets them: read in large pieces, and
 * asked about a chunk of names at a time.
 */
#ifndef SHEAF_STORE_DIR_LEVEL_H
#define SHEAF_STORE_DIR_LEVEL_H

#include "store/dir_impl.h"

struct listing;
struct listings;

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
	struct fact fact; /* not of a link that is known for one by its type */
};

/* A collection on the way down to where the walk is. */
struct level {
	struct level *up, *down;
	struct resource res;
	size_t path_len; /* its own */
	int fd; /* -1: closed meanwhile */
	bool is_root; /* the store's, where the state directory is */
	bool linked; /* it, or one above it, is one by a link */
	bool maybe_locked; /* its members */
	enum err_code failed; /* to read all of its entries */
	bool reopened; /* the kernel is to be told where to go on */
	int64_t next; /* behind the last entry of the chunk */
	struct listings *listings;
	struct listing *listing; /* what is known of it; may be NULL */
	size_t index; /* of the entry behind the chunk */
	char *bytes; /* what was read of it */
	size_t at, len, size; /* of that: not yet in the chunk from at on */
	size_t seen, n_spots, max_spots; /* the chunk */
	struct spot spots[];
};

/* NULL: no memory.  fd is taken over, unless it fails. */
struct level *level_new(const struct resource *res, bool large, int *fd);

/* Takes what is known of it from ls, which must outlive it. */
void level_look_up(struct level *l, struct listings *ls);

void level_free(struct level *l);

/*
 * The next member that clients may see, or NULL at the end, or when the
 * collection cannot be read; then l->failed and err say so.  l->fd is open.
 * It lives until the next call.
 */
const struct spot *
level_next(const struct dir_store *ds, struct level *l, struct err *err);

#endif
