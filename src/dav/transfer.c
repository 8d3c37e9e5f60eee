/* SPDX-License-Identifier: MIT */
#include "dav/transfer.h"

enum err_code
transfer_check(const struct op *op, const struct transfer *t, struct err *err)
{
	enum err_code rc;

	/*
	 * Copied into itself a tree never ends; put in the place of its own
	 * parent it would be removed before it is read.
	 */
	if (rpath_covers(t->from, t->to) || rpath_covers(t->to, t->from))
		return err_tell(err, ERR_SELF,
		    "one of source and destination contains the other");
	rc = op_may(op, ACCESS_READ, t->from, err);
	if (!rc)
		rc = op_may(op, ACCESS_WRITE, t->to, err);
	/* What stands at the destination may have to go. */
	if (!rc && t->overwrite)
		rc = op_may_tree(op, ACCESS_REMOVE, t->to, err);
	return rc;
}

enum err_code
transfer_refused(const struct transfer *t, enum err_code rc, struct err *err)
{
	if (rc != ERR_EXISTS || t->overwrite)
		return rc;
	return err_tell(err, ERR_PRECONDITION,
	    "the destination exists, and Overwrite is F");
}

void
copying_done(struct copying *c)
{
	arena_done(&c->item);
	pathset_done(&c->left_out);
	pathset_done(&c->spared);
	pathset_done(&c->named);
}

enum err_code
copy_failed(struct copying *c, struct rpath path, bool collection,
    enum err_code why, const struct err *details)
{
	enum err_code rc;

	if (err_stops(why))
		return halt(&c->halt, why, details);
	c->failures++;
	rc = put_failed(c->out, path, collection, why, details);
	return rc ? halt(&c->halt, rc, NULL) : ERR_OK;
}

enum err_code
copy_counterpart(struct copying *c, struct rpath path, struct rpath from,
    struct rpath to, struct rpath *out)
{
	struct err why = { 0 };
	enum err_code rc;

	arena_clear(&c->item);
	rc = rpath_join(&c->item, to, rpath_below(from, path), out, &why);
	return rc ? halt(&c->halt, rc, &why) : ERR_OK;
}

/*
 * The URL of the resource that caused the failure is to be named (RFC 4918
 * s9.8.3), and the store cannot tell which of the two it was.
 */
static bool
source_is_cause(struct copying *c, const struct member *m, enum err_code why)
{
	struct content *content = NULL;
	struct resource res;
	enum err_code rc;

	if (why == ERR_LOCKED || why == ERR_MEMBER_LOCKED)
		return c->ops->is_locked && c->ops->is_locked(c, m);
	if (m->res.collection)
		rc = store_stat(c->op->store, m->path, &res, NULL);
	else
		rc = store_open(c->op->store, m->path, &content, NULL);
	content_free(content);
	return rc != ERR_OK;
}

/* A source that is gone by now has nothing to copy. */
static bool
is_gone(struct copying *c, struct rpath path)
{
	struct resource res;

	return store_stat(c->op->store, path, &res, NULL) == ERR_NOT_FOUND;
}

/*
 * A walk upwards does not go through links, and so will not see that one leads
 * to something that must be kept.
 */
static enum err_code
spare(struct copying *c, struct rpath path)
{
	struct err why = { 0 };
	enum err_code rc = ERR_OK;

	while (!rc && !rpath_eq(path, c->t->from)) {
		path = rpath_parent(path);
		rc = pathset_add(&c->spared, path, &why);
	}
	return rc ? halt(&c->halt, rc, &why) : ERR_OK;
}

/* Reports that m failed; everything below it is left out with it. */
static enum err_code
leave_out(struct copying *c, const struct member *m, struct rpath blamed,
    enum err_code why, const struct err *details)
{
	struct err full = { 0 };
	enum err_code rc;

	if (!pathset_has(&c->named, blamed)) {
		rc = copy_failed(c, blamed, m->res.collection, why, details);
		if (rc)
			return rc;
	}
	rc = m->linked ? spare(c, m->path) : ERR_OK;
	if (rc || !m->res.collection)
		return rc;
	rc = pathset_add(&c->left_out, m->path, &full);
	return rc ? halt(&c->halt, rc, &full) : ERR_OK;
}

