/* SPDX-License-Identifier: MIT */
#include "store/dir_ahead.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mutex.h"

#define CALL_AT 512 /* members met; and as many more for the next helper */
#define ALONE 2 /* slices of those that are asked about at once */
#define BELOW 16 /* collections opened ahead, for each helper */
#define LEVELS 3 /* looked at by helpers, from where the walk is upwards */

void
ahead_init(struct ahead *a, const struct dir_store *ds,
    struct crew_share *share, bool deep)
{
	a->ds = ds;
	a->share = share;
	a->deep = deep;
	a->met = 0;
	a->call_at = CALL_AT;
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

/* There may be more to do. */
static void
wake(struct ahead *a)
{
	if (a->on && a->idle)
		(void)pthread_cond_signal(&a->work);
}

/* ---- what there is to do.  With the lock. */

struct task {
	void (*run)(struct ahead *a, const struct task *t);
	struct level *level;
	struct block *block;
	struct spot *spot;
	unsigned slice;
};

static void
run_ask(struct ahead *a, const struct task *t)
{
	t->block->users++;
	unlock(a);
	block_ask(a->ds, t->level, t->block, t->slice);
	lock(a);
	t->block->users--;
	t->block->ready |= UINT32_C(1) << t->slice;
}

static bool
find_ask(struct level *l, struct block *b, struct task *t)
{
	if (b->begun == block_slices(b))
		return false;
	*t = (struct task){
		.run = run_ask,
		.level = l,
		.block = b,
		.slice = b->begun++,
	};
	return true;
}

static void
run_read(struct ahead *a, const struct task *t)
{
	struct level *l = t->level;
	struct block *b = l->spare;
	bool more = true;

	l->spare = NULL;
	unlock(a);
	if (!b)
		b = level_block(l);
	if (b)
		more = level_fill(a->ds, l, b);
	lock(a);
	l->then = b;
	l->ended = !more;
	l->shut = l->shut || !b; /* it would be tried again at once */
	l->reading = false;
}

static bool
find_read(struct level *l, struct task *t)
{
	if (l->then || l->reading || l->ended)
		return false;
	l->reading = true;
	*t = (struct task){ .run = run_read, .level = l };
	return true;
}

/* Files only, and few: then the walk needs no helper there. */
static bool
is_whole(const struct ahead *a, const struct level *l)
{
	const struct block *b = l->now;
	size_t i;

	for (i = 0; a->deep && i < b->n; i++)
		if (b->spots[i].entry->type != DT_REG)
			return false;
	return l->ended && b->begun == block_slices(b);
}

static void
ask_first(const struct ahead *a, struct level *l)
{
	struct block *b = l->now;

	while (b->begun < ALONE && b->begun < block_slices(b)) {
		block_ask(a->ds, l, b, b->begun);
		b->ready |= UINT32_C(1) << b->begun++;
	}
	l->whole = is_whole(a, l);
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
	ask_first(a, l);
	return l;
}

/* Where it cannot, the walk finds out why. */
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
	if (l)
		t->block->n_below++;
	else
		a->n_below--;
}

/* Fewer from levels above: those below it come first. */
static bool
find_below(struct ahead *a, struct level *l, unsigned above, struct task *t)
{
	struct block *b = l->now;

	if (!a->deep || a->n_below >= (BELOW * a->n_helpers) >> above)
		return false;
	while (b->tried < b->n && (b->ready >> (b->tried / SLICE) & 1)) {
		struct spot *s = &b->spots[b->tried++];

		if (s->entry->type != DT_DIR || s->fact.failed ||
		    !S_ISDIR(s->fact.mode))
			continue;
		s->opening = true;
		a->n_below++;
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

/* What the walk will need first. */
static bool
find(struct ahead *a, struct task *t)
{
	struct level *l = a->level;
	unsigned above;

	for (above = 0; l && above < LEVELS; above++, l = l->up)
		if (!l->shut &&
		    (find_below(a, l, above, t) || find_ask(l, l->now, t) ||
			find_read(l, t) ||
			(l->then && find_ask(l, l->then, t))))
			return true;
	return false;
}

/* ---- helpers */

static void *
help(void *arg)
{
	struct ahead *a = arg;
	struct task t;

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

/* One more; where none can be had now, it is tried again later. */
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

/* With the lock: what it waits for is being done.  It does something else. */
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
	return l->reading || l->now->users || (l->then && l->then->users);
}

void
ahead_move(struct ahead *a, struct level *l, const struct level *left)
{
	if ((l && l->whole) || (left && left->whole))
		return;
	lock(a);
	a->level = l;
	while (left && is_used(left))
		pass_time(a);
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

/* With the lock: nobody else has read more of it, so the walk does. */
static void
refill(struct ahead *a, struct level *l)
{
	bool shut = l->shut;
	bool more;

	/* To helpers, while l->now is half of what it will be. */
	l->shut = true;
	unlock(a);
	more = level_fill(a->ds, l, l->now);
	lock(a);
	l->ended = !more;
	l->shut = shut;
}

bool
ahead_next(struct ahead *a, struct level *l)
{
	struct block *b = l->now;
	bool more = true;

	if (l->whole)
		return false;
	lock(a);
	while (l->reading || b->users)
		pass_time(a);
	if (l->then) {
		l->spare = b;
		l->now = l->then;
		l->then = NULL;
	} else if (l->ended) {
		more = false;
	} else {
		refill(a, l);
	}
	wake(a);
	unlock(a);
	a->met += l->now->n - l->now->seen;
	if (a->met >= a->call_at)
		call(a);
	return more;
}

void
ahead_need(struct ahead *a, struct level *l, unsigned slice)
{
	struct block *b = l->now;
	struct task t;

	if (l->whole)
		return;
	lock(a);
	if (b->begun == slice && find_ask(l, b, &t)) {
		t.run(a, &t);
		wake(a); /* collections may be among them */
	}
	while (!(b->ready >> slice & 1))
		pass_time(a);
	unlock(a);
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
	below = own->below;
	own->below = NULL;
	if (below) {
		b->n_below--;
		a->met += below->now->n;
		if (--a->n_below == BELOW / 2 * a->n_helpers)
			wake(a);
	}
	unlock(a);
	return below;
}
