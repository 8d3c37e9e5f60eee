/* SPDX-License-Identifier: MIT */
/* COPY and MOVE (RFC 4918 s9.8, s9.9). */
#include "dav/answer.h"
#include "dav/methods.h"
#include "http/fields.h"

struct transferring {
	struct precondition pre;
	struct transfer t;
	enum depth depth;
};

static enum err_code
copy_begin(struct exchange *x, struct err *err)
{
	const struct request *req = x->req;
	struct transferring *t = ARENA_NEW(x->arena, struct transferring);
	enum err_code rc;

	if (!t)
		return err_nomem(err);
	x->state = t;
	x->slow = true;
	t->t.from = req->path;
	rc = depth_parse(&req->headers, req->method, &t->depth, err);
	if (!rc)
		rc = overwrite_parse(&req->headers, &t->t.overwrite, err);
	if (!rc)
		rc = destination_parse(
		    &req->headers, &req->origin, x->arena, &t->t.to, NULL, err);
	if (!rc)
		rc = precondition_parse(&t->pre, x, err);
	return rc;
}

static enum err_code
copy_check(struct exchange *x, struct err *err)
{
	struct transferring *t = x->state;
	struct resource res;
	enum err_code rc = store_stat(x->store, x->req->path, &res, err);

	t->t.begun = x->begun;
	t->t.guard = precondition_guard(&t->pre, t->t.to);
	/* An earlier try under the same key may have moved it all. */
	if (rc == ERR_NOT_FOUND && x->begun && x->req->method == METHOD_MOVE)
		return ERR_OK;
	if (rc)
		return rc;
	/* COPY: 0 or infinity (s9.8.3); MOVE: infinity (s9.9.2). */
	if (res.collection && t->depth != DEPTH_INFINITY &&
	    (x->req->method == METHOD_MOVE || t->depth == DEPTH_1))
		return err_tell(err, ERR_BAD_HEADER,
		    "this Depth has no meaning for this method");
	t->t.shallow = t->depth == DEPTH_0;
	return precondition_check(&t->pre, &res, err);
}

static enum err_code
copy_run(struct exchange *x, struct err *err)
{
	struct transferring *t = x->state;
	const struct op op = precondition_op(&t->pre);
	struct answer answer CLEANUP(answer_done) = { 0 };
	bool created = false;
	enum err_code rc;

	rc = copy_check(x, err);
	if (!rc)
		rc = answer_init(&answer, x, ANSWER_FAILURES, err);
	if (rc)
		return rc;
	rc = x->req->method == METHOD_MOVE
	    ? op_move(&op, &t->t, &answer.base, &created, err)
	    : op_copy(&op, &t->t, &answer.base, &created, err);
	if (rc || answer.started)
		return rc;
	return reply_done(x, created ? 201 : 204);
}

/* Whether nothing has to be asked that a rename does not see for itself. */
static bool
asks_nothing(struct transferring *t)
{
	return t->depth == DEPTH_INFINITY &&
	    !precondition_guard(&t->pre, t->t.to);
}

/* Most MOVEs are one rename to where nothing is. */
static bool
copy_at_once(struct exchange *x, enum err_code *rc, struct err *err)
{
	struct transferring *t = x->state;
	const struct op op = precondition_op(&t->pre);

	(void)err;
	if (x->req->method != METHOD_MOVE || x->begun ||
	    (!asks_nothing(t) && copy_check(x, NULL)) ||
	    !op_move_at_once(&op, &t->t))
		return false;
	*rc = reply_done(x, 201);
	return true;
}

const struct method_ops method_copy = {
	.begin = copy_begin,
	.at_once = copy_at_once,
	.run = copy_run,
};
