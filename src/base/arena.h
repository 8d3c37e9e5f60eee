/* SPDX-License-Identifier: MIT */
/*
 * Memory that lives and dies together: one arena a request, one an item.
 * All zero is an empty arena.  Not for more than one thread at a time.
 */
#ifndef SHEAF_BASE_ARENA_H
#define SHEAF_BASE_ARENA_H

#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *last;
	size_t used; /* bytes of the last block that are given out */
	/* Bytes of a block, at least; 0: 4 KiB.  arena_done() keeps it. */
	size_t block;
};

/* Releases everything allocated from it. */
void arena_done(struct arena *a);

/*
 * Forgets everything allocated from it and keeps one block, so that an arena
 * cleared for each of a million items stays small and asks for no memory.
 */
void arena_clear(struct arena *a);

/* arena_clear() before a rest: a block of more than 4 KiB is not kept. */
void arena_rest(struct arena *a);

/* Memory that is zeroed and aligned for anything; NULL when it ran out. */
void *arena_alloc(struct arena *a, size_t size) MUST_USE;
void *arena_array(struct arena *a, size_t n, size_t size) MUST_USE;

/*
 * *out: a copy of s, with a NUL behind it that its length does not count.
 * False when memory ran out.
 */
bool arena_str(struct arena *a, struct str s, struct str *out) MUST_USE;

/* One zeroed object of a type. */
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
