/* SPDX-License-Identifier: MIT */
#include "dav/transfer.h"

struct moving {
	struct copying copy;
	bool apart; /* on two file systems: renaming is of no use */
	struct kept kept; /* of the walk that removes the collections */
};

static void
moving_done(struct moving *m)
{
	copying_done(&m->copy);
	kept_done(&m->kept);
}

static enum replace
replace_of(const struct transfer *t)
{
	return t->overwrite ? REPLACE_YES : REPLACE_NO;
}

/* Whether it may leave its place, as far as locks go. */
static enum err_code
may_leave(struct copying *c, struct rpath path, struct err *why)
{
	const struct guard tokens = op_tokens(c->op);

	return store_allows(c->op->store, path, TOUCH_NAME, &tokens, why);
}

static bool
is_locked(struct copying *c, const struct member *m)
{
	return may_leave(c, m->path, NULL) != ERR_OK;
}

static enum err_code
rename_one(
    struct copying *c, const struct member *m, struct rpath to, struct err *why)
{
	const struct guard tokens = op_tokens(c->op);
	enum err_code rc;

	rc = op_may_tree(c->op, ACCESS_REMOVE, m->path, why);
	if (!rc)
		rc = op_may(c->op, ACCESS_WRITE, to, why);
	if (rc)
		return rc;
	return store_rename(c->op->store, m->path, to, replace_of(c->t),
	    &tokens, c->op->batch, NULL, why);
}

static bool
is_collection(struct copying *c, struct rpath path)
{
	struct resource res;

	return !store_stat(c->op->store, path, &res, NULL) && res.collection;
}

/*
 * Renames m with everything below it, where that can be.  Else a collection is
 * made at the destination, and its members follow, and a file is copied; what
 * is locked is not, so that it never is in both places.
 */
static enum err_code
take_one(struct copying *c, const struct member *m, struct rpath to,
    bool *whole, struct err *why)
{
	const struct moving *moving = CONTAINER_OF(c, struct moving, copy);
	enum err_code rc = ERR_CROSS_DEVICE;

	/*
	 * What an earlier try brought there is not to give way to what was
	 * left.
	 */
	if (!moving->apart &&
	    !(c->again && m->res.collection && is_collection(c, to)))
		rc = rename_one(c, m, to, why);
	*whole = rc == ERR_OK;
	if (rc != ERR_CROSS_DEVICE &&
	    (rc != ERR_MEMBER_LOCKED || !m->res.collection))
		return rc;
	rc = may_leave(c, m->path, why);
	return rc ? rc : copy_one(c, m, to, whole, why);
}

/* Fails where the source has changed since it was copied. */
static enum err_code
is_unchanged(void *arg, const struct guarded *at, struct err *err)
{
	const struct resource *then = arg;
	const struct resource *now = at->now;

	if (!now || now->collection)
		return ERR_OK; /* the store says what is wrong */
	if (str_eq(resource_etag(now), resource_etag(then)) &&
	    !memcmp(&now->id, &then->id, sizeof(now->id)) &&
	    now->modified == then->modified && now->length == then->length)
		return ERR_OK;
	return err_tell(
	    err, ERR_BUSY, "it was changed while it was being moved");
}

static enum err_code
remove_source(struct copying *c, const struct member *m)
{
	struct resource then = m->res;
	const struct guard guard = {
		.check = is_unchanged,
		.arg = &then,
		.tokens = c->op->tokens,
	};
	struct err why = { 0 };
	enum err_code rc;

	if (m->linked) /* a MOVE moves the link, not what it leads to */
		return ERR_OK;
	rc = op_may(c->op, ACCESS_REMOVE, m->path, &why);
	if (!rc)
		rc = store_remove(c->op->store, m->path, &guard, NULL, &why);
	if (rc == ERR_OK || rc == ERR_NOT_FOUND)
		return ERR_OK;
	return copy_failed(c, m->path, false, rc, &why);
}

static enum err_code
keep(struct moving *moving, struct rpath path)
{
	return kept_note(&moving->kept, path)
	    ? ERR_OK
	    : halt(&moving->copy.halt, ERR_NOMEM, NULL);
}

/*
 * ERR_OK where the collection stands at the destination; ERR_NOT_FOUND where
 * it was left out, or is new: others may make some while we work.
 */
static enum err_code
was_copied(struct copying *c, struct rpath path, struct err *why)
{
	struct resource res = { 0 };
	struct rpath to;
	enum err_code rc;

	if (pathset_covers(&c->left_out, path) || pathset_has(&c->spared, path))
		return ERR_NOT_FOUND;
	rc = copy_counterpart(c, path, c->t->from, c->t->to, &to);
	if (!rc)
		rc = store_stat(c->op->store, to, &res, why);
	return rc || res.collection ? rc : ERR_NOT_FOUND;
}

