/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/fault_sink.h"
#include "lib/read_run.h"
#include "lib/test.h"

#define HEAD "<D:multistatus xmlns:D=\"DAV:\">"
#define TAIL "</D:multistatus>"
#define ALL(inside) HEAD inside TAIL
#define RESPONSE(inside) ALL("<D:response>" inside "</D:response>")
#define HREF "<D:href>/a</D:href>"
#define STATUS(line) "<D:status>" line "</D:status>"
#define OK STATUS("HTTP/1.1 200 OK")
#define SET(props, rest) \
	"<D:propstat><D:prop>" props "</D:prop>" rest "</D:propstat>"
#define SAID(text) "<D:responsedescription>" text "</D:responsedescription>"

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

static const char sample[] =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" HEAD "\n"
    "<D:response>" HREF SET("<D:a>\xc3\xa9</D:a>",
	OK) "</D:response>\n"
	    "  <D:response>" HREF STATUS(
		"HTTP/1.1 423 Locked") "<D:error><D:x/></D:error></D:response>"
				       "<!-- c --><D:response>" HREF OK
				       "</D:response>\n" SAID(
					   "in part") "<D:sync-token> urn:t "
						      "</D:sync-token>" TAIL
						      "\n";

#define SAMPLE_SAID                                                      \
	"@3:1 /a 200 {200 {DAV:}a=\"\xc3\xa9\"}\n"                       \
	"@4:3 /a 423 error=<D:error xmlns:D=\"DAV:\"><D:x/></D:error>\n" \
	"@4:122 /a 200\n"

static void
an_answer_says_what_there_is_to_say_of_the_whole(void **state)
{
	struct read_run run = { 0 };

	(void)state;
	read_207(&run, str_from_c(sample),
	    (struct read_how){ .type = "text/xml", .places = true });
	assert_str_equal(buf_str(&run.said), STR(SAMPLE_SAID));
	assert_string_equal(run.reading.description, "in part");
	assert_string_equal(run.reading.sync_token, "urn:t");
	assert_int_equal(run.reading.end, ERR_OK);
	assert_int_equal(run.reading.read.total, 3);
	assert_int_equal(run.reading.read.failed, 1);
	assert_int_equal(run.reading.read.retryable, 1);
	assert_false(run.reading.claims);
	assert_int_equal(run.reading.line, 6);
	assert_int_equal(run.reading.column, 1);
	read_run_done(&run);
}

/* How many ends of a response stand in the first n bytes. */
static size_t
whole_responses(size_t n)
{
	static const char end[] = "</D:response>";
	struct str rest = str_head(str_from_c(sample), n);
	size_t found = 0;

	for (; rest.len >= sizeof(end) - 1; rest = str_skip(rest, 1))
		found += str_starts(rest, STR("</D:response>"));
	return found;
}

static void
an_answer_cut_at_any_byte_is_not_whole_and_loses_no_item(void **state)
{
	const size_t root_end = sizeof(sample) - 2;
	struct read_run run = { 0 };
	size_t n;

	(void)state;
	for (n = 0; n < root_end; n++) {
		struct str part = str_head(str_from_c(sample), n);

		read_207(&run, part, (struct read_how){ .places = true });
		assert_int_equal(run.rc, ERR_OK);
		assert_int_equal(
		    run.reading.end, n ? ERR_CUT_SHORT : ERR_BAD_ANSWER);
		assert_int_equal(run.reading.read.total, whole_responses(n));
		assert_true(str_starts(STR(SAMPLE_SAID), buf_str(&run.said)));
		assert_true(run.ended);
		assert_non_null(strstr(run.reading.err.tell, "line "));
		read_207(&run, part,
		    (struct read_how){
			.type = "application/xml", .step = 5, .cut = true });
		assert_int_equal(run.reading.end, ERR_CUT_SHORT);
		assert_int_equal(run.reading.read.total, whole_responses(n));
	}
	read_run_done(&run);
}

static void
an_answer_that_broke_behind_its_end_is_cut_as_well(void **state)
{
	struct read_run run = { 0 };

	(void)state;
	read_207(&run, str_from_c(sample), (struct read_how){ .cut = true });
	assert_int_equal(run.reading.end, ERR_CUT_SHORT);
	assert_int_equal(run.reading.read.total, 3);
	read_run_done(&run);
}

