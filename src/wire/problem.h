/* SPDX-License-Identifier: MIT */
/* Problem details (RFC 9457), for an answer and for one result in it. */
#ifndef SHEAF_WIRE_PROBLEM_H
#define SHEAF_WIRE_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends {"type": "urn:sheaf:problem:not-found", "title": ..., "status": ...,
 * "detail": ...}; no detail where it is empty.  A failure that is nothing but
 * its status (why is ERR_OK) has no type of its own (RFC 9457 s4.2.1).
 */
void problem_put(
    struct buf *b, enum err_code why, unsigned status, struct str detail);

#endif
