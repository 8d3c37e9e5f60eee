/* SPDX-License-Identifier: MIT */
/* Answers that are cut, malformed or too large, and what is told of the whole.
 */
#include "lib/alloc_fail.h"
#include "lib/fault_sink.h"
#include "lib/read_run.h"
#include "lib/test.h"

#include "reader_xml_docs.h"

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
				.type = types[i], .step = i, .places = true });
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
