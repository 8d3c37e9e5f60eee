/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/buf.h"
#include "http/scan.h"

static void
a_token_is_one_or_more_of_its_bytes(void **state)
{
	int c;

	(void)state;
	assert_false(scan_is_token(STR("")));
	assert_true(scan_is_token(STR("a-Z_0!#$%&'*+.^`|~")));
	for (c = 0; c < 256; c++) {
		char text[2] = { 'a', (char)c };
		bool is =
		    c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);

		assert_int_equal(scan_is_token(str_of(text, 2)), is);
	}
}

static void
members_are_trimmed_and_empty_ones_passed_over(void **state)
{
	static const struct {
		const char *list;
		const char *want; /* joined by | */
	} cases[] = {
		{ "", "" },
		{ " ", "" },
		{ ",", "" },
		{ "a", "a" },
		{ "a,b", "a|b" },
		{ " a ,\tb , , c,", "a|b|c" },
		{ "\"a,b\",c", "\"a,b\"|c" },
		{ "\"a\\\",b\",c", "\"a\\\",b\"|c" },
		{ "a\",b", "a\",b" },
		{ "\"a\\", "\"a\\" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str rest = str_from_c(cases[i].list);
		struct str piece;
		struct buf b = { 0 };

		while (scan_member(&rest, &piece)) {
			if (b.len)
				buf_putc(&b, '|');
			buf_put(&b, piece);
		}
		assert_str_equal(buf_str(&b), str_from_c(cases[i].want));
		assert_false(scan_member(&rest, &piece));
		buf_done(&b);
	}
}

static void
a_pair_parts_at_its_first_sign(void **state)
{
	static const struct {
		const char *s, *name, *value;
		bool is;
	} cases[] = {
		{ "a=b", "a", "b", true },
		{ " a = b ", "a", "b", true },
		{ "a=b=c", "a", "b=c", true },
		{ "a=", "a", "", true },
		{ "=b", "", "b", true },
		{ "a", "a", "", false },
		{ "", "", "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str name, value;

		assert_int_equal(
		    scan_pair(str_from_c(cases[i].s), &name, &value),
		    cases[i].is);
		assert_str_equal(name, str_from_c(cases[i].name));
		assert_str_equal(value, str_from_c(cases[i].value));
	}
}

static void
quotes_come_off_what_is_wholly_in_them(void **state)
{
	static const struct {
		const char *s;
		const char *want; /* NULL: refused */
	} cases[] = {
		{ "a", "a" },
		{ "\"a\"", "a" },
		{ "\"a b;,\"", "a b;," },
		{ "\"\"", "" },
		{ "", NULL },
		{ "\"", NULL },
		{ "\"a", NULL },
		{ "a\"", NULL },
		{ "\"a\"b\"", NULL },
		{ "\"a\\\"\"", NULL },
		{ "a b", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str s = str_from_c(cases[i].s);
		bool ok = scan_unquote(&s);

		assert_int_equal(ok, cases[i].want != NULL);
		assert_str_equal(
		    s, str_from_c(ok ? cases[i].want : cases[i].s));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_one_or_more_of_its_bytes),
		cmocka_unit_test(
		    members_are_trimmed_and_empty_ones_passed_over),
		cmocka_unit_test(a_pair_parts_at_its_first_sign),
		cmocka_unit_test(quotes_come_off_what_is_wholly_in_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
