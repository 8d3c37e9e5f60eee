/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/attr.h"
#include "base/clock.h"
#include "outcome/retry.h"
#include "outcome/tally.h"

static void
each_status_has_its_advice(void **state)
{
	static const struct {
		unsigned status;
		enum retry_advice want;
	} cases[] = {
		{ 0, RETRY_LOOK_FIRST },
		{ 99, RETRY_LOOK_FIRST },
		{ 100, RETRY_LOOK_FIRST },
		{ 102, RETRY_LOOK_FIRST },
		{ 199, RETRY_LOOK_FIRST },
		{ 200, RETRY_NONE },
		{ 201, RETRY_NONE },
		{ 202, RETRY_LOOK_FIRST },
		{ 204, RETRY_NONE },
		{ 207, RETRY_LOOK_FIRST },
		{ 299, RETRY_NONE },
		{ 301, RETRY_AFTER_CHANGE },
		{ 304, RETRY_NONE },
		{ 399, RETRY_AFTER_CHANGE },
		{ 400, RETRY_AFTER_CHANGE },
		{ 401, RETRY_AFTER_CHANGE },
		{ 403, RETRY_AFTER_CHANGE },
		{ 404, RETRY_AFTER_CHANGE },
		{ 405, RETRY_AFTER_CHANGE },
		{ 408, RETRY_LATER },
		{ 409, RETRY_NEVER },
		{ 412, RETRY_NEVER },
		{ 418, RETRY_AFTER_CHANGE },
		{ 423, RETRY_WHEN_FREED },
		{ 424, RETRY_WITH_CAUSE },
		{ 425, RETRY_LATER },
		{ 429, RETRY_LATER },
		{ 499, RETRY_AFTER_CHANGE },
		{ 500, RETRY_AFTER_CHANGE },
		{ 501, RETRY_AFTER_CHANGE },
		{ 502, RETRY_LATER },
		{ 503, RETRY_LATER },
		{ 504, RETRY_LATER },
		{ 507, RETRY_WHEN_FREED },
		{ 599, RETRY_AFTER_CHANGE },
		{ 600, RETRY_LOOK_FIRST },
		{ 4294967295U, RETRY_LOOK_FIRST },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		if (retry_advise(cases[i].status, STR("DELETE"), false) !=
		    cases[i].want)
			fail_msg("of %u", cases[i].status);
		assert_int_equal(retry_advise(cases[i].status, STR(""), false),
		    cases[i].want);
	}
}

static void
what_is_not_idempotent_is_looked_at_unless_it_has_a_key(void **state)
{
	static const unsigned later[] = { 408, 425, 429, 502, 503, 504 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(later); i++) {
		assert_int_equal(retry_advise(later[i], STR("POST"), false),
		    RETRY_LOOK_FIRST);
		assert_int_equal(
		    retry_advise(later[i], STR("POST"), true), RETRY_LATER);
	}
	assert_int_equal(retry_advise(409, STR("POST"), true), RETRY_NEVER);
	assert_int_equal(
	    retry_advise(423, STR("POST"), false), RETRY_WHEN_FREED);
}

static void
what_a_summary_counts_is_what_may_succeed_as_it_is(void **state)
{
	unsigned status;

	(void)state;
	for (status = 0; status < 700; status++) {
		enum retry_advice a = retry_advise(status, STR(""), false);

		assert_int_equal(status_is_retryable(status),
		    a == RETRY_LATER || status == 423);
	}
}

static void
idempotent_methods_are_those_of_the_registry(void **state)
{
	static const char *const yes[] = { "GET", "HEAD", "OPTIONS", "TRACE",
		"PUT", "DELETE", "PROPFIND", "PROPPATCH", "COPY", "MOVE",
		"MKCOL", "UNLOCK", "REPORT", "SEARCH", "ACL", "BIND" };
	static const char *const no[] = { "POST", "PATCH", "LOCK", "CONNECT",
		"", "get", "DELETE ", "FROB" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(yes); i++)
		if (!method_is_idempotent(str_from_c(yes[i])))
			fail_msg("%s is", yes[i]);
	for (i = 0; i < ARRAY_LEN(no); i++)
		if (method_is_idempotent(str_from_c(no[i])))
			fail_msg("'%s' is not", no[i]);
}

