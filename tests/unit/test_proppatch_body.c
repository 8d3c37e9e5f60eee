/* SPDX-License-Identifier: MIT */

#include "body_run.h"

static void
proppatch_with(struct proppatch_memo *memo, struct run *r, struct str bytes,
    size_t step, struct proppatch_body *out)
{
	*r = (struct run){ 0 };
	assert_int_equal(proppatch_body_new(
			     &body_limits, memo, &r->arena, &r->body, &r->err),
	    ERR_OK);
	feed(r->body, bytes, step);
	r->rc = proppatch_body_end(r->body, out, &r->err);
}

static void
proppatch(
    struct run *r, struct str bytes, size_t step, struct proppatch_body *out)
{
	proppatch_with(NULL, r, bytes, step, out);
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

#define UPDATE(inside)                                                 \
	"<D:propertyupdate xmlns:D=\"DAV:\" xmlns:o=\"urn:o\">" inside \
	"</D:propertyupdate>"
#define SET(inside) UPDATE("<D:set><D:prop>" inside "</D:prop></D:set>")

static const struct {
	const char *what;
	const char *body;
	const char *want; /* NULL: refused with 400 */
} patches[] = {
	{ "text", SET("<x:a xmlns:x='urn:x'>t</x:a>"), "set {urn:x}a text=t|" },
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
	{ "the prefix xml needs no declaration", SET("<xml:a><xml:b/></xml:a>"),
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
	{ "wrong root", "<D:propfind xmlns:D='DAV:'><D:allprop/></D:propfind>",
	    NULL },
	{ "undeclared prefix", SET("<x:a/>"), NULL },
	{ "undeclared prefix of an attribute", SET("<o:a x:b=''/>"), NULL },
	{ "prefix undone", SET("<o:a xmlns:o=''/>"), NULL },
	{ "reserved prefix", SET("<xmlns:a/>"), NULL },
	{ "equal attributes by two prefixes",
	    SET("<a xmlns:p='urn:o' p:x='' o:x=''/>"), NULL },
	{ "two colons", SET("<o:a:b/>"), NULL },
};

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

static void
read_in_steps(
    struct proppatch_memo *memo, struct str body, size_t step, struct buf *said)
{
	struct proppatch_body p;
	struct run r;

	proppatch_with(memo, &r, body, step, &p);
	if (r.rc)
		buf_printf(said, "%u %s", (unsigned)r.rc, r.err.tell);
	else
		put_proppatch(said, &p);
	run_done(&r);
}

static void
read_with(struct proppatch_memo *memo, const char *body, struct buf *said)
{
	read_in_steps(memo, str_from_c(body), 9, said);
}

/* Every body after every other, and again; so is every parser used again. */
static void
a_memo_changes_nothing_of_what_is_read(void **state)
{
	struct proppatch_memo memo = { 0 };
	size_t i, k, again;

	(void)state;
	for (i = 0; i < ARRAY_LEN(patches) * ARRAY_LEN(patches); i++)
		for (again = 0; again < 2; again++) {
			struct buf want = { 0 }, got = { 0 };

			k = again ? i % ARRAY_LEN(patches)
				  : i / ARRAY_LEN(patches);
			read_with(&memo, patches[k].body, &got);
			read_with(NULL, patches[k].body, &want);
			assert_str_equal(buf_str(&got), buf_str(&want));
			assert_true(!patches[k].want ||
			    (memo.base.known && memo.base.xml) ||
			    strlen(patches[k].body) > 1000);
			buf_done(&want);
			buf_done(&got);
		}
	body_memo_done(&memo.base);
}

/* After body, and in pieces of so many bytes, it says what it says alone. */
static void
assert_reads_after(
    struct proppatch_memo *memo, const char *body, struct str next, size_t step)
{
	struct buf first = { 0 }, want = { 0 }, got = { 0 };

	read_in_steps(memo, str_from_c(body), SIZE_MAX, &first);
	read_in_steps(memo, next, step, &got);
	read_in_steps(NULL, next, SIZE_MAX, &want);
	assert_str_equal(buf_str(&got), buf_str(&want));
	buf_done(&first);
	buf_done(&want);
	buf_done(&got);
}

#define TEXT SET("<x:a xmlns:x='urn:x'>one</x:a><o:b>two</o:b>")

static void
a_body_with_other_text_in_one_place_is_not_parsed(void **state)
{
	static const struct {
		const char *what, *first, *next;
		bool parsed;
	} cases[] = {
		{ "as long", TEXT,
		    SET("<x:a xmlns:x='urn:x'>1-3</x:a><o:b>two</o:b>"),
		    false },
		{ "longer", TEXT,
		    SET("<x:a xmlns:x='urn:x'>one or so</x:a><o:b>two</o:b>"),
		    false },
		{ "shorter, of another", TEXT,
		    SET("<x:a xmlns:x='urn:x'>one</x:a><o:b>o</o:b>"), false },
		{ "with a declaration", "<?xml version='1.0'?>" TEXT,
		    "<?xml version='1.0'?>" SET(
			"<x:a xmlns:x='urn:x'>1</x:a><o:b>two</o:b>"),
		    false },
		{ "beside a removal",
		    UPDATE("<D:set><D:prop><o:a>t</o:a></D:prop></D:set>"
			   "<D:remove><D:prop><o:b/></D:prop></D:remove>"),
		    UPDATE("<D:set><D:prop><o:a>u</o:a></D:prop></D:set>"
			   "<D:remove><D:prop><o:b/></D:prop></D:remove>"),
		    false },
		{ "of two", TEXT,
		    SET("<x:a xmlns:x='urn:x'>1</x:a><o:b>2</o:b>"), true },
		{ "none", TEXT,
		    SET("<x:a xmlns:x='urn:x'></x:a><o:b>two</o:b>"), true },
		{ "an entity", TEXT,
		    SET("<x:a xmlns:x='urn:x'>&lt;</x:a><o:b>two</o:b>"),
		    true },
		{ "the end of a CDATA section", TEXT,
		    SET("<x:a xmlns:x='urn:x'>]]></x:a><o:b>two</o:b>"), true },
		{ "a line end", TEXT,
		    SET("<x:a xmlns:x='urn:x'>\r\n</x:a><o:b>two</o:b>"),
		    true },
		{ "what is no character", TEXT,
		    SET("<x:a xmlns:x='urn:x'>\x01</x:a><o:b>two</o:b>"),
		    true },
		{ "a child", TEXT,
		    SET("<x:a xmlns:x='urn:x'><c/></x:a><o:b>two</o:b>"),
		    true },
		{ "an attribute", TEXT,
		    SET("<x:a xmlns:x='urn:y'>one</x:a><o:b>two</o:b>"), true },
		{ "text that was there twice", SET("<o:a>t</o:a><o:b>t</o:b>"),
		    SET("<o:a>u</o:a><o:b>t</o:b>"), true },
		{ "text of what is ignored, and of a property",
		    UPDATE("<D:x>t</D:x><D:set><D:prop><o:a>t</o:a>"
			   "</D:prop></D:set>"),
		    UPDATE("<D:x>u</D:x><D:set><D:prop><o:a>t</o:a>"
			   "</D:prop></D:set>"),
		    true },
		{ "text of what is ignored, that a property has as an entity",
		    UPDATE("<D:x>t</D:x><D:set><D:prop><o:a>&#116;</o:a>"
			   "</D:prop></D:set>"),
		    UPDATE("<D:x>u</D:x><D:set><D:prop><o:a>&#116;</o:a>"
			   "</D:prop></D:set>"),
		    true },
		{ "a comment, that a property has as a section",
		    SET("<!-->t<--><o:a><![CDATA[t]]></o:a>"),
		    SET("<!-->u<--><o:a><![CDATA[t]]></o:a>"), true },
		{ "text in a child", SET("<o:a>s<o:b>t</o:b></o:a>"),
		    SET("<o:a>s<o:b>u</o:b></o:a>"), true },
		{ "behind the end", TEXT, TEXT "more", true },
	};
	size_t i, step;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str next = str_from_c(cases[i].next);
		struct proppatch_memo memo = { 0 };

		assert_reads_after(&memo, cases[i].first, next, SIZE_MAX);
		assert_int_equal(cases[i].parsed,
		    !str_eq(
			buf_str(&memo.base.bytes), str_from_c(cases[i].first)));
		for (step = 1; step < next.len; step++)
			assert_reads_after(&memo, cases[i].first, next, step);
		body_memo_done(&memo.base);
	}
}

/* A byte at each place more, less, or another. */
static void
whatever_differs_from_the_memo_is_read_as_it_stands(void **state)
{
	static const char bytes[] = "x<> &\n\"'!?/\x01\x80";
	struct proppatch_memo memo = { 0 };
	size_t i, at, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(patches); i++) {
		struct str body = str_from_c(patches[i].body);

		for (at = 0; at <= body.len && body.len < 1000; at++)
			for (k = 0; k < 3; k++) {
				struct buf next = { 0 };

				buf_put(&next, str_head(body, at));
				if (k)
					buf_putc(&next,
					    bytes[(at + i) %
						(sizeof(bytes) - 1)]);
				buf_put(&next, str_skip(body, at + (k < 2)));
				assert_reads_after(&memo, patches[i].body,
				    buf_str(&next), SIZE_MAX);
				buf_done(&next);
			}
	}
	body_memo_done(&memo.base);
}

