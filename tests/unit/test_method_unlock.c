/* SPDX-License-Identifier: MIT */
/* UNLOCK, and what clients are shown of locks. */
#include "lock_run.h"

#include "lib/xml_check.h"

static void
unlock_takes_the_lock_from_all_it_covers(void **state)
{
	static const struct {
		const char *what, *target, *before, *behind;
		unsigned status;
		const char *says;
	} rows[] = {
		{ "at its root", "/d/", "Lock-Token: <", ">\n", 204, NULL },
		{ "by way of a member", "/d/k/y", "Lock-Token: <", ">\n", 204,
		    NULL },
		{ "with If", "/d/x", "If: (<urn:uuid:2>)\nLock-Token: <", ">\n",
		    412, NULL },
		{ "another resource", "/f", "Lock-Token: <", ">\n", 409,
		    "<D:lock-token-matches-request-uri/>" },
		{ "no such lock", "/d", "Lock-Token: <urn:uuid:1>\nX: ", "\n",
		    409, "<D:lock-token-matches-request-uri/>" },
		{ "no header", "/d", "If: (<", ">)\n", 400, "Lock-Token" },
		{ "no angles", "/d", "Lock-Token: ", "\n", 400, NULL },
		{ "two", "/d", "Lock-Token: <urn:uuid:1>\nLock-Token: <", ">\n",
		    400, NULL },
		{ "nothing there", "/none", "Lock-Token: <", ">\n", 404, NULL },
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
		status = dav_send(&t, "UNLOCK", rows[i].target,
		    with_token(headers, sizeof(headers), rows[i].before, &token,
			rows[i].behind),
		    NULL);
		if (status != rows[i].status ||
		    (rows[i].says && !dav_says(&t, rows[i].says)))
			fail_msg("%s: %u %.*s", rows[i].what, status,
			    STR_ARG(dav_body(&t)));
		assert_locks(
		    t.deny.inner, "/d/k", status == 204 ? "" : "/d=xi@ann");
		dav_test_done(&t);
	}
}

static void
unlock_needs_no_body_and_its_own_user(void **state)
{
	struct dav_test t;
	struct token token;
	char headers[200];

	(void)state;
	init(&t);
	token = lock_at(t.deny.inner, "/f", DEPTH_0, false, "bob");
	(void)with_token(
	    headers, sizeof(headers), "Lock-Token: <", &token, ">\n");
	assert_int_equal(dav_send(&t, "UNLOCK", "/f", headers, NULL), 403);
	assert_locks(t.deny.inner, "/f", "/f=x0@bob");
	t.user = STR("bob");
	assert_int_equal(dav_send(&t, "UNLOCK", "/f", headers, "<x/>"), 415);
	assert_locks(t.deny.inner, "/f", "/f=x0@bob");
	assert_int_equal(dav_send(&t, "UNLOCK", "/f", headers, NULL), 204);
	assert_true(t.slow);
	assert_int_equal(dav_body(&t).len, 0);
	assert_locks(t.deny.inner, "/f", "");
	dav_test_done(&t);
}

/* How often the body says that. */
static unsigned
count(const struct dav_test *t, const char *what)
{
	struct str rest = dav_body(t);
	unsigned n = 0;
	const char *at;

	while ((at = memmem(rest.ptr, rest.len, what, strlen(what)))) {
		rest = str_skip(rest, (size_t)(at - rest.ptr) + 1);
		n++;
	}
	return n;
}

#define FIND                                                              \
	"<propfind xmlns=\"DAV:\"><prop><lockdiscovery/><supportedlock/>" \
	"</prop></propfind>"

static void
every_member_of_a_deep_lock_shows_it(void **state)
{
	struct dav_test t;
	char headers[200];
	struct token token;

	(void)state;
	init(&t);
	assert_int_equal(
	    dav_send(&t, "LOCK", "/d", "", INFO("exclusive", OWNER)), 200);
	token = sent_token(&t);
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/", "Depth: infinity\n", FIND), 207);
	assert_null(xml_problem(dav_body(&t)));
	assert_int_equal(count(&t, token.text), 4);
	assert_int_equal(count(&t, KEPT), 4);
	assert_int_equal(
	    count(&t, "<D:lockroot><D:href>/d/</D:href></D:lockroot>"), 4);
	assert_int_equal(count(&t, "<D:lockdiscovery/>"), 2); /* / and /f */
	assert_int_equal(count(&t, "<D:lockentry>"), 12);
	/* Also in allprop; propname has names alone. */
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/x", "Depth: 0\n", NULL), 207);
	assert_true(dav_says(&t, token.text));
	assert_int_equal(dav_send(&t, "PROPFIND", "/d/x", "Depth: 0\n",
			     "<propfind xmlns='DAV:'><propname/></propfind>"),
	    207);
	assert_true(dav_says(&t, "<D:lockdiscovery/><"));
	assert_int_equal(dav_send(&t, "PROPFIND", "/d/x",
			     "Depth: 0\nAccept: application/json\n", FIND),
	    207);
	assert_true(dav_says(&t,
	    "\"{DAV:}lockdiscovery\":[{\"scope\":"
	    "\"exclusive\",\"type\":\"write\",\"depth\":"
	    "\"infinity\",\"owner\":\"<D:owner "));
	assert_true(dav_says(&t, "\"timeout\":3600,\"token\":\"urn:uuid:"));
	(void)with_token(
	    headers, sizeof(headers), "Lock-Token: <", &token, ">\n");
	assert_int_equal(dav_send(&t, "UNLOCK", "/d/k", headers, NULL), 204);
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/", "Depth: infinity\n", FIND), 207);
	assert_int_equal(count(&t, "<D:lockdiscovery/>"), 6);
	dav_test_done(&t);
}

