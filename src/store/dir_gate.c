/* SPDX-License-Identifier: MIT */
/*
 * The gate of applies: what keeps readers from seeing half of a store_apply().
 *
 * A reader takes no lock: it notes a number, looks, and looks again if the
 * number has changed meanwhile, or is odd, as it is while an apply renames.  So
 * a look costs two loads, readers never keep an apply waiting, and a visitor of
 * a walk may call the store.  A reader that has had to look again a few times
 * keeps applies out while it looks.
 *
 * A walk is many looks.  An apply lets the walks that are under way come to
 * their end, for a while, so that they, too, see all or nothing: for long where
 * they only look, since those wait for nobody.  A walk that takes longer, or
 * that waits for what the apply has claimed, sees it as it would see many
 * changes made one by one.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "store/dir_impl.h"

#define LOOKS 3 /* of a reader, before it keeps applies out */
#define PATIENCE (NSEC_PER_SEC / 10) /* that an apply waits for walks */
#define PATIENCE_LOOKS (10 * NSEC_PER_SEC) /* and for WALK_LOOK */

struct apply_gate {
	_Atomic uint64_t moves; /* odd: an apply is renaming */
	pthread_mutex_t turn; /* who renames, or looks for the last time */
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t ended; /* a walk, or the wait for walks */
	struct walking *first;
	bool waits; /* an apply waits for the walks there are */
};

struct apply_gate *
apply_gate_new(void)
{
	struct apply_gate *g = calloc(1, sizeof(*g));
	pthread_condattr_t by_clock;

	if (!g)
		return NULL;
	(void)pthread_mutex_init(&g->turn, NULL);
	(void)pthread_mutex_init(&g->lock, NULL);
	(void)pthread_condattr_init(&by_clock);
	(void)pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&g->ended, &by_clock);
	(void)pthread_condattr_destroy(&by_clock);
	return g;
}

void
apply_gate_free(struct apply_gate *g)
{
	if (!g)
		return;
	(void)pthread_cond_destroy(&g->ended);
	(void)pthread_mutex_destroy(&g->lock);
	(void)pthread_mutex_destroy(&g->turn);
	free(g);
}

/* ---- looks */

static bool
look_begin(struct apply_gate *g, struct look *l)
{
	l->moves = atomic_load(&g->moves);
	if (l->tries++ < LOOKS && !(l->moves & 1))
		return true;
	(void)pthread_mutex_lock(&g->turn);
	l->moves = atomic_load(&g->moves);
	l->alone = l->tries > LOOKS;
	if (!l->alone)
		(void)pthread_mutex_unlock(&g->turn);
	return true;
}

bool
look_on(const struct dir_store *ds, struct look *l)
{
	struct apply_gate *g = ds->gate;

	if (l->tries && (l->alone || atomic_load(&g->moves) == l->moves)) {
		if (l->alone)
			(void)pthread_mutex_unlock(&g->turn);
		return false;
	}
	return look_begin(g, l);
}

/* ---- walks */

static bool
is_walking(const struct apply_gate *g, pthread_t who)
{
	const struct walking *w = g->first;

	while (w && !pthread_equal(w->who, who))
		w = w->next;
	return w != NULL;
}

/* Whether anybody else is; looks: and only looks. */
static bool
others_walk(const struct apply_gate *g, bool looks)
{
	const struct walking *w = g->first;

	while (w &&
	    (pthread_equal(w->who, pthread_self()) || (looks && !w->looks)))
		w = w->next;
	return w != NULL;
}

bool
walking_begin(const struct dir_store *ds, struct walking *w, bool at_once)
{
	struct apply_gate *g = ds->gate;
	bool waits;

	w->who = pthread_self();
	(void)pthread_mutex_lock(&g->lock);
	while ((waits = g->waits && !is_walking(g, w->who)) && !at_once)
		(void)pthread_cond_wait(&g->ended, &g->lock);
	if (!waits) {
		w->next = g->first;
		g->first = w;
	}
	(void)pthread_mutex_unlock(&g->lock);
	return !waits;
}

void
walking_end(const struct dir_store *ds, struct walking *w)
{
	struct apply_gate *g = ds->gate;
	struct walking **at = &g->first;

	(void)pthread_mutex_lock(&g->lock);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (g->waits)
		(void)pthread_cond_broadcast(&g->ended);
	(void)pthread_mutex_unlock(&g->lock);
}

static void
wait_while(struct apply_gate *g, bool looks, int64_t patience)
{
	struct timespec end;
	int failed = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	patience += end.tv_nsec;
	end.tv_sec += patience / NSEC_PER_SEC;
	end.tv_nsec = patience % NSEC_PER_SEC;
	while (!failed && others_walk(g, looks))
		failed = pthread_cond_timedwait(&g->ended, &g->lock, &end);
}

static void
wait_for_walks(struct apply_gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	g->waits = true;
	wait_while(g, false, PATIENCE);
	wait_while(g, true, PATIENCE_LOOKS);
	(void)pthread_mutex_unlock(&g->lock);
}

/* ---- an apply */

void
apply_gate_close(struct dir_store *ds)
{
	struct apply_gate *g = ds->gate;

	(void)pthread_mutex_lock(&g->turn);
	wait_for_walks(g);
	(void)atomic_fetch_add(&g->moves, 1);
}

void
apply_gate_open(struct dir_store *ds)
{
	struct apply_gate *g = ds->gate;

	(void)atomic_fetch_add(&g->moves, 1);
	(void)pthread_mutex_lock(&g->lock);
	g->waits = false;
	(void)pthread_cond_broadcast(&g->ended);
	(void)pthread_mutex_unlock(&g->lock);
	(void)pthread_mutex_unlock(&g->turn);
}
