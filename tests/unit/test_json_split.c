/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "wire/json_split.h"
#include "wire/json_text.h"

/*
 * Enters what is less than `enter` deep, takes the rest; under a name that
 * begins with "p" it passes, with "t" it asks for text.
 */
struct trial {
	struct json_split *split;
	struct buf log;
	unsigned enter;
	bool tell_twice;
};

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	const struct trial *t = arg;

	(void)err;
	if (str_starts(v->name, STR("p")))
		*way = SPLIT_PASS;
	else if (v->kind >= SPLIT_ARRAY && v->depth < t->enter)
		*way = SPLIT_ENTER;
	else
		*way = str_starts(v->name, STR("t")) ? SPLIT_TEXT : SPLIT_TAKE;
	return ERR_OK;
}

static void
note(struct trial *t, const struct split_value *v, const char *what)
{
	json_split_pointer(t->split, &t->log);
	buf_printf(&t->log, "%s@%llu:%llu", what, (unsigned long long)v->line,
	    (unsigned long long)v->column);
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct trial *t = arg;

	(void)err;
	note(t, v, "");
	buf_printf(&t->log, "=%.*s ", STR_ARG(bytes));
	return ERR_OK;
}

static enum err_code
on_text(
    void *arg, const struct split_value *v, struct str piece, struct err *err)
{
	struct trial *t = arg;

	(void)v;
	(void)err;
	buf_put(&t->log, piece);
	return ERR_OK;
}

static enum err_code
on_end(void *arg, const struct split_value *v, struct err *err)
{
	struct trial *t = arg;

	(void)err;
	note(t, v, " end");
	buf_putc(&t->log, ' ');
	return ERR_OK;
}

static enum err_code
on_twice(void *arg, const struct split_value *v, struct err *err)
{
	struct trial *t = arg;

	(void)err;
	note(t, v, " twice");
	buf_putc(&t->log, ' ');
	return ERR_OK;
}

static const struct split_events strict = { on_begin, on_take, on_text, on_end,
	NULL };
static const struct split_events lenient = { on_begin, on_take, on_text, on_end,
	on_twice };

static const struct split_limits limits = { .take = 1 << 20, .depth = 8 };

/* Feeds it in pieces of step bytes and ends it. */
static enum err_code
run(struct trial *t, const struct split_limits *l, struct str text, size_t step,
    struct err *err)
{
	enum err_code rc = json_split_new(
	    l, t->tell_twice ? &lenient : &strict, t, &t->split, err);

	while (!rc && text.len) {
		rc = json_split_feed(t->split, str_head(text, step), err);
		text = str_skip(text, step);
	}
	if (!rc)
		rc = json_split_end(t->split, err);
	json_split_free(t->split);
	return rc;
}

static const size_t step_sizes[] = { SIZE_MAX, 1, 2, 3, 7 };

