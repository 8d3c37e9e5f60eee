/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "http/headers.h"

static const struct header fields[] = {
	{ STR_INIT("Host"), STR_INIT("h") },
	{ STR_INIT("accept"), STR_INIT("a") },
	{ STR_INIT("Depth"), STR_INIT("1") },
	{ STR_INIT("Empty"), STR_INIT("") },
	{ STR_INIT("ACCEPT"), STR_INIT("b, c") },
	{ STR_INIT("depth"), STR_INIT("1") },
	{ STR_INIT("Overwrite"), STR_INIT("T") },
	{ STR_INIT("Overwrite"), STR_INIT("F") },
	{ STR_INIT("Accept"), STR_INIT("") },
};
static const struct headers all = { .v = fields, .n = ARRAY_LEN(fields) };

static void
a_field_is_found_by_its_name_in_any_case(void **state)
{
	(void)state;
	assert_true(headers_has(&all, STR("hOST")));
	assert_true(headers_has(&all, STR("empty")));
	assert_false(headers_has(&all, STR("Hos")));
	assert_false(headers_has(&all, STR("Hosts")));
	assert_false(headers_has(&all, STR("")));
	assert_false(headers_has(&(struct headers){ 0 }, STR("Host")));
}

static void
a_field_that_stands_twice_must_say_the_same(void **state)
{
	static const struct {
		struct str name;
		enum err_code rc;
		struct str value;
	} cases[] = {
		{ STR_INIT("Host"), ERR_OK, STR_INIT("h") },
		{ STR_INIT("Depth"), ERR_OK, STR_INIT("1") },
		{ STR_INIT("Empty"), ERR_OK, STR_INIT("") },
		{ STR_INIT("Absent"), ERR_OK, STR_INIT("") },
		{ STR_INIT("Overwrite"), ERR_BAD_HEADER, STR_INIT("as was") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str out = STR("as was");
		struct err err = { 0 };

		assert_int_equal(
		    headers_one(&all, cases[i].name, &out, &err), cases[i].rc);
		assert_int_equal(err.code, cases[i].rc);
		assert_str_equal(out, cases[i].value);
	}
}

static void
the_lines_of_a_list_are_joined_in_order(void **state)
{
	struct arena a = { 0 };
	struct str out;

	(void)state;
	assert_int_equal(
	    headers_list(&all, STR("Accept"), &a, &out, NULL), ERR_OK);
	assert_str_equal(out, STR("a, b, c, "));
	assert_int_equal(
	    headers_list(&all, STR("Absent"), &a, &out, NULL), ERR_OK);
	assert_str_equal(out, STR(""));
	arena_done(&a);
}

static void
fields_that_the_bits_of_names_deny_are_not_looked_for(void **state)
{
	static const struct str names[] = {
		STR_INIT("HOST"),
		STR_INIT("accepT"),
		STR_INIT("Depth"),
		STR_INIT("eMPTY"),
		STR_INIT("Overwrite"),
		STR_INIT("Absent"),
		STR_INIT("If"),
		STR_INIT(""),
	};
	struct headers h = all;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(fields); i++)
		h.names |= headers_name(fields[i].name);
	for (i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(
		    headers_count(&h, names[i]), headers_count(&all, names[i]));
		assert_int_equal(
		    headers_has(&h, names[i]), headers_has(&all, names[i]));
	}
	h.names = headers_name(STR("dEPTH"));
	assert_int_equal(headers_count(&h, STR("Depth")), 2);
	assert_int_equal(headers_count(&h, STR("Host")), 0);
	assert_false(headers_has(&h, STR("Host")));
}

/* Else each PUT looks at all of its fields for what is hardly ever there. */
static void
a_usual_field_is_not_taken_for_a_rare_one(void **state)
{
	static const struct str usual[] = {
		STR_INIT("Host"),
		STR_INIT("User-Agent"),
		STR_INIT("Accept"),
		STR_INIT("Accept-Encoding"),
		STR_INIT("Connection"),
		STR_INIT("Content-Length"),
		STR_INIT("Content-Type"),
	};
	static const struct str rare[] = {
		STR_INIT("Transfer-Encoding"),
		STR_INIT("Expect"),
		STR_INIT("If"),
		STR_INIT("If-Match"),
		STR_INIT("If-None-Match"),
		STR_INIT("If-Modified-Since"),
		STR_INIT("If-Unmodified-Since"),
		STR_INIT("Range"),
		STR_INIT("Content-Range"),
		STR_INIT("Content-Digest"),
		STR_INIT("Repr-Digest"),
		STR_INIT("Idempotency-Key"),
		STR_INIT("X-OC-MTime"),
	};
	struct headers h = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(usual); i++)
		h.names |= headers_name(usual[i]);
	for (i = 0; i < ARRAY_LEN(rare); i++)
		assert_false(headers_may_have(&h, rare[i]));
}

static void
a_list_asks_for_memory_only_when_it_has_several_lines(void **state)
{
	struct arena a = { 0 };
	struct str out = STR("as was");

	(void)state;
	alloc_fail_from(1);
	assert_int_equal(
	    headers_list(&all, STR("Host"), &a, &out, NULL), ERR_OK);
	assert_ptr_equal(out.ptr, fields[0].value.ptr);
	assert_false(alloc_fail_fired());
	assert_int_equal(
	    headers_list(&all, STR("Accept"), &a, &out, NULL), ERR_NOMEM);
	assert_true(alloc_fail_stop());
	assert_str_equal(out, STR("h"));
	arena_done(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_found_by_its_name_in_any_case),
		cmocka_unit_test(a_field_that_stands_twice_must_say_the_same),
		cmocka_unit_test(the_lines_of_a_list_are_joined_in_order),
		cmocka_unit_test(
		    fields_that_the_bits_of_names_deny_are_not_looked_for),
		cmocka_unit_test(a_usual_field_is_not_taken_for_a_rare_one),
		cmocka_unit_test(
		    a_list_asks_for_memory_only_when_it_has_several_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
