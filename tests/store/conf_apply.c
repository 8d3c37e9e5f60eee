/* SPDX-License-Identifier: MIT */
/* Conformance: changes made at once. */
#include "store/apply_suite.h"

#include "base/clock.h"

static const char *
all(struct store *s)
{
	return walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN);
}

/* ---- each kind by itself */

static void
nothing_to_apply_is_fine(void **state)
{
	struct edits l = { .store = *state };

	must_apply(&l);
	assert_string_equal(all(*state), "/\n");
}

static void
a_new_file_is_what_it_was_settled_to_be(void **state)
{
	struct edits l = { .store = *state };
	struct resource was, is;
	struct edit *e = edit_file(&l, "/f", "hello");

	was = e->made;
	assert_int_equal(was.length, 5);
	assert_ok(edits_apply(&l, err));
	must_have(*state, "/f", "hello");
	is = must_stat(*state, "/f");
	assert_memory_equal(&is.id, &was.id, sizeof(is.id));
	assert_str_equal(resource_etag(&is), resource_etag(&was));
	assert_int_equal(is.modified, was.modified);
	assert_str_equal(resource_etag(&e->made), resource_etag(&is));
	edits_done(&l);
}

static void
a_staged_file_can_be_read_before_it_has_a_path(void **state)
{
	struct edits l = { .store = *state };
	struct edit *e = edit_file(&l, "/f", "hello");
	struct resource again;
	struct content *c;
	char bytes[8];
	size_t got;

	assert_ok(upload_open(e->file, &c, err));
	assert_ok(content_read(c, 1, bytes, sizeof(bytes), &got, err));
	assert_str_equal(str_of(bytes, got), STR("ello"));
	assert_str_equal(
	    resource_etag(content_resource(c)), resource_etag(&e->made));
	assert_ok(upload_settle(e->file, &again, err));
	assert_str_equal(resource_etag(&again), resource_etag(&e->made));
	content_free(c);
	edits_done(&l);
	assert_string_equal(all(*state), "/\n");
}

static void
a_modified_time_that_was_given_is_kept(void **state)
{
	const struct upload_spec spec = {
		.has_modified = true,
		.modified = 1000000000 * NSEC_PER_SEC,
	};
	struct edits l = { .store = *state };
	struct edit *e = edit_file(&l, "/f", "x");

	upload_free(e->file);
	assert_ok(store_stage(l.store, at("/"), &spec, &e->file, err));
	must_apply(&l);
	assert_int_equal(must_stat(*state, "/f").modified, spec.modified);
	must_have(*state, "/f", "");
}

static void
what_is_staged_near_nothing_is_refused(void **state)
{
	struct upload *u;

	assert_fails(
	    store_stage(*state, at("/no"), NULL, &u, err), ERR_NOT_FOUND);
}

static void
a_file_takes_the_place_of_a_file(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };
	struct resource was;
	struct content *c;
	char bytes[8];
	size_t got;

	must_put(s, "/f", "old");
	must_set_prop(s, "/f", "old", "1");
	was = must_stat(s, "/f");
	assert_ok(store_open(s, at("/f"), &c, err));
	edit_set(&l, edit_file(&l, "/f", "new"), "2");
	must_apply(&l);
	must_have(s, "/f", "new");
	must_have_props(s, "/f", "p=2;");
	assert_false(str_eq(
	    resource_etag(&was), resource_etag(&(struct resource){ 0 })));
	assert_ok(content_read(c, 0, bytes, sizeof(bytes), &got, err));
	assert_str_equal(str_of(bytes, got), STR("old"));
	content_free(c);
}

