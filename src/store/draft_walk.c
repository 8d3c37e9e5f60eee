/* SPDX-License-Identifier: MIT */
/*
 * A walk of a draft.  In a collection that has a node, the members that have
 * slots come first, then those of the base that have none, by a walk of the
 * base: of this collection alone, and of everything below a member in which
 * nothing differs.  So no more than two walks of the base are open at a time,
 * but where a visitor changes things before it comes to them, and through
 * links.
 *
 * A collection is kept by a reference while the walk is in it, and each member
 * comes once: what gets a slot while members of the base are visited was not
 * visited yet, or its turn would be over.
 */
#include <stdlib.h>

#include "store/draft_impl.h"

/* A collection on the way down to where the walk is. */
struct level {
	struct level *up;
	struct draft_node *dir;
	struct draft_cursor cursor;
	bool in_base; /* those with slots have been visited */
	uint64_t mark; /* the last slot there was then */
	size_t path_len;
	struct err why; /* of members that could not be listed */
};

struct trip {
	struct draft *d;
	const struct walk *how;
	const struct trip *outer; /* from which a link led here */
	struct rpath link; /* that link, in the outer one */
	struct buf path; /* as the visitor sees it */
	struct level *level;
	bool linked;
	bool stopped; /* the visitor said so */
};

/* ---- visits */

static enum err_code
visit(struct trip *t, const struct member *m, bool *prune)
{
	enum err_code rc;

	*prune = false;
	rc = t->how->visit(t->how->arg, m, prune);
	t->stopped |= rc != ERR_OK;
	return rc;
}

static enum err_code
visit_res(struct trip *t, const struct resource *res, bool *prune)
{
	const struct member m = {
		.path = rpath_of_buf(&t->path),
		.res = *res,
		.linked = t->linked,
		.maybe_locked = true,
	};

	return visit(t, &m, prune);
}

static enum err_code
visit_failed(struct trip *t, const struct resource *res, const struct err *why)
{
	const struct member m = {
		.path = rpath_of_buf(&t->path),
		.res = *res,
		.linked = t->linked,
		.failed = why->code,
		.err = why,
	};
	bool prune;

	if (err_stops(why->code) && why->code != ERR_LOOP)
		return why->code;
	return visit(t, &m, &prune);
}

/* The path below a length is this one. */
static enum err_code
set_path(struct trip *t, size_t len, struct str below)
{
	struct str name;

	rpath_pop(&t->path, len);
	while (below.len && str_cut(&below, '/', &name))
		(void)rpath_push(&t->path, name);
	return buf_failed(&t->path);
}

/* ---- the base's members */

/* A walk of the base, from a place in it to a place in the draft. */
struct passage {
	struct trip *t;
	struct level *level; /* of its root; NULL: nothing differs below it */
	struct rpath from; /* in the base */
	struct rpath path; /* in the draft, without links */
	size_t path_len; /* of its root, as the visitor sees it */
	uint64_t n_changes; /* when it began */
	bool deep;
};

static enum err_code walk_link(struct trip *t, struct rpath target,
    struct draft_node *n, const struct resource *res);
static enum err_code
pass_member(void *arg, const struct member *m, bool *prune);
static enum err_code enter(struct trip *t, struct draft_node *n,
    const struct resource *res, bool deep);
static enum err_code travel(struct trip *t, const struct level *floor);

/*
 * What the draft made of a member since the walk of the base began; *gone: it
 * is not there any more.
 */
static enum err_code
refresh(
    const struct passage *p, struct str below, struct resource *res, bool *gone)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = p->t->d;
	struct draft_spot s;
	struct rpath path;
	enum err_code rc;

	*gone = false;
	if (p->n_changes == d->n_changes)
		return ERR_OK;
	rc = rpath_join(&a, p->path, below, &path, NULL);
	if (!rc)
		rc = draft_look(d, &a, path, &s, NULL);
	if (rc)
		return err_stops(rc) ? rc : ERR_OK;
	*gone = !s.mapped;
	if (s.mapped && s.node)
		*res = s.res;
	return ERR_OK;
}

/* A link to a collection in which something differs is gone through by us. */
static enum err_code
meet_link(struct passage *p, const struct member *m, bool *prune, bool *done)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct trip *t = p->t;
	struct draft_spot s;
	struct rpath path;
	enum err_code rc;

	*done = false;
	if (!m->linked || !m->res.collection || m->failed ||
	    t->how->order == WALK_UP || !t->d->root->first)
		return ERR_OK;
	rc =
	    rpath_join(&a, p->path, rpath_below(p->from, m->path), &path, NULL);
	if (!rc)
		rc = draft_find(t->d, &a, path, DRAFT_FOLLOW, &s, NULL);
	if (rc)
		return err_stops(rc) ? rc : ERR_OK;
	*done = !s.mapped || s.node;
	*prune = *done;
	return s.mapped && s.node ? walk_link(t, s.path, s.node, &s.res)
				  : ERR_OK;
}

