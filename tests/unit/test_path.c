/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "http/path.h"

static struct rpath
path(const char *c)
{
	return (struct rpath){ str_from_c(c) };
}

static void
an_ancestor_ends_where_a_segment_does(void **state)
{
	static const struct {
		const char *above, *p;
		bool is;
	} cases[] = {
		{ "/", "/", false },
		{ "/", "/a", true },
		{ "/", "/a/b", true },
		{ "/a", "/a", false },
		{ "/a", "/a/b", true },
		{ "/a", "/a/b/c", true },
		{ "/a", "/ab", false },
		{ "/a", "/ab/c", false },
		{ "/a/b", "/a", false },
		{ "/a", "/", false },
		{ "/a", "/b/a", false },
		{ "/a", "/a\xff", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct rpath above = path(cases[i].above);
		struct rpath p = path(cases[i].p);

		assert_int_equal(rpath_is_ancestor(above, p), cases[i].is);
		assert_int_equal(rpath_covers(above, p),
		    cases[i].is || str_eq(above.s, p.s));
	}
}

static void
parent_and_name_are_the_two_ends_of_a_path(void **state)
{
	static const struct {
		const char *p, *parent, *name;
	} cases[] = {
		{ "/", "/", "" },
		{ "/a", "/", "a" },
		{ "/a/b", "/a", "b" },
		{ "/a/b c/d", "/a/b c", "d" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct rpath p = path(cases[i].p);

		assert_str_equal(
		    rpath_parent(p).s, str_from_c(cases[i].parent));
		assert_str_equal(rpath_name(p), str_from_c(cases[i].name));
	}
	assert_true(rpath_is_root(RPATH_ROOT));
	assert_false(rpath_is_root(path("/a")));
}

static void
what_is_below_joins_back_to_the_path(void **state)
{
	static const struct {
		const char *above, *p, *below;
	} cases[] = {
		{ "/", "/", "" },
		{ "/", "/a", "a" },
		{ "/", "/a/b", "a/b" },
		{ "/a", "/a", "" },
		{ "/a", "/a/b", "b" },
		{ "/a/b", "/a/b/c/d", "c/d" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = { 0 };
		struct rpath above = path(cases[i].above);
		struct rpath p = path(cases[i].p);
		struct rpath again;

		assert_str_equal(
		    rpath_below(above, p), str_from_c(cases[i].below));
		assert_int_equal(
		    rpath_join(&a, above, rpath_below(above, p), &again, NULL),
		    ERR_OK);
		assert_str_equal(again.s, p.s);
		arena_done(&a);
	}
}

static void
a_join_refuses_what_no_path_may_hold(void **state)
{
	static const struct str bad[] = {
		STR_INIT("."),
		STR_INIT(".."),
		STR_INIT("a/.."),
		STR_INIT("../a"),
		STR_INIT("a/./b"),
		STR_INIT("a//b"),
		STR_INIT("/a"),
		STR_INIT("a/"),
		STR_INIT("/"),
		STR_INIT("a\0b"),
		STR_INIT("\0"),
	};
	static const struct str good[] = { STR_INIT("..."), STR_INIT("..a"),
		STR_INIT(".a"), STR_INIT(" "), STR_INIT("\n"),
		STR_INIT("\xff\xfe"), STR_INIT("%2e%2e") };
	struct arena a = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		struct rpath out = path("/untouched");
		struct err err = { 0 };

		assert_int_equal(rpath_join(&a, path("/d"), bad[i], &out, &err),
		    ERR_BAD_PATH);
		assert_int_equal(err.code, ERR_BAD_PATH);
		assert_int_not_equal(err.tell[0], 0);
		assert_str_equal(out.s, STR("/untouched"));
	}
	for (i = 0; i < ARRAY_LEN(good); i++) {
		struct rpath out;

		assert_true(rpath_segment_ok(good[i]));
		assert_int_equal(
		    rpath_join(&a, path("/d"), good[i], &out, NULL), ERR_OK);
		assert_str_equal(rpath_name(out), good[i]);
		assert_str_equal(rpath_parent(out).s, STR("/d"));
	}
	arena_done(&a);
}

static void
a_join_survives_a_failed_allocation(void **state)
{
	static const char *const rests[] = { "", "b" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rests); i++) {
		struct arena a = { 0 };
		struct rpath out = path("/untouched");

		alloc_fail_at(1);
		assert_int_equal(rpath_join(&a, path("/a"),
				     str_from_c(rests[i]), &out, NULL),
		    ERR_NOMEM);
		assert_true(alloc_fail_stop());
		assert_str_equal(out.s, STR("/untouched"));
		arena_done(&a);
	}
}

static void
a_path_in_a_buffer_goes_down_and_up(void **state)
{
	struct buf b = { 0 };
	size_t root, a;

	(void)state;
	assert_str_equal(rpath_of_buf(&b).s, STR("/"));
	root = rpath_push(&b, STR("a"));
	assert_str_equal(rpath_of_buf(&b).s, STR("/a"));
	a = rpath_push(&b, STR("b c"));
	assert_str_equal(rpath_of_buf(&b).s, STR("/a/b c"));
	rpath_pop(&b, a);
	assert_str_equal(rpath_of_buf(&b).s, STR("/a"));
	rpath_pop(&b, root);
	assert_str_equal(rpath_of_buf(&b).s, STR("/"));

	buf_putc(&b, '/');
	root = rpath_push(&b, STR("a"));
	assert_str_equal(rpath_of_buf(&b).s, STR("/a"));
	rpath_pop(&b, root);
	assert_str_equal(rpath_of_buf(&b).s, STR("/"));
	buf_done(&b);
}

static void
a_push_that_fails_changes_nothing_and_says_so(void **state)
{
	struct buf b = { .max = 4 };
	size_t len;

	(void)state;
	(void)rpath_push(&b, STR("ab"));
	len = rpath_push(&b, STR("c"));
	assert_int_equal(buf_failed(&b), ERR_TOO_LARGE);
	assert_str_equal(rpath_of_buf(&b).s, STR("/ab"));
	rpath_pop(&b, len);
	assert_str_equal(rpath_of_buf(&b).s, STR("/ab"));
	buf_done(&b);

	alloc_fail_at(1);
	(void)rpath_push(&b, STR("a"));
	assert_true(alloc_fail_stop());
	assert_int_equal(buf_failed(&b), ERR_NOMEM);
	assert_str_equal(rpath_of_buf(&b).s, STR("/"));
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ancestor_ends_where_a_segment_does),
		cmocka_unit_test(parent_and_name_are_the_two_ends_of_a_path),
		cmocka_unit_test(what_is_below_joins_back_to_the_path),
		cmocka_unit_test(a_join_refuses_what_no_path_may_hold),
		cmocka_unit_test(a_join_survives_a_failed_allocation),
		cmocka_unit_test(a_path_in_a_buffer_goes_down_and_up),
		cmocka_unit_test(a_push_that_fails_changes_nothing_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
