/* SPDX-License-Identifier: MIT */
/*
 * A set of paths, for what an operation must not forget about the tree it
 * walks: as few as possible, and never more than PATHSET_MAX.  All zero is the
 * empty set.
 */
#ifndef SHEAF_DAV_PATHSET_H
#define SHEAF_DAV_PATHSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "http/path.h"

#define PATHSET_MAX 100000

struct pathset {
	struct arena arena; /* the paths */
	struct str *slots; /* an empty one is free */
	size_t n_slots; /* a power of two, or 0 */
	size_t n;
};

/* Copies it.  ERR_NOMEM, or ERR_CANCELLED when there are too many. */
enum err_code
pathset_add(struct pathset *s, struct rpath path, struct err *err) MUST_USE;

bool pathset_has(const struct pathset *s, struct rpath path);

/* Whether it, or one of its ancestors, is there. */
bool pathset_covers(const struct pathset *s, struct rpath path);

void pathset_done(struct pathset *s);

#endif
