/* SPDX-License-Identifier: MIT */
/*
 * Claims: changes to one path come one after the other.  dir_impl.h has those
 * that find a place on the way.
 */
#ifndef SHEAF_STORE_DIR_CLAIM_H
#define SHEAF_STORE_DIR_CLAIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/path.h"

struct dir_store;
struct foretold;

#define FORETOLD_LISTS 64

/* Who is changing what: the line of all claims. */
struct claims {
	pthread_mutex_t mutex;
	struct hold *first, *last;
	/* Of dir_foretell.c: lists by claim_end_of() of their paths. */
	struct foretold *foretold[FORETOLD_LISTS];
	size_t n_foretold; /* in all of them */
};

void claims_init(struct claims *c);
void claims_done(struct claims *c);

enum scope {
	SCOPE_PATH,
	SCOPE_TREE, /* and everything below it */
};

struct claim {
	struct rpath path; /* without links */
	uint32_t end; /* its last bytes, to be compared first */
	enum scope scope;
	struct buf own; /* what path points into, if it is not the caller's */
};

/*
 * What one operation has claimed; all zero is nothing.  It must not move.
 * While it is held nobody else has a claim to the same path; nor, where the
 * scope of either is the tree, to a path below it.
 */
struct hold {
	struct dir_store *ds;
	struct hold *prev, *next;
	size_t n;
	struct claim claims[2];
	unsigned waits_for; /* how many who came before are in the way */
	bool at_once; /* ERR_BUSY rather than wait; not for hold_tree() */
	pthread_cond_t turn;
	const struct foretold *mine; /* not made void by it; may be NULL */
};

void hold_done(struct hold *h);

uint32_t claim_end_of(struct rpath path);

/* Whether somebody has claimed it now; a moment later that may differ. */
bool
claim_would_wait(struct dir_store *ds, struct rpath path, enum scope scope);

/* Claims a path that has no links; it is the caller's until hold_done(). */
void hold_tree(struct dir_store *ds, struct rpath path, struct hold *h);

/* Claims a path that has no links, as above, unless that would have to wait. */
bool hold_try(struct dir_store *ds, struct rpath path, struct hold *h);

/*
 * A path to be claimed as well by the next function, when it is called; it is
 * the caller's until hold_done().
 */
void hold_also(struct hold *h, struct rpath path);

#endif
