/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <jansson.h>

#include "wire/json_object.h"

static void
an_object_of_any_bytes_is_json(void **state)
{
	static const char odd[] = "a\"\\\n\x01\xff\xe2\x82\xac";
	struct buf b = { 0 };
	struct json_object o = json_begin(&b);
	json_t *read;

	(void)state;
	json_put_text(&o, "odd", str_from_c(odd));
	json_put_number(&o, "most", INT64_MAX);
	json_put_true(&o, "yes");
	json_put_date(&o, "when", 784111777);
	json_put_ms(&o, "took", 1234567);
	json_end(&o);
	assert_int_equal(buf_failed(&b), ERR_OK);

	read = json_loadb(b.ptr, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(read);
	assert_int_equal(json_object_size(read), 5);
	assert_string_equal(json_string_value(json_object_get(read, "odd")),
	    "a\"\\\n\x01\xef\xbf\xbd\xe2\x82\xac");
	assert_true(
	    json_integer_value(json_object_get(read, "most")) == INT64_MAX);
	assert_true(json_is_true(json_object_get(read, "yes")));
	assert_string_equal(json_string_value(json_object_get(read, "when")),
	    "1994-11-06T08:49:37Z");
	assert_non_null(memmem(b.ptr, b.len, "\"took\":1.234", 12));
	json_decref(read);
	buf_done(&b);
}

static void
an_object_may_be_empty(void **state)
{
	struct buf b = { 0 };
	struct json_object o = json_begin(&b);

	(void)state;
	json_end(&o);
	assert_str_equal(buf_str(&b), STR("{}"));
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_of_any_bytes_is_json),
		cmocka_unit_test(an_object_may_be_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