#define TWO_WHOLE "<D:response>" HREF OK "</D:response>\n"
#define DEEP8 "<a><a><a><a><a><a><a><a>"

static const struct {
	const char *what;
	const char *body;
	enum err_code end;
	const char *tell; /* that it begins with */
	size_t items;
} bad[] = {
	{ "another root", "<html><body/></html>", ERR_BAD_ANSWER,
	    "line 1, column 1: the root is {}html, not {DAV:}multistatus", 0 },
	{ "a root of another namespace", "<multistatus xmlns='urn:x'/>",
	    ERR_BAD_ANSWER,
	    "line 1, column 1: the root is {urn:x}multistatus, not", 0 },
	{ "a root that is not for eyes", "<\xc3\xa9/>", ERR_BAD_ANSWER,
	    "line 1, column 1: the root is {}..., not", 0 },
	{ "an error",
	    "<D:error xmlns:D='DAV:'>\n<D:propfind-finite-depth/>"
	    "</D:error>",
	    ERR_BAD_ANSWER,
	    "line 2, column 1: an error, not a multistatus: "
	    "propfind-finite-depth",
	    0 },
	{ "an error that does not say which", "<error xmlns='DAV:'/>",
	    ERR_BAD_ANSWER, "line 1, column 22: an error, not a", 0 },
	{ "the answer to LOCK", "<prop xmlns='DAV:'><lockdiscovery/></prop>",
	    ERR_BAD_ANSWER, "line 1, column 1: the root is {DAV:}prop", 0 },
	{ "text", "200 OK", ERR_BAD_ANSWER,
	    "line 1, column 1: this is neither XML nor JSON", 0 },
	{ "a wrong end tag", HEAD "\n" TWO_WHOLE "<D:response>\n</D:x>" TAIL,
	    ERR_BAD_ANSWER, "line 4, column 3: mismatched tag", 1 },
	{ "a prefix nobody declared", HEAD TWO_WHOLE "<E:response/>" TAIL,
	    ERR_BAD_ANSWER, "line 2, column 1: unbound prefix", 1 },
	{ "two prefixes for one namespace's attribute",
	    "<a xmlns:x='u' xmlns:y='u' x:a='' y:a=''/>", ERR_BAD_ANSWER,
	    "line 1, column 1: duplicate attribute", 0 },
	{ "an attribute twice", HEAD "<a b='' b=''/>" TAIL, ERR_BAD_ANSWER,
	    "line 1, column 39: duplicate attribute", 0 },
	{ "a namespace twice", HEAD "<a xmlns='u' xmlns='v'/>" TAIL,
	    ERR_BAD_ANSWER, "line 1, column 44: duplicate attribute", 0 },
	{ "another document behind it", ALL("") ALL(""), ERR_BAD_ANSWER,
	    "line 1, column 47: junk after document element", 0 },
	{ "a document type", "<!DOCTYPE a [<!ENTITY b 'c'>]>" HEAD TAIL,
	    ERR_BAD_ANSWER,
	    "line 1, column 13: a document type declaration is not", 0 },
	{ "a billion laughs",
	    "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'ha'>"
	    "<!ENTITY b '&a;&a;&a;'>]>" HEAD "&b;" TAIL,
	    ERR_BAD_ANSWER,
	    "line 1, column 34: a document type declaration is not", 0 },
	{ "an entity that is none of the five", HEAD TWO_WHOLE "&nbsp;" TAIL,
	    ERR_BAD_ANSWER, "line 2, column 1: undefined entity", 1 },
	{ "a byte that is no UTF-8", HEAD TWO_WHOLE "\xff" TAIL, ERR_BAD_ANSWER,
	    "line 2, column 1: not well-formed", 1 },
	{ "a control character", HEAD TWO_WHOLE "&#1;" TAIL, ERR_BAD_ANSWER,
	    "line 2, column 1: reference to invalid character", 1 },
	{ "an encoding nobody knows",
	    "<?xml version='1.0' encoding='ebcdic-xx'?>" ALL(""),
	    ERR_BAD_ANSWER, "line 1, column 31: unknown encoding", 0 },
	{ "elements too deep",
	    HEAD TWO_WHOLE DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8,
	    ERR_TOO_LARGE, "line 2, column 190: elements nested over 64 deep",
	    1 },
};

