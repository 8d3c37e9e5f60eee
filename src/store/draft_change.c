/* SPDX-License-Identifier: MIT */
/*
 * Changes to a draft.  Each finds what it is about, asks, makes ready all that
 * it needs, and only then changes anything: so it is done wholly or not at all.
 */
#include "store/draft_impl.h"

static const struct record *
record_of(const struct guard *g)
{
	return g ? g->record : NULL;
}

static enum err_code
exists(const struct draft_spot *s, struct err *err)
{
	return err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(s->path.s));
}

static enum err_code
new_collection(struct draft *d, struct mem_props *props,
    struct draft_node **out, struct err *err)
{
	struct draft_node *n = draft_node_new();

	if (!n)
		return err_nomem(err);
	draft_node_name(d, n, true);
	draft_node_set_props(d, n, mem_props_ref(props));
	*out = n;
	return ERR_OK;
}

/* ---- mkcol and remove */

enum err_code
draft_op_mkcol(struct store *st, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct draft *d = draft_of(st);
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft_record *rec CLEANUP(draft_record_done) = NULL;
	struct draft_loose loose CLEANUP(draft_loose_done) = { .d = d };
	struct draft_place p CLEANUP(draft_place_done) = { .d = d };
	struct draft_spot s;
	enum err_code rc = draft_find(d, &a, path, DRAFT_FOLLOW, &s, err);

	(void)b;
	if (!rc && s.mapped)
		return exists(&s, err);
	if (!rc)
		rc = draft_may_make(d, &a, &s, err);
	if (!rc)
		rc = draft_ask(d, &s, TOUCH_NAME, g, err);
	if (!rc)
		rc = new_collection(d, NULL, &loose.node, err);
	if (!rc)
		rc = draft_record_new(d, record_of(g), s.path, &rec, err);
	if (!rc)
		rc = draft_place_make(d, &s, &p, err);
	if (rc)
		return rc;
	draft_record_keep(d, &rec, true, &loose.node->res);
	draft_place_put(&p, loose.node);
	loose.node = NULL;
	return ERR_OK;
}

static enum err_code
may_remove(struct draft *d, const struct draft_spot *s, const struct guard *g,
    struct err *err)
{
	bool members = false;
	enum err_code rc = draft_not_a_link(s, err);

	if (!rc)
		rc = draft_has_members(d, s, &members, err);
	if (!rc && members)
		return err_set(
		    err, ERR_NOT_EMPTY, "'%.*s'", STR_ARG(s->path.s));
	return rc ? rc : draft_ask(d, s, TOUCH_NAME, g, err);
}

enum err_code
draft_op_remove(struct store *st, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct draft *d = draft_of(st);
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft_record *rec CLEANUP(draft_record_done) = NULL;
	struct draft_drop *drop CLEANUP(draft_drop_done) = NULL;
	struct draft_place p CLEANUP(draft_place_done) = { .d = d };
	struct draft_spot s;
	enum err_code rc =
	    draft_find_mapped(d, &a, path, DRAFT_NO_FOLLOW, &s, err);

	(void)b;
	if (!rc)
		rc = may_remove(d, &s, g, err);
	if (!rc)
		rc = draft_drop_new(d, s.path, true, &drop, err);
	if (!rc)
		rc = draft_record_new(d, record_of(g), s.path, &rec, err);
	if (!rc)
		rc = draft_place_make(d, &s, &p, err);
	if (rc)
		return rc;
	draft_place_clear(&p);
	draft_drop_keep(d, &drop);
	draft_record_keep(d, &rec, false, NULL);
	return ERR_OK;
}

/* ---- copy and rename */

/* Another name of the same thing is the same. */
static enum err_code
check_apart(
    const struct draft_spot *src, const struct draft_spot *dst, struct err *err)
{
	if (!rpath_covers(src->path, dst->path) &&
	    !rpath_covers(dst->path, src->path) &&
	    !(dst->mapped &&
		!memcmp(&src->res.id, &dst->res.id, sizeof(src->res.id))))
		return ERR_OK;
	return err_set(err, ERR_SELF, "'%.*s' and '%.*s' overlap",
	    STR_ARG(src->path.s), STR_ARG(dst->path.s));
}

/* What both have in common: the ends, and whether it may be. */
static enum err_code
check_ends(struct draft *d, struct arena *a, const struct draft_spot *src,
    const struct draft_spot *dst, enum replace replace, const struct guard *g,
    struct err *err)
{
	enum err_code rc = draft_may_make(d, a, dst, err);

