/* SPDX-License-Identifier: MIT */
/*
 * Live properties (RFC 4918 s3, s15): those whose value or rules the server
 * has.  One row of props.def each; a new one never needs a new `if`.
 */
#ifndef SHEAF_DAV_PROPS_H
#define SHEAF_DAV_PROPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "dav/op.h"
#include "http/date.h"
#include "http/path.h"
#include "outcome/prop.h"
#include "store/store.h"

enum live_flag {
	LIVE_ON_FILE = 1 << 0,
	LIVE_ON_COLLECTION = 1 << 1,
	LIVE_ALLPROP = 1 << 2,
	LIVE_PROTECTED = 1 << 3,
};

/* The resource whose property is asked for. */
struct subject {
	const struct op *op;
	struct rpath path;
	const struct resource *res;
	bool maybe_locked; /* as struct member has it */
	struct arena *arena; /* for what lives as long as its properties */
};

/* What one property of one resource after the other is made in. */
struct live_memory {
	struct buf text; /* empty, for a getter to fill */
	struct date_memo date; /* as a getter left it */
};

struct live_prop {
	struct prop_name name;
	unsigned flags;
	/*
	 * Sets form and value of *out.  What it makes lives in *mem until that
	 * is given to it again; the failure of the text there is the caller's
	 * to see.  ERR_NOT_FOUND: this resource has no such property.
	 */
	enum err_code (*get)(
	    const struct subject *s, struct live_memory *mem, struct prop *out);
};

/* The row, or NULL where the property would be a dead one. */
const struct live_prop *live_find(struct prop_name name);

/* Every row, in the order of the table. */
const struct live_prop *live_rows(size_t *n);

/*
 * As get(), but ERR_NOT_FOUND as well where the row does not apply, and the
 * text is emptied before and has not failed after.
 */
static inline enum err_code
live_get(const struct live_prop *l, const struct subject *s,
    struct live_memory *mem, struct prop *out)
{
	unsigned on = s->res->collection ? LIVE_ON_COLLECTION : LIVE_ON_FILE;
	enum err_code rc;

	if (!(l->flags & on) || !l->get)
		return ERR_NOT_FOUND;
	buf_clear(&mem->text);
	rc = l->get(s, mem, out);
	return rc ? rc : buf_failed(&mem->text);
}

/*
 * A lock as whoever asks for path, which it covers, is shown it; collection:
 * path is one.  What it points to is the lock's.  By way of a link a root that
 * is not above path may cover it, and the store is asked what that is.
 */
struct prop_lock lock_shown(
    struct store *s, const struct lock *l, struct rpath path, bool collection);

#endif
