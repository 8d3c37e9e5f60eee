/* SPDX-License-Identifier: MIT */
#include "outcome/collector.h"

#define COLLECTOR_FIRST ((size_t)8)

static bool
name_copy(struct arena *a, struct prop_name n, struct prop_name *out)
{
	return arena_str(a, n.ns, &out->ns) &&
	    arena_str(a, n.local, &out->local);
}

static bool
lock_copy(struct arena *a, const struct prop_lock *l, struct prop_lock *out)
{
	*out = *l;
	return arena_str(a, l->owner, &out->owner) &&
	    arena_str(a, l->token, &out->token) &&
	    arena_str(a, l->root.s, &out->root.s);
}

static bool
prop_copy(struct arena *a, const struct prop *p, struct prop *out)
{
	struct prop_name *names = arena_array(a, p->n_names, sizeof(*names));
	struct prop_lock *locks = arena_array(a, p->n_locks, sizeof(*locks));
	size_t i;

	*out = *p;
	if (!names || !locks || !name_copy(a, p->name, &out->name) ||
	    !arena_str(a, p->value, &out->value))
		return false;
	for (i = 0; i < p->n_names; i++)
		if (!name_copy(a, p->names[i], &names[i]))
			return false;
	for (i = 0; i < p->n_locks; i++)
		if (!lock_copy(a, &p->locks[i], &locks[i]))
			return false;
	out->names = names;
	out->locks = locks;
	return true;
}

static bool
propstat_copy(struct arena *a, const struct propstat *ps, struct propstat *out)
{
	struct prop *props = arena_array(a, ps->n_props, sizeof(*props));
	size_t i;

	if (!props)
		return false;
	for (i = 0; i < ps->n_props; i++)
		if (!prop_copy(a, &ps->props[i], &props[i]))
			return false;
	*out = *ps;
	out->props = props;
	return arena_str(a, ps->error, &out->error) &&
	    arena_str(a, ps->tell, &out->tell);
}

static bool
told_copy(struct arena *a, const struct told *t, const struct told **out)
{
	struct told *copy = ARENA_NEW(a, struct told);

	if (!copy)
		return false;
	*copy = *t;
	*out = copy;
	return arena_str(a, t->href, &copy->href) &&
	    arena_str(a, t->id, &copy->id) && arena_str(a, t->op, &copy->op) &&
	    arena_str(a, t->error, &copy->error) &&
	    arena_str(a, t->more, &copy->more) &&
	    arena_str(a, t->problem_type, &copy->problem_type) &&
	    arena_str(a, t->location, &copy->location) &&
	    arena_str(a, t->retry_after, &copy->retry_after) &&
	    arena_str(a, t->caused_by, &copy->caused_by);
}

bool
outcome_copy(struct arena *a, const struct outcome *o, struct outcome *out)
{
	struct outcome copy = *o;
	struct propstat *sets = arena_array(a, o->n_propstats, sizeof(*sets));
	size_t i;

	if (!sets || !arena_str(a, o->path.s, &copy.path.s) ||
	    !arena_str(a, o->tell, &copy.tell) ||
	    !arena_str(a, o->about.s, &copy.about.s))
		return false;
	for (i = 0; i < o->n_propstats; i++)
		if (!propstat_copy(a, &o->propstats[i], &sets[i]))
			return false;
	copy.propstats = sets;
	if (o->told && !told_copy(a, o->told, &copy.told))
		return false;
	*out = copy;
	return true;
}

/*
 * Doubles the room: an arena does not take memory back, and so less than half
 * of it is wasted.
 */
static bool
collector_grow(struct collector *c)
{
	size_t room = c->room ? c->room * 2 : COLLECTOR_FIRST;
	struct outcome *items = arena_array(c->arena, room, sizeof(*items));

	if (!items)
		return false;
	if (c->n)
		memcpy(items, c->items, c->n * sizeof(*items));
	c->items = items;
	c->room = room;
	return true;
}

static enum err_code
collector_put(struct sink *s, const struct outcome *o)
{
	struct collector *c = CONTAINER_OF(s, struct collector, base);

	if (c->n == c->room && !collector_grow(c))
		return ERR_NOMEM;
	if (!outcome_copy(c->arena, o, &c->items[c->n]))
		return ERR_NOMEM;
	c->n++;
	return ERR_OK;
}

static enum err_code
collector_end(struct sink *s)
{
	struct collector *c = CONTAINER_OF(s, struct collector, base);

	c->ended = true;
	return ERR_OK;
}

static const struct sink_ops collector_ops = {
	.name = "collector",
	.put = collector_put,
	.end = collector_end,
};

struct sink *
collector_init(struct collector *c, struct arena *a)
{
	*c = (struct collector){ .arena = a };
	sink_init(&c->base, &collector_ops);
	return &c->base;
}