static void
a_lock_on_the_root_shows_everywhere(void **state)
{
	struct dav_test t;

	(void)state;
	init(&t);
	t.origin.prefix = STR("/p");
	assert_int_equal(dav_send(&t, "LOCK", "/", "", SHARED), 200);
	assert_int_equal(dav_send(&t, "LOCK", "/f", "", SHARED), 200);
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/", "Depth: infinity\n", FIND), 207);
	assert_int_equal(
	    count(&t, "<D:lockroot><D:href>/p/</D:href></D:lockroot>"), 6);
	assert_int_equal(
	    count(&t, "<D:lockroot><D:href>/p/f</D:href></D:lockroot>"), 1);
	dav_test_done(&t);
}

static void
lock_properties_are_protected(void **state)
{
	struct dav_test t;

	(void)state;
	init(&t);
	assert_int_equal(
	    dav_send(&t, "PROPPATCH", "/f", "",
		"<propertyupdate xmlns='DAV:'><set><prop><lockdiscovery/>"
		"</prop></set></propertyupdate>"),
	    207);
	assert_true(dav_says(&t, "<D:cannot-modify-protected-property/>"));
	dav_test_done(&t);
}

/* A change that was refused tells the lock's root, in each form. */
static void
what_is_locked_tells_where(void **state)
{
	static const struct {
		const char *method, *target, *headers, *body;
		const char *says;
	} rows[] = {
		{ "PUT", "/d/x", "", "new",
		    "<D:lock-token-submitted><D:href>/p/d/</D:href>" },
		{ "PUT", "/d/n", "", "new",
		    "<D:lock-token-submitted><D:href>/p/d/</D:href>" },
		{ "MKCOL", "/d/n", "", NULL,
		    "<D:lock-token-submitted><D:href>/p/d/</D:href>" },
		{ "DELETE", "/d", "", NULL,
		    "<D:lock-token-submitted><D:href>/p/d/</D:href>" },
		{ "PUT", "/d/x", "Accept: application/json\n", "new",
		    "\"status\":423,\"resource\":\"/p/d/\"}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct dav_test t;

		init(&t);
		t.origin.prefix = STR("/p");
		(void)lock_at(t.deny.inner, "/d", DEPTH_INFINITY, false, "bob");
		assert_int_equal(dav_send(&t, rows[i].method, rows[i].target,
				     rows[i].headers, rows[i].body),
		    423);
		if (!dav_says(&t, rows[i].says))
			fail_msg(
			    "%s: %.*s", rows[i].method, STR_ARG(dav_body(&t)));
		assert_tree(t.deny.inner, TREE);
		dav_test_done(&t);
	}
}

static void
running_out_of_memory_in_a_listing_never_hides_a_lock(void **state)
{
	bool failed = true;
	unsigned long n;

	(void)state;
	for (n = 1; failed; n++) {
		struct dav_test t;
		unsigned status;

		init(&t);
		(void)lock_at(t.deny.inner, "/d", DEPTH_INFINITY, false, "ann");
		t.fail_alloc = n;
		status =
		    dav_send(&t, "PROPFIND", "/d", "Depth: infinity\n", FIND);
		failed = t.alloc_failed;
		assert_true(failed || status == 207);
		assert_false(dav_says(&t, "<D:lockdiscovery/>"));
		dav_test_done(&t);
	}
	assert_true(n > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unlock_takes_the_lock_from_all_it_covers),
		cmocka_unit_test(unlock_needs_no_body_and_its_own_user),
		cmocka_unit_test(every_member_of_a_deep_lock_shows_it),
		cmocka_unit_test(a_lock_on_the_root_shows_everywhere),
		cmocka_unit_test(lock_properties_are_protected),
		cmocka_unit_test(what_is_locked_tells_where),
		cmocka_unit_test(
		    running_out_of_memory_in_a_listing_never_hides_a_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
