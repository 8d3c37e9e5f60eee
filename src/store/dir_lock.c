/* SPDX-License-Identifier: MIT */
/*
 * Stripes: a lock for each of 64 classes of paths, taken in order of number.
 * A path that goes through links is locked as the one it leads to, so that
 * two names of a resource do not get past each other's guards.
 */
#include <assert.h>

#include "store/dir_impl.h"

#define MAX_TRIES 16 /* while somebody keeps changing links */

static size_t
stripe_of(struct rpath path)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < path.s.len; i++)
		h = (h ^ (unsigned char)path.s.ptr[i]) *
		    UINT64_C(0x100000001b3);
	return (size_t)((h >> 32) % N_STRIPES);
}

static void
hold(struct hold *h, struct dir_store *ds, size_t a, size_t b)
{
	assert(!h->ds);
	*h = (struct hold){ ds, a < b ? a : b, a < b ? b : a };
	(void)pthread_mutex_lock(&ds->stripes[h->first]);
	if (h->second != h->first)
		(void)pthread_mutex_lock(&ds->stripes[h->second]);
}

void
hold_done(struct hold *h)
{
	if (!h->ds)
		return;
	if (h->second != h->first)
		(void)pthread_mutex_unlock(&h->ds->stripes[h->second]);
	(void)pthread_mutex_unlock(&h->ds->stripes[h->first]);
	h->ds = NULL;
}

typedef enum err_code (*find_fn)(const struct dir_store *ds, struct rpath path,
    enum follow follow, struct place *p, struct err *err);

static enum err_code
keeps_changing(struct rpath path, struct err *err)
{
	return err_set(err, ERR_BUSY, "'%.*s' keeps changing", STR_ARG(path.s));
}

/* Nearly always the path given is the one it leads to: one look. */
static enum err_code
hold_one(struct dir_store *ds, find_fn find, struct rpath path,
    enum follow follow, struct hold *h, struct place *p, struct err *err)
{
	size_t stripe = stripe_of(path);
	int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		enum err_code rc;

		hold(h, ds, stripe, stripe);
		rc = find(ds, path, follow, p, err);
		if (rc || stripe_of(p->path) == stripe)
			return rc;
		stripe = stripe_of(p->path);
		hold_done(h);
		place_done(p);
	}
	return keeps_changing(path, err);
}

enum err_code
hold_place(struct dir_store *ds, struct rpath path, enum follow follow,
    struct hold *h, struct place *p, struct err *err)
{
	return hold_one(ds, place_find, path, follow, h, p, err);
}

enum err_code
hold_new(struct dir_store *ds, struct rpath path, enum follow follow,
    struct hold *h, struct place *p, struct err *err)
{
	return hold_one(ds, place_for_new, path, follow, h, p, err);
}

enum err_code
hold_two(struct dir_store *ds, struct rpath from, enum follow follow,
    struct place *src, struct rpath to, struct hold *h, struct place *dst,
    struct err *err)
{
	size_t a = stripe_of(from);
	size_t b = stripe_of(to);
	int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		enum err_code rc;

		hold(h, ds, a, b);
		rc = place_find(ds, from, follow, src, err);
		if (!rc)
			rc = place_must_exist(src, err);
		if (!rc)
			rc = place_for_new(ds, to, follow, dst, err);
		if (rc ||
		    (stripe_of(src->path) == a && stripe_of(dst->path) == b))
			return rc;
		a = stripe_of(src->path);
		b = stripe_of(dst->path);
		hold_done(h);
		place_done(src);
		place_done(dst);
	}
	return keeps_changing(to, err);
}
