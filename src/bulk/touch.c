/* SPDX-License-Identifier: MIT */
/*
 * What the items of a window touch, for the plan.  Where the store has links, a
 * resource has more than one path: each path counts by its name, and by the one
 * that it has without links.
 *
 * That is known of what is there before the window.  What one of its items
 * moves may bring links along, so whatever is asked of the place where it comes
 * counts as asked of everything.
 */
#include <assert.h>
#include <stdlib.h>

#include "bulk/check.h"

static void
add_touch(struct task *t, struct rpath path, bool write)
{
	assert(t->n_touches < ARRAY_LEN(t->touches));
	t->touches[t->n_touches++] = (struct plan_touch){ path, write };
}

/* Below a collection whose member's name is not known yet. */
static struct rpath
place_of(const struct ref *ref, struct rpath path)
{
	const struct task *o = ref->task;

	while (o && !(o->ways & WAY_NAMES))
		o = o->url_ref.task;
	return o ? o->path : path;
}

/* ---- links */

static bool
overlap(struct rpath a, struct rpath b)
{
	return rpath_covers(a, b) || rpath_covers(b, a);
}

static bool
is_adrift(const struct checking *c, struct rpath path)
{
	size_t i;

	for (i = 0; i < c->n_adrift; i++)
		if (overlap(c->adrift[i], path))
			return true;
	return false;
}

/* Nobody knows yet where what is there, or below it, will lead. */
static enum err_code
set_adrift(struct checking *c, struct rpath path, struct err *err)
{
	if (!c->adrift)
		c->adrift = calloc(2 * c->n, sizeof(*c->adrift));
	if (!c->adrift)
		return err_nomem(err);
	assert(c->n_adrift < 2 * c->n);
	c->adrift[c->n_adrift++] = path;
	return ERR_OK;
}

/* A path as it is asked for, and what is there before the window. */
struct spot {
	struct rpath path, real; /* the same where there is no link */
	bool collection;
};

static enum err_code
find_spot(struct checking *c, struct task *t, struct rpath path,
    struct spot *out, struct err *err)
{
	struct store *s = c->r->env.store;
	struct resource res;
	enum err_code rc;

	*out = (struct spot){ path, path, false };
	if (!store_has_links(s))
		return ERR_OK;
	rc = store_resolve(s, path, &t->arena, &out->real, err);
	if (rc == ERR_NOMEM)
		return rc;
	if (rc)
		out->real = path;
	out->collection = !store_stat(s, path, &res, NULL) && res.collection;
	return ERR_OK;
}

static void
touch_spot(
    const struct checking *c, struct task *t, const struct spot *s, bool write)
{
	if (is_adrift(c, s->path) || is_adrift(c, s->real)) {
		add_touch(t, RPATH_ROOT, write);
		return;
	}
	add_touch(t, s->path, write);
	if (!rpath_eq(s->real, s->path))
		add_touch(t, s->real, write);
}

static bool
is_shallow(const struct task *t)
{
	return str_eq(t->item->depth, STR("0"));
}

static enum err_code
touch_from(struct checking *c, struct task *t, struct spot *s, struct err *err)
{
	enum err_code rc =
	    find_spot(c, t, place_of(&t->url_ref, t->path), s, err);

	if (rc)
		return rc;
	touch_spot(c, t, s, t->ways & WAY_WRITES);
	if (t->ways & WAY_BELOW && s->collection && !is_shallow(t))
		add_touch(t, RPATH_ROOT, false);
	return ERR_OK;
}

/* A collection that stays may have links below it, which are gone through. */
static enum err_code
touch_to(struct checking *c, struct task *t, const struct spot *from,
    struct err *err)
{
	bool moves = t->ways & WAY_WRITES;
	struct spot s;
	enum err_code rc =
	    find_spot(c, t, place_of(&t->to_ref, t->to), &s, err);

	if (rc)
		return rc;
	touch_spot(c, t, &s, true);
	if (s.collection)
		add_touch(t, RPATH_ROOT, true);
	if (!moves ||
	    (!from->collection && rpath_eq(from->path, from->real) &&
		!is_adrift(c, from->path) && !is_adrift(c, from->real)))
		return ERR_OK;
	rc = set_adrift(c, s.path, err);
	return rc ? rc : set_adrift(c, s.real, err);
}

/* ---- */

/* It may ask of any resource at all (RFC 4918 s10.4). */
static bool
asks_of_others(const struct headers *h)
{
	return headers_has(h, STR("If"));
}

enum err_code
find_touches(struct checking *c, struct task *t, struct err *err)
{
	struct spot from;
	enum err_code rc = touch_from(c, t, &from, err);

	if (!rc && (t->ways & WAY_TO))
		rc = touch_to(c, t, &from, err);
	if (rc ||
	    (!asks_of_others(&t->item->headers) &&
		!asks_of_others(&c->head->defaults)))
		return rc;
	add_touch(t, RPATH_ROOT, false);
	return ERR_OK;
}