enum err_code
copy_one(struct copying *c, const struct member *m, struct rpath to,
    bool *whole, struct err *why)
{
	const struct guard tokens = op_tokens(c->op);
	enum err_code rc;

	(void)whole;
	rc = op_may(c->op, ACCESS_READ, m->path, why);
	if (!rc)
		rc = op_may(c->op, ACCESS_WRITE, to, why);
	if (rc)
		return rc;
	return store_copy(c->op->store, m->path, to,
	    c->t->overwrite || c->again ? REPLACE_YES : REPLACE_NO, &tokens,
	    c->op->batch, NULL, NULL, why);
}

/* What became of a member that was to be at `to`. */
static enum err_code
copy_result(struct copying *c, const struct member *m, struct rpath to,
    enum err_code rc, const struct err *why)
{
	if (!rc || (rc == ERR_NOT_FOUND && is_gone(c, m->path)))
		return ERR_OK;
	if (err_stops(rc))
		return halt(&c->halt, rc, why);
	return leave_out(
	    c, m, source_is_cause(c, m, rc) ? m->path : to, rc, why);
}

static enum err_code
copy_alone(struct copying *c, const struct member *m, bool *prune)
{
	struct err why = { 0 };
	struct rpath to;
	enum err_code rc;
	bool whole = false;

	if (m->failed)
		return leave_out(c, m, m->path, m->failed, m->err);
	rc = copy_counterpart(c, m->path, c->t->from, c->t->to, &to);
	if (rc)
		return rc;
	rc = c->ops->take(c, m, to, &whole, &why);
	if (rc)
		return copy_result(c, m, to, rc, &why);
	*prune = whole;
	if (whole || m->res.collection || !c->ops->file_done)
		return ERR_OK;
	return c->ops->file_done(c, m);
}

/* ---- portions: a collection comes with the first files met in it */

static enum err_code
begin_part(void *arg, struct portion *p)
{
	struct copying *c = arg;
	struct err why = { 0 };
	enum err_code rc = rpath_join(
	    &p->arena, c->t->to, rpath_below(c->t->from, p->in), &p->to, &why);

	return rc ? halt(&c->halt, rc, &why) : ERR_OK;
}

static void
run_part(void *arg, struct portion *p, const struct member_files *m)
{
	const struct copying *c = arg;
	const struct guard tokens = op_tokens(c->op);

	p->rc = store_copy_members(c->op->store, m, p->itself, p->to,
	    c->t->overwrite || c->again ? REPLACE_YES : REPLACE_NO, &tokens,
	    c->op->batch, &p->why);
}

/* Leaves out the collections from i on that are below one that was left out. */
static enum err_code
leave_out_below(
    struct copying *c, struct portion *p, size_t i, struct rpath collection)
{
	enum err_code rc = ERR_OK;

	if (!pathset_has(&c->left_out, collection))
		return ERR_OK;
	for (; !rc && i < p->n; i++) {
		struct err why = { 0 };
		struct rpath path;

		if (!p->collections[i])
			continue;
		rc = portion_path(p, i, &path, &why);
		if (!rc && !rpath_is_ancestor(collection, path))
			break;
		if (!rc)
			rc = pathset_add(&c->left_out, path, &why);
		if (rc)
			rc = halt(&c->halt, rc, &why);
	}
	return rc;
}

static enum err_code
end_failed(struct copying *c, struct portion *p, struct portion_failure *f)
{
	struct member m = { .res.collection = p->collections[f->i] };
	struct err why = { 0 };
	struct rpath to = { { 0 } };
	enum err_code rc = portion_path(p, f->i, &m.path, &why);

	if (!rc)
		rc = rpath_join(&p->arena, p->to, p->names[f->i], &to, &why);
	if (rc)
		return halt(&c->halt, rc, &why);
	rc = copy_result(c, &m, to, f->rc, &f->why);
	return rc || !m.res.collection
	    ? rc
	    : leave_out_below(c, p, f->i + 1, m.path);
}

static enum err_code
end_part(void *arg, struct portion *p)
{
	struct copying *c = arg;
	const struct member m = { .path = p->in, .res.collection = true };
	struct portion_failure *f;
	enum err_code rc = copy_result(c, &m, p->to, p->rc, &p->why);

	if (!rc && p->rc)
		rc = leave_out_below(c, p, 0, p->in);
	for (f = p->failed; !rc && f; f = f->next)
		rc = end_failed(c, p, f);
	return rc;
}

