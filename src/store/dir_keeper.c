/* SPDX-License-Identifier: MIT */
/*
 * The keeper: a thread that learns again what is in doubt, and removes the
 * watches of what is forgotten.  And how much may be known at once.
 */
#include "store/dir_listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"

#define MAX_BYTES ((size_t)32 << 20)
#define MAX_WATCHES 65536ul
#define SHARE 4 /* of the user's watches, one in so many */
#define MAX_LISTINGS 256
#define TRIES 16
#define AT_A_TIME 64 /* watches removed without letting go of the lock */
#define MOST_PATIENCE 4096

enum wanted { WANTED_YES, WANTED_NO, WANTED_STOP };

static enum wanted
is_wanted(struct listings *ls, const struct listing *l, size_t i)
{
	enum wanted w;

	(void)pthread_mutex_lock(&ls->lock);
	w = !listing_is_public(l) || ls->closing ? WANTED_STOP
	    : l->members[i].known                ? WANTED_NO
						 : WANTED_YES;
	(void)pthread_mutex_unlock(&ls->lock);
	return w;
}

static bool
learn_member(struct listings *ls, struct listing *l, size_t i, int dir,
    const struct entry *e)
{
	struct fact fact;
	int wd = member_learn(ls, l, i, dir, e, &fact);

	if (!wd)
		return false;
	(void)pthread_mutex_lock(&ls->lock);
	member_known(ls, l, i, wd, &fact);
	(void)pthread_mutex_unlock(&ls->lock);
	return true;
}

/*
 * Learns the members that are not known.  Where the first few cannot be, the
 * others cannot either.
 */
static void
learn_members(struct listings *ls, struct listing *l, int dir)
{
	size_t at = 0, i, tried = 0, learnt = 0;
	enum wanted w = WANTED_YES;

	for (i = 0; at < l->len && w != WANTED_STOP; i++) {
		const struct entry *e =
		    (const struct entry *)(const void *)(l->entries + at);

		at += e->size;
		if (!entry_can_be_known(e) || (w = is_wanted(ls, l, i)))
			continue;
		learnt += learn_member(ls, l, i, dir, e);
		if (++tried == TRIES && !learnt)
			return;
	}
}

static void
listing_free(struct listing *l)
{
	if (!l)
		return;
	free(l->entries);
	free(l->members);
	free(l);
}

/* ---- room */

/*
 * Whether a listing counts beside l: not l itself, nor what was known of its
 * collection before, which l will replace.
 */
static bool
is_counted(const struct listing *other, const struct listing *l)
{
	return !other->forgotten && !listing_is_of(other, &l->id);
}

static struct listing *
least_used(const struct listings *ls, const struct listing *but)
{
	struct listing *found = NULL;
	struct listing *l;

	for (l = ls->first; l; l = l->next)
		if (is_counted(l, but) && !l->making &&
		    (!found || l->used < found->used))
			found = l;
	return found;
}

bool
listings_make_room(struct listings *ls, const struct listing *l)
{
	size_t bytes = l->bytes, watches = l->n + 1, n = 1;
	const struct listing *other;
	struct listing *last;

	if (l->n >= ls->max_watches / 2)
		return false;
	for (other = ls->first; other; other = other->next)
		if (is_counted(other, l)) {
			bytes += other->bytes;
			watches += other->n + 1;
			n++;
		}
	while (bytes > MAX_BYTES || watches > ls->max_watches ||
	    n > MAX_LISTINGS) {
		last = least_used(ls, l);
		if (!last)
			return false;
		bytes -= last->bytes;
		watches -= last->n + 1;
		n--;
		listing_forget(ls, last);
	}
	return true;
}

/* Removes some of its watches; false: there are more.  With the lock. */
static bool
unwatch(struct listings *ls, struct listing *l)
{
	unsigned removed = 0;

	watch_remove(&ls->dirs, l->wd);
	l->wd = 0;
	for (; l->unwatched < l->n && removed < AT_A_TIME; l->unwatched++)
		if (l->members && l->members[l->unwatched].wd) {
			watch_remove(&ls->members, l->members[l->unwatched].wd);
			l->members[l->unwatched].wd = 0;
			removed++;
		}
	return l->unwatched == l->n;
}

