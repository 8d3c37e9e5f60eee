/* SPDX-License-Identifier: MIT */
#include "dav/portion.h"

#include <stdlib.h>

#define MANY ((size_t)16) /* from then on they are synced together */

static struct portion *
portion_of(struct crew_job *j)
{
	return CONTAINER_OF(j, struct portion, base);
}

static enum err_code
note_failed(void *arg, size_t i, enum err_code rc, const struct err *why)
{
	struct portion *p = arg;
	struct portion_failure *f =
	    ARENA_NEW(&p->arena, struct portion_failure);

	if (!f)
		return ERR_NOMEM;
	f->i = i;
	f->rc = rc;
	f->why = *why;
	*p->last_failed = f;
	p->last_failed = &f->next;
	return ERR_OK;
}

static void
portion_run(struct crew_job *j)
{
	struct portion *p = portion_of(j);
	const struct member_files m = {
		.in = p->in,
		.names = p->names,
		.collections = p->collections,
		.n = p->n,
		.failed = note_failed,
		.arg = p,
	};

	p->of->ops->run(p->of->arg, p, &m);
}

static enum err_code
portion_end(struct crew_job *j)
{
	struct portion *p = portion_of(j);

	return p->of->ops->end(p->of->arg, p);
}

static void
portion_free(struct crew_job *j)
{
	struct portion *p = portion_of(j);

	arena_done(&p->arena);
	free(p);
}

static const struct crew_ops portion_job = {
	.run = portion_run,
	.end = portion_end,
	.free = portion_free,
};

void
portions_init(struct portions *ps, const struct op *op,
    const struct portion_ops *ops, void *arg)
{
	*ps = (struct portions){ .op = op, .ops = ops, .arg = arg };
	crew_init(&ps->crew, store_helpers(op->store));
}

static enum err_code
give(struct portions *ps)
{
	struct portion *p = ps->now;

	ps->now = NULL;
	return p ? crew_give(&ps->crew, &p->base) : ERR_OK;
}

static struct portion *
portion_new(struct portions *ps, bool itself)
{
	struct portion *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->base.ops = &portion_job;
	p->of = ps;
	p->itself = itself;
	p->last_failed = &p->failed;
	return p;
}

/* Gives those before it. */
static enum err_code
begin(struct portions *ps, struct rpath in, bool itself)
{
	enum err_code rc = give(ps);
	struct portion *p;

	if (rc)
		return rc;
	p = portion_new(ps, itself);
	if (!p)
		return ERR_NOMEM;
	ps->now = p;
	if (!arena_str(&p->arena, in.s, &p->in.s))
		return ERR_NOMEM;
	return ps->ops->begin ? ps->ops->begin(ps->arg, p) : ERR_OK;
}

static void
count(struct portions *ps)
{
	if (++ps->seen == MANY)
		store_batch_many(ps->op->batch);
}

bool
portions_fits(const struct portions *ps, struct rpath in, bool collection)
{
	const struct portion *p = ps->now;

	if (!p || p->n == MEMBERS_MAX)
		return false;
	if (p->itself)
		return rpath_covers(p->in, in);
	return !collection && rpath_eq(p->in, in);
}

enum err_code
portions_add(struct portions *ps, struct rpath path, bool collection)
{
	struct rpath in = rpath_parent(path);
	enum err_code rc = ERR_OK;
	struct portion *p;

	if (!portions_fits(ps, in, collection))
		rc = begin(ps, in, false);
	if (rc)
		return rc;
	count(ps);
	p = ps->now;
	p->collections[p->n] = collection;
	return arena_str(&p->arena, rpath_below(p->in, path), &p->names[p->n++])
	    ? ERR_OK
	    : ERR_NOMEM;
}

enum err_code
portions_enter(struct portions *ps, struct rpath collection)
{
	count(ps);
	return begin(ps, collection, true);
}

enum err_code
portions_leave(struct portions *ps, struct rpath collection)
{
	enum err_code rc = ERR_OK;

	count(ps);
	if (!ps->now || !rpath_eq(ps->now->in, collection))
		rc = begin(ps, collection, true);
	if (rc)
		return rc;
	ps->now->itself = true;
	return give(ps);
}

enum err_code
portions_do(struct portions *ps, struct rpath in, bool *whole)
{
	struct portion *p = ps->now;
	enum err_code rc;

	*whole = false;
	if (!p || !p->itself || !rpath_covers(p->in, in))
		return ERR_OK;
	ps->now = NULL;
	rc = crew_do(&ps->crew, &p->base);
	if (!rc)
		*whole = !p->rc && !p->failed;
	return rc;
}

enum err_code
portions_drain(struct portions *ps)
{
	enum err_code rc = give(ps);

	return rc ? rc : crew_drain(&ps->crew);
}

void
portions_done(struct portions *ps)
{
	if (ps->now)
		portion_free(&ps->now->base);
	ps->now = NULL;
	crew_done(&ps->crew);
}

enum err_code
portion_path(struct portion *p, size_t i, struct rpath *out, struct err *err)
{
	return rpath_join(&p->arena, p->in, p->names[i], out, err);
}
