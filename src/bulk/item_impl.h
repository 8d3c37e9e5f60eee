/* SPDX-License-Identifier: MIT */
/* What item.c and item_headers.c share: an item that is under way. */
#ifndef SHEAF_BULK_ITEM_IMPL_H
#define SHEAF_BULK_ITEM_IMPL_H

#include "bulk/capture.h"
#include "bulk/impl.h"

struct item_exchange {
	struct item_exchange *next; /* of those that are spare */
	struct request req;
	struct header *fields; /* of req */
	struct exchange x;
	struct capture capture;
	const struct method_ops *ops;
	struct bulk_run *r;
	struct task *t;
	struct arena arena; /* of the request; its result is in the task's */
};

/*
 * Makes the header fields as they were sent; the entity tags stand first, so
 * that item_find_tags() finds them again.
 */
enum err_code
item_make_headers(struct item_exchange *ix, struct err *err) MUST_USE;

/* Puts the entity tags in the place of "$id". */
enum err_code item_find_tags(
    const struct task *t, struct item_exchange *ix, struct err *err) MUST_USE;

#endif
