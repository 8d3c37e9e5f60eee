/* SPDX-License-Identifier: MIT */
#include "dav/tree.h"

#include "dav/portion.h"

enum err_code
halt(struct halt *h, enum err_code rc, const struct err *why)
{
	h->set = true;
	if (!h->err)
		return rc;
	*h->err = why ? *why : (struct err){ .code = rc };
	h->err->code = rc;
	return rc;
}

enum err_code
walk_tree(const struct op *op, struct rpath root, const struct walk *w,
    struct halt *h)
{
	struct err why = { 0 };
	enum err_code rc = store_walk(op->store, root, w, &why);

	if (rc && !h->set && h->err) {
		*h->err = why;
		h->err->code = rc;
	}
	return rc;
}

bool
kept_note(struct kept *k, struct rpath path)
{
	buf_clear(&k->path);
	buf_put(&k->path, path.s);
	return buf_failed(&k->path) == ERR_OK;
}

bool
kept_is_below(const struct kept *k, struct rpath collection)
{
	struct rpath last = { buf_str(&k->path) };

	return last.s.len && rpath_is_ancestor(collection, last);
}

void
kept_done(struct kept *k)
{
	buf_done(&k->path);
}

enum err_code
put_failed(struct sink *out, struct rpath path, bool collection,
    enum err_code why, const struct err *details)
{
	struct outcome o = outcome_failed(path, collection, why, details);

	return sink_put(out, &o);
}

struct removing {
	const struct tree_removal *spec;
	struct halt halt;
	bool in_parts; /* files of a collection go together */
	struct portions parts;
	struct kept kept;
	struct buf locked; /* the collection named last for all that is in it */
	bool removed; /* something is gone */
};

/*
 * Finds the collection in this tree whose lock keeps the member itself, and so
 * keeps all that is in it: the uppermost of them, into the arena; else the
 * empty path.  A lock of its parent alone protects the name of the member, not
 * what is below it.
 */
static enum err_code
locked_above(const struct removing *r, const struct member *m, struct arena *a,
    struct rpath *out)
{
	const struct op *op = r->spec->op;
	const struct guard g = op_tokens(op);
	const struct lock *locks;
	size_t n, i;
	enum err_code rc;

	*out = (struct rpath){ { 0 } };
	if (store_allows(op->store, m->path, TOUCH_CONTENT, &g, NULL) !=
	    ERR_LOCKED)
		return ERR_OK;
	rc = store_locks(op->store, m->path, a, &locks, &n, NULL);
	for (i = 0; !rc && i < n; i++) {
		struct rpath root = locks[i].root;

		if (!rpath_covers(r->spec->root, root) ||
		    !rpath_is_ancestor(root, m->path) ||
		    (out->s.len && rpath_covers(*out, root)))
			continue;
		/* Others may hold one there, and we another. */
		if (store_allows(op->store, root, TOUCH_CONTENT, &g, NULL) ==
		    ERR_LOCKED)
			*out = root;
	}
	return rc;
}

/*
 * Names the collection once for all its members.  They come one after the
 * other, so that it is enough to know the last.
 */
static enum err_code
name_locked(struct removing *r, struct rpath collection, enum err_code why,
    const struct err *details)
{
	if (str_eq(buf_str(&r->locked), collection.s))
		return ERR_OK;
	buf_clear(&r->locked);
	buf_put(&r->locked, collection.s);
	if (buf_failed(&r->locked))
		return ERR_NOMEM;
	return put_failed(r->spec->out, collection, true, why, details);
}

/* Notes that m stays, and so do its ancestors, and reports it. */
static enum err_code
keep(struct removing *r, const struct member *m, enum err_code rc,
    const struct err *why)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct rpath above = { { 0 } };

	if (err_stops(rc))
		return halt(&r->halt, rc, why);
	if (r->spec->root_is_request && !r->removed &&
	    rpath_eq(m->path, r->spec->root))
		return halt(&r->halt, rc, why);
	if (!kept_note(&r->kept, m->path))
		return halt(&r->halt, ERR_NOMEM, NULL);
	if (rc == ERR_LOCKED && locked_above(r, m, &a, &above) == ERR_NOMEM)
		return halt(&r->halt, ERR_NOMEM, NULL);
	rc = above.s.len
	    ? name_locked(r, above, rc, why)
	    : put_failed(r->spec->out, m->path, m->res.collection, rc, why);
	return rc ? halt(&r->halt, rc, NULL) : ERR_OK;
}

