/* SPDX-License-Identifier: MIT */
/*
 * The memory store: claims, and changes made at once.  All that an apply needs
 * memory for is made before the tree is touched, or can be taken back.
 */
#include <stdlib.h>

#include "store/mem_impl.h"

enum err_code
mem_resolve(struct store *s, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err)
{
	(void)s; /* there are no links */
	return arena_str(a, path.s, &out->s) ? ERR_OK : err_nomem(err);
}

/* ---- claims */

struct mem_claim {
	struct store_claim base;
	struct mem_claim *next;
	struct rpath root; /* in bytes */
	char bytes[];
};

static bool
is_claimed(const struct mem_store *m, struct rpath path, bool tree)
{
	const struct mem_claim *c;

	for (c = m->claims; c; c = c->next)
		if (rpath_covers(c->root, path) ||
		    (tree && rpath_covers(path, c->root)))
			return true;
	return false;
}

struct mem_store *
mem_enter_change(struct store *s, struct rpath path, bool tree)
{
	struct mem_store *m = mem_enter(s);

	while (is_claimed(m, path, tree))
		(void)pthread_cond_wait(&m->unclaimed, &m->mutex);
	return m;
}

struct mem_store *
mem_enter_changes(struct store *s, struct rpath one, struct rpath other)
{
	struct mem_store *m = mem_enter(s);

	while (is_claimed(m, one, true) || is_claimed(m, other, true))
		(void)pthread_cond_wait(&m->unclaimed, &m->mutex);
	return m;
}

enum err_code
mem_claim(struct store *s, struct rpath root, struct store_claim **out,
    struct err *err)
{
	struct mem_claim *c = calloc(1, sizeof(*c) + root.s.len);
	struct mem_store *m;

	if (!c)
		return err_nomem(err);
	memcpy(c->bytes, root.s.ptr, root.s.len);
	c->root.s = str_of(c->bytes, root.s.len);
	c->base.store = s;
	m = mem_enter_change(s, root, true);
	c->next = m->claims;
	m->claims = c;
	mem_leave(m);
	*out = &c->base;
	return ERR_OK;
}

void
mem_claim_end(struct store *s, struct store_claim *base)
{
	struct mem_claim *c = CONTAINER_OF(base, struct mem_claim, base);
	struct mem_store *m = mem_enter(s);
	struct mem_claim **at = &m->claims;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	(void)pthread_cond_broadcast(&m->unclaimed);
	mem_leave(m);
	free(c);
}

/* ---- staged files */

static enum err_code
settle(struct mem_store *m, struct mem_upload *u, struct err *err)
{
	struct mem_node *n;
	struct mem_blob *blob;
	enum err_code rc = mem_tree_spare(&m->tree, false, &n, err);

	if (rc)
		return rc;
	rc = mem_upload_blob(u, &blob, err);
	if (rc) {
		mem_tree_drop(&m->tree, n);
		return rc;
	}
	mem_set_bytes(m, n, blob);
	mem_blob_unref(blob);
	if (u->spec.has_modified)
		n->res.modified = u->spec.modified;
	u->node = n;
	return ERR_OK;
}

static enum err_code
staged_settle(struct upload *base, struct resource *out, struct err *err)
{
	struct mem_upload *u = CONTAINER_OF(base, struct mem_upload, base);
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(&u->m->base);
	enum err_code rc = u->node ? ERR_OK : settle(m, u, err);

	if (!rc && out)
		*out = mem_node_stat(u->node);
	return rc;
}

static enum err_code
staged_open(struct upload *base, struct content **out, struct err *err)
{
	struct mem_upload *u = CONTAINER_OF(base, struct mem_upload, base);
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(&u->m->base);

	assert(u->node);
	return mem_content_new(m, u->node, out, err);
}

static enum err_code
staged_commit(struct upload *u, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	(void)u;
	(void)g;
	(void)b;
	(void)out;
	(void)created;
	return err_set(err, ERR_NOT_IMPLEMENTED, "it was staged");
}

static void
staged_free(struct upload *base)
{
	struct mem_upload *u = CONTAINER_OF(base, struct mem_upload, base);
	struct mem_store *m = mem_enter(&u->m->base);

	if (u->node)
		mem_tree_drop(&m->tree, u->node);
	mem_leave(m);
	buf_done(&u->bytes);
	free(u);
}

static const struct upload_ops staged_ops = {
	.commit = staged_commit,
	.settle = staged_settle,
	.open = staged_open,
	.free = staged_free,
};

