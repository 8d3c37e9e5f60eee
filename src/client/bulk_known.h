/* SPDX-License-Identifier: MIT */
/*
 * What became of the last operations of a batch, for those that wait for them
 * or refer to what they left.  Older ones are forgotten, so that memory does
 * not grow with the batch.
 */
#ifndef SHEAF_CLIENT_BULK_KNOWN_H
#define SHEAF_CLIENT_BULK_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* So many operations back a stream may refer (wire/batch_limits.def). */
#define BULK_KNOWN 10000u

enum known_state {
	KNOWN_PENDING,
	KNOWN_DONE,
	KNOWN_FAILED, /* or unknown, or not begun: what waits for it fails */
};

struct known {
	struct str id;
	enum known_state state;
	struct str etag, href; /* of the resource that it left; or empty */
};

struct bulk_known;

/* At most `most` operations and as many groups.  ERR_NOMEM. */
enum err_code
bulk_known_new(size_t most, struct bulk_known **out, struct err *err) MUST_USE;
void bulk_known_free(struct bulk_known *k); /* NULL is fine */

/*
 * Adds an operation that is not done yet; id and group may be empty.
 * ERR_EXISTS, with err->tell: the id is in use already, or the group was and
 * operations outside it came since.
 */
enum err_code bulk_known_add(struct bulk_known *k, struct str id,
    struct str group, struct err *err) MUST_USE;

/* Says what became of an operation; one that was forgotten is passed over. */
enum err_code
bulk_known_settle(struct bulk_known *k, struct str id, struct str group,
    bool done, struct str etag, struct str href, struct err *err) MUST_USE;

/* The operation, or else the group, of this name; NULL: none is known. */
const struct known *bulk_known_find(const struct bulk_known *k, struct str id);

#endif
