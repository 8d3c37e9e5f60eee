/* SPDX-License-Identifier: MIT */
/*
 * A store that only seems to change: what is done to it is kept beside its base
 * until draft_apply() does all of it there at once, or draft_free() forgets it.
 * So whatever runs on a store can be tried (a dry run), checked first, or made
 * atomic.
 *
 * Every function of store.h works on it and says what the base would say.  New
 * bytes are written to where the base can take them from (store_stage());
 * changes cost memory, at most max_changed resources (ERR_TOO_LARGE past that).
 * Locks are those of the base, but for those that went with what they were on;
 * new ones cannot be made, refreshed or removed: ERR_NOT_IMPLEMENTED.  A link
 * is changed by what it leads to alone: to remove or rename one is
 * ERR_FORBIDDEN, and says so.
 *
 * Where what the draft stands on must not change, its owner holds a claim to
 * the base (store_claim()).  One thread at a time.
 */
#ifndef SHEAF_STORE_DRAFT_H
#define SHEAF_STORE_DRAFT_H

#include "store/apply.h"

struct draft_spec {
	/*
	 * It will never be applied: bytes that are copied need not be staged,
	 * only counted.
	 */
	bool dry;
	size_t max_changed; /* resources */
};

/*
 * base may be a draft itself (a group in a dry run): it is claimed, staged and
 * applied to like any store.  Borrowed.
 */
enum err_code draft_new(struct store *base, const struct draft_spec *spec,
    struct store **out, struct err *err) MUST_USE;

/*
 * Everything since draft_new() is done to the base by one store_apply().  c is
 * a claim to the base that covers all of it, and was held since draft_new().
 * The draft is empty after that, whatever became of it.  An entity tag that the
 * draft gave to a resource is the one it has afterwards.
 */
enum err_code draft_apply(
    struct store *draft, struct store_claim *c, struct err *err) MUST_USE;

/* store_close() frees it. */

#endif
