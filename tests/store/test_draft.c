/* SPDX-License-Identifier: MIT */
/* Drafts: what they cost, what they apply, and what is left of a failure. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/alloc_fail.h"
#include "lib/locks.h"
#include "store/draft.h"
#include "store/stores.h"
#include "store/suite.h"

struct world {
	struct store *base; /* a fault store */
	struct store *s; /* the draft */
};

static void
begin(struct world *w, size_t max_changed, bool dry)
{
	const struct draft_spec spec = { .dry = dry,
		.max_changed = max_changed };

	store_close(w->s);
	assert_ok(draft_new(w->base, &spec, &w->s, err));
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct store *inner;

	assert_non_null(w);
	assert_ok(mem_store_new(&inner, err));
	assert_ok(fault_store_new(inner, &w->base, err));
	begin(w, 1000, false);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	store_close(w->s);
	store_close(w->base);
	free(w);
	return 0;
}

static enum err_code
apply(struct world *w, struct err *err)
{
	struct store_claim *c = NULL;
	enum err_code rc = store_claim(w->base, at("/"), &c, err);

	if (!rc)
		rc = draft_apply(w->s, c, err);
	store_claim_end(c);
	return rc;
}

static const char *
all(struct store *s)
{
	return walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN);
}

static void
fill(struct store *s, const char *dir, int n)
{
	char path[64];

	must_mkcol(s, dir);
	while (n--) {
		(void)snprintf(path, sizeof(path), "%s/f%d", dir, n);
		must_put(s, path, "x");
	}
}

static void
must_rename(struct store *s, const char *from, const char *to)
{
	assert_ok(store_rename(
	    s, at(from), at(to), REPLACE_YES, NULL, NULL, NULL, err));
}

static void
must_remove(struct store *s, const char *path)
{
	assert_ok(store_remove(s, at(path), NULL, NULL, err));
}

/* ---- what it costs */

static void
a_large_tree_is_moved_as_one_resource(void **state)
{
	struct world *w = *state;

	fill(w->base, "/big", 500);
	begin(w, 2, false);
	must_rename(w->s, "/big", "/moved");
	must_have(w->s, "/moved/f77", "x");
	must_lack(w->s, "/big/f77");
	assert_ok(apply(w, err));
	must_have(w->base, "/moved/f499", "x");
	must_lack(w->base, "/big");
}

static void
members_that_went_cost_nothing_once_their_collection_went(void **state)
{
	struct world *w = *state;
	char dir[16];
	int i;

	for (i = 0; i < 9; i++) {
		(void)snprintf(dir, sizeof(dir), "/d%d", i);
		fill(w->base, dir, 20);
	}
	must_put(w->base, "/stays", "x");
	begin(w, 32, false);
	for (i = 0; i < 9; i++) {
		char path[64];
		int k;

		for (k = 0; k < 20; k++) {
			(void)snprintf(path, sizeof(path), "/d%d/f%d", i, k);
			must_remove(w->s, path);
		}
		(void)snprintf(path, sizeof(path), "/d%d", i);
		must_remove(w->s, path);
	}
	assert_ok(apply(w, err));
	assert_string_equal(all(w->base), "/\n/stays\n");
}

static void
more_changes_than_allowed_are_refused_by_number(void **state)
{
	struct world *w = *state;
	struct err why = { 0 };

	begin(w, 3, false);
	must_mkcol(w->s, "/a");
	must_mkcol(w->s, "/a/b");
	must_put(w->s, "/a/f", "x");
	assert_int_equal(
	    store_mkcol(w->s, at("/c"), NULL, NULL, &why), ERR_TOO_LARGE);
	assert_non_null(strstr(why.tell, "3 resources"));
	assert_string_equal(all(w->s), "/\n/a/\n/a/b/\n/a/f\n");
	/* What is there already may change again, and make room. */
	must_put(w->s, "/a/f", "y");
	must_remove(w->s, "/a/b");
	must_mkcol(w->s, "/c");
	assert_ok(apply(w, err));
	must_have(w->base, "/a/f", "y");
}

/* ---- what is applied */

