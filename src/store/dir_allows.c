/* SPDX-License-Identifier: MIT */
/*
 * What locks let through.  Locks are kept by canonical path, so that a link's
 * name leads to the locks of what it leads to.  A change asks here under its
 * claim.
 */
#include "store/dir_impl.h"

/* ---- what protects a place */

/*
 * What covers the path is what is rooted there, and what is deep of what covers
 * its parent.
 */
static enum err_code
find_protection(struct state *s, struct rpath path, struct arena *a,
    struct protection *out, struct err *err)
{
	const struct lock *at;
	struct lock *own;
	size_t n_at = 0;
	size_t i;
	enum err_code rc = state_locks_covering(
	    s, rpath_parent(path), a, &out->around, &out->n_around, err);

	if (!rc && !rpath_is_root(path))
		rc = state_locks_at(s, path, a, &at, &n_at, err);
	if (rc || !(n_at + out->n_around))
		return rc;
	own = arena_array(a, n_at + out->n_around, sizeof(*own));
	if (!own)
		return err_nomem(err);
	for (i = 0; i < n_at; i++)
		own[out->n_own++] = at[i];
	for (i = 0; i < out->n_around; i++)
		if (lock_covers(&out->around[i], path))
			own[out->n_own++] = out->around[i];
	out->own = own;
	return ERR_OK;
}

static const struct lock_tokens *
tokens_of(const struct guard *g)
{
	return g ? g->tokens : NULL;
}

static bool
is_among(const struct lock *locks, size_t n, struct str token)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_eq(locks[i].token, token))
			return true;
	return false;
}

/* Adds those locks to *all that are not in it yet. */
static enum err_code
join(struct arena *a, const struct lock **all, size_t *n,
    const struct lock *more, size_t n_more, struct err *err)
{
	struct lock *both;
	size_t i;

	if (!n_more)
		return ERR_OK;
	both = arena_array(a, *n + n_more, sizeof(*both));
	if (!both)
		return err_nomem(err);
	if (*n)
		memcpy(both, *all, *n * sizeof(*both));
	*all = both;
	for (i = 0; i < n_more; i++)
		if (!is_among(both, *n, more[i].token))
			both[(*n)++] = more[i];
	return ERR_OK;
}

/*
 * A link's name is protected as well by what protects the resource that a
 * client sees there: it has locked it by that name.
 */
static enum err_code
add_target(const struct place *p, struct arena *a, struct protection *of,
    struct err *err)
{
	struct place end CLEANUP(place_done) = PLACE_NONE;
	const struct lock *more;
	size_t n = 0;
	enum err_code rc = place_find(p->ds, p->path, FOLLOW_YES, &end, err);

	if (!rc)
		rc = state_locks_covering(
		    p->ds->state, end.path, a, &more, &n, err);
	return rc ? rc : join(a, &of->own, &of->n_own, more, n, err);
}

/*
 * What a link in a locked collection leads to is a member of that, by the name
 * it was asked for.
 */
static enum err_code
add_named(const struct place *p, struct arena *a, struct protection *of,
    struct err *err)
{
	enum err_code rc = ERR_OK;

	of->all = of->own;
	of->n_all = of->n_own;
	if (!rpath_eq(p->asked, p->path))
		rc = state_locks_covering(
		    p->ds->state, p->asked, a, &of->named, &of->n_named, err);
	return rc ? rc
		  : join(a, &of->all, &of->n_all, of->named, of->n_named, err);
}

enum err_code
place_protection(const struct place *p, struct arena *a, struct protection *of,
    struct err *err)
{
	enum err_code rc = ERR_OK;

	if (!state_may_have_locks(p->ds->state))
		return ERR_OK;
	if (state_may_have_locks_near(p->ds->state, p->path))
		rc = find_protection(p->ds->state, p->path, a, of, err);
	if (!rc && p->found == FOUND_LINK)
		rc = add_target(p, a, of, err);
	return rc ? rc : add_named(p, a, of, err);
}

enum err_code
protection_allows(const struct protection *by, bool member,
    const struct guard *g, struct err *err)
{
	const struct lock_tokens *t = tokens_of(g);
	enum err_code rc = locks_allow(by->own, by->n_own, t, err);

	if (!rc)
		rc = locks_allow(by->named, by->n_named, t, err);
	if (!rc && member)
		rc = locks_allow(by->around, by->n_around, t, err);
	return rc;
}

enum err_code
place_allows(const struct place *p, enum touch touch, const struct place *from,
    const struct guard *g, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct protection by = { 0 };
	struct resource now, source;
	bool has_source = false;
	bool mapped = false;
	bool asks = guard_asks(g);
	enum err_code rc = place_seen(p, asks ? &now : NULL, &mapped, err);

	if (!rc)
		rc = place_protection(p, &a, &by, err);
	if (!rc && from && asks)
		rc = place_seen(from, &source, &has_source, err);
	if (!rc)
		rc = guard_ask(g,
		    &(struct guarded){ .now = mapped ? &now : NULL,
			.locks = by.all,
			.n_locks = by.n_all,
			.from = has_source ? &source : NULL },
		    err);
	return rc
	    ? rc
	    : protection_allows(&by, touch == TOUCH_NAME || !mapped, g, err);
}

/* ---- what is below */

struct below {
	struct arena a; /* of roots */
	const struct lock_tokens *tokens;
	struct rpath *roots; /* where there is a shared lock of another */
	size_t n, cap;
};

