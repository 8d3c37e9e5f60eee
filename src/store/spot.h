/* SPDX-License-Identifier: MIT */
/* Where many paths lead: store_resolve() and store_stat() of each, for less. */
#ifndef SHEAF_STORE_SPOT_H
#define SHEAF_STORE_SPOT_H

#include "store/store.h"

/* A path, the one that store_resolve() finds for it, and what is there. */
struct store_spot {
	struct rpath path;
	struct rpath real;
	bool collection;
};

/*
 * Finds what the spots lack; those whose path is empty are left alone.
 * Neighbours in one collection cost least.  What cannot be found out is as if
 * there were no link and no collection.  real is in the arena, or the path
 * itself.  Fails only with ERR_NOMEM.
 */
enum err_code store_find_spots(struct store *s, struct store_spot *v, size_t n,
    struct arena *a, struct err *err) MUST_USE;

#endif
