/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <time.h>

#include "base/clock.h"

static void
seconds_round_towards_the_past(void **state)
{
	static const struct {
		int64_t ns, s;
	} cases[] = {
		{ 0, 0 },
		{ 1, 0 },
		{ 999999999, 0 },
		{ 1000000000, 1 },
		{ -1, -1 },
		{ -999999999, -1 },
		{ -1000000000, -1 },
		{ -1000000001, -2 },
		{ INT64_MAX, 9223372036 },
		{ INT64_MIN, -9223372037 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(clock_seconds(cases[i].ns) == cases[i].s);
}

static void
the_wall_clock_is_the_systems(void **state)
{
	int64_t before = (int64_t)time(NULL);
	int64_t now = clock_seconds(clock_now());

	(void)state;
	/* time() may lag the clock by one tick of the kernel */
	assert_in_range(now, before, before + 2);
}

static void
the_monotonic_clock_goes_on_and_never_back(void **state)
{
	int64_t last = clock_monotonic(), start = last;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		int64_t now = clock_monotonic();

		assert_true(now >= last);
		last = now;
	}
	assert_true(last > start);
}

static void
dates_at_the_edges_of_the_calendar(void **state)
{
	static const struct {
		int64_t s;
		struct utc u;
	} cases[] = {
		{ -62167219200, { 0, 1, 1, 0, 0, 0, 6 } },
		{ -62162035201, { 0, 2, 29, 23, 59, 59, 2 } },
		{ -62162035200, { 0, 3, 1, 0, 0, 0, 3 } },
		{ -2203891201, { 1900, 2, 28, 23, 59, 59, 3 } },
		{ -2203891200, { 1900, 3, 1, 0, 0, 0, 4 } },
		{ -1, { 1969, 12, 31, 23, 59, 59, 3 } },
		{ 0, { 1970, 1, 1, 0, 0, 0, 4 } },
		{ 951782399, { 2000, 2, 28, 23, 59, 59, 1 } },
		{ 951782400, { 2000, 2, 29, 0, 0, 0, 2 } },
		{ 2147483648, { 2038, 1, 19, 3, 14, 8, 2 } },
		{ 253402300799, { 9999, 12, 31, 23, 59, 59, 5 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct utc u = utc_from_seconds(cases[i].s);

		assert_memory_equal(&u, &cases[i].u, sizeof(u));
		assert_true(utc_to_seconds(&u) == cases[i].s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_round_towards_the_past),
		cmocka_unit_test(the_wall_clock_is_the_systems),
		cmocka_unit_test(the_monotonic_clock_goes_on_and_never_back),
		cmocka_unit_test(dates_at_the_edges_of_the_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
