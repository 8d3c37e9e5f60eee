/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "http/date.h"

static void
dates_are_written_in_both_forms(void **state)
{
	static const struct {
		int64_t seconds;
		const char *http, *rfc3339;
	} cases[] = {
		{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT",
		    "1994-11-06T08:49:37Z" },
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z" },
		{ -1, "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59Z" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT",
		    "2000-02-29T00:00:00Z" },
		{ 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT",
		    "9999-12-31T23:59:59Z" },
		{ -62167219200, "Sat, 01 Jan 0000 00:00:00 GMT",
		    "0000-01-01T00:00:00Z" },
		/* what four digits cannot say is the nearest that they can */
		{ INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT",
		    "9999-12-31T23:59:59Z" },
		{ INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT",
		    "0000-01-01T00:00:00Z" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = { 0 };

		date_put_http(&b, cases[i].seconds);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].http));
		buf_clear(&b);
		date_put_rfc3339(&b, cases[i].seconds);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].rfc3339));
		buf_done(&b);
	}
}

static void
what_is_written_is_read_back(void **state)
{
	int64_t s, back;

	(void)state;
	for (s = -62167219200; s < INT64_C(253402300800);
	     s += INT64_C(86400) * 31 + 3607) {
		struct buf b = { 0 };

		date_put_http(&b, s);
		assert_true(date_parse_http(buf_str(&b), &back));
		assert_true(back == s);
		buf_clear(&b);
		date_put_rfc3339(&b, s);
		assert_true(date_parse_rfc3339(buf_str(&b), &back));
		assert_true(back == s);
		buf_done(&b);
	}
}

