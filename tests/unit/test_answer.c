/* SPDX-License-Identifier: MIT */
/* A 207 as outcomes, for replies that have their own form for them. */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/dav_test.h"
#include "outcome/collector.h"

#define TREE "/d/ /d/k/ /d/k/y=2 /d/x=123 /f=old"
#define PROPFIND(inner) \
	"<propfind xmlns=\"DAV:\" xmlns:x=\"urn:x\">" inner "</propfind>"
#define UPDATE(inner)                                               \
	"<D:propertyupdate xmlns:D=\"DAV:\" xmlns=\"urn:x\">" inner \
	"</D:propertyupdate>"
#define SET(inner) "<D:set><D:prop>" inner "</D:prop></D:set>"

static void
a_reply_that_wants_outcomes_gets_them_and_no_body(void **state)
{
	struct dav_test t;
	struct arena a = { 0 };
	struct collector c;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	t.outcomes = collector_init(&c, &a);
	assert_int_equal(dav_send(&t, "PROPFIND", "/d", "Depth: 1\n",
			     PROPFIND("<prop><getetag/><x:no/></prop>")),
	    207);
	assert_true(c.ended);
	assert_int_equal(c.n, 3);
	assert_int_equal(c.items[0].n_propstats, 1); /* both are missing */
	assert_int_equal(dav_body(&t).len, 0);
	assert_int_equal(dav_header(&t, "Content-Type").len, 0);
	assert_str_equal(dav_header(&t, "Content-Location"), STR("/d/"));
	t.outcomes = collector_init(&c, &a);
	assert_int_equal(dav_send(&t, "PROPFIND", "/d/",
			     "Depth: 1\nPrefer: return=minimal, depth-noroot\n",
			     PROPFIND("<prop><getetag/><x:no/></prop>")),
	    207);
	assert_int_equal(c.n, 2);
	for (i = 0; i < c.n; i++)
		assert_int_equal(
		    c.items[i].n_propstats, !c.items[i].collection);
	assert_str_equal(dav_header(&t, "Preference-Applied"),
	    STR("return=minimal, depth-noroot"));
	t.outcomes = collector_init(&c, &a);
	assert_int_equal(dav_send(&t, "PROPPATCH", "/f", "",
			     UPDATE(SET("<D:getetag>x</D:getetag>"))),
	    207);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.items[0].status, 403);
	dav_test_done(&t);
	arena_done(&a);
}

static void
members_that_failed_are_outcomes_and_counted(void **state)
{
	struct dav_test t;
	struct arena a = { 0 };
	struct collector c;

	(void)state;
	dav_test_init(&t, TREE);
	deny(&t.deny, "/d/x", DENY_REMOVE, ERR_FORBIDDEN);
	deny(&t.deny, "/d/k/y", DENY_REMOVE, ERR_IN_USE);
	t.outcomes = collector_init(&c, &a);
	assert_int_equal(dav_send(&t, "DELETE", "/d/", "", NULL), 207);
	assert_true(c.ended);
	assert_int_equal(c.n, 2);
	assert_true(t.log.len);
	dav_test_done(&t);
	arena_done(&a);
}

static void
no_memory_for_them_is_an_error_or_a_cut_answer(void **state)
{
	unsigned long n;
	bool failed = true;

	(void)state;
	for (n = 1; failed; n++) {
		struct arena a = { 0 };
		struct collector c;
		struct dav_test t;
		unsigned status;

		dav_test_init(&t, TREE);
		t.outcomes = collector_init(&c, &a);
		t.fail_alloc = n;
		status = dav_send(&t, "PROPFIND", "/d/", "Depth: 1\n", NULL);
		failed = t.alloc_failed;
		/* Of a 207 without its end nobody is to think it whole. */
		assert_true(status != 207 || t.ran || c.ended);
		assert_true(failed || (status == 207 && c.n == 3));
		dav_test_done(&t);
		arena_done(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_reply_that_wants_outcomes_gets_them_and_no_body),
		cmocka_unit_test(members_that_failed_are_outcomes_and_counted),
		cmocka_unit_test(
		    no_memory_for_them_is_an_error_or_a_cut_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
