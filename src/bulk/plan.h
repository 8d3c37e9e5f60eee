/* SPDX-License-Identifier: MIT */
/*
 * Who waits for whom: what may run side by side and still leave all as if one
 * had run after the other, in order.  Pure: it knows paths, and nothing of
 * requests and stores.
 *
 * One waits for another before it that it depends on, or whose path is the
 * same as its own, above or below it, unless both only read.
 */
#ifndef SHEAF_BULK_PLAN_H
#define SHEAF_BULK_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/path.h"

/* A resource and all below it. */
struct plan_touch {
	struct rpath path;
	bool write;
};

struct plan_item {
	const struct plan_touch *touches;
	size_t n_touches;
	const size_t *after; /* indices of earlier ones */
	size_t n_after;
	bool joined; /* it and the one before are one unit */
};

/* Neighbours that run together, in order: one, or all of a group. */
struct plan_unit {
	size_t first, n; /* items */
};

struct plan;

/* What items point to must outlive the call only. */
enum err_code plan_new(const struct plan_item *items, size_t n,
    struct plan **out, struct err *err) MUST_USE;

/*
 * The first, in order, of those that wait for nobody; false: there is none
 * until more are done, or all are.  plan_take() takes it out.
 */
bool plan_peek(const struct plan *p, struct plan_unit *out) MUST_USE;
void plan_take(struct plan *p);

/* One that was taken is done: who waited for it may be next. */
void plan_done(struct plan *p, const struct plan_unit *u);

/* All were taken. */
bool plan_is_empty(const struct plan *p);

/* How often one item was held against another, or against a path. */
size_t plan_looks(const struct plan *p);

void plan_free(struct plan *p); /* NULL is fine */

#endif
