/* SPDX-License-Identifier: MIT */
/* The tables of methods and of statuses. */
#include "lib/test.h"

#include "http/method.h"
#include "http/status.h"

static void
every_method_is_found_by_its_name(void **state)
{
	unsigned m;

	(void)state;
	for (m = METHOD_NONE + 1; m < METHOD_COUNT; m++) {
		struct str name = method_name((enum method)m);

		assert_true(name.len > 0);
		assert_int_equal(method_from(name), m);
		assert_int_equal(
		    method_from(str_head(name, name.len - 1)), METHOD_NONE);
	}
}

static void
a_method_in_another_case_is_another_method(void **state)
{
	(void)state;
	assert_int_equal(method_from(STR("GET")), METHOD_GET);
	assert_int_equal(method_from(STR("get")), METHOD_NONE);
	assert_int_equal(method_from(STR("GETS")), METHOD_NONE);
	assert_int_equal(method_from(STR("")), METHOD_NONE);
	assert_int_equal(method_flags(METHOD_NONE), 0);
	assert_str_equal(method_name(METHOD_NONE), STR(""));
}

static void
flags_and_depths_are_those_of_the_rfc(void **state)
{
	static const struct {
		enum method m;
		bool file, collection, null;
		enum depth depth;
	} cases[] = {
		{ METHOD_OPTIONS, true, true, true, DEPTH_0 },
		{ METHOD_GET, true, true, false, DEPTH_0 },
		{ METHOD_PUT, true, false, true, DEPTH_0 },
		{ METHOD_POST, false, true, false, DEPTH_0 },
		{ METHOD_PATCH, true, false, false, DEPTH_0 },
		{ METHOD_DELETE, true, true, false, DEPTH_INFINITY },
		{ METHOD_MKCOL, false, false, true, DEPTH_0 },
		{ METHOD_COPY, true, true, false, DEPTH_INFINITY },
		{ METHOD_MOVE, true, true, false, DEPTH_INFINITY },
		{ METHOD_PROPFIND, true, true, false, DEPTH_INFINITY },
		{ METHOD_PROPPATCH, true, true, false, DEPTH_0 },
		{ METHOD_LOCK, true, true, true, DEPTH_INFINITY },
		{ METHOD_UNLOCK, true, true, false, DEPTH_0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned flags = method_flags(cases[i].m);

		assert_int_equal((flags & METHOD_ON_FILE) != 0, cases[i].file);
		assert_int_equal(
		    (flags & METHOD_ON_COLLECTION) != 0, cases[i].collection);
		assert_int_equal((flags & METHOD_ON_NULL) != 0, cases[i].null);
		assert_int_equal(
		    method_default_depth(cases[i].m), cases[i].depth);
	}
}

static void
an_unknown_status_is_called_as_its_class(void **state)
{
	static const struct {
		unsigned status;
		const char *reason;
	} cases[] = {
		{ 200, "OK" },
		{ 207, "Multi-Status" },
		{ 424, "Failed Dependency" },
		{ 507, "Insufficient Storage" },
		{ 299, "OK" },
		{ 499, "Bad Request" },
		{ 599, "Internal Server Error" },
		{ 0, "Unknown" },
		{ 99, "Unknown" },
		{ 600, "Unknown" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_str_equal(status_reason(cases[i].status),
		    str_from_c(cases[i].reason));
}

static void
statuses_are_sorted_and_there_once(void **state)
{
	static const unsigned statuses[] = {
#define STATUS(status, reason) status,
#include "http/status.def"
#undef STATUS
	};
	size_t i;

	(void)state;
	for (i = 1; i < ARRAY_LEN(statuses); i++)
		assert_true(statuses[i - 1] < statuses[i]);
	assert_false(status_failed(399));
	assert_true(status_failed(400));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_is_found_by_its_name),
		cmocka_unit_test(a_method_in_another_case_is_another_method),
		cmocka_unit_test(flags_and_depths_are_those_of_the_rfc),
		cmocka_unit_test(an_unknown_status_is_called_as_its_class),
		cmocka_unit_test(statuses_are_sorted_and_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
