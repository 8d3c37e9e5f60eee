/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "http/query.h"

static void
a_query_is_read_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *query;
		const char *a, *b; /* values; NULL: not given */
		enum err_code rc;
		const char *told;
	} cases[] = {
		{ "", NULL, NULL, ERR_OK, "" },
		{ "aa=1&b=x%20y%2F", "1", "x y/", ERR_OK, "" },
		{ "&b=&&aa", "", "", ERR_OK, "" },
		{ "%61a=%3d=", "==", NULL, ERR_OK, "" },
		{ "a=1", NULL, NULL, ERR_BAD_REQUEST,
		    "'a'; known here: aa, b" },
		{ "AA=1", NULL, NULL, ERR_BAD_REQUEST, "'AA'" },
		{ "b=1&b=1", NULL, NULL, ERR_BAD_REQUEST, "'b' twice" },
		{ "b=%4", NULL, NULL, ERR_BAD_REQUEST, "percent" },
		{ "b=%", NULL, NULL, ERR_BAD_REQUEST, "percent" },
		{ "b=%zz", NULL, NULL, ERR_BAD_REQUEST, "percent" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct query_param p[] = { { .name = STR("aa") },
			{ .name = STR("b") } };
		struct arena a CLEANUP(arena_done) = { 0 };
		struct err err = { 0 };
		enum err_code rc = query_read(
		    &a, str_from_c(cases[i].query), p, ARRAY_LEN(p), &err);

		if (rc != cases[i].rc || !strstr(err.tell, cases[i].told))
			fail_msg("%s: %s", cases[i].query, err.tell);
		if (rc)
			continue;
		assert_int_equal(p[0].given, cases[i].a != NULL);
		assert_int_equal(p[1].given, cases[i].b != NULL);
		assert_true(str_eq(p[0].value, str_from_c(cases[i].a)));
		assert_true(str_eq(p[1].value, str_from_c(cases[i].b)));
	}
}

static void
where_nothing_is_known_everything_is_refused(void **state)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(query_read(&a, STR(""), NULL, 0, &err), ERR_OK);
	assert_int_equal(
	    query_read(&a, STR("x=1"), NULL, 0, &err), ERR_BAD_REQUEST);
	assert_non_null(strstr(err.tell, "nothing"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_is_read_whole_or_not_at_all),
		cmocka_unit_test(where_nothing_is_known_everything_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
