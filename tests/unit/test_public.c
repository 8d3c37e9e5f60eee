/* SPDX-License-Identifier: MIT */
#include "outcome/public.h"

#include "lib/test.h"

static void
a_string_is_handed_out_up_to_its_end(void **state)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	static const struct {
		struct str in;
		const char *out;
	} cases[] = {
		{ STR_INIT(""), "" },
		{ STR_INIT("abc"), "abc" },
		{ STR_INIT("a\0b"),
		    "a\xef\xbf\xbd"
		    "b" },
		{ STR_INIT("\0"), "\xef\xbf\xbd" },
		{ STR_INIT("\0\0x\0"),
		    "\xef\xbf\xbd\xef\xbf\xbdx\xef\xbf\xbd" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(public_text(&a, cases[i].in), cases[i].out);
	assert_string_equal(public_text(&a, (struct str){ 0 }), "");
}

static void
a_struct_of_another_version_is_taken_as_far_as_it_goes(void **state)
{
	struct old {
		size_t size;
		int a;
	} old = { sizeof(old), 7 };
	struct now {
		size_t size;
		int a;
		int b;
		int c;
	} now;
	struct next {
		struct now now;
		int d, e;
	} next = { { sizeof(next), 1, 2, 3 }, 0, 0 };

	(void)state;
	assert_true(public_struct(&old, &now, sizeof(now)));
	assert_int_equal(now.a, 7);
	assert_int_equal(now.c, 0);
	assert_true(public_struct(&next, &now, sizeof(now)));
	assert_int_equal(now.c, 3);
	next.e = 1;
	assert_false(public_struct(&next, &now, sizeof(now)));
	old.size = 3;
	assert_false(public_struct(&old, &now, sizeof(now)));
}

static void
each_failure_is_a_result(void **state)
{
	(void)state;
	assert_int_equal(public_result(ERR_OK), SHEAF_OK);
	assert_int_equal(public_result(ERR_NOMEM), SHEAF_NOMEM);
	assert_int_equal(public_result(ERR_CUT_SHORT), SHEAF_CUT_SHORT);
	assert_int_equal(public_result(ERR_BAD_ANSWER), SHEAF_MALFORMED);
	assert_int_equal(public_result(ERR_TOO_LARGE), SHEAF_TOO_LARGE);
	assert_int_equal(public_result(ERR_CANCELLED), SHEAF_STOPPED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_string_is_handed_out_up_to_its_end),
		cmocka_unit_test(
		    a_struct_of_another_version_is_taken_as_far_as_it_goes),
		cmocka_unit_test(each_failure_is_a_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
