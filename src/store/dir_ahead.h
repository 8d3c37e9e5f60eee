/* SPDX-License-Identifier: MIT */
/*
 * Threads that look ahead of a walk: they read the entries that it will come
 * to, ask about them, and open the collections that it will go into.  What the
 * walk tells, and in which order, is what it would be without them.
 *
 * Helpers are called when a walk has met many members, and are taken from those
 * that all operations of the store share.  What the walk needs and no helper
 * has begun it does itself; while it waits for what a helper has begun, it does
 * other things that it will need.  So little is looked at ahead that memory
 * does not grow with the tree.
 */
#ifndef SHEAF_STORE_DIR_AHEAD_H
#define SHEAF_STORE_DIR_AHEAD_H

#include <pthread.h>

#include "base/crew.h"
#include "store/dir_level.h"

struct ahead {
	const struct dir_store *ds;
	struct crew_share *share; /* NULL: it has no helpers */
	bool deep; /* the walk goes into collections */
	size_t met; /* members the walk has met */
	size_t call_at; /* how many it has to meet for another helper */
	bool on; /* what follows is in use */
	pthread_mutex_t lock;
	pthread_cond_t work; /* for helpers */
	pthread_cond_t done; /* for the walk */
	pthread_t helpers[CREW_HELPERS];
	unsigned n_helpers;
	struct level *level; /* where the walk is */
	unsigned n_below; /* collections opened ahead of it: see BELOW */
	unsigned idle; /* helpers */
	bool waits; /* the walk does, in `done` */
	bool over;
};

/* *a must not move afterwards. */
void ahead_init(struct ahead *a, const struct dir_store *ds,
    struct crew_share *share, bool deep);

/* Sends the helpers away; what they did is freed with the levels. */
void ahead_done(struct ahead *a);

/*
 * The walk is in l now (NULL: in none), and nobody is at left, if there is one,
 * or below it.
 */
void ahead_move(struct ahead *a, struct level *l, const struct level *left);

/* The level's collection is to be closed, or was opened again. */
void ahead_shut(struct ahead *a, struct level *l);
void ahead_open(struct ahead *a, struct level *l);

/*
 * Makes the level's next block l->now, when it is ready; false: there is none.
 */
bool ahead_next(struct ahead *a, struct level *l);

/* The collection that this spot of l->now is, if a helper has opened it. */
struct level *
ahead_below(struct ahead *a, struct level *l, const struct spot *s);

/* The walk does not go into what that was: returns when nobody is there. */
void ahead_skip(struct ahead *a, const struct level *below);

#endif
