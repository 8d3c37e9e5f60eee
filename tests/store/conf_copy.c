/* SPDX-License-Identifier: MIT */
/* Conformance: copy and rename. */
#include "store/suite.h"

typedef enum err_code (*transfer_fn)(struct store *s, const char *from,
    const char *to, enum replace replace, bool *created, struct err *err);

static enum err_code
copy(struct store *s, const char *from, const char *to, enum replace replace,
    bool *created, struct err *err)
{
	return store_copy(
	    s, at(from), at(to), replace, NULL, NULL, NULL, created, err);
}

static enum err_code
rename_to(struct store *s, const char *from, const char *to,
    enum replace replace, bool *created, struct err *err)
{
	return store_rename(
	    s, at(from), at(to), replace, NULL, NULL, created, err);
}

static const transfer_fn both[] = { copy, rename_to };

static void
must_copy(struct store *s, const char *from, const char *to)
{
	assert_ok(copy(s, from, to, REPLACE_YES, NULL, err));
}

static void
must_rename(struct store *s, const char *from, const char *to)
{
	assert_ok(rename_to(s, from, to, REPLACE_YES, NULL, err));
}

static void
a_copy_has_the_bytes_and_is_another_resource(void **state)
{
	struct store *s = *state;
	struct resource made, from, to;
	bool created = false;

	must_put(s, "/f", "hello");
	assert_ok(store_copy(s, at("/f"), at("/g"), REPLACE_NO, NULL, NULL,
	    &made, &created, err));
	assert_true(created);
	must_have(s, "/f", "hello");
	must_have(s, "/g", "hello");
	from = must_stat(s, "/f");
	to = must_stat(s, "/g");
	assert_memory_not_equal(&from.id, &to.id, sizeof(to.id));
	assert_memory_equal(&made.id, &to.id, sizeof(to.id));
	assert_str_equal(resource_etag(&made), resource_etag(&to));
	assert_false(str_eq(resource_etag(&from), resource_etag(&to)));
}

static void
an_empty_file_can_be_copied(void **state)
{
	struct store *s = *state;

	must_put(s, "/f", "");
	must_copy(s, "/f", "/g");
	must_have(s, "/g", "");
}

static void
copies_go_their_own_ways(void **state)
{
	struct store *s = *state;

	must_put(s, "/f", "one");
	must_set_prop(s, "/f", "p", "1");
	must_copy(s, "/f", "/g");
	must_put(s, "/f", "two");
	must_set_prop(s, "/f", "p", "2");
	must_have(s, "/g", "one");
	must_have_props(s, "/g", "p=1;");
	must_set_prop(s, "/g", "q", "3");
	must_have_props(s, "/f", "p=2;");
}

static void
a_collection_is_copied_without_its_members(void **state)
{
	struct store *s = *state;
	struct resource made;
	bool created = false;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "x");
	must_set_prop(s, "/d", "p", "1");
	assert_ok(store_copy(s, at("/d"), at("/e"), REPLACE_NO, NULL, NULL,
	    &made, &created, err));
	assert_true(created);
	assert_true(made.collection);
	assert_true(must_stat(s, "/e").collection);
	must_have_props(s, "/e", "p=1;");
	must_lack(s, "/e/f");
	must_have(s, "/d/f", "x");
}

static void
a_collection_over_a_collection_keeps_members(void **state)
{
	struct store *s = *state;
	struct resource before, after;
	bool created = true;

	must_mkcol(s, "/d");
	must_set_prop(s, "/d", "p", "new");
	must_mkcol(s, "/e");
	must_put(s, "/e/f", "x");
	must_set_prop(s, "/e", "q", "old");
	before = must_stat(s, "/e");
	assert_ok(copy(s, "/d", "/e", REPLACE_YES, &created, err));
	assert_false(created);
	after = must_stat(s, "/e");
	assert_memory_equal(&before.id, &after.id, sizeof(after.id));
	must_have(s, "/e/f", "x");
	must_have_props(s, "/e", "p=new;");
	must_mkcol(s, "/bare");
	must_copy(s, "/bare", "/e");
	must_have_props(s, "/e", "");
}

static void
nothing_is_replaced_unless_told(void **state)
{
	struct store *s = *state;
	size_t i;

	must_put(s, "/f", "f");
	must_put(s, "/g", "g");
	must_mkcol(s, "/d");
	must_mkcol(s, "/e");
	for (i = 0; i < ARRAY_LEN(both); i++) {
		assert_fails(
		    both[i](s, "/f", "/g", REPLACE_NO, NULL, err), ERR_EXISTS);
		assert_fails(
		    both[i](s, "/f", "/d", REPLACE_NO, NULL, err), ERR_EXISTS);
		assert_fails(
		    both[i](s, "/d", "/f", REPLACE_NO, NULL, err), ERR_EXISTS);
		assert_fails(
		    both[i](s, "/d", "/e", REPLACE_NO, NULL, err), ERR_EXISTS);
	}
	must_have(s, "/f", "f");
	must_have(s, "/g", "g");
	assert_string_equal(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN),
	    "/\n/d/\n/e/\n/f\n/g\n");
}

static void
replacing_a_file_replaces_its_properties(void **state)
{
	struct store *s = *state;
	bool created = true;
	size_t i;

	for (i = 0; i < ARRAY_LEN(both); i++) {
		must_put(s, "/f", "f");
		must_set_prop(s, "/f", "p", "f");
		must_put(s, "/g", "g");
		must_set_prop(s, "/g", "q", "g");
		assert_ok(both[i](s, "/f", "/g", REPLACE_YES, &created, err));
		assert_false(created);
		must_have(s, "/g", "f");
		must_have_props(s, "/g", "p=f;");
	}
	must_lack(s, "/f");
}

