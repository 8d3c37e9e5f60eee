/* SPDX-License-Identifier: MIT */
/*
 * What a path leads to in a draft.  Nodes stand at paths without links, so a
 * path is freed of them first, by the base, as far as the base is behind it.
 */
#include <assert.h>
#include <stdlib.h>

#include "store/draft_impl.h"

#define LINKS_MAX 40

/* Of a node: what the base says, and what the draft knows better. */
enum err_code
draft_node_stat(struct draft *d, const struct draft_node *n,
    struct resource *out, struct err *err)
{
	struct resource res = n->res;
	enum err_code rc = ERR_OK;

	if (n->through)
		rc = store_stat(d->under, n->base, &res, err);
	if (rc)
		return rc;
	if (n->own_props)
		res.has_props = n->props != NULL;
	if (n->touched)
		res.modified = n->touched;
	*out = res;
	return ERR_OK;
}

/* The nodes on the way to a path, and what the base has behind it. */
static enum err_code
descend(struct draft *d, struct arena *a, struct rpath path,
    struct draft_spot *s, struct err *err)
{
	struct str rest = str_skip(path.s, 1);
	struct draft_node *dir = d->root;
	struct str name;

	s->path = path;
	s->slot = NULL;
	s->node = dir;
	s->base = (struct rpath){ { 0 } };
	s->mapped = false;
	while (rest.len) {
		struct str below = rest;
		size_t at = (size_t)(rest.ptr - path.s.ptr);

		(void)str_cut(&rest, '/', &name);
		s->dir = dir;
		s->dir_path.s = str_head(path.s, at > 1 ? at - 1 : 1);
		s->slot = draft_slot_find(d, dir, name);
		s->node = s->slot ? s->slot->node : NULL;
		if (!s->slot && dir->base.s.len)
			return rpath_join(a, dir->base, below, &s->base, err);
		if (!s->node) {
			if (rest.len)
				s->slot = NULL;
			return ERR_OK;
		}
		dir = s->node;
	}
	return ERR_OK;
}

/* What is there now; that nothing is, is no failure. */
static enum err_code
look(struct draft *d, struct draft_spot *s, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = ERR_NOT_FOUND;

	if (s->node)
		rc = draft_node_stat(d, s->node, &s->res, &why);
	else if (s->base.s.len)
		rc = store_stat(d->under, s->base, &s->res, &why);
	s->mapped = rc == ERR_OK;
	if (rc && rc != ERR_NOT_FOUND && err)
		*err = why;
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

enum err_code
draft_look(struct draft *d, struct arena *a, struct rpath path,
    struct draft_spot *out, struct err *err)
{
	enum err_code rc;

	*out = (struct draft_spot){ .asked = path };
	rc = descend(d, a, path, out, err);
	return rc ? rc : look(d, out, err);
}

/*
 * Where the base would go from here: *moved, and the path is another one.  What
 * is within the node's own tree has come along with it.
 */
static enum err_code
follow_links(struct draft *d, struct arena *a, struct draft_spot *s,
    bool *moved, struct err *err)
{
	struct rpath real;
	struct err why = { 0 };
	enum err_code rc = store_resolve(d->under, s->base, a, &real, &why);

	*moved = false;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc) {
		if (err)
			*err = why;
		return rc;
	}
	*moved = !rpath_eq(real, s->base);
	if (!*moved)
		return ERR_OK;
	if (!rpath_covers(s->dir->base, real)) {
		s->path = real;
		return ERR_OK;
	}
	return rpath_join(
	    a, s->dir_path, rpath_below(s->dir->base, real), &s->path, err);
}

static enum err_code
find_followed(
    struct draft *d, struct arena *a, struct draft_spot *s, struct err *err)
{
	int tries;

	for (tries = 0; tries < LINKS_MAX; tries++) {
		bool moved = false;
		enum err_code rc = descend(d, a, s->path, s, err);

		if (!rc && s->base.s.len)
			rc = follow_links(d, a, s, &moved, err);
		if (rc || !moved)
			return rc ? rc : look(d, s, err);
	}
	s->node = NULL;
	s->base.s.len = 0;
	return ERR_OK; /* it leads nowhere */
}

