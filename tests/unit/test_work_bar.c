/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/attr.h"
#include "base/clock.h"
#include "cmd/work_impl.h"

static void
the_bar_has_rate_and_time_and_fits(void **state)
{
	struct work_bar b = { .on = true,
		.items = 40,
		.items_done = 12,
		.bytes = 100000000,
		.bytes_done = 25000000,
		.rate = 5e6 };
	struct buf out CLEANUP(buf_done) = { 0 };

	(void)state;
	work_bar_put(&out, &b, 10 * NSEC_PER_SEC, 200);
	assert_str_equal(buf_str(&out),
	    STR("[======>                 ]  25%  12/40  25 MB/100 MB  5.0 "
		"MB/s  ETA 0:15"));
	buf_clear(&out);
	work_bar_put(&out, &b, 10 * NSEC_PER_SEC, 20);
	assert_int_equal(out.len, 19);
	buf_clear(&out);
	b = (struct work_bar){ .items_done = 3, .rate = -1 };
	work_bar_put(&out, &b, NSEC_PER_SEC, 80);
	assert_str_equal(buf_str(&out), STR("3"));
	buf_clear(&out);
	b = (struct work_bar){ .items = 10, .items_done = 5, .rate = 0 };
	work_bar_put(&out, &b, 10 * NSEC_PER_SEC, 80);
	assert_str_equal(buf_str(&out),
	    STR("[============>           ]  50%  5/10  ETA 0:10"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bar_has_rate_and_time_and_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
