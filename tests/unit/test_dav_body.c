/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include <sys/resource.h>

#include "wire/dav_body.h"

static const struct xml_limits limits = { .bytes = 1 << 20, .depth = 64 };

struct run {
	struct arena arena;
	struct dav_body *body;
	struct err err;
	enum err_code rc;
};

static void
run_done(struct run *r)
{
	dav_body_free(r->body);
	arena_done(&r->arena);
}

/* Writes in pieces of step bytes, as a network would deliver them. */
static void
feed(struct dav_body *b, struct str bytes, size_t step)
{
	while (bytes.len) {
		(void)ostream_write(dav_body_stream(b), str_head(bytes, step));
		bytes = str_skip(bytes, step);
	}
}

static void
propfind(
    struct run *r, struct str bytes, size_t step, struct propfind_body *out)
{
	*r = (struct run){ 0 };
	assert_int_equal(
	    propfind_body_new(&limits, &r->arena, &r->body, &r->err), ERR_OK);
	feed(r->body, bytes, step);
	r->rc = propfind_body_end(r->body, out, &r->err);
}

static void
proppatch(
    struct run *r, struct str bytes, size_t step, struct proppatch_body *out)
{
	*r = (struct run){ 0 };
	assert_int_equal(
	    proppatch_body_new(&limits, &r->arena, &r->body, &r->err), ERR_OK);
	feed(r->body, bytes, step);
	r->rc = proppatch_body_end(r->body, out, &r->err);
}

