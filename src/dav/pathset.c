/* SPDX-License-Identifier: MIT */
#include "dav/pathset.h"

#include <stdlib.h>

#define SLOTS_FIRST 64

static size_t
hash(struct str s)
{
	uint64_t h = str_hash(s);

	return (size_t)(h ^ (h >> 32));
}

/* Where it is, or the free slot where it would be. */
static struct str *
find(struct str *slots, size_t n_slots, struct str path)
{
	size_t i = hash(path) & (n_slots - 1);

	while (slots[i].len && !str_eq(slots[i], path))
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

static bool
grow(struct pathset *s)
{
	size_t n_slots = s->n_slots ? s->n_slots * 2 : SLOTS_FIRST;
	struct str *slots = calloc(n_slots, sizeof(*slots));
	size_t i;

	if (!slots)
		return false;
	for (i = 0; i < s->n_slots; i++)
		if (s->slots[i].len)
			*find(slots, n_slots, s->slots[i]) = s->slots[i];
	free(s->slots);
	s->slots = slots;
	s->n_slots = n_slots;
	return true;
}

enum err_code
pathset_add(struct pathset *s, struct rpath path, struct err *err)
{
	struct str *slot;

	if (pathset_has(s, path))
		return ERR_OK;
	if (s->n == PATHSET_MAX)
		return err_tell(err, ERR_CANCELLED,
		    "more than %d collections failed", PATHSET_MAX);
	/* Never more than half full, so that find() finds a free one. */
	if (s->n * 2 >= s->n_slots && !grow(s))
		return err_nomem(err);
	slot = find(s->slots, s->n_slots, path.s);
	if (!arena_str(&s->arena, path.s, slot))
		return err_nomem(err);
	s->n++;
	return ERR_OK;
}

bool
pathset_has(const struct pathset *s, struct rpath path)
{
	return s->n && find(s->slots, s->n_slots, path.s)->len;
}

bool
pathset_covers(const struct pathset *s, struct rpath path)
{
	if (!s->n)
		return false;
	while (!pathset_has(s, path)) {
		if (rpath_is_root(path))
			return false;
		path = rpath_parent(path);
	}
	return true;
}

void
pathset_done(struct pathset *s)
{
	free(s->slots);
	arena_done(&s->arena);
	*s = (struct pathset){ 0 };
}
