/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "wire/bulk_docs.h"

static void
a_line_of_results_tells_its_index_and_status(void **state)
{
	static const struct {
		const char *line;
		bool ok;
		uint64_t index;
		unsigned status;
	} cases[] = {
		{ "{\"type\":\"result\",\"id\":\"a\",\"index\":7,"
		  "\"status\":404}",
		    true, 7, 404 },
		{ "{\"type\":\"result\",\"id\":\"\\\"index\\\":1,\","
		  "\"body\":{\"index\":2,\"status\":[3]},\"index\":8,"
		  "\"status\":201,\"x\":\"}\"}",
		    true, 8, 201 },
		{ "{\"type\":\"result\",\"index\":7}", false, 0, 0 },
		{ "{\"type\":\"result\",\"index\":7,\"status\":40", false, 0,
		    0 },
		{ "{\"type\":\"summary\",\"index\":7,\"status\":1}", false, 0,
		    0 },
		{ "{\"type\":\"result\",\"index\":\"7\",\"status\":1}", false,
		    0, 0 },
		{ "", false, 0, 0 },
	};
	struct result_line r;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		if (result_line_read(str_from_c(cases[i].line), &r) !=
		    cases[i].ok)
			fail_msg("%s", cases[i].line);
		if (!cases[i].ok)
			continue;
		assert_int_equal(r.index, cases[i].index);
		assert_int_equal(r.status, cases[i].status);
	}
}

static void
pending_is_what_has_no_result_yet(void **state)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct batch_state s = {
		.sum = { .sum = { .total = 3, .success = 2, .failed = 1 },
		    .retry_after = -1 },
		.total = 10,
	};

	(void)state;
	batch_summary_put(&b, &s);
	buf_putc(&b, '\0');
	assert_non_null(strstr(b.ptr, "\"total\":10,"));
	assert_non_null(strstr(b.ptr, "\"pending\":7,"));
	s.ended = true;
	buf_clear(&b);
	batch_summary_put(&b, &s);
	buf_putc(&b, '\0');
	assert_non_null(strstr(b.ptr, "\"total\":3,"));
	assert_null(strstr(b.ptr, "pending"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_results_tells_its_index_and_status),
		cmocka_unit_test(pending_is_what_has_no_result_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
