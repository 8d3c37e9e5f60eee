/* SPDX-License-Identifier: MIT */
/* PROPFIND, as requests: how far, how soon, and what is read for it. */
#include "lib/test.h"

#include "lib/dav_test.h"
#include "store/stores.h"

#define TREE "/d/ /d/k/ /d/k/y=2 /d/x=123 /f=old"
#define PROPFIND(inner) \
	"<propfind xmlns=\"DAV:\" xmlns:x=\"urn:x\">" inner "</propfind>"
#define DEAD                                                         \
	"<D:propertyupdate xmlns:D=\"DAV:\" xmlns=\"urn:x\"><D:set>" \
	"<D:prop><dead>1</dead></D:prop></D:set></D:propertyupdate>"

static void
depth_says_how_far(void **state)
{
	static const struct {
		const char *target, *headers;
		unsigned status, responses;
	} cases[] = {
		{ "/d/", "Depth: 0\n", 207, 1 },
		{ "/d/", "Depth: 1\n", 207, 3 },
		{ "/d/", "Depth: infinity\n", 207, 4 },
		{ "/d/", "", 207, 4 },
		{ "/d", "Depth: 1\n", 207, 3 },
		{ "/d/", "Depth: 1\nPrefer: depth-noroot\n", 207, 2 },
		{ "/d/", "Depth: 0\nPrefer: depth-noroot\n", 207, 1 },
		{ "/f", "Depth: 1\n", 207, 1 },
		{ "/d/", "Depth: 2\n", 400, 0 },
		{ "/none", "Depth: 0\n", 404, 0 },
		{ "/d/", "Depth: 0\nIf-Match: \"x\"\n", 412, 0 },
		{ "/d/", "Depth: 0\nIf: (<opaquelocktoken:x>)\n", 412, 0 },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(dav_send(&t, "PROPFIND", cases[i].target,
				     cases[i].headers, NULL),
		    cases[i].status);
		assert_int_equal(
		    dav_count(&t, "<D:response>"), cases[i].responses);
	}
	dav_test_done(&t);
}

static void
the_beginning_of_a_tree_leaves_before_the_rest(void **state)
{
	static const struct {
		const char *headers;
		unsigned responses, early;
	} cases[] = {
		{ "Depth: infinity\n", 19, 16 },
		{ "Depth: infinity\nPrefer: depth-noroot\n", 18, 16 },
		{ "Depth: infinity\nAccept: application/json\n", 0, 0 },
		{ "Depth: 1\n", 19, 0 },
	};
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t,
	    "/d/ /d/1=x /d/2=x /d/3=x /d/4=x /d/5=x /d/6=x /d/7=x /d/8=x "
	    "/d/9=x /d/a=x /d/b=x /d/c=x /d/d=x /d/e=x /d/f=x /d/g=x /d/h=x "
	    "/d/i=x");
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    dav_send(&t, "PROPFIND", "/d/", cases[i].headers, NULL),
		    207);
		assert_int_equal(
		    dav_count(&t, "</D:response>"), cases[i].responses);
		assert_int_equal(!t.reply.flushed, i == 3);
		t.reply.body.len = t.reply.flushed;
		assert_int_equal(
		    dav_count(&t, "</D:response>"), cases[i].early);
	}
	dav_test_done(&t);
}

static void
infinity_can_be_switched_off(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	t.set.finite_depth = true;
	assert_int_equal(dav_send(&t, "PROPFIND", "/d/", "", NULL), 403);
	assert_true(dav_says(&t, "propfind-finite-depth"));
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/", "Depth: 1\n", NULL), 207);
	assert_int_equal(dav_send(&t, "PROPFIND", "/f", "", NULL), 207);
	dav_test_done(&t);
}

/* How many it takes to say of /d/x, which has a property, what is asked. */
static unsigned
calls_of_the_store(const char *body)
{
	unsigned n = 0;
	bool failed = true;

	while (failed) {
		struct dav_test t;
		struct store *faulty;

		dav_test_init(&t, TREE);
		(void)dav_send(&t, "PROPPATCH", "/d/x", "", DEAD);
		assert_int_equal(
		    fault_store_new(t.store, &faulty, NULL), ERR_OK);
		t.store = faulty;
		fault_store_fail(faulty, ++n, ERR_IO, NULL);
		(void)dav_send(&t, "PROPFIND", "/d/x", "Depth: 0\n", body);
		failed = fault_store_fired(faulty);
		dav_test_done(&t);
	}
	return n - 1;
}

static void
what_clients_set_is_read_when_it_may_be_asked_for(void **state)
{
	static const struct {
		const char *body;
		unsigned more;
	} cases[] = {
		{ PROPFIND("<prop><getetag/><resourcetype/></prop>"), 0 },
		{ PROPFIND("<prop><getetag/><displayname/></prop>"), 1 },
		{ PROPFIND("<prop><getetag/><x:dead/></prop>"), 1 },
		{ PROPFIND("<prop><x:none/></prop>"), 1 },
		{ PROPFIND("<prop><lockdiscovery/></prop>"), 1 },
		{ PROPFIND("<allprop/>"), 2 },
	};
	unsigned least = calls_of_the_store(PROPFIND("<prop/>"));
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    calls_of_the_store(cases[i].body), least + cases[i].more);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(depth_says_how_far),
		cmocka_unit_test(
		    the_beginning_of_a_tree_leaves_before_the_rest),
		cmocka_unit_test(infinity_can_be_switched_off),
		cmocka_unit_test(
		    what_clients_set_is_read_when_it_may_be_asked_for),
	};

	return cmocka_run_group_tests_name("propfind", tests, NULL, NULL);
}
