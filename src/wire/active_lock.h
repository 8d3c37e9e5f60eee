/* SPDX-License-Identifier: MIT */
/* Locks as clients are shown them, and the body that answers a LOCK. */
#ifndef SHEAF_WIRE_ACTIVE_LOCK_H
#define SHEAF_WIRE_ACTIVE_LOCK_H

#include "base/buf.h"
#include "outcome/prop.h"

/*
 * Appends DAV:activelock (RFC 4918 s14.1), with the prefix D for DAV:.
 * href_prefix: stands in front of the path of the lock's root; it needs no
 * escaping.
 */
void xml_put_active_lock(
    struct buf *b, struct str href_prefix, const struct prop_lock *l);

/* {"scope": "exclusive", "type": "write", "depth": "infinity", ...} */
void json_put_active_lock(
    struct buf *b, struct str href_prefix, const struct prop_lock *l);

/* Append the kinds of lock that there are: DAV:supportedlock (s15.10). */
void xml_put_lock_kinds(struct buf *b);
void json_put_lock_kinds(struct buf *b);

/* A document: DAV:prop with DAV:lockdiscovery in it (s9.10.1). */
void lock_body_put(struct buf *b, struct str href_prefix,
    const struct prop_lock *locks, size_t n);

struct str lock_body_media_type(void);

#endif
