/* SPDX-License-Identifier: MIT */
/* What the ways to take many files of one collection share (dir_members.c). */
#ifndef SHEAF_STORE_DIR_MEMBERS_H
#define SHEAF_STORE_DIR_MEMBERS_H

#include "store/dir_temp.h"
#include "store/members.h"

/* The dead properties of a member, which its copy is to have. */
struct inherited {
	bool any;
	struct resource_id from, made;
	uint64_t intent; /* of the copy, until it is in its place */
};

struct many {
	struct dir_store *ds;
	const struct member_files *members;
	const struct guard *guard;
	struct store_batch *batch;
	bool *done;
	struct place in; /* the collection they are in */
	int from; /* O_PATH, of that */
	int dir; /* of the one that changes: it, or where they go */
	char *bytes; /* room for the bytes of a small file */
	struct buf path; /* of a member of that */
	size_t path_len; /* of the collection in it */
	struct arena lines;
	/*
	 * Whatever is made is born at that time or later, and what has
	 * properties was before; 0: each is asked.
	 */
	uint64_t since;
	struct inherited *props; /* of each member, where it is copied */
	bool spares; /* what goes: some have a lock of their own */
	bool looks; /* and each is asked whether it is a file */
};

/* Whether the state needs no more than lines for what it changes. */
bool many_is_plain(const struct many *m);

/*
 * The name of a member as the kernel wants it, until the next; it may be a path
 * below the collection.  NULL: no memory.
 */
const char *many_name(struct many *m, struct str name);

/* What is to be copied, opened; -1: it is not for us. */
int many_open(const struct many *m, const char *name, struct statx *stx);

/* Copies its bytes, and gives the copy a time of its own. */
bool many_fill(const struct many *m, int in, int out, size_t size);

/*
 * Notes what member i, of which *from is known, hands on to what is new: fd
 * with an empty name, or a name in it.  False: the state may know another by
 * its id.
 */
bool many_note_props(struct many *m, size_t i, const struct statx *from, int fd,
    const char *name);

/*
 * ---- dir_fresh.c: the collection itself, to where there is none, with those
 * of the members in it that can be; false: nothing was done.
 */
bool many_copy_collection(struct many *m, struct rpath to);

#endif