static void
each_value_comes_with_its_pointer_and_place(void **state)
{
	static const struct {
		unsigned enter;
		const char *text, *log;
	} cases[] = {
		{ 0, "true", "@1:1=true " },
		{ 0, " \n -0.5e+3 ", "@2:2=-0.5e+3 " },
		{ 0, "12", "@1:1=12 " },
		{ 0, "\"a\\\"]\"", "@1:1=\"a\\\"]\" " },
		{ 0, "[1,{\"a\":[]}]", "@1:1=[1,{\"a\":[]}] " },
		{ 1, "[]", " end@1:1 " },
		{ 1, "{ }", " end@1:1 " },
		{ 1, "[1, 2 ,{\"a\" : 3}]",
		    "/0@1:2=1 /1@1:5=2 /2@1:8={\"a\" : 3}  end@1:1 " },
		{ 2, "{\"a\":[null,false],\n\"b\":{\"c\":\"d\"}}",
		    "/a/0@1:7=null /a/1@1:12=false /a end@1:6 "
		    "/b/c@2:10=\"d\" /b end@2:5  end@1:1 " },
		{ 1, "{\"\":1,\"a/b~c\":2,\"\\u00e9\\\"\":3}",
		    "/@1:5=1 /a~1b~0c@1:15=2 /\xc3\xa9\"@1:28=3  end@1:1 " },
		{ 1, "{\"\xc3\xa9\":\"\xe2\x82\xac\",\"z\":1}",
		    "/\xc3\xa9@1:6=\"\xe2\x82\xac\" /z@1:14=1  end@1:1 " },
		{ 1, "{\"p\":[1,\"x\",{}],\"q\":1}", "/q@1:21=1  end@1:1 " },
		{ 1, "{\"t\":\"a\\n\\u20ac\\ud83d\\ude00\",\"q\":1}",
		    "a\n\xe2\x82\xac\xf0\x9f\x98\x80/t end@1:6 "
		    "/q@1:34=1  end@1:1 " },
		{ 0, "\xef\xbb\xbf[1]", "@1:1=[1] " },
		{ 3, "[[[[1]]]]",
		    "/0/0/0@1:4=[1] /0/0 end@1:3 /0 end@1:2  end@1:1 " },
		{ 0, "\r\n\t 7\r\n", "@2:3=7 " },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (k = 0; k < ARRAY_LEN(step_sizes); k++) {
			struct trial t = { .enter = cases[i].enter };

			assert_int_equal(
			    run(&t, &limits, str_from_c(cases[i].text),
				step_sizes[k], NULL),
			    ERR_OK);
			assert_str_equal(
			    buf_str(&t.log), str_from_c(cases[i].log));
			buf_done(&t.log);
		}
}

static void
what_is_not_json_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text;
		enum err_code rc;
		const char *tell;
	} cases[] = {
		{ "", ERR_CUT_SHORT, "1, column 1: there is no JSON text" },
		{ " \n", ERR_CUT_SHORT, "2, column 1: there is no JSON text" },
		{ "[1,\n2", ERR_CUT_SHORT,
		    "2, column 2: it ends inside the JSON text" },
		{ "\"a", ERR_CUT_SHORT,
		    "1, column 3: it ends inside the JSON text" },
		{ "tru", ERR_CUT_SHORT,
		    "1, column 4: it ends inside the JSON text" },
		{ "-", ERR_CUT_SHORT,
		    "1, column 2: it ends inside the JSON text" },
		{ "{\"a\":1} x", ERR_BAD_ANSWER,
		    "1, column 9: something follows the end" },
		{ "[1] [2]", ERR_BAD_ANSWER,
		    "1, column 5: something follows the end" },
		{ "[1,]", ERR_BAD_ANSWER,
		    "1, column 4: ']' where a value should be" },
		{ "[1 2]", ERR_BAD_ANSWER, "1, column 4: '2' where ','" },
		{ "[1}", ERR_BAD_ANSWER, "1, column 3: '}' where ',' or ']'" },
		{ "{\"a\":1,}", ERR_BAD_ANSWER,
		    "1, column 8: '}' where a name" },
		{ "{\"a\" 1}", ERR_BAD_ANSWER, "1, column 6: '1' where ':'" },
		{ "{a:1}", ERR_BAD_ANSWER, "1, column 2: 'a' where a name" },
		{ "[01]", ERR_BAD_ANSWER, "1, column 3: '1' where ','" },
		{ "[1.]", ERR_BAD_ANSWER, "1, column 4: ']' where a digit" },
		{ "[+1]", ERR_BAD_ANSWER, "1, column 2: '+' where a value" },
		{ "[.5]", ERR_BAD_ANSWER, "1, column 2: '.' where a value" },
		{ "[1e]", ERR_BAD_ANSWER, "1, column 4: ']' where a digit" },
		{ "NaN", ERR_BAD_ANSWER, "1, column 1: 'N' where a value" },
		{ "nul!", ERR_BAD_ANSWER, "1, column 4: '!' where the rest" },
		{ "'a'", ERR_BAD_ANSWER, "1, column 1: ''' where a value" },
		{ "[\"\n\"]", ERR_BAD_ANSWER,
		    "1, column 3: a control character" },
		{ "[\"\xc3\xa9\x01\"]", ERR_BAD_ANSWER,
		    "1, column 4: a control character" },
		{ "\"\\x\"", ERR_BAD_ANSWER, "1, column 3: an escape that" },
		{ "\"\\u12g4\"", ERR_BAD_ANSWER,
		    "1, column 6: an escape with" },
		{ "\"\xff\"", ERR_BAD_ANSWER, "1, column 2: not UTF-8" },
		{ "\"\xc0\xaf\"", ERR_BAD_ANSWER, "1, column 2: not UTF-8" },
		{ "\"\xed\xa0\x80\"", ERR_BAD_ANSWER,
		    "1, column 3: not UTF-8" },
		{ "\"\xf4\x90\x80\x80\"", ERR_BAD_ANSWER,
		    "1, column 3: not UTF-8" },
		{ "\"\xe2\x82\"", ERR_BAD_ANSWER, "1, column 3: not UTF-8" },
		{ "\"\\ud83d\"", ERR_BAD_ANSWER, "1, column 8: half of a" },
		{ "\"\\ud83dx\"", ERR_BAD_ANSWER, "1, column 8: half of a" },
		{ "\"\\ud83d\\n\"", ERR_BAD_ANSWER, "1, column 9: half of a" },
		{ "\"\\ud83d\\u0041\"", ERR_BAD_ANSWER, ": half of a" },
		{ "\"\\ude00\"", ERR_BAD_ANSWER, "1, column 7: half of a" },
		{ "\xef\xbb[]", ERR_BAD_ANSWER,
		    "1, column 3: '[' where a byte" },
		{ "[\xef\xbb\xbf]", ERR_BAD_ANSWER, "byte 0xef where a value" },
		{ "{\"a\":1,\"\\u0061\":2}", ERR_BAD_ANSWER,
		    "1, column 17: a name stands twice" },
		{ "{\"a\\u0000\":1}", ERR_BAD_ANSWER, "a NUL in a name" },
		{ "[[[[[[[[[1]]]]]]]]]", ERR_TOO_LARGE,
		    "1, column 9: arrays and objects nested over 8 deep" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (k = 0; k < ARRAY_LEN(step_sizes); k++) {
			struct trial t = { .enter = 1 };
			struct err err = { 0 };

			assert_int_equal(
			    run(&t, &limits, str_from_c(cases[i].text),
				step_sizes[k], &err),
			    cases[i].rc);
			if (!strstr(err.tell, cases[i].tell))
				fail_msg("%s: %s", cases[i].text, err.tell);
			assert_true(
			    str_starts(str_from_c(err.tell), STR("line ")));
			buf_done(&t.log);
		}
}

static void
what_is_passed_over_is_checked_as_well(void **state)
{
	static const char *const texts[] = { "{\"p\":[1,]}", "{\"p\":\"\x01\"}",
		"{\"p\":{\"a\"}}", "{\"p\":tru}", "{\"p\":-}", "{\"p\":[}]}" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		struct trial t = { .enter = 1 };

		assert_int_equal(
		    run(&t, &limits, str_from_c(texts[i]), 1, NULL),
		    ERR_BAD_ANSWER);
		buf_done(&t.log);
	}
}

static void
a_name_that_stands_twice_can_be_told(void **state)
{
	struct trial t = { .enter = 2, .tell_twice = true };

	(void)state;
	assert_int_equal(
	    run(&t, &limits, STR("{\"a\":{\"a\":1},\"b\":2,\"\\u0061\":3}"), 1,
		NULL),
	    ERR_OK);
	assert_str_equal(buf_str(&t.log),
	    STR("/a/a@1:11=1 /a end@1:6 /b@1:18=2 "
		"/a twice@1:29 /a@1:29=3  end@1:1 "));
	buf_done(&t.log);
}

static void
a_value_that_is_taken_has_a_limit(void **state)
{
	static const struct split_limits small = { .take = 5, .depth = 8 };
	size_t k;

	(void)state;
	for (k = 0; k < ARRAY_LEN(step_sizes); k++) {
		struct trial t = { .enter = 1 };
		struct err err = { 0 };

		assert_int_equal(run(&t, &small, STR("[12345,\"123\"]"),
				     step_sizes[k], NULL),
		    ERR_OK);
		assert_int_equal(
		    run(&t, &small, STR("[1,123456]"), step_sizes[k], &err),
		    ERR_TOO_LARGE);
		assert_non_null(strstr(err.tell, "over 5 bytes"));
		buf_done(&t.log);
	}
}

static void
lines_follow_each_other_and_are_counted_on(void **state)
{
	struct trial t = { 0 };
	struct split_place place;

	(void)state;
	assert_int_equal(
	    json_split_new(&limits, &strict, &t, &t.split, NULL), ERR_OK);
	assert_int_equal(json_split_feed(t.split, STR("[1]\n"), NULL), ERR_OK);
	assert_true(json_split_has_input(t.split));
	assert_int_equal(json_split_end(t.split, NULL), ERR_OK);
	json_split_next(t.split);
	assert_int_equal(json_split_feed(t.split, STR(" \n"), NULL), ERR_OK);
	assert_false(json_split_has_input(t.split));
	json_split_next(t.split);
	assert_int_equal(json_split_feed(t.split, STR("[2\n"), NULL), ERR_OK);
	assert_int_equal(json_split_end(t.split, NULL), ERR_CUT_SHORT);
	json_split_next(t.split);
	assert_int_equal(json_split_feed(t.split, STR("3"), NULL), ERR_OK);
	assert_int_equal(json_split_end(t.split, NULL), ERR_OK);
	place = json_split_place(t.split);
	assert_int_equal(place.line, 4);
	assert_int_equal(place.column, 2);
	assert_int_equal(place.offset, 10);
	assert_str_equal(buf_str(&t.log), STR("@1:1=[1] @4:1=3 "));
	json_split_free(t.split);
	buf_done(&t.log);
}

static void
a_text_cut_anywhere_is_never_whole(void **state)
{
	static const char text[] = "{\"a\":[1,-2.5e3,\"\\u00e9\xc3\xa9\"],"
				   "\"t\":\"x\",\"p\":{\"n\":null}}";
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(text) - 1; n++) {
		struct trial t = { .enter = 2 };

		assert_int_equal(
		    run(&t, &limits, str_of(text, n), 1, NULL), ERR_CUT_SHORT);
		buf_done(&t.log);
	}
}

