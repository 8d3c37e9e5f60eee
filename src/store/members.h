/* SPDX-License-Identifier: MIT */
/*
 * Many files of one collection in one call, for who copies or removes trees: as
 * many calls one by one would do it (store/store.h), but a store may have a way
 * that costs less.
 */
#ifndef SHEAF_STORE_MEMBERS_H
#define SHEAF_STORE_MEMBERS_H

#include "base/crew.h"
#include "store/store.h"

/* Most that struct member_files names. */
#define MEMBERS_MAX ((size_t)128)

/*
 * Some files of one collection, by their names in it.  That they are files is
 * what somebody has seen, and may be wrong by now.
 */
struct member_files {
	struct rpath in;
	const struct str *names;
	size_t n;
	/*
	 * Called for each that failed, in their order.  What it returns but
	 * ERR_OK ends the call, which fails with it.
	 */
	enum err_code (*failed)(
	    void *arg, size_t i, enum err_code rc, const struct err *why);
	void *arg;
};

/*
 * What store_copy() does with each of them, below `to`; first, if itself is
 * said, with the collection that they are in.  Fails with what that fails with,
 * and then none of them was tried.  The collection may come to be with some of
 * its files in it.
 */
enum err_code store_copy_members(struct store *s, const struct member_files *m,
    bool itself, struct rpath to, enum replace replace, const struct guard *g,
    struct store_batch *b, struct err *err) MUST_USE;

/* What store_remove() does with each of them. */
enum err_code
store_remove_members(struct store *s, const struct member_files *m,
    const struct guard *g, struct store_batch *b) MUST_USE;

/*
 * Who may help with an operation on many members (base/crew.h); NULL: it gains
 * nothing by taking them together.
 */
struct crew_share *store_helpers(struct store *s);

#endif
