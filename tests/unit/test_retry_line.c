/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "wire/retry_line.h"

static void
done(struct buf *b)
{
	buf_done(b);
}

static void
a_line_comes_back_as_it_was(void **state)
{
	static const struct retry_line line = {
		.id = STR_INIT("7"),
		.member_of = STR_INIT("8"),
		.op = STR_INIT("copy"),
		.url = STR_INIT("https://h/a%20b"),
		.destination = STR_INIT("https://h/\xc3\xa9\"\\\n"),
		.file = STR_INIT("/tmp/x"),
		.if_match = STR_INIT("\"v1\""),
		.if_none_match = STR_INIT("*"),
		.lock_token = STR_INIT("urn:uuid:1"),
		.body = STR_INIT("<a/>"),
		.content_type = STR_INIT("application/xml"),
		.keep = true,
		.recursive = true,
		.fate = STR_INIT("failed"),
		.status = 423,
		.error = STR_INIT("Locked"),
		.retry_after = 0,
	};
	struct buf b CLEANUP(done) = { 0 }, again CLEANUP(done) = { 0 };
	struct retry_line got;
	struct arena a = { 0 };

	(void)state;
	retry_line_put(&b, &line);
	assert_int_equal(buf_failed(&b), ERR_OK);
	assert_int_equal(str_find(buf_str(&b), '\n'), b.len - 1);
	assert_int_equal(retry_line_parse(&a, buf_str(&b), &got, NULL), ERR_OK);
	retry_line_put(&again, &got);
	assert_str_equal(buf_str(&again), buf_str(&b));
	assert_true(got.keep && got.recursive);
	assert_int_equal(got.status, 423);
	assert_int_equal(got.retry_after, 0);
	assert_str_equal(got.destination, line.destination);
	arena_done(&a);
}

static void
what_is_not_given_is_not_written(void **state)
{
	static const struct retry_line line = { .op = STR_INIT("delete"),
		.url = STR_INIT("http://h/"),
		.retry_after = -1 };
	struct buf b CLEANUP(done) = { 0 };

	(void)state;
	retry_line_put(&b, &line);
	assert_str_equal(
	    buf_str(&b), STR("{\"op\":\"delete\",\"url\":\"http://h/\"}\n"));
}

static void
what_is_no_line_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *line, *tell;
	} cases[] = {
		{ "", "no JSON" },
		{ "[]", "no JSON object" },
		{ "{\"op\":\"delete\",\"op\":\"copy\",\"url\":\"u\"}",
		    "no JSON: duplicate" },
		{ "{\"op\":\"delete\"}", "no member \"url\"" },
		{ "{\"url\":\"u\"}", "one of \"op\" and" },
		{ "{\"url\":\"u\",\"op\":\"a\",\"method\":\"b\"}",
		    "one of \"op\" and" },
		{ "{\"url\":7,\"op\":\"a\"}", "\"url\" is no text" },
		{ "{\"url\":\"u\",\"op\":\"a\",\"overwrite\":1}",
		    "\"overwrite\" is neither" },
		{ "{\"url\":\"u\",\"op\":\"a\",\"status\":\"4\"}",
		    "\"status\" is no whole" },
		{ "{\"url\":\"u\",\"op\":\"a\",\"retryAfter\":-1}",
		    "\"retryAfter\" is no whole" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = { 0 };
		struct retry_line got;
		struct err err = { 0 };

		assert_int_equal(
		    retry_line_parse(&a, str_from_c(cases[i].line), &got, &err),
		    ERR_BAD_BODY);
		if (!strstr(err.tell, cases[i].tell))
			fail_msg("%s: %s", cases[i].line, err.tell);
		arena_done(&a);
	}
}

static void
members_that_are_not_known_are_passed_over(void **state)
{
	struct arena a = { 0 };
	struct retry_line got;

	(void)state;
	assert_int_equal(
	    retry_line_parse(&a,
		STR("{\"x\":{\"y\":[1]},\"url\":\"u\",\"op\":\"read\","
		    "\"body\":null,\"status\":5000}\r"),
		&got, NULL),
	    ERR_OK);
	assert_int_equal(got.status, 0);
	assert_int_equal(got.retry_after, -1);
	assert_int_equal(got.body.len, 0);
	arena_done(&a);
}

static void
the_first_line_says_of_what_version_the_file_is(void **state)
{
	static const struct retry_header header = { .command = STR_INIT("put"),
		.user = STR_INIT("ann"),
		.time = 784111777 };
	struct buf b CLEANUP(done) = { 0 };
	struct arena a = { 0 };
	struct retry_header got;
	struct err err = { 0 };

	(void)state;
	retry_header_put(&b, &header);
	assert_true(retry_header_is(buf_str(&b)));
	assert_int_equal(
	    retry_header_parse(&a, buf_str(&b), &got, NULL), ERR_OK);
	assert_str_equal(got.command, STR("put"));
	assert_str_equal(got.user, STR("ann"));
	assert_int_equal(got.time, 784111777);

	assert_false(retry_header_is(STR("{\"op\":\"x\"}")));
	assert_false(retry_header_is(STR("{\"type\":7}")));
	assert_false(retry_header_is(STR("<a/>")));
	assert_int_equal(
	    retry_header_parse(&a,
		STR("{\"type\":\"sheaf-retry\",\"version\":2}"), &got, &err),
	    ERR_BAD_BODY);
	assert_non_null(strstr(err.tell, "version 2"));
	arena_done(&a);
}

static void
each_allocation_may_fail(void **state)
{
	struct retry_line got;
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a = { 0 };
		enum err_code rc;
		bool failed;

		alloc_fail_at(n);
		rc = retry_line_parse(&a,
		    STR("{\"url\":\"u\",\"op\":\"read\",\"file\":\"f\"}"), &got,
		    NULL);
		failed = alloc_fail_stop();
		arena_done(&a);
		if (!failed) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_comes_back_as_it_was),
		cmocka_unit_test(what_is_not_given_is_not_written),
		cmocka_unit_test(what_is_no_line_is_refused_with_a_reason),
		cmocka_unit_test(members_that_are_not_known_are_passed_over),
		cmocka_unit_test(
		    the_first_line_says_of_what_version_the_file_is),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