static void
a_collection_is_made_with_properties_and_members(void **state)
{
	struct edits l = { .store = *state };
	struct edit *e = edit_mkcol(&l, "/d");

	edit_set(&l, e, "1");
	edit_mkcol(&l, "/d/e");
	edit_set(&l, edit_file(&l, "/d/e/f", "f"), "2");
	assert_ok(edits_apply(&l, err));
	assert_true(e->made.collection);
	edits_done(&l);
	assert_string_equal(all(*state), "/\n/d/\n/d/e/\n/d/e/f\n");
	must_have_props(*state, "/d", "p=1;");
	must_have_props(*state, "/d/e/f", "p=2;");
}

static void
a_tree_is_removed_whole(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/d");
	must_mkcol(s, "/d/e");
	must_put(s, "/d/e/f", "f");
	must_put(s, "/g", "g");
	edit_remove(&l, "/d");
	edit_remove(&l, "/g");
	must_apply(&l);
	assert_string_equal(all(s), "/\n");
}

static void
what_is_moved_keeps_everything_but_the_name(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };
	struct resource before, after;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_set_prop(s, "/d/f", "p", "1");
	before = must_stat(s, "/d/f");
	edit_move(&l, "/d", "/e");
	must_apply(&l);
	after = must_stat(s, "/e/f");
	assert_memory_equal(&before.id, &after.id, sizeof(after.id));
	assert_str_equal(resource_etag(&before), resource_etag(&after));
	must_have_props(s, "/e/f", "p=1;");
	assert_string_equal(all(s), "/\n/e/\n/e/f\n");
}

static void
properties_are_those_given_and_no_others(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };
	struct resource before, after;

	must_put(s, "/f", "f");
	must_set_prop(s, "/f", "q", "old");
	must_put(s, "/g", "g");
	must_set_prop(s, "/g", "q", "old");
	must_put(s, "/h", "h");
	must_mkcol(s, "/d");
	before = must_stat(s, "/f");
	edit_props(&l, "/f", "new");
	edit_props(&l, "/g", NULL);
	edit_props(&l, "/h", "first");
	edit_props(&l, "/d", "of a collection");
	must_apply(&l);
	must_have_props(s, "/f", "p=new;");
	must_have_props(s, "/g", "");
	must_have_props(s, "/h", "p=first;");
	must_have_props(s, "/d", "p=of a collection;");
	after = must_stat(s, "/f");
	assert_memory_equal(&before.id, &after.id, sizeof(after.id));
	assert_str_equal(resource_etag(&before), resource_etag(&after));
}

/* ---- together */

static void
two_names_are_swapped(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_put(s, "/a", "a");
	must_mkcol(s, "/b");
	must_put(s, "/b/f", "b");
	edit_move(&l, "/a", "/b");
	edit_move(&l, "/b", "/a");
	must_apply(&l);
	must_have(s, "/b", "a");
	must_have(s, "/a/f", "b");
	assert_string_equal(all(s), "/\n/a/\n/a/f\n/b\n");
}

static void
a_parent_and_its_child_change_places(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/a");
	must_put(s, "/a/f", "of a");
	must_mkcol(s, "/a/b");
	must_put(s, "/a/b/g", "of b");
	edit_move(&l, "/a/b", "/a");
	edit_move(&l, "/a", "/a/b");
	must_apply(&l);
	assert_string_equal(all(s), "/\n/a/\n/a/b/\n/a/b/f\n/a/g\n");
}

static void
members_move_into_a_new_collection(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_put(s, "/f", "f");
	must_mkcol(s, "/d");
	must_put(s, "/d/g", "g");
	edit_mkcol(&l, "/n");
	edit_mkcol(&l, "/n/m");
	edit_move(&l, "/f", "/n/f");
	edit_move(&l, "/d", "/n/m/d");
	edit_file(&l, "/n/m/d/new", "new");
	must_apply(&l);
	assert_string_equal(
	    all(s), "/\n/n/\n/n/f\n/n/m/\n/n/m/d/\n/n/m/d/g\n/n/m/d/new\n");
}