static void
nothing_is_seen_before_it_is_applied(void **state)
{
	struct world *w = *state;

	fill(w->base, "/d", 2);
	must_put(w->s, "/d/f0", "new");
	must_rename(w->s, "/d", "/e");
	must_set_prop(w->s, "/e", "p", "1");
	assert_string_equal(all(w->base), "/\n/d/\n/d/f0\n/d/f1\n");
	must_have(w->base, "/d/f0", "x");
	must_have_props(w->base, "/d", "");
	assert_ok(apply(w, err));
	assert_string_equal(all(w->base), "/\n/e/\n/e/f0\n/e/f1\n");
	must_have(w->base, "/e/f0", "new");
	must_have_props(w->base, "/e", "p=1;");
	/* And the draft is empty, and may be used again. */
	assert_string_equal(all(w->s), all(w->base));
	must_put(w->s, "/e/f1", "again");
	assert_ok(apply(w, err));
	must_have(w->base, "/e/f1", "again");
}

static void
collections_may_change_places(void **state)
{
	struct world *w = *state;

	fill(w->base, "/a", 1);
	fill(w->base, "/a/b", 1);
	must_rename(w->s, "/a/b", "/b");
	must_rename(w->s, "/a", "/b/a");
	assert_ok(apply(w, err));
	assert_string_equal(all(w->base), "/\n/b/\n/b/a/\n/b/a/f0\n/b/f0\n");
}

static void
what_was_taken_out_of_a_tree_outlives_it(void **state)
{
	struct world *w = *state;

	fill(w->base, "/a", 1);
	must_rename(w->s, "/a", "/b");
	must_rename(w->s, "/b/f0", "/f");
	must_remove(w->s, "/b");
	assert_ok(apply(w, err));
	assert_string_equal(all(w->base), "/\n/f\n");
}

static void
a_move_there_and_back_leaves_only_the_lock_behind(void **state)
{
	struct world *w = *state;
	struct token t;
	struct shown h;

	fill(w->base, "/a", 1);
	t = lock_at(w->base, "/a/f0", DEPTH_0, false, "");
	assert_ok(store_rename(w->s, at("/a/f0"), at("/f"), REPLACE_NO,
	    show(&h, "", &t, NULL), NULL, NULL, err));
	must_rename(w->s, "/f", "/a/f0");
	assert_locks(w->s, "/a/f0", "");
	assert_locks(w->base, "/a/f0", "/a/f0=x0");
	assert_ok(apply(w, err));
	assert_locks(w->base, "/a/f0", "");
	must_have(w->base, "/a/f0", "x");
}

static void
what_takes_the_place_of_what_went_is_not_locked(void **state)
{
	struct world *w = *state;
	struct token t;
	struct shown h;

	must_put(w->base, "/f", "x");
	must_put(w->base, "/g", "x");
	t = lock_at(w->base, "/f", DEPTH_0, false, "");
	assert_ok(
	    store_remove(w->s, at("/f"), show(&h, "", &t, NULL), NULL, err));
	must_put(w->s, "/f", "y");
	t = lock_at(w->base, "/g", DEPTH_0, false, "");
	assert_ok(put(w->s, "/g", STR("y"), show(&h, "", &t, NULL), NULL, err));
	assert_ok(apply(w, err));
	assert_locks(w->base, "/f", "");
	assert_locks(w->base, "/g", "/g=x0");
}

static void
what_a_dry_run_copies_can_be_read(void **state)
{
	struct world *w = *state;
	struct resource f, g;

	must_put(w->base, "/f", "text");
	begin(w, 10, true);
	assert_ok(store_copy(
	    w->s, at("/f"), at("/g"), REPLACE_NO, NULL, NULL, NULL, NULL, err));
	must_rename(w->s, "/f", "/old");
	must_put(w->s, "/f", "other");
	assert_ok(store_copy(
	    w->s, at("/g"), at("/h"), REPLACE_NO, NULL, NULL, NULL, NULL, err));
	assert_ok(store_copy(
	    w->s, at("/f"), at("/i"), REPLACE_NO, NULL, NULL, NULL, NULL, err));
	must_have(w->s, "/g", "text");
	must_have(w->s, "/h", "text");
	must_have(w->s, "/i", "other");
	f = must_stat(w->s, "/old");
	g = must_stat(w->s, "/g");
	assert_false(str_eq(resource_etag(&f), resource_etag(&g)));
	assert_string_equal(all(w->base), "/\n/f\n");
}

