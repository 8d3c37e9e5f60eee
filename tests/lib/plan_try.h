/* SPDX-License-Identifier: MIT */
/*
 * Items for a planner as text, a line for each: "r/a w/b +0 &" reads /a, writes
 * /b, waits for item 0 and is one unit with the item before it.
 */
#ifndef SHEAF_TESTS_PLAN_TRY_H
#define SHEAF_TESTS_PLAN_TRY_H

#include "bulk/plan.h"

#define PLAN_TRY_MAX 96

struct plan_try {
	struct plan_item items[PLAN_TRY_MAX];
	struct plan_touch touches[PLAN_TRY_MAX][4];
	size_t after[PLAN_TRY_MAX][4];
	size_t n;
};

/* Reads items; a line that is none is passed over. */
void plan_try_read(struct plan_try *t, struct str text);

/* Whether item b must wait for a, which comes before it, by the words. */
bool plan_try_waits(const struct plan_try *t, size_t a, size_t b);

/*
 * Runs them, up to four units at once, which end in an order that seed
 * decides.  NULL, or what was not as it must be.
 */
const char *plan_try_run(const struct plan_try *t, uint64_t seed);

#endif
