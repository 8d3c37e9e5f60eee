/* SPDX-License-Identifier: MIT */
/*
 * Which names an object has had, of any length, at eight bytes each and more:
 * their hashes are kept.  That two of a million different names are taken for
 * one happens once in some ten million such objects.
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

/* *had: whether it was in it before.  ERR_NOMEM. */
enum err_code name_set_add(
    struct name_set *s, struct str name, bool *had, struct err *err) MUST_USE;

bool name_set_has(const struct name_set *s, struct str name);

/* Forgets all; keeps some memory. */
void name_set_clear(struct name_set *s);

void name_set_done(struct name_set *s);

#endif
