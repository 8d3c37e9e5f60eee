/* SPDX-License-Identifier: MIT */
/* A body like the last one, which is not parsed again; see struct body_memo. */
#include "proppatch_run.h"

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
	size_t i, at;
	unsigned k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(patches); i++) {
		const char *body = patches[i].body;
		const size_t len = strlen(body);

		for (at = 0; at <= len && len < 1000; at++)
			for (k = 0; k < 3; k++) {
				struct buf next = with_other_byte(body, at,
				    bytes[(at + i) % (sizeof(bytes) - 1)], k);

				assert_reads_after(
				    &memo, body, buf_str(&next), SIZE_MAX);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