/* As UTF-16; '1' and '2' are characters that have ">" and "<" in them. */
static void
put_utf16(struct buf *b, const char *text)
{
	static const char *const wide[] = { "\x3e\x41\x42\x3c",
		"\x3e\x43\x44\x3c" };

	buf_put(b, STR("\xff\xfe"));
	for (; *text; text++) {
		if (*text == '1' || *text == '2') {
			buf_put(b, str_from_c(wide[*text - '1']));
			continue;
		}
		buf_putc(b, *text);
		buf_putc(b, '\0');
	}
}

static void
text_of_wide_characters_is_not_taken_for_that_of_another(void **state)
{
	struct proppatch_memo memo = { 0 };
	struct buf first = { 0 }, next = { 0 }, said = { 0 };

	(void)state;
	put_utf16(&first, SET("<o:a>1</o:a><o:b>AB</o:b>"));
	put_utf16(&next, SET("<o:a>2</o:a><o:b>AB</o:b>"));
	read_in_steps(&memo, buf_str(&first), SIZE_MAX, &said);
	buf_clear(&said);
	read_in_steps(&memo, buf_str(&next), SIZE_MAX, &said);
	assert_str_equal(buf_str(&said),
	    STR("set {urn:o}a text=\xe4\x8c\xbe\xe3\xb1\x84|"
		"set {urn:o}b text=AB|"));
	buf_done(&first);
	buf_done(&next);
	buf_done(&said);
	body_memo_done(&memo.base);
}

