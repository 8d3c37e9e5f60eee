/* SPDX-License-Identifier: MIT */
#include "body_run.h"

#include <sys/resource.h>

static void
propfind(
    struct run *r, struct str bytes, size_t step, struct propfind_body *out)
{
	*r = (struct run){ 0 };
	assert_int_equal(
	    propfind_body_new(&body_limits, NULL, &r->arena, &r->body, &r->err),
	    ERR_OK);
	feed(r->body, bytes, step);
	r->rc = propfind_body_end(r->body, out, &r->err);
}

/* "some {DAV:}a {x}b" */
static void
put_propfind(struct buf *b, const struct propfind_body *p)
{
	static const char *const kinds[] = { "all", "names", "some" };
	size_t i;

	buf_put(b, str_from_c(kinds[p->kind]));
	for (i = 0; i < p->n_names; i++) {
		buf_putc(b, ' ');
		put_prop_name(b, p->names[i]);
	}
}

#define DAV(inside) "<D:propfind xmlns:D=\"DAV:\">" inside "</D:propfind>"

static const struct {
	const char *body;
	const char *want; /* NULL: refused with 400 */
} finds[] = {
	{ "", "all" },
	{ DAV("<D:allprop/>"), "all" },
	{ "<propfind xmlns='DAV:'><allprop/></propfind>", "all" },
	{ DAV("<D:propname/>"), "names" },
	{ DAV("<D:prop/>"), "some" },
	{ DAV("<D:prop><D:a/><b xmlns='x'/><c/><D:a/></D:prop>"),
	    "some {DAV:}a {x}b {}c" },
	{ DAV("<D:allprop/><D:include><D:a/></D:include>"), "all {DAV:}a" },
	{ DAV("<D:include><D:a/></D:include><D:allprop/>"), "all {DAV:}a" },
	/* Unexpected and unknown elements are not there (s17). */
	{ DAV("<D:prop><D:a/></D:prop>"
	      "<D:include><D:b/></D:include>"),
	    "some {DAV:}a" },
	{ DAV("<E:x xmlns:E='E:'><D:prop><D:no/></D:prop></E:x>"
	      "<D:prop z='1'>t<D:a><D:b/></D:a></D:prop>"),
	    "some {DAV:}a" },
	{ "<?xml version='1.0' encoding='utf-8'?>\n<!-- c -->" DAV(
	      "<?p i?><D:prop><D:a/></D:prop>"),
	    "some {DAV:}a" },
	{ "\xef\xbb\xbf" DAV("<D:propname/>"), "names" },
	/* Refused. */
	{ DAV(""), NULL },
	{ DAV("<D:unknown/>"), NULL },
	{ DAV("<D:allprop/><D:propname/>"), NULL },
	{ DAV("<D:prop/><D:prop/>"), NULL },
	{ DAV("<prop/>"), NULL }, /* is in no namespace */
	{ "<D:propertyupdate xmlns:D='DAV:'/>", NULL },
	{ "<propfind/>", NULL },
	{ "<D:propfind><D:allprop/></D:propfind>", NULL },
	{ DAV("<D:prop><x:a/></D:prop>"), NULL },
	{ DAV("<D:prop><x:a xmlns:x=''/></D:prop>"), NULL },
	{ DAV("<D:allprop/>") "x", NULL },
	{ "<D:propfind xmlns:D='DAV:'><D:allprop/>", NULL },
	{ "<foo>", NULL },
	{ "not XML", NULL },
	{ " ", NULL },
	{ DAV("<D:prop><D:a b='1' b='2'/></D:prop>"), NULL },
	{ DAV("<D:prop>&lt;&nbsp;</D:prop>"), NULL },
	{ DAV("<D:prop>\xff</D:prop>"), NULL },
	{ DAV("<D:prop>\x01</D:prop>"), NULL },
	{ DAV("<D:prop>&#1;</D:prop>"), NULL },
	{ "<!DOCTYPE D:propfind>" DAV("<D:allprop/>"), NULL },
	{ "<!DOCTYPE x [<!ENTITY a 'b'>]>" DAV("<D:allprop/>"), NULL },
};

static void
a_propfind_says_what_is_asked_for(void **state)
{
	static const size_t steps[] = { 1, 3, 100000 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(finds); i++) {
		for (k = 0; k < ARRAY_LEN(steps); k++) {
			struct buf got = { 0 };
			struct propfind_body p;
			struct run r;

			propfind(&r, str_from_c(finds[i].body), steps[k], &p);
			if (!finds[i].want) {
				assert_int_equal(r.rc, ERR_BAD_BODY);
				assert_int_not_equal(r.err.tell[0], '\0');
			} else {
				assert_int_equal(r.rc, ERR_OK);
				put_propfind(&got, &p);
				assert_str_equal(
				    buf_str(&got), str_from_c(finds[i].want));
			}
			buf_done(&got);
			run_done(&r);
		}
	}
}

