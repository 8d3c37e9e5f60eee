/* SPDX-License-Identifier: MIT */
/*
 * Reads what an answer that is a failure says of itself in its body: DAV:error
 * (RFC 4918 s16) or problem details (RFC 9457).  Pages for browsers say
 * nothing that could be relied on.
 */
#ifndef SHEAF_WIRE_ERROR_READ_H
#define SHEAF_WIRE_ERROR_READ_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "outcome/prop.h"

/* What is empty was not said; everything in the arena. */
struct error_read {
	struct prop_name condition; /* the first element but for sentences */
	struct str href; /* in it, as it was sent: the resource to blame */
	struct str sentence; /* for people */
	struct str problem_type;
	struct str xml; /* the DAV:error element as it was sent */
};

/*
 * Reads a body.  One that is neither, or is malformed, leaves *out empty; only
 * ERR_NOMEM is a failure.
 */
enum err_code error_read(struct arena *a, struct str content_type,
    struct str body, struct error_read *out, struct err *err) MUST_USE;

#endif
