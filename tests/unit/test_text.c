/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/attr.h"
#include "base/clock.h"
#include "cmd/text.h"

static void
what_a_terminal_would_obey_is_shown(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "plain \\ text", "plain \\ text" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "a\tb\nc\rd\x7f", "a\\x09b\\x0ac\\x0dd\\x7f" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xc2\x9b"
		  "31m",
		    "\\u009b31m" },
		{ "a\xe2\x80\xae"
		  "b",
		    "a\\u202eb" },
		{ "\xe2\x81\xa6", "\\u2066" },
		{ "\xff\xc3", "\\xff\\xc3" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xc0\x80", "\\xc0\\x80" },
		{ "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b CLEANUP(buf_done) = { 0 };

		text_put_plain(&b, str_from_c(cases[i].in));
		assert_str_equal(buf_str(&b), str_from_c(cases[i].want));
	}
}

static void
sizes_have_two_digits_or_more(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = { { 0, "0 B" }, { 999, "999 B" }, { 1000, "1.0 kB" },
		{ 1250, "1.2 kB" }, { 9999, "9.9 kB" }, { 10000, "10 kB" },
		{ 999999, "999 kB" }, { 1000000, "1.0 MB" },
		{ 34500000, "34 MB" }, { UINT64_MAX, "18 EB" } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b CLEANUP(buf_done) = { 0 };

		text_put_size(&b, cases[i].bytes);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].want));
	}
}

static void
times_are_as_people_write_them(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *clock, *wait;
	} cases[] = { { 0, "0:00", "0 s" }, { 7, "0:07", "7 s" },
		{ 61, "1:01", "61 s" }, { 754, "12:34", "13 min" },
		{ 3723, "1:02:03", "63 min" }, { 7201, "2:00:01", "3 h" },
		{ 172800, "48:00:00", "2 days" } };
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&b);
		text_put_clock(&b, cases[i].seconds);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].clock));
		buf_clear(&b);
		text_put_wait(&b, (int64_t)cases[i].seconds * NSEC_PER_SEC);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].wait));
	}
	buf_clear(&b);
	text_put_wait(&b, 1);
	assert_str_equal(buf_str(&b), STR("1 s"));
}

static void
counts_are_in_groups_of_three(void **state)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	(void)state;
	text_put_count(&b, 0);
	BUF_LIT(&b, " ");
	text_put_count(&b, 999);
	BUF_LIT(&b, " ");
	text_put_count(&b, 1234567);
	BUF_LIT(&b, " ");
	text_put_count(&b, UINT64_MAX);
	assert_str_equal(
	    buf_str(&b), STR("0 999 1,234,567 18,446,744,073,709,551,615"));
}

static void
a_sentence_begins_large_and_ends_with_a_stop(void **state)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	(void)state;
	text_put_sentence(&b, STR("go on"));
	text_put_sentence(&b, STR(""));
	text_put_sentence(&b, STR("Really?"));
	assert_str_equal(buf_str(&b), STR("Go on.Really?"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_terminal_would_obey_is_shown),
		cmocka_unit_test(sizes_have_two_digits_or_more),
		cmocka_unit_test(times_are_as_people_write_them),
		cmocka_unit_test(counts_are_in_groups_of_three),
		cmocka_unit_test(a_sentence_begins_large_and_ends_with_a_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
