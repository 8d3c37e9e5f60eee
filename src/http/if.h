/* SPDX-License-Identifier: MIT */
/*
 * The If header (RFC 4918 s10.4): tagged and untagged lists of conditions on
 * state tokens and entity tags.
 */
#ifndef SHEAF_HTTP_IF_H
#define SHEAF_HTTP_IF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "http/condition.h"
#include "http/headers.h"
#include "http/href.h"

struct if_condition {
	bool negated; /* "Not" stands before it */
	bool is_etag;
	struct str token; /* a Coded-URL without <>, when not is_etag */
	struct etag etag;
};

/* A list holds if all its conditions do. */
struct if_list {
	bool tagged;
	struct rpath path; /* if tagged; empty: on another server */
	const struct if_condition *v;
	size_t n;
};

/* The header holds if one of its lists does, or if it is absent (n is 0). */
struct if_header {
	const struct if_list *v;
	size_t n;
};

/*
 * ERR_BAD_HEADER for anything that is not of the grammar.  A tag that names
 * another server is kept with an empty path, and never holds.
 */
enum err_code if_parse(const struct headers *h, const struct origin *origin,
    struct arena *a, struct if_header *out, struct err *err) MUST_USE;

/* What if_check() needs to know of a resource. */
struct if_state {
	struct str etag; /* empty: it has none, or does not exist */
	/* Whether a lock with this token covers it; NULL: no lock does. */
	bool (*has_token)(const void *arg, struct rpath path, struct str token);
	const void *arg;
};

/*
 * Whether the header holds (RFC 4918 s10.4.3).  state_of() is asked for each
 * path the header names.  *holds is set only with ERR_OK.
 */
enum err_code if_check(const struct if_header *i, struct rpath request,
    enum err_code (*state_of)(
	void *arg, struct rpath path, struct if_state *out, struct err *err),
    void *arg, bool *holds, struct err *err) MUST_USE;

#endif
