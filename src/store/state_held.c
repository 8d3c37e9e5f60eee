/* SPDX-License-Identifier: MIT */
#include "store/state_held.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/file.h"
#include "store/db.h"

/* https://www.sqlite.org/walformat.html s2.1: iChange */
#define COUNTER_AT 8
#define MAP_SIZE ((size_t)4096)

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

void
held_init(struct held_locks *h)
{
	(void)pthread_rwlock_init(&h->lock, NULL);
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
	(void)pthread_rwlock_destroy(&h->lock);
}

/* ---- the list */

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return *seed;
}

/* One in four has a level more than the others. */
static size_t
random_levels(struct held_locks *h)
{
	uint32_t r = next_random(&h->seed) >> 1;
	size_t n = 1 + (size_t)__builtin_ctz(r | UINT32_C(1) << 30) / 2;
	size_t most = h->levels + 1; /* the first of many need no more */

	if (most > HELD_LEVELS)
		most = HELD_LEVELS;
	return n < most ? n : most;
}

static struct str
take_copy(char **at, struct str s)
{
	struct str copy = str_of(*at, s.len);

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

static struct held *
held_new(struct held_locks *h, const struct lock *l)
{
	size_t levels = random_levels(h);
	size_t bytes = sizeof(struct held) + levels * sizeof(struct held *) +
	    l->root.s.len + l->token.len + l->owner.len + l->user.len;
	struct held *e = malloc(bytes);
	char *at;

	if (!e)
		return NULL;
	*e = (struct held){ .lock = *l, .bytes = bytes, .levels = levels };
	at = (char *)&e->next[levels];
	e->lock.root.s = take_copy(&at, l->root.s);
	e->lock.token = take_copy(&at, l->token);
	e->lock.owner = take_copy(&at, l->owner);
	e->lock.user = take_copy(&at, l->user);
	return e;
}

/* A place in the list: what is before it, and what is not. */
struct key {
	struct str root;
	bool below; /* what has "/" after the root */
	struct str token;
};

static bool
is_before(const struct held *e, const struct key *k)
{
	struct str root = e->lock.root.s;
	int order;

	if (!k->below) {
		order = str_cmp(root, k->root);
		return order < 0 ||
		    (order == 0 && str_cmp(e->lock.token, k->token) < 0);
	}
	order = str_cmp(str_head(root, k->root.len), k->root);
	return order < 0 ||
	    (order == 0 &&
		(root.len == k->root.len ||
		    (unsigned char)root.ptr[k->root.len] < '/'));
}

/* Where the first that is not before k hangs, on each level. */
static void
find(struct held_locks *h, const struct key *k,
    struct held **at[static HELD_LEVELS])
{
	struct held **from = h->first;
	size_t level;

	/* All of it, for gcc's analyzer, which loses count below. */
	for (level = 0; level < HELD_LEVELS; level++)
		at[level] = &from[level];
	level = h->levels;
	while (level-- > 0) {
		while (from[level] && is_before(from[level], k))
			from = from[level]->next;
		at[level] = &from[level];
	}
}

static const struct held *
first_from(const struct held_locks *h, const struct key *k)
{
	struct held *const *from = h->first;
	size_t level = h->levels;

	while (level-- > 0)
		while (from[level] && is_before(from[level], k))
			from = from[level]->next;
	return from[0];
}

static void
insert(struct held_locks *h, struct held *e)
{
	struct held **at[HELD_LEVELS];
	size_t i;

	if (h->levels < e->levels)
		h->levels = e->levels;
	find(h, &(struct key){ e->lock.root.s, false, e->lock.token }, at);
	for (i = 0; i < e->levels; i++) {
		e->next[i] = *at[i];
		*at[i] = e;
	}
	h->bytes += e->bytes;
}

static bool
is_root(const struct held *e, struct rpath root)
{
	return e && rpath_eq(e->lock.root, root);
}

/* The one at `at`, as find() left it. */
static void
unlink_one(struct held_locks *h, struct held **at[static HELD_LEVELS])
{
	struct held *e = *at[0];
	size_t i;

	for (i = 0; i < e->levels; i++)
		*at[i] = e->next[i];
	h->bytes -= e->bytes;
	free(e);
}

/* ---- asking */

bool
held_is_fresh(const struct held_locks *h)
{
	return h->counter &&
	    atomic_load_explicit(h->counter, memory_order_acquire) == h->change;
}

bool
held_begin(struct held_locks *h)
{
	(void)pthread_rwlock_rdlock(&h->lock);
	if (h->all && held_is_fresh(h))
		return true;
	(void)pthread_rwlock_unlock(&h->lock);
	return false;
}

void
held_end(struct held_locks *h)
{
	(void)pthread_rwlock_unlock(&h->lock);
}

/* The root's members are below "/", those of "/a" below "/a/". */
static struct key
below(struct rpath root)
{
	return (struct key){
		.root = rpath_is_root(root) ? str_of("", 0) : root.s,
		.below = true,
	};
}

const struct held *
held_at(const struct held_locks *h, struct rpath root)
{
	const struct held *e = first_from(h, &(struct key){ .root = root.s });

	return is_root(e, root) ? e : NULL;
}

const struct held *
held_below(const struct held_locks *h, struct rpath root)
{
	const struct key k = below(root);
	const struct held *e = first_from(h, &k);

	while (is_root(e, RPATH_ROOT))
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
	const struct held *e = first_from(h, &(struct key){ .root = path.s });

	return e && str_starts(e->lock.root.s, path.s) &&
	    (is_root(e, path) || held_below(h, path));
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
	while (e && !is_root(e, at)) {
		do
			at = rpath_parent(at);
		while (!str_starts(e->lock.root.s, at.s));
		if (rpath_is_root(at))
			return is_root(h->first[0], at);
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
	return h->all && held_is_fresh(h);
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

void
held_clear(struct held_locks *h)
{
	struct held *e, *next;
	size_t i;

	(void)pthread_rwlock_wrlock(&h->lock);
	h->all = false;
	for (e = h->first[0]; e; e = next) {
		next = e->next[0];
		free(e);
	}
	for (i = 0; i < HELD_LEVELS; i++)
		h->first[i] = NULL;
	h->bytes = 0;
	(void)pthread_rwlock_unlock(&h->lock);
}

/* Nobody reads before held_all(). */
enum err_code
held_put(struct held_locks *h, const struct lock *l, struct err *err)
{
	struct held *e;

	e = held_new(h, l);
	if (!e)
		return err_nomem(err);
	insert(h, e);
	return ERR_OK;
}

void
held_all(struct held_locks *h)
{
	(void)pthread_rwlock_wrlock(&h->lock);
	h->change = atomic_load(h->counter);
	h->all = h->bytes <= HELD_MAX;
	h->wanted = false;
	(void)pthread_rwlock_unlock(&h->lock);
	if (!h->all)
		held_clear(h);
}

/* ---- changes */

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
	note(h, e, EDIT_ADD);
	return ERR_OK;
}

/* Only we change the list: it need not be locked to look at it. */
static struct held *
find_one(struct held_locks *h, const struct lock *l)
{
	struct held **at[HELD_LEVELS];
	struct held *e;

	find(h, &(struct key){ l->root.s, false, l->token }, at);
	e = *at[0];
	return is_root(e, l->root) && str_eq(e->lock.token, l->token) ? e
								      : NULL;
}

bool
held_has(struct held_locks *h, const struct lock *l)
{
	return find_one(h, l) != NULL;
}

void
held_refresh(struct held_locks *h, const struct lock *l)
{
	struct held *e = find_one(h, l);

	if (!e)
		return;
	e->expires = l->expires;
	note(h, e, EDIT_REFRESH);
}

void
held_remove(struct held_locks *h, const struct lock *l)
{
	struct held *e = find_one(h, l);

	if (e)
		note(h, e, EDIT_REMOVE);
}

void
held_drop_at(struct held_locks *h, struct rpath root)
{
	struct held **at[HELD_LEVELS];
	struct held *e;

	find(h, &(struct key){ .root = root.s }, at);
	for (e = *at[0]; is_root(e, root); e = e->next[0])
		note(h, e, EDIT_REMOVE);
}

void
held_drop_below(struct held_locks *h, struct rpath root)
{
	const struct key k = below(root);
	struct held **at[HELD_LEVELS];
	struct held *e;

	find(h, &k, at);
	for (e = *at[0]; e && rpath_covers(root, e->lock.root); e = e->next[0])
		if (!rpath_eq(root, e->lock.root))
			note(h, e, EDIT_REMOVE);
}

void
held_drop_old(struct held_locks *h, int64_t now)
{
	struct held *e;

	for (e = h->first[0]; e; e = e->next[0])
		if (e->lock.expires <= now)
			note(h, e, EDIT_REMOVE);
}

static void
apply(struct held_locks *h, struct held *e)
{
	struct held **at[HELD_LEVELS];

	switch (e->edit) {
	case EDIT_NONE:
		break;
	case EDIT_ADD:
		insert(h, e);
		break;
	case EDIT_REFRESH:
		e->lock.expires = e->expires;
		break;
	case EDIT_REMOVE:
		find(h, &(struct key){ e->lock.root.s, false, e->lock.token },
		    at);
		unlink_one(h, at);
		return;
	}
	e->edit = EDIT_NONE;
}

/* Where another process came right after us, *counter is not what we say. */
void
held_commit(struct held_locks *h)
{
	struct held *e, *next;

	if (!h->notes && !h->logged)
		return;
	(void)pthread_rwlock_wrlock(&h->lock);
	for (e = h->notes; e; e = next) {
		next = e->note;
		apply(h, e);
	}
	h->notes = NULL;
	h->change += h->logged;
	h->logged = false;
	(void)pthread_rwlock_unlock(&h->lock);
	if (h->bytes > HELD_MAX)
		held_clear(h);
}

void
held_forget(struct held_locks *h)
{
	struct held *e, *next;

	for (e = h->notes; e; e = next) {
		next = e->note;
		if (e->edit == EDIT_ADD)
			free(e);
		else
			e->edit = EDIT_NONE;
	}
	h->notes = NULL;
	h->logged = false;
}
