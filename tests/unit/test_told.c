/* SPDX-License-Identifier: MIT */
/* Small XML that servers send, and the bodies that a client sends. */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "wire/dav_body.h"
#include "wire/dav_request.h"
#include "wire/error_read.h"
#include "wire/locks_read.h"
#include "wire/xml_tree.h"

static void
a_document_becomes_a_tree(void **state)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct xml_node *root;

	(void)state;
	assert_int_equal(xml_tree_read(&a,
			     STR("<D:a xmlns:D='DAV:'> <D:b> x </D:b><c>"
				 "<D:b/></c></D:a>"),
			     &root, NULL),
	    ERR_OK);
	assert_true(xml_node_is_dav(root, "a"));
	assert_str_equal(xml_tree_dav(root, "b")->text, STR("x"));
	assert_null(xml_tree_dav(root, "c"));
	assert_null(xml_tree_dav(NULL, "c"));
	assert_true(xml_node_is_dav(root->child->next->child, "b"));
	assert_int_equal(
	    xml_tree_read(&a, STR("<a><b></a>"), &root, NULL), ERR_BAD_BODY);
	assert_int_equal(xml_tree_read(&a, STR(""), &root, NULL), ERR_BAD_BODY);
}

static void
too_deep_is_refused(void **state)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct buf b CLEANUP(buf_done) = { 0 };
	struct xml_node *root;
	int i;

	(void)state;
	for (i = 0; i < 65; i++)
		BUF_LIT(&b, "<a>");
	for (i = 0; i < 65; i++)
		BUF_LIT(&b, "</a>");
	assert_int_equal(
	    xml_tree_read(&a, buf_str(&b), &root, NULL), ERR_TOO_LARGE);
}

