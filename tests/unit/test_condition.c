/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "base/clock.h"
#include "http/condition.h"
#include "http/date.h"

#define CHANGED 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static void
an_entity_tag_is_quoted_or_none(void **state)
{
	static const struct {
		struct str s;
		bool ok, weak;
		struct str opaque;
	} cases[] = {
		{ STR_INIT("\"\""), true, false, STR_INIT("\"\"") },
		{ STR_INIT("\"a\""), true, false, STR_INIT("\"a\"") },
		{ STR_INIT("W/\"a\""), true, true, STR_INIT("\"a\"") },
		{ STR_INIT("\"a,b]\\\""), true, false, STR_INIT("\"a,b]\\\"") },
		{ STR_INIT("\"\x80\xff\""), true, false,
		    STR_INIT("\"\x80\xff\"") },
		{ STR_INIT(""), false, false, { 0 } },
		{ STR_INIT("a"), false, false, { 0 } },
		{ STR_INIT("*"), false, false, { 0 } },
		{ STR_INIT("\""), false, false, { 0 } },
		{ STR_INIT("\"a"), false, false, { 0 } },
		{ STR_INIT("a\""), false, false, { 0 } },
		{ STR_INIT("W/"), false, false, { 0 } },
		{ STR_INIT("W/a"), false, false, { 0 } },
		{ STR_INIT("w/\"a\""), false, false, { 0 } },
		{ STR_INIT("W \"a\""), false, false, { 0 } },
		{ STR_INIT("W/ \"a\""), false, false, { 0 } },
		{ STR_INIT("W/W/\"a\""), false, false, { 0 } },
		{ STR_INIT("\"a b\""), false, false, { 0 } },
		{ STR_INIT("\"a\tb\""), false, false, { 0 } },
		{ STR_INIT("\"a\0b\""), false, false, { 0 } },
		{ STR_INIT("\"a\x7f\""), false, false, { 0 } },
		{ STR_INIT("\"a\"b\""), false, false, { 0 } },
		{ STR_INIT("\"a\" "), false, false, { 0 } },
		{ STR_INIT("'a'"), false, false, { 0 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct etag tag = { .opaque = STR("as was") };

		assert_int_equal(etag_parse(cases[i].s, &tag), cases[i].ok);
		assert_str_equal(
		    tag.opaque, cases[i].ok ? cases[i].opaque : STR("as was"));
		assert_int_equal(tag.weak, cases[i].weak);
	}
}

static void
a_list_of_tags_is_read_or_refused(void **state)
{
	static const struct {
		const char *s;
		int n; /* -1: refused */
		bool any;
	} cases[] = {
		{ "*", 0, true },
		{ "\"a\"", 1, false },
		{ "\"a\",\"b\"", 2, false },
		{ "\"a\" ,\t W/\"b\" , \"c\"", 3, false },
		{ "\"a,b\", \",\"", 2, false },
		{ ", ,\"a\",,", 1, false },
		{ "", -1, false },
		{ ",", -1, false },
		{ "a", -1, false },
		{ "\"a", -1, false },
		{ "\"a\" \"b\"", -1, false },
		{ "\"a\"\"b\"", -1, false },
		{ "*, \"a\"", -1, false },
		{ "\"a\", *", -1, false },
		{ "**", -1, false },
		{ "\"a\"; x", -1, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field = { STR("If-Match"),
			str_from_c(cases[i].s) };
		struct headers h = { .v = &field, .n = 1 };
		struct arena a = { 0 };
		struct conditions c;
		struct err err = { 0 };

		assert_int_equal(conditions_parse(&h, false, &a, &c, &err),
		    cases[i].n < 0 ? ERR_BAD_HEADER : ERR_OK);
		if (cases[i].n >= 0) {
			assert_true(c.match.present);
			assert_int_equal(c.match.any, cases[i].any);
			assert_int_equal(c.match.n, cases[i].n);
		} else {
			assert_int_not_equal(err.tell[0], 0);
		}
		arena_done(&a);
	}
}

static void
the_lines_of_a_list_are_one_list(void **state)
{
	static const struct header fields[] = {
		{ STR_INIT("If-None-Match"), STR_INIT("\"a\"") },
		{ STR_INIT("if-none-match"), STR_INIT("W/\"b\"") },
	};
	struct headers h = { .v = fields, .n = ARRAY_LEN(fields) };
	struct arena a = { 0 };
	struct conditions c;

	(void)state;
	assert_int_equal(conditions_parse(&h, true, &a, &c, NULL), ERR_OK);
	assert_int_equal(c.none_match.n, 2);
	assert_str_equal(c.none_match.v[1].opaque, STR("\"b\""));
	assert_true(c.none_match.v[1].weak);
	assert_false(c.match.present);
	arena_done(&a);
}

enum there { NO, YES, NO_TAG };

struct order {
	const char *match, *unmodified, *none_match, *modified;
	enum there there; /* its tag is "now" */
	enum err_code get, put;
};

/* What a GET or a PUT with these headers gets. */
static enum err_code
ask(const struct order *row, bool read, struct err *err)
{
	struct header all[] = {
		{ STR("If-Match"), str_from_c(row->match) },
		{ STR("If-Unmodified-Since"), str_from_c(row->unmodified) },
		{ STR("If-None-Match"), str_from_c(row->none_match) },
		{ STR("If-Modified-Since"), str_from_c(row->modified) },
	};
	struct headers h = { .v = all, .n = 0 };
	struct validators now = {
		.exists = row->there != NO,
		.etag = row->there == YES ? STR("\"now\"") : STR(""),
		.modified = CHANGED,
	};
	struct arena a = { 0 };
	struct conditions c;
	enum err_code rc;
	size_t f;

	for (f = 0; f < ARRAY_LEN(all); f++)
		if (all[f].value.ptr)
			all[h.n++] = all[f];
	rc = conditions_parse(&h, read, &a, &c, err);
	if (!rc)
		rc = conditions_check(&c, read, &now, err);
	arena_done(&a);
	return rc;
}

static void
conditions_are_asked_in_the_order_of_the_rfc(void **state)
{
	static const struct order cases[] = {
		{ NULL, NULL, NULL, NULL, YES, 0, 0 },
		{ NULL, NULL, NULL, NULL, NO, 0, 0 },

		{ "*", NULL, NULL, NULL, YES, 0, 0 },
		{ "*", NULL, NULL, NULL, NO_TAG, 0, 0 },
		{ "*", NULL, NULL, NULL, NO, ERR_PRECONDITION,
		    ERR_PRECONDITION },
		{ "\"now\"", NULL, NULL, NULL, YES, 0, 0 },
		{ "\"a\", \"now\"", NULL, NULL, NULL, YES, 0, 0 },
		{ "\"now\"", NULL, NULL, NULL, NO, ERR_PRECONDITION,
		    ERR_PRECONDITION },
		{ "\"now\"", NULL, NULL, NULL, NO_TAG, ERR_PRECONDITION,
		    ERR_PRECONDITION },
		{ "\"\"", NULL, NULL, NULL, NO_TAG, ERR_PRECONDITION,
		    ERR_PRECONDITION },
		{ "\"old\"", NULL, NULL, NULL, YES, ERR_PRECONDITION,
		    ERR_PRECONDITION },
		/* strong comparison */
		{ "W/\"now\"", NULL, NULL, NULL, YES, ERR_PRECONDITION,
		    ERR_PRECONDITION },

		{ NULL, BEFORE, NULL, NULL, YES, ERR_PRECONDITION,
		    ERR_PRECONDITION },
		{ NULL, SAME, NULL, NULL, YES, 0, 0 },
		{ NULL, AFTER, NULL, NULL, YES, 0, 0 },
		{ NULL, BEFORE, NULL, NULL, NO, 0, 0 },
		/* If-Match takes its place */
		{ "\"now\"", BEFORE, NULL, NULL, YES, 0, 0 },
		{ "\"old\"", AFTER, NULL, NULL, YES, ERR_PRECONDITION,
		    ERR_PRECONDITION },

		{ NULL, NULL, "*", NULL, NO, 0, 0 },
		{ NULL, NULL, "*", NULL, YES, ERR_NOT_MODIFIED,
		    ERR_PRECONDITION },
		{ NULL, NULL, "*", NULL, NO_TAG, ERR_NOT_MODIFIED,
		    ERR_PRECONDITION },
		{ NULL, NULL, "\"old\"", NULL, YES, 0, 0 },
		{ NULL, NULL, "\"now\"", NULL, NO, 0, 0 },
		{ NULL, NULL, "\"\"", NULL, NO_TAG, 0, 0 },
		{ NULL, NULL, "\"old\", \"now\"", NULL, YES, ERR_NOT_MODIFIED,
		    ERR_PRECONDITION },
		/* weak comparison */
		{ NULL, NULL, "W/\"now\"", NULL, YES, ERR_NOT_MODIFIED,
		    ERR_PRECONDITION },

		{ NULL, NULL, NULL, BEFORE, YES, 0, 0 },
		{ NULL, NULL, NULL, SAME, YES, ERR_NOT_MODIFIED, 0 },
		{ NULL, NULL, NULL, AFTER, YES, ERR_NOT_MODIFIED, 0 },
		{ NULL, NULL, NULL, SAME, NO, 0, 0 },
		/* If-None-Match takes its place */
		{ NULL, NULL, "\"old\"", AFTER, YES, 0, 0 },
		{ NULL, NULL, "\"now\"", BEFORE, YES, ERR_NOT_MODIFIED,
		    ERR_PRECONDITION },

		/* the first pair comes before the second */
		{ "\"old\"", NULL, "\"now\"", NULL, YES, ERR_PRECONDITION,
		    ERR_PRECONDITION },
		{ "\"now\"", NULL, "\"now\"", NULL, YES, ERR_NOT_MODIFIED,
		    ERR_PRECONDITION },
		{ NULL, BEFORE, "\"now\"", NULL, YES, ERR_PRECONDITION,
		    ERR_PRECONDITION },
		{ NULL, SAME, NULL, SAME, YES, ERR_NOT_MODIFIED, 0 },

		/* malformed tags: never ignored */
		{ "now", NULL, NULL, NULL, YES, ERR_BAD_HEADER,
		    ERR_BAD_HEADER },
		{ NULL, NULL, "now", NULL, YES, ERR_BAD_HEADER,
		    ERR_BAD_HEADER },
		/* malformed dates: always (RFC 9110 s13.1.3, s13.1.4) */
		{ NULL, "yesterday", NULL, NULL, YES, 0, 0 },
		{ NULL, BEFORE ", " BEFORE, NULL, NULL, YES, 0, 0 },
		{ NULL, NULL, NULL, "yesterday", YES, 0, 0 },
		{ NULL, NULL, NULL, SAME ", " SAME, YES, 0, 0 },
		{ NULL, NULL, NULL, "", YES, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const struct order *row = &cases[i / 2];
		bool read = i % 2;
		enum err_code want = read ? row->get : row->put;
		struct err err = { 0 };
		enum err_code rc = ask(row, read, &err);

		if (rc != want)
			fail_msg("row %zu, read %d: %d", i / 2, read, rc);
		assert_int_equal(err.code, rc);
	}
}

static void
a_range_is_obeyed_only_of_the_same_bytes(void **state)
{
	static const struct {
		const char *value; /* NULL: absent */
		bool exists;
		bool holds;
	} cases[] = {
		{ NULL, true, true },
		{ "\"now\"", true, true },
		{ "\"now\"", false, false },
		{ "\"old\"", true, false },
		{ "W/\"now\"", true, false },
		{ SAME, true, true },
		{ SAME, false, false },
		{ BEFORE, true, false },
		{ AFTER, true, false },
		{ "", true, false },
		{ "now", true, false },
		{ "*", true, false },
		{ "\"now\", \"old\"", true, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header field = { STR("If-Range"),
			str_from_c(cases[i].value) };
		struct headers h = { .v = &field, .n = cases[i].value != NULL };
		struct validators now = { .exists = cases[i].exists,
			.etag = STR("\"now\""),
			.modified = CHANGED };

		assert_int_equal(if_range_holds(&h, &now), cases[i].holds);
	}
}

static void
a_date_is_no_validator_for_what_just_changed(void **state)
{
	static const struct {
		int64_t ago;
		bool holds;
	} cases[] = { { 0, false }, { 30, false }, { 120, true } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct validators now = { .exists = true,
			.modified = clock_seconds(clock_now()) - cases[i].ago };
		struct buf b = { 0 };
		struct header field = { .name = STR("If-Range") };
		struct headers h = { .v = &field, .n = 1 };

		date_put_http(&b, now.modified);
		field.value = buf_str(&b);
		assert_int_equal(if_range_holds(&h, &now), cases[i].holds);
		buf_done(&b);
	}
}

static void
conditions_survive_each_failed_allocation(void **state)
{
	static const struct header fields[] = {
		{ STR_INIT("If-Match"), STR_INIT("\"a\"") },
		{ STR_INIT("If-Match"), STR_INIT("\"b\"") },
		{ STR_INIT("If-None-Match"), STR_INIT("\"c\"") },
	};
	struct headers h = { .v = fields, .n = ARRAY_LEN(fields) };
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a = { 0 };
		struct conditions c = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = conditions_parse(&h, true, &a, &c, NULL);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			assert_int_equal(c.match.n, 2);
			arena_done(&a);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		assert_false(c.match.present);
		arena_done(&a);
	}
	assert_true(n > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entity_tag_is_quoted_or_none),
		cmocka_unit_test(a_list_of_tags_is_read_or_refused),
		cmocka_unit_test(the_lines_of_a_list_are_one_list),
		cmocka_unit_test(conditions_are_asked_in_the_order_of_the_rfc),
		cmocka_unit_test(a_range_is_obeyed_only_of_the_same_bytes),
		cmocka_unit_test(a_date_is_no_validator_for_what_just_changed),
		cmocka_unit_test(conditions_survive_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
