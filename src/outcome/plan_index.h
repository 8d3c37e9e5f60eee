/* SPDX-License-Identifier: MIT */
/*
 * Finds by a text the number that goes with it: of the operations of a plan,
 * by id and by href.
 */
#ifndef SHEAF_OUTCOME_PLAN_INDEX_H
#define SHEAF_OUTCOME_PLAN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define PLAN_NOWHERE SIZE_MAX

struct plan_slot {
	struct str key; /* ptr is NULL: free */
	size_t value;
};

/* All zero is an empty one. */
struct plan_index {
	struct plan_slot *slots;
	size_t room; /* a power of two, or 0 */
	size_t n;
};

void plan_index_done(struct plan_index *ix);

/* So that the next plan_index_put() finds room.  False without memory. */
bool plan_index_grow(struct plan_index *ix) MUST_USE;

/* The key is borrowed, and is not in it yet. */
void plan_index_put(struct plan_index *ix, struct str key, size_t value);

/* PLAN_NOWHERE where it is not in it. */
size_t plan_index_find(const struct plan_index *ix, struct str key);

#endif
