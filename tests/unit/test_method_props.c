/* SPDX-License-Identifier: MIT */
/* PROPFIND and PROPPATCH, as requests. */
#include "lib/test.h"

#include "dav/props.h"
#include "lib/alloc_fail.h"
#include "lib/dav_test.h"
#include "lib/xml_check.h"
#include "store/stores.h"

#define TREE "/d/ /d/k/ /d/k/y=2 /d/x=123 /f=old"
#define PROPFIND(inner) \
	"<propfind xmlns=\"DAV:\" xmlns:x=\"urn:x\">" inner "</propfind>"
#define UPDATE(inner)                                               \
	"<D:propertyupdate xmlns:D=\"DAV:\" xmlns=\"urn:x\">" inner \
	"</D:propertyupdate>"
#define SET(inner) "<D:set><D:prop>" inner "</D:prop></D:set>"
#define REMOVE(inner) "<D:remove><D:prop>" inner "</D:prop></D:remove>"

static void
every_row_has_its_own_name_and_can_be_found(void **state)
{
	const struct live_prop *rows;
	size_t i, n;

	(void)state;
	rows = live_rows(&n);
	assert_true(n > 10);
	for (i = 0; i < n; i++) {
		assert_ptr_equal(live_find(rows[i].name), &rows[i]);
		assert_true(
		    rows[i].flags & (LIVE_ON_FILE | LIVE_ON_COLLECTION));
		/* What has no value of ours must be for others to set. */
		assert_true(rows[i].get || !(rows[i].flags & LIVE_PROTECTED));
	}
	assert_null(
	    live_find((struct prop_name){ STR("urn:x"), STR("getetag") }));
}

static void
asked_for_properties_are_there_or_404(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/x", "Depth: 0\n",
		PROPFIND("<prop><getcontentlength/><x:nope/><getetag/>"
			 "<quota-used-bytes/></prop>")),
	    207);
	assert_true(dav_says(&t, "<D:getcontentlength>3</D:getcontentl"));
	assert_true(dav_says(&t, "<D:getetag>\"")); /* no &quot; needed */
	assert_int_equal(dav_count(&t, "HTTP/1.1 200 OK"), 1);
	assert_int_equal(dav_count(&t, "HTTP/1.1 404 Not Found"), 1);
	assert_true(dav_says(&t, "quota-used-bytes/>"));
	assert_false(dav_says(&t, "creationdate"));
	assert_null(xml_problem(dav_body(&t)));
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/x",
		"Depth: 0\nPrefer: return=minimal\n",
		PROPFIND("<prop><getcontentlength/><x:nope/></prop>")),
	    207);
	assert_false(dav_says(&t, "404"));
	assert_str_equal(
	    dav_header(&t, "Preference-Applied"), STR("return=minimal"));
	dav_test_done(&t);
}

static void
allprop_is_what_the_rfc_defines_and_what_was_set(void **state)
{
	static const char *const in[] = { "creationdate", "displayname>x<",
		"getcontentlength", "getcontenttype", "getetag",
		"getlastmodified", "resourcetype/>",
		"supportedlock><D:lockentry>", "lockdiscovery/>", "dead" };
	static const char *const out[] = { "quota-used-bytes",
		"supported-report-set", "resource-id", "getcontentlanguage",
		"404" };
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "PROPPATCH", "/d/x", "",
			     UPDATE(SET("<dead>1</dead>"))),
	    207);
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/x", "Depth: 0\n", NULL), 207);
	for (i = 0; i < ARRAY_LEN(in); i++)
		assert_int_equal(dav_count(&t, in[i]) != 0, 1);
	for (i = 0; i < ARRAY_LEN(out); i++)
		assert_false(dav_says(&t, out[i]));
	assert_null(xml_problem(dav_body(&t)));

	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/x", "Depth: 0\n",
		PROPFIND("<allprop/><include><resource-id/><getetag/>"
			 "<x:nope/></include>")),
	    207);
	assert_true(dav_says(&t, "urn:sheaf:resource:"));
	assert_int_equal(dav_count(&t, "<D:getetag>"), 1);
	assert_int_equal(dav_count(&t, "404"), 1);

	assert_int_equal(dav_send(&t, "PROPFIND", "/d/x", "Depth: 0\n",
			     PROPFIND("<propname/>")),
	    207);
	assert_true(dav_says(&t, "getetag/>"));
	assert_true(dav_says(&t, "resource-id/>"));
	assert_true(dav_says(&t, "dead"));
	assert_false(dav_says(&t, "404"));
	dav_test_done(&t);
}