static void
what_a_failure_says_is_read(void **state)
{
	static const struct {
		const char *type, *body, *condition, *href, *sentence;
	} rows[] = {
		{ "application/xml",
		    "<?xml version='1.0'?><!-- x --><D:error xmlns:D='DAV:'>"
		    "<D:lock-token-submitted><D:href>/a</D:href>"
		    "</D:lock-token-submitted></D:error>\n",
		    "lock-token-submitted", "/a", "" },
		{ "", "<error xmlns='DAV:'><quota-not-exceeded/></error>",
		    "quota-not-exceeded", "", "" },
		{ "text/xml",
		    "<d:error xmlns:d='DAV:' xmlns:s='urn:s'><s:exception>E"
		    "</s:exception><s:message>no &lt;way&gt;</s:message>"
		    "<d:x/></d:error>",
		    "x", "", "no <way>" },
		{ "application/problem+json",
		    "{\"type\":\"urn:x\",\"title\":\"T\",\"detail\":\"D\"}", "",
		    "", "D" },
		{ "application/json", "{\"title\":\"T\"}", "", "", "T" },
		{ "application/json", "{\"title\":", "", "", "" },
		{ "application/xml", "<D:error xmlns:D='DAV:'>", "", "", "" },
		{ "application/xml", "<other/>", "", "", "" },
		{ "text/html", "<html><p>no</html>", "", "", "" },
		{ "text/plain", "no", "", "", "" },
		{ "", "", "", "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a CLEANUP(arena_done) = { 0 };
		struct error_read e;

		assert_int_equal(error_read(&a, str_from_c(rows[i].type),
				     str_from_c(rows[i].body), &e, NULL),
		    ERR_OK);
		assert_str_equal(
		    e.condition.local, str_from_c(rows[i].condition));
		assert_str_equal(e.href, str_from_c(rows[i].href));
		assert_str_equal(e.sentence, str_from_c(rows[i].sentence));
		if (e.condition.local.len) {
			assert_int_equal(e.xml.ptr[0], '<');
			assert_int_not_equal(e.xml.ptr[1], '?');
			assert_int_equal(e.xml.ptr[e.xml.len - 1], '>');
		}
	}
}

static void
locks_are_read_from_a_body_or_a_property(void **state)
{
	static const struct str body = STR_INIT(
	    "<D:prop xmlns:D='DAV:'><D:lockdiscovery><D:activelock>"
	    "<D:locktype><D:write/></D:locktype><D:lockscope><D:shared/>"
	    "</D:lockscope><D:depth>Infinity</D:depth><D:owner><D:href>me"
	    "</D:href></D:owner><D:timeout>Second-7</D:timeout><D:locktoken>"
	    "<D:href>urn:1</D:href></D:locktoken><D:lockroot><D:href>/a"
	    "</D:href></D:lockroot></D:activelock><D:activelock><D:timeout>"
	    "Infinite</D:timeout></D:activelock></D:lockdiscovery></D:prop>");
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct told_lock *l;
	size_t n;

	(void)state;
	assert_int_equal(locks_read(&a, body, &l, &n, NULL), ERR_OK);
	assert_int_equal(n, 2);
	assert_str_equal(l[0].token, STR("urn:1"));
	assert_str_equal(l[0].root, STR("/a"));
	assert_str_equal(l[0].owner, STR("me"));
	assert_int_equal(l[0].seconds, 7);
	assert_true(l[0].shared && l[0].deep && !l[0].infinite);
	assert_true(!l[1].shared && !l[1].deep && l[1].infinite);
	assert_int_equal(
	    locks_read(&a, STR("<lockdiscovery xmlns='DAV:'/>"), &l, &n, NULL),
	    ERR_OK);
	assert_int_equal(n, 0);
	assert_int_equal(
	    locks_read(&a, STR("<prop xmlns='DAV:'/>"), &l, &n, NULL),
	    ERR_BAD_BODY);
	assert_int_equal(locks_read(&a, STR("x"), &l, &n, NULL), ERR_BAD_BODY);
}

/* Our own server reads what our client writes. */
static void
a_change_of_properties_is_read_as_it_was_meant(void **state)
{
	static const struct xml_limits limits = { 65536, 32 };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct buf b CLEANUP(buf_done) = { 0 };
	struct buf value CLEANUP(buf_done) = { 0 };
	struct prop_change changes[4] = {
		{ .prop = { { STR("urn:\"&<x"), STR("a") }, PROP_TEXT,
		      STR("1 < 2 & \"3\""), 0, NULL, 0, NULL, 0 } },
		{ .remove = true,
		    .prop = { .name = { STR("DAV:"), STR("displayname") } } },
		{ .remove = true, .prop = { .name = { STR(""), STR("n") } } },
	};
	struct proppatch_body got;
	struct dav_body *body;

	(void)state;
	assert_int_equal(
	    prop_value_read((struct prop_name){ STR("urn:y"), STR("b") },
		STR("<c>x</c>"), &value, &changes[3].prop, NULL),
	    ERR_OK);
	proppatch_request_put(&b, changes, 4);
	assert_int_equal(
	    proppatch_body_new(&limits, NULL, &a, &body, NULL), ERR_OK);
	assert_int_equal(
	    ostream_write(dav_body_stream(body), buf_str(&b)), ERR_OK);
	assert_int_equal(proppatch_body_end(body, &got, NULL), ERR_OK);
	assert_int_equal(got.n_changes, 4);
	assert_str_equal(got.changes[0].prop.name.ns, STR("urn:\"&<x"));
	assert_str_equal(got.changes[0].prop.value, STR("1 < 2 & \"3\""));
	assert_true(got.changes[1].remove && got.changes[2].remove);
	assert_str_equal(got.changes[2].prop.name.ns, STR(""));
	assert_int_equal(got.changes[3].prop.form, PROP_XML);
	dav_body_free(body);
}

static void
a_question_and_a_lock_are_read_as_they_were_meant(void **state)
{
	static const struct xml_limits limits = { 65536, 32 };
	static const struct prop_name names[] = { { STR_INIT("DAV:"),
						      STR_INIT("getetag") },
		{ STR_INIT("urn:x"), STR_INIT("c") } };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct buf b CLEANUP(buf_done) = { 0 };
	struct propfind_body got;
	struct lockinfo_body lock;
	struct dav_body *body;

	(void)state;
	propfind_request_put(&b, false, names, 2);
	assert_int_equal(
	    propfind_body_new(&limits, NULL, &a, &body, NULL), ERR_OK);
	(void)ostream_write(dav_body_stream(body), buf_str(&b));
	assert_int_equal(propfind_body_end(body, &got, NULL), ERR_OK);
	assert_int_equal(got.kind, PROPFIND_SOME);
	assert_int_equal(got.n_names, 2);
	dav_body_free(body);
	buf_clear(&b);
	propfind_request_put(&b, true, names, 2);
	assert_int_equal(
	    propfind_body_new(&limits, NULL, &a, &body, NULL), ERR_OK);
	(void)ostream_write(dav_body_stream(body), buf_str(&b));
	assert_int_equal(propfind_body_end(body, &got, NULL), ERR_OK);
	assert_int_equal(got.kind, PROPFIND_ALL);
	assert_int_equal(got.n_names, 2);
	dav_body_free(body);
	buf_clear(&b);
	lockinfo_request_put(&b, true, STR("<me & you>"));
	assert_int_equal(
	    lockinfo_body_new(&limits, NULL, &a, &body, NULL), ERR_OK);
	(void)ostream_write(dav_body_stream(body), buf_str(&b));
	assert_int_equal(lockinfo_body_end(body, &lock, NULL), ERR_OK);
	assert_true(lock.shared && lock.owner.len);
	dav_body_free(body);
}

static void
a_value_stays_within_its_element(void **state)
{
	static const struct {
		const char *value;
		enum err_code rc;
		enum prop_form form;
	} rows[] = {
		{ "", ERR_OK, PROP_EMPTY },
		{ "text", ERR_OK, PROP_TEXT },
		{ " <b/>", ERR_OK, PROP_TEXT },
		{ "<b/>", ERR_OK, PROP_XML },
		{ "<b/>text<c/>", ERR_OK, PROP_XML },
		{ "<D:href>/</D:href>", ERR_OK, PROP_XML },
		{ "<b>", ERR_BAD_BODY, PROP_XML },
		{ "<x:b/>", ERR_BAD_BODY, PROP_XML },
		{ "</P:a><P:a>", ERR_BAD_BODY, PROP_XML },
		{ "<b/></P:a><P:a xmlns:P='urn:z'>", ERR_BAD_BODY, PROP_XML },
		{ "<!DOCTYPE a>", ERR_BAD_BODY, PROP_XML },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b CLEANUP(buf_done) = { 0 };
		struct prop p;

		assert_int_equal(
		    prop_value_read(
			(struct prop_name){ STR("urn:x"), STR("a") },
			str_from_c(rows[i].value), &b, &p, NULL),
		    rows[i].rc);
		assert_int_equal(p.form, rows[i].form);
	}
}

static enum err_code
read_all(struct arena *a)
{
	const struct told_lock *l;
	struct error_read e;
	size_t n;
	enum err_code rc = locks_read(a,
	    STR("<prop xmlns='DAV:'><lockdiscovery><activelock><owner>me"
		"</owner></activelock></lockdiscovery></prop>"),
	    &l, &n, NULL);

	if (!rc)
		rc = error_read(a, STR("text/xml"),
		    STR("<error xmlns='DAV:'><x>y</x></error>"), &e, NULL);
	return rc;
}

static void
want_of_memory_is_said(void **state)
{
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a CLEANUP(arena_done) = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = read_all(&a);
		if (!alloc_fail_stop()) {
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
		cmocka_unit_test(a_document_becomes_a_tree),
		cmocka_unit_test(too_deep_is_refused),
		cmocka_unit_test(what_a_failure_says_is_read),
		cmocka_unit_test(locks_are_read_from_a_body_or_a_property),
		cmocka_unit_test(
		    a_change_of_properties_is_read_as_it_was_meant),
		cmocka_unit_test(
		    a_question_and_a_lock_are_read_as_they_were_meant),
		cmocka_unit_test(a_value_stays_within_its_element),
		cmocka_unit_test(want_of_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
