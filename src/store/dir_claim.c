/* SPDX-License-Identifier: MIT */
/*
 * Claims: one list in order of arrival.  A claim waits for those before it that
 * it overlaps with, however many come after it; so none is starved, and since
 * an operation makes all of its claims at once, none waits for itself.
 *
 * A path that goes through links is claimed as the one it leads to, so that
 * two names of a resource do not get past each other's guards.
 */
#include <assert.h>

#include "base/mutex.h"
#include "store/dir_foretell.h"

#define MAX_TRIES 16 /* while somebody keeps changing links */

void
claims_init(struct claims *c)
{
	mutex_init_short(&c->mutex);
	c->first = c->last = NULL;
	memset(c->foretold, 0, sizeof(c->foretold));
	c->n_foretold = 0;
}

void
claims_done(struct claims *c)
{
	assert(!c->first);
	(void)pthread_mutex_destroy(&c->mutex);
}

/* ---- who waits for whom */

/*
 * Neighbours differ at their ends, and of those of a batch each is compared
 * with each.
 */
uint32_t
claim_end_of(struct rpath path)
{
	uint32_t end = 0;
	size_t n = path.s.len < sizeof(end) ? path.s.len : sizeof(end);

	memcpy(&end, path.s.ptr + path.s.len - n, n);
	return end;
}

static struct claim
claim_of(struct rpath path, enum scope scope)
{
	return (struct claim){
		.path = path, .end = claim_end_of(path), .scope = scope
	};
}

static inline bool
claim_takes(const struct claim *c, struct rpath path, uint32_t end)
{
	if (c->scope == SCOPE_TREE)
		return rpath_covers(c->path, path);
	return c->end == end && rpath_eq(c->path, path);
}

static bool
claims_overlap(const struct claim *a, const struct claim *b)
{
	return claim_takes(a, b->path, b->end) ||
	    (b->scope == SCOPE_TREE && rpath_covers(b->path, a->path));
}

static bool
any_overlap(const struct hold *a, const struct hold *b)
{
	size_t i, k;

	assert(a->n <= ARRAY_LEN(a->claims) && b->n <= ARRAY_LEN(b->claims));
	for (i = 0; i < a->n; i++)
		for (k = 0; k < b->n; k++)
			if (claims_overlap(&a->claims[i], &b->claims[k]))
				return true;
	return false;
}

/*
 * Nearly all holds are one claim of one path, and most of those end otherwise.
 */
static inline bool
holds_overlap(const struct hold *a, const struct hold *b)
{
	const struct claim *x = a->claims, *y = b->claims;

	if (a->n == 1 && b->n == 1 && x->scope == SCOPE_PATH &&
	    y->scope == SCOPE_PATH && x->end != y->end)
		return false;
	return any_overlap(a, b);
}

static void
void_those(const struct hold *h, const struct claim *c, struct foretold *f)
{
	struct foretold *next;

	for (; f; f = next) {
		next = f->next;
		if (f != h->mine && claim_takes(c, f->act.change.path, f->end))
			foretold_void(f);
	}
}

/* Makes void what was foretold about what h claims: h may change it. */
static void
nothing_is_foretold(const struct hold *h)
{
	struct claims *all = &h->ds->claims;
	size_t i, k;

	assert(h->n <= ARRAY_LEN(h->claims));
	for (i = 0; i < h->n && all->n_foretold; i++) {
		const struct claim *c = &h->claims[i];

		if (c->scope == SCOPE_PATH)
			void_those(h, c, *foretold_list(all, c->end));
		else
			for (k = 0; k < FORETOLD_LISTS; k++)
				void_those(h, c, all->foretold[k]);
	}
}

/* With the mutex: gets in line, behind those who came before. */
static void
hold_queue(struct hold *h, struct dir_store *ds)
{
	struct claims *c = &ds->claims;
	const struct hold *other;

	assert(!h->ds);
	h->ds = ds;
	h->next = NULL;
	h->waits_for = 0;
	for (other = c->first; other; other = other->next)
		h->waits_for += holds_overlap(other, h);
	h->prev = c->last;
	*(c->last ? &c->last->next : &c->first) = h;
	c->last = h;
}

/* With the mutex. */
static void
hold_unqueue(struct hold *h)
{
	struct claims *c = &h->ds->claims;

	*(h->prev ? &h->prev->next : &c->first) = h->next;
	*(h->next ? &h->next->prev : &c->last) = h->prev;
	h->ds = NULL;
}

/* With the mutex: waits until nobody who came before is in the way. */
static void
hold_wait(struct hold *h, struct claims *c)
{
	(void)pthread_cond_init(&h->turn, NULL);
	while (h->waits_for)
		(void)pthread_cond_wait(&h->turn, &c->mutex);
	(void)pthread_cond_destroy(&h->turn);
}

/* Claims what h asks for.  False: that would have to wait, and is not to. */
static bool
hold_get(struct hold *h, struct dir_store *ds)
{
	struct claims *c = &ds->claims;
	bool got;

	(void)pthread_mutex_lock(&c->mutex);
	hold_queue(h, ds);
	got = !h->waits_for || !h->at_once;
	if (h->waits_for && got)
		hold_wait(h, c);
	if (got)
		nothing_is_foretold(h);
	else
		hold_unqueue(h);
	(void)pthread_mutex_unlock(&c->mutex);
	return got;
}