	if (!rc)
		rc = check_apart(src, dst, err);
	if (!rc && dst->mapped && replace == REPLACE_NO)
		return exists(dst, err);
	return rc ? rc : draft_ask_guard(d, dst, &src->res, g, err);
}

/* The one a link leads to is replaced by one of its kind, else the link. */
static enum err_code
find_copy_target(struct draft *d, struct arena *a, struct rpath to,
    const struct draft_spot *src, struct draft_spot *dst, struct err *err)
{
	enum err_code rc = draft_find(d, a, to, DRAFT_NO_FOLLOW, dst, err);

	if (rc || !dst->link)
		return rc;
	if (dst->res.collection != src->res.collection)
		return draft_not_a_link(dst, err);
	return draft_find(d, a, to, DRAFT_FOLLOW, dst, err);
}

struct copying {
	struct draft *d;
	struct arena a;
	struct draft_spot src, dst;
	bool keep; /* a collection stays, and its members */
	struct mem_props *props;
	struct draft_record *rec;
	struct draft_drop *drop;
	struct draft_place place;
	struct draft_loose loose;
};

static void
copying_done(struct copying *c)
{
	draft_place_done(&c->place);
	draft_loose_done(&c->loose);
	draft_drop_done(&c->drop);
	draft_record_done(&c->rec);
	draft_props_done(&c->props);
	arena_done(&c->a);
}

static enum err_code
check_copy(struct copying *c, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct err *err)
{
	struct draft *d = c->d;
	enum err_code rc =
	    draft_find_mapped(d, &c->a, from, DRAFT_FOLLOW, &c->src, err);

	if (!rc)
		rc = find_copy_target(d, &c->a, to, &c->src, &c->dst, err);
	if (!rc)
		rc = check_ends(d, &c->a, &c->src, &c->dst, replace, g, err);
	if (!rc)
		rc = draft_ask_locks(d, &c->dst, TOUCH_CONTENT, g, err);
	if (rc)
		return rc;
	c->keep =
	    c->dst.mapped && c->src.res.collection && c->dst.res.collection;
	if (c->keep || !c->dst.mapped || !c->dst.res.collection)
		return ERR_OK;
	rc = draft_ask_below(d, &c->dst, NULL, g, err);
	return rc ? rc : draft_drop_new(d, c->dst.path, false, &c->drop, err);
}

/* A node to take the place of what is there, or what is there. */
static enum err_code
make_copy(struct copying *c, const struct guard *g, struct err *err)
{
	struct draft *d = c->d;
	enum err_code rc = draft_props_at(d, &c->src, &c->props, err);

	if (!rc)
		rc = draft_record_new(
		    d, record_of(g), c->dst.path, &c->rec, err);
	if (rc || c->keep)
		return rc;
	if (c->src.res.collection)
		rc = new_collection(d, c->props, &c->loose.node, err);
	else
		rc = draft_copy_bytes(
		    d, &c->src, &c->dst, c->props, &c->loose.node, err);
	return rc ? rc : draft_place_make(d, &c->dst, &c->place, err);
}

static enum err_code
put_copy(struct copying *c, struct resource *made, struct err *err)
{
	struct draft *d = c->d;
	struct draft_node *n = NULL;
	enum err_code rc = ERR_OK;

	if (c->keep)
		rc = draft_place_node(d, &c->dst, &n, err);
	if (rc)
		return rc;
	if (c->keep) {
		*made = c->dst.res;
		if (n->through)
			n->res = c->dst.res;
		draft_node_set_props(d, n, mem_props_ref(c->props));
	} else {
		*made = c->loose.node->res;
		draft_place_put(&c->place, c->loose.node);
		c->loose.node = NULL;
	}
	made->has_props = c->props != NULL;
	draft_drop_keep(d, &c->drop);
	draft_record_keep(d, &c->rec, !c->dst.mapped, made);
	return ERR_OK;
}

enum err_code
draft_op_copy(struct store *st, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	struct draft *d = draft_of(st);
	struct copying c CLEANUP(copying_done) = {
		.d = d,
		.place = { .d = d },
		.loose = { .d = d },
	};
	struct resource made;
	enum err_code rc = check_copy(&c, from, to, replace, g, err);

	(void)b;
	if (!rc)
		rc = make_copy(&c, g, err);
	if (!rc)
		rc = put_copy(&c, &made, err);
	if (rc)
		return rc;
	if (out)
		*out = made;
	if (created)
		*created = !c.dst.mapped;
	return ERR_OK;
}

