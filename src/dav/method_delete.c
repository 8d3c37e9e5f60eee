/* SPDX-License-Identifier: MIT */
/* DELETE (RFC 4918 s9.6, RFC 9110 s9.3.5). */
#include "dav/answer.h"
#include "dav/methods.h"
#include "http/fields.h"

struct deleting {
	struct precondition pre;
	enum depth depth;
};

static enum err_code
delete_begin(struct exchange *x, struct err *err)
{
	struct deleting *d = ARENA_NEW(x->arena, struct deleting);
	enum err_code rc;

	if (!d)
		return err_nomem(err);
	x->state = d;
	x->slow = true;
	rc = depth_parse(&x->req->headers, METHOD_DELETE, &d->depth, err);
	if (rc)
		return rc;
	return precondition_parse(&d->pre, x, err);
}

static enum err_code
delete_check(struct exchange *x, struct err *err)
{
	struct deleting *d = x->state;
	struct resource res;
	enum err_code rc = store_stat(x->store, x->req->path, &res, err);

	if (rc)
		return rc;
	/* "A client MUST NOT submit" anything else (RFC 4918 s9.6.1). */
	if (res.collection && d->depth != DEPTH_INFINITY)
		return err_tell(err, ERR_BAD_HEADER,
		    "DELETE of a collection is always Depth: infinity");
	return precondition_check(&d->pre, &res, err);
}

static enum err_code
delete_run(struct exchange *x, struct err *err)
{
	struct deleting *d = x->state;
	const struct op op = precondition_op(&d->pre);
	struct answer answer CLEANUP(answer_done) = { 0 };
	enum err_code rc;

	rc = delete_check(x, err);
	if (!rc)
		rc = answer_init(&answer, x, ANSWER_FAILURES, err);
	if (rc)
		return rc;
	rc = op_delete(&op, x->req->path,
	    precondition_guard(&d->pre, x->req->path), &answer.base, err);
	if (rc || answer.started)
		return rc;
	return reply_done(x, 204);
}

const struct method_ops method_delete = {
	.begin = delete_begin,
	.run = delete_run,
};
