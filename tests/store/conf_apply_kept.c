/* SPDX-License-Identifier: MIT */
/* Conformance: locks and records, when changes are made at once. */
#include "store/apply_suite.h"
#include "store/lock_suite.h"

static size_t
locks_on(struct store *s, const char *path)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *l;
	size_t n;

	assert_ok(store_locks(s, at(path), &a, &l, &n, err));
	return n;
}

static void
locks_go_with_what_goes(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_put(s, "/g", "g");
	must_put(s, "/h", "h");
	must_put(s, "/k", "k");
	(void)lock_at(s, "/d/f", DEPTH_0, false, "ann");
	(void)lock_at(s, "/d", DEPTH_0, false, "ann");
	(void)lock_at(s, "/g", DEPTH_0, false, "ann");
	(void)lock_at(s, "/h", DEPTH_0, false, "ann");
	(void)lock_at(s, "/k", DEPTH_0, false, "ann");
	edit_move(&l, "/d", "/e");
	edit_remove(&l, "/g");
	edit_file(&l, "/h", "new");
	must_apply(&l);
	assert_int_equal(locks_on(s, "/d"), 0);
	assert_int_equal(locks_on(s, "/d/f"), 0);
	assert_int_equal(locks_on(s, "/e/f"), 0);
	assert_int_equal(locks_on(s, "/g"), 0);
	assert_int_equal(locks_on(s, "/h"), 1);
	assert_int_equal(locks_on(s, "/k"), 1);
}

static void
locks_stay_where_something_comes(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_put(s, "/g", "g");
	(void)lock_at(s, "/d", DEPTH_0, false, "ann");
	(void)lock_at(s, "/d/f", DEPTH_0, false, "ann");
	(void)lock_at(s, "/g", DEPTH_0, false, "ann");
	edit_remove(&l, "/d");
	edit_file(&l, "/d", "a file");
	edit_move(&l, "/g", "/n");
	edit_mkcol(&l, "/g");
	must_apply(&l);
	assert_int_equal(locks_on(s, "/d"), 1);
	assert_int_equal(locks_on(s, "/d/f"), 0);
	assert_int_equal(locks_on(s, "/g"), 1);
	assert_int_equal(locks_on(s, "/n"), 0);
}

static void
locks_stay_when_nothing_is_applied(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_put(s, "/g", "g");
	(void)lock_at(s, "/g", DEPTH_0, false, "ann");
	edit_remove(&l, "/g");
	edit_mkcol(&l, "/no/parent");
	assert_fails(edits_apply(&l, err), ERR_NO_PARENT);
	edits_done(&l);
	assert_int_equal(locks_on(s, "/g"), 1);
}

static bool
recall(struct store *s, const char *key, struct arena *a, struct recalled *out)
{
	bool found;

	assert_ok(store_recall(s, str_from_c(key), a, out, &found, err));
	return found;
}

static void
records_come_with_what_they_are_about(void **state)
{
	const struct record records[] = {
		{ .key = STR("one"), .print = STR("1"), .expires = INT64_MAX },
		{ .key = STR("two"), .print = STR("2"), .expires = INT64_MAX },
		{ .key = STR("three"),
		    .print = STR("3"),
		    .expires = INT64_MAX },
	};
	struct store *s = *state;
	struct edits l = { .store = s };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct recalled r;
	struct edit *e;
	size_t i;

	must_put(s, "/f", "old");
	must_put(s, "/g", "old");
	for (i = 0; i < 2; i++) {
		e = edit_file(&l, "/f", "new");
		e->record = &records[0];
		edit_mkcol(&l, "/d")->record = &records[1];
		edit_remove(&l, "/g")->record = &records[2];
		if (!i) {
			edit_mkcol(&l, "/no/parent");
			assert_fails(edits_apply(&l, err), ERR_NO_PARENT);
			edits_done(&l);
			assert_false(recall(s, "one", &a, &r));
			assert_false(recall(s, "two", &a, &r));
			assert_false(recall(s, "three", &a, &r));
		}
	}
	assert_ok(edits_apply(&l, err));
	assert_true(recall(s, "one", &a, &r));
	assert_str_equal(r.print, STR("1"));
	assert_false(r.created);
	assert_false(r.begun);
	assert_str_equal(r.path.s, STR("/f"));
	assert_str_equal(r.etag, resource_etag(&e->made));
	assert_true(recall(s, "two", &a, &r));
	assert_true(r.created);
	assert_str_equal(r.path.s, STR("/d"));
	assert_true(recall(s, "three", &a, &r));
	assert_str_equal(r.path.s, STR("/g"));
	edits_done(&l);
}

static void
locks_that_are_to_go_do_whatever_comes(void **state)
{
	struct store *s = *state;
	struct edits l = { .store = s };

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_put(s, "/g", "g");
	(void)lock_at(s, "/d", DEPTH_0, false, "ann");
	(void)lock_at(s, "/d/f", DEPTH_0, false, "ann");
	(void)lock_at(s, "/g", DEPTH_0, false, "ann");
	edit_file(&l, "/g", "made again");
	edit_unlock(&l, "/g");
	edit_unlock(&l, "/d");
	must_apply(&l);
	assert_int_equal(locks_on(s, "/d"), 0);
	assert_int_equal(locks_on(s, "/d/f"), 0);
	assert_int_equal(locks_on(s, "/g"), 0);
	must_have(s, "/d/f", "f");
}

static void
records_may_come_alone(void **state)
{
	const struct record one = { STR("one"), STR("1"), INT64_MAX, false,
		false };
	const struct record two = { STR("two"), STR("2"), INT64_MAX, false,
		false };
	struct store *s = *state;
	struct edits l = { .store = s };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct recalled r;
	struct edit *e;

	must_put(s, "/f", "f");
	e = edit_record(&l, "/f", &one);
	e->made = must_stat(s, "/f");
	e->result = STR("said");
	e = edit_record(&l, "/f", &two);
	e->created = true;
	must_apply(&l);
	assert_true(recall(s, "one", &a, &r));
	assert_false(r.created);
	assert_str_equal(r.result, STR("said"));
	assert_str_equal(r.path.s, STR("/f"));
	assert_int_equal(r.etag.len, must_stat(s, "/f").etag_len);
	assert_true(recall(s, "two", &a, &r));
	assert_true(r.created);
	assert_int_equal(r.result.len, 0);
	assert_int_equal(r.etag.len, 0);
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(locks_go_with_what_goes),
	cmocka_unit_test(locks_stay_where_something_comes),
	cmocka_unit_test(locks_stay_when_nothing_is_applied),
	cmocka_unit_test(records_come_with_what_they_are_about),
	cmocka_unit_test(locks_that_are_to_go_do_whatever_comes),
	cmocka_unit_test(records_may_come_alone),
};

const struct tests apply_kept_tests = { rows, ARRAY_LEN(rows) };