static enum err_code
pass_on(struct passage *p, const struct member *m, bool *prune)
{
	struct trip *t = p->t;
	struct str below = rpath_below(p->from, m->path);
	struct member ours = *m;
	bool done = false;
	enum err_code rc = set_path(t, p->path_len, below);

	if (!rc && p->deep && !t->linked)
		rc = meet_link(p, m, prune, &done);
	if (!rc && !done && !m->failed && !m->linked)
		rc = refresh(p, below, &ours.res, &done);
	if (rc || done)
		return rc;
	ours.path = rpath_of_buf(&t->path);
	ours.linked |= t->linked;
	ours.maybe_locked |= !rpath_eq(ours.path, m->path);
	return visit(t, &ours, prune);
}

/* Everything at and below a place of the base in which nothing differs. */
static enum err_code
pass_tree(struct trip *t, struct rpath from, struct rpath path,
    enum depth depth, struct err *err)
{
	struct passage p = {
		.t = t,
		.from = from,
		.path = path,
		.path_len = t->path.len,
		.n_changes = t->d->n_changes,
		.deep = depth == DEPTH_INFINITY,
	};
	const struct walk w = {
		.depth = depth,
		.order = t->how->order,
		.visit = pass_member,
		.arg = &p,
	};

	return store_walk(t->d->under, from, &w, err);
}

static enum err_code
pass_collection(struct passage *p, const struct member *m)
{
	struct trip *t = p->t;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct err why = { 0 };
	struct rpath path = { 0 }, from = { 0 };
	enum err_code rc =
	    rpath_join(&a, p->path, rpath_below(p->from, m->path), &path, NULL);

	if (!rc)
		rc = rpath_join(&a, m->path, STR(""), &from, NULL);
	if (!rc)
		rc = pass_tree(t, from, path, DEPTH_INFINITY, &why);
	if (rc == ERR_NOT_FOUND && !t->stopped)
		return ERR_OK;
	if (!rc || t->stopped || err_stops(rc))
		return rc;
	return visit_failed(t, &m->res, &why);
}

/* A member of a collection that has a node. */
static enum err_code
pass_below_node(struct passage *p, const struct member *m)
{
	struct trip *t = p->t;
	struct level *l = p->level;
	struct draft_slot *slot;
	struct resource res;
	struct err why = { 0 };
	enum err_code rc;

	if (rpath_eq(m->path, p->from)) {
		if (m->failed && m->err)
			l->why = *m->err;
		l->why.code = m->failed;
		return ERR_OK;
	}
	slot = draft_slot_find(t->d, l->dir, rpath_name(m->path));
	rc = set_path(t, p->path_len, rpath_name(m->path));
	if (rc || (slot && (slot->seq <= l->mark || !slot->node)))
		return rc;
	if (slot) {
		rc = draft_node_stat(t->d, slot->node, &res, &why);
		if (rc)
			return err_stops(rc) ? rc : ERR_OK;
		rc =
		    enter(t, slot->node, &res, t->how->depth == DEPTH_INFINITY);
		return rc ? rc : travel(t, l);
	}
	if (m->res.collection && !m->failed && t->how->depth == DEPTH_INFINITY)
		return pass_collection(p, m);
	return pass_on(p, m, &(bool){ false });
}

static enum err_code
pass_member(void *arg, const struct member *m, bool *prune)
{
	struct passage *p = arg;

	return p->level ? pass_below_node(p, m) : pass_on(p, m, prune);
}

/* Those members of a collection that have no slot. */
static enum err_code
pass_members(struct trip *t, struct level *l)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct passage p = {
		.t = t,
		.level = l,
		.from = l->dir->base,
		.path_len = l->path_len,
		.n_changes = t->d->n_changes,
		.deep = t->how->depth == DEPTH_INFINITY,
	};
	const struct walk w = {
		.depth = DEPTH_1,
		.order = WALK_DOWN,
		.visit = pass_member,
		.arg = &p,
	};
	struct err why = { 0 };
	enum err_code rc;

	/* As far as links are concerned, the visitor's path will do. */
	if (!arena_str(&a, rpath_of_buf(&t->path).s, &p.path.s))
		return ERR_NOMEM;
	rc = store_walk(t->d->under, p.from, &w, &why);
	if (rc && !t->stopped && rc != ERR_NOT_FOUND && !err_stops(rc)) {
		l->why = why;
		l->why.code = rc;
	}
	return t->stopped || err_stops(rc) ? rc : ERR_OK;
}

/* ---- nodes */

static enum err_code
descend(struct trip *t, struct draft_node *dir)
{
	struct level *l = calloc(1, sizeof(*l));

	if (!l)
		return ERR_NOMEM;
	l->up = t->level;
	l->dir = draft_node_ref(dir);
	l->path_len = t->path.len;
	draft_cursor_begin(t->d, &l->cursor, dir);
	t->level = l;
	return ERR_OK;
}

static void
ascend(struct trip *t)
{
	struct level *l = t->level;

	draft_cursor_end(t->d, &l->cursor);
	draft_node_unref(t->d, l->dir);
	t->level = l->up;
	free(l);
}

