/* SPDX-License-Identifier: MIT */
#include "lib/read_run.h"
#include "lib/test.h"

#include "reader_xml_docs.h"

static const struct {
	const char *what;
	const char *body;
	const char *said;
} whole[] = {
	{ "nothing at all happened", ALL(""), "" },
	{ "a status", RESPONSE(HREF STATUS("HTTP/1.1 423 Locked")),
	    "/a 423\n" },
	{ "several hrefs are an outcome each",
	    RESPONSE(HREF "<D:href>http://h/b%20c/</D:href>" STATUS(
		"HTTP/1.1 424 Failed Dependency")),
	    "/a 424\nhttp://h/b%20c/ 424\n" },
	{ "an href has no white space around it",
	    RESPONSE("<D:href>\n  /a&amp;b \r\n</D:href>" OK), "/a&b 200\n" },
	{ "no href", RESPONSE(OK), " 200\n" },
	{ "neither status nor propstat", RESPONSE(HREF), "/a 0\n" },
	{ "a status that cannot be read",
	    RESPONSE(HREF STATUS("HTTP/1.1 2OO OK")), "/a 0\n" },
	{ "the same status twice", RESPONSE(HREF OK STATUS("HTTP/1.1 200")),
	    "/a 200\n" },
	{ "two statuses are none",
	    RESPONSE(HREF OK STATUS("HTTP/1.1 403 Forbidden")), "/a 0\n" },
	{ "HTTP/2", RESPONSE(HREF STATUS("HTTP/2 507")), "/a 507\n" },
	{ "a status nobody has registered",
	    RESPONSE(HREF STATUS("HTTP/1.1 799 Odd")), "/a 799 tell=Odd\n" },
	{ "a reason of its own is a sentence",
	    RESPONSE(HREF STATUS("HTTP/1.1 423 ann has it")),
	    "/a 423 tell=ann has it\n" },
	{ "but not if there is one",
	    RESPONSE(HREF STATUS("HTTP/1.1 423 ann has it")
		    SAID(" ask <![CDATA[<ann>]]> ")),
	    "/a 423 tell=ask <ann>\n" },
	{ "an error, with where its names come from",
	    RESPONSE(HREF STATUS(
		"HTTP/1.1 423 Locked") "<D:error><D:lock-token-submitted><D:"
				       "href>/a</D:href>"
				       "</D:lock-token-submitted></D:error>"),
	    "/a 423 error=<D:error xmlns:D=\"DAV:\"><D:lock-token-submitted>"
	    "<D:href>/a</D:href></D:lock-token-submitted></D:error>\n" },
	{ "an empty error",
	    RESPONSE(HREF STATUS("HTTP/1.1 403 Forbidden") "<D:error/>"),
	    "/a 403 error=<D:error xmlns:D=\"DAV:\"/>\n" },
	{ "a redirect",
	    RESPONSE(
		HREF STATUS("HTTP/1.1 302 Found") "<D:location><D:href> /b "
						  "</D:href></D:location>"),
	    "/a 302 location=/b\n" },
	{ "what is unknown is not there (s17)",
	    ALL("text<x/><D:x><D:response>" HREF "</D:response></D:x>"
		"<D:response a='b'>text<D:href>/<D:i>no</D:i>a<x/></D:href>"
		"<D:sync/><D:status>HTTP/1.1 <b>1</b>200 OK</D:status>"
		"<x:status xmlns:x='urn:x'>HTTP/1.1 500 x</x:status>"
		"<D:response>" HREF "</D:response></D:response>"),
	    "/a 200\n" },
	{ "known names in the wrong place are unknown",
	    ALL("<D:href>/x</D:href>" OK
		"<D:response><D:prop><D:a/></D:prop>" HREF OK "</D:response>"),
	    "/a 200\n" },
	{ "what we say of other forms",
	    RESPONSE("<D:href>urn:sheaf:item:7</D:href>" STATUS(
		"HTTP/1.1 424 Failed Dependency") "<S:id "
						  "xmlns:S='urn:sheaf:'>i</"
						  "S:id>"
						  "<op "
						  "xmlns='urn:sheaf:'>create</"
						  "op>"
						  "<retry-after "
						  "xmlns='urn:sheaf:'>3</"
						  "retry-after>"
						  "<caused-by "
						  "xmlns='urn:sheaf:'>h</"
						  "caused-by>"
						  "<problem-type "
						  "xmlns='urn:sheaf:'>urn:p</"
						  "problem-type>"
						  "<partial "
						  "xmlns='urn:sheaf:'/>"),
	    " 424 id=i op=create type=urn:p retry=3 by=h partial\n" },
	{ "a status that we could not read",
	    RESPONSE(HREF STATUS(
		"HTTP/1.1 502 Bad Gateway") "<unknown xmlns='urn:sheaf:'/>"),
	    "/a 0\n" },
};