/* With the lock, which it lets go of now and then: frees what is forgotten. */
static void
clear_out(struct listings *ls)
{
	struct listing **at = &ls->first;

	while (*at) {
		struct listing *l = *at;

		if (!l->forgotten || l->holds) {
			at = &l->next;
		} else if (unwatch(ls, l)) {
			*at = l->next;
			listing_free(l);
		} else {
			(void)pthread_mutex_unlock(&ls->lock);
			(void)pthread_mutex_lock(&ls->lock);
		}
	}
}

/* ---- orders */

static void
learn_again(struct listings *ls, struct listing *l, int dir)
{
	unsigned before;

	(void)pthread_mutex_lock(&ls->lock);
	before = l->in_doubt;
	(void)pthread_mutex_unlock(&ls->lock);
	learn_members(ls, l, dir);
	(void)pthread_mutex_lock(&ls->lock);
	if (l->in_doubt < before)
		l->patience = PATIENCE;
	else if (l->patience < MOST_PATIENCE)
		l->patience *= 2;
	l->ordered = false;
	l->holds--;
	(void)pthread_mutex_unlock(&ls->lock);
}

/* With the lock, which it lets go of. */
static void
serve(struct listings *ls)
{
	struct order o = ls->orders[0];

	ls->n_orders--;
	memmove(&ls->orders[0], &ls->orders[1],
	    ls->n_orders * sizeof(ls->orders[0]));
	(void)pthread_mutex_unlock(&ls->lock);
	learn_again(ls, o.of, o.dir);
	fd_close(&o.dir);
	(void)pthread_mutex_lock(&ls->lock);
}

static void *
run(void *arg)
{
	struct listings *ls = arg;

	thread_name("listings");
	(void)pthread_mutex_lock(&ls->lock);
	while (!ls->closing) {
		ls->busy = true;
		clear_out(ls);
		if (ls->n_orders) {
			serve(ls);
			continue;
		}
		ls->busy = false;
		(void)pthread_cond_broadcast(&ls->idle);
		(void)pthread_cond_wait(&ls->work, &ls->lock);
	}
	(void)pthread_mutex_unlock(&ls->lock);
	return NULL;
}

bool
listings_listen(struct listings *ls)
{
	if (ls->mounts >= 0)
		return true;
	ls->mounts = mounts_open();
	if (ls->mounts >= 0 && watch_set_open(&ls->dirs) &&
	    watch_set_open(&ls->members))
		return true;
	fd_close(&ls->mounts);
	watch_set_done(&ls->dirs);
	watch_set_done(&ls->members);
	return false;
}

/* Tried again the next time: what it needs may be there then. */
bool
keeper_start(struct listings *ls)
{
	unsigned long limit;

	if (ls->started)
		return true;
	if (!listings_listen(ls))
		return false;
	limit = watch_limit() / SHARE;
	ls->max_watches = limit < MAX_WATCHES ? limit : MAX_WATCHES;
	ls->started = !thread_start(&ls->keeper, 0, run, ls);
	return ls->started;
}

void
keeper_order(struct listings *ls, int dir, struct listing *l)
{
	struct order o = { .dir = -1, .of = l };

	if (ls->n_orders == MAX_ORDERS || !keeper_start(ls))
		return;
	/* A descriptor of its own, which reads from the beginning. */
	o.dir = open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	if (o.dir < 0)
		return;
	l->ordered = true;
	l->holds++;
	ls->orders[ls->n_orders++] = o;
	(void)pthread_cond_signal(&ls->work);
}

void
listings_settle(struct listings *ls)
{
	(void)pthread_mutex_lock(&ls->lock);
	while (ls->started && (ls->n_orders || ls->busy))
		(void)pthread_cond_wait(&ls->idle, &ls->lock);
	(void)pthread_mutex_unlock(&ls->lock);
}

void
listings_free(struct listings *ls)
{
	struct listing *l;

	if (!ls)
		return;
	(void)pthread_mutex_lock(&ls->lock);
	ls->closing = true;
	(void)pthread_cond_signal(&ls->work);
	(void)pthread_mutex_unlock(&ls->lock);
	if (ls->started)
		(void)pthread_join(ls->keeper, NULL);
	while (ls->n_orders)
		fd_close(&ls->orders[--ls->n_orders].dir);
	while ((l = ls->first)) {
		ls->first = l->next;
		listing_free(l);
	}
	watch_set_done(&ls->dirs);
	watch_set_done(&ls->members);
	fd_close(&ls->mounts);
	(void)pthread_cond_destroy(&ls->idle);
	(void)pthread_cond_destroy(&ls->work);
	(void)pthread_mutex_destroy(&ls->lock);
	free(ls);
}