static void
three_forms_of_http_date_are_read_and_no_other(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t seconds;
	} cases[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777 },
		{ "Sun Nov  6 08:49:37 1994", true, 784111777 },
		{ "Sun Nov 16 08:49:37 1994", true, 784975777 },
		{ "Tue, 29 Feb 2000 00:00:00 GMT", true, 951782400 },
		{ "Sat, 31 Dec 2016 23:59:60 GMT", true, 1483228800 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", true, 0 },
		/* the name of the day is not held against the date */
		{ "Mon, 06 Nov 1994 08:49:37 GMT", true, 784111777 },

		{ "", false, 0 },
		{ "0", false, 0 },
		{ "784111777", false, 0 },
		{ "Sun, 06 Nov 1994 08:49:37", false, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 UTC", false, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 +0000", false, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT ", false, 0 },
		{ " Sun, 06 Nov 1994 08:49:37 GMT", false, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT; length=3", false, 0 },
		{ "sun, 06 nov 1994 08:49:37 gmt", false, 0 },
		{ "Sun,06 Nov 1994 08:49:37 GMT", false, 0 },
		{ "Sun, 6 Nov 1994 08:49:37 GMT", false, 0 },
		{ "Sun, 06 Nov 94 08:49:37 GMT", false, 0 },
		{ "Sun, 06 Nov 1994 8:49:37 GMT", false, 0 },
		{ "Sun, 06 Nov 1994 08:49 GMT", false, 0 },
		{ "Sun, 06 Nov 1994 24:00:00 GMT", false, 0 },
		{ "Sun, 06 Nov 1994 08:60:37 GMT", false, 0 },
		{ "Sun, 06 Nov 1994 08:49:61 GMT", false, 0 },
		{ "Sun, 00 Nov 1994 08:49:37 GMT", false, 0 },
		{ "Sun, 31 Nov 1994 08:49:37 GMT", false, 0 },
		{ "Mon, 29 Feb 1900 00:00:00 GMT", false, 0 },
		{ "Sun, 29 Feb 1994 08:49:37 GMT", false, 0 },
		{ "Sun, +6 Nov 1994 08:49:37 GMT", false, 0 },
		{ "Sun, 06 Foo 1994 08:49:37 GMT", false, 0 },
		{ "Foo, 06 Nov 1994 08:49:37 GMT", false, 0 },
		{ "Sunday, 06 Nov 1994 08:49:37 GMT", false, 0 },
		{ "Sun, 06-Nov-94 08:49:37 GMT", false, 0 },
		{ "Sunday, 06-Nov-1994 08:49:37 GMT", false, 0 },
		{ "Sun Nov 6 08:49:37 1994", false, 0 },
		{ "Sun Nov 06 08:49:37 1994 GMT", false, 0 },
		{ "1994-11-06T08:49:37Z", false, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t s = 42;

		if (date_parse_http(str_from_c(cases[i].text), &s) !=
		    cases[i].ok)
			fail_msg("\"%s\"", cases[i].text);
		assert_true(s == (cases[i].ok ? cases[i].seconds : 42));
	}
}

static void
two_digits_of_a_year_are_never_50_years_ahead(void **state)
{
	static const struct {
		int ahead; /* of this year */
		int meant;
	} cases[] = {
		{ 0, 0 },
		{ 1, 1 },
		{ 49, 49 },
		{ 51, 51 - 100 },
		{ -1, -1 },
		{ -48, -48 },
	};
	struct utc now = utc_from_seconds(clock_seconds(clock_now()));
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		char text[64];
		int64_t s;

		(void)snprintf(text, sizeof(text),
		    "Monday, 15-Jun-%02d 12:00:00 GMT",
		    (now.year + cases[i].ahead) % 100);
		assert_true(date_parse_http(str_from_c(text), &s));
		assert_int_equal(
		    utc_from_seconds(s).year, now.year + cases[i].meant);
	}
}

static void
rfc3339_dates_come_with_any_offset(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t seconds;
	} cases[] = {
		{ "1994-11-06T08:49:37Z", true, 784111777 },
		{ "1994-11-06t08:49:37z", true, 784111777 },
		{ "1994-11-06T08:49:37.123Z", true, 784111777 },
		{ "1994-11-06T08:49:37.9999999999Z", true, 784111777 },
		{ "1994-11-06T08:49:37+00:00", true, 784111777 },
		{ "1994-11-06T08:49:37-00:00", true, 784111777 },
		{ "1994-11-06T10:49:37+02:00", true, 784111777 },
		{ "1994-11-06T03:19:37-05:30", true, 784111777 },
		{ "1994-11-07T08:48:37+23:59", true, 784111777 },
		{ "2016-12-31T23:59:60Z", true, 1483228800 },
		{ "0000-01-01T00:00:00Z", true, -62167219200 },

		{ "", false, 0 },
		{ "1994-11-06", false, 0 },
		{ "1994-11-06T08:49:37", false, 0 },
		{ "1994-11-06 08:49:37Z", false, 0 },
		{ "1994-11-06T08:49Z", false, 0 },
		{ "1994-11-06T08:49:37.Z", false, 0 },
		{ "1994-11-06T08:49:37,5Z", false, 0 },
		{ "1994-11-06T08:49:37Zx", false, 0 },
		{ "1994-11-06T08:49:37+0200", false, 0 },
		{ "1994-11-06T08:49:37+02", false, 0 },
		{ "1994-11-06T08:49:37+24:00", false, 0 },
		{ "1994-11-06T08:49:37+02:60", false, 0 },
		{ "1994-11-06T24:00:00Z", false, 0 },
		{ "1994-13-06T08:49:37Z", false, 0 },
		{ "1994-00-06T08:49:37Z", false, 0 },
		{ "1994-02-29T08:49:37Z", false, 0 },
		{ "94-11-06T08:49:37Z", false, 0 },
		{ "+994-11-06T08:49:37Z", false, 0 },
		{ "11994-11-06T08:49:37Z", false, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t s = 42;

		if (date_parse_rfc3339(str_from_c(cases[i].text), &s) !=
		    cases[i].ok)
			fail_msg("\"%s\"", cases[i].text);
		assert_true(s == (cases[i].ok ? cases[i].seconds : 42));
	}
}

/* Forwards, backwards, within a day and over its ends, before 1970 as well. */
static void
a_date_after_another_is_written_as_if_it_were_the_first(void **state)
{
	static const int64_t steps[] = { 0, 1, 86399, -86399, 86400, -86400, 59,
		-3600, 40 * 86400, -86400 * INT64_C(40000), INT64_MAX / 2,
		INT64_MIN / 2 };
	struct date_memo http = { 0 }, rfc3339 = { 0 };
	struct buf b = { 0 };
	int64_t at = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 20 * ARRAY_LEN(steps); i++) {
		at = i % 24 == 23 ? 0 : at / 2 + steps[i % ARRAY_LEN(steps)];
		buf_clear(&b);
		date_put_http(&b, at);
		assert_str_equal(date_http(&http, at), buf_str(&b));
		buf_clear(&b);
		date_put_rfc3339(&b, at);
		assert_str_equal(date_rfc3339(&rfc3339, at), buf_str(&b));
	}
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_written_in_both_forms),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(
		    a_date_after_another_is_written_as_if_it_were_the_first),
		cmocka_unit_test(
		    three_forms_of_http_date_are_read_and_no_other),
		cmocka_unit_test(two_digits_of_a_year_are_never_50_years_ahead),
		cmocka_unit_test(rfc3339_dates_come_with_any_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
