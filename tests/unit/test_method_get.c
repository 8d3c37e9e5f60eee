/* SPDX-License-Identifier: MIT */
/* OPTIONS, GET and HEAD. */
#include "lib/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "http/mime.h"
#include "lib/dav_test.h"
#include "lib/tmpdir.h"

#define TREE "/d/ /d/f.txt=0123456789 /d/sub/ /empty /page.html=<b>"

static void
options_say_what_applies(void **state)
{
	static const struct {
		const char *target, *allow;
	} cases[] = {
		{ "/d/",
		    "OPTIONS, GET, HEAD, POST, DELETE, COPY, MOVE, PROPFIND, "
		    "PROPPATCH, LOCK, UNLOCK" },
		{ "/d/f.txt",
		    "OPTIONS, GET, HEAD, PUT, PATCH, DELETE, COPY, MOVE, "
		    "PROPFIND, PROPPATCH, LOCK, UNLOCK" },
		{ "/none", "OPTIONS, PUT, MKCOL, LOCK" },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    dav_send(&t, "OPTIONS", cases[i].target, "", NULL), 200);
		assert_str_equal(
		    dav_header(&t, "Allow"), str_from_c(cases[i].allow));
		assert_str_equal(dav_header(&t, "DAV"), STR("1, 2, 3"));
		assert_str_equal(dav_header(&t, "MS-Author-Via"), STR("DAV"));
		assert_int_equal(dav_body(&t).len, 0);
		assert_int_equal(dav_header(&t, "Accept-Patch").len != 0,
		    strstr(cases[i].allow, " PATCH,") != NULL);
	}
	dav_test_done(&t);
}

static void
methods_without_an_implementation_are_told_apart(void **state)
{
	static const struct {
		const char *method;
		unsigned status;
	} cases[] = {
		{ "REPORT", 405 },
		{ "FROB", 501 },
		{ "get", 501 },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(dav_send(&t, cases[i].method, "/d/", "", NULL),
		    cases[i].status);
		assert_int_equal(
		    dav_header(&t, "Allow").len != 0, cases[i].status == 405);
	}
	dav_test_done(&t);
}

static void
a_file_comes_with_what_caches_and_browsers_need(void **state)
{
	static const char *const methods[] = { "GET", "HEAD" };
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(methods); i++) {
		assert_int_equal(
		    dav_send(&t, methods[i], "/d/f.txt", "", NULL), 200);
		assert_str_equal(dav_body(&t), STR("0123456789"));
		assert_true(str_starts(dav_header(&t, "ETag"), STR("\"")));
		assert_true(
		    str_ends(dav_header(&t, "Last-Modified"), STR(" GMT")));
		assert_str_equal(dav_header(&t, "Accept-Ranges"), STR("bytes"));
		assert_str_equal(dav_header(&t, "Content-Type"),
		    STR("application/octet-stream"));
		assert_str_equal(
		    dav_header(&t, "X-Content-Type-Options"), STR("nosniff"));
		assert_str_equal(
		    dav_header(&t, "Cache-Control"), STR("no-cache"));
		assert_int_equal(dav_header(&t, "Content-Location").len, 0);
	}
	assert_int_equal(dav_send(&t, "GET", "/empty", "", NULL), 200);
	assert_int_equal(dav_body(&t).len, 0);
	assert_int_equal(dav_send(&t, "GET", "/none", "", NULL), 404);
	dav_test_done(&t);
}

static void
no_date_is_in_the_future(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, "");
	assert_int_equal(
	    dav_send(&t, "PUT", "/f", "X-OC-Mtime: 4102444800\n", "x"), 201);
	assert_int_equal(dav_send(&t, "GET", "/f", "", NULL), 200);
	assert_false(str_eq(dav_header(&t, "Last-Modified"),
	    STR("Fri, 01 Jan 2100 00:00:00 GMT")));
	dav_test_done(&t);
}

static void
write_table(const char *file, const char *text)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
uploaded_pages_run_in_a_sandbox(void **state)
{
	struct tmpdir dir = { "" };
	char table[300];
	struct dav_test t;
	struct mime *mime = NULL;

	(void)state;
	dav_test_init(&t, TREE);
	tmpdir_make(&dir);
	(void)snprintf(table, sizeof(table), "%s/mime.types", dir.path);
	write_table(table, "text/html html\ntext/plain txt\n");
	assert_int_equal(mime_open(table, &mime, NULL), ERR_OK);
	tmpdir_remove(&dir);
	t.set.mime = mime;
	assert_int_equal(dav_send(&t, "GET", "/page.html", "", NULL), 200);
	assert_str_equal(dav_header(&t, "Content-Type"), STR("text/html"));
	assert_str_equal(
	    dav_header(&t, "Content-Security-Policy"), STR("sandbox"));
	assert_int_equal(dav_send(&t, "GET", "/d/f.txt", "", NULL), 200);
	assert_int_equal(dav_header(&t, "Content-Security-Policy").len, 0);
	mime_free(mime);
	dav_test_done(&t);
}

