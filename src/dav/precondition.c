/* SPDX-License-Identifier: MIT */
#include "dav/precondition.h"

#include "base/clock.h"

/* A path that the If header names, as it was before the change. */
struct known_state {
	struct known_state *next;
	struct rpath path;
	struct resource res;
	struct guarded at; /* now: res or NULL */
};

/* What if_check() asks of: what is known, but for one path. */
struct question {
	const struct precondition *p;
	struct rpath path;
	const struct guarded *at;
};

/*
 * A token is submitted where it appears, also after Not, or in a list that
 * does not hold (RFC 4918 s6.1, s10.4.1).
 */
static enum err_code
collect_tokens(
    const struct if_header *ifs, struct arena *a, struct lock_tokens *t)
{
	struct str *v;
	size_t l, i, most = 0;

	for (l = 0; l < ifs->n; l++)
		most += ifs->v[l].n;
	v = arena_array(a, most + 1, sizeof(*v));
	if (!v)
		return ERR_NOMEM;
	t->v = v;
	for (l = 0; l < ifs->n; l++) {
		const struct if_list *list = &ifs->v[l];

		for (i = 0; i < list->n; i++)
			if (!list->v[i].is_etag)
				v[t->n++] = list->v[i].token;
	}
	return ERR_OK;
}

enum err_code
precondition_parse(
    struct precondition *p, const struct exchange *x, struct err *err)
{
	const struct request *req = x->req;
	enum err_code rc;

	*p = (struct precondition){
		.x = x,
		.read = req->method == METHOD_GET || req->method == METHOD_HEAD,
		.tokens.user = req->caller.user,
	};
	rc = conditions_parse(
	    &req->headers, p->read, x->arena, &p->conditions, err);
	if (!rc)
		rc = if_parse(
		    &req->headers, &req->origin, x->arena, &p->ifs, err);
	if (!rc && p->ifs.n && collect_tokens(&p->ifs, x->arena, &p->tokens))
		rc = err_nomem(err);
	return rc;
}

struct op
precondition_op(const struct precondition *p)
{
	struct op op = exchange_op(p->x);

	op.tokens = &p->tokens;
	return op;
}

static struct str
etag_of(const struct resource *r)
{
	return r ? resource_etag(r) : (struct str){ 0 };
}

static bool
has_token(const void *arg, struct rpath path, struct str token)
{
	const struct guarded *at = arg;
	size_t i;

	(void)path;
	for (i = 0; i < at->n_locks; i++)
		if (str_eq(at->locks[i].token, token))
			return true;
	return false;
}

static const struct known_state *
find_known(const struct precondition *p, struct rpath path)
{
	const struct known_state *k;

	for (k = p->known; k; k = k->next)
		if (rpath_eq(k->path, path))
			return k;
	return NULL;
}

/* What may not be read has no state that could match. */
static enum err_code
look_up(struct precondition *p, struct rpath path, struct err *err)
{
	const struct exchange *x = p->x;
	const struct op op = exchange_op(x);
	struct known_state *k = ARENA_NEW(x->arena, struct known_state);
	enum err_code rc;

	if (!k)
		return err_nomem(err);
	k->path = path;
	if (op_may(&op, ACCESS_READ, path, NULL) == ERR_OK) {
		rc = store_stat(x->store, path, &k->res, err);
		if (rc && err_stops(rc))
			return rc;
		k->at.now = rc ? NULL : &k->res;
		rc = store_locks(x->store, path, x->arena, &k->at.locks,
		    &k->at.n_locks, err);
		if (rc)
			return rc;
	}
	k->next = p->known;
	p->known = k;
	return ERR_OK;
}

enum err_code
precondition_look(struct precondition *p, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	p->known = NULL;
	for (i = 0; i < p->ifs.n && !rc; i++) {
		const struct if_list *list = &p->ifs.v[i];
		struct rpath path = list->tagged ? list->path : p->x->req->path;

		/* Another server's has none. */
		if (path.s.len && !find_known(p, path))
			rc = look_up(p, path, err);
	}
	return rc;
}

static enum err_code
state_of(void *arg, struct rpath path, struct if_state *out, struct err *err)
{
	static const struct guarded nothing = { 0 };
	const struct question *q = arg;
	const struct known_state *k = find_known(q->p, path);
	const struct guarded *at = k ? &k->at : &nothing;
	const struct resource *now = at->now;

	(void)err;
	if (rpath_eq(path, q->path)) {
		at = q->at;
		now = at->now;
	} else if (q->at->from && rpath_eq(path, q->p->x->req->path)) {
		now = q->at->from;
	}
	*out = (struct if_state){
		.etag = etag_of(now),
		.has_token = has_token,
		.arg = at,
	};
	return ERR_OK;
}

static enum err_code
check_if(struct precondition *p, struct rpath path, const struct guarded *at,
    struct err *err)
{
	struct question q = { p, path, at };
	enum err_code rc;
	bool holds;

	if (!p->ifs.n)
		return ERR_OK;
	rc = if_check(&p->ifs, p->x->req->path, state_of, &q, &holds, err);
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
	struct rpath path = p->x->req->path;
	const struct known_state *k;
	struct guarded at = { 0 };
	enum err_code rc = check_conditions(p, now, err);

	if (!rc)
		rc = precondition_look(p, err);
	if (rc)
		return rc;
	k = find_known(p, path);
	if (k)
		at = k->at;
	at.now = now;
	return check_if(p, path, &at, err);
}

/* Inside the store, which must not be called again from here. */
static enum err_code
guard_check(void *arg, const struct guarded *at, struct err *err)
{
	struct precondition *p = arg;
	enum err_code rc = ERR_OK;

	if (rpath_eq(p->guarded, p->x->req->path))
		rc = check_conditions(p, at->now, err);
	else if (at->from) /* the request's path is the source */
		rc = check_conditions(p, at->from, err);
	return rc ? rc : check_if(p, p->guarded, at, err);
}

bool
precondition_wants_nothing(const struct precondition *p)
{
	return p->conditions.none_match.any;
}

const struct guard *
precondition_guard(struct precondition *p, struct rpath path)
{
	const struct conditions *c = &p->conditions;

	if (!p->x->record && !p->ifs.n && !c->match.present &&
	    !c->none_match.present && !c->has_modified_since &&
	    !c->has_unmodified_since)
		return NULL;
	p->guarded = path;
	p->guard = (struct guard){
		.check = guard_check,
		.arg = p,
		.tokens = &p->tokens,
		.record = p->x->record,
	};
	return &p->guard;
}
