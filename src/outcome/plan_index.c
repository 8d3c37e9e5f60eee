/* SPDX-License-Identifier: MIT */
#include "outcome/plan_index.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_ROOM ((size_t)16)

void
plan_index_done(struct plan_index *ix)
{
	free(ix->slots);
	*ix = (struct plan_index){ 0 };
}

/* The keys are the program's own: nobody chooses them to collide. */
static uint64_t
hash(struct str s)
{
	uint64_t h = str_hash(s);

	return h ^ h >> 32;
}

/* The slot that the key is in, or would be put into. */
static struct plan_slot *
slot_of(struct plan_slot *slots, size_t room, struct str key)
{
	size_t i = (size_t)hash(key) & (room - 1);

	while (slots[i].key.ptr && !str_eq(slots[i].key, key))
		i = (i + 1) & (room - 1);
	return &slots[i];
}

bool
plan_index_grow(struct plan_index *ix)
{
	size_t room = ix->room ? ix->room * 2 : FIRST_ROOM;
	struct plan_slot *slots;
	size_t i;

	if (ix->n + 1 <= ix->room / 2)
		return true;
	slots = calloc(room, sizeof(*slots));
	if (!slots)
		return false;
	for (i = 0; i < ix->room; i++)
		if (ix->slots[i].key.ptr)
			*slot_of(slots, room, ix->slots[i].key) = ix->slots[i];
	free(ix->slots);
	ix->slots = slots;
	ix->room = room;
	return true;
}

void
plan_index_put(struct plan_index *ix, struct str key, size_t value)
{
	struct plan_slot *s;

	assert(key.ptr);
	assert(ix->n < ix->room);
	s = slot_of(ix->slots, ix->room, key);
	assert(!s->key.ptr);
	*s = (struct plan_slot){ key, value };
	ix->n++;
}

size_t
plan_index_find(const struct plan_index *ix, struct str key)
{
	const struct plan_slot *s;

	if (!ix->room)
		return PLAN_NOWHERE;
	s = slot_of(ix->slots, ix->room, key);
	return s->key.ptr ? s->value : PLAN_NOWHERE;
}
