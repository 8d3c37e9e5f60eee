/* SPDX-License-Identifier: MIT */
/*
 * The dead properties of a resource in memory: sets that never change, shared
 * by counting.  A change makes a new set, so it is done wholly or not at all.
 * NULL is the empty set.  The caller serialises all access.
 */
#ifndef SHEAF_STORE_MEM_PROPS_H
#define SHEAF_STORE_MEM_PROPS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "outcome/prop.h"

struct mem_props;

/*
 * *out: the set that `now` becomes by the changes.  ERR_TOO_LARGE past
 * STORE_PROPS_MAX, ERR_NOMEM.
 */
enum err_code
mem_props_change(const struct mem_props *now, const struct prop_change *changes,
    size_t n, struct mem_props **out, struct err *err) MUST_USE;

/* In order of name, copied into the arena. */
enum err_code mem_props_list(const struct mem_props *set, struct arena *a,
    const struct prop **out, size_t *n, struct err *err) MUST_USE;

/* One more owner. */
struct mem_props *mem_props_ref(struct mem_props *set);

/* One less; the last one frees it. */
void mem_props_unref(struct mem_props *set);

#endif