static const struct portion_ops part_ops = {
	.begin = begin_part,
	.run = run_part,
	.end = end_part,
};

static enum err_code
halted(struct copying *c, enum err_code rc)
{
	return rc && !c->halt.set ? halt(&c->halt, rc, NULL) : rc;
}

static enum err_code
end_parts(struct copying *c)
{
	buf_clear(&c->entered);
	return c->in_parts ? halted(c, portions_drain(&c->parts)) : ERR_OK;
}

/*
 * Whether m may be taken with a portion; if not, copy_one() asks again, and
 * tells why.
 */
static bool
may_take(struct copying *c, const struct member *m)
{
	struct rpath to;

	return !op_may(c->op, ACCESS_READ, m->path, NULL) &&
	    !copy_counterpart(c, m->path, c->t->from, c->t->to, &to) &&
	    !op_may(c->op, ACCESS_WRITE, to, NULL);
}

static enum err_code
enter_part(struct copying *c, struct rpath collection, bool *prune)
{
	*prune = false;
	buf_clear(&c->entered);
	buf_put(&c->entered, collection.s);
	return halted(c,
	    buf_failed(&c->entered) ? ERR_NOMEM
				    : portions_enter(&c->parts, collection));
}

/* Whether the collection is still in a portion that has not ended. */
static bool
is_entered(const struct copying *c, struct rpath in)
{
	const struct rpath entered = { buf_str(&c->entered) };

	return entered.s.len && rpath_covers(entered, in);
}

/* So is the collection that it is in. */
static enum err_code
leave_out_rest(struct copying *c, struct portion *rest)
{
	struct err why = { 0 };
	enum err_code rc = pathset_add(&c->left_out, rest->in, &why);

	rc = rc ? halt(&c->halt, rc, &why)
		: leave_out_below(c, rest, 0, rest->in);
	portions_drop(&c->parts);
	return rc;
}

/*
 * What comes after the first members of a collection needs that to be there.
 * Where something failed it may be left out with it, which is known when all
 * before has been told.
 */
static enum err_code
bring_entered(struct copying *c, struct rpath in)
{
	bool whole = false;
	struct portion *rest = NULL;
	enum err_code rc = halted(c, portions_do(&c->parts, in, &whole, &rest));

	if (!rc && !whole)
		rc = rest ? halted(c, portions_tell(&c->parts)) : end_parts(c);
	buf_clear(&c->entered);
	if (rc || !rest)
		return rc;
	if (pathset_has(&c->left_out, rpath_parent(rest->in)))
		return leave_out_rest(c, rest);
	buf_put(&c->entered, rest->in.s);
	return buf_failed(&c->entered) ? halted(c, ERR_NOMEM) : ERR_OK;
}

static enum err_code
copy_in_parts(struct copying *c, const struct member *m, bool *prune)
{
	struct rpath in = rpath_parent(m->path);
	bool simple = !m->failed && !m->linked && may_take(c, m);
	bool collection = m->res.collection;
	enum err_code rc = ERR_OK;

	if (c->halt.set) /* no memory */
		return ERR_NOMEM;
	if (!simple)
		rc = end_parts(c);
	else if (!portions_fits(&c->parts, in, collection) && is_entered(c, in))
		rc = bring_entered(c, in);
	if (!rc && simple && portions_fits(&c->parts, in, collection)) {
		*prune = false;
		return halted(c, portions_add(&c->parts, m->path, collection));
	}
	if (rc || pathset_has(&c->left_out, in))
		return rc;
	if (!simple)
		return copy_alone(c, m, prune);
	if (!collection)
		return halted(c, portions_add(&c->parts, m->path, false));
	return enter_part(c, m->path, prune);
}

static enum err_code
copy_member(struct copying *c, const struct member *m, bool *prune)
{
	*prune = true; /* but for what is copied */
	if (c->called_off)
		return ERR_OK;
	return c->in_parts ? copy_in_parts(c, m, prune)
			   : copy_alone(c, m, prune);
}

