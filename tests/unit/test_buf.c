/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "base/buf.h"

static void
numbers_are_written_without_leading_zeros(void **state)
{
	static const struct {
		uint64_t n;
		const char *decimal, *hex;
	} cases[] = {
		{ 0, "0", "0" },
		{ 9, "9", "9" },
		{ 10, "10", "a" },
		{ 255, "255", "ff" },
		{ 4096, "4096", "1000" },
		{ UINT64_MAX, "18446744073709551615", "ffffffffffffffff" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = { 0 };

		buf_put_u64(&b, cases[i].n);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].decimal));
		buf_clear(&b);
		buf_put_hex(&b, cases[i].n);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].hex));
		buf_done(&b);
	}
}

static void
it_grows_and_keeps_what_it_holds(void **state)
{
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++)
		buf_putc(&b, (char)(i % 251));
	assert_int_equal(buf_failed(&b), ERR_OK);
	assert_int_equal(b.len, 100000);
	for (i = 0; i < b.len; i++)
		assert_int_equal(b.ptr[i], (char)(i % 251));
	buf_done(&b);
	assert_null(b.ptr);
	buf_done(&b);
}

static void
clearing_keeps_the_memory_and_done_keeps_the_limit(void **state)
{
	struct buf b = { .max = 300 };
	char *ptr;

	(void)state;
	BUF_LIT(&b, "abc");
	ptr = b.ptr;
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_ptr_equal(b.ptr, ptr);
	buf_done(&b);
	assert_int_equal(b.max, 300);
	assert_int_equal(b.cap, 0);
}

static void
what_is_formatted_is_measured_first(void **state)
{
	struct buf b = { .max = 6 };

	(void)state;
	/* printf's NUL needs room, but is not counted */
	buf_printf(&b, "%s-%d", "ab", 12);
	assert_str_equal(buf_str(&b), STR("ab-12"));
	buf_printf(&b, "%s", "c");
	assert_int_equal(buf_failed(&b), ERR_TOO_LARGE);
	assert_str_equal(buf_str(&b), STR("ab-12"));
	buf_done(&b);
}

static void
room_that_cannot_be_is_refused(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_null(buf_room(&b, SIZE_MAX));
	assert_int_equal(buf_failed(&b), ERR_NOMEM);
	buf_clear(&b);
	BUF_LIT(&b, "a");
	assert_null(buf_room(&b, SIZE_MAX));
	assert_int_equal(buf_failed(&b), ERR_TOO_LARGE);
	assert_str_equal(buf_str(&b), STR("a"));
	assert_null(buf_room(&b, 1));
	buf_done(&b);
}

static void
nothing_is_put_at_no_cost(void **state)
{
	struct buf b = { 0 };

	(void)state;
	alloc_fail_from(1);
	buf_put(&b, (struct str){ 0 });
	buf_put(&b, STR(""));
	assert_false(alloc_fail_stop());
	assert_int_equal(buf_failed(&b), ERR_OK);
	assert_null(b.ptr);
}

static void
memory_that_runs_out_is_remembered(void **state)
{
	struct buf b = { 0 };
	size_t i;

	(void)state;
	BUF_LIT(&b, "abc");
	alloc_fail_at(1);
	for (i = 0; i < 1000; i++)
		buf_putc(&b, 'x');
	assert_true(alloc_fail_stop());
	assert_int_equal(buf_failed(&b), ERR_NOMEM);
	/* what fitted is there, and what came later was dropped */
	assert_true(str_starts(buf_str(&b), STR("abcxx")));
	assert_true(b.len < 1000);
	buf_clear(&b);
	BUF_LIT(&b, "new");
	assert_str_equal(buf_str(&b), STR("new"));
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_without_leading_zeros),
		cmocka_unit_test(it_grows_and_keeps_what_it_holds),
		cmocka_unit_test(
		    clearing_keeps_the_memory_and_done_keeps_the_limit),
		cmocka_unit_test(what_is_formatted_is_measured_first),
		cmocka_unit_test(room_that_cannot_be_is_refused),
		cmocka_unit_test(nothing_is_put_at_no_cost),
		cmocka_unit_test(memory_that_runs_out_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
