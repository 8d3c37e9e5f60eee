/* SPDX-License-Identifier: MIT */
/*
 * The list of state_held.c: a skip list, by root and token.  All is with its
 * lock held.
 */
#ifndef SHEAF_STORE_STATE_HELD_LIST_H
#define SHEAF_STORE_STATE_HELD_LIST_H

#include "store/state_held.h"

enum edit {
	EDIT_NONE,
	EDIT_ADD, /* it is not in the list yet */
	EDIT_REFRESH,
	EDIT_REMOVE
};

struct held {
	struct lock lock;
	enum edit edit; /* by the transaction that is being written */
	int64_t expires; /* from then on */
	struct held *note; /* the next that has an edit */
	size_t bytes;
	size_t levels;
	struct held *next[]; /* the text follows */
};

/* A place in the list: what is before it, and what is not. */
struct held_key {
	struct str root;
	bool below; /* what has "/" after the root */
	struct str token;
};

/* The root's members are below "/", those of "/a" below "/a/". */
struct held_key held_key_below(struct rpath root);

/* Where the first that is not before k hangs, on each level. */
void held_find(struct held_locks *h, const struct held_key *k,
    struct held **at[static HELD_LEVELS]);

/* That one, or NULL. */
const struct held *
held_first_from(const struct held_locks *h, const struct held_key *k);

/* The same for this very lock. */
struct held *held_find_one(struct held_locks *h, const struct lock *l,
    struct held **at[static HELD_LEVELS]);

void held_insert(struct held_locks *h, struct held *e);

/* The one at `at`, as held_find() left it, which is freed. */
void held_unlink(struct held_locks *h, struct held **at[static HELD_LEVELS]);

bool held_is_root(const struct held *e, struct rpath root);

#endif