static void
what_was_opened_outlives_the_draft(void **state)
{
	struct world *w = *state;
	struct content *c;
	char bytes[16];
	size_t got;

	must_put(w->s, "/f", "text");
	assert_ok(store_open(w->s, at("/f"), &c, err));
	must_put(w->s, "/f", "other");
	begin(w, 10, false);
	assert_ok(content_read(c, 0, bytes, sizeof(bytes), &got, err));
	assert_str_equal(str_of(bytes, got), STR("text"));
	content_free(c);
}

static void
every_record_is_handed_over(void **state)
{
	struct world *w = *state;
	struct record r[3];
	struct guard g[3];
	size_t i;

	for (i = 0; i < 3; i++) {
		static const char *const keys[] = { "k0", "k1", "k2" };

		r[i] = (struct record){ .key = str_from_c(keys[i]),
			.print = STR("p"),
			.expires = clock_now() + 3600 * NSEC_PER_SEC };
		g[i] = (struct guard){ .record = &r[i] };
	}
	assert_ok(put(w->s, "/f", STR("1"), &g[0], NULL, err));
	assert_ok(put(w->s, "/f", STR("2"), &g[1], NULL, err));
	assert_ok(store_remove(w->s, at("/f"), &g[2], NULL, err));
	assert_ok(store_remember(w->s, &r[1], STR("done"), NULL, err));
	for (i = 0; i < 2; i++) {
		struct store *s = i ? w->base : w->s;
		struct arena a CLEANUP(arena_done) = { 0 };
		struct recalled got = { 0 };
		bool found = false;

		assert_ok(store_recall(s, STR("k0"), &a, &got, &found, err));
		assert_true(found && got.created && got.etag.len);
		assert_ok(store_recall(s, STR("k1"), &a, &got, &found, err));
		assert_true(found && !got.created);
		assert_str_equal(got.path.s, STR("/f"));
		assert_str_equal(got.result, STR("done"));
		assert_ok(store_recall(s, STR("k2"), &a, &got, &found, err));
		assert_true(found && !got.etag.len);
		if (!i) {
			found = true;
			assert_ok(store_recall(
			    w->base, STR("k0"), &a, &got, &found, err));
			assert_false(found);
			assert_ok(apply(w, err));
		}
	}
	assert_string_equal(all(w->base), "/\n");
}

/* ---- what is left of a failure */

/* A bit of everything. */
static enum err_code
change(struct store *s)
{
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("q") },
		    .form = PROP_TEXT,
		    .value = STR("v") },
	};
	enum err_code rc = store_mkcol(s, at("/new"), NULL, NULL, NULL);

	if (!rc)
		rc = put(s, "/new/f", STR("new"), NULL, NULL, NULL);
	if (!rc)
		rc = put(s, "/d/f0", STR("over"), NULL, NULL, NULL);
	if (!rc)
		rc = store_copy(s, at("/d/f1"), at("/new/g"), REPLACE_NO, NULL,
		    NULL, NULL, NULL, NULL);
	if (!rc)
		rc = store_copy(s, at("/d"), at("/e"), REPLACE_YES, NULL, NULL,
		    NULL, NULL, NULL);
	if (!rc)
		rc = store_patch(s, at("/d/f2"), &c, 1, NULL, NULL, NULL);
	if (!rc)
		rc = store_rename(s, at("/d"), at("/new/d"), REPLACE_YES, NULL,
		    NULL, NULL, NULL);
	if (!rc)
		rc = store_remove(s, at("/new/d/f1"), NULL, NULL, NULL);
	return rc;
}

static void
plant(struct world *w)
{
	fill(w->base, "/d", 3);
	must_set_prop(w->base, "/d", "p", "1");
	must_set_prop(w->base, "/d/f0", "p", "2");
	fill(w->base, "/e", 1);
	(void)lock_at(w->base, "/e/f0", DEPTH_0, false, "");
}

static const char planted[] = "/\n/d/\n/d/f0\n/d/f1\n/d/f2\n/e/\n/e/f0\n";

static void
must_be_planted(struct store *s)
{
	assert_string_equal(all(s), planted);
	must_have(s, "/d/f0", "x");
	must_have_props(s, "/d/f0", "p=2;");
	must_have_props(s, "/d/f2", "");
	must_have_props(s, "/e", "");
	assert_locks(s, "/e/f0", "/e/f0=x0");
}