static void
a_collection_is_told_by_its_type_and_its_slash(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	t.origin.prefix = STR("/p");
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d", "Depth: 0\n", NULL), 207);
	assert_true(dav_says(&t, "<D:href>/p/d/</D:href>"));
	assert_true(dav_says(&t, "<D:collection/>"));
	assert_false(dav_says(&t, "getcontentlength"));
	assert_str_equal(dav_header(&t, "Content-Location"), STR("/p/d/"));
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/", "Depth: 0\n", NULL), 207);
	assert_int_equal(dav_header(&t, "Content-Location").len, 0);
	dav_test_done(&t);
}

static void
unreadable_members_are_named(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	deny(&t.deny, "/d/k", DENY_LIST, ERR_FORBIDDEN);
	deny(&t.deny, "/d/x", DENY_STAT, ERR_IO);
	assert_int_equal(dav_send(&t, "PROPFIND", "/d/", "", NULL), 207);
	assert_int_equal(dav_count(&t, "<D:response>"), 3);
	assert_true(dav_says(&t, "HTTP/1.1 403 "));
	assert_true(dav_says(&t, "HTTP/1.1 500 "));
	assert_true(t.log.len != 0);
	deny(&t.deny, "/d", DENY_LIST, ERR_FORBIDDEN);
	assert_int_equal(dav_send(&t, "PROPFIND", "/d/", "", NULL), 403);
	dav_test_done(&t);
}

static void
a_listing_that_breaks_off_cuts_the_answer_short(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE " /d/k/z=3");
	deny(&t.deny, "/d/k", DENY_LIST_ON, ERR_IO);
	assert_int_equal(dav_send(&t, "PROPFIND", "/d/", "", NULL), 0);
	assert_int_equal(t.ran, ERR_IO);
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/", "Depth: 1\n", NULL), 207);
	assert_int_equal(dav_send(&t, "GET", "/d/k/", "", NULL), 0);
	dav_test_done(&t);
}

static void
json_holds_the_same(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/d/",
		"Depth: 1\nAccept: application/json\n",
		PROPFIND("<prop><getcontentlength/><resourcetype/></prop>")),
	    207);
	assert_str_equal(
	    dav_header(&t, "Content-Type"), STR("application/json"));
	assert_true(dav_says(&t, "\"/d/x\""));
	assert_true(dav_says(&t, "\"{DAV:}collection\""));
	assert_true(dav_says(&t, "\"{DAV:}getcontentlength\""));
	dav_test_done(&t);
}

static void
bad_bodies_are_400(void **state)
{
	static const char *const bodies[] = { "<propfind", "<x/>", "text",
		"<propfind xmlns=\"DAV:\"><prop/><propname/></propfind>",
		"<!DOCTYPE x><propfind xmlns=\"DAV:\"/>" };
	static const char *const methods[] = { "PROPFIND", "PROPPATCH" };
	struct dav_test t;
	size_t i;

	(void)state;
	dav_test_init(&t, TREE);
	for (i = 0; i < 2 * ARRAY_LEN(bodies); i++)
		assert_int_equal(dav_send(&t, methods[i % 2], "/f",
				     "Depth: 0\n", bodies[i / 2]),
		    400);
	assert_int_equal(dav_send(&t, "PROPPATCH", "/f", "", NULL), 400);
	t.set.max_xml = 50;
	assert_int_equal(
	    dav_send(&t, "PROPFIND", "/f", "Depth: 0\n",
		PROPFIND("<prop><getetag/><getcontentlength/></prop>")),
	    413);
	dav_test_done(&t);
}

