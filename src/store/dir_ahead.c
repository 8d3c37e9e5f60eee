/* SPDX-License-Identifier: MIT */
#include "store/dir_ahead.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mutex.h"
#include "base/thread.h"

#define CALL_AT 512 /* members a walk meets for each helper it calls */
#define CALL_DEEP 128 /* for the first helper of a walk of a tree */
#define BLOCKS 6 /* read ahead of where the walk is; fewer are worth a wake */
#define BELOW 128 /* collections ahead, for each helper; most are small */
#define IF_OPEN 8 /* as many of those is one with a descriptor */
#define LEVELS 3 /* looked at by helpers, from where the walk is upwards */

void
ahead_init(struct ahead *a, const struct dir_store *ds,
    struct crew_share *share, bool deep)
{
	a->ds = ds;
	a->share = share;
	a->deep = deep;
	a->met = 0;
	a->call_at = deep ? CALL_DEEP : CALL_AT;
	a->on = false;
	a->level = NULL;
}

static void
lock(struct ahead *a)
{
	if (a->on)
		(void)pthread_mutex_lock(&a->lock);
}

static void
unlock(struct ahead *a)
{
	if (a->on)
		(void)pthread_mutex_unlock(&a->lock);
}

/* Wakes a helper, if one is idle: there may be more to do. */
static void
wake(struct ahead *a)
{
	if (a->on && a->idle)
		(void)pthread_cond_signal(&a->work);
}

/* ---- what there is to do; with the lock held */

struct task {
	void (*run)(struct ahead *a, const struct task *t);
	struct level *level;
	struct block *block;
	struct spot *spot;
};

/* With the lock, which it lets go of. */
static void
ask(struct ahead *a, const struct level *l, struct block *b)
{
	b->users++;
	unlock(a);
	block_ask(a->ds, l, b);
	lock(a);
	b->users--;
	b->ready = true;
}

static void
run_read(struct ahead *a, const struct task *t)
{
	struct level *l = t->level;
	struct block *b = l->spare;
	bool more = true;

	if (b)
		l->spare = b->next;
	unlock(a);
	if (!b)
		b = level_block(l);
	if (b)
		more = level_fill(a->ds, l, b);
	lock(a);
	l->ended = !more;
	l->reading = false;
	l->shut = l->shut || !b; /* it would be tried again at once */
	if (!b)
		return;
	b->next = NULL;
	b->ready = false;
	l->last->next = b;
	l->last = b;
	l->n_then++;
	wake(a); /* the next can be read */
	ask(a, l, b);
}

static bool
find_read(struct level *l, unsigned most, struct task *t)
{
	if (l->reading || l->ended || l->n_then >= most)
		return false;
	l->reading = true;
	*t = (struct task){ .run = run_read, .level = l };
	return true;
}

static bool
is_file(const struct spot *s)
{
	return s->entry->type == DT_REG &&
	    (s->fact.failed || S_ISREG(s->fact.mode));
}

/*
 * Whether one block holds the whole collection and, in a walk of a tree, only
 * files: then the walk needs no helper there, nor the collection open.
 */
static bool
is_whole(const struct ahead *a, const struct level *l)
{
	const struct block *b = l->now;
	size_t i;

	for (i = 0; a->deep && i < b->n; i++)
		if (!is_file(&b->spots[i]))
			return false;
	return l->ended;
}

static struct level *
level_below(struct ahead *a, const struct level *up, const struct spot *s)
{
	const struct dir_store *ds = a->ds;
	struct look k = LOOK_NONE;
	int fd CLEANUP(fd_close) = -1;
	struct resource res;
	struct level *l = NULL;

	fact_resource(ds, &s->fact, &res);
	if (!memcmp(&res.id, &ds->hidden_id, sizeof(res.id)))
		return NULL;
	while (look_on(ds, &k)) {
		fd_close(&fd);
		fd = open_beneath(
		    up->fd, s->entry->name, O_RDONLY | O_DIRECTORY, 0);
	}
	if (fd >= 0)
		l = level_new(ds, &res, up->depth + 1, &fd);
	if (!l)
		return NULL;
	level_look_up(l, ds->listings, true);
	l->ended = !level_fill(ds, l, l->now);
	block_ask(ds, l, l->now);
	l->now->ready = true;
	l->whole = is_whole(a, l);
	if (l->whole)
		level_settle(l);
	return l;
}

