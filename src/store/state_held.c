/* SPDX-License-Identifier: MIT */
#include "store/state_held.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/mutex.h"
#include "store/db.h"
#include "store/state_held_list.h"

/* https://www.sqlite.org/walformat.html s2.1: iChange */
#define COUNTER_AT 8
#define MAP_SIZE ((size_t)4096)

void
held_init(struct held_locks *h)
{
	mutex_init_short(&h->lock);
	h->fd = -1;
}

/*
 * The file stays open as long as SQLite has it: to close it would end SQLite's
 * own locks on it.
 */
void
held_open(struct held_locks *h, int dir)
{
	h->fd = openat(dir, DB_NAME "-shm", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (h->fd < 0)
		return;
	h->map = mmap(NULL, MAP_SIZE, PROT_READ, MAP_SHARED, h->fd, 0);
	if (h->map == MAP_FAILED) {
		h->map = NULL;
		return;
	}
	h->counter = (const _Atomic uint32_t *)(const void *)((char *)h->map +
	    COUNTER_AT);
}

void
held_done(struct held_locks *h)
{
	held_forget(h);
	held_clear(h);
	if (h->map)
		(void)munmap(h->map, MAP_SIZE);
	fd_close(&h->fd);
	(void)pthread_mutex_destroy(&h->lock);
}

/* ---- asking */

bool
held_is_fresh(const struct held_locks *h)
{
	return h->counter &&
	    atomic_load_explicit(h->counter, memory_order_acquire) ==
	    atomic_load(&h->change);
}

bool
held_begin(struct held_locks *h)
{
	(void)pthread_mutex_lock(&h->lock);
	if (held_is_whole(h))
		return true;
	(void)pthread_mutex_unlock(&h->lock);
	return false;
}

void
held_end(struct held_locks *h)
{
	(void)pthread_mutex_unlock(&h->lock);
}

const struct held *
held_at(const struct held_locks *h, struct rpath root)
{
	const struct held *e =
	    held_first_from(h, &(struct held_key){ .root = root.s });

	return held_is_root(e, root) ? e : NULL;
}

const struct held *
held_below(const struct held_locks *h, struct rpath root)
{
	const struct held_key k = held_key_below(root);
	const struct held *e = held_first_from(h, &k);

	while (held_is_root(e, RPATH_ROOT))
		e = e->next[0];
	return e && rpath_is_ancestor(root, e->lock.root) ? e : NULL;
}

const struct held *
held_next(const struct held *at)
{
	return at->next[0];
}

/* What is below it begins as it does, and so is right behind it. */
bool
held_any_from(const struct held_locks *h, struct rpath path)
{
	const struct held *e =
	    held_first_from(h, &(struct held_key){ .root = path.s });

	return e && str_starts(e->lock.root.s, path.s) &&
	    (held_is_root(e, path) || held_below(h, path));
}

static const struct held *
last_up_to(const struct held_locks *h, struct rpath path)
{
	struct held *const *from = h->first;
	const struct held *last = NULL;
	size_t level = HELD_LEVELS;

	while (level-- > 0)
		while (from[level] &&
		    str_cmp(from[level]->lock.root.s, path.s) <= 0) {
			last = from[level];
			from = last->next;
		}
	return last;
}

/*
 * What is above path is one of its beginnings, and those are not after it; what
 * is between such a one and path begins with it, too.  So the last that is not
 * after path tells how much of path can be one's; and what is below path comes
 * right behind.
 */
bool
held_any_near(const struct held_locks *h, struct rpath path)
{
	const struct held *e = last_up_to(h, path);
	const struct held *behind = e ? e->next[0] : h->first[0];
	struct rpath at = path;

	if (behind && str_starts(behind->lock.root.s, path.s) &&
	    held_below(h, path))
		return true;
	while (e && !held_is_root(e, at)) {
		do
			at = rpath_parent(at);
		while (!str_starts(e->lock.root.s, at.s));
		if (rpath_is_root(at))
			return held_is_root(h->first[0], at);
		e = last_up_to(h, at);
	}
	return e != NULL;
}

const struct lock *
held_lock(const struct held *at)
{
	return &at->lock;
}

bool
held_is_whole(const struct held_locks *h)
{
	return atomic_load(&h->all) && held_is_fresh(h);
}

bool
held_is_full(struct held_locks *h)
{
	bool full;

	(void)pthread_mutex_lock(&h->lock);
	full = h->bytes > HELD_MAX;
	(void)pthread_mutex_unlock(&h->lock);
	return full;
}

/* ---- reading them anew */

bool
held_is_stale(const struct held_locks *h)
{
	if (!h->counter)
		return false;
	return !held_is_fresh(h) || (!h->all && h->wanted);
}

void
held_want(struct held_locks *h)
{
	h->wanted = !h->all;
}

/* With the lock. */
static void
clear(struct held_locks *h)
{
	struct held *e, *next;
	size_t i;

	h->all = false;
	for (e = h->first[0]; e; e = next) {
		next = e->next[0];
		held_free(e);
	}
	for (i = 0; i < HELD_LEVELS; i++)
		h->first[i] = NULL;
	h->bytes = 0;
}

void
held_clear(struct held_locks *h)
{
	(void)pthread_mutex_lock(&h->lock);
	clear(h);
	(void)pthread_mutex_unlock(&h->lock);
}

/* Nobody else looks at the list before held_all(). */
enum err_code
held_put(struct held_locks *h, const struct lock *l, struct err *err)
{
	struct held *e;

	e = held_new(h, l);
	if (!e)
		return err_nomem(err);
	(void)pthread_mutex_lock(&h->lock);
	held_insert(h, e);
	(void)pthread_mutex_unlock(&h->lock);
	return ERR_OK;
}

void
held_all(struct held_locks *h)
{
	(void)pthread_mutex_lock(&h->lock);
	h->change = atomic_load(h->counter);
	h->wanted = false;
	if (h->bytes > HELD_MAX)
		clear(h);
	else
		h->all = true;
	(void)pthread_mutex_unlock(&h->lock);
}

/* ---- changes by a transaction */

/* With the lock, as all that follows. */
static void
note(struct held_locks *h, struct held *e, enum edit edit)
{
	if (e->edit == EDIT_NONE) {
		e->note = h->notes;
		h->notes = e;
	}
	e->edit = edit;
}

enum err_code
held_add(struct held_locks *h, const struct lock *l, struct err *err)
{
	struct held *e;

	if (!h->all)
		return ERR_OK;
	e = held_new(h, l);
	if (!e)
		return err_nomem(err);
	(void)pthread_mutex_lock(&h->lock);
	note(h, e, EDIT_ADD);
	(void)pthread_mutex_unlock(&h->lock);
	return ERR_OK;
}

bool
held_has(struct held_locks *h, const struct lock *l)
{
	struct held **at[HELD_LEVELS];
	bool has;

	(void)pthread_mutex_lock(&h->lock);
	has = held_find_one(h, l, at) != NULL;
	(void)pthread_mutex_unlock(&h->lock);
	return has;
}

void
held_refresh(struct held_locks *h, const struct lock *l)
{
	struct held **at[HELD_LEVELS];
	struct held *e;

	(void)pthread_mutex_lock(&h->lock);
	e = held_find_one(h, l, at);
	if (e) {
		e->expires = l->expires;
		note(h, e, EDIT_REFRESH);
	}
	(void)pthread_mutex_unlock(&h->lock);
}

void
held_remove(struct held_locks *h, const struct lock *l)
{
	struct held **at[HELD_LEVELS];
	struct held *e;

	(void)pthread_mutex_lock(&h->lock);
	e = held_find_one(h, l, at);
	if (e)
		note(h, e, EDIT_REMOVE);
	(void)pthread_mutex_unlock(&h->lock);
}

void
held_drop_at(struct held_locks *h, struct rpath root)
{
	struct held **at[HELD_LEVELS];
	struct held *e;

	(void)pthread_mutex_lock(&h->lock);
	held_find(h, &(struct held_key){ .root = root.s }, at);
	for (e = *at[0]; held_is_root(e, root); e = e->next[0])
		note(h, e, EDIT_REMOVE);
	(void)pthread_mutex_unlock(&h->lock);
}

void
held_drop_below(struct held_locks *h, struct rpath root)
{
	const struct held_key k = held_key_below(root);
	struct held **at[HELD_LEVELS];
	struct held *e;

	(void)pthread_mutex_lock(&h->lock);
	held_find(h, &k, at);
	for (e = *at[0]; e && rpath_covers(root, e->lock.root); e = e->next[0])
		if (!rpath_eq(root, e->lock.root))
			note(h, e, EDIT_REMOVE);
	(void)pthread_mutex_unlock(&h->lock);
}

int64_t
held_drop_old(struct held_locks *h, int64_t now)
{
	struct held *e;
	int64_t n = 0;

	(void)pthread_mutex_lock(&h->lock);
	for (e = h->first[0]; e; e = e->next[0])
		if (e->lock.expires <= now) {
			n += e->edit == EDIT_NONE;
			note(h, e, EDIT_REMOVE);
		}
	(void)pthread_mutex_unlock(&h->lock);
	return n;
}

static void
apply(struct held_locks *h, struct held *e)
{
	struct held **at[HELD_LEVELS];

	switch (e->edit) {
	case EDIT_NONE:
		break;
	case EDIT_ADD:
		held_insert(h, e);
		break;
	case EDIT_REFRESH:
		e->lock.expires = e->expires;
		break;
	case EDIT_REMOVE:
		held_find(h,
		    &(struct held_key){ e->lock.root.s, false, e->lock.token },
		    at);
		held_unlink(h, at);
		return;
	}
	e->edit = EDIT_NONE;
}

/* Where another process came right after us, *counter is not what we say. */
void
held_commit(struct held_locks *h)
{
	struct held *e, *next;

	(void)pthread_mutex_lock(&h->lock);
	for (e = h->notes; e; e = next) {
		next = e->note;
		apply(h, e);
	}
	h->notes = NULL;
	h->change += h->logged;
	h->logged = false;
	if (h->bytes > HELD_MAX)
		clear(h);
	(void)pthread_mutex_unlock(&h->lock);
}

void
held_forget(struct held_locks *h)
{
	struct held *e, *next;

	(void)pthread_mutex_lock(&h->lock);
	for (e = h->notes; e; e = next) {
		next = e->note;
		if (e->edit == EDIT_ADD)
			held_free(e);
		else
			e->edit = EDIT_NONE;
	}
	h->notes = NULL;
	h->logged = false;
	(void)pthread_mutex_unlock(&h->lock);
}

/* ---- changes beside a transaction */

/* Where they have become too many meanwhile, the slot alone has it. */
void
held_put_now(struct held_locks *h, struct held *e)
{
	bool all;

	(void)pthread_mutex_lock(&h->lock);
	all = h->all;
	if (all)
		held_insert(h, e);
	(void)pthread_mutex_unlock(&h->lock);
	if (!all)
		held_free(e);
}

/* A transaction is about to remove it, too, since it is over. */
static void
take_back_note(struct held_locks *h, const struct held *e)
{
	struct held **at = &h->notes;

	while (*at != e)
		at = &(*at)->note;
	*at = e->note;
}

bool
held_remove_now(struct held_locks *h, const struct lock *l)
{
	struct held **at[HELD_LEVELS];
	struct held *e;
	bool noted;

	(void)pthread_mutex_lock(&h->lock);
	e = held_find_one(h, l, at);
	noted = e && e->edit != EDIT_NONE;
	if (noted)
		take_back_note(h, e);
	if (e)
		held_unlink(h, at);
	(void)pthread_mutex_unlock(&h->lock);
	return e && !noted;
}

void
held_refresh_now(struct held_locks *h, const struct lock *l)
{
	struct held **at[HELD_LEVELS];
	struct held *e;

	(void)pthread_mutex_lock(&h->lock);
	e = held_find_one(h, l, at);
	if (e)
		e->lock.expires = l->expires;
	(void)pthread_mutex_unlock(&h->lock);
}