static void
a_patch_is_done_wholly_and_answered_by_name(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(dav_send(&t, "PROPPATCH", "/f", "",
			     UPDATE(SET("<a>1</a><b xml:lang=\"de\">x<i/>y</b>")
				     REMOVE("<c/>") SET("<a>2</a>"))),
	    207);
	assert_int_equal(dav_count(&t, "HTTP/1.1 200 OK"), 1);
	assert_int_equal(dav_count(&t, "<D:response>"), 1);
	assert_null(xml_problem(dav_body(&t)));
	assert_int_equal(dav_send(&t, "PROPFIND", "/f", "Depth: 0\n",
			     PROPFIND("<prop><x:a/><x:b/><x:c/></prop>")),
	    207);
	assert_true(dav_says(&t, ">2</"));
	assert_true(dav_says(&t, "xml:lang=\"de\""));
	assert_int_equal(dav_count(&t, "HTTP/1.1 404"), 1);
	dav_test_done(&t);
}

static void
a_protected_property_fails_the_whole_patch(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "PROPPATCH", "/f", "",
		UPDATE(SET("<a>1</a><D:getetag>x</D:getetag>") REMOVE("<b/>"))),
	    207);
	assert_int_equal(dav_count(&t, "HTTP/1.1 403 "), 1);
	assert_int_equal(dav_count(&t, "HTTP/1.1 424 "), 1);
	assert_int_equal(dav_count(&t, "HTTP/1.1 200 "), 0);
	assert_true(dav_says(&t, "cannot-modify-protected-property"));
	assert_true(t.log.len != 0);
	assert_int_equal(dav_send(&t, "PROPFIND", "/f", "Depth: 0\n",
			     PROPFIND("<prop><x:a/></prop>")),
	    207);
	assert_int_equal(dav_count(&t, "HTTP/1.1 404 "), 1);
	assert_int_equal(
	    dav_send(&t, "PROPPATCH", "/f", "Accept: application/json\n",
		UPDATE(SET("<D:resourcetype/>"))),
	    207);
	assert_true(dav_says(&t, "403"));
	dav_test_done(&t);
}

static void
every_protected_row_is_refused_and_no_other(void **state)
{
	const struct live_prop *rows;
	struct dav_test t;
	size_t i, n;

	(void)state;
	dav_test_init(&t, TREE);
	rows = live_rows(&n);
	for (i = 0; i < n; i++) {
		struct buf b = { 0 };

		buf_printf(&b,
		    UPDATE(SET("<p:%.*s xmlns:p=\"%.*s\">x</p:%.*s>"
			       "%c")),
		    STR_ARG(rows[i].name.local), STR_ARG(rows[i].name.ns),
		    STR_ARG(rows[i].name.local), ' ');
		buf_putc(&b, '\0');
		assert_int_equal(
		    dav_send(&t, "PROPPATCH", "/f", "", b.ptr), 207);
		assert_int_equal(dav_count(&t, "HTTP/1.1 403 "),
		    (rows[i].flags & LIVE_PROTECTED) ? 1 : 0);
		assert_int_equal(dav_count(&t, "HTTP/1.1 200 "),
		    (rows[i].flags & LIVE_PROTECTED) ? 0 : 1);
		buf_done(&b);
	}
	dav_test_done(&t);
}

static void
a_display_name_can_be_set_and_falls_back(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	(void)dav_send(&t, "PROPPATCH", "/f", "",
	    UPDATE(SET("<D:displayname>Mine</D:displayname>")));
	(void)dav_send(&t, "PROPFIND", "/f", "Depth: 0\n", NULL);
	assert_int_equal(dav_count(&t, "<D:displayname>"), 1);
	assert_true(dav_says(&t, ">Mine<"));
	(void)dav_send(
	    &t, "PROPPATCH", "/f", "", UPDATE(REMOVE("<D:displayname/>")));
	(void)dav_send(&t, "PROPFIND", "/f", "Depth: 0\n", NULL);
	assert_true(dav_says(&t, "<D:displayname>f</D:displayname>"));
	dav_test_done(&t);
}