enum err_code
mem_stage(struct store *s, struct rpath near, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	struct mem_node *now;
	struct mem_upload *u;
	enum err_code rc = mem_tree_find(&m->tree, near, &now, err);

	if (rc)
		return rc;
	u = calloc(1, sizeof(*u));
	if (!u)
		return err_nomem(err);
	u->m = m;
	u->spec = *spec;
	upload_init(
	    &u->base, &staged_ops, buf_ostream_init(&u->stream, &u->bytes));
	*out = &u->base;
	return ERR_OK;
}

/* ---- apply */

struct step {
	struct edit *edit;
	struct mem_node *node;
	struct mem_node *from; /* the collection it was taken from */
	struct mem_node *over; /* the file that gave way to it */
	char *name; /* its next; once it is there, the one it had */
	struct mem_props *props;
	struct mem_record *record;
	bool attached;
	bool existed; /* something was mapped at `to` */
};

struct applying {
	struct mem_store *m;
	struct step *steps;
	size_t n;
};

static struct mem_upload *
staged_of(const struct edit *e)
{
	struct mem_upload *u = CONTAINER_OF(e->file, struct mem_upload, base);

	assert(e->file->ops == &staged_ops);
	return u;
}

static bool
makes(const struct edit *e)
{
	return e->kind == EDIT_MKCOL || e->kind == EDIT_FILE;
}

static bool
takes(const struct edit *e)
{
	return e->kind == EDIT_REMOVE || e->kind == EDIT_MOVE;
}

static enum err_code
make_props(struct step *s, struct err *err)
{
	const struct edit *e = s->edit;
	struct prop_change *changes;
	enum err_code rc;
	size_t i;

	if (!e->n_props)
		return ERR_OK;
	changes = calloc(e->n_props, sizeof(*changes));
	if (!changes)
		return err_nomem(err);
	for (i = 0; i < e->n_props; i++)
		changes[i].prop = e->props[i];
	rc = mem_props_change(NULL, changes, e->n_props, &s->props, err);
	free(changes);
	return rc;
}

static enum err_code
find_node(struct mem_store *m, struct step *s, struct err *err)
{
	struct edit *e = s->edit;

	switch (e->kind) {
	case EDIT_REMOVE:
	case EDIT_MOVE:
		if (rpath_is_root(e->path))
			return err_set(err, ERR_FORBIDDEN, "'/' stays");
		return mem_tree_find(&m->tree, e->path, &s->node, err);
	case EDIT_MKCOL:
		return mem_tree_spare(&m->tree, true, &s->node, err);
	case EDIT_FILE:
		if (!staged_of(e)->node) {
			enum err_code rc = settle(m, staged_of(e), err);

			if (rc)
				return rc;
		}
		s->node = staged_of(e)->node;
		return ERR_OK;
	case EDIT_PROPS:
	case EDIT_UNLOCK:
	case EDIT_RECORD:
		return ERR_OK;
	}
	return ERR_OK;
}

static enum err_code
make_record(struct step *s, struct err *err)
{
	const struct edit *e = s->edit;
	bool gone = e->kind == EDIT_REMOVE || e->kind == EDIT_UNLOCK;
	enum err_code rc =
	    mem_record_new(e->record, gone ? e->path : e->to, &s->record, err);

	if (rc || !s->record || e->kind != EDIT_RECORD)
		return rc;
	return mem_record_set_result(s->record, e->result, err);
}

/* All that needs memory, but for room in collections. */
static enum err_code
prepare(struct mem_store *m, struct step *s, struct err *err)
{
	const struct edit *e = s->edit;
	bool comes = makes(e) || e->kind == EDIT_MOVE;
	struct mem_node *now;
	enum err_code rc = find_node(m, s, err);

	if (!rc && (makes(e) || e->kind == EDIT_PROPS))
		rc = make_props(s, err);
	if (!rc)
		rc = make_record(s, err);
	if (rc || !comes)
		return rc;
	s->existed = !mem_tree_find(&m->tree, e->to, &now, NULL);
	s->name = strndup(rpath_name(e->to).ptr, rpath_name(e->to).len);
	return s->name ? ERR_OK : err_nomem(err);
}

static enum err_code
attach(struct mem_store *m, struct step *s, struct err *err)
{
	const struct edit *e = s->edit;
	struct mem_node *now;
	enum err_code rc;

	if (e->kind == EDIT_FILE &&
	    !mem_tree_find(&m->tree, e->to, &now, NULL) &&
	    !now->res.collection && now->parent) {
		s->over = now;
		s->from = now->parent;
		mem_tree_detach(now);
	}
	rc = mem_tree_attach(&m->tree, s->node, e->to, &s->name, err);
	s->attached = !rc;
	return rc;
}

