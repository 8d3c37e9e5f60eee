/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "wire/reader_sniff.h"

static void
a_content_type_says_the_shape(void **state)
{
	static const struct {
		const char *type;
		enum shape shape;
		bool problem;
	} cases[] = {
		{ "application/xml", SHAPE_XML, false },
		{ "Text/XML ; charset=\"utf-8\"", SHAPE_XML, false },
		{ "application/dav+xml", SHAPE_XML, false },
		{ "application/json;charset=utf-8", SHAPE_JSON, false },
		{ "application/scim+json", SHAPE_JSON, false },
		{ "application/vnd.api+JSON", SHAPE_JSON, false },
		{ "application/x-ndjson", SHAPE_NDJSON, false },
		{ "application/jsonl", SHAPE_NDJSON, false },
		{ "application/json-seq", SHAPE_JSON_SEQ, false },
		{ "application/geo+json-seq", SHAPE_JSON_SEQ, false },
		{ "application/problem+json", SHAPE_JSON, true },
		{ "application/problem+xml; q=1", SHAPE_XML, true },
		{ "", SHAPE_UNKNOWN, false },
		{ "text/plain", SHAPE_UNKNOWN, false },
		{ "text/html", SHAPE_UNKNOWN, false },
		{ "application/octet-stream", SHAPE_UNKNOWN, false },
		{ "+json", SHAPE_UNKNOWN, false },
		{ "application/xmlx", SHAPE_UNKNOWN, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct str type = str_from_c(cases[i].type);

		assert_int_equal(shape_of_type(type), cases[i].shape);
		assert_int_equal(type_is_problem(type), cases[i].problem);
	}
}

/* Bytes as literals, since some of them are NUL. */
#define BYTES(s)                 \
	{                        \
		s, sizeof(s) - 1 \
	}

static const struct {
	struct str bytes;
	enum shape shape;
	size_t needs; /* bytes until it is known; 0: the end */
} first_bytes[] = {
	{ BYTES("<?xml"), SHAPE_XML, 3 },
	{ BYTES(" \r\n\t<a/>"), SHAPE_XML, 5 },
	{ BYTES("\xef\xbb\xbf<a/>"), SHAPE_XML, 4 },
	{ BYTES("\xff\xfe<\0"), SHAPE_XML, 2 },
	{ BYTES("\xfe\xff\0<"), SHAPE_XML, 2 },
	{ BYTES("<\0a\0"), SHAPE_XML, 2 },
	{ BYTES("\0<\0a"), SHAPE_XML, 2 },
	{ BYTES("<"), SHAPE_XML, 0 },
	{ BYTES("[{}]"), SHAPE_JSON, 3 },
	{ BYTES("\xef\xbb\xbf {\n}"), SHAPE_JSON, 6 },
	{ BYTES("{\"a\": {\"b\": \"}\\\"\"}} "), SHAPE_JSON, 0 },
	{ BYTES("{\"a\":1}\n"), SHAPE_JSON, 0 },
	{ BYTES("{\"a\":1} x"), SHAPE_JSON, 9 },
	{ BYTES("{\"a\":\"{\\\\\"}\r\n{\"b\":2}"), SHAPE_NDJSON, 14 },
	{ BYTES("{\"a\":[1,{}]}{"), SHAPE_NDJSON, 13 },
	{ BYTES("{\"type\":\"start\"}\n"), SHAPE_NDJSON, 0 },
	{ BYTES("{\"type\":\"start\""), SHAPE_NDJSON, 0 },
	{ BYTES("\x1e{}\n"), SHAPE_JSON_SEQ, 3 },
	{ BYTES("HTTP/1.1 200"), SHAPE_UNKNOWN, 3 },
	{ BYTES("  \n"), SHAPE_UNKNOWN, 0 },
	{ BYTES("\xef\xbb"), SHAPE_UNKNOWN, 0 },
	{ BYTES(""), SHAPE_UNKNOWN, 0 },
};

static void
the_first_bytes_say_it_too_however_they_come(void **state)
{
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(first_bytes); i++) {
		struct str bytes = first_bytes[i].bytes;
		struct sniffer slow = { 0 };
		struct sniffer fast = { 0 };
		enum shape shape = SHAPE_JSON_SEQ;
		bool known = false;

		for (n = 1; n <= bytes.len && !known; n++)
			known = sniff(&slow, str_head(bytes, n), false, &shape);
		assert_int_equal(known ? n - 1 : 0, first_bytes[i].needs);
		if (!known)
			assert_true(sniff(&slow, bytes, true, &shape));
		assert_int_equal(shape, first_bytes[i].shape);
		assert_true(sniff(&fast, bytes, true, &shape));
		assert_int_equal(shape, first_bytes[i].shape);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_content_type_says_the_shape),
		cmocka_unit_test(the_first_bytes_say_it_too_however_they_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
