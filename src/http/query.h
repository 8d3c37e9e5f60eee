/* SPDX-License-Identifier: MIT */
/* The query of a request target: "a=1&b=x%20y" (RFC 3986 s3.4). */
#ifndef SHEAF_HTTP_QUERY_H
#define SHEAF_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct query_param {
	struct str name; /* set by the caller */
	bool given; /* it stands in the query */
	struct str value; /* decoded, in the arena */
};

/*
 * Reads all of the query into params.  ERR_BAD_REQUEST: a
 * name that is none of them (whoever misspells dryRun must not run it), one
 * that stands twice, or a bad percent escape.  ERR_NOMEM.
 */
enum err_code query_read(struct arena *a, struct str query,
    struct query_param *params, size_t n, struct err *err) MUST_USE;

#endif