static void
times_of_windows_do_not_outlive_their_bytes(void **state)
{
	static const char ask[] =
	    PROPFIND("<prop xmlns:m=\"urn:schemas-microsoft-com:\">"
		     "<m:Win32LastModifiedTime/><m:Win32FileAttributes/>"
		     "</prop>");
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "PROPPATCH", "/f", "",
		"<?xml version=\"1.0\" encoding=\"utf-8\" ?>"
		"<D:propertyupdate xmlns:D=\"DAV:\" "
		"xmlns:Z=\"urn:schemas-microsoft-com:\"><D:set><D:prop>"
		"<Z:Win32LastModifiedTime>Thu, 01 Jan 2015 00:00:00 GMT"
		"</Z:Win32LastModifiedTime>"
		"<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>"
		"</D:prop></D:set></D:propertyupdate>"),
	    207);
	assert_int_equal(dav_count(&t, "HTTP/1.1 200 OK"), 1);
	(void)dav_send(&t, "PROPFIND", "/f", "Depth: 0\n", ask);
	assert_true(dav_says(&t, "2015"));
	assert_int_equal(dav_send(&t, "PUT", "/f", "", "other"), 204);
	(void)dav_send(&t, "PROPFIND", "/f", "Depth: 0\n", ask);
	assert_false(dav_says(&t, "2015"));
	assert_true(dav_says(&t, "00000020"));
	dav_test_done(&t);
}

static void
minimal_success_of_a_patch_has_no_body(void **state)
{
	struct dav_test t;

	(void)state;
	dav_test_init(&t, TREE);
	assert_int_equal(
	    dav_send(&t, "PROPPATCH", "/f", "Prefer: return=minimal\n",
		UPDATE(SET("<a>1</a>"))),
	    204);
	assert_str_equal(
	    dav_header(&t, "Preference-Applied"), STR("return=minimal"));
	assert_int_equal(
	    dav_send(&t, "PROPPATCH", "/f", "Prefer: return=minimal\n",
		UPDATE(SET("<D:getetag/>"))),
	    207);
	assert_int_equal(
	    dav_send(&t, "PROPPATCH", "/none", "", UPDATE(SET("<a/>"))), 404);
	assert_int_equal(dav_send(&t, "PROPPATCH", "/f", "If-Match: \"x\"\n",
			     UPDATE(SET("<a/>"))),
	    412);
	dav_test_done(&t);
}

/* The nth member costs no more memory than the first. */
static void
a_long_listing_allocates_no_more_than_a_short_one(void **state)
{
	unsigned long counts[2];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct dav_test t;
		struct buf b = { 0 };
		int k;

		dav_test_init(&t, "/d/");
		for (k = 0; k < (i ? 200 : 20); k++) {
			buf_clear(&b);
			buf_printf(&b, "/d/member%03d=x%c", k, 0);
			tree_make(t.deny.inner, b.ptr);
		}
		assert_non_null(buf_room(&t.reply.body, 1));
		t.fail_alloc = 1000000;
		assert_int_equal(
		    dav_send(&t, "PROPFIND", "/d/", "Depth: 1\n", NULL), 207);
		counts[i] = alloc_fail_count();
		buf_done(&b);
		dav_test_done(&t);
	}
	/* Only the reply, which keeps the body here, doubles some times. */
	assert_in_range(counts[1], counts[0], counts[0] + 8);
}

