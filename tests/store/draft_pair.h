/* SPDX-License-Identifier: MIT */
/* A plain store and a draft, side by side, and what is to be seen of each. */
#ifndef SHEAF_TESTS_STORE_DRAFT_PAIR_H
#define SHEAF_TESTS_STORE_DRAFT_PAIR_H

#include "base/buf.h"
#include "lib/locks.h"
#include "store/suite.h"

#define LOCKS_MAX 4
#define PATHS_MAX 156 /* 5 names, up to 3 deep */
#define KEYS 5 /* "k0" and so on */

/* "/", those in it, those below them, and so on. */
const char *path_at(size_t i);

struct side {
	struct store *base;
	struct store *s; /* what is changed */
	struct token locks[LOCKS_MAX];
	/* Of each path, as it was when last looked at. */
	struct resource seen[PATHS_MAX];
	bool is_seen[PATHS_MAX];
};

struct pair {
	uint64_t seed;
	struct side plain, draft;
	struct store *middle; /* the draft's base, where that is a draft */
	size_t n_locks;
};

void pair_failed(const struct pair *p, const char *what, const char *path,
    const char *a, const char *b);

bool same_id(const struct resource *a, const struct resource *b);

/*
 * Appends what is at each path, whether it is what was there before, and all
 * records.
 */
void put_picture(struct side *side, struct buf *out);
void compare_pictures(struct pair *p, const char *when);

/* Appends all of the base, with ids and times. */
void put_base(struct store *s, struct buf *out);

#endif
