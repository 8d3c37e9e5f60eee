/* SPDX-License-Identifier: MIT */
/*
 * What a change to a draft asks before it is made.  Locks are the base's: they
 * are rooted at paths, which a draft has in common with it.  Those that went
 * with what they were on are noted down.
 */
#include <stdlib.h>

#include "store/draft_impl.h"

/* ---- locks that went */

static bool
has_gone(const struct draft *d, struct rpath root)
{
	const struct draft_drop *drop;

	for (drop = d->drops; drop; drop = drop->next) {
		struct rpath path = draft_drop_path(drop);

		if (rpath_is_ancestor(path, root) ||
		    (drop->with_root && rpath_eq(path, root)))
			return true;
	}
	return false;
}

/* Leaves those out of *n that went, and, with path, those that miss it. */
static enum err_code
sift(const struct draft *d, const struct rpath *path, struct arena *a,
    const struct lock **locks, size_t *n, struct err *err)
{
	struct lock *left;
	size_t count = 0;
	size_t i;

	if (!*n)
		return ERR_OK;
	left = arena_array(a, *n, sizeof(*left));
	if (!left)
		return err_nomem(err);
	for (i = 0; i < *n; i++)
		if (!has_gone(d, (*locks)[i].root) &&
		    (!path || lock_covers(&(*locks)[i], *path)))
			left[count++] = (*locks)[i];
	*locks = left;
	*n = count;
	return ERR_OK;
}

static enum err_code
covering(struct draft *d, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	enum err_code rc;

	*out = NULL;
	*n = 0;
	rc = store_locks(d->under, path, a, out, n, err);
	return rc ? rc : sift(d, &path, a, out, n, err);
}

static enum err_code
rooted_below(struct draft *d, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	enum err_code rc;

	*out = NULL;
	*n = 0;
	rc = store_locks_below(d->under, path, a, out, n, err);
	return rc ? rc : sift(d, NULL, a, out, n, err);
}

static bool
any_at(const struct lock *locks, size_t n, struct rpath path)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rpath_eq(locks[i].root, path))
			return true;
	return false;
}

enum err_code
draft_drop_new(struct draft *d, struct rpath path, bool with_root,
    struct draft_drop **out, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *at, *below;
	struct draft_drop *drop;
	size_t n_at, n_below = 0;
	enum err_code rc = covering(d, path, &a, &at, &n_at, err);

	if (!rc)
		rc = rooted_below(d, path, &a, &below, &n_below, err);
	if (rc || !(n_below || (with_root && any_at(at, n_at, path))))
		return rc;
	drop = calloc(1, sizeof(*drop) + path.s.len);
	if (!drop)
		return err_nomem(err);
	drop->with_root = with_root;
	drop->len = path.s.len;
	memcpy(drop->path, path.s.ptr, path.s.len);
	*out = drop;
	return ERR_OK;
}

void
draft_drop_keep(struct draft *d, struct draft_drop **drop)
{
	if (!*drop)
		return;
	(*drop)->next = d->drops;
	d->drops = *drop;
	*drop = NULL;
}

void
draft_drop_done(struct draft_drop **drop)
{
	free(*drop);
	*drop = NULL;
}

/* ---- what covers a path */

/*
 * By its path without links, and, where it was asked for by another name, what
 * covers that: a link in a locked collection leads to a member of it.
 */
struct cover {
	const struct lock *own, *named;
	size_t n_own, n_named;
};

static enum err_code
find_cover(struct draft *d, const struct draft_spot *s, struct arena *a,
    struct cover *out, struct err *err)
{
	enum err_code rc = covering(d, s->path, a, &out->own, &out->n_own, err);

	if (!rc && !rpath_eq(s->path, s->asked))
		rc = covering(d, s->asked, a, &out->named, &out->n_named, err);
	return rc;
}

static enum err_code
all_of(const struct cover *c, struct arena *a, const struct lock **out,
    size_t *n, struct err *err)
{
	struct lock *all;
	size_t i, k;

	*out = c->own;
	*n = c->n_own;
	if (!c->n_named)
		return ERR_OK;
	all = arena_array(a, c->n_own + c->n_named, sizeof(*all));
	if (!all)
		return err_nomem(err);
	for (i = 0; i < c->n_own; i++)
		all[i] = c->own[i];
	for (i = 0; i < c->n_named; i++) {
		for (k = 0; k < *n; k++)
			if (str_eq(all[k].token, c->named[i].token))
				break;
		if (k == *n)
			all[(*n)++] = c->named[i];
	}
	*out = all;
	return ERR_OK;
}

static const struct lock_tokens *
tokens_of(const struct guard *g)
{
	return g ? g->tokens : NULL;
}

