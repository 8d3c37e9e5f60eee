/* SPDX-License-Identifier: MIT */
/*
 * A draft as what others stand on: it is claimed, and changed by edits.  First
 * all that goes somewhere is taken from its place, what is deepest first; then
 * all that comes is put in its place.  What each slot held is written down, so
 * that a failure leaves everything as it was.
 */
#include <assert.h>
#include <stdlib.h>

#include "store/draft_impl.h"

enum err_code
draft_op_claim(struct store *s, struct rpath root, struct store_claim **out,
    struct err *err)
{
	struct store_claim *c = calloc(1, sizeof(*c));

	(void)root; /* there is only one thread */
	if (!c)
		return err_nomem(err);
	c->store = s;
	*out = c;
	return ERR_OK;
}

void
draft_op_claim_end(struct store *s, struct store_claim *c)
{
	(void)s;
	free(c);
}

/* ---- what was where */

struct undo {
	struct draft_node *dir; /* a reference */
	struct draft_slot *slot;
	struct draft_node *node; /* a reference; NULL: nothing */
	bool fresh; /* the slot was not there */
	int64_t touched; /* of dir */
};

struct undo_props {
	struct draft_node *node; /* a reference */
	bool own;
	struct mem_props *set; /* a reference */
};

struct applying {
	struct draft *d;
	struct arena a;
	struct edit *edits;
	size_t n;
	size_t *order; /* of those that take something away */
	size_t n_taken;
	struct draft_node **taken; /* by edit: what it moves; references */
	struct undo *undo;
	size_t n_undo;
	struct undo_props *props;
	size_t n_props;
	struct draft_drop **drops; /* by edit */
	struct draft_record **records; /* by edit */
};

static bool
takes(const struct edit *e)
{
	return e->kind == EDIT_REMOVE || e->kind == EDIT_MOVE;
}

static bool
brings(const struct edit *e)
{
	return e->kind == EDIT_MOVE || e->kind == EDIT_MKCOL ||
	    e->kind == EDIT_FILE;
}

/* Before the slot is changed; there is room. */
static void
note(struct applying *w, const struct draft_place *p)
{
	w->undo[w->n_undo++] = (struct undo){
		.dir = draft_node_ref(p->dir),
		.slot = p->slot,
		.node = p->slot->node ? draft_node_ref(p->slot->node) : NULL,
		.fresh = p->fresh,
		.touched = p->dir->touched,
	};
}

static void
take_back(struct applying *w)
{
	struct draft *d = w->d;

	while (w->n_props) {
		struct undo_props *u = &w->props[--w->n_props];

		draft_node_set_props(d, u->node, u->set);
		u->node->own_props = u->own;
		draft_node_unref(d, u->node);
	}
	while (w->n_undo) {
		struct undo *u = &w->undo[--w->n_undo];

		draft_slot_put(d, u->slot, u->node);
		if (u->fresh)
			draft_slot_remove(d, u->slot);
		u->dir->touched = u->touched;
		draft_node_unref(d, u->dir);
	}
}

/* Nothing is left in a slot that hides nothing: it goes. */
static void
settle(struct applying *w)
{
	struct draft *d = w->d;
	size_t i, k;

	for (i = 0; i < w->n_undo; i++) {
		struct draft_slot *slot = w->undo[i].slot;
		bool again = false;

		for (k = i + 1; k < w->n_undo && !again; k++)
			again = w->undo[k].slot == slot;
		if (!again && !slot->node && !slot->hides)
			draft_slot_remove(d, slot);
	}
	for (i = 0; i < w->n_undo; i++) {
		draft_node_unref(d, w->undo[i].node);
		draft_node_unref(d, w->undo[i].dir);
	}
	w->n_undo = 0;
	for (i = 0; i < w->n_props; i++) {
		mem_props_unref(w->props[i].set);
		draft_node_unref(d, w->props[i].node);
	}
	w->n_props = 0;
	for (i = 0; i < w->n; i++) {
		const struct edit *e = &w->edits[i];

		draft_drop_keep(d, &w->drops[i]);
		draft_record_keep(d, &w->records[i], e->created, &e->made);
	}
}