static void
what_is_no_multistatus_is_refused_with_the_place(void **state)
{
	static const size_t steps[] = { 0, 1 };
	struct read_run run = { 0 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		for (k = 0; k < ARRAY_LEN(steps); k++) {
			read_207(&run, str_from_c(bad[i].body),
			    (struct read_how){ .step = steps[k] });
			assert_int_equal(run.rc, ERR_OK);
			if (strncmp(run.reading.err.tell, bad[i].tell,
				strlen(bad[i].tell)))
				print_error("%s: %s\n", bad[i].what,
				    run.reading.err.tell);
			assert_int_equal(run.reading.end, bad[i].end);
			assert_int_equal(run.reading.err.code, bad[i].end);
			assert_memory_equal(run.reading.err.tell, bad[i].tell,
			    strlen(bad[i].tell));
			assert_int_equal(run.reading.read.total, bad[i].items);
			assert_true(run.ended);
		}
	}
	read_run_done(&run);
}

/* A document with one response, and one with n times what, s, in it. */
static void
put_large(struct buf *b, const char *before, const char *s, size_t n,
    const char *after)
{
	BUF_LIT(b, HEAD TWO_WHOLE "<D:response>");
	buf_put(b, str_from_c(before));
	while (n--)
		buf_put(b, str_from_c(s));
	buf_put(b, str_from_c(after));
	BUF_LIT(b, "</D:response>" TAIL);
}

static void
an_item_over_the_limit_ends_the_reading_and_those_before_it_count(void **state)
{
	static const struct {
		const char *what;
		const char *before, *repeated, *after;
		const char *tell;
	} cases[] = {
		{ "text", "<D:href>", "12345678", "</D:href>",
		    "a response over 10000 bytes" },
		{ "elements", "", "<D:href>/</D:href>", "",
		    "a response over 10000 bytes" },
		{ "unknown elements", "", "<x><y/></x>", "",
		    "a response over 10000 bytes" },
		{ "a property", "<D:propstat><D:prop><a>", "<b>c</b>",
		    "</a></D:prop></D:propstat>",
		    "a response over 10000 bytes" },
		{ "a comment", "<!--", "12345678", "-->",
		    "one tag or comment over 10000 bytes" },
		{ "an attribute", "<a b='", "12345678", "'/>",
		    "one tag or comment over 10000 bytes" },
		{ "a name", "<", "12345678", "/>", "not well-formed" },
		{ "a long name", "<a", "12345678", "/>",
		    "one tag or comment over 10000 bytes" },
	};
	const struct reader_limits limits = { .item = 10000, .depth = 64 };
	struct read_run run = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = { 0 };

		put_large(&b, cases[i].before, cases[i].repeated, 20000,
		    cases[i].after);
		read_207(&run, buf_str(&b),
		    (struct read_how){ .step = 4096, .limits = &limits });
		assert_int_equal(run.reading.read.total, 1);
		if (!strstr(run.reading.err.tell, cases[i].tell))
			print_error(
			    "%s: %s\n", cases[i].what, run.reading.err.tell);
		assert_non_null(strstr(run.reading.err.tell, cases[i].tell));
		assert_non_null(strstr(run.reading.err.tell, "line 2, column"));
		buf_done(&b);
	}
	read_run_done(&run);
}

