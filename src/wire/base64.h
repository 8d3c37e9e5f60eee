/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648 s4), with padding and nothing else in it. */
#ifndef SHEAF_WIRE_BASE64_H
#define SHEAF_WIRE_BASE64_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* Bytes that a text of n characters stands for, at most. */
#define BASE64_DECODED_SIZE(n) ((n) / 4 * 3)

/*
 * Decodes to room, which has BASE64_DECODED_SIZE(text.len) bytes; *n: how many
 * it used.  False: text has a character that is not base64 (white space is
 * not), lacks padding, or has bits behind the end that are not 0.
 */
bool base64_decode(struct str text, char *room, size_t *n) MUST_USE;

void base64_put(struct buf *b, struct str bytes);

#endif
