/* SPDX-License-Identifier: MIT */
/* POST to a collection (RFC 5995). */
#include "lib/test.h"

#include <stdio.h>

#include "dav/keys.h"
#include "lib/alloc_fail.h"
#include "lib/dav_test.h"
#include "lib/locks.h"
#include "store/stores.h"

#define TREE "/d/ /d/taken.txt=1 /f=old"
#define KEY "Idempotency-Key: k\n"

/* The path of the reply's Location, until the next request. */
static const char *
made(const struct dav_test *t)
{
	static char path[512];
	struct str at = dav_header(t, "Location");

	(void)snprintf(path, sizeof(path), "%.*s", STR_ARG(at));
	return path;
}

static void
a_slug_is_a_hint_for_the_name(void **state)
{
	static const struct {
		const char *slug, *type, *name; /* '*': the server's */
	} cases[] = {
		{ "report.txt", NULL, "/d/report.txt" },
		{ "report", "application/json", "/d/report.json" },
		{ "report", "Text/Plain; charset=utf-8", "/d/report.txt" },
		{ "report", "application/x-unknown", "/d/report" },
		{ "The Beach at S%C3%A8te", NULL, "/d/The-Beach-at-S%C3%A8te" },
		{ "100%", NULL, "/d/100" },
		{ "../../etc/passwd", NULL, "/d/etc-passwd" },
		{ "a/../b", NULL, "/d/a-..-b" },
		{ ".sheaf", NULL, "/d/sheaf" },
		{ "a%00b", NULL, "/d/a-b" },
		{ "a%2Fb", NULL, "/d/a-b" },
		{ "...", "text/csv", "/d/*.csv" },
		{ "%FF%FE", "text/csv", "/d/*.csv" },
		{ NULL, "text/csv", "/d/*.csv" },
		{ NULL, NULL, "/d/*" },
		{ "taken.txt", NULL, "/d/taken-*.txt" },
		{ "taken", "text/plain", "/d/taken-*.txt" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const char *star = strchr(cases[i].name, '*');
		size_t front = star ? (size_t)(star - cases[i].name)
				    : strlen(cases[i].name);
		char headers[256];
		struct dav_test t;
		struct str at;

		dav_test_init(&t, TREE);
		(void)snprintf(headers, sizeof(headers), "%s%s\n%s%s\n",
		    cases[i].slug ? "Slug: " : "",
		    cases[i].slug ? cases[i].slug : "",
		    cases[i].type ? "Content-Type: " : "",
		    cases[i].type ? cases[i].type : "");
		assert_int_equal(
		    dav_send(&t, "POST", "/d/", headers, "new"), 201);
		assert_true(dav_header(&t, "ETag").len);
		at = str_from_c(made(&t));
		assert_str_equal(str_head(at, front),
		    str_head(str_from_c(cases[i].name), front));
		if (star) {
			assert_true(str_ends(at, str_from_c(star + 1)));
			assert_int_equal(at.len, strlen(cases[i].name) + 15);
		} else {
			assert_int_equal(at.len, front);
		}
		assert_int_equal(dav_send(&t, "GET", made(&t), "", NULL), 200);
		assert_str_equal(dav_body(&t), STR("new"));
		dav_test_done(&t);
	}
}

static void
a_long_slug_is_cut_between_characters(void **state)
{
	char headers[1024] = "Slug: x";
	struct dav_test t;
	int i;

	(void)state;
	for (i = 0; i < 150; i++)
		(void)memcpy(headers + strlen(headers), "%C3%A8", 7);
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "POST", "/d/", headers, "new"), 201);
	/* An x and 59 of two bytes, each written as six. */
	assert_int_equal(strlen(made(&t)), strlen("/d/x") + 59 * 6);
	dav_test_done(&t);
}

