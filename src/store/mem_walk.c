/* SPDX-License-Identifier: MIT */
/*
 * A walk of the memory store.  It holds no lock while it visits, only a
 * reference to each collection it is in.
 */
#include "store/mem_impl.h"

/* A collection on the way down to where a walk is. */
struct level {
	struct level *up;
	struct mem_node *dir;
	size_t path_len; /* its own */
};

struct trip {
	struct mem_store *m;
	const struct walk *how;
	struct buf path;
	struct level *level;
	struct level *spare;
	struct arena arena; /* of levels */
};

static enum err_code
visit(struct trip *t, const struct resource *res, bool *prune)
{
	const struct member member = {
		.path = rpath_of_buf(&t->path),
		.res = *res,
		.maybe_locked = true,
	};

	return t->how->visit(t->how->arg, &member, prune);
}

/* Takes over a reference to dir, whose path is t->path. */
static enum err_code
descend(struct trip *t, struct mem_node *dir)
{
	struct level *l = t->spare;

	if (l)
		t->spare = l->up;
	else
		l = ARENA_NEW(&t->arena, struct level);
	if (!l) {
		(void)mem_enter(&t->m->base);
		mem_node_unref(dir);
		mem_leave(t->m);
		return ERR_NOMEM;
	}
	*l = (struct level){ t->level, dir, t->path.len };
	t->level = l;
	return ERR_OK;
}

static void
ascend(struct trip *t)
{
	struct level *l = t->level;

	(void)mem_enter(&t->m->base);
	mem_node_unref(l->dir);
	mem_leave(t->m);
	t->level = l->up;
	l->up = t->spare;
	t->spare = l;
}

/*
 * What the path buffer holds below the level is the name visited last: names
 * are sorted, so the next one follows it whatever came or went meanwhile.
 * *out is NULL at the end; otherwise a reference, and the path is its own.
 */
static enum err_code
next_member(struct trip *t, struct mem_node **out, struct resource *res)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(&t->m->base);
	struct str last = str_skip(buf_str(&t->path), t->level->path_len + 1);
	struct mem_node *n = mem_node_next(t->level->dir, last);

	rpath_pop(&t->path, t->level->path_len);
	*out = NULL;
	if (!n)
		return ERR_OK;
	(void)rpath_push(&t->path, str_from_c(n->name));
	if (buf_failed(&t->path))
		return ERR_NOMEM;
	*res = mem_node_stat(n);
	*out = mem_node_ref(n);
	return ERR_OK;
}

/* Takes over a reference to n, whose path is t->path. */
static enum err_code
enter(struct trip *t, struct mem_node *n, const struct resource *res, bool deep)
{
	enum err_code rc = ERR_OK;
	bool prune = false;

	if (!res->collection || !deep || t->how->order != WALK_UP)
		rc = visit(t, res, &prune);
	if (!rc && res->collection && deep && !prune)
		return descend(t, n);
	(void)mem_enter(&t->m->base);
	mem_node_unref(n);
	mem_leave(t->m);
	return rc;
}

static enum err_code
finish_level(struct trip *t)
{
	struct resource res;
	bool prune = false;

	(void)mem_enter(&t->m->base);
	res = mem_node_stat(t->level->dir);
	mem_leave(t->m);
	ascend(t);
	return t->how->order == WALK_UP ? visit(t, &res, &prune) : ERR_OK;
}

static enum err_code
travel(struct trip *t)
{
	while (t->level) {
		struct resource res;
		struct mem_node *n;
		enum err_code rc = next_member(t, &n, &res);

		if (!rc && n)
			rc = enter(t, n, &res, t->how->depth == DEPTH_INFINITY);
		else if (!rc)
			rc = finish_level(t);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

enum err_code
mem_walk(
    struct store *s, struct rpath root, const struct walk *w, struct err *err)
{
	struct trip t = { .how = w };
	struct mem_store *m;
	struct mem_node *n;
	struct resource res = { 0 };
	enum err_code rc;

	if (!rpath_is_root(root))
		buf_put(&t.path, root.s);
	if (buf_failed(&t.path))
		return err_nomem(err);
	t.m = m = mem_enter(s);
	rc = mem_tree_find(&m->tree, root, &n, err);
	if (!rc) {
		res = mem_node_stat(n);
		(void)mem_node_ref(n);
	}
	mem_leave(m);
	if (rc) {
		buf_done(&t.path);
		return rc;
	}
	rc = enter(&t, n, &res, w->depth != DEPTH_0);
	if (!rc)
		rc = travel(&t);
	while (t.level)
		ascend(&t);
	buf_done(&t.path);
	arena_done(&t.arena);
	return rc;
}
