/* SPDX-License-Identifier: MIT */
/*
 * Remembers which strings have been seen, and a number with each.  Instead of
 * the string a hash is kept, which is so long that no two strings are taken for
 * the same.  All zero is one that has seen nothing.
 */
#ifndef SHEAF_WIRE_ONCE_H
#define SHEAF_WIRE_ONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct once_entry {
	uint64_t hash[2]; /* both 0: a free place */
	uint64_t value;
};

struct once {
	struct once_entry *v;
	size_t n, cap; /* cap: a power of two, or 0 */
};

void once_done(struct once *o);

/* Forgets all of it and keeps the memory, unless that is large. */
void once_clear(struct once *o);

/* The hash that stands for a key. */
void once_hash(struct str key, uint64_t hash[2]);

/* The number that was remembered, to be read or changed; NULL: not seen. */
uint64_t *once_find(const struct once *o, const uint64_t hash[2]);

/*
 * *seen: NULL if the key is new, and is remembered now with value; else the
 * number remembered before, until the next once_put().  ERR_NOMEM;
 * ERR_TOO_LARGE where max keys are remembered and this is another.
 */
enum err_code once_put(struct once *o, struct str key, uint64_t value,
    size_t max, uint64_t **seen) MUST_USE;

#endif
