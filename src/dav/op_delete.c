/* SPDX-License-Identifier: MIT */
#include "dav/op.h"
#include "dav/tree.h"

enum err_code
op_delete(const struct op *op, struct rpath root, const struct guard *g,
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
	struct resource res;
	enum err_code rc;

	/* Before its members are gone, not after. */
	if (rpath_is_root(root))
		return err_tell(err, ERR_FORBIDDEN,
		    "the root collection cannot be removed");
	rc = op_may(op, ACCESS_REMOVE, root, err);
	if (rc)
		return rc;
	rc = store_stat(op->store, root, &res, err);
	if (rc)
		return rc;
	rc = store_allows(op->store, root, TOUCH_NAME, g, err);
	if (rc)
		return rc;
	rc = op_batch_begin(op, root, &batched, err);
	if (rc)
		return rc;
	rc = op_batch_end(&batched, tree_remove(&removal, err), err);
	if (rc)
		return rc;
	return sink_end(out);
}
