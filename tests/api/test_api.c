/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include <sheaf/condition.h>
#include <sheaf/outcome.h>
#include <sheaf/result.h>
#include <sheaf/status.h>
#include <sheaf/version.h>

#include "api_test.h"

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

static void
an_unknown_status_is_its_class(void **state)
{
	(void)state;
	assert_true(sheaf_status_is_registered(423));
	assert_false(sheaf_status_is_registered(299));
	assert_false(sheaf_status_is_registered(1000));
	assert_int_equal(sheaf_status_effective(423), 423);
	assert_int_equal(sheaf_status_effective(499), 400);
	assert_int_equal(sheaf_status_effective(99), 0);
	assert_int_equal(sheaf_status_effective(600), 0);
}

static void
to_send_again_needs_a_status_and_a_method(void **state)
{
	static const struct {
		unsigned status;
		const char *method;
		bool keyed, yes;
	} cases[] = {
		{ 503, "PUT", false, true },
		{ 503, "POST", false, false },
		{ 503, "POST", true, true },
		{ 503, "", false, true },
		{ 503, NULL, false, true },
		{ 503, "put", false, false },
		{ 423, "PUT", false, false },
		{ 507, "PUT", true, false },
		{ 409, "PUT", true, false },
		{ 200, "PUT", true, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(cases); i++)
		assert_int_equal(sheaf_status_is_retryable_for(cases[i].status,
				     cases[i].method, cases[i].keyed),
		    cases[i].yes);
	assert_true(sheaf_method_is_idempotent("PROPFIND"));
	assert_false(sheaf_method_is_idempotent("POST"));
	assert_false(sheaf_method_is_idempotent("LOCK"));
	assert_false(sheaf_method_is_idempotent("put"));
	assert_false(sheaf_method_is_idempotent(NULL));
}

static void
a_result_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	assert_int_equal(SHEAF_OK, 0);
	assert_string_equal(sheaf_result_name(SHEAF_OK), "SHEAF_OK");
	assert_string_equal(sheaf_result_name(SHEAF_PARTIAL), "SHEAF_PARTIAL");
	assert_string_equal(sheaf_result_name(SHEAF_IO), "SHEAF_IO");
	assert_string_equal(
	    sheaf_result_text(SHEAF_PARTIAL), "some items failed");
	assert_string_equal(
	    sheaf_result_name((enum sheaf_result)9999), "SHEAF_?");
	assert_true(*sheaf_result_text((enum sheaf_result)9999));
}

static void
only_what_is_proven_done_is_no_failure(void **state)
{
	static const struct sheaf_prop prop = { "DAV:", "x", "",
		SHEAF_PROP_EMPTY };
	struct sheaf_propstat ps = { 200, &prop, 1, "", "" };
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;
	static const unsigned done[] = { 200, 201, 204, 208, 226, 299, 304 };
	static const unsigned not_done[] = { 0, 100, 102, 202, 207, 301, 308,
		400, 404, 423, 424, 499, 500, 507, 599, 600, 1000 };
	size_t i;

	(void)state;
	for (i = 0; i < LEN(done); i++) {
		o.status = done[i];
		assert_false(sheaf_outcome_is_failure(&o));
	}
	for (i = 0; i < LEN(not_done); i++) {
		o.status = not_done[i];
		assert_true(sheaf_outcome_is_failure(&o));
	}
	o.status = 200;
	o.propstats = &ps;
	o.n_propstats = 1;
	assert_false(sheaf_outcome_is_failure(&o));
	ps.status = 404;
	assert_false(sheaf_outcome_is_failure(&o));
	ps.status = 423;
	assert_true(sheaf_outcome_is_failure(&o));
	o.n_propstats = 0;
	o.partial = true;
	assert_true(sheaf_outcome_is_failure(&o));
}

static void
an_outcome_has_a_sentence(void **state)
{
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;

	(void)state;
	assert_string_equal(sheaf_outcome_text(&o), "no status");
	o.status = 423;
	assert_string_equal(sheaf_outcome_text(&o), "Locked");
	o.text = "";
	assert_string_equal(sheaf_outcome_text(&o), "Locked");
	o.text = "Bob has it";
	assert_string_equal(sheaf_outcome_text(&o), "Bob has it");
}

static void
a_condition_is_found_by_name_and_in_an_error(void **state)
{
	const struct sheaf_condition *c =
	    sheaf_condition_find("DAV:", "lock-token-submitted");
	static const char *const without[] = { NULL, "", "text", "<",
		"<error xmlns='DAV:'/>",
		"<error xmlns='DAV:'><nobody-knows/></error>",
		"<error xmlns='DAV:'><lock-token-submitted/>",
		"<error xmlns='DAV:'><x><lock-token-submitted/></x></error>" };
	size_t i;

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->name, "lock-token-submitted");
	assert_non_null(strstr(c->rfc, "RFC 4918"));
	assert_true(*c->means && *c->todo);
	assert_null(sheaf_condition_find("urn:x", "lock-token-submitted"));
	assert_null(sheaf_condition_find(NULL, NULL));
	assert_ptr_equal(
	    sheaf_condition_in("<D:error xmlns:D=\"DAV:\"><x xmlns=\"urn:y\"/>"
			       "<D:lock-token-submitted><D:href>/a</D:href>"
			       "</D:lock-token-submitted></D:error>"),
	    c);
	for (i = 0; i < LEN(without); i++)
		assert_null(sheaf_condition_in(without[i]));
	for (i = 0; sheaf_condition_at(i); i++) {
		c = sheaf_condition_at(i);
		assert_ptr_equal(sheaf_condition_find(c->ns, c->name), c);
	}
	assert_true(i > 20);
}

static void
a_condition_without_memory_is_not_known(void **state)
{
	unsigned long n;
	const struct sheaf_condition *c;

	(void)state;
	for (n = 1;; n++) {
		alloc_fail_at(n);
		c = sheaf_condition_in(
		    "<error xmlns='DAV:'><quota-not-exceeded/></error>");
		if (!alloc_fail_stop())
			break;
		assert_null(c);
	}
	assert_non_null(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_library_knows_its_version),
		cmocka_unit_test(a_status_has_a_class_a_phrase_and_a_chance),
		cmocka_unit_test(an_unknown_status_is_its_class),
		cmocka_unit_test(to_send_again_needs_a_status_and_a_method),
		cmocka_unit_test(a_result_has_a_name_and_a_sentence),
		cmocka_unit_test(only_what_is_proven_done_is_no_failure),
		cmocka_unit_test(an_outcome_has_a_sentence),
		cmocka_unit_test(a_condition_is_found_by_name_and_in_an_error),
		cmocka_unit_test(a_condition_without_memory_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
