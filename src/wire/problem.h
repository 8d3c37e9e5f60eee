/* SPDX-License-Identifier: MIT */
/* Problem details (RFC 9457), for an answer and for one result in it. */
#ifndef SHEAF_WIRE_PROBLEM_H
#define SHEAF_WIRE_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/condition.h"

/*
 * Appends {"type": "urn:sheaf:problem:not-found", "title": ..., "status": ...,
 * "detail": ..., "resource": HREF}; no detail where it is empty, and the
 * resource that is the cause only where the condition is one that tells it.  A
 * failure that is nothing but its status (why is ERR_OK) has no type of its own
 * (RFC 9457 s4.2.1).
 */
void problem_put(struct buf *b, enum err_code why, unsigned status,
    struct str detail, const struct cause *cause);

#endif