static void
what_is_refused_makes_nothing(void **state)
{
	static const struct {
		const char *target, *headers;
		unsigned status;
	} cases[] = {
		{ "/f", "", 405 },
		{ "/none/", "", 404 },
		{ "/d/", "Content-Range: bytes 0-1/3\n", 400 },
		{ "/d/", "Content-Encoding: gzip\n", 415 },
		{ "/d/", "If-Match: \"x\"\n", 412 },
		{ "/d/", "Content-Type: multipart/form-data; boundary=x\n",
		    415 },
		{ "/d/", "Content-Type: application/x-www-form-urlencoded\n",
		    415 },
		{ "/d/", "Origin: https://elsewhere.example\n", 403 },
		{ "/d/", "Origin: null\n", 403 },
		{ "/d/",
		    "Content-Digest: sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AAAAAAAAAAAAA=:\n",
		    400 },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(dav_send(&t, "POST", cases[i].target,
				     cases[i].headers, "new"),
		    cases[i].status);
		assert_tree(t.deny.inner, TREE);
	}
	t.set.max_upload = 2;
	assert_int_equal(dav_send(&t, "POST", "/d/", "", "new"), 413);
	assert_tree(t.deny.inner, TREE);
	t.set.max_upload = 0;
	(void)lock_at(t.store, "/d", DEPTH_INFINITY, false, "ann");
	assert_int_equal(dav_send(&t, "POST", "/d/", "", "new"), 423);
	assert_tree(t.deny.inner, TREE);
	dav_test_done(&t);
}

static void
a_page_of_ours_may_post(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "POST", "/d/",
			     "Slug: n\nOrigin: http://example.org\n", "new"),
	    201);
	dav_test_done(&t);
}

static void
with_a_key_it_makes_one_member(void **state)
{
	struct dav_test t;
	char first[512];

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "POST", "/d/", KEY "Slug: n\n", "new"), 201);
	(void)snprintf(first, sizeof(first), "%s", made(&t));
	assert_int_equal(
	    dav_send(&t, "POST", "/d/", KEY "Slug: n\n", "new"), 201);
	assert_string_equal(made(&t), first);
	assert_str_equal(dav_header(&t, "Idempotency-Replayed"), STR("true"));
	assert_tree(t.deny.inner, "/d/ /d/n=new /d/taken.txt=1 /f=old");
	assert_int_equal(
	    dav_send(&t, "POST", "/d/", KEY "Slug: m\n", "new"), 422);
	/* Without one each is another. */
	assert_int_equal(dav_send(&t, "POST", "/d/", "Slug: n\n", "new"), 201);
	assert_string_not_equal(made(&t), first);
	dav_test_done(&t);
}

static void
a_collection_says_where_to_post(void **state)
{
	static const char body[] =
	    "<propfind xmlns=\"DAV:\"><prop><add-member/></prop></propfind>";
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	t.origin.prefix = STR("/dav");
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d", "Depth: 0\n", body), 207);
	assert_true(
	    dav_says(&t, "add-member><D:href>/dav/d/</D:href></D:add-member>"));
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/f", "Depth: 0\n", body), 207);
	assert_true(dav_says(&t, "404"));
	/* Only where it is asked for. */
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d", "Depth: 0\n", NULL), 207);
	assert_false(dav_says(&t, "add-member"));
	assert_int_equal(dav_send(&t, "POST", "/d/", "Slug: n\n", "new"), 201);
	assert_str_equal(dav_header(&t, "Location"), STR("/dav/d/n"));
	dav_test_done(&t);
}

static void
whatever_fails_asking_again_makes_one_member(void **state)
{
	unsigned long n;
	bool failed = true, store;

	(void)state;
	for (n = 1; failed || n % 2; n++) {
		struct store *faulty;
		struct dav_test t;
		unsigned status;

		store = n % 2;
		dav_test_init(&t, TREE);
		assert_int_equal(keys_new(&t.keys, NULL), ERR_OK);
		assert_int_equal(
		    fault_store_new(t.store, &faulty, NULL), ERR_OK);
		t.store = faulty;
		if (store)
			fault_store_fail(
			    faulty, (unsigned)n / 2 + 1, ERR_IO, NULL);
		else
			t.fail_alloc = n / 2;
		status = dav_send(&t, "POST", "/d", KEY "Slug: n\n", "new");
		failed = store ? failed : t.alloc_failed;
		fault_store_fail(faulty, 0, ERR_OK, NULL);
		assert_true(status == 201 || status >= 500);
		assert_int_equal(
		    dav_send(&t, "POST", "/d", KEY "Slug: n\n", "new"), 201);
		assert_tree(t.deny.inner, "/d/ /d/n=new /d/taken.txt=1 /f=old");
		keys_free(t.keys);
		dav_test_done(&t);
	}
	assert_true(n > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slug_is_a_hint_for_the_name),
		cmocka_unit_test(a_long_slug_is_cut_between_characters),
		cmocka_unit_test(what_is_refused_makes_nothing),
		cmocka_unit_test(a_page_of_ours_may_post),
		cmocka_unit_test(with_a_key_it_makes_one_member),
		cmocka_unit_test(a_collection_says_where_to_post),
		cmocka_unit_test(whatever_fails_asking_again_makes_one_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
