/* SPDX-License-Identifier: MIT */
#include "store/state_held_list.h"

#include <stdlib.h>

/* A number that follows no other in a way that matters. */
static uint32_t
next_random(struct held_locks *h)
{
	uint32_t r = atomic_fetch_add_explicit(
	    &h->seed, UINT32_C(0x9e3779b9), memory_order_relaxed);

	r = (r ^ (r >> 16)) * UINT32_C(0x85ebca6b);
	r = (r ^ (r >> 13)) * UINT32_C(0xc2b2ae35);
	return r ^ (r >> 16);
}

/* One in four has a level more than the others. */
static size_t
random_levels(struct held_locks *h)
{
	return 1 +
	    (size_t)__builtin_ctz(next_random(h) | UINT32_C(1) << 30) / 2;
}

struct held *
held_new(struct held_locks *h, const struct lock *l)
{
	size_t levels = random_levels(h);
	size_t bytes = sizeof(struct held) + levels * sizeof(struct held *) +
	    l->root.s.len + l->token.len + l->owner.len + l->user.len;
	struct held *e = malloc(bytes);
	char *at;

	if (!e)
		return NULL;
	*e = (struct held){ .lock = *l, .bytes = bytes, .levels = levels };
	at = (char *)&e->next[levels];
	e->lock.root.s = str_copy(&at, l->root.s);
	e->lock.token = str_copy(&at, l->token);
	e->lock.owner = str_copy(&at, l->owner);
	e->lock.user = str_copy(&at, l->user);
	return e;
}

static bool
is_before(const struct held *e, const struct held_key *k)
{
	struct str root = e->lock.root.s;
	int order;

	if (!k->below) {
		order = str_cmp(root, k->root);
		return order < 0 ||
		    (order == 0 && str_cmp(e->lock.token, k->token) < 0);
	}
	order = str_cmp(str_head(root, k->root.len), k->root);
	return order < 0 ||
	    (order == 0 &&
		(root.len == k->root.len ||
		    (unsigned char)root.ptr[k->root.len] < '/'));
}

void
held_find(struct held_locks *h, const struct held_key *k,
    struct held **at[static HELD_LEVELS])
{
	struct held **from = h->first;
	size_t level;

	/* All of it, for gcc's analyzer, which loses count below. */
	for (level = 0; level < HELD_LEVELS; level++)
		at[level] = &from[level];
	level = h->levels;
	while (level-- > 0) {
		while (from[level] && is_before(from[level], k))
			from = from[level]->next;
		at[level] = &from[level];
	}
}

const struct held *
held_first_from(const struct held_locks *h, const struct held_key *k)
{
	struct held *const *from = h->first;
	size_t level = h->levels;

	while (level-- > 0)
		while (from[level] && is_before(from[level], k))
			from = from[level]->next;
	return from[0];
}

void
held_insert(struct held_locks *h, struct held *e)
{
	struct held **at[HELD_LEVELS];
	size_t i;

	if (e->levels > h->levels) /* the first of many need no more */
		e->levels = ++h->levels;
	held_find(
	    h, &(struct held_key){ e->lock.root.s, false, e->lock.token }, at);
	for (i = 0; i < e->levels; i++) {
		e->next[i] = *at[i];
		*at[i] = e;
	}
	h->bytes += e->bytes;
}

bool
held_is_root(const struct held *e, struct rpath root)
{
	return e && rpath_eq(e->lock.root, root);
}

void
held_free(struct held *e)
{
	free(e);
}

void
held_unlink(struct held_locks *h, struct held **at[static HELD_LEVELS])
{
	struct held *e = *at[0];
	size_t i;

	for (i = 0; i < e->levels; i++)
		*at[i] = e->next[i];
	h->bytes -= e->bytes;
	held_free(e);
}

struct held_key
held_key_below(struct rpath root)
{
	return (struct held_key){
		.root = rpath_is_root(root) ? str_of("", 0) : root.s,
		.below = true,
	};
}

struct held *
held_find_one(struct held_locks *h, const struct lock *l,
    struct held **at[static HELD_LEVELS])
{
	struct held *e;

	held_find(h, &(struct held_key){ l->root.s, false, l->token }, at);
	e = *at[0];
	return held_is_root(e, l->root) && str_eq(e->lock.token, l->token)
	    ? e
	    : NULL;
}
