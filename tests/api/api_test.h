/* SPDX-License-Identifier: MIT */
/*
 * What the tests of libsheaf's functions begin with.  They see the public
 * headers alone, and run with the shared and with the static library; only
 * with the latter can allocations be made to fail (lib/alloc_fail.h).
 */
#ifndef SHEAF_TESTS_API_TEST_H
#define SHEAF_TESTS_API_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifdef TEST_STATIC
#include "lib/alloc_fail.h"
#else
static inline void
alloc_fail_at(unsigned long n)
{
	(void)n;
}

static inline bool
alloc_fail_stop(void)
{
	return false;
}
#endif

/* Appends what fits. */
static inline void
append(char *to, size_t size, const char *text)
{
	size_t at = strlen(to);

	(void)snprintf(to + at, size - at, "%s", text);
}

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
