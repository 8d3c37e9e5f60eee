/* SPDX-License-Identifier: MIT */
/*
 * Remembers which names an object has had, by hashes of eight bytes.  That two
 * of a million different names are taken for the same happens once in some ten
 * million such objects.
 */
#ifndef SHEAF_WIRE_NAME_SET_H
#define SHEAF_WIRE_NAME_SET_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* All zero is an empty set. */
struct name_set {
	uint64_t *slots; /* 0: free */
	size_t n_slots; /* a power of two, or 0 */
	size_t n;
};

/* Adds a name; *had: it was in the set before.  ERR_NOMEM. */
enum err_code name_set_add(
    struct name_set *s, struct str name, bool *had, struct err *err) MUST_USE;

bool name_set_has(const struct name_set *s, struct str name);

/* Forgets all names; keeps the memory unless it is large. */
void name_set_clear(struct name_set *s);

void name_set_done(struct name_set *s);

#endif
