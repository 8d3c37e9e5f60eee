/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/clock.h"
#include "cmd/options.h"

static void
rows_are_sorted_and_belong_to_somebody(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < n_option_rows; i++) {
		if (i)
			assert_true(strcmp(option_rows[i - 1].name,
					option_rows[i].name) < 0);
		assert_int_not_equal(option_rows[i].users, 0);
		assert_int_equal(option_rows[i].kind == OPTION_FLAG,
		    !*option_rows[i].metavar);
		assert_true(str_ends(str_from_c(option_rows[i].doc), STR(".")));
	}
}

static bool
parse(enum option_user who, const char *const *args, struct options *o,
    const char *said)
{
	struct buf text = { 0 };
	bool ok = options_parse(who, args, o, &text);

	buf_putc(&text, '\0');
	assert_string_equal(text.ptr, said);
	buf_done(&text);
	return ok;
}

static void
options_and_operands_mix_until_two_dashes(void **state)
{
	const char *const args[] = { "-r", "a", "--jobs=7", "b", "-j", "9",
		"--if-match", "\"x\"", "-", "--connect-timeout", "1500ms", "--",
		"-n", "--no", NULL };
	const char *const operands[] = { "a", "b", "-", "-n", "--no" };
	struct options o;
	size_t i;

	(void)state;
	assert_true(parse(FOR_PUT, args, &o, ""));
	assert_true(o.recursive);
	assert_false(o.dry_run);
	assert_int_equal(o.jobs, 9);
	assert_string_equal(o.if_match, "\"x\"");
	assert_int_equal(o.connect_timeout, 3 * NSEC_PER_SEC / 2);
	assert_int_equal(o.n_operands, ARRAY_LEN(operands));
	for (i = 0; i < o.n_operands; i++)
		assert_string_equal(o.operands[i], operands[i]);
	assert_null(o.operands[i]);
	options_done(&o);
}

static void
what_is_wrong_is_named(void **state)
{
	static const struct {
		enum option_user who;
		const char *args[4];
		const char *said;
	} cases[] = {
		{ FOR_LS, { "--nothing" }, "there is no option '--nothing'" },
		{ FOR_LS, { "-x" }, "there is no option '-x'" },
		{ FOR_LS, { "-lx" }, "there is no option '-x'" },
		{ FOR_LS, { "--force" }, "there is no option '--force'" },
		{ FOR_LS, { "-f" }, "there is no option '-f'" },
		{ FOR_LS, { "--json=1" }, "there is no value for '--json=1'" },
		{ FOR_LS, { "--jobs" }, "a value must follow '--jobs'" },
		{ FOR_LS, { "-j" }, "a value must follow '-j'" },
		{ FOR_LS, { "--jobs", "0" },
		    "--jobs takes a number from 1, not '0'" },
		{ FOR_LS, { "--jobs=many" },
		    "--jobs takes a number from 1, not 'many'" },
		{ FOR_LS, { "--timeout", "5" },
		    "--timeout takes a time such as 500ms, 30s or 5m, not "
		    "'5'" },
		{ FOR_LOCK, { "--depth", "2" },
		    "--depth takes 0|1|inf, not '2'" },
		{ FOR_LINT, { "--format", "yaml" },
		    "--format takes text|json|sarif, not 'yaml'" },
	};
	struct options o;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_false(
		    parse(cases[i].who, cases[i].args, &o, cases[i].said));
		options_done(&o);
	}
}

static void
help_is_asked_for_in_two_ways(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(
	    FOR_LS, (const char *const[]){ "x", "--help", NULL }, &o, ""));
	assert_true(o.help);
	options_done(&o);
	assert_true(
	    parse(FOR_RM, (const char *const[]){ "-rh", NULL }, &o, ""));
	assert_true(o.help && o.recursive);
	options_done(&o);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_and_belong_to_somebody),
		cmocka_unit_test(options_and_operands_mix_until_two_dashes),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(help_is_asked_for_in_two_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
