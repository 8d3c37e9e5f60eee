/* SPDX-License-Identifier: MIT */
/* UNLOCK (RFC 4918 s9.11), by way of any resource that the lock covers. */
#include "dav/methods.h"
#include "http/fields.h"

struct unlocking {
	struct precondition pre;
	struct str token;
};

static enum err_code
unlock_begin(struct exchange *x, struct err *err)
{
	struct unlocking *u = ARENA_NEW(x->arena, struct unlocking);
	enum err_code rc;

	if (!u)
		return err_nomem(err);
	x->state = u;
	x->slow = true;
	rc = lock_token_parse(&x->req->headers, &u->token, err);
	return rc ? rc : precondition_parse(&u->pre, x, err);
}

static enum err_code
unlock_run(struct exchange *x, struct err *err)
{
	struct unlocking *u = x->state;
	const struct op op = precondition_op(&u->pre);
	const struct lock_tokens tokens = { x->req->caller.user, &u->token, 1 };
	struct rpath path = x->req->path;
	enum err_code rc = op_may(&op, ACCESS_WRITE, path, err);

	if (!rc)
		rc = precondition_look(&u->pre, err);
	if (!rc)
		rc = store_unlock(x->store, path, &tokens,
		    precondition_guard(&u->pre, path), err);
	return rc ? rc : reply_done(x, 204);
}

static bool
unlock_at_once(struct exchange *x, enum err_code *rc, struct err *err)
{
	if (!lock_is_quick(x, true))
		return false;
	*rc = unlock_run(x, err);
	return true;
}

const struct method_ops method_unlock = {
	.begin = unlock_begin,
	.at_once = unlock_at_once,
	.run = unlock_run,
};
