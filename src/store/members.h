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
 *
 * Where the collection is copied itself there may be collections among them,
 * and members of those by their paths below `in`, each collection right before
 * all that is in it.
 */
struct member_files {
	struct rpath in;
	const struct str *names;
	const bool *collections; /* NULL: none is one */
	size_t n;
	/*
	 * Called for each that failed, in their order.  What it returns but
	 * ERR_OK ends the call, which fails with it.
	 */
	enum err_code (*failed)(
	    void *arg, size_t i, enum err_code rc, const struct err *why);
	void *arg;
};

bool member_is_collection(const struct member_files *m, size_t i);

/* Whether a name is that of something below the collection of another. */
bool member_is_below(struct str name, struct str collection);

/*
 * What store_copy() does with each of them, below `to`; first, if itself is
 * said, with the collection that they are in.  Fails with what that fails with,
 * and then none of them was tried; nor is what is in one of them that failed.
 * The collection may come to be with some of its members in it.
 */
enum err_code store_copy_members(struct store *s, const struct member_files *m,
    bool itself, struct rpath to, enum replace replace, const struct guard *g,
    struct store_batch *b, struct err *err) MUST_USE;

/*
 * What store_remove() does with each of them; and, where itself is not NULL and
 * all of them have gone, with the collection that they are in.  *itself: that
 * went, too.
 */
enum err_code
store_remove_members(struct store *s, const struct member_files *m,
    bool *itself, const struct guard *g, struct store_batch *b) MUST_USE;

/*
 * Who may help with an operation on many members (base/crew.h); NULL: it gains
 * nothing by taking them together.
 */
struct crew_share *store_helpers(struct store *s);

/*
 * With so many threads as much is changed as with more, which would only be in
 * each other's way.  0: the more the better, since they wait for a disk.
 */
unsigned store_changers(const struct store *s);

#endif