static enum err_code
attach_all(struct applying *a, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < a->n; i++) {
		const struct edit *e = a->steps[i].edit;

		if (makes(e) || e->kind == EDIT_MOVE)
			rc = attach(a->m, &a->steps[i], err);
	}
	/* Where they are now. */
	for (i = 0; !rc && i < a->n; i++)
		if (a->steps[i].edit->kind == EDIT_PROPS)
			rc = mem_tree_find(&a->m->tree, a->steps[i].edit->to,
			    &a->steps[i].node, err);
	return rc;
}

static void
take_back(struct applying *a)
{
	size_t i;

	for (i = a->n; i-- > 0;) {
		struct step *s = &a->steps[i];

		if (s->attached) {
			char *was = s->name;

			mem_tree_detach(s->node);
			s->name = s->node->name;
			s->node->name = was;
		}
		if (s->over)
			mem_tree_reattach(s->from, s->over);
		if (s->over || !takes(s->edit))
			s->from = NULL;
		s->attached = false;
		s->over = NULL;
	}
	for (i = a->n; i-- > 0;)
		if (a->steps[i].from)
			mem_tree_reattach(a->steps[i].from, a->steps[i].node);
}

/* Whether something comes to where this went from. */
static bool
is_followed(const struct applying *a, struct rpath path)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		const struct edit *e = a->steps[i].edit;

		if ((makes(e) || e->kind == EDIT_MOVE) && rpath_eq(e->to, path))
			return true;
	}
	return false;
}

static void
set_props(struct step *s)
{
	mem_props_unref(s->node->props);
	s->node->props = s->props;
	s->props = NULL;
}

static void
finish_one(struct applying *a, struct step *s)
{
	struct mem_store *m = a->m;
	const struct edit *e = s->edit;

	if (takes(e))
		mem_locks_drop(&m->locks, e->path, !is_followed(a, e->path));
	if (e->kind == EDIT_UNLOCK)
		mem_locks_drop(&m->locks, e->path, true);
	if (makes(e) || e->kind == EDIT_PROPS)
		set_props(s);
	if (e->kind == EDIT_FILE)
		staged_of(e)->node = NULL;
	if (s->attached)
		mem_tree_touch(&m->tree, s->node->parent);
	if (s->from)
		mem_tree_touch(&m->tree, s->from);
}

static void
remember_one(struct applying *a, struct step *s)
{
	struct edit *e = s->edit;
	bool created = (makes(e) || e->kind == EDIT_MOVE) && !s->existed;

	if (s->node && e->kind != EDIT_REMOVE)
		e->made = mem_node_stat(s->node);
	if (e->kind == EDIT_RECORD)
		created = e->created;
	mem_record_keep(&a->m->records, &s->record, created, &e->made);
}

/* Nothing can fail any more. */
static void
finish(struct applying *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		finish_one(a, &a->steps[i]);
	for (i = 0; i < a->n; i++)
		remember_one(a, &a->steps[i]);
	for (i = 0; i < a->n; i++) {
		struct step *s = &a->steps[i];

		if (s->edit->kind == EDIT_REMOVE)
			mem_tree_drop(&a->m->tree, s->node);
		if (s->over)
			mem_tree_drop(&a->m->tree, s->over);
	}
}

static void
release(struct applying *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		struct step *s = &a->steps[i];

		if (s->edit->kind == EDIT_MKCOL && s->node && !s->attached)
			mem_tree_drop(&a->m->tree, s->node);
		mem_props_unref(s->props);
		mem_record_done(&s->record);
		free(s->name);
	}
	free(a->steps);
}

static enum err_code
apply(struct applying *a, struct edit *edits, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < a->n; i++)
		rc = prepare(a->m, &a->steps[i], err);
	if (rc)
		return rc;
	for (i = 0; i < a->n; i++) {
		struct step *s = &a->steps[i];

		if (!takes(&edits[i]))
			continue;
		s->from = s->node->parent;
		mem_tree_detach(s->node);
	}
	rc = attach_all(a, err);
	if (rc)
		take_back(a);
	else
		finish(a);
	return rc;
}

enum err_code
mem_apply(struct store *s, struct store_claim *c, struct edit *edits, size_t n,
    struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	struct applying a = { .m = m, .n = n };
	enum err_code rc;
	size_t i;

	assert(c->store == s);
	(void)c;
	a.steps = calloc(n, sizeof(*a.steps));
	if (!a.steps)
		return err_nomem(err);
	for (i = 0; i < n; i++)
		a.steps[i].edit = &edits[i];
	rc = apply(&a, edits, err);
	release(&a);
	return rc;
}
