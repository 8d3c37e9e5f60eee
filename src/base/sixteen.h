/* SPDX-License-Identifier: MIT */
/*
 * Sixteen bytes at once, to find out with one branch whether any of them is
 * special, which decides what a long listing costs: a vector of the compiler's,
 * on processors that have none as well. Comparisons give a vector of 0 and -1;
 * a byte over 0x7f is less than any other.
 */
#ifndef SHEAF_BASE_SIXTEEN_H
#define SHEAF_BASE_SIXTEEN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"

typedef signed char sixteen __attribute__((vector_size(16)));

static ALWAYS_INLINE sixteen
sixteen_at(const char *p)
{
	sixteen w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static ALWAYS_INLINE sixteen
sixteen_times(char c)
{
	signed char s = (signed char)c;

	return (sixteen){ s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s };
}

/* Whether any of the bytes is not 0. */
static ALWAYS_INLINE bool
sixteen_any(sixteen w)
{
	uint64_t half[2];

	memcpy(half, &w, sizeof(half));
	return half[0] | half[1];
}

/*
 * Copies s to `at`, sixteen bytes at a time, until it meets sixteen of which
 * one is special, and returns how many it copied.  What is left at the end is
 * copied together with bytes before it, once more; a string of fewer than eight
 * bytes is not copied at all.  In what special() returns a special byte is
 * not 0.
 */
static ALWAYS_INLINE size_t
sixteen_copy(char *at, struct str s, sixteen (*special)(sixteen w))
{
	const char *p = s.ptr;
	size_t i = 0, n = s.len;
	sixteen w;

	for (; i + 16 <= n; i += 16) {
		w = sixteen_at(p + i);
		if (sixteen_any(special(w)))
			return i;
		memcpy(at + i, &w, 16);
	}
	if (i == n || n < 8)
		return i;
	if (n < 16) { /* its two ends, which may overlap */
		memcpy(&w, p, 8);
		memcpy((char *)&w + 8, p + n - 8, 8);
	} else {
		w = sixteen_at(p + n - 16);
	}
	if (sixteen_any(special(w)))
		return i;
	if (n < 16) {
		memcpy(at, &w, 8);
		memcpy(at + n - 8, (const char *)&w + 8, 8);
	} else {
		memcpy(at + n - 16, &w, 16);
	}
	return n;
}

#endif