static void
put_prop_name(struct buf *b, struct prop_name n)
{
	buf_printf(b, "{%.*s}%.*s", STR_ARG(n.ns), STR_ARG(n.local));
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

/* "set {DAV:}a text=...|remove {x}b|" */
static void
put_proppatch(struct buf *b, const struct proppatch_body *p)
{
	size_t i;

	for (i = 0; i < p->n_changes; i++) {
		const struct prop *prop = &p->changes[i].prop;

		buf_put(b, p->changes[i].remove ? STR("remove ") : STR("set "));
		put_prop_name(b, prop->name);
		if (prop->form == PROP_TEXT)
			BUF_LIT(b, " text=");
		if (prop->form == PROP_XML)
			BUF_LIT(b, " xml=");
		buf_put(b, prop->value);
		buf_putc(b, '|');
	}
}

#define DAV(inside) "<D:propfind xmlns:D=\"DAV:\">" inside "</D:propfind>"

static void
a_propfind_says_what_is_asked_for(void **state)
{
	static const struct {
		const char *body;
		const char *want; /* NULL: refused with 400 */
	} cases[] = {
		{ "", "all" },
		{ DAV("<D:allprop/>"), "all" },
		{ "<propfind xmlns='DAV:'><allprop/></propfind>", "all" },
		{ DAV("<D:propname/>"), "names" },
		{ DAV("<D:prop/>"), "some" },
		{ DAV("<D:prop><D:a/><b xmlns='x'/><c/><D:a/></D:prop>"),
		    "some {DAV:}a {x}b {}c" },
		{ DAV("<D:allprop/><D:include><D:a/></D:include>"),
		    "all {DAV:}a" },
		{ DAV("<D:include><D:a/></D:include><D:allprop/>"),
		    "all {DAV:}a" },
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
	static const size_t steps[] = { 1, 3, 100000 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		for (k = 0; k < ARRAY_LEN(steps); k++) {
			struct buf got = { 0 };
			struct propfind_body p;
			struct run r;

			propfind(&r, str_from_c(cases[i].body), steps[k], &p);
			if (!cases[i].want) {
				assert_int_equal(r.rc, ERR_BAD_BODY);
				assert_int_not_equal(r.err.tell[0], '\0');
			} else {
				assert_int_equal(r.rc, ERR_OK);
				put_propfind(&got, &p);
				assert_str_equal(
				    buf_str(&got), str_from_c(cases[i].want));
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

#define UPDATE(inside)                                                 \
	"<D:propertyupdate xmlns:D=\"DAV:\" xmlns:o=\"urn:o\">" inside \
	"</D:propertyupdate>"
#define SET(inside) UPDATE("<D:set><D:prop>" inside "</D:prop></D:set>")

static void
a_proppatch_keeps_values_as_they_were_meant(void **state)
{
	static const struct {
		const char *what;
		const char *body;
		const char *want; /* NULL: refused with 400 */
	} cases[] = {
		{ "text", SET("<x:a xmlns:x='urn:x'>t</x:a>"),
		    "set {urn:x}a text=t|" },
		{ "nothing", SET("<o:a/>"), "set {urn:o}a text=|" },
		{ "no namespace", SET("<a xmlns=''>t</a>"), "set {}a text=t|" },
		{ "text is not escaped",
		    SET("<o:a>&lt;<![CDATA[<&]]>&#x10000;&#13;</o:a>"),
		    "set {urn:o}a text=<<&\xf0\x90\x80\x80\r|" },
		{ "white space", SET("<o:a>  a\n\tb </o:a>"),
		    "set {urn:o}a text=  a\n\tb |" },
		{ "comments go", SET("<o:a>a<!-- c --><?p i?>b</o:a>"),
		    "set {urn:o}a text=ab|" },
		{ "a child with its own namespace",
		    SET("<t:v xmlns:t='urn:t'><foo xmlns='bar'/></t:v>"),
		    "set {urn:t}v xml=<t:v xmlns:t=\"urn:t\">"
		    "<foo xmlns=\"bar\"/></t:v>|" },
		{ "mixed content",
		    SET("<o:a>1<o:b>2</o:b>&amp;<![CDATA[<]]>\r\n&#13;"
			"<c/></o:a>"),
		    "set {urn:o}a xml=<o:a xmlns:o=\"urn:o\">1<o:b>2</o:b>"
		    "&amp;&lt;\n&#13;<c/></o:a>|" },
		{ "attributes, in order, quoted",
		    SET("<o:a z='1&#9;&#10;\n2' D:y='\"&apos;&lt;>&amp;'>t"
			"</o:a>"),
		    "set {urn:o}a xml=<o:a xmlns:o=\"urn:o\" xmlns:D=\"DAV:\" "
		    "z=\"1&#9;&#10; 2\" D:y=\"&quot;&#39;&lt;&gt;&amp;\">t"
		    "</o:a>|" },
		{ "a declaration outside, used inside only",
		    SET("<a><b><o:c/><o:d/></b></a>"),
		    "set {}a xml=<a xmlns:o=\"urn:o\"><b><o:c/><o:d/></b>"
		    "</a>|" },
		{ "the default namespace of outside",
		    "<propertyupdate xmlns='DAV:'><set><prop>"
		    "<x:a xmlns:x='urn:x'><b/><c xmlns=''/><d/></x:a>"
		    "</prop></set></propertyupdate>",
		    "set {urn:x}a xml=<x:a xmlns:x=\"urn:x\" xmlns=\"DAV:\">"
		    "<b/><c xmlns=\"\"/><d/></x:a>|" },
		{ "a prefix bound again and again",
		    SET("<o:a><o:b xmlns:o='urn:2'><o:c/></o:b><o:d/></o:a>"),
		    "set {urn:o}a xml=<o:a xmlns:o=\"urn:o\">"
		    "<o:b xmlns:o=\"urn:2\"><o:c/></o:b><o:d/></o:a>|" },
		{ "bound inside first, outside later",
		    SET("<a><o:b xmlns:o='urn:2'/><o:d/></a>"),
		    "set {}a xml=<a xmlns:o=\"urn:o\">"
		    "<o:b xmlns:o=\"urn:2\"/><o:d/></a>|" },
		{ "an unused declaration inside (for QNames in text)",
		    SET("<o:a><b xmlns:q='urn:q'>q:n</b></o:a>"),
		    "set {urn:o}a xml=<o:a xmlns:o=\"urn:o\">"
		    "<b xmlns:q=\"urn:q\">q:n</b></o:a>|" },
		{ "its own language", SET("<o:a xml:lang='en'>t</o:a>"),
		    "set {urn:o}a xml=<o:a xmlns:o=\"urn:o\" xml:lang=\"en\">t"
		    "</o:a>|" },
		{ "a language in scope",
		    "<D:propertyupdate xmlns:D='DAV:' xml:lang='de'><D:set>"
		    "<D:prop><D:a/></D:prop>"
		    "<D:prop xml:lang='fr'><D:b>t</D:b>"
		    "<D:c xml:lang='it'/></D:prop>"
		    "<D:prop xml:lang=''><D:d/></D:prop></D:set>"
		    "<D:set xml:lang='es'><D:prop><D:e/></D:prop></D:set>"
		    "</D:propertyupdate>",
		    "set {DAV:}a xml=<D:a xmlns:D=\"DAV:\" xml:lang=\"de\"/>|"
		    "set {DAV:}b xml=<D:b xmlns:D=\"DAV:\" xml:lang=\"fr\">t"
		    "</D:b>|"
		    "set {DAV:}c xml=<D:c xmlns:D=\"DAV:\" xml:lang=\"it\"/>|"
		    "set {DAV:}d text=|"
		    "set {DAV:}e xml=<D:e xmlns:D=\"DAV:\" "
		    "xml:lang=\"es\"/>|" },
		{ "the prefix xml needs no declaration",
		    SET("<xml:a><xml:b/></xml:a>"),
		    "set {http://www.w3.org/XML/1998/namespace}a "
		    "xml=<xml:a><xml:b/></xml:a>|" },
		{ "changes in order",
		    UPDATE("<D:set><D:prop><o:a>1</o:a><o:b>2</o:b></D:prop>"
			   "</D:set><D:remove><D:prop><o:a>x<o:y/></o:a>"
			   "</D:prop></D:remove><D:set><D:prop><o:a>3</o:a>"
			   "</D:prop></D:set>"),
		    "set {urn:o}a text=1|set {urn:o}b text=2|"
		    "remove {urn:o}a|set {urn:o}a text=3|" },
		{ "unknown elements are not there",
		    UPDATE("<o:x><D:prop><o:no/></D:prop></o:x>t"
			   "<D:set><o:y><o:no/></o:y><D:prop><o:a>1</o:a>"
			   "</D:prop></D:set>"),
		    "set {urn:o}a text=1|" },
		{ "no properties", SET(""), "" },
		{ "no body", "", NULL },
		{ "no change", UPDATE(""), NULL },
		{ "no prop", UPDATE("<D:set/>"), NULL },
		{ "wrong root", DAV("<D:allprop/>"), NULL },
		{ "undeclared prefix", SET("<x:a/>"), NULL },
		{ "undeclared prefix of an attribute", SET("<o:a x:b=''/>"),
		    NULL },
		{ "prefix undone", SET("<o:a xmlns:o=''/>"), NULL },
		{ "reserved prefix", SET("<xmlns:a/>"), NULL },
		{ "equal attributes by two prefixes",
		    SET("<a xmlns:p='urn:o' p:x='' o:x=''/>"), NULL },
		{ "two colons", SET("<o:a:b/>"), NULL },
	};
	static const size_t steps[] = { 1, 100000 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		for (k = 0; k < ARRAY_LEN(steps); k++) {
			struct buf got = { 0 };
			struct proppatch_body p;
			struct run r;

			proppatch(&r, str_from_c(cases[i].body), steps[k], &p);
			assert_int_equal(
			    r.rc, cases[i].want ? ERR_OK : ERR_BAD_BODY);
			if (cases[i].want) {
				put_proppatch(&got, &p);
				assert_str_equal(
				    buf_str(&got), str_from_c(cases[i].want));
			}
			buf_done(&got);
			run_done(&r);
		}
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

		assert_int_equal(
		    propfind_body_new(&limits, &r.arena, &r.body, &r.err),
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
read_proppatch(struct arena *a, struct proppatch_body *out)
{
	static const char body[] =
	    SET("<o:a>text</o:a><o:b c='1'>more<D:d/></o:b>");
	struct dav_body *b;
	struct err err = { 0 };
	enum err_code rc = proppatch_body_new(&limits, a, &b, &err);

	if (!rc) {
		feed(b, str_from_c(body), 10);
		rc = proppatch_body_end(b, out, &err);
		dav_body_free(b);
	}
	assert_int_equal(err.code, rc);
	return rc;
}

static enum err_code
read_propfind(struct arena *a, struct propfind_body *out)
{
	struct dav_body *b;
	struct err err = { 0 };
	enum err_code rc = propfind_body_new(&limits, a, &b, &err);

	if (!rc) {
		feed(b,
		    STR(DAV("<D:prop><D:a/><D:b/><D:c/><D:d/><D:e/><D:f/>"
			    "<D:g/><D:h/><D:i/></D:prop>")),
		    10);
		rc = propfind_body_end(b, out, &err);
		dav_body_free(b);
	}
	assert_int_equal(err.code, rc);
	return rc;
}

/*
 * Expat (2.5) takes a namespace declaration for which it found no memory for
 * an attribute, and then misses it.
 */
static void
assert_no_memory(enum err_code rc)
{
	if (rc != ERR_BAD_BODY)
		assert_int_equal(rc, ERR_NOMEM);
}

static void
running_out_of_memory_is_survived(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct arena a = { 0 };
		struct proppatch_body patch;
		enum err_code rc;

		alloc_fail_at(n);
		rc = read_proppatch(&a, &patch);
		fired = alloc_fail_stop();
		if (fired)
			assert_no_memory(rc);
		else
			assert_int_equal(rc, ERR_OK);
		arena_done(&a);
	}
	assert_true(n > 10);
	fired = true;
	for (n = 1; fired; n++) {
		struct arena a = { 0 };
		struct propfind_body find;
		enum err_code rc;

		alloc_fail_at(n);
		rc = read_propfind(&a, &find);
		fired = alloc_fail_stop();
		if (fired)
			assert_no_memory(rc);
		else
			assert_int_equal(rc, ERR_OK);
		arena_done(&a);
	}
	assert_true(n > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_propfind_says_what_is_asked_for),
		cmocka_unit_test(a_body_may_be_utf_16),
		cmocka_unit_test(the_client_is_told_where_and_what_is_wrong),
		cmocka_unit_test(a_proppatch_keeps_values_as_they_were_meant),
		cmocka_unit_test(a_limit_that_is_passed_is_named),
		cmocka_unit_test(a_small_body_cannot_become_large_values),
		cmocka_unit_test(a_value_sent_back_is_the_same_value),
		cmocka_unit_test(running_out_of_memory_is_survived),
		cmocka_unit_test(a_hostile_body_is_refused_in_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
