/* SPDX-License-Identifier: MIT */
#include "bulk/names.h"

#include <stdint.h>
#include <stdlib.h>

#define SLOTS_FIRST ((size_t)64)

static struct name *
find(struct name *slots, size_t n_slots, struct str name)
{
	uint64_t h = str_hash(name);
	size_t i = (size_t)(h ^ (h >> 32)) & (n_slots - 1);

	while (slots[i].s.ptr && !str_eq(slots[i].s, name))
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

static bool
grow(struct names *s)
{
	size_t n_slots = s->n_slots ? s->n_slots * 2 : SLOTS_FIRST;
	struct name *slots = calloc(n_slots, sizeof(*slots));
	size_t i;

	if (!slots)
		return false;
	for (i = 0; i < s->n_slots; i++)
		if (s->slots[i].s.ptr)
			*find(slots, n_slots, s->slots[i].s) = s->slots[i];
	free(s->slots);
	s->slots = slots;
	s->n_slots = n_slots;
	return true;
}

void **
names_add(struct names *s, struct str name)
{
	struct name *slot;

	/* Never more than half full, so that find() finds a free one. */
	if (s->n * 2 >= s->n_slots && !grow(s))
		return NULL;
	if (!name.ptr)
		name = STR("");
	slot = find(s->slots, s->n_slots, name);
	if (!slot->s.ptr) {
		slot->s = name;
		s->n++;
	}
	return &slot->value;
}

void *
names_find(const struct names *s, struct str name)
{
	return s->n ? find(s->slots, s->n_slots, name)->value : NULL;
}

void
names_done(struct names *s)
{
	free(s->slots);
	*s = (struct names){ 0 };
}

static void
generation_done(struct generation *g)
{
	names_done(&g->names);
	arena_done(&g->arena);
}

static struct left *
copy_left(struct arena *a, const struct left *l)
{
	struct left *copy = ARENA_NEW(a, struct left);

	if (!copy)
		return NULL;
	*copy = *l;
	return arena_str(a, l->caused_by, &copy->caused_by) &&
		arena_str(a, l->etag, &copy->etag) &&
		arena_str(a, l->at.s, &copy->at.s)
	    ? copy
	    : NULL;
}

bool
past_add(struct past *p, struct str name, const struct left *l)
{
	struct left *copy;
	void **value;

	if (!p->keep)
		return true;
	if (p->now.names.n >= p->keep) {
		generation_done(&p->before);
		p->before = p->now;
		p->now = (struct generation){ 0 };
	}
	copy = copy_left(&p->now.arena, l);
	if (!copy || !arena_str(&p->now.arena, name, &name))
		return false;
	value = names_add(&p->now.names, name);
	if (value)
		*value = copy;
	return value != NULL;
}

const struct left *
past_find(const struct past *p, struct str name)
{
	const struct left *l = names_find(&p->now.names, name);

	return l ? l : names_find(&p->before.names, name);
}

void
past_done(struct past *p)
{
	generation_done(&p->now);
	generation_done(&p->before);
	*p = (struct past){ 0 };
}
