/* SPDX-License-Identifier: MIT */
#include "wire/name_set.h"

#include <stdlib.h>

#define FIRST_SLOTS ((size_t)32)
#define KEPT_SLOTS ((size_t)1024)

/* str_hash() with its bits mixed, because names are alike; never 0. */
static uint64_t
hash(struct str name)
{
	uint64_t h = str_hash(name);

	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h ? h : 1;
}

/* The slot with h, or the free one where it belongs. */
static uint64_t *
find(const struct name_set *s, uint64_t h)
{
	size_t i = h & (s->n_slots - 1);

	while (s->slots[i] && s->slots[i] != h)
		i = (i + 1) & (s->n_slots - 1);
	return &s->slots[i];
}

static bool
grow(struct name_set *s)
{
	struct name_set wider = {
		.n_slots = s->n_slots ? s->n_slots * 2 : FIRST_SLOTS,
		.n = s->n,
	};
	size_t i;

	wider.slots = calloc(wider.n_slots, sizeof(*wider.slots));
	if (!wider.slots)
		return false;
	for (i = 0; i < s->n_slots; i++)
		if (s->slots[i])
			*find(&wider, s->slots[i]) = s->slots[i];
	free(s->slots);
	*s = wider;
	return true;
}

enum err_code
name_set_add(struct name_set *s, struct str name, bool *had, struct err *err)
{
	uint64_t h = hash(name);
	uint64_t *slot;

	if (s->n >= s->n_slots / 4 * 3 && !grow(s))
		return err_nomem(err);
	slot = find(s, h);
	*had = *slot == h;
	if (*slot)
		return ERR_OK;
	*slot = h;
	s->n++;
	return ERR_OK;
}

bool
name_set_has(const struct name_set *s, struct str name)
{
	uint64_t h = hash(name);

	return s->n && *find(s, h) == h;
}

void
name_set_clear(struct name_set *s)
{
	if (s->n_slots > KEPT_SLOTS)
		name_set_done(s);
	if (s->n)
		memset(s->slots, 0, s->n_slots * sizeof(*s->slots));
	s->n = 0;
}

void
name_set_done(struct name_set *s)
{
	free(s->slots);
	*s = (struct name_set){ 0 };
}
