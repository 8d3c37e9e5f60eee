/* SPDX-License-Identifier: MIT */
/* Dates of HTTP (RFC 9110 s5.6.7) and of WebDAV's creationdate (RFC 3339). */
#ifndef SHEAF_HTTP_DATE_H
#define SHEAF_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/*
 * Appends "Sun, 06 Nov 1994 08:49:37 GMT".  seconds: since 1970; before year 0
 * and after 9999 the first or last second of those is written.
 */
void date_put_http(struct buf *b, int64_t seconds);

/* Appends "1994-11-06T08:49:37Z". */
void date_put_rfc3339(struct buf *b, int64_t seconds);

/*
 * Makes the same texts where many are made, one after the other: members of a
 * folder are mostly of a few days, and many of the same second.  Of the last
 * text only the time is written anew where the day is the same, and nothing
 * where the second is.  All zero is a new memo, and each is for one of the two
 * forms.  What is returned lives in the memo until the next call.
 */
struct date_memo {
	int64_t seconds; /* since 1970, of text */
	int64_t day; /* of text, in days since 1970 */
	char text[32]; /* text[0] is 0: none was made yet */
};

struct str date_http(struct date_memo *m, int64_t seconds);
struct str date_rfc3339(struct date_memo *m, int64_t seconds);

/* Reads any of the three forms that a recipient must accept; else false. */
bool date_parse_http(struct str s, int64_t *seconds) MUST_USE;

/* Reads one with any offset from UTC; fractions are dropped. */
bool date_parse_rfc3339(struct str s, int64_t *seconds) MUST_USE;

#endif