/* What came is handed to the parser after all. */
static void
more_behind_a_body_with_other_text_is_read(void **state)
{
	static const char next[] =
	    SET("<x:a xmlns:x='urn:x'>1</x:a><o:b>two</o:b>") "<!-- -->";
	struct proppatch_memo memo = { 0 };

	(void)state;
	assert_reads_after(&memo, TEXT, str_from_c(next), sizeof(next) - 9);
	assert_str_equal(buf_str(&memo.base.bytes), str_from_c(next));
	body_memo_done(&memo.base);
}

/* An end that is missing, in the middle of anything, leaves nothing behind. */
static void
a_parser_whose_body_was_cut_begins_anew(void **state)
{
	static const char body[] =
	    SET("<x:a xmlns:x='urn:x' c='1'>t<D:b/>&lt;</x:a>");
	struct proppatch_memo memo = { 0 };
	struct buf want = { 0 };
	size_t n;

	(void)state;
	read_with(NULL, body, &want);
	for (n = 1; n < sizeof(body) - 1; n++) {
		struct arena a = { 0 };
		struct buf got = { 0 };
		struct dav_body *b;

		assert_int_equal(
		    proppatch_body_new(&body_limits, &memo, &a, &b, NULL),
		    ERR_OK);
		feed(b, str_of(body, n), n);
		dav_body_free(b);
		assert_non_null(memo.base.xml);
		read_with(&memo, body, &got);
		assert_str_equal(buf_str(&got), buf_str(&want));
		memo.base.known = false;
		arena_done(&a);
		buf_done(&got);
	}
	body_memo_done(&memo.base);
	buf_done(&want);
}

/* Three times, of which the last is known. */
static enum err_code
read_thrice(struct arena *a)
{
	static const struct str body = STR_INIT(SET("<o:a>text</o:a>"));
	struct proppatch_memo memo = { 0 };
	struct proppatch_body out;
	enum err_code rc = ERR_OK;
	int i;

	for (i = 0; i < 3 && !rc; i++) {
		struct dav_body *b;

		memo.base.known &= i != 1; /* a parser that is used again */
		rc = proppatch_body_new(&body_limits, &memo, a, &b, NULL);
		if (rc)
			break;
		feed(b, body, 1000);
		rc = proppatch_body_end(b, &out, NULL);
		assert_true(rc || str_eq(out.changes->prop.value, STR("text")));
		dav_body_free(b);
	}
	body_memo_done(&memo.base);
	return rc;
}

/* To remember nothing is no failure. */
static void
a_memo_survives_running_out_of_memory(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct arena a = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = read_thrice(&a);
		fired = alloc_fail_stop();
		if (rc)
			assert_out_of_memory(rc, fired);
		arena_done(&a);
	}
	assert_true(n > 10);
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
		cmocka_unit_test(a_memo_changes_nothing_of_what_is_read),
		cmocka_unit_test(
		    a_body_with_other_text_in_one_place_is_not_parsed),
		cmocka_unit_test(
		    whatever_differs_from_the_memo_is_read_as_it_stands),
		cmocka_unit_test(
		    text_of_wide_characters_is_not_taken_for_that_of_another),
		cmocka_unit_test(more_behind_a_body_with_other_text_is_read),
		cmocka_unit_test(a_parser_whose_body_was_cut_begins_anew),
		cmocka_unit_test(a_memo_survives_running_out_of_memory),
		cmocka_unit_test(running_out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