static const struct {
	const char *what;
	const char *body;
	const char *said;
} propstats[] = {
	{ "text, with its white space",
	    SET("<D:displayname> a&lt;b </D:displayname>", OK),
	    "200 {200 {DAV:}displayname=\" a<b \"}" },
	{ "an empty text is a value, but not where it was refused",
	    SET("<D:displayname/>", OK)
		SET("<D:getetag></D:getetag><D:resourcetype/>",
		    STATUS("HTTP/1.1 404 Not Found")),
	    "200 {200 {DAV:}displayname=\"\"}"
	    "{404 {DAV:}getetag {DAV:}resourcetype}" },
	{ "names",
	    SET("<D:resourcetype>\n<D:collection></D:collection> "
		"<c:calendar xmlns:c='urn:c'/></D:resourcetype>",
		OK),
	    "200 {200 {DAV:}resourcetype=[{DAV:}collection{urn:c}calendar]}" },
	{ "no names", SET("<D:resourcetype> </D:resourcetype>", OK),
	    "200 {200 {DAV:}resourcetype=[]}" },
	{ "names and text are an element",
	    SET("<D:resourcetype>x<D:collection/></D:resourcetype>", OK),
	    "200 {200 {DAV:}resourcetype=<D:resourcetype xmlns:D=\"DAV:\">x"
	    "<D:collection/></D:resourcetype>}" },
	{ "so are names with something in them",
	    SET("<a><b><c/></b></a><d><e>x</e></d><f><g h='i'/></f>", OK),
	    "200 {200 {}a=<a><b><c/></b></a> {}d=<d><e>x</e></d> "
	    "{}f=<f><g h=\"i\"/></f>}" },
	{ "and what has attributes",
	    SET("<D:displayname xml:lang='en'>x</D:displayname>"
		"<x a='b'><y/></x>",
		OK),
	    "200 {200 {DAV:}displayname=<D:displayname xmlns:D=\"DAV:\" "
	    "xml:lang=\"en\">x</D:displayname> {}x=<x a=\"b\"><y/></x>}" },
	{ "but not where the value is text by the RFC",
	    SET("<D:getcontentlength b:dt='int' xmlns:b='urn:b'>4<x/>2"
		"</D:getcontentlength>",
		OK),
	    "200 {200 {DAV:}getcontentlength=\"42\"}" },
	{ "declarations alone are no attributes",
	    SET("<x:a xmlns:x='urn:x'>v</x:a><b xmlns='urn:y'>w</b>"
		"<b xmlns='urn:y'><c/></b>",
		OK),
	    "200 {200 {urn:x}a=\"v\" {urn:y}b=\"w\" {urn:y}b=[{urn:y}c]}" },
	{ "prefixes from outside are declared inside",
	    SET("<D:owner><D:href>/p</D:href></D:owner>", OK),
	    "200 {200 {DAV:}owner=<D:owner xmlns:D=\"DAV:\"><D:href>/p"
	    "</D:href></D:owner>}" },
	{ "a language around it is not its own",
	    "<D:propstat xml:lang='en'><D:prop xml:lang='de'><D:a>x</D:a>"
	    "</D:prop>" OK "</D:propstat>",
	    "200 {200 {DAV:}a=\"x\"}" },
	{ "only unknown properties are no failure",
	    SET("<D:a/>", STATUS("HTTP/1.1 404 Not Found")),
	    "200 {404 {DAV:}a}" },
	{ "one that is refused is no failure of the whole",
	    SET("<D:a>1</D:a>", OK)
		SET("<D:b/>", STATUS("HTTP/1.1 403 Forbidden")),
	    "200 {200 {DAV:}a=\"1\"}{403 {DAV:}b}" },
	{ "all refused are: the cause counts, not what it caused",
	    SET("<D:a/>", STATUS("HTTP/1.1 424 Failed Dependency"))
		SET("<D:b/>", STATUS("HTTP/1.1 409 Conflict")),
	    "409 {424 {DAV:}a}{409 {DAV:}b}" },
	{ "and why",
	    SET("<D:b/>",
		STATUS("HTTP/1.1 403 Forbidden") "<D:error><D:cannot-modify-"
						 "protected-property/></"
						 "D:error>" SAID(
						     "it is protected")),
	    "403 {403 {DAV:}b tell=it is protected error=<D:error "
	    "xmlns:D=\"DAV:\"><D:cannot-modify-protected-property/>"
	    "</D:error>}" },
	{ "a propstat without a status", SET("<D:a>x</D:a>", ""),
	    "0 {0 {DAV:}a=\"x\"}" },
	{ "without properties", "<D:propstat>" OK "</D:propstat>",
	    "200 {200}" },
	{ "with two props",
	    "<D:propstat><D:prop><D:a/></D:prop>" OK
	    "<D:prop><D:b/></D:prop></D:propstat>",
	    "200 {200 {DAV:}a=\"\" {DAV:}b=\"\"}" },
	{ "with two statuses",
	    SET("<D:a/>", OK STATUS("HTTP/1.1 404 Not Found")),
	    "0 {0 {DAV:}a}" },
	{ "a status beside them, which agrees", SET("<D:a>1</D:a>", OK) OK,
	    "200 {200 {DAV:}a=\"1\"}" },
	{ "which does not",
	    SET("<D:a>1</D:a>", OK) STATUS("HTTP/1.1 423 Locked"),
	    "423 {200 {DAV:}a=\"1\"}" },
	{ "which cannot be read", SET("<D:a>1</D:a>", OK) STATUS("fine"),
	    "0 {200 {DAV:}a=\"1\"}" },
	{ "which claims success",
	    OK SET("<D:a/>", STATUS("HTTP/1.1 403 Forbidden")),
	    "403 {403 {DAV:}a}" },
};