static const struct {
	const char *method, *headers, *body;
	bool minimal;
} requests[] = {
	{ "PROPFIND", "Depth: infinity\n", NULL, false },
	{ "PROPFIND", "Depth: 1\nAccept: application/json\n",
	    PROPFIND("<prop><getetag/><x:dead/><quota-used-bytes/></prop>"),
	    false },
	{ "PROPFIND", "Depth: 1\nPrefer: return=minimal, depth-noroot\n",
	    PROPFIND("<propname/>"), false },
	{ "PROPPATCH", "", UPDATE(SET("<a>1</a>") REMOVE("<b/>")), false },
	{ "PROPPATCH", "Prefer: return=minimal\n",
	    UPDATE(SET("<a>1</a><D:getetag/>")), false },
};

static void
every_failing_allocation_gets_an_honest_answer(void **state)
{
	unsigned long n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(requests); i++) {
		bool failed = true;

		for (n = 1; failed; n++) {
			struct dav_test t;
			unsigned status;

			dav_test_init(&t, TREE);
			(void)dav_send(&t, "PROPPATCH", "/d/x", "",
			    UPDATE(SET("<dead>1</dead>")));
			t.fail_alloc = n;
			status = dav_send(&t, requests[i].method, "/d/",
			    requests[i].headers, requests[i].body);
			failed = t.alloc_failed;
			assert_true(failed || status == 207);
			/* expat may take lack of memory for a bad body */
			assert_true(status == 0 || status == 207 ||
			    status >= 500 || (status == 400 && failed));
			/* A whole answer is the answer. */
			if (status == 207 && t.ran == ERR_OK &&
			    requests[i].method[4] == 'F')
				assert_true(dav_says(&t, "/d/x"));
			dav_test_done(&t);
		}
		assert_true(n > 5);
	}
}

static void
every_failing_call_of_the_store_gets_an_honest_answer(void **state)
{
	unsigned n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(requests); i++) {
		bool failed = true;

		for (n = 1; failed; n++) {
			struct dav_test t;
			struct store *faulty;
			unsigned status;

			dav_test_init(&t, TREE);
			(void)dav_send(&t, "PROPPATCH", "/d/x", "",
			    UPDATE(SET("<dead>1</dead>")));
			assert_int_equal(
			    fault_store_new(t.store, &faulty, NULL), ERR_OK);
			t.store = faulty;
			fault_store_fail(faulty, n, ERR_IO, NULL);
			status = dav_send(&t, requests[i].method, "/d/",
			    requests[i].headers, requests[i].body);
			failed = fault_store_fired(faulty);
			if (!failed)
				assert_int_equal(status, 207);
			else if (status == 207)
				assert_true(dav_says(&t, "500"));
			else
				assert_int_equal(status, 500);
			dav_test_done(&t);
		}
		assert_true(n > 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_its_own_name_and_can_be_found),
		cmocka_unit_test(asked_for_properties_are_there_or_404),
		cmocka_unit_test(
		    allprop_is_what_the_rfc_defines_and_what_was_set),
		cmocka_unit_test(
		    a_collection_is_told_by_its_type_and_its_slash),
		cmocka_unit_test(unreadable_members_are_named),
		cmocka_unit_test(
		    a_listing_that_breaks_off_cuts_the_answer_short),
		cmocka_unit_test(json_holds_the_same),
		cmocka_unit_test(bad_bodies_are_400),
		cmocka_unit_test(a_patch_is_done_wholly_and_answered_by_name),
		cmocka_unit_test(a_protected_property_fails_the_whole_patch),
		cmocka_unit_test(every_protected_row_is_refused_and_no_other),
		cmocka_unit_test(a_display_name_can_be_set_and_falls_back),
		cmocka_unit_test(times_of_windows_do_not_outlive_their_bytes),
		cmocka_unit_test(minimal_success_of_a_patch_has_no_body),
		cmocka_unit_test(
		    a_long_listing_allocates_no_more_than_a_short_one),
		cmocka_unit_test(
		    every_failing_allocation_gets_an_honest_answer),
		cmocka_unit_test(
		    every_failing_call_of_the_store_gets_an_honest_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