static enum err_code
member_locked(enum err_code rc, struct err *err)
{
	if (rc != ERR_LOCKED)
		return rc;
	if (err)
		err->code = ERR_MEMBER_LOCKED;
	return ERR_MEMBER_LOCKED;
}

/* An exclusive lock stands alone; beside a shared one there may be ours. */
static enum err_code
visit_below(void *arg, const struct lock *l, struct err *err)
{
	struct below *b = arg;

	if (lock_is_held(l, b->tokens))
		return ERR_OK;
	if (!l->shared)
		return locks_allow(l, 1, b->tokens, err);
	if (b->n && str_eq(b->roots[b->n - 1].s, l->root.s))
		return ERR_OK;
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 16;
		struct rpath *more = arena_array(&b->a, cap, sizeof(*more));

		if (!more)
			return err_nomem(err);
		if (b->n)
			memcpy(more, b->roots, b->n * sizeof(*more));
		b->roots = more;
		b->cap = cap;
	}
	return arena_str(&b->a, l->root.s, &b->roots[b->n++].s)
	    ? ERR_OK
	    : err_nomem(err);
}

/*
 * The members that have no lock of their own are covered by the deep locks on
 * root alone: so the holder of any other lock there has not locked them.
 */
static enum err_code
allows_members(struct state *s, struct rpath root, bool root_too,
    const struct lock_tokens *t, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *locks;
	size_t n;
	enum err_code rc = state_locks_covering(s, root, &a, &locks, &n, err);

	if (!rc && root_too)
		rc = locks_allow(locks, n, t, err);
	return rc ? rc : locks_allow_members(locks, n, t, err);
}

static enum err_code
allows_below(
    struct state *s, struct rpath root, struct below *b, struct err *err)
{
	enum err_code rc = allows_members(s, root, false, b->tokens, err);
	size_t i;

	if (!rc)
		rc = state_locks_below(s, root, visit_below, b, err);
	for (i = 0; !rc && i < b->n; i++)
		rc = allows_members(s, b->roots[i], true, b->tokens, err);
	return rc;
}

enum err_code
place_allows_below(
    const struct place *p, const struct guard *g, struct err *err)
{
	struct below b = { .tokens = tokens_of(g) };
	enum err_code rc;

	if (!state_may_have_locks_near(p->ds->state, p->path))
		return ERR_OK;
	rc = allows_below(p->ds->state, p->path, &b, err);
	arena_done(&b.a);
	return member_locked(rc, err);
}

bool
place_allows_members(const struct place *p, const struct guard *g)
{
	struct state *s = p->ds->state;

	return !state_may_have_locks_near(s, p->path) ||
	    !allows_members(s, p->path, true, tokens_of(g), NULL);
}

enum err_code
dir_allows(struct store *s, struct rpath path, enum touch touch,
    const struct guard *g, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct dir_store *ds = dir_of(s);
	enum err_code rc;

	if (!(g && g->check) && !state_may_have_locks(ds->state))
		return ERR_OK;
	rc = place_find(
	    ds, path, touch == TOUCH_NAME ? FOLLOW_NO : FOLLOW_YES, &p, err);
	if (rc == ERR_NOT_FOUND) { /* nor is there a collection for it */
		p.path = path;
		p.found = FOUND_NOTHING;
		rc = ERR_OK;
	}
	return rc ? rc : place_allows(&p, touch, NULL, g, err);
}

/* Nothing need be mapped there. */
static enum err_code
find_locked(const struct dir_store *ds, struct rpath path, struct place *p,
    struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = place_find(ds, path, FOLLOW_YES, p, &why);

	if (rc == ERR_NOT_FOUND) {
		p->path = path;
		return ERR_OK;
	}
	if (rc && err)
		*err = why;
	return rc;
}

enum err_code
dir_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct dir_store *ds = dir_of(s);
	struct protection by = { 0 };
	enum err_code rc;

	if (!state_may_have_locks(ds->state)) {
		*out = NULL;
		*n = 0;
		return ERR_OK;
	}
	rc = find_locked(ds, path, &p, err);
	if (!rc)
		rc = state_locks_covering(
		    ds->state, p.path, a, &by.own, &by.n_own, err);
	if (!rc)
		rc = add_named(&p, a, &by, err);
	if (rc)
		return rc;
	*out = by.all;
	*n = by.n_all;
	return ERR_OK;
}

struct listing {
	struct arena *a;
	struct lock *locks;
	size_t n, cap;
};

static enum err_code
list_lock(void *arg, const struct lock *l, struct err *err)
{
	struct listing *list = arg;

	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		struct lock *more = arena_array(list->a, cap, sizeof(*more));

		if (!more)
			return err_nomem(err);
		if (list->n)
			memcpy(more, list->locks, list->n * sizeof(*more));
		list->locks = more;
		list->cap = cap;
	}
	return lock_copy(l, list->a, &list->locks[list->n++], err);
}

enum err_code
dir_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct listing list = { .a = a };
	struct dir_store *ds = dir_of(s);
	enum err_code rc = ERR_OK;

	if (state_may_have_locks(ds->state)) {
		rc = find_locked(ds, path, &p, err);
		if (!rc)
			rc = state_locks_below(
			    ds->state, p.path, list_lock, &list, err);
	}
	if (rc)
		return rc;
	*out = list.locks;
	*n = list.n;
	return ERR_OK;
}
