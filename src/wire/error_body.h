/* SPDX-License-Identifier: MIT */
/*
 * The body of an answer that is a failure as a whole: DAV:error with the
 * RFC's precondition element (RFC 4918 s16) or problem+json (RFC 9457), the
 * same facts in both.
 */
#ifndef SHEAF_WIRE_ERROR_BODY_H
#define SHEAF_WIRE_ERROR_BODY_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/condition.h"

enum error_form { ERROR_XML, ERROR_PROBLEM };

/* "application/xml; charset=utf-8" or "application/problem+json" */
struct str error_media_type(enum error_form f);

/*
 * Appends it.  Of err only code and tell are used; why is not for the wire.
 * cause: written where the condition names the resource.
 */
void error_body_put(struct buf *b, enum error_form f, const struct err *err,
    const struct cause *cause);

#endif