static void
ranges_are_served(void **state)
{
	static const struct {
		const char *method, *header;
		unsigned status;
		const char *range, *body;
	} cases[] = {
		{ "GET", "Range: bytes=2-4\n", 206, "bytes 2-4/10", "234" },
		{ "GET", "Range: bytes=-1\n", 206, "bytes 9-9/10", "9" },
		{ "GET", "Range: bytes=8-99\n", 206, "bytes 8-9/10", "89" },
		{ "GET", "Range: bytes=10-\n", 416, "bytes */10", NULL },
		{ "GET", "Range: lines=1-2\n", 200, "", "0123456789" },
		{ "HEAD", "Range: bytes=2-4\n", 200, "", "0123456789" },
		{ "GET", "Range: bytes=2-4\nIf-Range: \"other\"\n", 200, "",
		    "0123456789" },
		{ "GET", "Range: bytes=2-4\nIf-Range: W/\"m1\"\n", 200, "",
		    "0123456789" },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(dav_send(&t, cases[i].method, "/d/f.txt",
				     cases[i].header, NULL),
		    cases[i].status);
		assert_str_equal(dav_header(&t, "Content-Range"),
		    str_from_c(cases[i].range));
		if (cases[i].body)
			assert_str_equal(
			    dav_body(&t), str_from_c(cases[i].body));
	}
	assert_int_equal(
	    dav_send(&t, "GET", "/empty", "Range: bytes=0-\n", NULL), 416);
	assert_str_equal(dav_header(&t, "Content-Range"), STR("bytes */0"));
	dav_test_done(&t);
}

static void
if_range_with_the_right_tag_is_obeyed(void **state)
{
	struct dav_test t;
	struct buf b = { 0 };

	(void)state;
	dav_test_init(&t, TREE);
	(void)dav_send(&t, "GET", "/d/f.txt", "", NULL);
	buf_printf(&b, "Range: bytes=0-0\nIf-Range: %.*s\n%c",
	    STR_ARG(dav_header(&t, "ETag")), 0);
	assert_int_equal(dav_send(&t, "GET", "/d/f.txt", b.ptr, NULL), 206);
	assert_str_equal(dav_body(&t), STR("0"));
	buf_done(&b);
	dav_test_done(&t);
}

static void
several_ranges_come_in_parts(void **state)
{
	struct dav_test t;
	struct buf want = { 0 };
	struct str boundary;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "GET", "/d/f.txt", "Range: bytes=0-1,5-6\n", NULL),
	    206);
	assert_int_equal(dav_header(&t, "Content-Range").len, 0);
	boundary = dav_header(&t, "Content-Type");
	assert_true(
	    str_starts(boundary, STR("multipart/byteranges; boundary=")));
	boundary = str_skip(boundary, str_find(boundary, '=') + 1);
	buf_printf(&want,
	    "\r\n--%.*s\r\nContent-Type: application/octet-stream\r\n"
	    "Content-Range: bytes 0-1/10\r\n\r\n01"
	    "\r\n--%.*s\r\nContent-Type: application/octet-stream\r\n"
	    "Content-Range: bytes 5-6/10\r\n\r\n56"
	    "\r\n--%.*s--\r\n",
	    STR_ARG(boundary), STR_ARG(boundary), STR_ARG(boundary));
	assert_str_equal(dav_body(&t), buf_str(&want));
	buf_done(&want);
	dav_test_done(&t);
}

