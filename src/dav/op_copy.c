/* SPDX-License-Identifier: MIT */
#include "dav/transfer.h"

/*
 * Asks the locks before bytes are copied in vain.  The store will ask again,
 * and tell whatever else speaks against it, so only a lock is told here.
 */
static enum err_code
may_begin(const struct op *op, const struct transfer *t, struct err *err)
{
	const struct guard g = op_tokens(op);
	struct err why = { 0 };
	struct resource res;
	enum err_code rc;

	if (!t->overwrite && !t->begun &&
	    store_stat(op->store, t->to, &res, NULL) == ERR_OK)
		return ERR_OK;
	rc = store_allows(op->store, t->to, TOUCH_CONTENT, &g, &why);
	if (rc != ERR_LOCKED && !err_stops(rc))
		return ERR_OK;
	if (err)
		*err = why;
	return rc;
}

enum err_code
op_copy(const struct op *op, const struct transfer *t, struct sink *out,
    bool *created, struct err *err)
{
	static const struct copying_ops ops = { .take = copy_one };
	struct op batched;
	struct copying c CLEANUP(copying_done) = {
		.op = &batched,
		.t = t,
		.out = out,
		.ops = &ops,
		.halt = { .err = err },
		.again = transfer_goes_on(op, t),
	};
	enum err_code rc;

	rc = transfer_check(op, t, err);
	if (!rc)
		rc = may_begin(op, t, err);
	if (rc)
		return rc;
	rc = op_batch_begin(op, t->to, &batched, err);
	if (rc)
		return rc;
	rc = copy_tree(&c);
	/* Last, so that nothing goes before its replacement is there. */
	if (!rc)
		rc = copy_purge(&c);
	rc = op_batch_end(&batched, rc, err);
	if (rc)
		return rc;
	copy_remember(&c, op->batch);
	*created = c.created;
	return sink_end(out);
}
