/* SPDX-License-Identifier: MIT */
/* MKCOL (RFC 4918 s9.3).  It takes no body: the server says 415 to one. */
#include "dav/methods.h"

static enum err_code
mkcol_begin(struct exchange *x, struct err *err)
{
	struct precondition *p = ARENA_NEW(x->arena, struct precondition);

	if (!p)
		return err_nomem(err);
	x->state = p;
	x->slow = true;
	return precondition_parse(p, x, err);
}

static enum err_code
mkcol_run(struct exchange *x, struct err *err)
{
	struct precondition *p = x->state;
	const struct op op = precondition_op(p);
	struct rpath path = x->req->path;
	enum err_code rc = precondition_look(p, err);

	/* What exists is 405 whatever the conditions are, so they come last. */
	if (!rc)
		rc = op_mkcol(&op, path, precondition_guard(p, path), err);
	if (rc)
		return rc;
	canonical_header(x, true);
	return reply_done(x, 201);
}

const struct method_ops method_mkcol = {
	.begin = mkcol_begin,
	.run = mkcol_run,
};
