/* SPDX-License-Identifier: MIT */
/* How 207s in JSON end: whole, cut, malformed, in contradiction. */
#include <stdlib.h>

#include "lib/alloc_fail.h"
#include "lib/fault_sink.h"
#include "reader_run.h"

#include <jansson.h>

static const char json[] = "application/json";
static const char lines[] = "application/x-ndjson";
static const char seq[] = "application/json-seq";

static void
lines_of_json_are_read(void **state)
{
	static const struct {
		const char *text, *want;
		enum err_code end;
		const char *tell;
	} cases[] = {
		{ "{\"type\":\"start\"}\n{\"type\":\"result\",\"href\":\"/a\","
		  "\"status\":200}\r\n\n{\"type\":\"progress\",\"done\":1}\n"
		  "{\"type\":\"summary\",\"total\":1}\n",
		    "200 href=/a\n", ERR_OK, "" },
		{ "{\"type\":\"start\"}\n{\"type\":\"result\",\"href\":\"/a\","
		  "\"status\":200}\n",
		    "200 href=/a\n", ERR_CUT_SHORT,
		    "line 3, column 1: it ends without its summary" },
		{ "{\"type\":\"result\",\"href\":\"/a\",\"status\":200}",
		    "200 href=/a\n", ERR_CUT_SHORT, "without its summary" },
		{ "{\"type\":\"start\"}\n{\"type\":\"summary\"}", "", ERR_OK,
		    "" },
		{ "{\"id\":1,\"status\":200}\n{\"id\":2,\"status\":404}",
		    "200 id=1\n404 id=2\n", ERR_OK, "" },
		{ "{\"id\":1,\"status\":200}\n{\"id\":2,\"sta", "200 id=1\n",
		    ERR_CUT_SHORT, "line 2, column 13: it ends inside" },
		{ "{\"id\":1,\"status\":200}\n{\"id\":2\n{\"id\":3}\n",
		    "200 id=1\n", ERR_BAD_ANSWER,
		    "line 2, column 8: the line ends inside" },
		{ "{\"id\":1,\"status\":200} x\n", "200 id=1\n", ERR_BAD_ANSWER,
		    "line 1, column 23: something follows" },
		{ "{\"type\":\"summary\",\"total\":0}\n{\"id\":1}\n",
		    "0 id=1\n", ERR_BAD_ANSWER, "an item behind the summary" },
		{ "[{\"id\":1,\"status\":200},201]\n202\n",
		    "200 id=1\n201 id=1\n202 id=1\n", ERR_OK, "" },
		{ "{\"status\":200}\n{\"a\":1,\"a\":2}\n{\"status\":201}\n",
		    "200 id=0\n0 id=1 tell=a name stands twice in an object\n"
		    "201 id=2\n",
		    ERR_BAD_ANSWER, "line 2, column 1: a name stands twice" },
		{ "{\"status\":200}\n{\"summary\":{\"total\":1}}\n",
		    "200 id=0\n", ERR_OK, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_read(lines, cases[i].text, cases[i].want, cases[i].end,
		    cases[i].tell);
}

static void
sequences_of_json_are_read_and_bad_texts_dropped(void **state)
{
	static const struct {
		const char *text, *want;
		enum err_code end;
		const char *tell;
	} cases[] = {
		{ "\x1e{\"id\":1,\"status\":200}\n\x1e{\"id\":2,"
		  "\"status\":404}\n",
		    "200 id=1\n404 id=2\n", ERR_OK, "" },
		{ "\x1e\x1e{\n \"status\":200}\n\x1e\n", "200 id=0\n", ERR_OK,
		    "" },
		{ "\x1e{\"id\":1,\"sta\x1e{\"id\":2,\"status\":404}\n",
		    "404 id=2\n", ERR_BAD_ANSWER,
		    "line 1, column 14: it ends inside" },
		{ "\x1e{\"id\":1,}]\n\x1e{\"id\":2,\"status\":404}\n",
		    "404 id=2\n", ERR_BAD_ANSWER,
		    "line 1, column 10: '}' where" },
		{ "\x1e{\"id\":1,\"status\":200}\n\x1e{\"id\":2,\"st",
		    "200 id=1\n", ERR_CUT_SHORT, "line 2, column 13: it ends" },
		{ "\x1e{\"type\":\"start\"}\n\x1e{\"id\":2,\"status\":200}\n",
		    "200 id=2\n", ERR_CUT_SHORT, "without its summary" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_read(seq, cases[i].text, cases[i].want, cases[i].end,
		    cases[i].tell);
}

static void
what_is_wrong_is_told_and_nothing_read_is_lost(void **state)
{
	static const struct {
		const char *text, *want;
		enum err_code end;
		const char *tell;
	} cases[] = {
		{ "{\"results\":[{\"id\":1,\"status\":200},{\"id\":2,\"stat",
		    "200 id=1\n", ERR_CUT_SHORT,
		    "line 1, column 48: it ends inside" },
		{ "{\"results\":[{\"id\":1,\"status\":200},\n{\"id\":2}}",
		    "200 id=1\n0 id=2\n", ERR_BAD_ANSWER,
		    "line 2, column 9: '}' where" },
		{ "{\"a\":{\"status\":200},\"b\":{\"status\":404},\"c",
		    "200 id=a\n404 id=b\n", ERR_CUT_SHORT, "it ends inside" },
		{ "{\"a\":{\"status\":200},!", "200 id=a\n", ERR_BAD_ANSWER,
		    "'!' where a name" },
		{ "{\"a\":1}", "", ERR_BAD_ANSWER, "no list of items" },
		{ "{\"error\":{\"code\":500}}", "", ERR_BAD_ANSWER,
		    "no list of items" },
		{ "17", "", ERR_BAD_ANSWER, "neither an object nor" },
		{ "{\"results\":[{\"id\":1,\"id\":2,\"status\":200},"
		  "{\"id\":3,\"status\":200}]}",
		    "0 id=0 tell=a name stands twice in an object\n"
		    "200 id=3\n",
		    ERR_BAD_ANSWER, "line 1, column 13: a name" },
		{ "{\"results\":[{\"id\":\"a\\u0000b\",\"status\":200},200]}",
		    "0 id=0 tell=a NUL in a string\n200 id=1\n", ERR_BAD_ANSWER,
		    "a NUL in a string" },
		{ "[{\"status\":1e999},200]",
		    "0 id=0 tell=a number that is too large\n200 id=1\n",
		    ERR_BAD_ANSWER, "a number that is too large" },
		{ "[{\"status\":200,\"x\":99999999999999999999},200]",
		    "0 id=0 tell=a number that is too large\n200 id=1\n",
		    ERR_BAD_ANSWER, "a number that is too large" },
		{ "{\"results\":{\"a\":{\"status\":200},"
		  "\"a\":{\"status\":423}}}",
		    "200 id=a\n423 id=a\n", ERR_BAD_ANSWER,
		    "a name stands twice" },
		{ "[\"\\ud800\"]", "", ERR_BAD_ANSWER, "half of a surrogate" },
		{ "[200,\"\xc3\x28\"]", "200 id=0\n", ERR_BAD_ANSWER,
		    "not UTF-8" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "",
		    ERR_TOO_LARGE, "nested over 16 deep" },
		{ "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
		  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		    "", ERR_TOO_LARGE, "nested over 64 deep" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_read(json, cases[i].text, cases[i].want, cases[i].end,
		    cases[i].tell);
}

static void
what_it_says_of_itself_is_compared_with_its_items(void **state)
{
#define ITEMS \
	"\"results\":[{\"id\":1,\"status\":200},{\"id\":2,\"status\":423}]"
	static const struct {
		const char *text;
		bool claims, contradicts;
	} cases[] = {
		{ "{" ITEMS "}", false, false },
		{ "{" ITEMS ",\"summary\":{\"total\":2,\"success\":1,"
		  "\"failed\":1,\"retryable\":0}}",
		    true, false },
		{ "{\"summary\":{\"total\":2}," ITEMS "}", true, false },
		{ "{" ITEMS ",\"summary\":{\"total\":3}}", true, true },
		{ "{" ITEMS ",\"summary\":{\"failed\":0}}", true, true },
		{ "{" ITEMS ",\"summary\":{\"succeeded\":2}}", true, true },
		{ "{" ITEMS ",\"summary\":{\"total\":4,\"success\":1,"
		  "\"failed\":1}}",
		    true, true },
		{ "{" ITEMS ",\"errors\":true}", false, false },
		{ "{" ITEMS ",\"errors\":false}", false, true },
		{ "{\"results\":[200],\"errors\":true}", false, true },
		{ "{\"results\":[200],\"hasErrors\":false}", false, false },
		/* Prefer: return=minimal */
		{ "{\"results\":[423],\"summary\":{\"total\":9,\"success\":8,"
		  "\"failed\":1}}",
		    true, false },
		{ "{\"results\":[],\"summary\":{\"total\":9,\"success\":9,"
		  "\"failed\":0}}",
		    true, false },
		{ "{\"results\":[423],\"summary\":{\"total\":9,\"success\":7,"
		  "\"failed\":1}}",
		    true, true },
		/* members are no items */
		{ "{\"results\":[{\"id\":1,\"status\":423,\"partial\":true,"
		  "\"members\":[{\"href\":\"/m\",\"status\":423}]}],"
		  "\"summary\":{\"total\":1,\"success\":0,\"failed\":1}}",
		    true, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct reading r = { 0 };
		struct scribe w;

		assert_int_equal(
		    run(scribe_init(&w), json, str_from_c(cases[i].text),
			SIZE_MAX, &r, NULL),
		    ERR_OK);
		assert_int_equal(r.end, ERR_OK);
		if (r.claims != cases[i].claims ||
		    r.contradicts != cases[i].contradicts)
			fail_msg("%s: claims %d, contradicts %d", cases[i].text,
			    r.claims, r.contradicts);
		buf_done(&w.text);
	}
}

static void
what_is_said_of_the_whole_is_kept(void **state)
{
	struct reading r = { 0 };
	struct scribe w;

	(void)state;
	assert_int_equal(
	    run(scribe_init(&w), json,
		STR("{\"message\":\"two of three\",\"syncToken\":\"u:1\","
		    "\"results\":[200,423,503],\"summary\":{\"total\":3,"
		    "\"ok\":1,\"failures\":2,\"retryable\":1}}\n"),
		3, &r, NULL),
	    ERR_OK);
	assert_string_equal(r.description, "two of three");
	assert_string_equal(r.sync_token, "u:1");
	assert_int_equal(r.read.total, 3);
	assert_int_equal(r.claimed.total, 3);
	assert_int_equal(r.claimed.success, 1);
	assert_int_equal(r.claimed.failed, 2);
	assert_int_equal(r.claimed.retryable, 1);
	assert_false(r.contradicts);
	assert_int_equal(r.line, 2);
	assert_int_equal(r.column, 1);
	buf_done(&w.text);
}

/* All forms at once, and nothing in them that is malformed. */
static const char whole[] =
    "{\"summary\":{\"total\":3},\"results\":[{\"href\":\"/a\",\"status\":200,"
    "\"props\":{\"{u}a\":\"<a xmlns='u'><b/></a>\",\"{u}b\":[\"{u}c\"],"
    "\"{u}c\":{\"x\":1}},\"propErrors\":{\"{u}d\":404},\"propstats\":["
    "{\"status\":403,\"names\":[\"{u}e\"],\"message\":\"m\"}]},"
    "{\"id\":7,\"status\":\"success\",\"retryAfter\":2},"
    "{\"index\":{\"_id\":\"x\",\"status\":409,\"error\":{\"reason\":\"r\"}}}]}";

static const char whole_map[] =
    "{\"a\":{\"status\":200},\"bcd\":{\"status\":423,\"error\":\"x\"}}";

static const char whole_lines[] =
    "{\"type\":\"start\"}\n{\"type\":\"result\",\"id\":\"a\",\"status\":200}\n"
    "{\"type\":\"summary\",\"total\":1}";

static void
an_answer_cut_anywhere_is_never_whole(void **state)
{
	static const struct {
		const char *type, *text;
	} cases[] = { { json, whole }, { json, whole_map },
		{ lines, whole_lines } };
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (n = 1; n < strlen(cases[i].text); n++) {
			struct reading r = { 0 };
			struct scribe w;

			assert_int_equal(
			    run(scribe_init(&w), cases[i].type,
				str_of(cases[i].text, n), 7, &r, NULL),
			    ERR_OK);
			assert_int_equal(r.end, ERR_CUT_SHORT);
			buf_done(&w.text);
		}
}

static void
no_allocation_may_fail_unseen(void **state)
{
	static const struct {
		const char *type, *text;
	} cases[] = { { json, whole }, { json, whole_map },
		{ lines, whole_lines } };
	unsigned long n;
	bool fired;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (n = 1, fired = true; fired; n++) {
			struct reading r = { 0 };
			struct fault_sink f;
			enum err_code rc;

			alloc_fail_at(n);
			rc = run(fault_sink_init(&f, 0, false, ERR_OK),
			    cases[i].type, str_from_c(cases[i].text), SIZE_MAX,
			    &r, NULL);
			fired = alloc_fail_stop();
			if (rc != (fired ? ERR_NOMEM : ERR_OK))
				fail_msg("allocation %lu of %zu: %s", n, i,
				    err_name(rc));
			assert_true(fired || r.end == ERR_OK);
		}
}

static void
a_sink_that_fails_ends_it(void **state)
{
	static const char *const types[] = { json, lines, seq };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(types); i++) {
		struct reading r = { 0 };
		struct fault_sink f;

		assert_int_equal(
		    run(fault_sink_init(&f, 1, false, ERR_NO_SPACE), types[i],
			STR("\n[200,201]\n"), 1, &r, NULL),
		    ERR_NO_SPACE);
		assert_int_equal(f.puts, 1);
	}
}

static void
a_long_map_is_put_while_it_comes(void **state)
{
	static const struct reader_limits small = { .item = 200, .depth = 8 };
	const struct reader_spec spec = { STR("application/json"), &small };
	struct scribe w;
	struct reader *r;
	struct reading out;
	int i;

	(void)state;
	assert_int_equal(reader_new(&spec, scribe_init(&w), &r, NULL), ERR_OK);
	(void)ostream_write(reader_stream(r), STR("{\"a\":{\"status\":200}"));
	for (i = 0; i < 10; i++)
		(void)ostream_write(reader_stream(r),
		    STR(",\"b\":{\"status\":200,\"x\":\"1234567890\"}"));
	assert_true(w.text.len > 80);
	(void)ostream_write(reader_stream(r), STR(",\"c\":{\"status\":1}}"));
	assert_int_equal(reader_end(r, false, &out, NULL), ERR_OK);
	assert_int_equal(out.read.total, 12);
	assert_true(str_ends(buf_str(&w.text), STR("0 id=c\n")));
	reader_free(r);
	buf_done(&w.text);
}

static void
an_item_over_the_limit_is_too_large_and_what_was_before_is_read(void **state)
{
	static const struct reader_limits small = { .item = 20, .depth = 8 };
	const struct reader_spec spec = { STR("application/json"), &small };
	struct scribe w;
	struct reader *r;
	struct reading out;

	(void)state;
	assert_int_equal(reader_new(&spec, scribe_init(&w), &r, NULL), ERR_OK);
	(void)ostream_write(reader_stream(r),
	    STR("{\"unknown\":{\"much\":\"too long to be kept, but no item\"},"
		"\"items\":[{\"status\":200},{\"status\":200,\"x\":\"12345\"}]"
		"}"));
	assert_int_equal(reader_end(r, false, &out, NULL), ERR_OK);
	assert_int_equal(out.end, ERR_TOO_LARGE);
	assert_str_equal(buf_str(&w.text), STR("200 id=0\n"));
	reader_free(r);
	buf_done(&w.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_json_are_read),
		cmocka_unit_test(
		    sequences_of_json_are_read_and_bad_texts_dropped),
		cmocka_unit_test(
		    what_is_wrong_is_told_and_nothing_read_is_lost),
		cmocka_unit_test(
		    what_it_says_of_itself_is_compared_with_its_items),
		cmocka_unit_test(what_is_said_of_the_whole_is_kept),
		cmocka_unit_test(an_answer_cut_anywhere_is_never_whole),
		cmocka_unit_test(no_allocation_may_fail_unseen),
		cmocka_unit_test(a_sink_that_fails_ends_it),
		cmocka_unit_test(a_long_map_is_put_while_it_comes),
		cmocka_unit_test(
		    an_item_over_the_limit_is_too_large_and_what_was_before_is_read),
	};

	/* So that its allocations can fail, too. */
	json_set_alloc_funcs(malloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