static enum err_code
remove_emptied(struct moving *moving, struct rpath path)
{
	struct copying *c = &moving->copy;
	const struct guard tokens = op_tokens(c->op);
	struct err why = { 0 };
	enum err_code rc;

	rc = was_copied(c, path, &why);
	if (c->halt.set)
		return rc;
	if (rc == ERR_NOT_FOUND)
		return keep(moving, path);
	if (!rc)
		rc = op_may(c->op, ACCESS_REMOVE, path, &why);
	if (!rc)
		rc = store_remove(c->op->store, path, &tokens, NULL, &why);
	if (rc == ERR_OK || rc == ERR_NOT_FOUND)
		return ERR_OK;
	rc = copy_failed(c, path, true, rc, &why);
	return rc ? rc : keep(moving, path);
}

/*
 * Walks up through what is left of the source, and removes it.  What was not
 * copied has been reported, or is new; if it is new, the root is reported for
 * it.
 */
static enum err_code
remove_visit(void *arg, const struct member *m, bool *prune)
{
	struct moving *moving = arg;
	struct copying *c = &moving->copy;
	enum err_code rc = ERR_OK;
	bool kept = kept_is_below(&moving->kept, m->path);

	(void)prune;
	if (!kept && m->res.collection)
		rc = remove_emptied(moving, m->path);
	else if (!kept)
		rc = keep(moving, m->path);
	if (rc || c->failures || !rpath_eq(m->path, c->t->from))
		return rc;
	return kept || moving->kept.path.len
	    ? copy_failed(c, m->path, m->res.collection, ERR_NOT_EMPTY, NULL)
	    : ERR_OK;
}

/*
 * Removes old members of the destination.  Not where an earlier try goes on:
 * what is there and not at the source was moved by that.
 */
static enum err_code
purge_first(struct copying *c)
{
	enum err_code rc = c->again ? ERR_OK : copy_purge(c);

	if (rc || !c->begins_late || !c->failures)
		return rc ? rc : copy_begin(c);
	/*
	 * Asked again under its key, it could not tell what was in the way from
	 * what it had moved itself.
	 */
	c->called_off = true;
	return copy_failed(c, c->t->from, true, ERR_DEPENDENCY, NULL);
}

static enum err_code
move_members(struct moving *moving)
{
	struct copying *c = &moving->copy;
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = WALK_UP,
		.visit = remove_visit,
		.arg = moving,
	};
	enum err_code rc;

	rc = copy_tree(c);
	if (rc == ERR_NOT_FOUND && c->again && !c->started)
		rc = ERR_OK;
	if (rc || c->called_off)
		return rc;
	rc = walk_tree(c->op, c->t->from, &walk, &c->halt);
	/* Nothing is left of a file, nor of what others removed meanwhile. */
	return rc == ERR_NOT_FOUND && !c->halt.set ? ERR_OK : rc;
}

/*
 * Not with the batch of many requests: that may become durable later than the
 * removal of what was copied.
 */
static enum err_code
move_slowly(const struct op *op, const struct transfer *t, bool apart,
    bool again, struct sink *out, bool *created, struct err *err)
{
	static const struct copying_ops ops = {
		.take = take_one,
		.is_locked = is_locked,
		/*
		 * Here the old members go before the new ones come, unlike in
		 * a COPY: once members of the source have been removed,
		 * nothing tells what the source had.  None of those that go
		 * would have been replaced.
		 */
		.root_done = purge_first,
		.file_done = remove_source,
	};
	struct op alone = *op;
	struct moving moving CLEANUP(moving_done) = {
		.copy = {
			.op = &alone,
			.t = t,
			.out = out,
			.ops = &ops,
			.halt = { .err = err },
			.again = again,
			.created = again && t->begun->created,
		},
		.apart = apart,
	};
	enum err_code rc;

	alone.batch = NULL;
	rc = move_members(&moving);
	if (rc)
		return rc;
	copy_remember(&moving.copy, NULL);
	*created = moving.copy.created;
	return sink_end(out);
}

bool
op_move_at_once(const struct op *op, const struct transfer *t)
{
	struct guard g = t->guard ? *t->guard : (struct guard){ 0 };

	g.at_once = true;
	return !op->batch && !g.record && !t->begun &&
	    !transfer_check(op, t, NULL) &&
	    !op_may_tree(op, ACCESS_REMOVE, t->from, NULL) &&
	    !store_rename(
		op->store, t->from, t->to, replace_of(t), &g, NULL, NULL, NULL);
}

enum err_code
op_move(const struct op *op, const struct transfer *t, struct sink *out,
    bool *created, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc;

	rc = transfer_check(op, t, err);
	if (!rc)
		rc = op_may_tree(op, ACCESS_REMOVE, t->from, err);
	if (rc)
		return rc;
	if (transfer_goes_on(op, t))
		return move_slowly(op, t, false, true, out, created, err);
	rc = store_rename(op->store, t->from, t->to, replace_of(t), t->guard,
	    op->batch, created, &why);
	if (rc == ERR_CROSS_DEVICE || rc == ERR_MEMBER_LOCKED)
		return move_slowly(
		    op, t, rc == ERR_CROSS_DEVICE, false, out, created, err);
	rc = transfer_refused(t, rc, &why);
	if (rc && err)
		*err = why;
	if (rc)
		return rc;
	return sink_end(out);
}