static void
a_body_may_be_utf_16(void **state)
{
	static const char text[] = DAV("<D:prop><D:a/></D:prop>");
	static const bool big[] = { true, false };
	size_t i, k;

	(void)state;
	for (k = 0; k < ARRAY_LEN(big); k++) {
		struct buf wide = { 0 };
		struct buf got = { 0 };
		struct propfind_body p;
		struct run r;

		buf_put(&wide, big[k] ? STR("\xfe\xff") : STR("\xff\xfe"));
		for (i = 0; text[i]; i++) {
			buf_putc(&wide, big[k] ? '\0' : text[i]);
			buf_putc(&wide, big[k] ? text[i] : '\0');
		}
		propfind(&r, buf_str(&wide), 7, &p);
		assert_int_equal(r.rc, ERR_OK);
		put_propfind(&got, &p);
		assert_str_equal(buf_str(&got), STR("some {DAV:}a"));
		run_done(&r);
		buf_done(&got);
		buf_done(&wide);
	}
}

static void
the_client_is_told_where_and_what_is_wrong(void **state)
{
	static const struct {
		const char *body;
		const char *want;
	} cases[] = {
		{ "<D:propfind\nxmlns:D='DAV:'>\n  <D:prop><x:a/></D:prop>",
		    "line 3, column 11: unbound prefix" },
		{ "<propfind/>",
		    "line 1, column 1: the root is not DAV:propfind" },
		{ "<!DOCTYPE a>",
		    "line 1, column 12: a document type declaration is not "
		    "accepted" },
		{ DAV("<D:allprop/><D:prop/>"),
		    "DAV:propfind has 2 of prop, allprop and propname, "
		    "not one" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct propfind_body p;
		struct run r;

		propfind(&r, str_from_c(cases[i].body), 100, &p);
		assert_int_equal(r.rc, ERR_BAD_BODY);
		assert_string_equal(r.err.tell, cases[i].want);
		run_done(&r);
	}
}

/* Repeats of piece between two ends. */
struct shape {
	const char *what;
	const char *before, *piece, *after;
	size_t times;
	const char *tell; /* NULL: taken */
};

static void
put_shape(struct buf *b, const struct shape *s)
{
	size_t i;

	buf_put(b, str_from_c(s->before));
	for (i = 0; i < s->times; i++) {
		struct str rest = str_from_c(s->piece);
		struct str part;

		/* % is the number, so that names differ */
		while (str_cut(&rest, '%', &part)) {
			buf_put(b, part);
			if (rest.ptr)
				buf_put_u64(b, i);
		}
	}
	buf_put(b, str_from_c(s->after));
}

static const struct shape propfind_shapes[] = {
	{ "1000 names", "<D:propfind xmlns:D='DAV:'><D:prop>", "<D:a%/>",
	    "</D:prop></D:propfind>", 1000, NULL },
	{ "one more", "<D:propfind xmlns:D='DAV:'><D:prop>", "<D:a%/>",
	    "</D:prop></D:propfind>", 1001,
	    "over 1000 properties in one request" },
	{ "64 deep", "<D:propfind xmlns:D='DAV:'><D:allprop/>", "<a>", "", 62,
	    "line 1, column 226: no element found" },
	{ "one deeper", "<D:propfind xmlns:D='DAV:'><D:allprop/>", "<a>", "",
	    64, "elements nested over 64 deep" },
	{ "64 attributes", "<D:propfind xmlns:D='DAV:'><D:allprop", " a%=''",
	    "/></D:propfind>", 64, NULL },
	{ "one more", "<D:propfind xmlns:D='DAV:'><D:allprop", " a%=''",
	    "/></D:propfind>", 65, "over 64 attributes on one element" },
	{ "64 namespaces", "<D:propfind xmlns:D='DAV:'><D:allprop",
	    " xmlns:a%='x'", "/></D:propfind>", 64, NULL },
	{ "one more", "<D:propfind xmlns:D='DAV:'><D:allprop", " xmlns:a%='x'",
	    "/></D:propfind>", 65, "over 64 namespaces on one element" },
	{ "a long name", "<D:propfind xmlns:D='DAV:'><D:prop><", "n",
	    "/></D:prop></D:propfind>", 1024, NULL },
	{ "a longer one", "<D:propfind xmlns:D='DAV:'><D:prop><", "n",
	    "/></D:prop></D:propfind>", 1025, "a name over 1024 bytes" },
	{ "a long namespace",
	    "<D:propfind xmlns:D='DAV:'><D:allprop x:a='' "
	    "xmlns:x='",
	    "n", "'/></D:propfind>", 1025, "a namespace over 1024 bytes" },
	{ "1 MiB", "<D:propfind xmlns:D='DAV:'><D:allprop/>",
	    "<!--                    -->", "</D:propfind>", 40000,
	    "the body is over 1048576 bytes" },
};

static void
a_limit_that_is_passed_is_named(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(propfind_shapes); i++) {
		const struct shape *s = &propfind_shapes[i];
		struct buf body = { 0 };
		struct propfind_body p;
		struct run r;

		put_shape(&body, s);
		propfind(&r, buf_str(&body), 5000, &p);
		if (!s->tell) {
			assert_int_equal(r.rc, ERR_OK);
		} else {
			assert_int_not_equal(r.rc, ERR_OK);
			if (!strstr(r.err.tell, s->tell))
				fail_msg("%s: %s", s->what, r.err.tell);
		}
		run_done(&r);
		buf_done(&body);
	}
}

