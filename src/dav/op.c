/* SPDX-License-Identifier: MIT */
#include "dav/op.h"

/*
 * Where access control will come: until there are users, whoever was let in
 * may do everything.
 */
enum err_code
op_may(
    const struct op *op, enum access access, struct rpath path, struct err *err)
{
	(void)op;
	(void)access;
	(void)path;
	(void)err;
	return ERR_OK;
}

/* With rules for parts of a tree this must walk it. */
enum err_code
op_may_tree(
    const struct op *op, enum access access, struct rpath root, struct err *err)
{
	return op_may(op, access, root, err);
}

struct guard
op_tokens(const struct op *op)
{
	return (struct guard){ .tokens = op->tokens };
}

enum err_code
op_mkcol(const struct op *op, struct rpath path, const struct guard *g,
    struct err *err)
{
	enum err_code rc = op_may(op, ACCESS_WRITE, path, err);

	if (rc)
		return rc;
	return store_mkcol(op->store, path, g, op->batch, err);
}

enum err_code
op_batch_begin(
    const struct op *op, struct rpath root, struct op *out, struct err *err)
{
	*out = *op;
	out->batch_is_callers = op->batch != NULL;
	if (op->batch)
		return ERR_OK;
	return store_batch_begin(op->store, root, &out->batch, err);
}

enum err_code
op_batch_end(const struct op *op, enum err_code rc, struct err *err)
{
	enum err_code end;

	if (op->batch_is_callers)
		return rc;
	end = store_batch_end(op->store, op->batch, rc ? NULL : err);
	return rc ? rc : end;
}
