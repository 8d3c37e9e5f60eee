/* SPDX-License-Identifier: MIT */
/*
 * A sink that keeps copies of the outcomes, and of all that they point to, in
 * an arena.  Memory grows with their number, so it is for
 * tests and for operations on few resources.
 */
#ifndef SHEAF_OUTCOME_COLLECTOR_H
#define SHEAF_OUTCOME_COLLECTOR_H

#include "base/arena.h"
#include "outcome/sink.h"

struct collector {
	struct sink base;
	struct arena *arena; /* borrowed; owns the copies */
	struct outcome *items; /* n of them; they may move with each put */
	size_t n;
	size_t room; /* for how many items there is memory */
	bool ended; /* sink_end() was called */
};

struct sink *collector_init(struct collector *c, struct arena *a);

/* A copy that lives as long as the arena.  False when memory ran out. */
bool outcome_copy(
    struct arena *a, const struct outcome *o, struct outcome *out) MUST_USE;

#endif