static size_t
peak_kib(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return (size_t)u.ru_maxrss;
}

/* What is sent on after a refusal costs neither memory nor time. */
static void
a_hostile_body_is_refused_in_bounded_memory(void **state)
{
	static const struct {
		const char *what;
		const char *start;
		const char *piece;
		size_t times;
		const char *tell;
	} cases[] = {
		{ "48 MB of names", "<D:propfind xmlns:D='DAV:'><D:prop>",
		    "<D:aaaaaaaaaa/>", 3200000,
		    "the body is over 1048576 bytes" },
		{ "48 MB of space", "<D:propfind xmlns:D='DAV:'>",
		    "                    ", 2400000,
		    "the body is over 1048576 bytes" },
		{ "48 MB in one name", "<", "aaaaaaaaaaaaaaaa", 3000000,
		    "the body is over 1048576 bytes" },
		{ "200,000 deep", "<D:propfind xmlns:D='DAV:'>", "<D:a>",
		    200000, "elements nested over 64 deep" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		size_t before = peak_kib();
		struct run r = { 0 };
		struct propfind_body p;
		struct ostream *to;

		assert_int_equal(propfind_body_new(&body_limits, NULL, &r.arena,
				     &r.body, &r.err),
		    ERR_OK);
		to = dav_body_stream(r.body);
		(void)ostream_write(to, str_from_c(cases[i].start));
		for (k = 0; k < cases[i].times; k++)
			(void)ostream_write(to, str_from_c(cases[i].piece));
		assert_int_equal(
		    propfind_body_end(r.body, &p, &r.err), ERR_TOO_LARGE);
		if (!strstr(r.err.tell, cases[i].tell))
			fail_msg("%s: %s", cases[i].what, r.err.tell);
		run_done(&r);
		assert_in_range(peak_kib() - before, 0, 16 * 1024);
	}
}

static void
read_with(
    struct propfind_memo *memo, const char *body, size_t step, struct buf *said)
{
	struct run r = { 0 };
	struct propfind_body p;

	assert_int_equal(
	    propfind_body_new(&body_limits, memo, &r.arena, &r.body, &r.err),
	    ERR_OK);
	feed(r.body, str_from_c(body), step);
	r.rc = propfind_body_end(r.body, &p, &r.err);
	if (r.rc)
		buf_printf(said, "%u %s", (unsigned)r.rc, r.err.tell);
	else
		put_propfind(said, &p);
	run_done(&r);
}

/* Every body after every other, so that one begins as another, or ends it. */
static void
a_memo_changes_nothing_of_what_is_read(void **state)
{
	static const size_t steps[] = { 1, 9, 4096 };
	size_t i, k, s;

	(void)state;
	for (s = 0; s < ARRAY_LEN(steps); s++)
		for (i = 0; i < ARRAY_LEN(finds); i++) {
			struct propfind_memo memo = { 0 };

			for (k = 0; k < ARRAY_LEN(finds); k++) {
				struct buf want = { 0 }, got = { 0 };

				read_with(&memo, finds[i].body, steps[s], &got);
				buf_clear(&got);
				read_with(&memo, finds[k].body, steps[s], &got);
				read_with(NULL, finds[k].body, steps[s], &want);
				assert_true(
				    str_eq(buf_str(&got), buf_str(&want)));
				buf_done(&want);
				buf_done(&got);
			}
			body_memo_done(&memo.base);
		}
}

static void
a_memo_holds_for_its_limits_and_small_bodies(void **state)
{
	struct xml_limits limits = body_limits;
	struct propfind_memo memo = { 0 };
	struct arena a = { 0 };
	struct propfind_body p;
	struct dav_body *b;
	struct buf big = { 0 }, said = { 0 };
	size_t i;

	(void)state;
	read_with(&memo, DAV("<D:prop><D:a/></D:prop>"), 4096, &said);
	assert_true(memo.base.known);
	limits.depth = 2;
	assert_int_equal(
	    propfind_body_new(&limits, &memo, &a, &b, NULL), ERR_OK);
	feed(b, STR(DAV("<D:prop><D:a/></D:prop>")), 4096);
	assert_int_equal(propfind_body_end(b, &p, NULL), ERR_TOO_LARGE);
	dav_body_free(b);
	assert_false(memo.base.known);
	BUF_LIT(&big, "<D:propfind xmlns:D='DAV:'><D:allprop/>");
	for (i = 0; i < 2000; i++)
		buf_putc(&big, ' ');
	BUF_LIT(&big, "</D:propfind>");
	buf_putc(&big, '\0');
	buf_clear(&said);
	read_with(&memo, big.ptr, 4096, &said);
	assert_true(str_eq(buf_str(&said), STR("all")));
	assert_false(memo.base.known);
	assert_in_range(memo.base.bytes.cap, 0, 1024);
	read_with(&memo, DAV("<D:propname/>"), 4096, &said);
	assert_true(memo.base.known);
	body_memo_done(&memo.base);
	arena_done(&a);
	buf_done(&big);
	buf_done(&said);
}

/* One body, then one that begins like it, then that again. */
static enum err_code
read_three(struct propfind_memo *memo, struct arena *a)
{
	static const struct str bodies[] = {
		STR_INIT(DAV("<D:prop><D:b/><D:c/></D:prop>")),
		STR_INIT(DAV("<D:prop><D:b/></D:prop>")),
		STR_INIT(DAV("<D:prop><D:b/></D:prop>")),
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(bodies); i++) {
		struct propfind_body out;
		struct dav_body *b;
		enum err_code rc =
		    propfind_body_new(&body_limits, memo, a, &b, NULL);

		if (rc)
			return rc;
		feed(b, bodies[i], 10);
		rc = propfind_body_end(b, &out, NULL);
		dav_body_free(b);
		if (rc)
			return rc;
		assert_int_equal(out.n_names, i ? 1 : 2);
		assert_true(str_eq(out.names[0].local, STR("b")));
	}
	return ERR_OK;
}

/* To remember nothing is no failure. */
static void
a_memo_survives_running_out_of_memory(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct propfind_memo memo = { 0 };
		struct arena a = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = read_three(&memo, &a);
		fired = alloc_fail_stop();
		if (rc)
			assert_out_of_memory(rc, fired);
		assert_int_equal(read_three(&memo, &a), ERR_OK);
		body_memo_done(&memo.base);
		arena_done(&a);
	}
	assert_true(n > 20);
}