/* What stands outside of responses may be as long as it likes. */
static void
only_items_have_a_limit(void **state)
{
	const struct reader_limits limits = { .item = 1000, .depth = 64 };
	struct read_run run = { 0 };
	struct buf b = { 0 };
	int i;

	(void)state;
	BUF_LIT(&b, HEAD SAID(""));
	for (i = 0; i < 10000; i++)
		BUF_LIT(&b, TWO_WHOLE "text <x>y</x> <!-- c -->");
	BUF_LIT(&b, "<D:responsedescription>");
	for (i = 0; i < 1000; i++)
		BUF_LIT(&b, "\xc3\xa9");
	BUF_LIT(&b, "</D:responsedescription><D:sync-token>");
	for (i = 0; i < 1000; i++)
		BUF_LIT(&b, "t");
	BUF_LIT(&b, "</D:sync-token>" TAIL);
	read_207(&run, buf_str(&b), (struct read_how){ .limits = &limits });
	assert_int_equal(run.reading.end, ERR_OK);
	assert_int_equal(run.reading.read.total, 10000);
	/* Cut where a character begins. */
	assert_int_equal(strlen(run.reading.description), 510);
	assert_string_equal(run.reading.sync_token, "");
	buf_done(&b);
	read_run_done(&run);
}

/* A long namespace around many properties must not multiply. */
static void
what_is_kept_of_an_item_is_bounded_as_well(void **state)
{
	const struct reader_limits limits = { .item = 10000, .depth = 64 };
	struct read_run run = { 0 };
	struct buf b = { 0 };
	int i;

	(void)state;
	BUF_LIT(&b, "<D:multistatus xmlns:D=\"DAV:\" xmlns:x=\"urn:");
	for (i = 0; i < 1000; i++)
		buf_putc(&b, 'x');
	BUF_LIT(&b, "\">" TWO_WHOLE "<D:response><D:propstat><D:prop>");
	for (i = 0; i < 500; i++)
		BUF_LIT(&b, "<x:a><b>1</b></x:a>");
	BUF_LIT(&b, "</D:prop></D:propstat></D:response>" TAIL);
	read_207(&run, buf_str(&b), (struct read_how){ .limits = &limits });
	assert_int_equal(run.reading.end, ERR_TOO_LARGE);
	assert_int_equal(run.reading.read.total, 1);
	buf_done(&b);
	read_run_done(&run);
}

static void
bytes_over_the_limit_are_not_read(void **state)
{
	const size_t n = sizeof(sample) - 1;
	struct reader_limits limits = reader_default_limits;
	struct read_run run = { 0 };
	size_t step;

	(void)state;
	for (step = 0; step < 100; step += 9) {
		limits.bytes = n - 30;
		read_207(&run, str_from_c(sample),
		    (struct read_how){ .step = step, .limits = &limits });
		assert_int_equal(run.reading.end, ERR_TOO_LARGE);
		assert_int_equal(run.reading.bytes, n - 30);
		assert_int_equal(run.reading.read.total, 3);
		assert_non_null(strstr(run.reading.err.tell, "line 5, "));
		assert_non_null(strstr(run.reading.err.tell, "the answer is"));
		limits.bytes = n;
		read_207(&run, str_from_c(sample),
		    (struct read_how){ .step = step, .limits = &limits });
		assert_int_equal(run.reading.end, ERR_OK);
	}
	read_run_done(&run);
}

static void
utf16_is_read_too(void **state)
{
	static const char text[] =
	    "<?xml version='1.0' encoding='UTF-16'?>" RESPONSE(HREF OK);
	struct read_run run = { 0 };
	struct buf b = { 0 };
	size_t i;

	(void)state;
	BUF_LIT(&b, "\xff\xfe");
	for (i = 0; i < sizeof(text) - 1; i++) {
		buf_putc(&b, text[i]);
		buf_putc(&b, '\0');
	}
	read_207(&run, buf_str(&b), (struct read_how){ .step = 1 });
	assert_int_equal(run.reading.end, ERR_OK);
	assert_str_equal(buf_str(&run.said), STR("/a 200\n"));
	read_207(&run, buf_str(&b), (struct read_how){ .type = "text/xml" });
	assert_int_equal(run.reading.end, ERR_OK);
	buf_done(&b);
	read_run_done(&run);
}

static void
a_problem_is_no_multistatus(void **state)
{
	struct read_run run = { 0 };

	(void)state;
	read_207(&run, STR("{\"title\": \"x\"}"),
	    (struct read_how){ .type = "application/problem+json" });
	assert_int_equal(run.rc, ERR_OK);
	assert_int_equal(run.reading.end, ERR_BAD_ANSWER);
	assert_true(run.ended);
	read_run_done(&run);
}

