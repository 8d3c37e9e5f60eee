/* SPDX-License-Identifier: MIT */
/*
 * Reads the locks that a server tells of: DAV:lockdiscovery (RFC 4918 s15.8).
 */
#ifndef SHEAF_WIRE_LOCKS_READ_H
#define SHEAF_WIRE_LOCKS_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* As it was told; what is empty was not. */
struct told_lock {
	struct str token; /* a URI */
	struct str root; /* an href */
	struct str owner; /* its text */
	bool shared; /* else exclusive */
	bool deep; /* Depth: infinity */
	bool infinite; /* it does not end by itself */
	uint64_t seconds; /* that are left; 0: not said */
};

/*
 * xml: a DAV:lockdiscovery, or a DAV:prop with one in it (the body of an answer
 * to LOCK).  All in the arena.  ERR_BAD_BODY where it is neither; ERR_NOMEM.
 */
enum err_code locks_read(struct arena *a, struct str xml,
    const struct told_lock **locks, size_t *n, struct err *err) MUST_USE;

#endif
