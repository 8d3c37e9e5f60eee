/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "http/status.h"

static void
a_status_line_is_read_where_its_status_is_plain(void **state)
{
	static const struct {
		const char *line;
		unsigned status;
		const char *reason;
	} cases[] = {
		{ "HTTP/1.1 423 Locked", 423, "Locked" },
		{ "HTTP/1.0 200 OK", 200, "OK" },
		{ "HTTP/2 507", 507, "" },
		{ "HTTP/3 204 ", 204, "" },
		{ "http/1.1 404 Not  Found ", 404, "Not  Found" },
		{ "\n  HTTP/1.1\t409   Conflict\r\n", 409, "Conflict" },
		{ "423 Locked", 423, "Locked" },
		{ "423", 423, "" },
		{ "HTTP/1.1 799 Odd", 799, "Odd" },
		{ "HTTP/1.1 099", 99, "" },
		{ "HTTP/1.1 000 None", 0, "None" },
		{ "HTTP/1.1 2000 OK", 0, "" },
		{ "HTTP/1.1 20", 0, "" },
		{ "HTTP/1.1 2OO OK", 0, "" },
		{ "HTTP/1.1 +20 OK", 0, "" },
		{ "HTTP/1.1200 OK", 0, "" },
		{ "HTTP/x 200 OK", 0, "" },
		{ "HTTP/1.1", 0, "" },
		{ "HTTPS/1.1 200 OK", 0, "" },
		{ "200OK", 0, "" },
		{ "OK", 0, "" },
		{ "", 0, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str reason = STR("untouched");

		assert_int_equal(
		    status_line_parse(str_from_c(cases[i].line), &reason),
		    cases[i].status);
		assert_str_equal(reason, str_from_c(cases[i].reason));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_status_line_is_read_where_its_status_is_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