static void
a_child_survives_its_parent(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/d");
	must_mkcol(s, "/d/e");
	must_put(s, "/d/e/f", "f");
	must_set_prop(s, "/d/e/f", "p", "1");
	must_put(s, "/d/g", "g");
	edit_remove(&l, "/d");
	edit_move(&l, "/d/e/f", "/f");
	must_apply(&l);
	assert_string_equal(all(s), "/\n/f\n");
	must_have_props(s, "/f", "p=1;");
}

static void
what_goes_is_followed_by_another_kind(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_set_prop(s, "/d", "q", "1");
	must_put(s, "/g", "g");
	edit_remove(&l, "/d");
	edit_file(&l, "/d", "a file");
	edit_remove(&l, "/g");
	edit_mkcol(&l, "/g");
	edit_file(&l, "/g/f", "in it");
	must_apply(&l);
	assert_string_equal(all(s), "/\n/d\n/g/\n/g/f\n");
	must_have(s, "/d", "a file");
	must_have_props(s, "/d", "");
}

static void
what_moves_gets_properties_where_it_comes(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_set_prop(s, "/d", "q", "1");
	must_set_prop(s, "/d/f", "q", "2");
	edit_move(&l, "/d", "/e");
	edit_props(&l, "/e", "dir");
	edit_props(&l, "/e/f", "file");
	must_apply(&l);
	must_have_props(s, "/e", "p=dir;");
	must_have_props(s, "/e/f", "p=file;");
}

static void
names_go_round_in_a_circle(void **state)
{
	static const char *const from[] = { "/1", "/2", "/3", "/d/4" };
	static const char *const to[] = { "/2", "/3", "/d/4", "/1" };
	struct store *s = *state;
	struct edits l = { .store = s };
	size_t i;

	must_mkcol(s, "/d");
	for (i = 0; i < ARRAY_LEN(from); i++)
		must_put(s, from[i], from[i]);
	for (i = 0; i < ARRAY_LEN(from); i++)
		edit_move(&l, from[i], to[i]);
	must_apply(&l);
	for (i = 0; i < ARRAY_LEN(from); i++)
		must_have(s, to[i], from[i]);
}

/* ---- what is refused */

static void
what_cannot_be_done_leaves_all_as_it_was(void **state)
{
	static const struct {
		const char *what;
		enum edit_kind kind;
		const char *path, *to;
		enum err_code want;
	} cases[] = {
		{ "nothing to remove", EDIT_REMOVE, "/no", NULL,
		    ERR_NOT_FOUND },
		{ "nothing to move", EDIT_MOVE, "/no", "/n", ERR_NOT_FOUND },
		{ "the root goes", EDIT_REMOVE, "/", NULL, ERR_FORBIDDEN },
		{ "a collection where one is", EDIT_MKCOL, NULL, "/d",
		    ERR_EXISTS },
		{ "a collection where a file is", EDIT_MKCOL, NULL, "/g",
		    ERR_EXISTS },
		{ "a move to what stays", EDIT_MOVE, "/g", "/d", ERR_EXISTS },
		{ "no parent", EDIT_MKCOL, NULL, "/no/n", ERR_NO_PARENT },
		{ "a file for a parent", EDIT_MKCOL, NULL, "/g/n",
		    ERR_NO_PARENT },
		{ "properties of nothing", EDIT_PROPS, NULL, "/no",
		    ERR_NOT_FOUND },
		{ "properties of what goes", EDIT_PROPS, NULL, "/d/e",
		    ERR_NOT_FOUND },
	};
	struct store *s = *state;
	struct resource before;
	size_t i;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_mkcol(s, "/d/e");
	must_put(s, "/g", "g");
	must_set_prop(s, "/g", "p", "1");
	before = must_stat(s, "/g");
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct edits l = { .store = s };
		struct edit *e;
		struct err why = { 0 };
		enum err_code rc;
		struct resource after;

		edit_remove(&l, "/d/e");
		edit_move(&l, "/d/f", "/f");
		edit_mkcol(&l, "/new");
		edit_file(&l, "/new/n", "n");
		e = edit_props(&l, "/new", NULL);
		e->kind = cases[i].kind;
		e->path = at(cases[i].path ? cases[i].path : "");
		e->to = at(cases[i].to ? cases[i].to : "");
		rc = edits_apply(&l, &why);
		if (rc != cases[i].want || why.code != rc)
			fail_msg("%s: %s (%s)", cases[i].what, err_name(rc),
			    why.why);
		edits_done(&l);
		assert_string_equal(all(s), "/\n/d/\n/d/e/\n/d/f\n/g\n");
		must_have(s, "/d/f", "f");
		must_have_props(s, "/g", "p=1;");
		after = must_stat(s, "/g");
		assert_memory_equal(&before.id, &after.id, sizeof(after.id));
	}
}