/* What is at t->path. */
static enum err_code
enter(
    struct trip *t, struct draft_node *n, const struct resource *res, bool deep)
{
	struct draft_node *kept = draft_node_ref(n);
	enum err_code rc = ERR_OK;
	bool prune = false;

	if (!res->collection || !deep || t->how->order != WALK_UP)
		rc = visit_res(t, res, &prune);
	if (!rc && res->collection && deep && !prune)
		rc = descend(t, n);
	draft_node_unref(t->d, kept);
	return rc;
}

static enum err_code
enter_slot(struct trip *t, const struct draft_slot *slot)
{
	struct resource res = { 0 };
	struct err why = { 0 };
	enum err_code rc;

	if (!slot->node)
		return ERR_OK;
	rc = draft_node_stat(t->d, slot->node, &res, &why);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	(void)rpath_push(&t->path, str_of(slot->name, slot->len));
	if (buf_failed(&t->path))
		return ERR_NOMEM;
	return rc ? visit_failed(t, &res, &why)
		  : enter(t, slot->node, &res, t->how->depth == DEPTH_INFINITY);
}

static enum err_code
finish_level(struct trip *t)
{
	struct level *l = t->level;
	struct err listing = l->why;
	struct resource res = { .collection = true };
	struct err why = { 0 };
	enum err_code rc = draft_node_stat(t->d, l->dir, &res, &why);
	bool prune;

	ascend(t);
	if (rc)
		return rc == ERR_NOT_FOUND ? ERR_OK
					   : visit_failed(t, &res, &why);
	if (listing.code)
		return visit_failed(t, &res, &listing);
	return t->how->order == WALK_UP ? visit_res(t, &res, &prune) : ERR_OK;
}

/* Until it is back at `floor`. */
static enum err_code
travel(struct trip *t, const struct level *floor)
{
	enum err_code rc = ERR_OK;

	while (!rc && t->level != floor) {
		struct level *l = t->level;
		const struct draft_slot *slot =
		    l->in_base ? NULL : draft_cursor_next(&l->cursor);

		rpath_pop(&t->path, l->path_len);
		if (slot) {
			rc = enter_slot(t, slot);
			continue;
		}
		if (!l->in_base && l->dir->base.s.len) {
			l->in_base = true;
			l->mark = t->d->last_seq;
			rc = pass_members(t, l);
			rpath_pop(&t->path, l->path_len);
			if (rc)
				break;
		}
		rc = finish_level(t);
	}
	return rc;
}

static void
trip_done(struct trip *t)
{
	while (t->level)
		ascend(t);
	buf_done(&t->path);
}

/* ---- links */

/* Whether it leads to where the walk has come from. */
static bool
loops(const struct trip *t, struct rpath target)
{
	struct rpath at = rpath_of_buf(&t->path);

	for (; t; at = t->link, t = t->outer)
		if (rpath_covers(target, at))
			return true;
	return false;
}

static enum err_code
walk_link(struct trip *t, struct rpath target, struct draft_node *n,
    const struct resource *res)
{
	struct trip inner = {
		.d = t->d,
		.how = t->how,
		.outer = t,
		.link = rpath_of_buf(&t->path),
		.linked = true,
	};
	struct err why = { 0 };
	enum err_code rc;

	if (loops(t, target)) {
		(void)err_set(&why, ERR_LOOP, "contains itself");
		return visit_failed(t, res, &why);
	}
	buf_put(&inner.path, buf_str(&t->path));
	rc = buf_failed(&inner.path);
	if (!rc)
		rc = enter(&inner, n, res, true);
	if (!rc)
		rc = travel(&inner, NULL);
	t->stopped |= inner.stopped;
	trip_done(&inner);
	return rc;
}

/* ---- the whole */

static enum err_code
begin(struct trip *t, const struct draft_spot *s, struct err *err)
{
	enum depth depth = t->how->depth;
	bool prune;
	enum err_code rc;

	/* Only the link is removed, so it is as any other member then. */
	if (s->link && t->how->order == WALK_UP) {
		t->linked = true;
		return visit_res(t, &s->res, &prune);
	}
	if (!s->node)
		return pass_tree(t, s->base, s->path, depth, err);
	rc = enter(t, s->node, &s->res, depth != DEPTH_0);
	return rc ? rc : travel(t, NULL);
}

enum err_code
draft_op_walk(
    struct store *st, struct rpath root, const struct walk *w, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = draft_of(st);
	struct trip t CLEANUP(trip_done) = { .d = d, .how = w };
	struct draft_spot s;
	enum err_code rc;

	if (!rpath_is_root(root))
		buf_put(&t.path, root.s);
	if (buf_failed(&t.path))
		return err_nomem(err);
	rc = draft_find_mapped(d, &a, root,
	    w->order == WALK_UP ? DRAFT_NO_FOLLOW : DRAFT_FOLLOW, &s, err);
	if (!rc && w->order != WALK_UP)
		t.linked = !rpath_eq(s.path, root);
	return rc ? rc : begin(&t, &s, err);
}