static enum err_code
refuse(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	(void)arg;
	(void)v;
	(void)bytes;
	return err_tell(err, ERR_QUOTA, "enough");
}

static void
what_an_event_says_ends_it_and_sticks(void **state)
{
	static const struct split_events events = { .begin = on_begin,
		.take = refuse };
	struct trial t = { .enter = 1 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
	    json_split_new(&limits, &events, &t, &t.split, NULL), ERR_OK);
	assert_int_equal(
	    json_split_feed(t.split, STR("[\n 1,2]"), &err), ERR_QUOTA);
	assert_string_equal(err.tell, "line 2, column 2: enough");
	assert_int_equal(json_split_feed(t.split, STR("]"), NULL), ERR_QUOTA);
	assert_int_equal(json_split_end(t.split, NULL), ERR_QUOTA);
	json_split_free(t.split);
	buf_done(&t.log);
}

static void
long_text_comes_in_pieces_and_long_names_are_refused(void **state)
{
	const size_t n = 3 * SPLIT_MAX_NAME;
	struct trial t = { .enter = 1 };
	struct buf text = { 0 };
	size_t i;

	(void)state;
	BUF_LIT(&text, "{\"t\":\"");
	for (i = 0; i < n; i++)
		buf_putc(&text, 'x');
	BUF_LIT(&text, "\"}");
	assert_int_equal(run(&t, &(const struct split_limits){ 8, 8 },
			     buf_str(&text), SIZE_MAX, NULL),
	    ERR_OK);
	assert_int_equal(t.log.len, n + strlen("/t end@1:6  end@1:1 "));
	text.len = 0;
	BUF_LIT(&text, "{\"");
	for (i = 0; i <= SPLIT_MAX_NAME; i++)
		buf_putc(&text, 'x');
	BUF_LIT(&text, "\":1}");
	assert_int_equal(
	    run(&t, &limits, buf_str(&text), 100, NULL), ERR_TOO_LARGE);
	buf_done(&text);
	buf_done(&t.log);
}

