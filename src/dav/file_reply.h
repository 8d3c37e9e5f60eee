/* SPDX-License-Identifier: MIT */
/* The bytes of a file as an answer: whole, one range, or several. */
#ifndef SHEAF_DAV_FILE_REPLY_H
#define SHEAF_DAV_FILE_REPLY_H

#include "base/attr.h"
#include "dav/exchange.h"

/*
 * Replies with 200 or 206 and what the request asks for of content, which it
 * takes over.  ERR_RANGE when nothing of it is there; Content-Range is set
 * then.
 */
enum err_code file_reply(
    struct exchange *x, struct content *content, struct err *err) MUST_USE;

/* The headers that a 304 has in common with the 200 (RFC 9110 s15.4.5). */
void file_reply_validators(struct exchange *x, const struct resource *res);

#endif