/* Reads a body in every way that must not make a difference. */
static void
assert_reads(const char *what, struct str body, struct str said)
{
	static const size_t steps[] = { 0, 1, 2, 3, 7, 64 };
	struct read_run run = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(steps); i++) {
		read_207(&run, body,
		    (struct read_how){
			.type = i % 2 ? "" : "application/xml",
			.step = steps[i],
		    });
		assert_int_equal(run.rc, ERR_OK);
		if (run.reading.end || !str_eq(buf_str(&run.said), said))
			print_error("%s: %s\n", what, run.reading.err.tell);
		assert_int_equal(run.reading.end, ERR_OK);
		assert_str_equal(buf_str(&run.said), said);
		assert_true(run.ended);
		assert_int_equal(run.reading.shape, SHAPE_XML);
		assert_int_equal(run.reading.bytes, body.len);
	}
	read_run_done(&run);
}

static void
each_response_is_an_outcome(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(whole); i++)
		assert_reads(whole[i].what, str_from_c(whole[i].body),
		    str_from_c(whole[i].said));
}

static void
each_propstat_is_told_and_decides_for_the_whole(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(propstats); i++) {
		struct buf body = { 0 };
		struct buf said = { 0 };

		buf_printf(&body,
		    HEAD "<D:response>" HREF "%s</D:response>" TAIL,
		    propstats[i].body);
		buf_printf(&said, "/a %s\n", propstats[i].said);
		assert_reads(propstats[i].what, buf_str(&body), buf_str(&said));
		buf_done(&body);
		buf_done(&said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_response_is_an_outcome),
		cmocka_unit_test(
		    each_propstat_is_told_and_decides_for_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
