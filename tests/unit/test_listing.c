/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "lib/xml_check.h"

#include <stdlib.h>

#include "wire/listing.h"

#define DAV_PROP(local)                           \
	{                                         \
		STR_INIT("DAV:"), STR_INIT(local) \
	}

static const struct outcome root = {
	.path = { STR_INIT("/a&b/c") }, .collection = true, .status = 200
};

static bool
contains(const struct buf *page, const char *what)
{
	return memmem(page->ptr, page->len, what, strlen(what)) != NULL;
}

static void
assert_contains(const struct buf *page, const char *what)
{
	if (!contains(page, what))
		fail_msg("no %s in %.*s", what, STR_ARG(buf_str(page)));
}

static struct sink *
begin(struct buf_ostream *o, struct buf *page, struct rpath path)
{
	struct sink *s;

	assert_int_equal(
	    listing_new(STR("/dav"), path, buf_ostream_init(o, page), &s, NULL),
	    ERR_OK);
	return s;
}

static void
put_file(struct sink *s, struct str path, uint64_t size, struct str modified)
{
	const struct prop props[] = {
		{ .name = DAV_PROP("getcontentlength"),
		    .form = PROP_NUMBER,
		    .number = size },
		{ .name = DAV_PROP("getlastmodified"),
		    .form = PROP_TEXT,
		    .value = modified },
	};
	const struct propstat ps = {
		.status = 200, .why = ERR_OK, .props = props, .n_props = 2
	};
	const struct outcome o = { { path }, false, 200, ERR_OK, { 0 }, &ps, 1,
		{ { 0 } }, NULL };

	assert_int_equal(sink_put(s, &o), ERR_OK);
}

/* Ends it, and checks what every page must be. */
static void
finish(struct sink *s, const struct buf *page)
{
	const char *problem;

	assert_int_equal(sink_end(s), ERR_OK);
	listing_free(s);
	problem = xml_problem(buf_str(page));
	if (problem)
		fail_msg("%s: %.*s", problem, STR_ARG(buf_str(page)));
	assert_contains(page, "<meta name=\"viewport\"");
	assert_false(contains(page, "<script"));
}

static void
members_are_rows_with_size_and_date(void **state)
{
	const struct outcome dir = { { STR("/a&b/c/sub") }, true, 200, ERR_OK,
		{ 0 }, NULL, 0, { { 0 } }, NULL };
	struct buf page = { 0 };
	struct buf_ostream o;
	struct sink *s = begin(&o, &page, root.path);

	(void)state;
	assert_int_equal(sink_put(s, &root), ERR_OK);
	assert_int_equal(sink_put(s, &dir), ERR_OK);
	put_file(s, STR("/a&b/c/x <y>.txt"), 12345,
	    STR("Sun, 06 Nov 1994 08:49:37 GMT"));
	finish(s, &page);
	assert_contains(&page, "<title>/a&amp;b/c</title>");
	assert_contains(&page,
	    "<h1><a href=\"/dav/\">/</a> <a href=\"/dav/a%26b/\">a&amp;b</a> "
	    "/ c</h1>");
	assert_contains(&page, "<td><a href=\"/dav/a%26b/\">../</a></td>");
	assert_contains(&page,
	    "<tr><td><a href=\"/dav/a%26b/c/sub/\">sub/</a></td><td></td>");
	assert_contains(&page,
	    "<tr><td><a href=\"/dav/a%26b/c/x%20%3Cy%3E.txt\">"
	    "x &lt;y&gt;.txt</a></td>"
	    "<td class=\"n\" title=\"12345 bytes\">12 KiB</td>"
	    "<td class=\"t\"><time datetime=\"1994-11-06T08:49:37Z\">"
	    "1994-11-06 08:49</time></td></tr>");
	assert_contains(&page, "<p class=\"note\">2 members</p>");
	buf_done(&page);
}