static void
a_file_takes_the_place_of_a_tree(void **state)
{
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(both); i++) {
		must_put(s, "/f", "f");
		must_mkcol(s, "/d");
		must_mkcol(s, "/d/e");
		must_put(s, "/d/e/g", "g");
		must_set_prop(s, "/d/e/g", "p", "gone");
		assert_ok(both[i](s, "/f", "/d", REPLACE_YES, NULL, err));
		must_have(s, "/d", "f");
		must_lack(s, "/d/e/g");
		assert_ok(store_remove(s, at("/d"), NULL, NULL, err));
	}
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n");
}

static void
a_collection_takes_the_place_of_a_file(void **state)
{
	struct store *s = *state;
	size_t i;

	must_mkcol(s, "/d");
	must_set_prop(s, "/d", "p", "1");
	must_put(s, "/d/g", "g");
	for (i = 0; i < ARRAY_LEN(both); i++) {
		must_put(s, "/f", "f");
		assert_ok(both[i](s, "/d", "/f", REPLACE_YES, NULL, err));
		assert_true(must_stat(s, "/f").collection);
		must_have_props(s, "/f", "p=1;");
		if (both[i] == copy)
			assert_ok(store_remove(s, at("/f"), NULL, NULL, err));
	}
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/f/\n/f/g\n");
}

static void
a_rename_keeps_everything_but_the_name(void **state)
{
	struct store *s = *state;
	struct resource before, after;
	bool created = false;

	must_mkcol(s, "/d");
	must_mkcol(s, "/d/e");
	must_put(s, "/d/e/f", "f");
	must_set_prop(s, "/d/e/f", "p", "1");
	must_set_prop(s, "/d", "q", "2");
	before = must_stat(s, "/d/e/f");
	assert_ok(rename_to(s, "/d", "/n", REPLACE_NO, &created, err));
	assert_true(created);
	after = must_stat(s, "/n/e/f");
	assert_memory_equal(&before.id, &after.id, sizeof(after.id));
	assert_str_equal(resource_etag(&before), resource_etag(&after));
	must_have_props(s, "/n/e/f", "p=1;");
	must_have_props(s, "/n", "q=2;");
	assert_string_equal(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN),
	    "/\n/n/\n/n/e/\n/n/e/f\n");
}

static void
a_tree_takes_the_place_of_a_tree(void **state)
{
	struct store *s = *state;
	bool created = true;

	must_mkcol(s, "/a");
	must_put(s, "/a/1", "new");
	must_mkcol(s, "/b");
	must_mkcol(s, "/b/c");
	must_put(s, "/b/c/1", "old");
	assert_ok(rename_to(s, "/a", "/b", REPLACE_YES, &created, err));
	assert_false(created);
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/b/\n/b/1\n");
	must_have(s, "/b/1", "new");
}

static void
renaming_goes_up_and_down_the_tree(void **state)
{
	struct store *s = *state;

	must_mkcol(s, "/a");
	must_mkcol(s, "/a/b");
	must_put(s, "/f", "f");
	must_rename(s, "/f", "/a/b/f");
	must_have(s, "/a/b/f", "f");
	must_rename(s, "/a/b", "/b");
	must_have(s, "/b/f", "f");
	must_lack(s, "/a/b");
}

static void
what_overlaps_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "/d", "/d" },
		{ "/d/f", "/d/f" },
		{ "/d", "/d/e" },
		{ "/d", "/d/e/deep" },
		{ "/d/e", "/d" },
		{ "/d/f", "/d" },
		{ "/", "/x" },
		{ "/d", "/" },
	};
	struct store *s = *state;
	size_t i, k;

	must_mkcol(s, "/d");
	must_mkcol(s, "/d/e");
	must_put(s, "/d/f", "f");
	for (i = 0; i < ARRAY_LEN(cases); i++)
		for (k = 0; k < ARRAY_LEN(both); k++)
			assert_fails(both[k](s, cases[i].from, cases[i].to,
					 REPLACE_YES, NULL, err),
			    ERR_SELF);
	/* A longer name is not a member. */
	must_rename(s, "/d", "/dd");
	assert_string_equal(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN),
	    "/\n/dd/\n/dd/e/\n/dd/f\n");
}

static void
what_is_not_there_cannot_be_copied_or_renamed(void **state)
{
	struct store *s = *state;
	size_t i;

	must_put(s, "/f", "f");
	for (i = 0; i < ARRAY_LEN(both); i++)
		assert_fails(both[i](s, "/no", "/f", REPLACE_YES, NULL, err),
		    ERR_NOT_FOUND);
	must_have(s, "/f", "f");
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(a_copy_has_the_bytes_and_is_another_resource),
	cmocka_unit_test(an_empty_file_can_be_copied),
	cmocka_unit_test(copies_go_their_own_ways),
	cmocka_unit_test(a_collection_is_copied_without_its_members),
	cmocka_unit_test(a_collection_over_a_collection_keeps_members),
	cmocka_unit_test(nothing_is_replaced_unless_told),
	cmocka_unit_test(replacing_a_file_replaces_its_properties),
	cmocka_unit_test(a_file_takes_the_place_of_a_tree),
	cmocka_unit_test(a_collection_takes_the_place_of_a_file),
	cmocka_unit_test(a_rename_keeps_everything_but_the_name),
	cmocka_unit_test(a_tree_takes_the_place_of_a_tree),
	cmocka_unit_test(renaming_goes_up_and_down_the_tree),
	cmocka_unit_test(what_overlaps_is_refused),
	cmocka_unit_test(what_is_not_there_cannot_be_copied_or_renamed),
};

const struct tests copy_tests = { rows, ARRAY_LEN(rows) };