static void
every_advice_has_its_own_sentence(void **state)
{
	unsigned a, b;

	(void)state;
	for (a = 0; a < RETRY_ADVICE_COUNT; a++)
		for (b = 0; b <= a; b++)
			assert_int_equal(a == b,
			    !strcmp(retry_advice_text((enum retry_advice)a),
				retry_advice_text((enum retry_advice)b)));
}

static void
retry_after_is_seconds_or_a_date(void **state)
{
	/* Sun, 06 Nov 1994 08:49:37 GMT */
	const int64_t now = INT64_C(784111777) * NSEC_PER_SEC;
	static const struct {
		const char *value;
		int64_t want; /* -1: refused */
	} cases[] = {
		{ "0", 0 },
		{ "120", 120 * NSEC_PER_SEC },
		{ " 7 ", 7 * NSEC_PER_SEC },
		{ "007", 7 * NSEC_PER_SEC },
		{ "9223372036", INT64_C(9223372036) * NSEC_PER_SEC },
		{ "9223372037", INT64_MAX },
		{ "18446744073709551615", INT64_MAX },
		{ "99999999999999999999999", INT64_MAX },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:47 GMT", 10 * NSEC_PER_SEC },
		{ "Sunday, 06-Nov-94 08:50:37 GMT", 60 * NSEC_PER_SEC },
		{ "Sun Nov  6 08:49:38 1994", NSEC_PER_SEC },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Fri, 01 Jan 1960 00:00:00 GMT", 0 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT",
		    INT64_MAX - INT64_C(784111777) * NSEC_PER_SEC },
		{ "", -1 },
		{ " ", -1 },
		{ "1.5", -1 },
		{ "-1", -1 },
		{ "+1", -1 },
		{ "1s", -1 },
		{ "1, 2", -1 },
		{ "soon", -1 },
		{ "Sun, 06 Nov 1994 08:49:37", -1 },
		{ "1994-11-06T08:49:37Z", -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns = -1;
		bool ok =
		    retry_after_parse(str_from_c(cases[i].value), now, &ns);

		if (ok != (cases[i].want >= 0) || ns != cases[i].want)
			fail_msg("'%s': %lld", cases[i].value, (long long)ns);
	}
}

static void
the_wait_doubles_up_to_its_cap_and_obeys_the_server(void **state)
{
	static const struct {
		unsigned attempt;
		int64_t most;
	} cases[] = {
		{ 2, RETRY_BASE },
		{ 3, 2 * RETRY_BASE },
		{ 4, 4 * RETRY_BASE },
		{ 5, 8 * RETRY_BASE },
		{ 8, 64 * RETRY_BASE },
		{ 9, RETRY_CAP },
		{ 4000000000U, RETRY_CAP },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned n = cases[i].attempt;
		uint64_t most = (uint64_t)cases[i].most;

		assert_int_equal(retry_delay(n, -1, 0), 0);
		assert_int_equal(retry_delay(n, -1, most), most);
		assert_int_equal(retry_delay(n, -1, most + 1), 0);
		assert_true(retry_delay(n, -1, UINT64_MAX) <= cases[i].most);
		assert_int_equal(retry_delay(n, 7, 3), 7);
		assert_int_equal(retry_delay(n, 7, 8), 8);
		/* What the server says has no cap of ours. */
		assert_int_equal(
		    retry_delay(n, 2 * RETRY_CAP, 8), 2 * RETRY_CAP);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_status_has_its_advice),
		cmocka_unit_test(
		    what_is_not_idempotent_is_looked_at_unless_it_has_a_key),
		cmocka_unit_test(
		    what_a_summary_counts_is_what_may_succeed_as_it_is),
		cmocka_unit_test(idempotent_methods_are_those_of_the_registry),
		cmocka_unit_test(every_advice_has_its_own_sentence),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(
		    the_wait_doubles_up_to_its_cap_and_obeys_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