static void
sizes_are_for_people(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} cases[] = {
		{ 0, ">0 B<" },
		{ 1023, ">1023 B<" },
		{ 1024, ">1.0 KiB<" },
		{ 1535, ">1.4 KiB<" },
		{ 10240, ">10 KiB<" },
		{ 1048575, ">1023 KiB<" },
		{ 1048576, ">1.0 MiB<" },
		{ UINT64_MAX, ">15 EiB<" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf page = { 0 };
		struct buf_ostream o;
		struct sink *s = begin(&o, &page, RPATH_ROOT);

		put_file(s, STR("/f"), cases[i].n, STR("not a date"));
		finish(s, &page);
		assert_contains(&page, cases[i].want);
		assert_contains(&page, "<td class=\"t\">not a date</td>");
		buf_done(&page);
	}
}

static void
an_empty_collection_says_so(void **state)
{
	struct buf page = { 0 };
	struct buf_ostream o;
	struct sink *s = begin(&o, &page, RPATH_ROOT);
	const struct outcome here = { RPATH_ROOT, true, 200, ERR_OK, { 0 },
		NULL, 0, { { 0 } }, NULL };

	(void)state;
	assert_int_equal(sink_put(s, &here), ERR_OK);
	finish(s, &page);
	assert_contains(&page, "This collection is empty.");
	assert_contains(&page, "<h1>/</h1>");
	assert_false(contains(&page, "../"));
	buf_done(&page);
}

static void
what_could_not_be_read_is_seen(void **state)
{
	const struct outcome member = outcome_failed(
	    (struct rpath){ STR("/a&b/c/secret") }, true, ERR_FORBIDDEN, NULL);
	const struct outcome broken =
	    outcome_failed(root.path, true, ERR_IO, NULL);
	struct buf page = { 0 };
	struct buf_ostream o;
	struct sink *s = begin(&o, &page, root.path);

	(void)state;
	assert_int_equal(sink_put(s, &root), ERR_OK);
	assert_int_equal(sink_put(s, &member), ERR_OK);
	assert_int_equal(sink_put(s, &broken), ERR_OK);
	finish(s, &page);
	assert_contains(&page,
	    "<tr class=\"bad\"><td>"
	    "<a href=\"/dav/a%26b/c/secret/\">secret/</a></td>"
	    "<td colspan=\"2\">403 Forbidden: not allowed</td></tr>");
	assert_contains(&page, "The list is not complete: 500 Internal");
	assert_contains(&page,
	    "1 member, <strong class=\"bad\">2 could not be read</strong>");
	assert_false(contains(&page, "is empty"));
	buf_done(&page);
}

static void
any_name_is_shown_safely_and_linked_exactly(void **state)
{
	struct buf page = { 0 };
	struct buf_ostream o;
	struct sink *s = begin(&o, &page, RPATH_ROOT);
	unsigned c;

	(void)state;
	for (c = 1; c < 256; c++) {
		char name[] = { '/', 'n', (char)c, 'm' };

		if (c != '/')
			put_file(s, str_of(name, 4), 1, STR(""));
	}
	finish(s, &page);
	assert_contains(&page, "<a href=\"/dav/n%FFm\">n\xef\xbf\xbdm</a>");
	assert_contains(&page, "<a href=\"/dav/n%22m\">n&quot;m</a>");
	assert_contains(&page, "<a href=\"/dav/n%27m\">n&#39;m</a>");
	assert_contains(&page, "<a href=\"/dav/n%0Am\">n&#10;m</a>");
	buf_done(&page);
}

static enum err_code
write_page(void)
{
	struct buf page = { 0 };
	struct buf_ostream o;
	struct sink *s;
	enum err_code rc = listing_new(
	    STR("/dav"), root.path, buf_ostream_init(&o, &page), &s, NULL);

	if (rc)
		return rc;
	rc = sink_put(s, &root);
	if (!rc)
		rc = sink_end(s);
	listing_free(s);
	buf_done(&page);
	return rc;
}

static void
running_out_of_memory_is_survived(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		enum err_code rc;

		alloc_fail_at(n);
		rc = write_page();
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
	}
	assert_true(n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_rows_with_size_and_date),
		cmocka_unit_test(sizes_are_for_people),
		cmocka_unit_test(an_empty_collection_says_so),
		cmocka_unit_test(what_could_not_be_read_is_seen),
		cmocka_unit_test(any_name_is_shown_safely_and_linked_exactly),
		cmocka_unit_test(running_out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
