/* SPDX-License-Identifier: MIT */
#include "dav/precondition.h"

#include "base/clock.h"

/* An entity tag as it was found when the request began. */
struct known_state {
	struct known_state *next;
	struct rpath path;
	struct str etag;
};

/* What if_check() asks of: the stored state, but for one path. */
struct question {
	struct precondition *p;
	struct rpath path;
	const struct resource *now; /* NULL: nothing is mapped */
	bool may_look; /* the store may be asked */
};

enum err_code
precondition_parse(
    struct precondition *p, const struct exchange *x, struct err *err)
{
	const struct request *req = x->req;
	enum err_code rc;

	*p = (struct precondition){
		.x = x,
		.read = req->method == METHOD_GET || req->method == METHOD_HEAD,
	};
	rc = conditions_parse(
	    &req->headers, p->read, x->arena, &p->conditions, err);
	if (rc)
		return rc;
	return if_parse(&req->headers, &req->origin, x->arena, &p->ifs, err);
}

static struct str
etag_of(const struct resource *r)
{
	return r ? resource_etag(r) : (struct str){ 0 };
}

/* What may not be read has no state that could match. */
static enum err_code
look_up(struct question *q, struct rpath path, struct str *etag)
{
	const struct exchange *x = q->p->x;
	const struct op op = exchange_op(x);
	struct known_state *k;
	struct resource res;
	enum err_code rc;

	*etag = (struct str){ 0 };
	if (op_may(&op, ACCESS_READ, path, NULL) != ERR_OK)
		return ERR_OK;
	rc = store_stat(x->store, path, &res, NULL);
	if (rc)
		return err_stops(rc) ? rc : ERR_OK;
	k = ARENA_NEW(x->arena, struct known_state);
	if (!k || !arena_str(x->arena, resource_etag(&res), &k->etag))
		return ERR_NOMEM;
	k->path = path;
	k->next = q->p->known;
	q->p->known = k;
	*etag = k->etag;
	return ERR_OK;
}

static enum err_code
state_of(void *arg, struct rpath path, struct if_state *out, struct err *err)
{
	struct question *q = arg;
	const struct known_state *k;
	enum err_code rc;

	*out = (struct if_state){ 0 };
	if (rpath_eq(path, q->path)) {
		out->etag = etag_of(q->now);
		return ERR_OK;
	}
	for (k = q->p->known; k; k = k->next) {
		if (rpath_eq(path, k->path)) {
			out->etag = k->etag;
			return ERR_OK;
		}
	}
	if (!q->may_look)
		return ERR_OK;
	rc = look_up(q, path, &out->etag);
	return rc ? err_set(err, rc, "state of a path in If") : ERR_OK;
}

static enum err_code
check_if(struct question *q, struct err *err)
{
	struct precondition *p = q->p;
	enum err_code rc;
	bool holds;

	if (!p->ifs.n)
		return ERR_OK;
	rc = if_check(&p->ifs, p->x->req->path, state_of, q, &holds, err);
	if (rc || holds)
		return rc;
	return err_tell(err, ERR_PRECONDITION, "the If header does not hold");
}

static enum err_code
check_conditions(
    const struct precondition *p, const struct resource *now, struct err *err)
{
	const struct validators v = {
		.exists = now != NULL,
		.etag = etag_of(now),
		.modified = now ? clock_seconds(now->modified) : 0,
	};

	return conditions_check(&p->conditions, p->read, &v, err);
}

enum err_code
precondition_check(
    struct precondition *p, const struct resource *now, struct err *err)
{
	struct question q = {
		.p = p,
		.path = p->x->req->path,
		.now = now,
		.may_look = true,
	};
	enum err_code rc = check_conditions(p, now, err);

	return rc ? rc : check_if(&q, err);
}

/* Inside the store, which must not be called again from here. */
static enum err_code
guard_check(void *arg, const struct guarded *at, struct err *err)
{
	struct precondition *p = arg;
	struct question q = { .p = p, .path = p->guarded, .now = at->now };
	enum err_code rc = ERR_OK;

	if (rpath_eq(p->guarded, p->x->req->path))
		rc = check_conditions(p, at->now, err);
	return rc ? rc : check_if(&q, err);
}

const struct guard *
precondition_guard(struct precondition *p, struct rpath path)
{
	const struct conditions *c = &p->conditions;

	if (!p->ifs.n && !c->match.present && !c->none_match.present &&
	    !c->has_modified_since && !c->has_unmodified_since)
		return NULL;
	p->guarded = path;
	p->guard = (struct guard){ .check = guard_check, .arg = p };
	return &p->guard;
}
