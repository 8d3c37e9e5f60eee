/* SPDX-License-Identifier: MIT */
/*
 * Makes chosen allocations of our own code fail: malloc, calloc, realloc,
 * reallocarray, strdup and strndup, by the linker's --wrap.  Those that shared
 * libraries make for themselves are not touched.
 *
 * The loop that every operation is tested with, until it gets through:
 *
 *	for (n = 1;; n++) {
 *		alloc_fail_at(n);
 *		rc = operation(...);
 *		if (!alloc_fail_stop())
 *			break;
 *		assert_int_equal(rc, ERR_NOMEM);
 *		... nothing has changed ...
 *	}
 *	assert_int_equal(rc, ERR_OK);
 *
 * One setting for all threads; any of them may allocate meanwhile.
 */
#ifndef SHEAF_TESTS_ALLOC_FAIL_H
#define SHEAF_TESTS_ALLOC_FAIL_H

#include <stdbool.h>

/* The nth allocation from now on (1: the next) fails, and no other. */
void alloc_fail_at(unsigned long n);

/* The nth and all that follow it. */
void alloc_fail_from(unsigned long n);

/* Whether one has failed since. */
bool alloc_fail_fired(void);

/* Lets all allocations through again; whether one had failed. */
bool alloc_fail_stop(void);

/* How many there were since the last call of _at() or _from(). */
unsigned long alloc_fail_count(void);

#endif