bool
transfer_goes_on(const struct op *op, const struct transfer *t)
{
	struct resource from, to;
	bool gone;

	if (!t->begun || store_stat(op->store, t->to, &to, NULL))
		return false;
	gone = store_stat(op->store, t->from, &from, NULL) == ERR_NOT_FOUND;
	return to.collection ? gone || from.collection
			     : str_eq(resource_etag(&to), t->begun->etag);
}

/*
 * The guard of the root.  A change of many steps is remembered as begun with
 * the first.  Where an earlier try goes on, its conditions held when it began,
 * and what it did may speak against them now.
 */
static const struct guard *
root_guard(struct copying *c, const struct member *m)
{
	const struct guard *g = c->t->guard;
	struct resource res;

	if (!g || (!c->again && !g->record))
		return g;
	c->root_guard = *g;
	if (c->again)
		c->root_guard.check = NULL;
	/* A MOVE first makes room, which it must not do once it has moved. */
	c->begins_late = g->record && !c->again && c->ops->root_done &&
	    m->res.collection &&
	    !store_stat(c->op->store, c->t->to, &res, NULL);
	if (c->begins_late) {
		c->root_guard.record = NULL;
	} else if (g->record && (m->res.collection || c->ops->file_done)) {
		c->record = *g->record;
		c->record.begins = true;
		c->root_guard.record = &c->record;
	}
	return &c->root_guard;
}

enum err_code
copy_begin(struct copying *c)
{
	const struct transfer *t = c->t;
	struct guard g = op_tokens(c->op);
	struct err why = { 0 };
	enum err_code rc;

	if (!c->begins_late)
		return ERR_OK;
	c->record = *t->guard->record;
	c->record.begins = true;
	g.record = &c->record;
	rc = store_copy(c->op->store, t->from, t->to, REPLACE_YES, &g,
	    c->op->batch, NULL, NULL, &why);
	return rc ? halt(&c->halt, rc, &why) : ERR_OK;
}

/*
 * The transfer is done even where that cannot be remembered: it would be done
 * again then.
 */
void
copy_remember(const struct copying *c, struct store_batch *b)
{
	const struct guard *g = c->t->guard;

	if (g && g->record && (c->record.begins || c->again) && !c->failures)
		(void)!store_remember(
		    c->op->store, g->record, (struct str){ 0 }, b, NULL);
}

static enum err_code
copy_root(struct copying *c, const struct member *m)
{
	const struct transfer *t = c->t;
	struct err why = { 0 };
	enum err_code rc;

	if (m->failed && !c->started) /* nothing has been done yet */
		return halt(&c->halt, m->failed, m->err);
	if (m->failed) {
		rc = end_parts(c);
		return rc ? rc : leave_out(c, m, m->path, m->failed, m->err);
	}
	rc = store_copy(c->op->store, t->from, t->to,
	    t->overwrite || c->again ? REPLACE_YES : REPLACE_NO,
	    root_guard(c, m), c->op->batch, NULL, &c->created, &why);
	rc = transfer_refused(t, rc, &why);
	if (rc)
		return halt(&c->halt, rc, &why);
	c->started = true;
	if (c->again)
		c->created = t->begun->created;
	c->collection = m->res.collection;
	if (m->res.collection)
		return c->ops->root_done ? c->ops->root_done(c) : ERR_OK;
	return c->ops->file_done ? c->ops->file_done(c, m) : ERR_OK;
}

static enum err_code
copy_visit(void *arg, const struct member *m, bool *prune)
{
	struct copying *c = arg;

	if (rpath_eq(m->path, c->t->from))
		return copy_root(c, m);
	return copy_member(c, m, prune);
}

enum err_code
copy_tree(struct copying *c)
{
	const bool in_parts = store_helpers(c->op->store) &&
	    c->ops->take == copy_one && !c->ops->file_done;
	const struct walk walk = {
		.depth = c->t->shallow ? DEPTH_0 : DEPTH_INFINITY,
		.order = WALK_DOWN,
		.kinds_only = in_parts,
		.visit = copy_visit,
		.arg = c,
	};
	enum err_code rc;

	c->in_parts = in_parts;
	portions_init(&c->parts, c->op, &part_ops, c);
	rc = walk_tree(c->op, c->t->from, &walk, &c->halt);
	if (!rc)
		rc = end_parts(c);
	portions_done(&c->parts);
	c->in_parts = false;
	buf_done(&c->entered);
	return rc;
}
