/* SPDX-License-Identifier: MIT */
/* PROPFIND (RFC 4918 s9.1, RFC 8144). */
#include "dav/answer.h"
#include "dav/methods.h"
#include "http/fields.h"

struct finding {
	struct precondition pre;
	struct dav_body *body;
	enum depth depth;
	bool read; /* what is asked for */
	struct propfind_body what;
};

static enum err_code
propfind_begin(struct exchange *x, struct err *err)
{
	const struct xml_limits limits = { x->set->max_xml, x->set->max_depth };
	struct finding *f = ARENA_NEW(x->arena, struct finding);
	enum err_code rc;

	if (!f)
		return err_nomem(err);
	x->state = f;
	rc = depth_parse(&x->req->headers, METHOD_PROPFIND, &f->depth, err);
	if (!rc)
		rc = precondition_parse(&f->pre, x, err);
	if (!rc)
		rc = propfind_body_new(&limits,
		    x->memos ? &x->memos->propfind : NULL, x->arena, &f->body,
		    err);
	if (rc)
		return rc;
	x->body = dav_body_stream(f->body);
	x->slow = f->depth != DEPTH_0;
	return ERR_OK;
}

static enum err_code
propfind_check(struct exchange *x, struct resource *res, struct err *err)
{
	struct finding *f = x->state;
	enum err_code rc = store_stat(x->store, x->req->path, res, err);

	if (rc)
		return rc;
	if (x->set->finite_depth && res->collection &&
	    f->depth == DEPTH_INFINITY)
		return err_set(err, ERR_FINITE_DEPTH, "Depth: infinity");
	/* Conditions are for what would succeed (RFC 9110 s13.2.1). */
	return precondition_check(&f->pre, res, err);
}

static enum err_code
find(struct exchange *x, bool at_once, struct err *err)
{
	const struct op op = exchange_op(x);
	struct finding *f = x->state;
	struct answer answer CLEANUP(answer_done) = { 0 };
	struct resource res;
	struct propfind q = {
		.what = &f->what,
		.depth = f->depth,
		.known = &res,
		.at_once = at_once,
	};
	enum err_code rc =
	    f->read ? ERR_OK : propfind_body_end(f->body, &f->what, err);

	f->read = !rc;
	if (!rc)
		rc = propfind_check(x, &res, err);
	if (!rc)
		rc = answer_init(&answer, x, ANSWER_ALL, err);
	if (rc)
		return rc;
	/* With Depth: 0 there would be nothing left (RFC 8144 s3). */
	if (f->depth == DEPTH_0)
		answer.prefer.depth_noroot = false;
	q.noroot = answer.prefer.depth_noroot;
	answer.says_path = true;
	answer.collection = res.collection;
	answer.is_long = res.collection && f->depth == DEPTH_INFINITY;
	return op_propfind(&op, x->req->path, &q, &answer.base, err);
}

static enum err_code
propfind_run(struct exchange *x, struct err *err)
{
	return find(x, false, err);
}

/* Where all of the answer is in memory, and is small. */
static bool
propfind_at_once(struct exchange *x, enum err_code *rc, struct err *err)
{
	const struct finding *f = x->state;

	if (f->depth != DEPTH_1 || !store_walk_is_quick(x->store, x->req->path))
		return false;
	*rc = find(x, true, err);
	if (*rc != ERR_BUSY || x->reply->status)
		return true;
	*err = (struct err){ 0 };
	return false;
}

static void
propfind_end(struct exchange *x)
{
	struct finding *f = x->state;

	if (f)
		dav_body_free(f->body);
}

const struct method_ops method_propfind = {
	.begin = propfind_begin,
	.at_once = propfind_at_once,
	.run = propfind_run,
	.end = propfind_end,
};
