/* SPDX-License-Identifier: MIT */
/* Dates of HTTP (RFC 9110 s5.6.7) and of WebDAV's creationdate (RFC 3339). */
#ifndef SHEAF_HTTP_DATE_H
#define SHEAF_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT".  Seconds since 1970; years 0 to 9999. */
void date_put_http(struct buf *b, int64_t seconds);

/* "1994-11-06T08:49:37Z" */
void date_put_rfc3339(struct buf *b, int64_t seconds);

/*
 * The same texts where one is made after the other: members of a folder are
 * mostly of a few days, and many of the same second.  The text of the last one
 * is written again only from the hour on, or not at all.  All zero is a new
 * one, and each is for one of the two forms; what is returned is good until the
 * next call.
 */
struct date_memo {
	int64_t seconds, day; /* since 1970; of none yet if text[0] is 0 */
	char text[32];
};

struct str date_http(struct date_memo *m, int64_t seconds);
struct str date_rfc3339(struct date_memo *m, int64_t seconds);

/* Any of the three forms a recipient must accept; strict otherwise. */
bool date_parse_http(struct str s, int64_t *seconds) MUST_USE;

/* With any offset; fractions are dropped. */
bool date_parse_rfc3339(struct str s, int64_t *seconds) MUST_USE;

#endif
