/* SPDX-License-Identifier: MIT */
#include "store/mem_locks.h"

#include <stdlib.h>

#include "base/clock.h"

struct mem_lock_row {
	struct mem_lock_row *next;
	struct lock lock;
	char token[LOCK_TOKEN_SIZE];
	char bytes[]; /* root, owner, user */
};

static bool
is_over(const struct mem_lock_row *r)
{
	return clock_now() >= r->lock.expires;
}

/* Whether it lies within the tree below root, but not at its top. */
static bool
is_below(const struct mem_lock_row *r, struct rpath root)
{
	return rpath_is_ancestor(root, r->lock.root) && !is_over(r);
}

void
mem_locks_done(struct mem_locks *l)
{
	mem_locks_drop(l, RPATH_ROOT, true);
}

/* Those that the test picks. */
static enum err_code
pick(const struct mem_locks *l,
    bool (*fits)(const struct mem_lock_row *r, struct rpath path),
    struct rpath path, struct arena *a, const struct lock **out, size_t *n,
    struct err *err)
{
	const struct mem_lock_row *r;
	struct lock *found;
	size_t most = 1; /* so that there always is an array */

	*n = 0;
	for (r = l->first; r; r = r->next)
		most++;
	found = arena_array(a, most, sizeof(*found));
	if (!found)
		return err_nomem(err);
	for (r = l->first; r; r = r->next)
		if (fits(r, path))
			found[(*n)++] = r->lock;
	*out = found;
	return ERR_OK;
}

static bool
is_covering(const struct mem_lock_row *r, struct rpath path)
{
	return lock_covers(&r->lock, path);
}

enum err_code
mem_locks_covering(const struct mem_locks *l, struct rpath path,
    struct arena *a, const struct lock **out, size_t *n, struct err *err)
{
	return pick(l, is_covering, path, a, out, n, err);
}

enum err_code
mem_locks_below(const struct mem_locks *l, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	return pick(l, is_below, path, a, out, n, err);
}

enum err_code
mem_locks_allow(const struct mem_locks *l, struct rpath path,
    const struct lock_tokens *t, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *locks;
	size_t n;
	enum err_code rc = mem_locks_covering(l, path, &a, &locks, &n, err);

	return rc ? rc : locks_allow(locks, n, t, err);
}

/*
 * What covers root's members that nobody locked by themselves are its deep
 * locks: who holds another one there has not locked them.
 */
static enum err_code
allow_members(const struct mem_locks *l, struct rpath root,
    const struct lock_tokens *t, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *locks;
	size_t n;
	enum err_code rc = mem_locks_covering(l, root, &a, &locks, &n, err);

	return rc ? rc : locks_allow_members(locks, n, t, err);
}

enum err_code
mem_locks_allow_below(const struct mem_locks *l, struct rpath root,
    const struct lock_tokens *t, struct err *err)
{
	const struct mem_lock_row *r;
	enum err_code rc = allow_members(l, root, t, err);

	for (r = l->first; r && !rc; r = r->next) {
		if (!is_below(r, root))
			continue;
		rc = mem_locks_allow(l, r->lock.root, t, err);
		if (!rc)
			rc = allow_members(l, r->lock.root, t, err);
	}
	if (rc != ERR_LOCKED)
		return rc;
	if (err)
		err->code = ERR_MEMBER_LOCKED;
	return ERR_MEMBER_LOCKED;
}

enum err_code
mem_locks_compatible(const struct mem_locks *l, struct rpath root,
    const struct lock_spec *spec, struct err *err)
{
	bool deep = spec->depth == DEPTH_INFINITY;
	const struct mem_lock_row *r;
	enum err_code rc = ERR_OK;

	for (r = l->first; r && !rc; r = r->next)
		if (lock_covers(&r->lock, root) || (deep && is_below(r, root)))
			rc = locks_compatible(&r->lock, 1, spec->shared, err);
	return rc;
}

enum err_code
mem_lock_row_new(struct rpath root, const struct lock_spec *spec,
    struct mem_lock_row **out, struct err *err)
{
	size_t len = root.s.len + spec->owner.len + spec->user.len;
	struct mem_lock_row *r = calloc(1, sizeof(*r) + len);
	enum err_code rc;
	char *at;

	if (!r)
		return err_nomem(err);
	rc = lock_token_new(r->token, err);
	if (rc) {
		free(r);
		return rc;
	}
	at = r->bytes;
	r->lock.root.s = str_copy(&at, root.s);
	r->lock.owner = str_copy(&at, spec->owner);
	r->lock.user = str_copy(&at, spec->user);
	r->lock.token = str_from_c(r->token);
	r->lock.shared = spec->shared;
	r->lock.depth = spec->depth;
	mem_lock_row_refresh(r, spec->timeout);
	*out = r;
	return ERR_OK;
}

const struct lock *
mem_lock_row_lock(const struct mem_lock_row *r)
{
	return &r->lock;
}

void
mem_lock_row_free(struct mem_lock_row *r)
{
	free(r);
}

/* The rows that the test hits go. */
static void
sweep(struct mem_locks *l,
    bool (*goes)(const struct mem_lock_row *r, const void *arg),
    const void *arg)
{
	struct mem_lock_row **at = &l->first;

	while (*at) {
		struct mem_lock_row *r = *at;

		if (!goes(r, arg)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r);
	}
}

static bool
goes_when_over(const struct mem_lock_row *r, const void *arg)
{
	(void)arg;
	return is_over(r);
}

void
mem_locks_add(struct mem_locks *l, struct mem_lock_row *r)
{
	sweep(l, goes_when_over, NULL);
	r->next = l->first;
	l->first = r;
}

struct mem_lock_row *
mem_locks_find(
    const struct mem_locks *l, struct rpath path, const struct lock_tokens *t)
{
	struct mem_lock_row *found = NULL;
	struct mem_lock_row *r;

	for (r = l->first; r; r = r->next) {
		struct lock_tokens as_creator = { r->lock.user, t->v, t->n };

		if (!lock_is_held(&r->lock, &as_creator) ||
		    !lock_covers(&r->lock, path))
			continue;
		found = r;
		if (lock_is_held(&r->lock, t))
			break;
	}
	return found;
}

void
mem_lock_row_refresh(struct mem_lock_row *r, int64_t timeout)
{
	r->lock.expires = clock_now() + timeout;
}

static bool
goes_alone(const struct mem_lock_row *r, const void *arg)
{
	return r == arg;
}

void
mem_locks_remove(struct mem_locks *l, struct mem_lock_row *r)
{
	sweep(l, goes_alone, r);
}

struct drop {
	struct rpath path;
	bool with_root;
};

static bool
goes_with_path(const struct mem_lock_row *r, const void *arg)
{
	const struct drop *d = arg;

	return rpath_is_ancestor(d->path, r->lock.root) ||
	    (d->with_root && rpath_eq(d->path, r->lock.root));
}

void
mem_locks_drop(struct mem_locks *l, struct rpath path, bool with_root)
{
	const struct drop d = { path, with_root };

	sweep(l, goes_with_path, &d);
}