static void
hold_give_back(struct hold *h)
{
	struct claims *c = &h->ds->claims;
	struct hold *other;

	(void)pthread_mutex_lock(&c->mutex);
	for (other = h->next; other; other = other->next)
		if (holds_overlap(h, other) && --other->waits_for == 0)
			(void)pthread_cond_signal(&other->turn);
	hold_unqueue(h);
	(void)pthread_mutex_unlock(&c->mutex);
}

bool
claim_would_wait(struct dir_store *ds, struct rpath path, enum scope scope)
{
	struct claims *c = &ds->claims;
	const struct hold h = { .n = 1, .claims = { claim_of(path, scope) } };
	const struct hold *other;
	bool waits = false;

	(void)pthread_mutex_lock(&c->mutex);
	for (other = c->first; other && !waits; other = other->next)
		waits = holds_overlap(other, &h);
	(void)pthread_mutex_unlock(&c->mutex);
	return waits;
}

void
hold_done(struct hold *h)
{
	size_t i;

	if (h->ds)
		hold_give_back(h);
	for (i = 0; i < h->n; i++)
		buf_done(&h->claims[i].own);
	h->n = 0;
}

/* ---- finding what to claim */

/* Looks for a place and says what is wrong with it. */
typedef enum err_code (*find_fn)(const struct dir_store *ds, struct rpath path,
    enum follow follow, struct place *p, struct err *err);

static struct claim *
claim_add(struct hold *h, struct rpath path, enum scope scope)
{
	assert(h->n < ARRAY_LEN(h->claims));
	h->claims[h->n] = claim_of(path, scope);
	return &h->claims[h->n++];
}

static bool
claim_fits(const struct claim *c, const struct place *p)
{
	return rpath_eq(c->path, p->path);
}

/* Claims p's path in the place of the one it was asked by. */
static enum err_code
claim_change(struct claim *c, const struct place *p, struct err *err)
{
	struct buf own = { 0 };

	buf_put(&own, p->path.s);
	buf_done(&c->own);
	c->own = own;
	c->path = rpath_of_buf(&c->own);
	c->end = claim_end_of(c->path);
	return buf_failed(&own) ? err_nomem(err) : ERR_OK;
}

static enum err_code
keeps_changing(struct rpath path, struct err *err)
{
	return err_set(err, ERR_BUSY, "'%.*s' keeps changing", STR_ARG(path.s));
}

/* Nearly always the path given is the one it leads to: one look. */
static enum err_code
hold_one(struct dir_store *ds, find_fn find, struct rpath path,
    enum follow follow, enum scope scope, struct hold *h, struct place *p,
    struct err *err)
{
	struct claim *c = claim_add(h, path, scope);
	int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		enum err_code rc;

		if (!hold_get(h, ds))
			return err_set(err, ERR_BUSY, "'%.*s' is claimed",
			    STR_ARG(c->path.s));
		rc = find(ds, path, follow, p, err);
		if (rc || claim_fits(c, p))
			return rc;
		hold_give_back(h);
		rc = claim_change(c, p, err);
		place_done(p);
		if (rc)
			return rc;
	}
	return keeps_changing(path, err);
}

void
hold_tree(struct dir_store *ds, struct rpath path, struct hold *h)
{
	(void)claim_add(h, path, SCOPE_TREE);
	(void)hold_get(h, ds);
}

bool
hold_try(struct dir_store *ds, struct rpath path, struct hold *h)
{
	(void)claim_add(h, path, SCOPE_PATH);
	h->at_once = true;
	if (hold_get(h, ds))
		return true;
	h->n = 0;
	return false;
}

void
hold_also(struct hold *h, struct rpath path)
{
	(void)claim_add(h, path, SCOPE_PATH);
}

enum err_code
hold_place(struct dir_store *ds, struct rpath path, enum follow follow,
    struct hold *h, struct place *p, struct err *err)
{
	return hold_one(ds, place_find, path, follow, SCOPE_PATH, h, p, err);
}

enum err_code
hold_new(struct dir_store *ds, struct rpath path, enum follow follow,
    enum scope scope, struct hold *h, struct place *p, struct err *err)
{
	return hold_one(ds, place_for_new, path, follow, scope, h, p, err);
}

enum err_code
hold_two(struct dir_store *ds, struct rpath from, enum follow follow,
    struct place *src, struct rpath to, struct hold *h, struct place *dst,
    struct err *err)
{
	int tries;

	(void)claim_add(h, from, SCOPE_TREE);
	(void)claim_add(h, to, SCOPE_TREE);
	for (tries = 0; tries < MAX_TRIES; tries++) {
		enum err_code rc;

		if (!hold_get(h, ds))
			return err_set(err, ERR_BUSY, "it is claimed");
		rc = place_find(ds, from, follow, src, err);
		if (!rc)
			rc = place_must_exist(src, err);
		if (!rc)
			rc = place_for_new(ds, to, follow, dst, err);
		if (rc ||
		    (claim_fits(&h->claims[0], src) &&
			claim_fits(&h->claims[1], dst)))
			return rc;
		hold_give_back(h);
		rc = claim_change(&h->claims[0], src, err);
		if (!rc)
			rc = claim_change(&h->claims[1], dst, err);
		place_done(src);
		place_done(dst);
		if (rc)
			return rc;
	}
	return keeps_changing(to, err);
}