static void
must_be_changed(struct store *s)
{
	assert_string_equal(all(s),
	    "/\n/e/\n/e/f0\n/new/\n/new/d/\n/new/d/f0\n/new/d/f2\n/new/f\n"
	    "/new/g\n");
	must_have(s, "/new/d/f0", "over");
	must_have_props(s, "/new/d/f0", "p=2;");
	must_have_props(s, "/new/d/f2", "q=v;");
	must_have_props(s, "/new/d", "p=1;");
	must_have_props(s, "/e", "p=1;");
	assert_locks(s, "/e/f0", "/e/f0=x0");
}

static void
an_apply_without_memory_changes_nothing(void **state)
{
	struct world *w = *state;
	unsigned long n;

	plant(w);
	for (n = 1;; n++) {
		enum err_code rc;

		assert_int_equal(change(w->s), ERR_OK);
		alloc_fail_at(n);
		rc = apply(w, NULL);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		must_be_planted(w->base);
		begin(w, 1000, false);
	}
	must_be_changed(w->base);
}

static void
changes_without_memory_can_be_made_again(void **state)
{
	struct world *w = *state;
	unsigned long n;

	plant(w);
	for (n = 1;; n++) {
		enum err_code rc;

		begin(w, 1000, false);
		alloc_fail_at(n);
		rc = change(w->s);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		must_be_planted(w->base);
		(void)all(w->s);
	}
	must_be_changed(w->s);
	assert_ok(apply(w, err));
	must_be_changed(w->base);
}

static void
a_base_that_fails_at_any_call_is_left_as_it_was(void **state)
{
	struct world *w = *state;
	unsigned n;

	plant(w);
	for (n = 1;; n++) {
		enum err_code rc;

		begin(w, 1000, false);
		fault_store_fail(w->base, n, ERR_IO, NULL);
		rc = change(w->s);
		if (!rc)
			rc = apply(w, NULL);
		if (!fault_store_fired(w->base)) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		assert_int_equal(rc, ERR_IO);
		must_be_planted(w->base);
	}
	fault_store_fail(w->base, 0, ERR_OK, NULL);
	must_be_changed(w->base);
}

static void
a_change_that_fails_changes_nothing_in_the_draft(void **state)
{
	struct world *w = *state;
	unsigned n;

	plant(w);
	for (n = 1;; n++) {
		enum err_code rc;
		bool fired;

		fault_store_fail(w->base, n, ERR_IO, NULL);
		rc = store_rename(w->s, at("/d"), at("/e"), REPLACE_NO, NULL,
		    NULL, NULL, NULL);
		if (rc == ERR_EXISTS)
			rc = store_rename(w->s, at("/d"), at("/g"), REPLACE_NO,
			    NULL, NULL, NULL, NULL);
		fired = fault_store_fired(w->base);
		fault_store_fail(w->base, 0, ERR_OK, NULL);
		if (!fired) {
			assert_int_equal(rc, ERR_OK);
			break;
		}
		assert_int_equal(rc, ERR_IO);
		must_be_planted(w->s);
	}
	must_have(w->s, "/g/f0", "x");
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		ROW(a_large_tree_is_moved_as_one_resource),
		ROW(members_that_went_cost_nothing_once_their_collection_went),
		ROW(more_changes_than_allowed_are_refused_by_number),
		ROW(nothing_is_seen_before_it_is_applied),
		ROW(collections_may_change_places),
		ROW(what_was_taken_out_of_a_tree_outlives_it),
		ROW(a_move_there_and_back_leaves_only_the_lock_behind),
		ROW(what_takes_the_place_of_what_went_is_not_locked),
		ROW(what_a_dry_run_copies_can_be_read),
		ROW(what_was_opened_outlives_the_draft),
		ROW(every_record_is_handed_over),
		ROW(an_apply_without_memory_changes_nothing),
		ROW(changes_without_memory_can_be_made_again),
		ROW(a_base_that_fails_at_any_call_is_left_as_it_was),
		ROW(a_change_that_fails_changes_nothing_in_the_draft),
	};
#undef ROW

	return cmocka_run_group_tests(tests, NULL, NULL);
}
