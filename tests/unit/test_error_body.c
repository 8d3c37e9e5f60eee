/* SPDX-License-Identifier: MIT */
#include "lib/test.h"
#include "lib/xml_check.h"

#include <jansson.h>
#include <stdio.h>

#include "wire/error_body.h"

static const struct cause cause = {
	.prefix = STR_INIT("/dav"),
	.path = { STR_INIT("/a & b") },
	.collection = true,
};

static const struct {
	const char *what;
	enum err_code code;
	const char *tell;
	const char *xml; /* the outline */
	const char *type, *title, *detail, *resource;
	int status;
} cases[] = {
	{ "a failure with a precondition", ERR_FINITE_DEPTH, "",
	    "{DAV:}error({DAV:}propfind-finite-depth()"
	    "{urn:sheaf:}message(Depth: infinity is switched off here))",
	    "urn:sheaf:problem:finite-depth",
	    "Depth: infinity is switched off here", NULL, NULL, 403 },
	{ "a failure that another resource is the cause of", ERR_LOCKED, "",
	    "{DAV:}error({DAV:}lock-token-submitted("
	    "{DAV:}href(/dav/a%20%26%20b/))"
	    "{urn:sheaf:}message(locked, and the token was not submitted))",
	    "urn:sheaf:problem:locked",
	    "Locked, and the token was not submitted", NULL,
	    "/dav/a%20%26%20b/", 423 },
	{ "another lock is in the way", ERR_LOCK_CONFLICT, "",
	    "{DAV:}error({DAV:}no-conflicting-lock("
	    "{DAV:}href(/dav/a%20%26%20b/))"
	    "{urn:sheaf:}message(another lock is in the way))",
	    "urn:sheaf:problem:lock-conflict", "Another lock is in the way",
	    NULL, "/dav/a%20%26%20b/", 423 },
	{ "a condition that names no resource", ERR_LOCK_TOKEN, "",
	    "{DAV:}error({DAV:}lock-token-matches-request-uri()"
	    "{urn:sheaf:}message(no lock of this token covers the resource))",
	    "urn:sheaf:problem:lock-token",
	    "No lock of this token covers the resource", NULL, NULL, 409 },
	{ "a failure without", ERR_BAD_BODY, "line 1: <x>\x01 & \"y\"\xff",
	    "{DAV:}error({urn:sheaf:}message("
	    "line 1: <x>\xef\xbf\xbd & \"y\"\xef\xbf\xbd))",
	    "urn:sheaf:problem:bad-body", "Malformed body",
	    "line 1: <x>\x01 & \"y\"\xef\xbf\xbd", NULL, 400 },
};

static void
both_forms_state_the_same_facts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { .code = cases[i].code,
			.why = "open /srv/secret" };
		struct buf body = { 0 };
		struct buf outline = { 0 };
		json_t *j;

		(void)snprintf(err.tell, sizeof(err.tell), "%s", cases[i].tell);
		error_body_put(&body, ERROR_XML, &err, &cause);
		assert_null(xml_outline(buf_str(&body), &outline));
		assert_str_equal(buf_str(&outline), str_from_c(cases[i].xml));
		assert_null(memmem(body.ptr, body.len, "secret", 6));

		buf_clear(&body);
		error_body_put(&body, ERROR_PROBLEM, &err, &cause);
		j = json_loadb(body.ptr, body.len, 0, NULL);
		assert_non_null(j);
		assert_string_equal(
		    json_string_value(json_object_get(j, "type")),
		    cases[i].type);
		assert_string_equal(
		    json_string_value(json_object_get(j, "title")),
		    cases[i].title);
		assert_int_equal(
		    json_integer_value(json_object_get(j, "status")),
		    cases[i].status);
		if (cases[i].detail)
			assert_string_equal(
			    json_string_value(json_object_get(j, "detail")),
			    cases[i].detail);
		else
			assert_null(json_object_get(j, "detail"));
		if (cases[i].resource)
			assert_string_equal(
			    json_string_value(json_object_get(j, "resource")),
			    cases[i].resource);
		else
			assert_null(json_object_get(j, "resource"));
		json_decref(j);
		buf_done(&body);
		buf_done(&outline);
	}
}

static void
every_failure_has_a_body(void **state)
{
	int code;

	(void)state;
	for (code = ERR_OK + 1; code < ERR_COUNT; code++) {
		struct err err = { .code = (enum err_code)code };
		struct buf body = { 0 };
		json_t *j;

		error_body_put(&body, ERROR_XML, &err, &cause);
		assert_null(xml_problem(buf_str(&body)));
		buf_clear(&body);
		error_body_put(&body, ERROR_PROBLEM, &err, &cause);
		j = json_loadb(body.ptr, body.len, 0, NULL);
		assert_non_null(j);
		json_decref(j);
		buf_done(&body);
	}
}

static void
its_media_type_goes_with_it(void **state)
{
	(void)state;
	assert_str_equal(
	    error_media_type(ERROR_XML), STR("application/xml; charset=utf-8"));
	assert_str_equal(
	    error_media_type(ERROR_PROBLEM), STR("application/problem+json"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_state_the_same_facts),
		cmocka_unit_test(every_failure_has_a_body),
		cmocka_unit_test(its_media_type_goes_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
