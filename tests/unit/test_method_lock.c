/* SPDX-License-Identifier: MIT */
/* LOCK, as requests; UNLOCK is in test_method_unlock.c. */
#include "lock_run.h"

#include "lib/alloc_fail.h"
#include "lib/xml_check.h"
#include "store/stores.h"

static void
a_lock_is_answered_with_its_token_and_its_description(void **state)
{
	struct buf want = { 0 };
	struct dav_test t;
	struct token token;

	(void)state;
	init(&t);
	t.origin.prefix = STR("/dav");
	assert_int_equal(
	    dav_send(&t, "LOCK", "/d", "", INFO("exclusive", OWNER)), 200);
	token = sent_token(&t);
	buf_printf(&want,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery><D:activelock>"
	    "<D:lockscope><D:exclusive/></D:lockscope>"
	    "<D:locktype><D:write/></D:locktype>"
	    "<D:depth>infinity</D:depth>" KEPT
	    "<D:timeout>Second-3600</D:timeout>"
	    "<D:locktoken><D:href>%s</D:href></D:locktoken>"
	    "<D:lockroot><D:href>/dav/d/</D:href></D:lockroot>"
	    "</D:activelock></D:lockdiscovery></D:prop>\n",
	    token.text);
	assert_str_equal(dav_body(&t), buf_str(&want));
	assert_str_equal(dav_header(&t, "Content-Type"),
	    STR("application/xml; charset=utf-8"));
	assert_str_equal(dav_header(&t, "Cache-Control"), STR("no-store"));
	assert_str_equal(dav_header(&t, "Content-Location"), STR("/dav/d/"));
	assert_true(t.slow);
	assert_locks(t.deny.inner, "/d", "/d=xi@ann");
	buf_done(&want);
	dav_test_done(&t);
}

struct row {
	const char *target, *headers, *body;
	unsigned status;
	const char *says; /* NULL: nothing in particular */
	const char *locks; /* at the target */
	const char *left; /* NULL: the tree as it was */
};

/* Each on a new tree. */
static void
check_rows(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		struct dav_test t;

		init(&t);
		assert_int_equal(
		    dav_send(&t, "LOCK", r->target, r->headers, r->body),
		    r->status);
		if (r->says && !dav_says(&t, r->says))
			fail_msg("%s: no %s in %.*s", r->target, r->says,
			    STR_ARG(dav_body(&t)));
		assert_null(xml_problem(dav_body(&t)));
		assert_locks(t.deny.inner, r->target, r->locks);
		assert_tree(t.deny.inner, r->left ? r->left : TREE);
		assert_int_equal(dav_header(&t, "Lock-Token").len != 0,
		    r->status / 100 == 2);
		dav_test_done(&t);
	}
}

