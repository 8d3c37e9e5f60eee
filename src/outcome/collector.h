/* SPDX-License-Identifier: MIT */
/*
 * A sink that keeps what it is given: copies of the outcomes, all they point
 * to included, in an arena.  Memory grows with their number, so it is for
 * tests and for operations on few resources.
 */
#ifndef SHEAF_OUTCOME_COLLECTOR_H
#define SHEAF_OUTCOME_COLLECTOR_H

#include "base/arena.h"
#include "outcome/sink.h"

struct collector {
	struct sink base;
	struct arena *arena; /* borrowed; owns the copies */
	struct outcome *items; /* may move with each put */
	size_t n;
	size_t room;
	bool ended;
};

struct sink *collector_init(struct collector *c, struct arena *a);

/* A copy that lives as long as the arena.  False when memory ran out. */
bool outcome_copy(
    struct arena *a, const struct outcome *o, struct outcome *out) MUST_USE;

#endif
