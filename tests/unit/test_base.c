/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <errno.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ostream.h"

static void
cutting_a_list_keeps_its_empty_pieces(void **state)
{
	static const char *const want[] = { "a", "", "b", "" };
	struct str rest = STR("a,,b,");
	struct str piece;
	size_t n = 0;

	(void)state;
	while (str_cut(&rest, ',', &piece)) {
		assert_true(n < ARRAY_LEN(want));
		assert_str_equal(piece, str_from_c(want[n]));
		n++;
	}
	assert_int_equal(n, ARRAY_LEN(want));
}

static void
numbers_are_digits_that_fit(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t n;
	} cases[] = {
		{ "0", true, 0 },
		{ "007", true, 7 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1x", false, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t n = 42;

		assert_int_equal(
		    str_to_u64(str_from_c(cases[i].text), &n), cases[i].ok);
		assert_true(n == (cases[i].ok ? cases[i].n : 42));
	}
}

static void
a_buffer_over_its_limit_stays_failed(void **state)
{
	struct buf b = { .max = 4 };

	(void)state;
	BUF_LIT(&b, "abc");
	BUF_LIT(&b, "de");
	BUF_LIT(&b, "f");
	assert_int_equal(buf_failed(&b), ERR_TOO_LARGE);
	assert_str_equal(buf_str(&b), STR("abc"));
	buf_clear(&b);
	buf_put_u64(&b, 1234);
	assert_int_equal(buf_failed(&b), ERR_OK);
	assert_str_equal(buf_str(&b), STR("1234"));
	buf_done(&b);
}

static void
a_cleared_arena_hands_out_zeroed_memory_again(void **state)
{
	struct arena a = { 0 };
	size_t i;
	int round;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 1; i < 10000; i *= 3) {
			char *p = arena_alloc(&a, i);
			size_t k;

			assert_non_null(p);
			for (k = 0; k < i; k++)
				assert_int_equal(p[k], 0);
			memset(p, 'x', i);
		}
		arena_clear(&a);
	}
	arena_done(&a);
	arena_done(&a);
}

static void
an_arena_refuses_sizes_that_overflow(void **state)
{
	struct arena a = { 0 };

	(void)state;
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	assert_null(arena_alloc(&a, SIZE_MAX));
	arena_done(&a);
}

static void
calendar_days_agree_with_the_c_library(void **state)
{
	int64_t s;

	(void)state;
	for (s = -62167219200; s < INT64_C(253402300800);
	     s += 86400 * 13 + 3607) {
		struct utc u = utc_from_seconds(s);
		time_t t = (time_t)s;
		struct tm tm;

		(void)gmtime_r(&t, &tm);
		assert_int_equal(u.year, tm.tm_year + 1900);
		assert_int_equal(u.month, tm.tm_mon + 1);
		assert_int_equal(u.day, tm.tm_mday);
		assert_int_equal(u.hour, tm.tm_hour);
		assert_int_equal(u.minute, tm.tm_min);
		assert_int_equal(u.second, tm.tm_sec);
		assert_int_equal(u.weekday, tm.tm_wday);
		assert_true(utc_to_seconds(&u) == s);
	}
}

static void
every_error_has_a_row(void **state)
{
	int code;

	(void)state;
	for (code = ERR_OK; code < ERR_COUNT; code++) {
		assert_non_null(err_text((enum err_code)code));
		assert_in_range(err_status((enum err_code)code), 200, 599);
		assert_int_not_equal(err_status((enum err_code)code), 207);
	}
}

static void
a_system_error_is_mapped_and_explained(void **state)
{
	struct err err;

	(void)state;
	errno = ENOSPC;
	assert_int_equal(err_os(&err, "write '%s'", "x"), ERR_NO_SPACE);
	assert_string_equal(err.why, "write 'x': No space left on device");
	assert_string_equal(err.tell, "");
	assert_int_equal(err_errno(NULL, ENOENT, "x"), ERR_NOT_FOUND);
}

static void
the_first_failure_of_a_stream_sticks(void **state)
{
	struct buf b = { .max = 3 };
	struct buf_ostream o;
	struct ostream *s = buf_ostream_init(&o, &b);

	(void)state;
	assert_int_equal(ostream_write(s, STR("ab")), ERR_OK);
	assert_int_equal(ostream_write(s, STR("cd")), ERR_TOO_LARGE);
	buf_clear(&b);
	assert_int_equal(ostream_write(s, STR("e")), ERR_TOO_LARGE);
	assert_int_equal(ostream_end(s), ERR_TOO_LARGE);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cutting_a_list_keeps_its_empty_pieces),
		cmocka_unit_test(numbers_are_digits_that_fit),
		cmocka_unit_test(a_buffer_over_its_limit_stays_failed),
		cmocka_unit_test(a_cleared_arena_hands_out_zeroed_memory_again),
		cmocka_unit_test(an_arena_refuses_sizes_that_overflow),
		cmocka_unit_test(calendar_days_agree_with_the_c_library),
		cmocka_unit_test(every_error_has_a_row),
		cmocka_unit_test(a_system_error_is_mapped_and_explained),
		cmocka_unit_test(the_first_failure_of_a_stream_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
