/* SPDX-License-Identifier: MIT */
#include "dav/op.h"
#include "dav/tree.h"

/*
 * Removes a file in one step, which tells whatever speaks against it.
 * ERR_NOT_EMPTY: by now it is a collection.
 */
static enum err_code
remove_file(const struct op *op, struct rpath path, const struct guard *g,
    struct err *err)
{
	const struct guard tokens = op_tokens(op);

	return store_remove(op->store, path, g ? g : &tokens, op->batch, err);
}

static enum err_code
remove_collection(const struct op *op, struct rpath root, const struct guard *g,
    struct sink *out, struct err *err)
{
	struct op batched;
	const struct tree_removal removal = {
		.op = &batched,
		.root = root,
		.guard = g,
		.out = out,
		.root_is_request = true,
	};
	enum err_code rc;

	/* Asked before its members are gone, not after. */
	rc = store_allows(op->store, root, TOUCH_NAME, g, err);
	if (!rc)
		rc = op_batch_begin(op, root, &batched, err);
	return rc ? rc
		  : op_batch_end(&batched, tree_remove(&removal, err), err);
}

enum err_code
op_delete(const struct op *op, struct rpath root, const struct guard *g,
    struct sink *out, struct err *err)
{
	struct resource res;
	struct err why = { 0 };
	enum err_code rc;

	if (rpath_is_root(root))
		return err_tell(err, ERR_FORBIDDEN,
		    "the root collection cannot be removed");
	rc = op_may(op, ACCESS_REMOVE, root, &why);
	if (!rc)
		rc = store_stat(op->store, root, &res, &why);
	if (!rc && !res.collection)
		rc = remove_file(op, root, g, &why);
	else if (!rc)
		rc = ERR_NOT_EMPTY;
	if (rc == ERR_NOT_EMPTY) {
		why = (struct err){ 0 };
		rc = remove_collection(op, root, g, out, &why);
	}
	if (rc && err)
		*err = why;
	return rc ? rc : sink_end(out);
}
