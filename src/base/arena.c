/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>

#define ARENA_BLOCK ((size_t)4096)

struct arena_block {
	struct arena_block *before;
	size_t size;
	alignas(max_align_t) char bytes[];
};

void
arena_done(struct arena *a)
{
	struct arena_block *b = a->last;

	while (b) {
		struct arena_block *before = b->before;

		free(b);
		b = before;
	}
	*a = (struct arena){ .block = a->block };
}

void
arena_clear(struct arena *a)
{
	struct arena_block *keep = a->last;

	if (!keep)
		return;
	a->last = keep->before;
	arena_done(a);
	keep->before = NULL;
	a->last = keep;
}

void
arena_rest(struct arena *a)
{
	arena_clear(a);
	if (a->last && a->last->size > ARENA_BLOCK)
		arena_done(a);
}

static bool
arena_grow(struct arena *a, size_t size)
{
	size_t least = a->block ? a->block : ARENA_BLOCK;
	size_t room = size > least ? size : least;
	struct arena_block *b;

	if (__builtin_add_overflow(room, sizeof(*b), &room))
		return false;
	b = malloc(room);
	if (!b)
		return false;
	b->size = room - sizeof(*b);
	b->before = a->last;
	a->last = b;
	a->used = 0;
	return true;
}

static char *
take(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	char *p;

	if (__builtin_add_overflow(size, align - 1, &size))
		return NULL;
	size &= ~(align - 1);
	if ((!a->last || a->last->size - a->used < size) &&
	    !arena_grow(a, size))
		return NULL;
	p = a->last->bytes + a->used;
	a->used += size;
	assert(a->used <= a->last->size);
	return p;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	char *p = take(a, size);

	return p ? memset(p, 0, size) : NULL;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		return NULL;
	return arena_alloc(a, all);
}

bool
arena_str(struct arena *a, struct str s, struct str *out)
{
	char *copy = take(a, s.len + 1);

	if (!copy)
		return false;
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	*out = str_of(copy, s.len);
	return true;
}
