/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/clock.h"
#include "http/fields.h"
#include "lib/alloc_fail.h"

/* A request with one field, or with none where value is NULL. */
static struct headers
with(struct header *field, struct str name, const char *value)
{
	*field = (struct header){ name, str_from_c(value) };
	return (struct headers){ .v = field, .n = value != NULL };
}

static void
depth_is_one_of_three_or_the_methods_own(void **state)
{
	static const struct {
		const char *value;
		enum method m;
		enum err_code rc;
		enum depth depth;
	} cases[] = {
		{ NULL, METHOD_PROPFIND, ERR_OK, DEPTH_INFINITY },
		{ NULL, METHOD_DELETE, ERR_OK, DEPTH_INFINITY },
		{ NULL, METHOD_PROPPATCH, ERR_OK, DEPTH_0 },
		{ "0", METHOD_PROPFIND, ERR_OK, DEPTH_0 },
		{ "1", METHOD_PROPFIND, ERR_OK, DEPTH_1 },
		{ "infinity", METHOD_GET, ERR_OK, DEPTH_INFINITY },
		{ "Infinity", METHOD_PROPFIND, ERR_OK, DEPTH_INFINITY },
		{ "", METHOD_PROPFIND, ERR_BAD_HEADER, 0 },
		{ "2", METHOD_PROPFIND, ERR_BAD_HEADER, 0 },
		{ "-1", METHOD_PROPFIND, ERR_BAD_HEADER, 0 },
		{ "00", METHOD_PROPFIND, ERR_BAD_HEADER, 0 },
		{ "inf", METHOD_PROPFIND, ERR_BAD_HEADER, 0 },
		{ "infinite", METHOD_PROPFIND, ERR_BAD_HEADER, 0 },
		{ "1,noroot", METHOD_PROPFIND, ERR_BAD_HEADER, 0 },
		{ "0, 0", METHOD_PROPFIND, ERR_BAD_HEADER, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field;
		struct headers h = with(&field, STR("depth"), cases[i].value);
		enum depth d = DEPTH_0;
		struct err err = { 0 };

		assert_int_equal(
		    depth_parse(&h, cases[i].m, &d, &err), cases[i].rc);
		assert_int_equal(d, cases[i].depth);
		assert_int_equal(err.tell[0] != 0, cases[i].rc != ERR_OK);
	}
}

static void
overwrite_is_true_unless_it_says_f(void **state)
{
	static const struct {
		const char *value;
		enum err_code rc;
		bool overwrite;
	} cases[] = {
		{ NULL, ERR_OK, true },
		{ "T", ERR_OK, true },
		{ "t", ERR_OK, true },
		{ "F", ERR_OK, false },
		{ "f", ERR_OK, false },
		{ "", ERR_BAD_HEADER, false },
		{ "true", ERR_BAD_HEADER, false },
		{ "0", ERR_BAD_HEADER, false },
		{ "TF", ERR_BAD_HEADER, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field;
		struct headers h =
		    with(&field, STR("Overwrite"), cases[i].value);
		bool overwrite = false;

		assert_int_equal(
		    overwrite_parse(&h, &overwrite, NULL), cases[i].rc);
		assert_int_equal(overwrite, cases[i].overwrite);
	}
}

static void
a_destination_must_be_there_and_be_ours(void **state)
{
	static const struct origin origin = {
		.scheme = STR_INIT("http"),
		.authority = STR_INIT("h"),
		.prefix = STR_INIT("/dav"),
	};
	static const struct {
		const char *value;
		enum err_code rc;
		const char *path;
		bool slash;
	} cases[] = {
		{ "http://h/dav/a%20b", ERR_OK, "/a b", false },
		{ "/dav/c/", ERR_OK, "/c", true },
		{ NULL, ERR_BAD_HEADER, "as was", false },
		{ "", ERR_BAD_HEADER, "as was", false },
		{ "a", ERR_BAD_PATH, "as was", false },
		{ "/a", ERR_BAD_GATEWAY, "as was", false },
		{ "http://other/dav/a", ERR_BAD_GATEWAY, "as was", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field;
		struct headers h =
		    with(&field, STR("Destination"), cases[i].value);
		struct arena a = { 0 };
		struct rpath out = { STR("as was") };
		bool slash = false;

		assert_int_equal(
		    destination_parse(&h, &origin, &a, &out, &slash, NULL),
		    cases[i].rc);
		assert_str_equal(out.s, str_from_c(cases[i].path));
		assert_int_equal(slash, cases[i].slash);
		arena_done(&a);
	}
}

static void
oc_mtime_is_decimal_seconds(void **state)
{
	static const struct {
		const char *value;
		bool ok;
		int64_t ns;
	} cases[] = {
		{ "0", true, 0 },
		{ "1", true, NSEC_PER_SEC },
		{ "-1", true, -NSEC_PER_SEC },
		{ "784111777", true, 784111777 * NSEC_PER_SEC },
		{ "1.5", true, 1500000000 },
		{ "-1.5", true, -1500000000 },
		{ "-0.000000001", true, -1 },
		{ "1.000000001", true, 1000000001 },
		{ "1.0000000019", true, 1000000001 },
		{ "9223372035", true, 9223372035 * NSEC_PER_SEC },
		{ "9223372035.999999999", true, 9223372035999999999 },
		{ "-9223372035", true, -9223372035 * NSEC_PER_SEC },
		{ "9223372036", false, 0 },
		{ "-9223372036", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ ".", false, 0 },
		{ "1.", false, 0 },
		{ ".5", false, 0 },
		{ "+1", false, 0 },
		{ "--1", false, 0 },
		{ "1e9", false, 0 },
		{ "0x10", false, 0 },
		{ "1 2", false, 0 },
		{ "1.5.5", false, 0 },
		{ "1.-5", false, 0 },
		{ "nan", false, 0 },
		{ "1,5", false, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field;
		struct headers h =
		    with(&field, STR("X-OC-MTime"), cases[i].value);
		int64_t ns = 42;
		bool present = false;

		if (oc_mtime_parse(&h, &present, &ns, NULL) !=
		    (cases[i].ok ? ERR_OK : ERR_BAD_HEADER))
			fail_msg("%s", cases[i].value);
		assert_int_equal(present, cases[i].ok);
		assert_true(ns == (cases[i].ok ? cases[i].ns : 42));
	}
}

static void
an_absent_oc_mtime_is_not_present(void **state)
{
	struct headers none = { 0 };
	int64_t ns = 42;
	bool present = true;

	(void)state;
	assert_int_equal(oc_mtime_parse(&none, &present, &ns, NULL), ERR_OK);
	assert_false(present);
	assert_int_equal(ns, 42);
}

static void
a_field_that_stands_twice_is_refused(void **state)
{
	static const struct header fields[] = {
		{ STR_INIT("Depth"), STR_INIT("0") },
		{ STR_INIT("Depth"), STR_INIT("1") },
		{ STR_INIT("Overwrite"), STR_INIT("T") },
		{ STR_INIT("Overwrite"), STR_INIT("F") },
		{ STR_INIT("X-OC-Mtime"), STR_INIT("1") },
		{ STR_INIT("X-OC-Mtime"), STR_INIT("2") },
		{ STR_INIT("Destination"), STR_INIT("/a") },
		{ STR_INIT("Destination"), STR_INIT("/b") },
	};
	struct headers h = { .v = fields, .n = ARRAY_LEN(fields) };
	struct origin origin = { 0 };
	struct arena a = { 0 };
	enum depth d;
	bool b;
	int64_t ns;
	struct rpath p;

	(void)state;
	assert_int_equal(
	    depth_parse(&h, METHOD_COPY, &d, NULL), ERR_BAD_HEADER);
	assert_int_equal(overwrite_parse(&h, &b, NULL), ERR_BAD_HEADER);
	assert_int_equal(oc_mtime_parse(&h, &b, &ns, NULL), ERR_BAD_HEADER);
	assert_int_equal(
	    destination_parse(&h, &origin, &a, &p, NULL, NULL), ERR_BAD_HEADER);
	arena_done(&a);
}

static void
the_first_timeout_that_is_understood_counts(void **state)
{
	static const struct {
		const char *value;
		uint32_t seconds;
	} cases[] = {
		{ NULL, TIMEOUT_MAX },
		{ "", TIMEOUT_MAX },
		{ "Second-180", 180 }, /* Office */
		{ "Second-3600", 3600 }, /* Windows' mini-redirector */
		{ "Second-600", 600 }, /* Finder */
		{ "Infinite", TIMEOUT_MAX },
		{ "infinite", TIMEOUT_MAX },
		{ "Infinite, Second-4100000000", TIMEOUT_MAX }, /* the RFC */
		{ "Second-4100000000, Infinite", UINT32_C(4100000000) },
		{ "second-1", 1 },
		{ "Second-4294967294", TIMEOUT_MAX - 1 },
		{ "Second-4294967295", TIMEOUT_MAX },
		{ "Second-4294967296", TIMEOUT_MAX },
		{ "Second-99999999999999999999999999999999", TIMEOUT_MAX },
		{ "Second-0000000000000000000000000000005", 5 },
		{ "Extend, Second-10", 10 },
		{ "Second-0, Second-10", 10 },
		{ "Second-, ,Second-10", 10 },
		{ "Second--1, Second- 1, Second-1s, 5, Second-7", 7 },
		{ "\"Second-1, Second-2\", Second-3", 3 },
		{ "Second-0", TIMEOUT_MAX },
		{ "Second", TIMEOUT_MAX },
		{ "3600", TIMEOUT_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field;
		struct headers h = with(&field, STR("timeout"), cases[i].value);
		struct arena a = { 0 };
		uint32_t seconds = 42;

		assert_int_equal(timeout_parse(&h, &a, &seconds, NULL), ERR_OK);
		assert_int_equal(seconds, cases[i].seconds);
		arena_done(&a);
	}
}

static void
several_timeout_fields_are_one_list(void **state)
{
	struct header fields[] = {
		{ STR("Timeout"), STR("Soon") },
		{ STR("Timeout"), STR("Second-5") },
	};
	const struct headers h = { .v = fields, .n = ARRAY_LEN(fields) };
	struct arena a = { 0 };
	struct err err = { 0 };
	uint32_t seconds = 42;

	(void)state;
	alloc_fail_at(1);
	assert_int_equal(timeout_parse(&h, &a, &seconds, &err), ERR_NOMEM);
	assert_true(alloc_fail_stop());
	assert_int_equal(seconds, 42);
	assert_int_equal(timeout_parse(&h, &a, &seconds, NULL), ERR_OK);
	assert_int_equal(seconds, 5);
	arena_done(&a);
}

static void
an_idempotency_key_is_visible_text_in_quotes_or_without(void **state)
{
	static const struct {
		const char *value;
		enum err_code rc;
		const char *key;
	} cases[] = {
		{ NULL, ERR_OK, "" },
		{ "\"8e03978e-40d5\"", ERR_OK, "8e03978e-40d5" },
		{ "8e03978e-40d5", ERR_OK, "8e03978e-40d5" },
		{ "import-42/item_001", ERR_OK, "import-42/item_001" },
		{ "\"a, b; c\"", ERR_OK, "a, b; c" },
		{ "", ERR_BAD_HEADER, NULL },
		{ "\"\"", ERR_BAD_HEADER, NULL },
		{ "\"", ERR_BAD_HEADER, NULL },
		{ "\"a", ERR_BAD_HEADER, NULL },
		{ "a b", ERR_BAD_HEADER, NULL },
		{ "a,b", ERR_BAD_HEADER, NULL },
		{ "\"a\";v=1", ERR_BAD_HEADER, NULL },
		{ "\"a\"b\"", ERR_BAD_HEADER, NULL },
		{ "\"a\\b\"", ERR_BAD_HEADER, NULL },
		{ "caf\xc3\xa9", ERR_BAD_HEADER, NULL },
	};
	char longest[IDEMPOTENCY_KEY_MAX + 2];
	struct header field;
	struct headers h;
	struct str key;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };

		h = with(&field, STR("idempotency-key"), cases[i].value);
		assert_int_equal(
		    idempotency_key_parse(&h, &key, &err), cases[i].rc);
		if (cases[i].key)
			assert_str_equal(key, str_from_c(cases[i].key));
		else
			assert_true(err.tell[0]);
	}
	memset(longest, 'k', sizeof(longest));
	longest[IDEMPOTENCY_KEY_MAX + 1] = 0;
	h = with(&field, STR("Idempotency-Key"), longest);
	assert_int_equal(idempotency_key_parse(&h, &key, NULL), ERR_BAD_HEADER);
	longest[IDEMPOTENCY_KEY_MAX] = 0;
	h = with(&field, STR("Idempotency-Key"), longest);
	assert_int_equal(idempotency_key_parse(&h, &key, NULL), ERR_OK);
}

static void
a_lock_token_is_a_uri_in_angles(void **state)
{
	static const struct {
		const char *value;
		const char *token; /* NULL: refused */
	} cases[] = {
		{ "<urn:uuid:a515cfa4-5da4-22e1-f5b5-00a0451e6bf7>",
		    "urn:uuid:a515cfa4-5da4-22e1-f5b5-00a0451e6bf7" },
		{ "<opaquelocktoken:a>", "opaquelocktoken:a" },
		{ "<DAV:no-lock>", "DAV:no-lock" },
		{ NULL, NULL },
		{ "", NULL },
		{ "<>", NULL },
		{ "<", NULL },
		{ "urn:uuid:a", NULL },
		{ "<urn:uuid:a", NULL },
		{ "<urn:uuid:a> ", "urn:uuid:a" },
		{ "<urn:uuid:a>, <urn:uuid:b>", NULL },
		{ "<urn:uuid:a>x", NULL },
		{ "(<urn:uuid:a>)", NULL },
		{ "< urn:uuid:a>", NULL },
		{ "<urn:uu id:a>", NULL },
		{ "<<urn:uuid:a>>", NULL },
		{ "<a>", NULL },
		{ "</a>", NULL },
		{ "<:a>", NULL },
		{ "<urn:>", NULL },
		{ "<1:a>", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field;
		struct headers h =
		    with(&field, STR("lock-token"), cases[i].value);
		struct str token = { 0 };
		struct err err = { 0 };
		enum err_code rc;

		field.value = str_trim(field.value); /* as a server does */
		rc = lock_token_parse(&h, &token, &err);
		assert_int_equal(rc, cases[i].token ? ERR_OK : ERR_BAD_HEADER);
		assert_str_equal(token, str_from_c(cases[i].token));
		assert_int_equal(err.tell[0] != 0, rc != ERR_OK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(depth_is_one_of_three_or_the_methods_own),
		cmocka_unit_test(overwrite_is_true_unless_it_says_f),
		cmocka_unit_test(a_destination_must_be_there_and_be_ours),
		cmocka_unit_test(oc_mtime_is_decimal_seconds),
		cmocka_unit_test(an_absent_oc_mtime_is_not_present),
		cmocka_unit_test(a_field_that_stands_twice_is_refused),
		cmocka_unit_test(the_first_timeout_that_is_understood_counts),
		cmocka_unit_test(several_timeout_fields_are_one_list),
		cmocka_unit_test(a_lock_token_is_a_uri_in_angles),
		cmocka_unit_test(
		    an_idempotency_key_is_visible_text_in_quotes_or_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
