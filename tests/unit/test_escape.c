/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "wire/escape.h"

#define FFFD "\xef\xbf\xbd"

static const struct {
	struct str in;
	const char *text, *attr, *json;
} rows[] = {
	{ STR_INIT(""), "", "", "\"\"" },
	{ STR_INIT("plain"), "plain", "plain", "\"plain\"" },
	{ STR_INIT("<&>\"'"), "&lt;&amp;&gt;\"'", "&lt;&amp;&gt;&quot;&#39;",
	    "\"<&>\\\"'\"" },
	{ STR_INIT("\t\n\r"), "\t\n&#13;", "&#9;&#10;&#13;", "\"\\t\\n\\r\"" },
	{ STR_INIT("a\\b"), "a\\b", "a\\b", "\"a\\\\b\"" },
	{ STR_INIT("a\0b"), "a" FFFD "b", "a" FFFD "b", "\"a\\u0000b\"" },
	{ STR_INIT("\x1f\x7f"), FFFD "\x7f", FFFD "\x7f", "\"\\u001f\x7f\"" },
	/* whole sequences of UTF-8 */
	{ STR_INIT("\xc2\x80\xdf\xbf"), "\xc2\x80\xdf\xbf", "\xc2\x80\xdf\xbf",
	    "\"\xc2\x80\xdf\xbf\"" },
	{ STR_INIT("\xe0\xa0\x80\xef\xbf\xbd"), "\xe0\xa0\x80\xef\xbf\xbd",
	    "\xe0\xa0\x80\xef\xbf\xbd", "\"\xe0\xa0\x80\xef\xbf\xbd\"" },
	{ STR_INIT("\xed\x9f\xbf\xee\x80\x80"), "\xed\x9f\xbf\xee\x80\x80",
	    "\xed\x9f\xbf\xee\x80\x80", "\"\xed\x9f\xbf\xee\x80\x80\"" },
	{ STR_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
	    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	    "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
	/* what is none */
	{ STR_INIT("\x80"), FFFD, FFFD, "\"" FFFD "\"" },
	{ STR_INIT("\xc0\xaf"), FFFD FFFD, FFFD FFFD, "\"" FFFD FFFD "\"" },
	{ STR_INIT("\xc3"), FFFD, FFFD, "\"" FFFD "\"" },
	{ STR_INIT("\xc3<"), FFFD "&lt;", FFFD "&lt;", "\"" FFFD "<\"" },
	{ STR_INIT("\xe0\x9f\xbf"), FFFD FFFD FFFD, FFFD FFFD FFFD,
	    "\"" FFFD FFFD FFFD "\"" },
	{ STR_INIT("\xed\xa0\x80"), FFFD FFFD FFFD, FFFD FFFD FFFD,
	    "\"" FFFD FFFD FFFD "\"" },
	{ STR_INIT("\xef\xbf\xbe"), FFFD FFFD FFFD, FFFD FFFD FFFD,
	    "\"" FFFD FFFD FFFD "\"" },
	{ STR_INIT("\xef\xbf\xbf"), FFFD FFFD FFFD, FFFD FFFD FFFD,
	    "\"" FFFD FFFD FFFD "\"" },
	{ STR_INIT("\xe2\x82"), FFFD FFFD, FFFD FFFD, "\"" FFFD FFFD "\"" },
	{ STR_INIT("\xf0\x8f\xbf\xbf"), FFFD FFFD FFFD FFFD,
	    FFFD FFFD FFFD FFFD, "\"" FFFD FFFD FFFD FFFD "\"" },
	{ STR_INIT("\xf4\x90\x80\x80"), FFFD FFFD FFFD FFFD,
	    FFFD FFFD FFFD FFFD, "\"" FFFD FFFD FFFD FFFD "\"" },
	{ STR_INIT("\xf5\xff"), FFFD FFFD, FFFD FFFD, "\"" FFFD FFFD "\"" },
};

static void
text_is_escaped_for_where_it_stands(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = { 0 };

		xml_put_text(&b, rows[i].in);
		assert_str_equal(buf_str(&b), str_from_c(rows[i].text));
		buf_clear(&b);
		xml_put_attr(&b, rows[i].in);
		assert_str_equal(buf_str(&b), str_from_c(rows[i].attr));
		buf_clear(&b);
		json_put_string(&b, rows[i].in);
		assert_str_equal(buf_str(&b), str_from_c(rows[i].json));
		buf_done(&b);
	}
}

/* The tables are written by hand: every byte is asked for its class. */
static void
no_other_ascii_byte_is_touched(void **state)
{
	int c;

	(void)state;
	for (c = ' '; c < 0x80; c++) {
		char byte = (char)c;
		struct buf b = { 0 };

		if (!strchr("&<>", c)) {
			xml_put_text(&b, str_of(&byte, 1));
			assert_str_equal(buf_str(&b), str_of(&byte, 1));
			buf_clear(&b);
		}
		if (!strchr("&<>\"'", c)) {
			xml_put_attr(&b, str_of(&byte, 1));
			assert_str_equal(buf_str(&b), str_of(&byte, 1));
			buf_clear(&b);
		}
		if (!strchr("\"\\", c)) {
			json_put_chars(&b, str_of(&byte, 1));
			assert_str_equal(buf_str(&b), str_of(&byte, 1));
		}
		buf_done(&b);
	}
}

static void
no_control_byte_is_left(void **state)
{
	int c;

	(void)state;
	for (c = 0; c < ' '; c++) {
		char byte = (char)c;
		bool space = c == '\t' || c == '\n';
		struct buf b = { 0 };

		xml_put_text(&b, str_of(&byte, 1));
		assert_int_equal(b.ptr[0] == byte, space);
		buf_clear(&b);
		xml_put_attr(&b, str_of(&byte, 1));
		assert_int_not_equal(b.ptr[0], byte);
		buf_clear(&b);
		json_put_chars(&b, str_of(&byte, 1));
		assert_int_equal(b.ptr[0], '\\');
		buf_done(&b);
	}
}

/* Sixteen are looked at together: each byte at each place, in each length. */
static void
what_is_long_is_escaped_as_each_byte_of_it(void **state)
{
	static void (*const put[])(struct buf * b,
	    struct str s) = { xml_put_text, xml_put_attr, json_put_chars };
	struct buf whole = { 0 }, bytes = { 0 };
	size_t len, at, k;
	int c;

	(void)state;
	for (len = 1; len <= 50; len++)
		for (c = 0; c < 256; c += len % 3 ? 11 : 1) {
			char text[50];

			at = (len * 7 + (size_t)c) % len;
			memset(text, 'a', len);
			text[at] = (char)c;
			for (k = 0; k < ARRAY_LEN(put); k++) {
				buf_clear(&whole);
				buf_clear(&bytes);
				put[k](&whole, str_of(text, len));
				put[k](&bytes, str_of(text, at));
				put[k](&bytes, str_of(text + at, 1));
				put[k](&bytes,
				    str_of(text + at + 1, len - at - 1));
				assert_str_equal(
				    buf_str(&whole), buf_str(&bytes));
			}
		}
	buf_done(&whole);
	buf_done(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped_for_where_it_stands),
		cmocka_unit_test(no_other_ascii_byte_is_touched),
		cmocka_unit_test(no_control_byte_is_left),
		cmocka_unit_test(what_is_long_is_escaped_as_each_byte_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