static void
a_file_does_not_replace_a_collection_that_stays(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/d");
	edit_file(&l, "/a", "a");
	edit_file(&l, "/d", "d");
	assert_fails(edits_apply(&l, err), ERR_EXISTS);
	edits_done(&l);
	assert_string_equal(all(s), "/\n/d/\n");
}

static void
what_failed_can_be_tried_once_more(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };
	int i;

	must_mkcol(s, "/d");
	must_put(s, "/f", "old");
	for (i = 0; i < 2; i++) {
		edit_set(&l, edit_file(&l, "/f", "new"), "1");
		edit_mkcol(&l, "/n");
		edit_file(&l, "/n/f", "in it");
		if (i)
			break;
		edit_mkcol(&l, "/d");
		assert_fails(edits_apply(&l, err), ERR_EXISTS);
		edits_done(&l);
		must_have(s, "/f", "old");
		must_have_props(s, "/f", "");
		must_lack(s, "/n");
	}
	must_apply(&l);
	must_have(s, "/f", "new");
	must_have_props(s, "/f", "p=1;");
	must_have(s, "/n/f", "in it");
}

static void
a_path_without_links_is_its_own(void **state)
{
	static const char *const paths[] = { "/", "/d", "/d/no", "/no/no/no" };
	struct store *s = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct rpath out;
	size_t i;

	must_mkcol(s, "/d");
	for (i = 0; i < ARRAY_LEN(paths); i++) {
		assert_ok(store_resolve(s, at(paths[i]), &a, &out, err));
		assert_str_equal(out.s, str_from_c(paths[i]));
	}
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(nothing_to_apply_is_fine),
	cmocka_unit_test(a_new_file_is_what_it_was_settled_to_be),
	cmocka_unit_test(a_staged_file_can_be_read_before_it_has_a_path),
	cmocka_unit_test(a_modified_time_that_was_given_is_kept),
	cmocka_unit_test(what_is_staged_near_nothing_is_refused),
	cmocka_unit_test(a_file_takes_the_place_of_a_file),
	cmocka_unit_test(a_collection_is_made_with_properties_and_members),
	cmocka_unit_test(a_tree_is_removed_whole),
	cmocka_unit_test(what_is_moved_keeps_everything_but_the_name),
	cmocka_unit_test(properties_are_those_given_and_no_others),
	cmocka_unit_test(two_names_are_swapped),
	cmocka_unit_test(a_parent_and_its_child_change_places),
	cmocka_unit_test(members_move_into_a_new_collection),
	cmocka_unit_test(a_child_survives_its_parent),
	cmocka_unit_test(what_goes_is_followed_by_another_kind),
	cmocka_unit_test(what_moves_gets_properties_where_it_comes),
	cmocka_unit_test(names_go_round_in_a_circle),
	cmocka_unit_test(what_cannot_be_done_leaves_all_as_it_was),
	cmocka_unit_test(a_file_does_not_replace_a_collection_that_stays),
	cmocka_unit_test(what_failed_can_be_tried_once_more),
	cmocka_unit_test(a_path_without_links_is_its_own),
};

const struct tests apply_tests = { rows, ARRAY_LEN(rows) };
