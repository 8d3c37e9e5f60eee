/* SPDX-License-Identifier: MIT */
/* What every test includes: cmocka and the includes it insists on. */
#ifndef SHEAF_TESTS_TEST_H
#define SHEAF_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_str_equal(got, want) \
	assert_str_equal_at((got), (want), __FILE__, __LINE__)

static inline void
assert_str_equal_at(struct str got, struct str want, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_error(
	    "got  \"%.*s\"\nwant \"%.*s\"\n", STR_ARG(got), STR_ARG(want));
	_fail(file, line);
}

#endif
