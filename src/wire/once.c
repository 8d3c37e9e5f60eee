/* SPDX-License-Identifier: MIT */
#include "wire/once.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

#define FIRST_CAP ((size_t)64)
#define KEPT_CAP ((size_t)4096)

void
once_secret_init(struct once_secret *secret)
{
	/* Where there is no randomness yet, what is hard to guess from afar. */
	*secret = (struct once_secret){ { (uint64_t)clock_now(),
	    (uint64_t)(uintptr_t)secret } };
	(void)!getrandom(secret->k, sizeof(secret->k), GRND_NONBLOCK);
}

static uint64_t
rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void
sip_rounds(uint64_t v[4], unsigned n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32) + v[3];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t
little_endian(const char *bytes, size_t n)
{
	uint64_t word = 0;

	while (n--)
		word = word << 8 | (unsigned char)bytes[n];
	return word;
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

void
once_hash(const struct once_secret *secret, struct str key, uint64_t hash[2])
{
	const uint64_t k0 = secret->k[0], k1 = secret->k[1];
	uint64_t v[4] = {
		k0 ^ 0x736f6d6570736575,
		k1 ^ 0x646f72616e646f6d ^ 0xee,
		k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573,
	};
	uint64_t last = (uint64_t)key.len << 56;

	for (; key.len >= 8; key = str_skip(key, 8))
		sip_word(v, little_endian(key.ptr, 8));
	sip_word(v, last | little_endian(key.ptr, key.len));
	v[2] ^= 0xee;
	sip_rounds(v, 4);
	hash[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	sip_rounds(v, 4);
	hash[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
	if (!hash[0] && !hash[1]) /* a free place */
		hash[1] = 1;
}

static bool
is_free(const struct once_entry *e)
{
	return !e->hash[0] && !e->hash[1];
}

/* Its place, or the free one where it would be; cap is not 0, nor is it full.
 */
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
once_put(struct once *o, const struct once_secret *secret, struct str key,
    uint64_t value, size_t max, uint64_t **seen)
{
	struct once_entry *e;
	uint64_t hash[2];

	*seen = NULL;
	if (o->n >= o->cap / 4 * 3 && grow(o))
		return ERR_NOMEM;
	once_hash(secret, key, hash);
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
