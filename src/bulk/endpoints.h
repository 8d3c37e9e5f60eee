/* SPDX-License-Identifier: MIT */
/*
 * What is served below /.sheaf/, beside the tree: rows of endpoints.def.  Each
 * is a struct method_ops like a method's, so that the server knows no
 * difference.
 */
#ifndef SHEAF_BULK_ENDPOINTS_H
#define SHEAF_BULK_ENDPOINTS_H

#include "dav/exchange.h"

struct jobs;

/* Of the exchanges that go to an endpoint: x->service. */
struct bulk_service {
	const struct bulk_env *env;
	struct jobs *jobs; /* NULL: nothing runs asynchronously */
	bool always_200; /* bulk-status: for clients that know no 207 */
	struct str version; /* of the program, for the API's description */
};

/* NULL: the path is the tree's. */
const struct method_ops *bulk_endpoint(const struct request *req);

#endif
