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

/* The member of p that `in` is, or is in; p->n: it is p's own collection. */
static size_t
member_above(const struct portion *p, struct rpath in)
{
	struct str name = rpath_below(p->in, in);
	size_t i;

	name = str_head(name, str_find(name, '/'));
	for (i = 0; i < p->n; i++)
		if (p->collections[i] && str_eq(p->names[i], name))
			break;
	return i;
}

/* Members of p from i on go to q, which is for the one before them. */
static bool
move_members(struct portion *p, struct portion *q, size_t i)
{
	struct str skip = p->names[i - 1];
	size_t k;

	for (k = i; k < p->n; k++, q->n++) {
		q->collections[q->n] = p->collections[k];
		if (!arena_str(&q->arena, str_skip(p->names[k], skip.len + 1),
			&q->names[q->n]))
			return false;
	}
	p->n = i - 1;
	return true;
}

/*
 * What was met of a collection that is not whole yet is a portion of its own:
 * one that ended in the middle of it would leave each that is still to come
 * there to be made, and brought to its place, by itself.
 */
static enum err_code
split(struct portions *ps, struct portion *p, struct rpath in)
{
	size_t i = member_above(p, in);
	struct portion *q;
	enum err_code rc;

	if (i == p->n)
		return ERR_OK;
	q = ps->now = portion_new(ps, true);
	if (!q)
		return ERR_NOMEM;
	rc = rpath_join(&q->arena, p->in, p->names[i], &q->in, NULL);
	if (!rc && !move_members(p, q, i + 1))
		rc = ERR_NOMEM;
	return rc || !ps->ops->begin ? rc : ps->ops->begin(ps->arg, q);
}

enum err_code
portions_do(
    struct portions *ps, struct rpath in, bool *whole, struct portion **rest)
{
	struct portion *p = ps->now;
	enum err_code rc;

	*whole = false;
	*rest = NULL;
	if (!p || !p->itself || !rpath_covers(p->in, in))
		return ERR_OK;
	ps->now = NULL;
	rc = split(ps, p, in);
	if (rc) {
		portion_free(&p->base);
		return rc;
	}
	*rest = ps->now;
	rc = crew_do(&ps->crew, &p->base);
	if (!rc)
		*whole = !p->rc && !p->failed;
	return rc;
}

enum err_code
portions_tell(struct portions *ps)
{
	return crew_drain(&ps->crew);
}

void
portions_drop(struct portions *ps)
{
	if (ps->now)
		portion_free(&ps->now->base);
	ps->now = NULL;
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
	portions_drop(ps);
	crew_done(&ps->crew);
}

enum err_code
portion_path(struct portion *p, size_t i, struct rpath *out, struct err *err)
{
	return rpath_join(&p->arena, p->in, p->names[i], out, err);
}