/* The collection is followed, the name in it is not. */
static enum err_code
find_name(
    struct draft *d, struct arena *a, struct draft_spot *s, struct err *err)
{
	struct draft_spot dir = { .path = rpath_parent(s->asked) };
	enum err_code rc = find_followed(d, a, &dir, err);

	if (!rc)
		rc = rpath_join(
		    a, dir.path, rpath_name(s->asked), &s->path, err);
	if (!rc)
		rc = descend(d, a, s->path, s, err);
	if (!rc)
		rc = look(d, s, err);
	if (!rc && s->mapped && s->base.s.len) {
		struct draft_spot end = *s;

		rc = follow_links(d, a, &end, &s->link, err);
	}
	return rc;
}

enum err_code
draft_find(struct draft *d, struct arena *a, struct rpath path,
    enum draft_follow follow, struct draft_spot *out, struct err *err)
{
	*out = (struct draft_spot){ .asked = path, .path = path };
	if (follow == DRAFT_FOLLOW || rpath_is_root(path))
		return find_followed(d, a, out, err);
	return find_name(d, a, out, err);
}

enum err_code
draft_find_mapped(struct draft *d, struct arena *a, struct rpath path,
    enum draft_follow follow, struct draft_spot *out, struct err *err)
{
	enum err_code rc = draft_find(d, a, path, follow, out, err);

	if (!rc && !out->mapped)
		return err_set(err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(path.s));
	return rc;
}

enum err_code
draft_not_a_link(const struct draft_spot *s, struct err *err)
{
	if (!s->link)
		return ERR_OK;
	return err_tell(err, ERR_FORBIDDEN,
	    "a link cannot be removed or renamed together with other changes");
}

struct rpath
draft_near(const struct draft_spot *s)
{
	const struct draft_node *n = s->dir;

	if (!n)
		return RPATH_ROOT;
	if (s->base.s.len)
		return rpath_parent(s->base);
	while (!n->base.s.len)
		n = n->slot->dir;
	return n->base;
}

/* ---- what may be made */

enum err_code
draft_may_make(struct draft *d, struct arena *a, const struct draft_spot *s,
    struct err *err)
{
	struct draft_spot dir;
	struct rpath like;
	enum err_code rc;

	if (s->mapped)
		return ERR_OK;
	rc = draft_look(d, a, rpath_parent(s->path), &dir, err);
	if (rc)
		return rc;
	if (!dir.mapped || !dir.res.collection)
		return err_set(err, ERR_NO_PARENT, "no collection for '%.*s'",
		    STR_ARG(s->path.s));
	if (s->slot && s->slot->hides)
		return ERR_OK; /* the base has had it */
	if (s->base.s.len)
		return store_may_make(d->under, s->base, err);
	rc = rpath_join(a, draft_near(s), rpath_name(s->path), &like, err);
	return rc ? rc : store_may_make(d->under, like, err);
}

/* ---- members */

struct members {
	const struct draft *d;
	const struct draft_node *node; /* NULL: all of the base's are there */
	struct rpath root;
	bool found;
	enum err_code failed;
};

static enum err_code
see_member(void *arg, const struct member *m, bool *prune)
{
	struct members *all = arg;

	(void)prune;
	if (rpath_eq(m->path, all->root)) {
		all->failed = m->failed;
		return ERR_OK;
	}
	if (all->node &&
	    draft_slot_find(all->d, all->node, rpath_name(m->path)))
		return ERR_OK;
	all->found = true;
	return ERR_CANCELLED;
}

enum err_code
draft_has_members(
    struct draft *d, const struct draft_spot *s, bool *out, struct err *err)
{
	struct members all = { .d = d, .node = s->node };
	const struct walk w = {
		.depth = DEPTH_1,
		.order = WALK_DOWN,
		.visit = see_member,
		.arg = &all,
	};
	const struct draft_slot *slot = s->node ? s->node->first : NULL;
	struct err why = { 0 };
	enum err_code rc;

