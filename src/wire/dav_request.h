/* SPDX-License-Identifier: MIT */
/* Writes the XML bodies of the requests that a client sends. */
#ifndef SHEAF_WIRE_DAV_REQUEST_H
#define SHEAF_WIRE_DAV_REQUEST_H

#include "base/attr.h"
#include "base/buf.h"
#include "outcome/prop.h"

/* "application/xml; charset=utf-8" */
struct str dav_request_media_type(void);

/*
 * DAV:propfind (RFC 4918 s14.20) for the properties named; or for all, and
 * beside them those named, as DAV:include.
 */
void propfind_request_put(
    struct buf *b, bool all, const struct prop_name *names, size_t n);

/* DAV:propertyupdate (s14.19), in the order of the changes. */
void proppatch_request_put(
    struct buf *b, const struct prop_change *changes, size_t n);

/* DAV:lockinfo (s14.11) for a write lock; owner: text, or empty. */
void lockinfo_request_put(struct buf *b, bool shared, struct str owner);

/*
 * The value of a property as a person writes it: text, or, where it begins
 * with '<', what stands in the property's element, which must be well-formed
 * and declare its prefixes but D for DAV:.  The element goes into b, which p
 * borrows from.  ERR_BAD_BODY with what is wrong, ERR_NOMEM.
 */
enum err_code prop_value_read(struct prop_name name, struct str value,
    struct buf *b, struct prop *p, struct err *err) MUST_USE;

#endif
