/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/attr.h"
#include "base/err.h"
#include "outcome/conditions.h"

/* By the names that rows have in the table. */
static int
compare(const struct condition *a, const struct condition *b)
{
	static const char *const order[] = { "urn:ietf:params:xml:ns:caldav",
		"urn:ietf:params:xml:ns:carddav", "DAV:" };
	size_t i, at_a = 9, at_b = 9;

	for (i = 0; i < ARRAY_LEN(order); i++) {
		if (str_eq(a->name.ns, str_from_c(order[i])))
			at_a = i;
		if (str_eq(b->name.ns, str_from_c(order[i])))
			at_b = i;
	}
	assert_true(at_a < 9);
	if (at_a != at_b)
		return at_a < at_b ? -1 : 1;
	return str_cmp(a->name.local, b->name.local);
}

static void
rows_are_sorted_and_no_condition_stands_twice(void **state)
{
	size_t i;

	(void)state;
	for (i = 1; i < n_condition_rows; i++)
		if (compare(&condition_rows[i - 1], &condition_rows[i]) >= 0)
			fail_msg("%s", condition_rows[i].name.local.ptr);
}

static void
every_sentence_is_there_and_has_no_full_stop(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < n_condition_rows; i++) {
		const struct condition *c = &condition_rows[i];

		assert_true(str_starts(str_from_c(c->source), STR("RFC ")));
		assert_true(strlen(c->means) > 10);
		assert_true(strlen(c->todo) > 5);
		assert_false(str_ends(str_from_c(c->means), STR(".")));
		assert_false(str_ends(str_from_c(c->todo), STR(".")));
	}
}

static void
a_condition_is_found_by_namespace_and_name(void **state)
{
	const struct condition *c;

	(void)state;
	c = condition_find(
	    (struct prop_name){ DAV_NS, STR("lock-token-submitted") });
	assert_non_null(c);
	assert_string_equal(c->source, "RFC 4918 s16");
	c = condition_find(
	    (struct prop_name){ CALDAV_NS, STR("no-uid-conflict") });
	assert_non_null(c);
	c = condition_find(
	    (struct prop_name){ CARDDAV_NS, STR("no-uid-conflict") });
	assert_non_null(c);
	assert_null(condition_find(
	    (struct prop_name){ DAV_NS, STR("no-uid-conflict") }));
	assert_null(condition_find(
	    (struct prop_name){ DAV_NS, STR("Lock-Token-Submitted") }));
	assert_null(condition_find((struct prop_name){ .local = STR("") }));
}

static void
what_our_own_server_says_is_explained(void **state)
{
	unsigned code;

	(void)state;
	for (code = 0; code < ERR_COUNT; code++) {
		const char *name = err_condition((enum err_code)code);

		if (name &&
		    !condition_find(
			(struct prop_name){ DAV_NS, str_from_c(name) }))
			fail_msg("%s", name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_and_no_condition_stands_twice),
		cmocka_unit_test(every_sentence_is_there_and_has_no_full_stop),
		cmocka_unit_test(a_condition_is_found_by_namespace_and_name),
		cmocka_unit_test(what_our_own_server_says_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