	for (; slot && !slot->node; slot = slot->next)
		continue;
	all.root = s->node ? s->node->base : s->base;
	*out = slot != NULL;
	if (*out || !s->mapped || !s->res.collection || !all.root.s.len)
		return ERR_OK;
	rc = store_walk(d->under, all.root, &w, &why);
	*out = all.found;
	if (all.found || rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (!rc && all.failed)
		return err_set(
		    err, all.failed, "list '%.*s'", STR_ARG(s->path.s));
	if (rc && err)
		*err = why;
	return rc;
}

/* ---- places */

/* A member of the base's, as it is there. */
static enum err_code
add_through(struct draft *d, struct draft_node *dir, struct str name,
    bool collection, struct draft_node **out, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft_slot *slot = NULL;
	struct draft_node *n;
	struct rpath base;
	enum err_code rc = rpath_join(&a, dir->base, name, &base, err);

	if (!rc)
		rc = draft_slot_new(d, name, &slot, err);
	if (rc)
		return rc;
	n = draft_node_through(base);
	if (!n) {
		free(slot);
		return err_nomem(err);
	}
	slot->hides = true;
	slot->hides_collection = collection;
	draft_slot_link(d, dir, slot);
	draft_slot_put(d, slot, n);
	*out = n;
	return ERR_OK;
}

/* The node of the collection that s is in, which is mapped. */
static enum err_code
need_dir(struct draft *d, const struct draft_spot *s, struct draft_node **out,
    struct err *err)
{
	struct str rest = rpath_below(s->dir_path, rpath_parent(s->path));
	struct draft_node *dir = s->dir;
	enum err_code rc = ERR_OK;
	struct str name;

	while (!rc && rest.len && str_cut(&rest, '/', &name)) {
		struct draft_slot *slot = draft_slot_find(d, dir, name);

		if (slot)
			dir = slot->node;
		else
			rc = add_through(d, dir, name, true, &dir, err);
	}
	*out = dir;
	return rc;
}

enum err_code
draft_place_make(struct draft *d, const struct draft_spot *s,
    struct draft_place *out, struct err *err)
{
	struct draft_place p = { .d = d };
	enum err_code rc = need_dir(d, s, &p.dir, err);

	if (rc)
		return rc;
	p.slot = draft_slot_find(d, p.dir, rpath_name(s->path));
	p.fresh = !p.slot;
	if (p.fresh)
		rc = draft_slot_new(d, rpath_name(s->path), &p.slot, err);
	if (rc)
		return rc;
	if (p.fresh) {
		p.slot->hides = s->mapped;
		p.slot->hides_collection = s->mapped && s->res.collection;
	}
	*out = p;
	return ERR_OK;
}

enum err_code
draft_place_node(struct draft *d, const struct draft_spot *s,
    struct draft_node **out, struct err *err)
{
	struct draft_node *dir;
	enum err_code rc;

	assert(s->mapped);
	*out = s->node;
	if (s->node)
		return ERR_OK;
	rc = need_dir(d, s, &dir, err);
	return rc ? rc
		  : add_through(d, dir, rpath_name(s->path), s->res.collection,
			out, err);
}

static void
link_fresh(struct draft_place *p)
{
	if (p->fresh)
		draft_slot_link(p->d, p->dir, p->slot);
	p->fresh = false;
	p->dir->touched = draft_tick(p->d);
}

void
draft_place_put(struct draft_place *p, struct draft_node *n)
{
	link_fresh(p);
	draft_slot_put(p->d, p->slot, n);
}

void
draft_place_clear(struct draft_place *p)
{
	link_fresh(p);
	draft_slot_clear(p->d, p->slot);
	p->slot = NULL;
}

void
draft_place_done(struct draft_place *p)
{
	if (p->fresh)
		free(p->slot);
	p->fresh = false;
}