static void
applying_done(struct applying *w)
{
	size_t i;

	take_back(w);
	for (i = 0; i < w->n; i++) {
		if (w->taken)
			draft_node_unref(w->d, w->taken[i]);
		if (w->drops)
			draft_drop_done(&w->drops[i]);
		if (w->records)
			draft_record_done(&w->records[i]);
	}
	arena_done(&w->a);
}

static enum err_code
make_room(struct applying *w, struct err *err)
{
	struct arena *a = &w->a;

	w->order = arena_array(a, w->n, sizeof(*w->order));
	w->taken = arena_array(a, w->n, sizeof(struct draft_node *));
	w->drops = arena_array(a, w->n, sizeof(struct draft_drop *));
	w->records = arena_array(a, w->n, sizeof(struct draft_record *));
	w->undo = arena_array(a, 2 * w->n, sizeof(*w->undo));
	w->props = arena_array(a, w->n, sizeof(*w->props));
	return w->order && w->taken && w->drops && w->records && w->undo &&
		w->props
	    ? ERR_OK
	    : err_nomem(err);
}

/* ---- taking away */

/* Insertion by length: what is deeper has the longer path of the two. */
static void
find_order(struct applying *w)
{
	size_t i, k;

	for (i = 0; i < w->n; i++) {
		if (!takes(&w->edits[i]))
			continue;
		for (k = w->n_taken++; k > 0; k--) {
			if (w->edits[w->order[k - 1]].path.s.len >=
			    w->edits[i].path.s.len)
				break;
			w->order[k] = w->order[k - 1];
		}
		w->order[k] = i;
	}
}

static enum err_code
take_away(struct applying *w, size_t i, struct err *err)
{
	struct draft *d = w->d;
	struct draft_place p CLEANUP(draft_place_done) = { .d = d };
	const struct edit *e = &w->edits[i];
	struct draft_node *n;
	struct draft_spot s;
	enum err_code rc = draft_look(d, &w->a, e->path, &s, err);

	if (rpath_is_root(e->path))
		return err_set(err, ERR_FORBIDDEN, "take '/' away");
	if (!rc && !s.mapped)
		return err_set(
		    err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(e->path.s));
	if (!rc)
		rc = draft_place_node(d, &s, &n, err);
	if (!rc)
		rc = draft_place_make(d, &s, &p, err);
	if (rc)
		return rc;
	note(w, &p);
	if (e->kind == EDIT_MOVE)
		w->taken[i] = draft_node_ref(n);
	draft_place_put(&p, NULL);
	return ERR_OK;
}

/* ---- putting in place */

static enum err_code
own_props(const struct edit *e, struct arena *a, struct mem_props **out,
    struct err *err)
{
	struct prop_change *changes =
	    arena_array(a, e->n_props, sizeof(*changes));
	size_t i;

	if (!changes)
		return err_nomem(err);
	for (i = 0; i < e->n_props; i++)
		changes[i].prop = e->props[i];
	return mem_props_change(NULL, changes, e->n_props, out, err);
}

static enum err_code
make_new(struct applying *w, const struct edit *e, struct draft_node **out,
    struct err *err)
{
	struct mem_props *set CLEANUP(draft_props_done) = NULL;
	struct resource res;
	struct draft_node *n;
	enum err_code rc = own_props(e, &w->a, &set, err);

	if (!rc && e->kind == EDIT_FILE)
		rc = upload_settle(e->file, &res, err);
	if (rc)
		return rc;
	if (e->kind == EDIT_FILE)
		return draft_node_file(
		    w->d, draft_upload_staged(e->file), set, out, err);
	n = draft_node_new();
	if (!n)
		return err_nomem(err);
	draft_node_name(w->d, n, true);
	draft_node_set_props(w->d, n, set);
	set = NULL;
	*out = n;
	return ERR_OK;
}

static enum err_code
check_free(struct applying *w, const struct edit *e, const struct draft_spot *s,
    struct err *err)
{
	struct draft_spot dir;
	enum err_code rc;