static unsigned
counts(const struct level *l)
{
	return l->fd < 0 ? 1 : IF_OPEN;
}

/*
 * Opens a collection ahead of the walk.  Where that fails the walk will find
 * out why.
 */
static void
run_below(struct ahead *a, const struct task *t)
{
	struct spot *s = t->spot;
	struct level *l;

	t->block->users++;
	unlock(a);
	l = level_below(a, t->level, s);
	lock(a);
	t->block->users--;
	s->below = l;
	s->opening = false;
	a->n_below -= IF_OPEN;
	if (!l)
		return;
	t->block->n_below++;
	a->n_below += counts(l);
}

static bool
find_below(struct level *l, struct task *t)
{
	struct block *b = l->now;

	while (b->ready && b->tried < b->n) {
		struct spot *s = &b->spots[b->tried++];

		if (s->entry->type != DT_DIR || s->fact.failed ||
		    !S_ISDIR(s->fact.mode))
			continue;
		s->opening = true;
		*t = (struct task){
			.run = run_below,
			.level = l,
			.block = b,
			.spot = s,
		};
		return true;
	}
	return false;
}

/* The first collection that a helper was in and the walk was not. */
static struct level *
first_below(const struct level *l)
{
	struct block *b = l->now;
	size_t i;

	if (!b->ready || !b->n_below)
		return NULL;
	for (i = b->entered; i < b->tried; i++)
		if (b->spots[i].below)
			return b->spots[i].below;
	return NULL;
}

/*
 * Looks below l in the order of the walk: what is in a collection comes before
 * what is beside it.
 */
static bool
/* NOLINTNEXTLINE(misc-no-recursion): as deep as was opened ahead, see BELOW */
find_deep(struct level *l, struct task *t)
{
	struct level *below = first_below(l);

	if (below && !below->whole && find_deep(below, t))
		return true;
	return !l->shut && find_below(l, t);
}

/*
 * Finds the task that the walk will need first.  Of the collections above the
 * walk less is looked at: what is below comes first.
 */
static bool
find(struct ahead *a, struct task *t)
{
	struct level *l = a->level;
	unsigned above;

	for (above = 0; l && above < LEVELS; above++, l = l->up) {
		if (a->deep && a->n_below < (BELOW * a->n_helpers) >> above &&
		    find_deep(l, t)) {
			a->n_below += IF_OPEN; /* till it is known */
			return true;
		}
		if (!l->shut && find_read(l, above ? 1 : BLOCKS, t))
			return true;
	}
	return false;
}

/* ---- helpers */

