/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "base/attr.h"
#include "cmd/table.h"

static const struct table_column columns[] = { { "NAME", .cut = true },
	{ "SIZE", .right = true }, { .name = "WHAT" } };

static void
fill(struct table *t)
{
	const struct str rows[][3] = {
		{ STR("a"), STR("7"), STR("file") },
		{ STR("\xc3\xa9t\xc3\xa9"), STR("1234"), STR("") },
		{ STR("\x1b[2Jx"), STR("-"),
		    STR("a longer text that goes on and on and on and on") },
	};
	static const enum tone tones[] = { TONE_GOOD, TONE_BAD, TONE_PLAIN };
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(table_row(t, rows[i], tones[i], NULL), ERR_OK);
}

static void
put(const struct table_spec *spec, struct buf *out)
{
	struct table *t;

	assert_int_equal(table_new(spec, &t, NULL), ERR_OK);
	fill(t);
	assert_int_equal(table_put(t, out, NULL), ERR_OK);
	table_free(t);
	assert_int_equal(buf_failed(out), ERR_OK);
}

static void
in_a_pipe_it_is_plain_and_whole(void **state)
{
	struct table_spec spec = {
		.columns = columns, .n = 3, .headings = true, .indent = 2
	};
	struct buf b CLEANUP(buf_done) = { 0 };

	(void)state;
	put(&spec, &b);
	assert_str_equal(buf_str(&b),
	    STR("  NAME      SIZE  WHAT\n"
		"  a            7  file\n"
		"  \xc3\xa9t\xc3\xa9       1234\n"
		"  \\x1b[2Jx     -  a longer text that goes on and on and on "
		"and on\n"));
}

static void
on_a_terminal_it_fits_and_has_colours(void **state)
{
	static const struct table_column wide[] = { { .name = "NAME" },
		{ "SIZE", .right = true }, { "WHAT", .cut = true } };
	struct table_spec spec = {
		.columns = wide, .n = 3, .width = 40, .colours = true
	};
	struct buf b CLEANUP(buf_done) = { 0 };
	struct str rest, line;

	(void)state;
	put(&spec, &b);
	assert_non_null(memmem(b.ptr, b.len, "\x1b[32m", 5));
	assert_null(memmem(b.ptr, b.len, "\x1b[2J", 4));
	assert_null(memmem(b.ptr, b.len, "on and on and on", 16));
	rest = buf_str(&b);
	while (str_cut(&rest, '\n', &line))
		assert_true(line.len <= 40 + 12); /* and the colours */
}

static void
what_was_printed_is_forgotten(void **state)
{
	struct table_spec spec = {
		.columns = columns, .n = 3, .headings = true
	};
	struct buf b CLEANUP(buf_done) = { 0 };
	struct table *t;
	size_t once;

	(void)state;
	assert_int_equal(table_new(&spec, &t, NULL), ERR_OK);
	assert_int_equal(table_put(t, &b, NULL), ERR_OK);
	assert_int_equal(b.len, 0);
	fill(t);
	assert_int_equal(table_put(t, &b, NULL), ERR_OK);
	once = b.len;
	assert_int_equal(table_put(t, &b, NULL), ERR_OK);
	assert_int_equal(b.len, once);
	table_free(t);
}

static void
each_allocation_may_fail(void **state)
{
	struct table_spec spec = {
		.columns = columns, .n = 3, .headings = true
	};
	const struct str cells[] = { STR("a"), STR("b"), STR("c") };
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct buf b CLEANUP(buf_done) = { 0 };
		struct table *t;
		enum err_code rc;

		alloc_fail_at(n);
		rc = table_new(&spec, &t, NULL);
		if (!rc)
			rc = table_row(t, cells, TONE_PLAIN, NULL);
		if (!rc)
			rc = table_put(t, &b, NULL);
		if (!rc)
			rc = buf_failed(&b);
		fired = alloc_fail_stop();
		table_free(t);
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
	}
}

static void
a_tone_is_nothing_without_colours(void **state)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	(void)state;
	tone_put(&b, false, TONE_BAD, STR("x"));
	tone_put(&b, true, TONE_PLAIN, STR("y"));
	tone_put(&b, true, TONE_BAD, STR("z"));
	assert_str_equal(buf_str(&b), STR("xy\x1b[31mz\x1b[0m"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_a_pipe_it_is_plain_and_whole),
		cmocka_unit_test(on_a_terminal_it_fits_and_has_colours),
		cmocka_unit_test(what_was_printed_is_forgotten),
		cmocka_unit_test(each_allocation_may_fail),
		cmocka_unit_test(a_tone_is_nothing_without_colours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