static void
many_names_are_remembered(void **state)
{
	struct trial t = { .enter = 1, .tell_twice = true };
	struct buf text = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 5000; i++)
		buf_printf(&text, "%c\"p%u\":%u", i ? ',' : '{', i, i);
	BUF_LIT(&text, ",\"p4321\":0}");
	assert_int_equal(run(&t, &limits, buf_str(&text), 4096, NULL), ERR_OK);
	assert_str_equal(
	    buf_str(&t.log), STR("/p4321 twice@1:62790  end@1:1 "));
	buf_done(&text);
	buf_done(&t.log);
}

static void
no_allocation_may_fail_unseen(void **state)
{
	static const char text[] = "{\"a\":[1,{\"b\":2}],\"t\":\"xx\",\"c\":3}";
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct trial t = { .enter = 3 };
		enum err_code rc;

		assert_non_null(buf_room(&t.log, 1024));
		alloc_fail_at(n);
		rc = run(&t, &limits, str_from_c(text), 1, NULL);
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		buf_done(&t.log);
	}
	assert_true(n > 8);
}

/* So long that blocks of all sizes are passed over, and some bytes are left. */
#define LONG ((size_t)120)

/* Of a text so long: where it stopped, and "ended", "wrong" or "on". */
static const char *
scan_outcome(const char *text, size_t step, size_t *at)
{
	struct json_chars c = { 0 };
	const char *wrong = NULL;
	size_t n = 0;

	while (n < LONG && !c.ended && !wrong) {
		struct str bytes =
		    str_of(text + n, step < LONG - n ? step : LONG - n);

		n = (size_t)(json_chars_scan(&c, bytes, NULL, &wrong) - text);
	}
	*at = n;
	return wrong ? "wrong" : c.ended ? "ended" : "on";
}