struct renaming {
	struct draft *d;
	struct arena a;
	struct draft_spot src, dst;
	struct draft_record *rec;
	struct draft_drop *left, *replaced; /* locks */
	struct draft_place from, to;
};

static void
renaming_done(struct renaming *r)
{
	draft_place_done(&r->from);
	draft_place_done(&r->to);
	draft_drop_done(&r->left);
	draft_drop_done(&r->replaced);
	draft_record_done(&r->rec);
	arena_done(&r->a);
}

static enum err_code
ask_both(struct renaming *r, const struct guard *g, struct err *err)
{
	struct draft *d = r->d;
	enum err_code rc = draft_ask_locks(d, &r->src, TOUCH_NAME, g, err);

	if (!rc)
		rc = draft_ask_locks(d, &r->dst, TOUCH_NAME, g, err);
	if (!rc)
		rc = draft_ask_below(d, &r->src, NULL, g, err);
	return rc ? rc : draft_ask_below(d, &r->dst, &r->src, g, err);
}

static enum err_code
check_rename(struct renaming *r, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct err *err)
{
	struct draft *d = r->d;
	enum err_code rc =
	    draft_find_mapped(d, &r->a, from, DRAFT_NO_FOLLOW, &r->src, err);

	if (!rc)
		rc = draft_not_a_link(&r->src, err);
	if (!rc)
		rc = draft_find(d, &r->a, to, DRAFT_NO_FOLLOW, &r->dst, err);
	if (!rc)
		rc = draft_not_a_link(&r->dst, err);
	if (!rc)
		rc = check_ends(d, &r->a, &r->src, &r->dst, replace, g, err);
	return rc ? rc : ask_both(r, g, err);
}

static enum err_code
make_ready(struct renaming *r, const struct guard *g, struct err *err)
{
	struct draft *d = r->d;
	struct draft_node *n;
	enum err_code rc = draft_drop_new(d, r->src.path, true, &r->left, err);

	if (!rc)
		rc = draft_drop_new(d, r->dst.path, false, &r->replaced, err);
	if (!rc)
		rc = draft_record_new(
		    d, record_of(g), r->dst.path, &r->rec, err);
	if (!rc)
		rc = draft_place_node(d, &r->src, &n, err);
	if (!rc)
		rc = draft_place_make(d, &r->src, &r->from, err);
	return rc ? rc : draft_place_make(d, &r->dst, &r->to, err);
}

enum err_code
draft_op_rename(struct store *st, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    bool *created, struct err *err)
{
	struct draft *d = draft_of(st);
	struct renaming r CLEANUP(renaming_done) = {
		.d = d,
		.from = { .d = d },
		.to = { .d = d },
	};
	struct draft_node *n;
	enum err_code rc = check_rename(&r, from, to, replace, g, err);

	(void)b;
	if (!rc)
		rc = make_ready(&r, g, err);
	if (rc)
		return rc;
	n = draft_node_ref(r.from.slot->node);
	draft_place_clear(&r.from);
	draft_place_put(&r.to, n);
	draft_drop_keep(d, &r.left);
	draft_drop_keep(d, &r.replaced);
	draft_record_keep(d, &r.rec, !r.dst.mapped, &r.src.res);
	if (created)
		*created = !r.dst.mapped;
	return ERR_OK;
}

/* ---- properties */

enum err_code
draft_op_patch(struct store *st, struct rpath path,
    const struct prop_change *changes, size_t n, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct draft *d = draft_of(st);
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft_record *rec CLEANUP(draft_record_done) = NULL;
	struct mem_props *was CLEANUP(draft_props_done) = NULL;
	struct mem_props *set CLEANUP(draft_props_done) = NULL;
	struct draft_node *node;
	struct draft_spot s;
	enum err_code rc =
	    draft_find_mapped(d, &a, path, DRAFT_FOLLOW, &s, err);

	(void)b;
	if (!rc)
		rc = draft_ask(d, &s, TOUCH_CONTENT, g, err);
	if (!rc)
		rc = draft_props_at(d, &s, &was, err);
	if (!rc)
		rc = mem_props_change(was, changes, n, &set, err);
	if (!rc)
		rc = draft_record_new(d, record_of(g), s.path, &rec, err);
	if (!rc)
		rc = draft_place_node(d, &s, &node, err);
	if (rc)
		return rc;
	if (node->through)
		node->res = s.res;
	draft_node_set_props(d, node, set);
	set = NULL;
	draft_record_keep(d, &rec, false, &s.res);
	return ERR_OK;
}