enum err_code
draft_ask_guard(struct draft *d, const struct draft_spot *s,
    const struct resource *from, const struct guard *g, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct guarded at = { .now = s->mapped ? &s->res : NULL, .from = from };
	struct cover c = { 0 };
	enum err_code rc;

	if (!g || !g->check)
		return ERR_OK;
	rc = find_cover(d, s, &a, &c, err);
	if (!rc)
		rc = all_of(&c, &a, &at.locks, &at.n_locks, err);
	return rc ? rc : guard_ask(g, &at, err);
}

enum err_code
draft_ask_locks(struct draft *d, const struct draft_spot *s, enum touch touch,
    const struct guard *g, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock_tokens *t = tokens_of(g);
	const struct lock *around;
	struct cover c = { 0 };
	size_t n;
	enum err_code rc = find_cover(d, s, &a, &c, err);

	if (!rc)
		rc = locks_allow(c.own, c.n_own, t, err);
	if (!rc)
		rc = locks_allow(c.named, c.n_named, t, err);
	if (rc || rpath_is_root(s->path) ||
	    (s->mapped && touch == TOUCH_CONTENT))
		return rc;
	/* The collection loses or gets a member. */
	rc = covering(d, rpath_parent(s->path), &a, &around, &n, err);
	return rc ? rc : locks_allow(around, n, t, err);
}

enum err_code
draft_ask(struct draft *d, const struct draft_spot *s, enum touch touch,
    const struct guard *g, struct err *err)
{
	enum err_code rc = draft_ask_guard(d, s, NULL, g, err);

	return rc ? rc : draft_ask_locks(d, s, touch, g, err);
}

/* ---- what is below */

/*
 * What covers the members that nobody locked by themselves are the deep locks:
 * who holds another one there has not locked them.
 */
static enum err_code
allow_members(struct draft *d, struct rpath root, bool root_too,
    const struct lock_tokens *t, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *locks;
	size_t n;
	enum err_code rc = covering(d, root, &a, &locks, &n, err);

	if (!rc && root_too)
		rc = locks_allow(locks, n, t, err);
	return rc ? rc : locks_allow_members(locks, n, t, err);
}

static enum err_code
allow_below(struct draft *d, struct rpath root, const struct lock_tokens *t,
    struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *below;
	size_t n = 0;
	size_t i;
	enum err_code rc = allow_members(d, root, false, t, err);

	if (!rc)
		rc = rooted_below(d, root, &a, &below, &n, err);
	for (i = 0; !rc && i < n; i++)
		rc = allow_members(d, below[i].root, true, t, err);
	return rc;
}

static enum err_code
has_any(struct draft *d, const struct draft_spot *s, bool *yes, struct err *err)
{
	*yes = false;
	return s && s->mapped && s->res.collection
	    ? draft_has_members(d, s, yes, err)
	    : ERR_OK;
}

/* Whether there is a member at all is asked only where it matters. */
enum err_code
draft_ask_below(struct draft *d, const struct draft_spot *s,
    const struct draft_spot *with, const struct guard *g, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = allow_below(d, s->path, tokens_of(g), &why);
	bool members = true;

	if (rc == ERR_LOCKED) {
		rc = has_any(d, s, &members, err);
		if (!rc && !members)
			rc = has_any(d, with, &members, err);
		if (rc || !members)
			return rc;
		rc = why.code = ERR_MEMBER_LOCKED;
	}
	if (rc && err)
		*err = why;
	return rc;
}

/* ---- the table's rows */

enum err_code
draft_op_allows(struct store *s, struct rpath path, enum touch touch,
    const struct guard *g, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = draft_of(s);
	struct draft_spot spot;
	enum err_code rc = draft_find(d, &a, path,
	    touch == TOUCH_NAME ? DRAFT_NO_FOLLOW : DRAFT_FOLLOW, &spot, err);

	return rc ? rc : draft_ask(d, &spot, touch, g, err);
}

enum err_code
draft_op_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct draft *d = draft_of(s);
	struct draft_spot spot;
	struct cover c = { 0 };
	const struct lock *all;
	size_t count;
	enum err_code rc = draft_find(d, a, path, DRAFT_FOLLOW, &spot, err);

	if (!rc)
		rc = find_cover(d, &spot, a, &c, err);
	if (!rc)
		rc = all_of(&c, a, &all, &count, err);
	if (rc)
		return rc;
	*out = all;
	*n = count;
	return ERR_OK;
}

enum err_code
draft_op_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct draft *d = draft_of(s);
	struct draft_spot spot;
	const struct lock *below;
	size_t count;
	enum err_code rc = draft_find(d, a, path, DRAFT_FOLLOW, &spot, err);

	if (!rc)
		rc = rooted_below(d, spot.path, a, &below, &count, err);
	if (rc)
		return rc;
	*out = below;
	*n = count;
	return ERR_OK;
}