static void
a_byte_means_the_same_wherever_it_stands(void **state)
{
	char text[LONG];
	size_t whole, single;
	unsigned place, byte;

	(void)state;
	for (place = 0; place < sizeof(text); place++)
		for (byte = 0; byte < 256; byte++) {
			memset(text, 'a', sizeof(text));
			text[place] = (char)byte;
			assert_string_equal(scan_outcome(text, LONG, &whole),
			    scan_outcome(text, 1, &single));
			assert_int_equal(whole, single);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_comes_with_its_pointer_and_place),
		cmocka_unit_test(what_is_not_json_is_refused_with_its_place),
		cmocka_unit_test(what_is_passed_over_is_checked_as_well),
		cmocka_unit_test(a_name_that_stands_twice_can_be_told),
		cmocka_unit_test(a_value_that_is_taken_has_a_limit),
		cmocka_unit_test(lines_follow_each_other_and_are_counted_on),
		cmocka_unit_test(a_text_cut_anywhere_is_never_whole),
		cmocka_unit_test(what_an_event_says_ends_it_and_sticks),
		cmocka_unit_test(
		    long_text_comes_in_pieces_and_long_names_are_refused),
		cmocka_unit_test(many_names_are_remembered),
		cmocka_unit_test(no_allocation_may_fail_unseen),
		cmocka_unit_test(a_byte_means_the_same_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
