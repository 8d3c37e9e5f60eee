/* SPDX-License-Identifier: MIT */
/*
 * How the items of a window are checked: each (check.c), and all (window.c);
 * and what they touch (touch.c).
 */
#ifndef SHEAF_BULK_CHECK_H
#define SHEAF_BULK_CHECK_H

#include "bulk/impl.h"
#include "http/fields.h"
#include "store/spot.h"

struct checking {
	struct bulk_run *r;
	const struct batch_head *head;
	struct task *v;
	size_t n;
	bool big; /* a body comes in pieces, later */
	struct names ids, keys;
	struct buf user; /* what his keys begin with */
	struct names groups; /* so far; the first task of each */
	struct names later_groups; /* all; the same */
	struct rpath *adrift; /* where something is moved to, links and all */
	size_t n_adrift;
	struct store_spot *spots; /* two of each task: touch.c */
};

/*
 * ERR_BAD_REQUEST, told as "/operations/7/url: is missing (id)", where field is
 * a member of the operation.
 */
enum err_code wrong(const struct task *t, struct err *err, const char *field,
    const char *what, ...) PRINTF_LIKE(4, 5);

/* Has t wait for another, earlier one. */
enum err_code add_after(struct checking *c, struct task *t,
    const struct task *other, struct err *err) MUST_USE;

/* To be called when the ids and groups of all items are known. */
enum err_code
check_item(struct checking *c, struct task *t, struct err *err) MUST_USE;

/* To be called when all are checked: finds where their paths lead. */
enum err_code find_spots(struct checking *c, struct err *err) MUST_USE;

/*
 * Finds what t touches, when find_spots() was called, and this for all before
 * it.
 */
enum err_code
find_touches(struct checking *c, struct task *t, struct err *err) MUST_USE;

/* What is at `rest` (encoded, with its slash; or empty) below base. */
enum err_code ref_path(struct arena *a, struct rpath base, struct str rest,
    struct rpath *out, bool *slash, struct err *err) MUST_USE;

#endif
