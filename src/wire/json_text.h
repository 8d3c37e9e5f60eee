/* SPDX-License-Identifier: MIT */
/*
 * Strings and numbers of JSON (RFC 8259 s6, s7), checked byte by byte as they
 * come; for json_split.c.
 */
#ifndef SHEAF_WIRE_JSON_TEXT_H
#define SHEAF_WIRE_JSON_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Where we are in a string.  All zero is behind the quote that opens it. */
struct json_chars {
	bool ended; /* the quote that closes it has come */
	unsigned wide; /* bytes so far that begin no character */
	char part[4]; /* what came of a UTF-8 sequence: n_part bytes */
	unsigned n_part;
	bool escape; /* a backslash has come */
	unsigned digits; /* how many must still come of \uXXXX */
	unsigned unit; /* the UTF-16 unit that they make */
	unsigned high; /* the surrogate that waits for its other half, or 0 */
};

/*
 * Reads on, and appends the characters to `to` (may be NULL; its failure
 * sticks).  Returns where it stopped: behind the closing quote, at the end of
 * bytes, or at a byte that is wrong, with *wrong set to why.
 */
const char *json_chars_scan(
    struct json_chars *c, struct str bytes, struct buf *to, const char **wrong);

/* The first byte that is a quote, backslash, control or not ASCII; or end. */
const char *json_skip_plain(const char *p, const char *end);

enum json_number {
	JSON_NUMBER_START,
	JSON_NUMBER_MINUS,
	JSON_NUMBER_ZERO,
	JSON_NUMBER_INT,
	JSON_NUMBER_DOT,
	JSON_NUMBER_FRACTION,
	JSON_NUMBER_E,
	JSON_NUMBER_SIGN,
	JSON_NUMBER_EXPONENT,
	JSON_NUMBER_STATES
};

/* Takes the next byte.  False, and *n as it was: c is not part of a number. */
bool json_number_step(enum json_number *n, char c);

/* Whether it may end there. */
bool json_number_whole(enum json_number n);

#endif