static enum err_code
read_propfind(struct arena *a)
{
	struct propfind_body out;
	struct dav_body *b;
	struct err err = { 0 };
	enum err_code rc = propfind_body_new(&body_limits, NULL, a, &b, &err);

	if (!rc) {
		feed(b,
		    STR(DAV("<D:prop><D:a/><D:b/><D:c/><D:d/><D:e/><D:f/>"
			    "<D:g/><D:h/><D:i/></D:prop>")),
		    10);
		rc = propfind_body_end(b, &out, &err);
		dav_body_free(b);
	}
	assert_int_equal(err.code, rc);
	return rc;
}

static void
running_out_of_memory_is_survived(void **state)
{
	(void)state;
	assert_survives_exhaustion(read_propfind);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_propfind_says_what_is_asked_for),
		cmocka_unit_test(a_body_may_be_utf_16),
		cmocka_unit_test(the_client_is_told_where_and_what_is_wrong),
		cmocka_unit_test(a_limit_that_is_passed_is_named),
		cmocka_unit_test(a_memo_changes_nothing_of_what_is_read),
		cmocka_unit_test(a_memo_holds_for_its_limits_and_small_bodies),
		cmocka_unit_test(a_memo_survives_running_out_of_memory),
		cmocka_unit_test(running_out_of_memory_is_survived),
		cmocka_unit_test(a_hostile_body_is_refused_in_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
