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

/* As they were sent; the tags stand first, so that they are found again. */
enum err_code
item_make_headers(struct item_exchange *ix, struct err *err) MUST_USE;

/* "$id" as the entity tag that it stands for. */
enum err_code item_find_tags(
    const struct task *t, struct item_exchange *ix, struct err *err) MUST_USE;

#endif