/* A sink that has enough is the end of it, and no fault of the answer. */
static void
a_sink_that_fails_is_told_apart(void **state)
{
	const struct reader_spec spec = { .content_type = STR("text/xml") };
	struct fault_sink to;
	struct reading reading;
	struct err err = { 0 };
	struct reader *r;
	unsigned nth;

	(void)state;
	for (nth = 1; nth <= 4; nth++) {
		assert_int_equal(
		    reader_new(&spec,
			fault_sink_init(&to, nth, nth == 4, ERR_TOO_LARGE), &r,
			&err),
		    ERR_OK);
		(void)ostream_write(reader_stream(r), str_from_c(sample));
		assert_int_equal(
		    reader_end(r, false, &reading, &err), ERR_TOO_LARGE);
		assert_int_equal(to.puts, nth < 4 ? nth : 3);
		assert_int_equal(err.code, ERR_TOO_LARGE);
		reader_free(r);
	}
}

static void
running_out_of_memory_is_survived(void **state)
{
	const char *const types[] = { "", "application/xml" };
	unsigned long n;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(types); i++) {
		bool fired = true;

		for (n = 1; fired; n++) {
			struct read_run run = { 0 };

			alloc_fail_at(n);
			read_207(&run, str_from_c(sample),
			    (struct read_how){
				.type = types[i], .places = true });
			fired = alloc_fail_stop();
			/* Expat 2.5: see tests/unit/body_run.h. */
			if (fired && !run.rc)
				assert_int_equal(
				    run.reading.end, ERR_BAD_ANSWER);
			else
				assert_int_equal(
				    run.rc, fired ? ERR_NOMEM : ERR_OK);
			assert_true(
			    str_starts(STR(SAMPLE_SAID), buf_str(&run.said)));
			read_run_done(&run);
		}
		assert_true(n > 10);
	}
}

/* Once it runs, an item costs no allocation. */
static void
a_million_items_need_no_memory(void **state)
{
	struct reader *r;
	struct fault_sink to;
	const struct reader_spec spec = { .content_type = STR("text/xml") };
	struct str item = STR("<D:response>" HREF SET(
	    "<D:getetag>\"1\"</D:getetag>"
	    "<D:resourcetype><D:collection/></D:resourcetype><x><y>z</y></x>",
	    OK) "</D:response>");
	int i;

	(void)state;
	assert_int_equal(
	    reader_new(&spec, fault_sink_init(&to, 0, false, ERR_OK), &r, NULL),
	    ERR_OK);
	(void)ostream_write(reader_stream(r), STR(HEAD));
	for (i = 0; i < 1000; i++)
		(void)ostream_write(reader_stream(r), item);
	alloc_fail_from(1);
	for (i = 0; i < 10000; i++)
		(void)ostream_write(reader_stream(r), item);
	assert_false(alloc_fail_stop());
	assert_int_equal(to.puts, 11000);
	reader_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_response_is_an_outcome),
		cmocka_unit_test(
		    each_propstat_is_told_and_decides_for_the_whole),
		cmocka_unit_test(
		    an_answer_says_what_there_is_to_say_of_the_whole),
		cmocka_unit_test(
		    an_answer_cut_at_any_byte_is_not_whole_and_loses_no_item),
		cmocka_unit_test(
		    an_answer_that_broke_behind_its_end_is_cut_as_well),
		cmocka_unit_test(
		    what_is_no_multistatus_is_refused_with_the_place),
		cmocka_unit_test(
		    an_item_over_the_limit_ends_the_reading_and_those_before_it_count),
		cmocka_unit_test(only_items_have_a_limit),
		cmocka_unit_test(what_is_kept_of_an_item_is_bounded_as_well),
		cmocka_unit_test(bytes_over_the_limit_are_not_read),
		cmocka_unit_test(utf16_is_read_too),
		cmocka_unit_test(a_problem_is_no_multistatus),
		cmocka_unit_test(a_sink_that_fails_is_told_apart),
		cmocka_unit_test(running_out_of_memory_is_survived),
		cmocka_unit_test(a_million_items_need_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
