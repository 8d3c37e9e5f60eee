/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "base/attr.h"
#include "base/buf.h"
#include "wire/error_said.h"

static void
each_condition_is_found_with_its_href_and_text(void **state)
{
	static const struct {
		const char *what, *xml, *want;
	} cases[] = {
		{ "a name alone",
		    "<D:error xmlns:D='DAV:'><D:quota-not-exceeded/></D:error>",
		    "DAV:|quota-not-exceeded||;" },
		{ "with its root",
		    "<error xmlns='DAV:'><lock-token-submitted>\n <href> /d/ "
		    "</href><href>/e</href></lock-token-submitted></error>",
		    "DAV:|lock-token-submitted|/d/|/e;" },
		{ "deeper",
		    "<D:error xmlns:D='DAV:'><D:need-privileges><D:resource>"
		    "<D:href>/a</D:href></D:resource></D:need-privileges>"
		    "</D:error>",
		    "DAV:|need-privileges|/a|;" },
		{ "words of the server's own",
		    "<d:error xmlns:d='DAV:' xmlns:s='urn:s'><s:exception>No"
		    "</s:exception><s:message> It &lt;is> so.\n</s:message>"
		    "</d:error>",
		    "urn:s|exception||No;urn:s|message||It <is> so.;" },
		{ "none", "<D:error xmlns:D='DAV:'/>", "" },
		{ "not one", "<error/>", "!" },
		{ "cut", "<D:error xmlns:D='DAV:'><D:a/><D:b>", "DAV:|a||;!" },
		{ "empty", "", "!" },
	};
	size_t i, j, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct error_said said[ERROR_SAID_MAX];
		struct arena a = { 0 };
		struct buf got CLEANUP(buf_done) = { 0 };
		enum err_code rc = error_said_read(
		    &a, str_from_c(cases[i].xml), said, &n, NULL);

		for (j = 0; j < n; j++)
			buf_printf(&got, "%.*s|%.*s|%.*s|%.*s;",
			    STR_ARG(said[j].name.ns),
			    STR_ARG(said[j].name.local), STR_ARG(said[j].href),
			    STR_ARG(said[j].text));
		if (rc)
			buf_putc(&got, '!');
		if (!str_eq(buf_str(&got), str_from_c(cases[i].want)))
			fail_msg(
			    "%s: %.*s", cases[i].what, STR_ARG(buf_str(&got)));
		arena_done(&a);
	}
}

static void
what_is_too_much_is_passed_over(void **state)
{
	struct error_said said[ERROR_SAID_MAX];
	struct buf xml CLEANUP(buf_done) = { 0 };
	struct arena a = { 0 };
	size_t i, n;

	(void)state;
	BUF_LIT(&xml, "<D:error xmlns:D='DAV:'>");
	for (i = 0; i < 100; i++)
		buf_printf(&xml, "<D:c%zu>%*s</D:c%zu>", i, 5000, "x", i);
	BUF_LIT(&xml, "</D:error>");
	assert_int_equal(
	    error_said_read(&a, buf_str(&xml), said, &n, NULL), ERR_OK);
	assert_int_equal(n, ERROR_SAID_MAX);
	assert_str_equal(said[15].name.local, STR("c15"));
	assert_true(said[15].text.len <= ERROR_SAID_TEXT);
	arena_done(&a);
}

static void
each_allocation_may_fail(void **state)
{
	struct str xml = STR("<D:error xmlns:D='DAV:'><D:a><D:href>/x</D:href>"
			     "t</D:a><D:b/></D:error>");
	struct error_said said[ERROR_SAID_MAX];
	unsigned long k;
	size_t n;

	(void)state;
	for (k = 1;; k++) {
		struct arena a = { 0 };
		enum err_code rc;
		bool failed;

		alloc_fail_at(k);
		rc = error_said_read(&a, xml, said, &n, NULL);
		failed = alloc_fail_stop();
		arena_done(&a);
		if (!failed) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
	}
	assert_int_equal(n, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_condition_is_found_with_its_href_and_text),
		cmocka_unit_test(what_is_too_much_is_passed_over),
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