static void *
help(void *arg)
{
	struct ahead *a = arg;
	struct task t;

	thread_name("ahead");
	(void)pthread_mutex_lock(&a->lock);
	while (!a->over) {
		if (find(a, &t)) {
			wake(a); /* there may be another */
			t.run(a, &t);
			if (a->waits)
				(void)pthread_cond_signal(&a->done);
			continue;
		}
		a->idle++;
		(void)pthread_cond_wait(&a->work, &a->lock);
		a->idle--;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

static void
begin(struct ahead *a)
{
	mutex_init_short(&a->lock);
	(void)pthread_cond_init(&a->work, NULL);
	(void)pthread_cond_init(&a->done, NULL);
	a->n_helpers = a->n_below = a->idle = 0;
	a->waits = a->over = false;
	a->on = true;
}

/* Calls one more helper.  Where none can be had it is tried again later. */
static void
call(struct ahead *a)
{
	a->call_at = a->met + CALL_AT;
	if (!a->share)
		return;
	if (!a->on)
		begin(a);
	lock(a);
	if (a->n_helpers < CREW_HELPERS &&
	    crew_share_hire(a->share, &a->helpers[a->n_helpers], help, a))
		a->n_helpers++;
	unlock(a);
}

void
ahead_done(struct ahead *a)
{
	unsigned i;

	if (!a->on)
		return;
	lock(a);
	a->over = true;
	(void)pthread_cond_broadcast(&a->work);
	unlock(a);
	for (i = 0; i < a->n_helpers; i++)
		crew_share_join(a->share, a->helpers[i]);
	(void)pthread_cond_destroy(&a->done);
	(void)pthread_cond_destroy(&a->work);
	(void)pthread_mutex_destroy(&a->lock);
	a->on = false;
}

/* ---- the walk */

/*
 * With the lock: what the walk needs is being done by a helper.  Meanwhile it
 * does something else that it will need, or sleeps.
 */
static void
pass_time(struct ahead *a)
{
	struct task t;

	if (find(a, &t)) {
		t.run(a, &t);
		return;
	}
	a->waits = true;
	(void)pthread_cond_wait(&a->done, &a->lock);
	a->waits = false;
}

static bool
is_used(const struct level *l)
{
	const struct block *b;

	for (b = l->now; b; b = b->next)
		if (b->users)
			return true;
	return l->reading;
}

/* Whether a helper is at l or below it; counts in *n the collections below. */
static bool
/* NOLINTNEXTLINE(misc-no-recursion): as deep as was opened ahead, see BELOW */
is_used_below(const struct level *l, unsigned *n)
{
	const struct block *b = l->now;
	bool used = is_used(l);
	size_t i;

	for (i = b->entered; b->n_below && i < b->n; i++)
		if (b->spots[i].below) {
			*n += counts(b->spots[i].below);
			used |= is_used_below(b->spots[i].below, n);
		}
	return used;
}

/* With the lock: l will be freed, and what helpers have opened below it. */
static void
wait_for_all(struct ahead *a, const struct level *l)
{
	unsigned n = 0;

	while (a->on && is_used_below(l, &n)) {
		n = 0;
		pass_time(a);
	}
	a->n_below -= n;
}

void
ahead_move(struct ahead *a, struct level *l, const struct level *left)
{
	if ((l && l->whole) || (left && left->whole))
		return;
	lock(a);
	a->level = l;
	if (left)
		wait_for_all(a, left);
	wake(a);
	unlock(a);
}

void
ahead_shut(struct ahead *a, struct level *l)
{
	lock(a);
	l->shut = true;
	while (is_used(l))
		pass_time(a);
	unlock(a);
}

void
ahead_open(struct ahead *a, struct level *l)
{
	lock(a);
	l->shut = false;
	unlock(a);
}

/* With the lock: no helper has read more of the level, so the walk does. */
static void
refill(struct ahead *a, struct level *l)
{
	bool more;

	l->now->ready = false;
	l->reading = true;
	unlock(a);
	more = level_fill(a->ds, l, l->now);
	lock(a);
	l->ended = !more;
	l->reading = false;
	wake(a);
	ask(a, l, l->now);
}

/* With the lock. */
static void
step(struct level *l)
{
	struct block *b = l->now;

	l->now = b->next;
	l->n_then--;
	b->next = l->spare;
	l->spare = b;
}

bool
ahead_next(struct ahead *a, struct level *l)
{
	bool more = true;

	if (l->whole)
		return false;
	lock(a);
	while (l->now->users || (l->reading && !l->now->next))
		pass_time(a);
	if (l->now->next)
		step(l);
	else if (l->ended)
		more = false;
	else
		refill(a, l);
	if (l->n_then < BLOCKS / 2 || a->deep)
		wake(a);
	while (more && !l->now->ready)
		pass_time(a);
	unlock(a);
	a->met += l->now->n - l->now->seen;
	if (a->met >= a->call_at)
		call(a);
	return more;
}

/*
 * With the lock: the walk has come to a collection that a helper opened.
 * Helpers are woken only when several can be opened anew.
 */
static void
entered(struct ahead *a, const struct level *below)
{
	const unsigned half = BELOW / 2 * a->n_helpers, was = a->n_below;

	a->met += below->now->n;
	a->n_below -= counts(below);
	if (was > half && a->n_below <= half)
		wake(a);
}

struct level *
ahead_below(struct ahead *a, struct level *l, const struct spot *s)
{
	struct block *b = l->now;
	struct spot *own = &b->spots[s - b->spots];
	struct level *below;

	lock(a);
	if (b->tried <= (size_t)(s - b->spots))
		b->tried = (size_t)(s - b->spots) + 1;
	while (own->opening)
		pass_time(a);
	b->entered = (size_t)(s - b->spots) + 1;
	below = own->below;
	own->below = NULL;
	if (below) {
		b->n_below--;
		entered(a, below);
	}
	unlock(a);
	return below;
}

void
ahead_skip(struct ahead *a, const struct level *below)
{
	lock(a);
	wait_for_all(a, below);
	unlock(a);
}
