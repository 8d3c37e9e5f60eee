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

/* Of one task. */
struct touching {
	struct plan_touch v[7];
	size_t n;
};

static void
add_touch(struct touching *to, struct rpath path, bool write)
{
	assert(to->n < ARRAY_LEN(to->v));
	to->v[to->n++] = (struct plan_touch){ path, write };
}

/* Below a collection whose member's name is not known yet. */
static struct rpath
place_of(const struct ref *ref, struct rpath path)
{
	const struct task *o = ref->task;

	while (o && !(o->ways & WAY_NAMES))
		o = task_ref(o, REF_URL)->task;
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

/*
 * Notes a path to which something is moved: where that, or what is below it,
 * will lead by links is not known yet.
 */
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

/*
 * What is there before the window.  Of each task two in a row: where it begins,
 * and where it goes, or none.
 */
enum err_code
find_spots(struct checking *c, struct err *err)
{
	struct store *s = c->r->env.store;
	size_t i;

	c->spots = calloc(2 * c->n + 1, sizeof(*c->spots));
	if (!c->spots)
		return err_nomem(err);
	for (i = 0; i < c->n; i++) {
		const struct task *t = &c->v[i];
		struct store_spot *from = &c->spots[2 * i], *to = from + 1;

		if (t->state == TASK_DONE)
			continue;
		from->path = from->real =
		    place_of(task_ref(t, REF_URL), t->path);
		if (t->ways & WAY_TO)
			to->path = to->real =
			    place_of(task_ref(t, REF_TO), t->to);
	}
	if (!c->n || !store_has_links(s))
		return ERR_OK;
	return store_find_spots(s, c->spots, 2 * c->n, &c->v[0].arena, err);
}

static void
touch_spot(const struct checking *c, struct touching *v,
    const struct store_spot *s, bool write)
{
	if (is_adrift(c, s->path) || is_adrift(c, s->real)) {
		add_touch(v, RPATH_ROOT, write);
		return;
	}
	add_touch(v, s->path, write);
	if (!rpath_eq(s->real, s->path))
		add_touch(v, s->real, write);
}

static bool
is_shallow(const struct task *t)
{
	return str_eq(t->item->depth, STR("0"));
}

static void
touch_from(const struct checking *c, const struct task *t,
    const struct store_spot *s, struct touching *v)
{
	touch_spot(c, v, s, t->ways & WAY_WRITES);
	if (t->ways & WAY_BELOW && s->collection && !is_shallow(t))
		add_touch(v, RPATH_ROOT, false);
}

/* A collection that stays may have links below it, which are gone through. */
static enum err_code
touch_to(struct checking *c, const struct task *t,
    const struct store_spot *from, struct touching *v, struct err *err)
{
	const struct store_spot *s = from + 1;
	enum err_code rc;

	touch_spot(c, v, s, true);
	if (s->collection)
		add_touch(v, RPATH_ROOT, true);
	if (!(t->ways & WAY_WRITES) ||
	    (!from->collection && rpath_eq(from->path, from->real) &&
		!is_adrift(c, from->path) && !is_adrift(c, from->real)))
		return ERR_OK;
	rc = set_adrift(c, s->path, err);
	return rc ? rc : set_adrift(c, s->real, err);
}

/* ---- */

/*
 * Whether an If header asks: that may be about any resource (RFC 4918 s10.4).
 */
static bool
asks_of_others(const struct headers *h)
{
	return headers_has(h, STR("If"));
}

enum err_code
find_touches(struct checking *c, struct task *t, struct err *err)
{
	const struct store_spot *from = &c->spots[2 * (t - c->v)];
	struct touching v = { .n = 0 };
	enum err_code rc = ERR_OK;

	touch_from(c, t, from, &v);
	if (t->ways & WAY_TO)
		rc = touch_to(c, t, from, &v, err);
	if (rc)
		return rc;
	if (asks_of_others(&t->item->headers) ||
	    asks_of_others(&c->head->defaults))
		add_touch(&v, RPATH_ROOT, false);
	t->touches = arena_array(&t->arena, v.n, sizeof(*t->touches));
	if (!t->touches)
		return err_nomem(err);
	memcpy(t->touches, v.v, v.n * sizeof(*v.v));
	t->n_touches = v.n;
	return ERR_OK;
}
