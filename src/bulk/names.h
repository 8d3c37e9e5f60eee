/* SPDX-License-Identifier: MIT */
/*
 * Names, and what each stands for: ids of operations and of groups.  All zero
 * is an empty set.
 */
#ifndef SHEAF_BULK_NAMES_H
#define SHEAF_BULK_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "http/path.h"
#include "store/store.h"

struct name {
	struct str s; /* ptr NULL: a free slot */
	void *value;
};

struct names {
	struct name *slots;
	size_t n_slots; /* a power of two, or 0 */
	size_t n;
};

/*
 * Where its value is, NULL where it is new; borrows the name.  NULL: memory ran
 * out.
 */
void **names_add(struct names *s, struct str name) MUST_USE;

/* NULL: it is not there. */
void *names_find(const struct names *s, struct str name);

void names_done(struct names *s);

/* What later operations may want to know of one. */
struct left {
	bool failed;
	struct str caused_by; /* of one that failed: the id that is to blame */
	bool is_group; /* the name is a group's, and there is nothing more */
	struct str etag; /* empty: none */
	struct rpath at; /* where it is, or what it made */
};

/*
 * What the operations of earlier windows left: of the last so many at least,
 * and of no more than twice as many.
 */
struct past {
	struct generation {
		struct arena arena;
		struct names names;
	} now, before;
	size_t keep; /* 0: nothing */
};

/* Copied; a name that is there already stands for the new one. */
bool past_add(struct past *p, struct str name, const struct left *l) MUST_USE;

/* Until the next past_add(); NULL: it is not known (any more). */
const struct left *past_find(const struct past *p, struct str name);

void past_done(struct past *p);

#endif
