/* SPDX-License-Identifier: MIT */
/*
 * What is known of the operations of a batch that came last: for those that
 * wait for them or refer to what they left.  So many and no more: memory does
 * not grow with the batch.
 */
#ifndef SHEAF_CLIENT_BULK_KNOWN_H
#define SHEAF_CLIENT_BULK_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* As far back a stream may refer (wire/batch_limits.def). */
#define BULK_KNOWN 10000u

enum known_state {
	KNOWN_PENDING,
	KNOWN_DONE,
	KNOWN_FAILED, /* or unknown, or not begun: nothing can wait for it */
};

struct known {
	struct str id;
	enum known_state state;
	struct str etag, href; /* that it left */
};

struct bulk_known;

/* At most `most` operations and as many groups.  ERR_NOMEM. */
enum err_code
bulk_known_new(size_t most, struct bulk_known **out, struct err *err) MUST_USE;
void bulk_known_free(struct bulk_known *k); /* NULL is fine */

/*
 * An operation comes: id may be empty, and group.  ERR_EXISTS, with err->tell:
 * the id was there before, or the group was and it is no neighbour of it.
 */
enum err_code bulk_known_add(struct bulk_known *k, struct str id,
    struct str group, struct err *err) MUST_USE;

/* What became of it.  What was forgotten meanwhile is passed over. */
enum err_code
bulk_known_settle(struct bulk_known *k, struct str id, struct str group,
    bool done, struct str etag, struct str href, struct err *err) MUST_USE;

/* An operation, or else a group, of this name; NULL: none that is known. */
const struct known *bulk_known_find(const struct bulk_known *k, struct str id);

#endif