static void
conditions_are_asked_of_what_is_there(void **state)
{
	static const struct {
		const char *target, *headers;
		unsigned status;
	} cases[] = {
		{ "/d/f.txt", "If-None-Match: *\n", 304 },
		{ "/d/f.txt", "If-None-Match: \"no\"\n", 200 },
		{ "/d/f.txt", "If-Match: \"no\"\n", 412 },
		{ "/d/f.txt", "If-Match: *\n", 200 },
		{ "/d/f.txt", "If-Match: no quotes\n", 400 },
		{ "/d/f.txt", "If: (<opaquelocktoken:x>)\n", 412 },
		{ "/d/f.txt", "If: (Not <DAV:no-lock>)\n", 200 },
		{ "/d/f.txt", "If: ([\"no\"])\n", 412 },
		{ "/d/f.txt", "If: nonsense\n", 400 },
		{ "/d/f.txt",
		    "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\n", 304 },
		{ "/d/f.txt",
		    "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\n",
		    412 },
		{ "/none", "If-Match: *\n", 404 },
		{ "/d/", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\n",
		    200 },
		{ "/d/", "If-Match: \"x\"\n", 412 },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(dav_send(&t, "GET", cases[i].target,
				     cases[i].headers, NULL),
		    cases[i].status);
	(void)dav_send(&t, "GET", "/d/f.txt", "If-None-Match: *\n", NULL);
	assert_true(dav_header(&t, "ETag").len);
	assert_int_equal(dav_body(&t).len, 0);
	dav_test_done(&t);
}

static void
a_collection_is_a_page_below_its_slash(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	t.origin.prefix = STR("/dav");
	assert_int_equal(dav_send(&t, "GET", "/d", "", NULL), 301);
	assert_str_equal(dav_header(&t, "Location"), STR("/dav/d/"));
	assert_int_equal(dav_send(&t, "GET", "/d/", "", NULL), 200);
	assert_str_equal(
	    dav_header(&t, "Content-Type"), STR("text/html; charset=utf-8"));
	assert_true(dav_says(&t, "f.txt"));
	assert_true(dav_says(&t, "sub/"));
	assert_false(dav_says(&t, "empty"));
	assert_int_equal(dav_send(&t, "HEAD", "/d", "", NULL), 301);
	assert_int_equal(dav_send(&t, "GET", "/", "", NULL), 200);
	deny(&t.deny, "/d", DENY_LIST, ERR_FORBIDDEN);
	assert_int_equal(dav_send(&t, "GET", "/d/", "", NULL), 403);
	dav_test_done(&t);
}

static void
a_file_with_a_slash_says_where_it_is(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "GET", "/d/f.txt/", "", NULL), 200);
	assert_str_equal(dav_header(&t, "Content-Location"), STR("/d/f.txt"));
	dav_test_done(&t);
}

static void
failures_have_a_body_of_the_form_accepted(void **state)
{
	static const struct {
		const char *accept, *type, *text;
	} cases[] = {
		{ "", "application/xml; charset=utf-8", "error" },
		{ "Accept: text/html\n", "application/xml; charset=utf-8",
		    "error" },
		{ "Accept: application/json\n", "application/problem+json",
		    "\"status\"" },
		{ "Accept: application/problem+json, */*;q=0.1\n",
		    "application/problem+json", "\"status\"" },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    dav_send(&t, "GET", "/none", cases[i].accept, NULL), 404);
		assert_str_equal(
		    dav_header(&t, "Content-Type"), str_from_c(cases[i].type));
		assert_true(dav_says(&t, cases[i].text));
	}
	deny(&t.deny, "/d/f.txt", DENY_STAT, ERR_BUSY);
	assert_int_equal(dav_send(&t, "GET", "/d/f.txt", "", NULL), 503);
	assert_true(dav_header(&t, "Retry-After").len);
	dav_test_done(&t);
}

static void
every_failing_allocation_gets_an_honest_answer(void **state)
{
	static const struct {
		const char *target, *headers;
		unsigned status;
	} cases[] = {
		{ "/d/f.txt", "Range: bytes=0-1,5-6\n", 206 },
		{ "/d/f.txt", "If: </d> ([\"x\"]) (Not <a:b>)\n", 200 },
		{ "/d/", "", 200 },
		{ "/d", "", 301 },
	};
	struct dav_test t;
	unsigned long n;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		for (n = 1; n < 10000; n++) {
			unsigned status;

			t.fail_alloc = n;
			status = dav_send(
			    &t, "GET", cases[i].target, cases[i].headers, NULL);
			if (!t.alloc_failed) {
				assert_int_equal(status, cases[i].status);
				break;
			}
			assert_true(status == 500 || status == 0 ||
			    status == cases[i].status);
			assert_true(status != 206 || t.ran == ERR_OK);
		}
		assert_in_range(n, 3, 9999);
	}
	dav_test_done(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_say_what_applies),
		cmocka_unit_test(
		    methods_without_an_implementation_are_told_apart),
		cmocka_unit_test(
		    a_file_comes_with_what_caches_and_browsers_need),
		cmocka_unit_test(no_date_is_in_the_future),
		cmocka_unit_test(uploaded_pages_run_in_a_sandbox),
		cmocka_unit_test(ranges_are_served),
		cmocka_unit_test(if_range_with_the_right_tag_is_obeyed),
		cmocka_unit_test(several_ranges_come_in_parts),
		cmocka_unit_test(conditions_are_asked_of_what_is_there),
		cmocka_unit_test(a_collection_is_a_page_below_its_slash),
		cmocka_unit_test(a_file_with_a_slash_says_where_it_is),
		cmocka_unit_test(failures_have_a_body_of_the_form_accepted),
		cmocka_unit_test(
		    every_failing_allocation_gets_an_honest_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