/* Removes m by itself, when all that was met before has been told. */
static enum err_code
remove_alone(struct removing *r, const struct member *m)
{
	const struct tree_removal *spec = r->spec;
	struct guard tokens = op_tokens(spec->op);
	bool root = rpath_eq(m->path, spec->root);
	bool alone = !m->res.collection && root;
	struct err why = { 0 };
	enum err_code rc;

	/*
	 * An ancestor of a kept member stays, and is not reported: its 424
	 * would tell the client nothing (RFC 4918 s9.6.1).
	 */
	if (kept_is_below(&r->kept, m->path))
		return ERR_OK;

	if (root && spec->guard) /* the last step is when it is done */
		tokens.record = spec->guard->record;
	rc = op_may(spec->op, ACCESS_REMOVE, m->path, &why);
	if (!rc)
		rc = store_remove(spec->op->store, m->path,
		    alone && spec->guard ? spec->guard : &tokens,
		    spec->op->batch, &why);
	if (rc == ERR_OK || rc == ERR_NOT_FOUND) { /* gone is gone */
		r->removed = true;
		return ERR_OK;
	}
	/* It could not be emptied because it could not be listed. */
	if (rc == ERR_NOT_EMPTY && m->failed)
		return keep(r, m, m->failed, m->err);
	return keep(r, m, rc, &why);
}

/* ---- portions: a collection goes with the files that it was left with */

/*
 * The collection may yet have what others remove at this moment, or what must
 * stay: then it is tried once more, in its turn.
 */
static void
run_removal(void *arg, struct portion *p, const struct member_files *m)
{
	const struct removing *r = arg;
	const struct op *op = r->spec->op;
	const struct guard tokens = op_tokens(op);

	if (p->n)
		p->rc = store_remove_members(op->store, m,
		    p->itself ? &p->done_itself : NULL, &tokens, op->batch);
}

static enum err_code
end_removal(void *arg, struct portion *p)
{
	struct removing *r = arg;
	struct member m = { .path = p->in, .res.collection = true };
	const struct portion_failure *f;
	size_t failed = 0;
	enum err_code rc = ERR_OK;

	if (p->rc)
		return halt(&r->halt, p->rc, NULL);
	for (f = p->failed; !rc && f; f = f->next) {
		struct member file = { .path = { { 0 } } };
		struct err why = { 0 };

		if (f->rc == ERR_NOT_FOUND)
			continue;
		failed++;
		rc = portion_path(p, f->i, &file.path, &why);
		rc = rc ? halt(&r->halt, rc, &why)
			: keep(r, &file, f->rc, &f->why);
	}
	r->removed = r->removed || p->done_itself || failed < p->n;
	if (rc || !p->itself || p->done_itself)
		return rc;
	return remove_alone(r, &m);
}

static const struct portion_ops removal_ops = {
	.run = run_removal,
	.end = end_removal,
};

static enum err_code
halted(struct removing *r, enum err_code rc)
{
	return rc && !r->halt.set ? halt(&r->halt, rc, NULL) : rc;
}

static enum err_code
remove_one(void *arg, const struct member *m, bool *prune)
{
	struct removing *r = arg;
	enum err_code rc;

	(void)prune;
	if (r->in_parts && !m->failed && !rpath_eq(m->path, r->spec->root) &&
	    !op_may(r->spec->op, ACCESS_REMOVE, m->path, NULL))
		return halted(r,
		    m->res.collection
			? portions_leave(&r->parts, m->path)
			: portions_add(&r->parts, m->path, false));
	rc = halted(r, portions_drain(&r->parts));
	return rc ? rc : remove_alone(r, m);
}

enum err_code
tree_remove(const struct tree_removal *spec, struct err *err)
{
	struct err why = { 0 };
	struct removing r = {
		.spec = spec,
		.halt = { .err = &why },
		.in_parts = store_helpers(spec->op->store) != NULL,
	};
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = WALK_UP,
		.kinds_only = true,
		.visit = remove_one,
		.arg = &r,
	};
	enum err_code rc;

	portions_init(&r.parts, spec->op, &removal_ops, &r);
	rc = walk_tree(spec->op, spec->root, &walk, &r.halt);
	if (!rc)
		rc = halted(&r, portions_drain(&r.parts));
	portions_done(&r.parts);
	kept_done(&r.kept);
	buf_done(&r.locked);
	if (rc == ERR_OK)
		return ERR_OK;
	if (!r.halt.set && !spec->root_is_request && !err_stops(rc))
		return rc == ERR_NOT_FOUND
		    ? ERR_OK
		    : put_failed(spec->out, spec->root, false, rc, &why);
	if (err)
		*err = why;
	return rc;
}
