/* SPDX-License-Identifier: MIT */
/*
 * A run of bytes somebody else owns: pointer and length, passed by value, not
 * NUL-terminated.  All zero is the empty string.  Nothing here allocates; a
 * result points into its input and lives as long.
 */
#ifndef SHEAF_BASE_STR_H
#define SHEAF_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct str {
	const char *ptr;
	size_t len;
};

/* A literal as a struct str: STR() in code, STR_INIT() in static tables. */
#define STR_INIT(literal)                       \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}
#define STR(literal) ((struct str)STR_INIT(literal))

/* For "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct str
str_of(const char *ptr, size_t len)
{
	return (struct str){ ptr, len };
}

/* NULL gives the empty string. */
static inline struct str
str_from_c(const char *c)
{
	return str_of(c, c ? strlen(c) : 0);
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.ptr, b.ptr, a.len));
}

/* Bytewise; a prefix sorts before what it begins.  <0, 0 or >0. */
int str_cmp(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_starts_nocase(struct str s, struct str prefix);

/* Equal but for the case of ASCII letters. */
static inline bool
str_eq_nocase(struct str a, struct str b)
{
	return a.len == b.len && str_starts_nocase(a, b);
}

/* From byte `from` on; the empty string when it is past the end. */
struct str str_skip(struct str s, size_t from);

/* The first n bytes, or all of it. */
struct str str_head(struct str s, size_t n);

/* Copies s to *at, where there is room, and moves *at on; returns the copy. */
struct str str_copy(char **at, struct str s);

/* Index of the first (last) c, or s.len when there is none. */
size_t str_find(struct str s, char c);
size_t str_rfind(struct str s, char c);

/* Without the spaces and tabs (OWS, RFC 9110 s5.6.3) at both ends. */
struct str str_trim(struct str s);

/*
 * Takes the piece up to the next c off *rest, and c with it.  False when
 * nothing was left; "a,,b" gives "a", "", "b".  Start a list with
 * non-NULL rest->ptr.
 */
bool str_cut(struct str *rest, char c, struct str *piece);

/*
 * Decimal digits only, no sign and no space; false on anything else, on the
 * empty string, and on what does not fit.  *out is untouched then.
 */
bool str_to_u64(struct str s, uint64_t *out) MUST_USE;

/*
 * FNV-1a, for tables in memory.  Who chooses the strings can make them collide.
 */
uint64_t str_hash(struct str s);

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* 0..15, or -1 when c is no hexadecimal digit. */
int ascii_hex(char c);

#endif
