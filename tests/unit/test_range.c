/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/buf.h"
#include "http/range.h"

#define MAX "18446744073709551615"

/* "0+5 7+1": offset and length of each. */
static void
put_ranges(struct buf *b, const struct ranges *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		buf_printf(b, "%s%llu+%llu", i ? " " : "",
		    (unsigned long long)r->v[i].offset,
		    (unsigned long long)r->v[i].length);
}

static void
ranges_are_cut_to_what_is_there(void **state)
{
	static const struct {
		const char *header;
		uint64_t length;
		const char *want; /* "": the whole; NULL: ERR_RANGE */
	} cases[] = {
		{ "", 10, "" },
		{ "bytes=0-0", 10, "0+1" },
		{ "bytes=0-4", 10, "0+5" },
		{ "bytes=5-", 10, "5+5" },
		{ "bytes=-3", 10, "7+3" },
		{ "bytes=0-9", 10, "0+10" },
		{ "bytes=0-10", 10, "0+10" },
		{ "bytes=9-9", 10, "9+1" },
		{ "bytes=-10", 10, "0+10" },
		{ "bytes=-11", 10, "0+10" },
		{ "Bytes=0-0", 10, "0+1" },
		{ "bytes=007-8", 10, "7+2" },
		{ "bytes=5-" MAX, 10, "5+5" },
		{ "bytes=5-99999999999999999999999", 10, "5+5" },
		{ "bytes=-99999999999999999999999", 10, "0+10" },
		{ "bytes=0-", UINT64_MAX, "0+" MAX },
		{ "bytes=-1", UINT64_MAX, "18446744073709551614+1" },

		/* none that can be satisfied */
		{ "bytes=10-", 10, NULL },
		{ "bytes=10-20", 10, NULL },
		{ "bytes=-0", 10, NULL },
		{ "bytes=99999999999999999999999-", 10, NULL },
		{ "bytes=10-, 20-30, -0", 10, NULL },
		{ "bytes=0-", 0, NULL },
		{ "bytes=-0", 0, NULL },
		/* the last five bytes of none are all of it */
		{ "bytes=-5", 0, "" },
		{ "bytes=0-3, -5", 0, "" },

		/* one of several is enough */
		{ "bytes=10-, 3-4", 10, "3+2" },
		{ "bytes=3-4,-0", 10, "3+2" },

		/* in the order asked for */
		{ "bytes=7-8,0-1", 10, "7+2 0+2" },
		{ "bytes=7-8 , 0-1\t,3-4", 10, "7+2 0+2 3+2" },
		{ "bytes=,,0-1,,3-4,", 10, "0+2 3+2" },

		/* overlapping and adjacent ones joined */
		{ "bytes=0-3,2-5", 10, "0+6" },
		{ "bytes=2-5,0-3", 10, "0+6" },
		{ "bytes=0-3,4-5", 10, "0+6" },
		{ "bytes=4-5,0-3", 10, "0+6" },
		{ "bytes=0-3,5-6", 10, "0+4 5+2" },
		{ "bytes=0-9,3-4", 10, "0+10" },
		{ "bytes=3-4,0-9", 10, "0+10" },
		{ "bytes=3-4,3-4,3-4", 10, "3+2" },
		{ "bytes=0-1,8-9,4-5,2-7", 10, "0+10" },
		{ "bytes=8-9,0-1,4-5,1-4", 10, "8+2 0+6" },
		{ "bytes=4-5,0-1,8-9,-2,6-7", 10, "4+6 0+2" },
		{ "bytes=-1,-2,-3", 10, "7+3" },

		/* not valid, or of another unit: ignored */
		{ "bytes=", 10, "" },
		{ "bytes=,", 10, "" },
		{ "bytes", 10, "" },
		{ "bytes 0-1", 10, "" },
		{ "bytes =0-1", 10, "" },
		{ "byte=0-1", 10, "" },
		{ "lines=0-1", 10, "" },
		{ "bytes=-", 10, "" },
		{ "bytes=--1", 10, "" },
		{ "bytes=1", 10, "" },
		{ "bytes=a-b", 10, "" },
		{ "bytes=0-b", 10, "" },
		{ "bytes=0x0-1", 10, "" },
		{ "bytes=+0-1", 10, "" },
		{ "bytes=0 - 1", 10, "" },
		{ "bytes=0-1-2", 10, "" },
		{ "bytes=0-1;2-3", 10, "" },
		{ "bytes=5-4", 10, "" },
		{ "bytes=0-1,5-4", 10, "" },
		{ "bytes=20-15", 10, "" },
		{ "bytes=0-1,x", 10, "" },
		{ "bytes=10-,x", 10, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct ranges r = { .n = 42 };
		struct buf b = { 0 };
		struct err err = { 0 };
		enum err_code rc = ranges_parse(
		    str_from_c(cases[i].header), cases[i].length, &r, &err);

		if (rc != (cases[i].want ? ERR_OK : ERR_RANGE))
			fail_msg("%s: %d", cases[i].header, rc);
		assert_int_equal(err.code, rc);
		put_ranges(&b, &r);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].want));
		buf_done(&b);
	}
}

static void
more_ranges_than_the_limit_are_ignored(void **state)
{
	size_t n;

	(void)state;
	for (n = RANGES_MAX - 1; n <= RANGES_MAX + 1; n++) {
		struct buf b = { 0 };
		struct ranges r;
		size_t i;

		BUF_LIT(&b, "bytes=");
		for (i = 0; i < n; i++)
			buf_printf(&b, "%zu-%zu,", 2 * i, 2 * i);
		assert_int_equal(
		    ranges_parse(buf_str(&b), 1000, &r, NULL), ERR_OK);
		assert_int_equal(r.n, n <= RANGES_MAX ? n : 0);
		buf_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_cut_to_what_is_there),
		cmocka_unit_test(more_ranges_than_the_limit_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
