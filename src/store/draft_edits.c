/* SPDX-License-Identifier: MIT */
/*
 * The edits that a draft comes to.  What of the base hangs where the base does
 * not have it was moved; what the base has in a slot, and hangs nowhere, has
 * gone; the rest is new.
 */
#include <stdlib.h>

#include "store/draft_impl.h"

struct finding {
	struct draft *d;
	struct arena *a;
	struct edit *edits;
	size_t n, cap;
	struct rpath *moved; /* where in the base, in order */
	size_t n_moved, cap_moved;
	struct buf path; /* of the slot that is looked at */
};

/* Twice as large as it was. */
static void *
more(struct arena *a, const void *old, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 32;
	void *new = arena_array(a, want, size);

	if (!new)
		return NULL;
	if (n)
		memcpy(new, old, n * size);
	*cap = want;
	return new;
}

static enum err_code
add(struct finding *f, const struct edit *e)
{
	if (f->n == f->cap) {
		struct edit *edits =
		    more(f->a, f->edits, f->n, &f->cap, sizeof(*edits));

		if (!edits)
			return ERR_NOMEM;
		f->edits = edits;
	}
	f->edits[f->n++] = *e;
	return ERR_OK;
}

/* ---- one slot after the other, a collection before its members */

static struct draft_slot *
next_slot(struct finding *f, struct draft_slot *s)
{
	struct draft_node *root = f->d->root;
	struct draft_slot *next;

	if (!s)
		next = root->first;
	else if (s->node && s->node->first)
		next = s->node->first;
	else {
		for (; s && !s->next; s = s->dir->slot)
			rpath_pop(&f->path, str_rfind(buf_str(&f->path), '/'));
		if (!s)
			return NULL;
		rpath_pop(&f->path, str_rfind(buf_str(&f->path), '/'));
		next = s->next;
	}
	if (next)
		(void)rpath_push(&f->path, str_of(next->name, next->len));
	return next;
}

static enum err_code
for_each_slot(struct finding *f,
    enum err_code (*fn)(struct finding *f, struct draft_slot *s))
{
	struct draft_slot *s = NULL;
	enum err_code rc = ERR_OK;

	buf_clear(&f->path);
	while (!rc && (s = next_slot(f, s)))
		rc = buf_failed(&f->path) ? ERR_NOMEM : fn(f, s);
	return rc;
}

static enum err_code
here(struct finding *f, struct rpath *out)
{
	return arena_str(f->a, buf_str(&f->path), &out->s) ? ERR_OK : ERR_NOMEM;
}

/* ---- what was moved */

static enum err_code
note_moved(struct finding *f, struct draft_slot *s)
{
	const struct draft_node *n = s->node;

	if (!n || !n->through || draft_node_is_natural(n))
		return ERR_OK;
	if (f->n_moved == f->cap_moved) {
		struct rpath *moved = more(
		    f->a, f->moved, f->n_moved, &f->cap_moved, sizeof(*moved));

		if (!moved)
			return ERR_NOMEM;
		f->moved = moved;
	}
	f->moved[f->n_moved++] = n->base;
	return ERR_OK;
}

static int
by_path(const void *a, const void *b)
{
	const struct rpath *x = a;
	const struct rpath *y = b;

	return str_cmp(x->s, y->s);
}

static bool
was_moved(const struct finding *f, struct rpath base)
{
	return f->n_moved &&
	    bsearch(&base, f->moved, f->n_moved, sizeof(*f->moved), by_path);
}

/* ---- what has gone */

/* A file comes in the place of a file without that. */
static bool
is_replaced(const struct draft_slot *s)
{
	return s->node && !s->node->through && !s->node->res.collection &&
	    !s->hides_collection;
}

static enum err_code
find_gone(struct finding *f, struct draft_slot *s)
{
	struct edit e = { .kind = EDIT_REMOVE };
	enum err_code rc;

	if (!s->hides || (s->node && draft_node_is_natural(s->node)) ||
	    !s->dir->base.s.len)
		return ERR_OK;
	rc = rpath_join(
	    f->a, s->dir->base, str_of(s->name, s->len), &e.path, NULL);
	if (rc || is_replaced(s) || was_moved(f, e.path))
		return rc;
	return add(f, &e);
}

/* ---- what has come */

static enum err_code
list_props(struct finding *f, const struct draft_node *n, struct edit *e)
{
	return mem_props_list(n->props, f->a, &e->props, &e->n_props, NULL);
}

static enum err_code
find_props(struct finding *f, const struct draft_node *n, struct rpath to)
{
	struct edit e = { .kind = EDIT_PROPS, .to = to };
	enum err_code rc;

	if (!n->own_props)
		return ERR_OK;
	rc = list_props(f, n, &e);
	return rc ? rc : add(f, &e);
}

static enum err_code
find_new(struct finding *f, const struct draft_node *n, struct rpath to)
{
	struct edit e = {
		.kind = n->res.collection ? EDIT_MKCOL : EDIT_FILE,
		.to = to,
		.file = n->file ? n->file->inner : NULL,
	};
	enum err_code rc = list_props(f, n, &e);

	return rc ? rc : add(f, &e);
}

static enum err_code
find_come(struct finding *f, struct draft_slot *s)
{
	const struct draft_node *n = s->node;
	struct edit e = { .kind = EDIT_MOVE };
	enum err_code rc;

	if (!n || (n->through && !n->own_props && draft_node_is_natural(n)))
		return ERR_OK;
	rc = here(f, &e.to);
	if (rc)
		return rc;
	if (!n->through)
		return find_new(f, n, e.to);
	e.path = n->base;
	if (!draft_node_is_natural(n))
		rc = add(f, &e);
	return rc ? rc : find_props(f, n, e.to);
}

/* ---- what else is to be known */

static enum err_code
find_unlocked(struct finding *f)
{
	const struct draft_drop *drop;
	enum err_code rc = ERR_OK;

	for (drop = f->d->drops; drop && !rc; drop = drop->next) {
		const struct edit e = {
			.kind = EDIT_UNLOCK,
			.path = draft_drop_path(drop),
		};

		/* Those below what was replaced go with that anyway. */
		if (drop->with_root)
			rc = add(f, &e);
	}
	return rc;
}

static enum err_code
find_records(struct finding *f)
{
	const struct draft_record *r;
	enum err_code rc = ERR_OK;

	for (r = f->d->records; r && !rc; r = r->next) {
		const struct edit e = {
			.kind = EDIT_RECORD,
			.to = r->path,
			.record = &r->record,
			.created = r->created,
			.result = buf_str(&r->result),
			.made = r->made,
		};

		rc = add(f, &e);
	}
	return rc;
}

enum err_code
draft_edits(struct draft *d, struct arena *a, struct edit **out, size_t *n,
    struct err *err)
{
	struct finding f = { .d = d, .a = a };
	enum err_code rc = for_each_slot(&f, note_moved);

	if (f.n_moved)
		qsort(f.moved, f.n_moved, sizeof(*f.moved), by_path);
	if (!rc)
		rc = find_unlocked(&f);
	if (!rc)
		rc = for_each_slot(&f, find_gone);
	if (!rc)
		rc = find_props(&f, d->root, RPATH_ROOT);
	if (!rc)
		rc = for_each_slot(&f, find_come);
	if (!rc)
		rc = find_records(&f);
	buf_done(&f.path);
	if (rc)
		return err_nomem(err); /* nothing else can go wrong */
	*out = f.edits;
	*n = f.n;
	return ERR_OK;
}
