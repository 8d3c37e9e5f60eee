/* SPDX-License-Identifier: MIT */
/* PUT, MKCOL, DELETE, COPY and MOVE, as requests. */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/dav_test.h"
#include "store/stores.h"

#define TREE "/d/ /d/k/ /d/k/y=2 /d/x=1 /f=old"

struct row {
	const char *method, *target, *headers, *body;
	unsigned status;
	const char *left; /* NULL: as it was */
};

/* Each on a new tree. */
static void
check_rows(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		struct dav_test t;

		dav_test_init(&t, TREE);
		t.set.max_upload = 100;
		assert_int_equal(
		    dav_send(&t, r->method, r->target, r->headers, r->body),
		    r->status);
		assert_tree(t.deny.inner, r->left ? r->left : TREE);
		assert_int_equal(
		    dav_header(&t, "Allow").len != 0, r->status == 405);
		dav_test_done(&t);
	}
}

static void
put_stores_or_says_why_not(void **state)
{
	static const char over[] =
	    "0123456789012345678901234567890123456789012345678901234567890"
	    "123456789012345678901234567890123456789+";
	static const struct row rows[] = {
		{ "PUT", "/n", "", "new", 201, TREE " /n=new" },
		{ "PUT", "/n", "", "", 201, TREE " /n" },
		{ "PUT", "/f", "", "new", 204,
		    "/d/ /d/k/ /d/k/y=2 /d/x=1 /f=new" },
		{ "PUT", "/none/n", "", "new", 409, NULL },
		{ "PUT", "/f/n", "", "new", 409, NULL },
		{ "PUT", "/d", "", "new", 405, NULL },
		{ "PUT", "/d/", "", "new", 405, NULL },
		{ "PUT", "/", "", "new", 405, NULL },
		{ "PUT", "/n/", "", "new", 400, NULL },
		{ "PUT", "/f", "Content-Range: bytes 0-2/9\n", "new", 400,
		    NULL },
		{ "PUT", "/f", "Content-Encoding: gzip\n", "new", 415, NULL },
		{ "PUT", "/f", "Content-Encoding: identity\n", "new", 204,
		    "/d/ /d/k/ /d/k/y=2 /d/x=1 /f=new" },
		{ "PUT", "/f", "", over, 413, NULL },
		{ "PUT", "/f", "Transfer-Encoding: chunked\n", over, 413,
		    NULL },
		{ "PUT", "/f", "If-Match: \"no\"\n", "new", 412, NULL },
		{ "PUT", "/f", "If-None-Match: *\n", "new", 412, NULL },
		{ "PUT", "/n", "If-Match: *\n", "new", 412, NULL },
		{ "PUT", "/n", "If-None-Match: *\n", "new", 201,
		    TREE " /n=new" },
		{ "PUT", "/f", "If: (<opaquelocktoken:a>)\n", "new", 412,
		    NULL },
		{ "PUT", "/f", "If: (Not <DAV:no-lock>)\n", "new", 204,
		    "/d/ /d/k/ /d/k/y=2 /d/x=1 /f=new" },
		{ "PUT", "/f", "If-Match: bad\n", "new", 400, NULL },
		{ "PUT", "/f", "X-OC-Mtime: yesterday\n", "new", 400, NULL },
		{ "PUT", "/f",
		    "Content-Digest: sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AAAAAAAAAAAAA=:\n",
		    "new", 400, NULL },
		{ "PUT", "/f", "Repr-Digest: nonsense\n", "new", 400, NULL },
		{ "PUT", "/f",
		    "Content-Digest: "
		    "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQ"
		    "zYpOLmCQ=:\n",
		    "hello", 204, "/d/ /d/k/ /d/k/y=2 /d/x=1 /f=hello" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
early_errors_come_before_the_body_is_asked_for(void **state)
{
	static const char *const headers[] = {
		"If-None-Match: *\n",
		"Content-Range: bytes 0-2/9\n",
		"Content-Encoding: br\n",
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(headers); i++) {
		(void)dav_send(&t, "PUT", "/f", headers[i], "new");
		assert_false(t.has_body_stream);
	}
	(void)dav_send(&t, "PUT", "/f", "Content-Encoding: br\n", "new");
	assert_str_equal(dav_header(&t, "Accept-Encoding"), STR("identity"));
	(void)dav_send(&t, "PUT", "/d", "", "new");
	assert_false(t.has_body_stream);
	dav_test_done(&t);
}

static void
a_put_tells_the_tag_of_what_it_stored(void **state)
{
	struct dav_test t;
	struct resource res;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "PUT", "/f", "X-OC-Mtime: 1.5\n", "n"), 204);
	assert_int_equal(
	    store_stat(t.deny.inner, at("/f"), &res, NULL), ERR_OK);
	assert_str_equal(dav_header(&t, "ETag"), resource_etag(&res));
	assert_true(res.modified == INT64_C(1500000000));
	assert_str_equal(dav_header(&t, "X-OC-MTime"), STR("accepted"));
	assert_true(t.slow);
	dav_test_done(&t);
}

static void
mkcol_makes_one_collection(void **state)
{
	static const struct row rows[] = {
		{ "MKCOL", "/n", "", NULL, 201, TREE " /n/" },
		{ "MKCOL", "/n/", "", NULL, 201, TREE " /n/" },
		{ "MKCOL", "/d", "", NULL, 405, NULL },
		{ "MKCOL", "/f", "", NULL, 405, NULL },
		{ "MKCOL", "/", "", NULL, 405, NULL },
		{ "MKCOL", "/none/n", "", NULL, 409, NULL },
		{ "MKCOL", "/n", "", "<x/>", 415, NULL },
		{ "MKCOL", "/n", "If-Match: *\n", NULL, 412, NULL },
		{ "MKCOL", "/d", "If-Match: \"x\"\n", NULL, 405, NULL },
		{ "MKCOL", "/n", "If-None-Match: *\n", NULL, 201, TREE " /n/" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
delete_takes_the_whole_tree_or_nothing_else(void **state)
{
	static const struct row rows[] = {
		{ "DELETE", "/d/", "", NULL, 204, "/f=old" },
		{ "DELETE", "/d", "Depth: infinity\n", NULL, 204, "/f=old" },
		{ "DELETE", "/d", "Depth: 0\n", NULL, 400, NULL },
		{ "DELETE", "/d", "Depth: 1\n", NULL, 400, NULL },
		{ "DELETE", "/f", "Depth: 0\n", NULL, 204,
		    "/d/ /d/k/ /d/k/y=2 /d/x=1" },
		{ "DELETE", "/f", "Depth: 2\n", NULL, 400, NULL },
		{ "DELETE", "/none", "", NULL, 404, NULL },
		{ "DELETE", "/", "", NULL, 403, NULL },
		{ "DELETE", "/f", "If-Match: \"no\"\n", NULL, 412, NULL },
		{ "DELETE", "/d", "If-None-Match: *\n", NULL, 412, NULL },
		{ "DELETE", "/none", "If-Match: *\n", NULL, 404, NULL },
		{ "DELETE", "/f", "", "body", 415, NULL },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
copy_and_move_read_their_headers(void **state)
{
	static const char copied[] = TREE " /n=old";
	static const char moved[] = "/d/ /d/k/ /d/k/y=2 /d/x=1 /n=old";
	static const struct row rows[] = {
		{ "COPY", "/f", "Destination: /n\n", NULL, 201, copied },
		{ "COPY", "/f", "Destination: /n/\n", NULL, 201, copied },
		{ "COPY", "/f", "Destination: http://example.org/n\n", NULL,
		    201, copied },
		{ "COPY", "/f", "Destination: http://example.org:80/n\n", NULL,
		    201, copied },
		{ "COPY", "/f", "Destination: http://other.org/n\n", NULL, 502,
		    NULL },
		{ "COPY", "/f", "", NULL, 400, NULL },
		{ "COPY", "/f", "Destination: /a/../n\n", NULL, 400, NULL },
		{ "COPY", "/f", "Destination: /f\n", NULL, 403, NULL },
		{ "COPY", "/d", "Destination: /d/k/n\n", NULL, 403, NULL },
		{ "MOVE", "/d/k", "Destination: /d\n", NULL, 403, NULL },
		{ "COPY", "/f", "Destination: /none/n\n", NULL, 409, NULL },
		{ "COPY", "/none", "Destination: /n\n", NULL, 404, NULL },
		{ "COPY", "/f", "Destination: /d/x\nOverwrite: F\n", NULL, 412,
		    NULL },
		{ "COPY", "/f", "Destination: /d/x\nOverwrite: X\n", NULL, 400,
		    NULL },
		{ "COPY", "/f", "Destination: /d/x\n", NULL, 204,
		    "/d/ /d/k/ /d/k/y=2 /d/x=old /f=old" },
		{ "COPY", "/d", "Destination: /n\nDepth: 0\n", NULL, 201,
		    TREE " /n/" },
		{ "COPY", "/d", "Destination: /n\nDepth: 1\n", NULL, 400,
		    NULL },
		{ "MOVE", "/d", "Destination: /n\nDepth: 0\n", NULL, 400,
		    NULL },
		{ "MOVE", "/f", "Destination: /n\n", NULL, 201, moved },
		{ "MOVE", "/f", "Destination: /n\nIf-Match: \"x\"\n", NULL, 412,
		    NULL },
		{ "MOVE", "/f", "Destination: /d/x\nOverwrite: F\n", NULL, 412,
		    NULL },
		{ "MOVE", "/f", "Destination: /d/x\nIf: </d/x> ([\"wrong\"])\n",
		    NULL, 412, NULL },
		{ "MOVE", "/f", "Destination: /n\nIf: </n> (Not [\"x\"])\n",
		    NULL, 201, moved },
		{ "MOVE", "/f", "Destination: /n\n", "body", 415, NULL },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
an_if_header_may_name_the_destination(void **state)
{
	struct dav_test t;
	struct resource res;
	struct buf headers = { 0 };

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    store_stat(t.deny.inner, at("/d/x"), &res, NULL), ERR_OK);
	buf_printf(&headers, "Destination: /d/x\nIf: </d/x> ([%.*s])\n%c",
	    STR_ARG(resource_etag(&res)), 0);
	assert_int_equal(dav_send(&t, "COPY", "/f", headers.ptr, NULL), 204);
	assert_int_equal(dav_send(&t, "COPY", "/f", headers.ptr, NULL), 412);
	buf_done(&headers);
	dav_test_done(&t);
}

/* A store whose resource changes between the check and the commit. */
static void
what_changes_in_between_is_seen_at_the_commit(void **state)
{
	struct request req = { .method = METHOD_PUT };
	struct header header = { STR("If-Match"), { 0 } };
	struct resource res;
	struct dav_test t;
	struct err err = { 0 };
	struct exchange x = { 0 };

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    store_stat(t.deny.inner, at("/f"), &res, NULL), ERR_OK);
	header.value = resource_etag(&res);
	req.headers = (struct headers){ .v = &header, .n = 1 };
	req.path = at("/f");
	req.origin = t.origin;
	x = (struct exchange){ .req = &req,
		.reply = &t.reply.base,
		.store = t.store,
		.set = &t.set,
		.arena = &t.arena };
	assert_int_equal(dav_method(METHOD_PUT)->begin(&x, &err), ERR_OK);
	assert_int_equal(ostream_write(x.body, STR("mine")), ERR_OK);
	tree_make(t.deny.inner, "/f=theirs");
	assert_int_equal(
	    dav_method(METHOD_PUT)->run(&x, &err), ERR_PRECONDITION);
	dav_method(METHOD_PUT)->end(&x);
	assert_tree(t.deny.inner, "/d/ /d/k/ /d/k/y=2 /d/x=1 /f=theirs");
	dav_test_done(&t);
}

static void
members_that_fail_are_a_207_in_the_form_accepted(void **state)
{
	static const struct {
		const char *accept, *type, *says[3];
	} cases[] = {
		{ "", "application/xml; charset=utf-8",
		    { "<D:href>/p/d/k/y</D:href>", " 403 ", NULL } },
		{ "Accept: application/json\n", "application/json",
		    { "\"/p/d/k/y\"", "\"failed\"", NULL } },
		{ "Accept: application/x-ndjson\n", "application/x-ndjson",
		    { "\"/p/d/k/y\"", "\"summary\"", NULL } },
		{ "Accept: image/png\n", "application/xml; charset=utf-8",
		    { "<D:href>/p/d/k/y</D:href>", NULL } },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct dav_test t;

		dav_test_init(&t, TREE);
		t.origin.prefix = STR("/p");
		deny(&t.deny, "/d/k/y", DENY_REMOVE, ERR_FORBIDDEN);
		assert_int_equal(
		    dav_send(&t, "DELETE", "/d/", cases[i].accept, NULL), 207);
		assert_str_equal(
		    dav_header(&t, "Content-Type"), str_from_c(cases[i].type));
		for (k = 0; cases[i].says[k]; k++)
			assert_true(dav_says(&t, cases[i].says[k]));
		assert_false(dav_says(&t, "/p/d/k/<"));
		assert_false(dav_says(&t, "/p/d/<"));
		assert_true(
		    str_starts(buf_str(&t.log), STR("DELETE /d/k/y: 403")));
		assert_tree(t.deny.inner, "/d/ /d/k/ /d/k/y=2 /f=old");
		dav_test_done(&t);
	}
}

static void
json_is_no_reason_for_a_207_where_nothing_failed(void **state)
{
	static const struct row rows[] = {
		{ "DELETE", "/d/", "Accept: application/json\n", NULL, 204,
		    "/f=old" },
		{ "MOVE", "/f", "Accept: application/json\nDestination: /n\n",
		    NULL, 201, "/d/ /d/k/ /d/k/y=2 /d/x=1 /n=old" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
a_root_that_fails_has_its_own_status(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	deny(&t.deny, "/f", DENY_REMOVE, ERR_READ_ONLY);
	deny(&t.deny, "/n", DENY_COPY_TO, ERR_NO_SPACE);
	assert_int_equal(dav_send(&t, "DELETE", "/f", "", NULL), 403);
	assert_int_equal(
	    dav_send(&t, "COPY", "/f", "Destination: /n\n", NULL), 507);
	assert_true(dav_says(&t, "sufficient-disk-space"));
	assert_tree(t.deny.inner, TREE);
	dav_test_done(&t);
}

static const struct row requests[] = {
	{ "PUT", "/f", "If: (Not <a:b>)\nX-OC-Mtime: 1\n", "new", 204, NULL },
	{ "MKCOL", "/n", "", NULL, 201, NULL },
	{ "DELETE", "/d/", "", NULL, 204, NULL },
	{ "COPY", "/d/", "Destination: /n/\n", NULL, 201, NULL },
	{ "COPY", "/f", "Destination: /d\n", NULL, 204, NULL },
	{ "MOVE", "/d/", "Destination: /n/\n", NULL, 201, NULL },
};

/* What the tree is after a request that had no trouble. */
static void
tree_after(const struct row *r, struct buf *out)
{
	struct dav_test t;

	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, r->method, r->target, r->headers, r->body), r->status);
	tree_put(t.deny.inner, "/", out);
	dav_test_done(&t);
}

/* Success is only said of what was wholly done. */
static void
check_truth(struct dav_test *t, unsigned status, struct str wanted)
{
	struct buf got = { 0 };

	if (status >= 200 && status < 300 && status != 207) {
		tree_put(t->deny.inner, "/", &got);
		assert_non_null(got.ptr);
		assert_non_null(wanted.ptr);
		assert_str_equal(buf_str(&got), wanted);
	}
	buf_done(&got);
}

static void
every_failing_allocation_gets_an_honest_answer(void **state)
{
	unsigned long n;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(requests); i++) {
		const struct row *r = &requests[i / 2];
		struct buf wanted = { 0 };
		bool failed = true;

		tree_after(r, &wanted);
		for (n = 1; failed; n++) {
			struct dav_test t;
			unsigned status;

			dav_test_init(&t, TREE);
			t.deny.no_rename = i % 2;
			t.fail_alloc = n;
			status = dav_send(
			    &t, r->method, r->target, r->headers, r->body);
			failed = t.alloc_failed;
			assert_true(failed || status == r->status);
			assert_true(status == 0 || status == r->status ||
			    status == 207 || status >= 500);
			check_truth(&t, status, buf_str(&wanted));
			dav_test_done(&t);
		}
		assert_true(n > 2);
		buf_done(&wanted);
	}
}

static void
every_failing_call_of_the_store_gets_an_honest_answer(void **state)
{
	unsigned n;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(requests); i++) {
		const struct row *r = &requests[i / 2];
		struct buf wanted = { 0 };
		bool failed = true;

		tree_after(r, &wanted);
		for (n = 1; failed; n++) {
			struct dav_test t;
			struct store *faulty;
			unsigned status;

			dav_test_init(&t, TREE);
			t.deny.no_rename = i % 2;
			assert_int_equal(
			    fault_store_new(t.store, &faulty, NULL), ERR_OK);
			t.store = faulty;
			fault_store_fail(faulty, n, ERR_IO, NULL);
			status = dav_send(
			    &t, r->method, r->target, r->headers, r->body);
			failed = fault_store_fired(faulty);
			assert_true(failed || status == r->status);
			check_truth(&t, status, buf_str(&wanted));
			dav_test_done(&t);
		}
		assert_true(n > 2);
		buf_done(&wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_stores_or_says_why_not),
		cmocka_unit_test(
		    early_errors_come_before_the_body_is_asked_for),
		cmocka_unit_test(a_put_tells_the_tag_of_what_it_stored),
		cmocka_unit_test(mkcol_makes_one_collection),
		cmocka_unit_test(delete_takes_the_whole_tree_or_nothing_else),
		cmocka_unit_test(copy_and_move_read_their_headers),
		cmocka_unit_test(an_if_header_may_name_the_destination),
		cmocka_unit_test(what_changes_in_between_is_seen_at_the_commit),
		cmocka_unit_test(
		    members_that_fail_are_a_207_in_the_form_accepted),
		cmocka_unit_test(
		    json_is_no_reason_for_a_207_where_nothing_failed),
		cmocka_unit_test(a_root_that_fails_has_its_own_status),
		cmocka_unit_test(
		    every_failing_allocation_gets_an_honest_answer),
		cmocka_unit_test(
		    every_failing_call_of_the_store_gets_an_honest_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
