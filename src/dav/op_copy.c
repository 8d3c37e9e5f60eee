/* SPDX-License-Identifier: MIT */
#include "dav/transfer.h"

enum err_code
op_copy(const struct op *op, const struct transfer *t, struct sink *out,
    bool *created, struct err *err)
{
	static const struct copying_ops ops = { 0 };
	struct op batched;
	struct copying c CLEANUP(copying_done) = {
		.op = &batched,
		.t = t,
		.out = out,
		.ops = &ops,
		.halt = { .err = err },
	};
	enum err_code rc;

	rc = transfer_check(op, t, err);
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
	*created = c.created;
	return sink_end(out);
}
