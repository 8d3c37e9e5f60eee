/* SPDX-License-Identifier: MIT */
/*
 * The properties of an item, as our own writers send them (bulk-api.md), made
 * propstats again; for json_item.c.
 */
#ifndef SHEAF_WIRE_JSON_PROPS_H
#define SHEAF_WIRE_JSON_PROPS_H

#include "outcome/outcome.h"
#include "wire/json_found.h"

/*
 * Sets the propstats of o from "props", "propErrors" and "propstats"; all in
 * the arena or in the item.  Text that is an element of the property's own name
 * becomes PROP_XML; what the form of a value does not tell (an href, locks)
 * becomes PROP_TEXT.  ERR_NOMEM.
 */
enum err_code json_props_read(struct arena *a, const struct json_found *f,
    struct outcome *o, struct err *err) MUST_USE;

/*
 * A string that is a DAV:error element with something in it (RFC 4918 s14.5);
 * else *out is empty.  ERR_NOMEM.
 */
enum err_code
json_dav_error(const json_t *v, struct str *out, struct err *err) MUST_USE;

#endif
