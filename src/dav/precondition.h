/* SPDX-License-Identifier: MIT */
/*
 * The conditions a request sets: If-Match and its kin (RFC 9110 s13) and the
 * If header (RFC 4918 s10.4).  They are asked twice: before anything is done,
 * and, as the store's guard, at the moment of the change, so that nothing can
 * come between the two.  What an If header says of other paths than the one
 * that is changed is asked of what they were before.
 */
#ifndef SHEAF_DAV_PRECONDITION_H
#define SHEAF_DAV_PRECONDITION_H

#include <stdbool.h>

#include "base/attr.h"
#include "dav/exchange.h"
#include "http/condition.h"
#include "http/if.h"

struct known_state;

/* All zero holds.  Everything it points to is in the request's arena. */
struct precondition {
	const struct exchange *x;
	bool read; /* GET or HEAD */
	struct conditions conditions;
	struct if_header ifs;
	struct lock_tokens tokens; /* all that the If header names */
	struct known_state *known; /* of paths the If header names */
	struct rpath guarded;
	struct guard guard;
};

/* ERR_BAD_HEADER for what is malformed, also where it would not be asked. */
enum err_code precondition_parse(
    struct precondition *p, const struct exchange *x, struct err *err) MUST_USE;

/* As exchange_op(), with the tokens. */
struct op precondition_op(const struct precondition *p);

/*
 * Learns the state of each path that the If header names, for the guard.  A
 * method that needs no precondition_check() begins with this.
 */
enum err_code
precondition_look(struct precondition *p, struct err *err) MUST_USE;

/*
 * now: what is mapped at the request's path, or NULL.  A condition counts only
 * when the request would succeed without it (RFC 9110 s13.2.1), so look for
 * 404 and 405 first.  ERR_PRECONDITION or, when reading, ERR_NOT_MODIFIED.
 */
enum err_code precondition_check(struct precondition *p,
    const struct resource *now, struct err *err) MUST_USE;

/* Whether it holds only where nothing is mapped: If-None-Match: *. */
bool precondition_wants_nothing(const struct precondition *p);

/*
 * The guard for a change of path: the request's, or that of its Destination,
 * to which only the If header applies; the other conditions are then asked of
 * the source.  NULL where there is no condition, no token, and nothing to
 * remember.
 */
const struct guard *
precondition_guard(struct precondition *p, struct rpath path);

#endif