static void
a_lock_is_what_was_asked_for_or_none(void **state)
{
	static const struct row rows[] = {
		{ "/f", "", SHARED, 200, "<D:shared/>", "/f=si@ann", NULL },
		{ "/f", "Depth: 0\n", EXCLUSIVE, 200, "<D:depth>0</D:depth>",
		    "/f=x0@ann", NULL },
		{ "/f", "Depth: infinity\n", EXCLUSIVE, 200,
		    "<D:lockroot><D:href>/f</D:href></D:lockroot>", "/f=xi@ann",
		    NULL },
		{ "/", "Depth: infinity\n", EXCLUSIVE, 200,
		    "<D:lockroot><D:href>/</D:href></D:lockroot>", "/=xi@ann",
		    NULL },
		{ "/d", "Depth: 0\n", SHARED, 200, "<D:href>/d/</D:href>",
		    "/d=s0@ann", NULL },
		{ "/f", "Depth: 1\n", EXCLUSIVE, 400, "neither 0 nor infinity",
		    "", NULL },
		{ "/f", "Depth: 2\n", EXCLUSIVE, 400, NULL, "", NULL },
		/* What is not there is made (s7.3). */
		{ "/n", "", EXCLUSIVE, 201, "<D:href>/n</D:href>", "/n=xi@ann",
		    TREE " /n" },
		{ "/d/n", "Depth: 0\n", SHARED, 201, NULL, "/d/n=s0@ann",
		    "/d/ /d/k/ /d/k/y=2 /d/n /d/x=1 /f=old" },
		{ "/n/", "", EXCLUSIVE, 400, "MKCOL", "", NULL },
		{ "/none/n", "", EXCLUSIVE, 409, NULL, "", NULL },
		{ "/f/n", "", EXCLUSIVE, 409, NULL, "", NULL },
		/* Time is granted up to what the server has. */
		{ "/f", "Timeout: Second-60\n", EXCLUSIVE, 200, ">Second-60<",
		    "/f=xi@ann", NULL },
		{ "/f", "Timeout: Infinite, Second-60\n", EXCLUSIVE, 200,
		    ">Second-3600<", "/f=xi@ann", NULL },
		{ "/f", "Timeout: Second-4100000000\n", EXCLUSIVE, 200,
		    ">Second-3600<", "/f=xi@ann", NULL },
		{ "/f", "Timeout: tomorrow\n", EXCLUSIVE, 200, ">Second-3600<",
		    "/f=xi@ann", NULL },
		/* Bodies. */
		{ "/f", "", "<D:lockinfo xmlns:D='DAV:'/>", 400, "lockscope",
		    "", NULL },
		{ "/f", "", "<D:lockinfo", 400, NULL, "", NULL },
		{ "/f", "", INFO("local", ""), 400, NULL, "", NULL },
		{ "/f", "", NULL, 400, "DAV:lockinfo", "", NULL },
		{ "/f", "", "", 400, "DAV:lockinfo", "", NULL },
		/* Conditions. */
		{ "/f", "If-Match: \"no\"\n", EXCLUSIVE, 412, NULL, "", NULL },
		{ "/f", "If-None-Match: *\n", EXCLUSIVE, 412, NULL, "", NULL },
		{ "/n", "If-None-Match: *\n", EXCLUSIVE, 201, NULL, "/n=xi@ann",
		    TREE " /n" },
		{ "/n", "If-Match: *\n", EXCLUSIVE, 412, NULL, "", NULL },
		{ "/f", "If: (<urn:uuid:1>)\n", EXCLUSIVE, 412, NULL, "",
		    NULL },
		{ "/f", "If: (Not <urn:uuid:1>)\n", EXCLUSIVE, 200, NULL,
		    "/f=xi@ann", NULL },
		{ "/f", "If: (bad\n", EXCLUSIVE, 400, NULL, "", NULL },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void
a_conflict_tells_which_lock_is_in_the_way(void **state)
{
	static const struct {
		const char *at; /* the lock that stands */
		enum depth depth;
		bool shared;
		const char *target, *headers, *body;
		unsigned status;
		const char *says; /* NULL: nothing in particular */
	} rows[] = {
		{ "/f", DEPTH_0, false, "/f", "", EXCLUSIVE, 423,
		    "<D:no-conflicting-lock><D:href>/f</D:href>" },
		{ "/f", DEPTH_0, false, "/f", "", SHARED, 423,
		    "<D:no-conflicting-lock><D:href>/f</D:href>" },
		{ "/f", DEPTH_0, true, "/f", "", EXCLUSIVE, 423,
		    "<D:no-conflicting-lock><D:href>/f</D:href>" },
		{ "/f", DEPTH_0, true, "/f", "", SHARED, 200, NULL },
		{ "/d", DEPTH_INFINITY, false, "/d/k/y", "", EXCLUSIVE, 423,
		    "<D:no-conflicting-lock><D:href>/d/</D:href>" },
		{ "/d", DEPTH_INFINITY, false, "/d/n", "", EXCLUSIVE, 423,
		    "<D:no-conflicting-lock><D:href>/d/</D:href>" },
		{ "/d", DEPTH_0, false, "/d", "Depth: 0\n", EXCLUSIVE, 423,
		    "<D:no-conflicting-lock><D:href>/d/</D:href>" },
		{ "/d", DEPTH_0, false, "/d/x", "", EXCLUSIVE, 200, NULL },
		/* It would get a member (s7.4). */
		{ "/d", DEPTH_0, false, "/d/n", "", EXCLUSIVE, 423,
		    "<D:lock-token-submitted><D:href>/d/</D:href>" },
		{ "/d", DEPTH_INFINITY, true, "/d/x", "", SHARED, 200, NULL },
		{ "/f", DEPTH_0, false, "/f", "Accept: application/json\n",
		    EXCLUSIVE, 423, "\"resource\":\"/f\"" },
		/* A member, of a deep lock. */
		{ "/d/k/y", DEPTH_0, false, "/d", "Depth: 0\n", EXCLUSIVE, 200,
		    NULL },
		{ "/d/k/y", DEPTH_0, true, "/d", "", SHARED, 200, NULL },
		{ "/d/k/y", DEPTH_0, false, "/d", "", EXCLUSIVE, 207,
		    "<D:response><D:href>/d/k/y</D:href>"
		    "<D:status>HTTP/1.1 423 Locked</D:status>"
		    "<D:error><D:no-conflicting-lock><D:href>/d/k/y</D:href>"
		    "</D:no-conflicting-lock></D:error>" },
		{ "/d/k", DEPTH_0, false, "/d", "", EXCLUSIVE, 207,
		    "<D:no-conflicting-lock><D:href>/d/k/</D:href>" },
		{ "/d/k/y", DEPTH_0, false, "/d", "", EXCLUSIVE, 207,
		    "<D:response><D:href>/d/</D:href>"
		    "<D:status>HTTP/1.1 424 Failed Dependency</D:status>" },
		{ "/d/k/y", DEPTH_0, false, "/d", "Accept: application/json\n",
		    EXCLUSIVE, 207, "\"resource\":\"/d/k/y\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct dav_test t;

		init(&t);
		(void)lock_at(t.deny.inner, rows[i].at, rows[i].depth,
		    rows[i].shared, "bob");
		assert_int_equal(dav_send(&t, "LOCK", rows[i].target,
				     rows[i].headers, rows[i].body),
		    rows[i].status);
		if (rows[i].says && !dav_says(&t, rows[i].says))
			fail_msg("%zu: %.*s", i, STR_ARG(dav_body(&t)));
		assert_int_equal(dav_header(&t, "Lock-Token").len != 0,
		    rows[i].status == 200);
		assert_tree(t.deny.inner, TREE);
		dav_test_done(&t);
	}
}

static void
a_shared_lock_is_described_before_the_others(void **state)
{
	struct dav_test t;
	struct token bob, ann;
	const char *first, *second;

	(void)state;
	init(&t);
	bob = lock_at(t.deny.inner, "/d", DEPTH_INFINITY, true, "bob");
	assert_int_equal(dav_send(&t, "LOCK", "/d/x", "", SHARED), 200);
	ann = sent_token(&t);
	assert_locks(t.deny.inner, "/d/x", "/d/x=si@ann /d=si@bob");
	first = memmem(
	    t.reply.body.ptr, t.reply.body.len, ann.text, strlen(ann.text));
	second = memmem(
	    t.reply.body.ptr, t.reply.body.len, bob.text, strlen(bob.text));
	assert_non_null(first);
	assert_true(second > first);
	assert_true(
	    dav_says(&t, "<D:lockroot><D:href>/d/</D:href></D:lockroot>"));
	dav_test_done(&t);
}

static void
who_shows_the_parents_token_may_lock_what_is_new(void **state)
{
	struct dav_test t;
	struct token token;
	char headers[200];

	(void)state;
	init(&t);
	token = lock_at(t.deny.inner, "/d", DEPTH_0, false, "ann");
	assert_int_equal(dav_send(&t, "LOCK", "/d/n",
			     with_token(headers, sizeof(headers),
				 "If: </d/> (<", &token, ">)\n"),
			     EXCLUSIVE),
	    201);
	assert_locks(t.deny.inner, "/d/n", "/d/n=xi@ann");
	dav_test_done(&t);
}

static void
a_refresh_names_one_token_of_a_lock_that_covers(void **state)
{
	static const struct {
		const char *what;
		const char *target, *before, *behind, *body;
		unsigned status;
		const char *says;
	} rows[] = {
		{ "at its root", "/d", "If: (<", ">)\n", NULL, 200,
		    ">Second-3600<" },
		{ "with a body of no bytes", "/d", "If: (<", ">)\n", "", 200,
		    ">Second-3600<" },
		{ "by way of a member", "/d/k/y", "If: (<", ">)\n", NULL, 200,
		    "<D:lockroot><D:href>/d/</D:href></D:lockroot>" },
		{ "tagged", "/d/x", "If: </d/x> (<", ">)\n", NULL, 200, NULL },
		{ "for less", "/d", "Timeout: Second-7\nIf: (<", ">)\n", NULL,
		    200, ">Second-7<" },
		{ "Depth means nothing", "/d", "Depth: 1\nIf: (<", ">)\n", NULL,
		    200, NULL },
		{ "a token in two lists", "/d", "If: (Not <DAV:no-lock>) (<",
		    "> [\"e\"])\n", NULL, 200, NULL },
		{ "of another URL", "/f", "If: (<", ">)\n", NULL, 412,
		    "<D:lock-token-matches-request-uri/>" },
		{ "of nothing", "/none", "If: (<", ">)\n", NULL, 412,
		    "<D:lock-token-matches-request-uri/>" },
		{ "with a header that does not hold", "/d", "If: (<",
		    "> [\"e\"])\n", NULL, 412, NULL },
		{ "two tokens", "/d", "If: (<", ">) (<urn:uuid:1>)\n", NULL,
		    400, "one lock is refreshed at a time" },
		{ "no token", "/d", "If: (Not <", ">) ([\"e\"])\n", NULL, 400,
		    "DAV:lockinfo" },
		{ "a body makes a new lock", "/f", "If: (Not <", ">)\n",
		    EXCLUSIVE, 200, NULL },
		{ "which the old one is in the way of", "/d", "If: (<", ">)\n",
		    EXCLUSIVE, 423, "<D:no-conflicting-lock>" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct dav_test t;
		struct token token;
		char headers[200];
		unsigned status;

		init(&t);
		token =
		    lock_at(t.deny.inner, "/d", DEPTH_INFINITY, false, "ann");
		status = dav_send(&t, "LOCK", rows[i].target,
		    with_token(headers, sizeof(headers), rows[i].before, &token,
			rows[i].behind),
		    rows[i].body);
		if (status != rows[i].status ||
		    (rows[i].says && !dav_says(&t, rows[i].says)))
			fail_msg("%s: %u %.*s", rows[i].what, status,
			    STR_ARG(dav_body(&t)));
		/* Only a new lock has the header (s9.10.2). */
		assert_int_equal(dav_header(&t, "Lock-Token").len != 0,
		    status == 200 && rows[i].body && *rows[i].body);
		assert_locks(t.deny.inner, "/d", "/d=xi@ann");
		dav_test_done(&t);
	}
}

static void
a_lock_of_another_user_is_not_refreshed(void **state)
{
	struct dav_test t;
	struct token token;
	char headers[200];

	(void)state;
	init(&t);
	token = lock_at(t.deny.inner, "/f", DEPTH_0, false, "bob");
	assert_int_equal(
	    dav_send(&t, "LOCK", "/f",
		with_token(headers, sizeof(headers), "If: (<", &token, ">)\n"),
		NULL),
	    412);
	assert_true(dav_says(&t, "<D:lock-token-matches-request-uri/>"));
	dav_test_done(&t);
}

static void
a_lock_that_cannot_be_described_is_taken_back(void **state)
{
	bool failed = true;
	unsigned long n;

	(void)state;
	for (n = 1; failed; n++) {
		struct dav_test t;
		unsigned status;

		init(&t);
		t.fail_alloc = n;
		status = dav_send(&t, "LOCK", "/f", "Timeout: a\nTimeout: b\n",
		    INFO("exclusive", OWNER));
		failed = t.alloc_failed;
		if (status == 200)
			assert_locks(t.deny.inner, "/f", "/f=xi@ann");
		else
			assert_locks(t.deny.inner, "/f", "");
		assert_true(failed || status == 200);
		assert_int_equal(status == 200 || status == 500 ||
			status == 400 || status == 0,
		    1);
		dav_test_done(&t);
	}
	assert_true(n > 10);
}

static void
running_out_of_memory_in_a_refresh_or_unlock_is_survived(void **state)
{
	static const char *const methods[] = { "LOCK", "UNLOCK" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(methods); i++) {
		bool failed = true;
		unsigned long n;

		for (n = 1; failed; n++) {
			struct dav_test t;
			struct token token;
			char headers[200];
			unsigned status;

			init(&t);
			token =
			    lock_at(t.deny.inner, "/f", DEPTH_0, false, "ann");
			t.fail_alloc = n;
			status = dav_send(&t, methods[i], "/f",
			    with_token(headers, sizeof(headers),
				i ? "Lock-Token: <" : "If: (<", &token,
				i ? ">\n" : ">)\n"),
			    NULL);
			failed = t.alloc_failed;
			assert_true(failed || status == (i ? 204 : 200));
			/* Where it was done, it may be that we could not say.
			 */
			if (!i || status == 204)
				assert_locks(
				    t.deny.inner, "/f", i ? "" : "/f=x0@ann");
			dav_test_done(&t);
		}
		assert_true(n > 3);
	}
}

static void
every_failing_call_to_the_store_gets_an_honest_answer(void **state)
{
	static const char *const targets[] = { "/f", "/d", "/n" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(targets); i++) {
		bool failed = true;
		unsigned n;

		for (n = 1; failed; n++) {
			struct dav_test t;
			struct store *faulty;
			unsigned status;

			init(&t);
			assert_int_equal(
			    fault_store_new(t.store, &faulty, NULL), ERR_OK);
			t.store = faulty;
			fault_store_fail(faulty, n, ERR_IO, NULL);
			status =
			    dav_send(&t, "LOCK", targets[i], "", EXCLUSIVE);
			failed = fault_store_fired(faulty);
			assert_true(failed == (status == 500));
			if (failed)
				assert_locks(t.deny.inner, targets[i], "");
			dav_test_done(&t);
		}
		assert_true(n > 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_lock_is_answered_with_its_token_and_its_description),
		cmocka_unit_test(a_lock_is_what_was_asked_for_or_none),
		cmocka_unit_test(a_conflict_tells_which_lock_is_in_the_way),
		cmocka_unit_test(a_shared_lock_is_described_before_the_others),
		cmocka_unit_test(
		    who_shows_the_parents_token_may_lock_what_is_new),
		cmocka_unit_test(
		    a_refresh_names_one_token_of_a_lock_that_covers),
		cmocka_unit_test(a_lock_of_another_user_is_not_refreshed),
		cmocka_unit_test(a_lock_that_cannot_be_described_is_taken_back),
		cmocka_unit_test(
		    running_out_of_memory_in_a_refresh_or_unlock_is_survived),
		cmocka_unit_test(
		    every_failing_call_to_the_store_gets_an_honest_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
