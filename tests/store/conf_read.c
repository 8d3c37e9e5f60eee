/* SPDX-License-Identifier: MIT */
/* Conformance: looking at resources and reading them. */
#include "store/suite.h"

static void
a_new_store_has_an_empty_root(void **state)
{
	struct store *s = *state;
	struct resource r = must_stat(s, "/");

	assert_true(r.collection);
	assert_int_equal(r.length, 0);
	assert_int_equal(r.etag_len, 0);
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n");
}

static void
what_is_not_there_is_not_found(void **state)
{
	static const char *const missing[] = { "/a", "/a/b", "/f/x", "/f/x/y" };
	struct store *s = *state;
	struct content *c;
	struct space space;
	size_t i;

	must_put(s, "/f", "x");
	for (i = 0; i < ARRAY_LEN(missing); i++) {
		struct rpath path = at(missing[i]);

		must_lack(s, missing[i]);
		assert_fails(store_open(s, path, &c, err), ERR_NOT_FOUND);
		assert_fails(
		    store_remove(s, path, NULL, NULL, err), ERR_NOT_FOUND);
		assert_fails(store_patch(s, path, NULL, 0, NULL, NULL, err),
		    ERR_NOT_FOUND);
		assert_fails(store_space(s, path, &space, err), ERR_NOT_FOUND);
	}
}

static void
a_file_says_what_it_is(void **state)
{
	struct store *s = *state;
	struct resource r;
	struct str etag;

	must_put(s, "/f", "hello");
	r = must_stat(s, "/f");
	etag = resource_etag(&r);
	assert_false(r.collection);
	assert_false(r.has_props);
	assert_int_equal(r.length, 5);
	assert_true(r.modified > INT64_C(1500000000) * 1000000000);
	assert_true(r.created > INT64_C(1500000000) * 1000000000);
	assert_in_range(etag.len, 3, ETAG_MAX);
	assert_int_equal(etag.ptr[0], '"');
	assert_int_equal(etag.ptr[etag.len - 1], '"');
}

static void
stat_walk_and_open_agree(void **state)
{
	struct store *s = *state;
	struct resource r;
	struct content *c;

	must_put(s, "/f", "hello");
	r = must_stat(s, "/f");
	assert_ok(store_open(s, at("/f"), &c, err));
	assert_memory_equal(&content_resource(c)->id, &r.id, sizeof(r.id));
	assert_str_equal(resource_etag(content_resource(c)), resource_etag(&r));
	assert_int_equal(content_resource(c)->modified, r.modified);
	assert_int_equal(content_resource(c)->created, r.created);
	content_free(c);
}

static void
a_collection_has_no_content(void **state)
{
	struct store *s = *state;
	struct content *c;

	must_mkcol(s, "/d");
	assert_fails(store_open(s, at("/d"), &c, err), ERR_IS_COLLECTION);
	assert_fails(store_open(s, at("/"), &c, err), ERR_IS_COLLECTION);
}

static void
reading_may_start_and_end_anywhere(void **state)
{
	static const struct {
		uint64_t from;
		size_t max;
		const char *want;
	} cases[] = {
		{ 0, 10, "0123456789" },
		{ 0, 4, "0123" },
		{ 4, 3, "456" },
		{ 7, 8, "789" },
		{ 10, 4, "" },
		{ 1000, 4, "" },
		{ 0, 0, "" },
	};
	struct store *s = *state;
	struct content *c;
	size_t i;

	must_put(s, "/f", "0123456789");
	assert_ok(store_open(s, at("/f"), &c, err));
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		char out[16];
		size_t got = 99;

		assert_ok(content_read(
		    c, cases[i].from, out, cases[i].max, &got, err));
		assert_str_equal(str_of(out, got), str_from_c(cases[i].want));
	}
	content_free(c);
}

static void
what_was_opened_stays_as_it_was(void **state)
{
	struct store *s = *state;
	struct content *c;
	char out[16];
	size_t got;

	must_put(s, "/f", "before");
	assert_ok(store_open(s, at("/f"), &c, err));
	must_put(s, "/f", "behind");
	assert_ok(content_read(c, 0, out, sizeof(out), &got, err));
	assert_str_equal(str_of(out, got), STR("before"));
	assert_ok(store_remove(s, at("/f"), NULL, NULL, err));
	assert_ok(content_read(c, 3, out, sizeof(out), &got, err));
	assert_str_equal(str_of(out, got), STR("ore"));
	content_free(c);
}

static void
space_is_known_for_every_resource(void **state)
{
	struct store *s = *state;
	struct space space = { 0 };

	must_put(s, "/f", "x");
	assert_ok(store_space(s, at("/f"), &space, err));
	assert_true(space.available > 0);
	assert_ok(store_space(s, at("/"), &space, err));
	assert_true(space.available > 0);
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(a_new_store_has_an_empty_root),
	cmocka_unit_test(what_is_not_there_is_not_found),
	cmocka_unit_test(a_file_says_what_it_is),
	cmocka_unit_test(stat_walk_and_open_agree),
	cmocka_unit_test(a_collection_has_no_content),
	cmocka_unit_test(reading_may_start_and_end_anywhere),
	cmocka_unit_test(what_was_opened_stays_as_it_was),
	cmocka_unit_test(space_is_known_for_every_resource),
};

const struct tests read_tests = { rows, ARRAY_LEN(rows) };
