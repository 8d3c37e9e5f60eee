/* SPDX-License-Identifier: MIT */
/*
 * A hash table from text to number: finds the operations of a plan by id or by
 * href.
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
	struct str key; /* borrowed; ptr is NULL: the slot is free */
	size_t value;
};

/* All zero is an empty table. */
struct plan_index {
	struct plan_slot *slots;
	size_t room; /* a power of two, or 0 */
	size_t n;
};

void plan_index_done(struct plan_index *ix);

/* Makes room for one more plan_index_put().  False without memory. */
bool plan_index_grow(struct plan_index *ix) MUST_USE;

/* The key is borrowed, and must not be in the table yet. */
void plan_index_put(struct plan_index *ix, struct str key, size_t value);

/* The key's value, or PLAN_NOWHERE where it is not in the table. */
size_t plan_index_find(const struct plan_index *ix, struct str key);

#endif
