/* SPDX-License-Identifier: MIT */
/* Bodies of PROPPATCH, and what they say, for the tests of their reader. */
#ifndef SHEAF_TESTS_PROPPATCH_RUN_H
#define SHEAF_TESTS_PROPPATCH_RUN_H

#include "body_run.h"

static inline void
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

static inline void
proppatch(
    struct run *r, struct str bytes, size_t step, struct proppatch_body *out)
{
	proppatch_with(NULL, r, bytes, step, out);
}

/* "set {DAV:}a text=...|remove {x}b|" */
static inline void
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

#endif