	if (s->mapped && (e->kind != EDIT_FILE || s->res.collection))
		return err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(e->to.s));
	rc = draft_look(w->d, &w->a, rpath_parent(e->to), &dir, err);
	if (!rc && !(dir.mapped && dir.res.collection))
		return err_set(err, ERR_NO_PARENT, "no collection for '%.*s'",
		    STR_ARG(e->to.s));
	return rc;
}

static enum err_code
put_in_place(struct applying *w, size_t i, struct err *err)
{
	struct draft *d = w->d;
	struct draft_loose loose CLEANUP(draft_loose_done) = { .d = d };
	struct draft_place p CLEANUP(draft_place_done) = { .d = d };
	struct edit *e = &w->edits[i];
	struct draft_spot s;
	enum err_code rc = draft_look(d, &w->a, e->to, &s, err);

	if (!rc)
		rc = check_free(w, e, &s, err);
	if (!rc && e->kind != EDIT_MOVE)
		rc = make_new(w, e, &loose.node, err);
	if (!rc && e->kind == EDIT_MOVE)
		loose.node = draft_node_ref(w->taken[i]);
	if (!rc)
		rc = draft_place_make(d, &s, &p, err);
	if (!rc)
		rc = draft_node_stat(d, loose.node, &e->made, err);
	if (rc)
		return rc;
	e->created = !s.mapped;
	note(w, &p);
	draft_place_put(&p, loose.node);
	loose.node = NULL;
	return ERR_OK;
}

static enum err_code
put_props(struct applying *w, struct edit *e, struct err *err)
{
	struct draft *d = w->d;
	struct mem_props *set CLEANUP(draft_props_done) = NULL;
	struct draft_node *n;
	struct draft_spot s;
	enum err_code rc = draft_look(d, &w->a, e->to, &s, err);

	if (!rc && !s.mapped)
		return err_set(err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(e->to.s));
	if (!rc)
		rc = own_props(e, &w->a, &set, err);
	if (!rc)
		rc = draft_place_node(d, &s, &n, err);
	if (rc)
		return rc;
	w->props[w->n_props++] = (struct undo_props){ draft_node_ref(n),
		n->own_props, mem_props_ref(n->props) };
	if (n->through)
		n->res = s.res;
	draft_node_set_props(d, n, set);
	set = NULL;
	e->made = s.res;
	e->made.has_props = n->props != NULL;
	return ERR_OK;
}

/* ---- locks and records */

static bool
something_comes(const struct applying *w, struct rpath path)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (brings(&w->edits[i]) && rpath_eq(w->edits[i].to, path))
			return true;
	return false;
}

static enum err_code
prepare(struct applying *w, size_t i, struct err *err)
{
	const struct edit *e = &w->edits[i];
	bool record = e->kind == EDIT_RECORD;
	enum err_code rc = draft_record_new(w->d, e->record,
	    takes(e) && !brings(e) ? e->path : e->to, &w->records[i], err);

	if (!rc && record) {
		buf_put(&w->records[i]->result, e->result);
		if (buf_failed(&w->records[i]->result))
			rc = err_nomem(err);
	}
	if (!rc && (takes(e) || e->kind == EDIT_UNLOCK))
		rc = draft_drop_new(w->d, e->path,
		    e->kind == EDIT_UNLOCK || !something_comes(w, e->path),
		    &w->drops[i], err);
	return rc;
}

enum err_code
draft_op_apply(struct store *s, struct store_claim *c, struct edit *edits,
    size_t n, struct err *err)
{
	struct applying w CLEANUP(applying_done) = {
		.d = draft_of(s),
		.edits = edits,
		.n = n,
	};
	enum err_code rc = make_room(&w, err);
	size_t i;

	assert(c->store == s);
	(void)c;
	for (i = 0; !rc && i < n; i++)
		rc = prepare(&w, i, err);
	if (!rc)
		find_order(&w);
	for (i = 0; !rc && i < w.n_taken; i++)
		rc = take_away(&w, w.order[i], err);
	for (i = 0; !rc && i < n; i++)
		if (brings(&edits[i]))
			rc = put_in_place(&w, i, err);
	for (i = 0; !rc && i < n; i++)
		if (edits[i].kind == EDIT_PROPS)
			rc = put_props(&w, &edits[i], err);
	if (!rc)
		settle(&w);
	return rc;
}
