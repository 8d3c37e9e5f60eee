/* SPDX-License-Identifier: MIT */
/* Removes what the destination of a COPY or MOVE has and its source has not. */
#include <assert.h>

#include "dav/transfer.h"

/* Counts what goes through it, for tree_remove(). */
struct counted_sink {
	struct sink base;
	struct copying *c;
};

static enum err_code
counted_put(struct sink *s, const struct outcome *o)
{
	struct counted_sink *counted =
	    CONTAINER_OF(s, struct counted_sink, base);

	counted->c->failures++;
	return sink_put(counted->c->out, o);
}

static enum err_code
purge_tree(struct copying *c, struct rpath root)
{
	static const struct sink_ops ops = {
		.name = "counted",
		.put = counted_put,
	};
	struct counted_sink out = { .c = c };
	const struct tree_removal removal = {
		.op = c->op,
		.root = root,
		.out = &out.base,
	};
	struct err why = { 0 };
	enum err_code rc;

	sink_init(&out.base, &ops);
	rc = tree_remove(&removal, &why);
	return rc ? halt(&c->halt, rc, &why) : ERR_OK;
}

/* What the source has in the place of a member of the destination. */
static enum err_code
source_of(struct copying *c, struct rpath member, struct resource *res,
    bool *left_out, struct err *why)
{
	struct rpath from;
	enum err_code rc;

	assert(rpath_covers(c->t->to, member));
	*left_out = false;
	if (c->t->shallow && !rpath_eq(member, c->t->to))
		return ERR_NOT_FOUND;
	rc = copy_counterpart(c, member, c->t->to, c->t->from, &from);
	if (rc)
		return rc;
	*left_out = pathset_has(&c->left_out, from);
	return store_stat(c->op->store, from, res, why);
}

/*
 * Where it cannot be told whether the source has it, it stays, though that may
 * be one too many.
 */
static enum err_code
keep_unknown(struct copying *c, const struct member *m, enum err_code rc,
    const struct err *why)
{
	struct err full = { 0 };

	rc = copy_failed(c, m->path, m->res.collection, rc, why);
	if (rc)
		return rc;
	rc = pathset_add(&c->named, m->path, &full);
	return rc ? halt(&c->halt, rc, &full) : ERR_OK;
}

static enum err_code
purge_visit(void *arg, const struct member *m, bool *prune)
{
	struct copying *c = arg;
	struct err why = { 0 };
	struct resource res;
	enum err_code rc;
	bool left_out;

	rc = source_of(c, m->path, &res, &left_out, &why);
	if (c->halt.set)
		return rc;
	*prune = true;
	if (left_out)
		return ERR_OK;
	if (rc == ERR_NOT_FOUND)
		return purge_tree(c, m->path);
	if (rc)
		return keep_unknown(c, m, rc, &why);
	/* A file that could not take a collection's place stays below it. */
	if (!res.collection || !m->res.collection)
		return ERR_OK;
	if (m->failed)
		return keep_unknown(c, m, m->failed, m->err);
	/*
	 * What a link leads to has another place, where it is to stay; but a
	 * link that is named as the destination is meant.
	 */
	if (rpath_eq(m->path, c->t->to))
		c->to_linked = m->linked;
	*prune = m->linked && !c->to_linked;
	return ERR_OK;
}

enum err_code
copy_purge(struct copying *c)
{
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = purge_visit,
		.arg = c,
	};
	struct err why = { 0 };
	enum err_code rc;

	if (c->created || !c->collection)
		return ERR_OK;
	rc = store_walk(c->op->store, c->t->to, &walk, &why);
	if (rc == ERR_OK || c->halt.set)
		return rc;
	/* Who removed it all meanwhile has removed our copy too. */
	return rc == ERR_NOT_FOUND ? ERR_OK
				   : copy_failed(c, c->t->to, true, rc, &why);
}
