/* SPDX-License-Identifier: MIT */
#include "wire/once.h"

#include <nettle/sha2.h>
#include <stdlib.h>

#define FIRST_CAP ((size_t)64)
#define KEPT_CAP ((size_t)4096)

/*
 * Half of a SHA-256, so that those who write the strings cannot have them
 * collide; never 0, which marks a free place.
 */
void
once_hash(struct str key, uint64_t hash[2])
{
	struct sha256_ctx c;
	uint8_t digest[16];

	sha256_init(&c);
	if (key.len)
		sha256_update(&c, key.len, (const uint8_t *)key.ptr);
	sha256_digest(&c, sizeof(digest), digest);
	memcpy(hash, digest, sizeof(digest));
	if (!hash[0] && !hash[1])
		hash[1] = 1;
}

static bool
is_free(const struct once_entry *e)
{
	return !e->hash[0] && !e->hash[1];
}

/* The entry with this hash, or the free one for it; there is a free one. */
static struct once_entry *
place_of(struct once_entry *v, size_t cap, const uint64_t hash[2])
{
	size_t i = (size_t)hash[0] & (cap - 1);

	while (!is_free(&v[i]) &&
	    (v[i].hash[0] != hash[0] || v[i].hash[1] != hash[1]))
		i = (i + 1) & (cap - 1);
	return &v[i];
}

static enum err_code
grow(struct once *o)
{
	size_t cap = o->cap ? o->cap * 2 : FIRST_CAP;
	struct once_entry *more = calloc(cap, sizeof(*more));
	size_t i;

	if (!more)
		return ERR_NOMEM;
	for (i = 0; i < o->cap; i++)
		if (!is_free(&o->v[i]))
			*place_of(more, cap, o->v[i].hash) = o->v[i];
	free(o->v);
	o->v = more;
	o->cap = cap;
	return ERR_OK;
}

void
once_done(struct once *o)
{
	free(o->v);
	*o = (struct once){ 0 };
}

void
once_clear(struct once *o)
{
	if (o->cap > KEPT_CAP) {
		once_done(o);
		return;
	}
	if (o->n)
		memset(o->v, 0, o->cap * sizeof(*o->v));
	o->n = 0;
}

uint64_t *
once_find(const struct once *o, const uint64_t hash[2])
{
	struct once_entry *e;

	if (!o->n)
		return NULL;
	e = place_of(o->v, o->cap, hash);
	return is_free(e) ? NULL : &e->value;
}

enum err_code
once_put(
    struct once *o, struct str key, uint64_t value, size_t max, uint64_t **seen)
{
	struct once_entry *e;
	uint64_t hash[2];

	*seen = NULL;
	if (o->n >= o->cap / 4 * 3 && grow(o))
		return ERR_NOMEM;
	once_hash(key, hash);
	e = place_of(o->v, o->cap, hash);
	if (!is_free(e)) {
		*seen = &e->value;
		return ERR_OK;
	}
	if (o->n >= max)
		return ERR_TOO_LARGE;
	e->hash[0] = hash[0];
	e->hash[1] = hash[1];
	e->value = value;
	o->n++;
	return ERR_OK;
}
