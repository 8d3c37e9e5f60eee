/* SPDX-License-Identifier: MIT */
#include "dav/methods.h"

/* Conditions mean nothing here and MUST be ignored (RFC 9110 s13.2.1). */
static enum err_code
options_begin(struct exchange *x, struct err *err)
{
	const struct op op = exchange_op(x);

	return op_may(&op, ACCESS_READ, x->req->path, err);
}

/*
 * Locks, and all of RFC 4918 (s18.2, s18.3).  Without class 2 Finder mounts
 * read-only, and without MS-Author-Via Windows looks for FrontPage first, and
 * Office opens files read-only.
 */
static enum err_code
options_run(struct exchange *x, struct err *err)
{
	struct reply *r = x->reply;

	(void)err;
	(void)reply_header(r, STR("DAV"), STR("1, 2, 3"));
	(void)reply_header(r, STR("MS-Author-Via"), STR("DAV"));
	(void)allow_header(x);
	if (method_applies(x, METHOD_PATCH))
		(void)accept_patch_header(r);
	return reply_done(x, 200);
}

const struct method_ops method_options = {
	.begin = options_begin,
	.run = options_run,
};
