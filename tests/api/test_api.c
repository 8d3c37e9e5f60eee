/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sheaf/status.h>
#include <sheaf/version.h>

static void
the_library_knows_its_version(void **state)
{
	(void)state;
	assert_string_equal(sheaf_version(), SHEAF_VERSION);
}

static void
a_status_has_a_class_a_phrase_and_a_chance(void **state)
{
	static const struct {
		unsigned status;
		enum sheaf_status_class class;
		const char *reason;
		bool retryable;
	} cases[] = {
		{ 0, SHEAF_STATUS_INVALID, "Unknown", false },
		{ 99, SHEAF_STATUS_INVALID, "Unknown", false },
		{ 100, SHEAF_STATUS_INFORMATIONAL, "Continue", false },
		{ 207, SHEAF_STATUS_SUCCESS, "Multi-Status", false },
		{ 299, SHEAF_STATUS_SUCCESS, "OK", false },
		{ 304, SHEAF_STATUS_REDIRECTION, "Not Modified", false },
		{ 423, SHEAF_STATUS_CLIENT_ERROR, "Locked", true },
		{ 424, SHEAF_STATUS_CLIENT_ERROR, "Failed Dependency", false },
		{ 429, SHEAF_STATUS_CLIENT_ERROR, "Too Many Requests", true },
		{ 503, SHEAF_STATUS_SERVER_ERROR, "Service Unavailable", true },
		{ 599, SHEAF_STATUS_SERVER_ERROR, "Internal Server Error",
		    false },
		{ 600, SHEAF_STATUS_INVALID, "Unknown", false },
		{ 4294967295u, SHEAF_STATUS_INVALID, "Unknown", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned status = cases[i].status;

		assert_int_equal(sheaf_status_class(status), cases[i].class);
		assert_string_equal(
		    sheaf_status_reason(status), cases[i].reason);
		assert_int_equal(
		    sheaf_status_is_retryable(status), cases[i].retryable);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_library_knows_its_version),
		cmocka_unit_test(a_status_has_a_class_a_phrase_and_a_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
