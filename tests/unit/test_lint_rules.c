/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "wire/lint.h"

static void
rules_are_sorted_and_found(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LINT_COUNT; i++) {
		if (i)
			assert_true(
			    strcmp(lint_rules[i - 1].id, lint_rules[i].id) < 0);
		assert_int_equal(
		    lint_rule_find(str_from_c(lint_rules[i].id)), i);
	}
	assert_int_equal(lint_rule_find(STR("X1")), LINT_COUNT);
	assert_int_equal(lint_rule_find(STR("")), LINT_COUNT);
}

static void
a_rule_says_what_holds_and_what_to_do(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < LINT_COUNT; i++) {
		const struct lint_rule_row *r = &lint_rules[i];
		struct str title = str_from_c(r->title);
		struct str help = str_from_c(r->help);

		assert_true(title.len && !str_ends(title, STR(".")));
		assert_true(str_ends(help, STR(".")));
		assert_true(str_ends(str_from_c(r->why), STR(".")));
		assert_non_null(r->source);
		/* Only an error has milder cases. */
		assert_true(r->severity == LINT_ERROR || !r->also_warns);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_sorted_and_found),
		cmocka_unit_test(a_rule_says_what_holds_and_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
