/* SPDX-License-Identifier: MIT */

#include "proppatch_run.h"

static void
a_proppatch_keeps_values_as_they_were_meant(void **state)
{
	static const size_t steps[] = { 1, 100000 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(patches); i++) {
		for (k = 0; k < ARRAY_LEN(steps); k++) {
			struct buf got = { 0 };
			struct proppatch_body p;
			struct run r;

			proppatch(
			    &r, str_from_c(patches[i].body), steps[k], &p);
			assert_int_equal(
			    r.rc, patches[i].want ? ERR_OK : ERR_BAD_BODY);
			if (patches[i].want) {
				put_proppatch(&got, &p);
				assert_str_equal(
				    buf_str(&got), str_from_c(patches[i].want));
			}
			buf_done(&got);
			run_done(&r);
		}
	}
}

static void
put_decls(struct buf *b, const char *prefix, size_t n, struct str uri)
{
	size_t i;

	for (i = 0; i < n; i++)
		buf_printf(
		    b, " xmlns:%s%zu='%.*s%zu'", prefix, i, STR_ARG(uri), i);
}

/* A property that uses n prefixes declared around it, repeated. */
static void
put_borrower(struct buf *b, struct str uri, size_t n, size_t times)
{
	size_t i;

	BUF_LIT(b, "<D:propertyupdate xmlns:D='DAV:'");
	put_decls(b, "p", 60, uri);
	BUF_LIT(b, "><D:set");
	put_decls(b, "q", 60, uri);
	BUF_LIT(b, "><D:prop>");
	while (times--) {
		BUF_LIT(b, "<x>");
		for (i = 0; i < n; i++)
			buf_printf(b, "<%c%zu:a/>", i < 60 ? 'p' : 'q', i % 60);
		BUF_LIT(b, "</x>");
	}
	BUF_LIT(b, "</D:prop></D:set></D:propertyupdate>");
}

static void
a_small_body_cannot_become_large_values(void **state)
{
	static const struct {
		const char *what;
		size_t n; /* prefixes used */
		size_t times;
		const char *tell; /* NULL: taken */
	} cases[] = {
		{ "as many as are kept", 64, 1, NULL },
		{ "more", 65, 1,
		    "over 64 namespaces from outside in a property" },
		{ "some in each of many", 10, 100, NULL },
		{ "many in each of many", 60, 100,
		    "the properties are over 4194304 bytes" },
	};
	char uri[1000];
	size_t i;

	(void)state;
	memset(uri, 'u', sizeof(uri));
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf body = { 0 };
		struct proppatch_body p;
		struct run r;

		put_borrower(&body, str_of(uri, sizeof(uri)), cases[i].n,
		    cases[i].times);
		proppatch(&r, buf_str(&body), 5000, &p);
		if (!cases[i].tell) {
			assert_int_equal(r.rc, ERR_OK);
			assert_int_equal(p.n_changes, cases[i].times);
		} else {
			assert_int_equal(r.rc, ERR_TOO_LARGE);
			if (!strstr(r.err.tell, cases[i].tell))
				fail_msg("%s: %s", cases[i].what, r.err.tell);
		}
		run_done(&r);
		buf_done(&body);
	}
}

/* What is kept, sent again, is kept as the same bytes. */
static void
a_value_sent_back_is_the_same_value(void **state)
{
	static const char body[] = UPDATE(
	    "<D:set xmlns:q='urn:q' xml:lang='en'><D:prop xmlns=\"urn:p\">"
	    "<o:a q:r='1' xmlns:i='urn:i'> <b>&#13;</b><q:c/>"
	    "<i:d xmlns='urn:e'>&gt;</i:d></o:a></D:prop></D:set>");
	struct buf again = { 0 };
	struct proppatch_body first, second;
	struct run r1, r2;

	(void)state;
	proppatch(&r1, str_from_c(body), 1000, &first);
	assert_int_equal(r1.rc, ERR_OK);
	assert_int_equal(first.n_changes, 1);
	BUF_LIT(&again, "<propertyupdate xmlns='DAV:'><set><prop>");
	buf_put(&again, first.changes[0].prop.value);
	BUF_LIT(&again, "</prop></set></propertyupdate>");
	proppatch(&r2, buf_str(&again), 1000, &second);
	assert_int_equal(r2.rc, ERR_OK);
	assert_int_equal(second.n_changes, 1);
	assert_str_equal(
	    second.changes[0].prop.value, first.changes[0].prop.value);
	run_done(&r1);
	run_done(&r2);
	buf_done(&again);
}

static enum err_code
read_proppatch(struct arena *a)
{
	static const char body[] =
	    SET("<o:a>text</o:a><o:b c='1'>more<D:d/></o:b>");
	struct proppatch_body out;
	struct dav_body *b;
	struct err err = { 0 };
	enum err_code rc = proppatch_body_new(&body_limits, NULL, a, &b, &err);

	if (!rc) {
		feed(b, str_from_c(body), 10);
		rc = proppatch_body_end(b, &out, &err);
		dav_body_free(b);
	}
	assert_int_equal(err.code, rc);
	return rc;
}

static void
running_out_of_memory_is_survived(void **state)
{
	(void)state;
	assert_survives_exhaustion(read_proppatch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proppatch_keeps_values_as_they_were_meant),
		cmocka_unit_test(a_small_body_cannot_become_large_values),
		cmocka_unit_test(a_value_sent_back_is_the_same_value),
		cmocka_unit_test(running_out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
