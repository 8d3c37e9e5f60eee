/* SPDX-License-Identifier: MIT */
/* Conformance: what becomes of locks (RFC 4918 s6.6, s7.6, s7.7, s9.11). */
#include "store/lock_suite.h"

#include <time.h>

#include "base/clock.h"

#define MSEC (NSEC_PER_SEC / 1000)

static const struct token unknown = {
	"urn:uuid:00000000-0000-4000-8000-000000000000"
};

static enum err_code
refresh(struct store *s, const char *path, const struct lock_tokens *t,
    int64_t timeout, int64_t *expires, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock l = { 0 };
	enum err_code rc =
	    store_lock_refresh(s, at(path), t, timeout, NULL, &a, &l, err);

	if (expires)
		*expires = l.expires;
	return rc;
}

/* ---- how they move, or do not */

static void
locks_are_not_copied(void **state)
{
	struct store *s = *state;

	must_make_tree(s);
	(void)lock_at(s, "/d", DEPTH_INFINITY, false, "");
	assert_ok(store_copy(s, at("/d/f"), at("/copy"), REPLACE_NO, NULL, NULL,
	    NULL, NULL, err));
	assert_ok(store_copy(s, at("/d"), at("/copy.d"), REPLACE_NO, NULL, NULL,
	    NULL, NULL, err));
	assert_locks(s, "/copy", "");
	assert_locks(s, "/copy.d", "");
	assert_locks(s, "/d/f", "/d=xi");
	assert_ok(put(s, "/copy", STR("x"), NULL, NULL, err));
}

static void
locks_are_not_moved(void **state)
{
	struct store *s = *state;
	struct token dir, file;
	struct shown h;

	must_make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/c/g", DEPTH_0, false, "");
	assert_ok(store_rename(s, at("/d"), at("/new"), REPLACE_NO,
	    show(&h, "", &dir, &file), NULL, NULL, err));
	assert_locks(s, "/new", "");
	assert_locks(s, "/new/c/g", "");
	/* Nor do they wait for what may come where they were (s6.1). */
	assert_locks(s, "/d", "");
	assert_locks(s, "/d/c/g", "");
	must_mkcol(s, "/d");
	must_put(s, "/d/f", "again");
}

static void
a_move_out_of_a_locked_collection_unlocks(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	must_make_tree(s);
	t = lock_at(s, "/d", DEPTH_INFINITY, false, "");
	assert_ok(store_rename(s, at("/d/c"), at("/c"), REPLACE_NO,
	    show(&h, "", &t, NULL), NULL, NULL, err));
	assert_locks(s, "/c/g", "");
	assert_locks(s, "/d", "/d=xi");
	assert_ok(put(s, "/c/g", STR("x"), NULL, NULL, err));
	assert_ok(store_rename(s, at("/c"), at("/d/c"), REPLACE_NO,
	    show(&h, "", &t, NULL), NULL, NULL, err));
	assert_locks(s, "/d/c/g", "/d=xi");
	assert_fails(put(s, "/d/c/g", STR("x"), NULL, NULL, err), ERR_LOCKED);
}

static void
a_lock_at_the_destination_stays_and_covers_what_comes(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	must_make_tree(s);
	t = lock_at(s, "/file", DEPTH_INFINITY, false, "");
	(void)show(&h, "", &t, NULL);
	assert_ok(put(s, "/file", STR("x"), &h.guard, NULL, err));
	assert_locks(s, "/file", "/file=xi");
	assert_ok(store_copy(s, at("/d/f"), at("/file"), REPLACE_YES, &h.guard,
	    NULL, NULL, NULL, err));
	assert_locks(s, "/file", "/file=xi");
	assert_ok(store_rename(s, at("/d/f"), at("/file"), REPLACE_YES,
	    &h.guard, NULL, NULL, err));
	assert_locks(s, "/file", "/file=xi");
	assert_ok(store_rename(
	    s, at("/d"), at("/file"), REPLACE_YES, &h.guard, NULL, NULL, err));
	assert_locks(s, "/file/c/g", "/file=xi");
	assert_fails(
	    put(s, "/file/c/g", STR("x"), NULL, NULL, err), ERR_LOCKED);
	assert_ok(put(s, "/file/c/g", STR("x"), &h.guard, NULL, err));
	assert_ok(store_copy(s, at("/e"), at("/file"), REPLACE_YES, &h.guard,
	    NULL, NULL, NULL, err));
	assert_locks(s, "/file/c/g", "/file=xi");
	assert_ok(unlock(s, "/file/c/g", "", &t, err));
}

/* Of a tree that gives way, with a lock at its top and one on a member. */
static void
check_members_locks_go(struct store *s, bool rename, const char *from)
{
	struct token dir, file;
	const struct guard *g;
	struct shown h;

	must_make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	g = show(&h, "", &dir, &file);
	if (rename)
		assert_ok(store_rename(
		    s, at(from), at("/d"), REPLACE_YES, g, NULL, NULL, err));
	else
		assert_ok(store_copy(s, at(from), at("/d"), REPLACE_YES, g,
		    NULL, NULL, NULL, err));
	assert_locks(s, "/d", "/d=x0");
	assert_locks(s, "/d/f", "");
	assert_fails(store_remove(s, at("/d"), NULL, NULL, err), ERR_LOCKED);
	must_unlock_all(s);
	must_clear(s);
}

static void
locks_of_members_go_with_a_tree_that_gives_way(void **state)
{
	check_members_locks_go(*state, true, "/e");
	check_members_locks_go(*state, true, "/file");
	check_members_locks_go(*state, false, "/file");
}

static void
a_collection_copied_onto_another_leaves_its_members_locks(void **state)
{
	struct store *s = *state;

	must_make_tree(s);
	(void)lock_at(s, "/d/f", DEPTH_0, false, "");
	assert_ok(store_copy(
	    s, at("/e"), at("/d"), REPLACE_YES, NULL, NULL, NULL, NULL, err));
	assert_locks(s, "/d/f", "/d/f=x0");
	must_have(s, "/d/f", "f");
}

static void
a_change_that_fails_leaves_all_locks(void **state)
{
	struct store *s = *state;
	struct token dir, file;
	const struct guard *g;
	struct shown h;

	must_make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	g = show(&h, "", &dir, &file);
	assert_fails(
	    store_rename(s, at("/d"), at("/e"), REPLACE_NO, g, NULL, NULL, err),
	    ERR_EXISTS);
	assert_fails(store_rename(s, at("/d"), at("/no/d"), REPLACE_NO, g, NULL,
			 NULL, err),
	    ERR_NO_PARENT);
	assert_fails(store_remove(s, at("/d"), g, NULL, err), ERR_NOT_EMPTY);
	assert_locks(s, "/d", "/d=x0");
	assert_locks(s, "/d/f", "/d/f=x0");
}

/* ---- how they go */

static void
a_lock_goes_with_its_resource(void **state)
{
	struct store *s = *state;
	struct token file, col;
	struct shown h;

	must_make_tree(s);
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	col = lock_at(s, "/e", DEPTH_INFINITY, false, "");
	(void)show(&h, "", &file, &col);
	assert_ok(store_remove(s, at("/d/f"), &h.guard, NULL, err));
	assert_ok(store_remove(s, at("/e"), &h.guard, NULL, err));
	assert_locks(s, "/d/f", "");
	assert_locks(s, "/e", "");
	assert_ok(put(s, "/d/f", STR("x"), NULL, NULL, err));
	must_mkcol(s, "/e");
	assert_ok(put(s, "/e/new", STR("x"), NULL, NULL, err));
	assert_fails(unlock(s, "/d/f", "", &file, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/e/new", "", &col, err), ERR_LOCK_TOKEN);
}

static void
removing_a_member_leaves_its_collections_lock(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	must_make_tree(s);
	t = lock_at(s, "/d", DEPTH_INFINITY, false, "");
	assert_ok(
	    store_remove(s, at("/d/f"), show(&h, "", &t, NULL), NULL, err));
	assert_locks(s, "/d", "/d=xi");
	assert_locks(s, "/d/f", "/d=xi");
}

static void
unlock_removes_a_lock_from_all_it_covers(void **state)
{
	struct store *s = *state;
	struct token t;

	must_make_tree(s);
	t = lock_at(s, "/d", DEPTH_INFINITY, false, "ann");
	(void)lock_at(s, "/e", DEPTH_0, false, "ann");
	assert_ok(unlock(s, "/d/c/g", "ann", &t, err));
	assert_locks(s, "/d", "");
	assert_locks(s, "/d/f", "");
	assert_locks(s, "/e", "/e=x0@ann");
	assert_ok(put(s, "/d/f", STR("x"), NULL, NULL, err));
	assert_fails(unlock(s, "/d", "ann", &t, err), ERR_LOCK_TOKEN);
}

static void
unlock_asks_for_the_token_of_a_lock_there(void **state)
{
	struct store *s = *state;
	struct token t, deep;

	must_make_tree(s);
	t = lock_at(s, "/d", DEPTH_0, false, "ann");
	deep = lock_at(s, "/d/c", DEPTH_INFINITY, false, "ann");
	assert_fails(unlock(s, "/d", "ann", &unknown, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d", "ann", NULL, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d/f", "ann", &t, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/", "ann", &t, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d/f", "ann", &deep, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d", "ann", &deep, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d", "bob", &t, err), ERR_FORBIDDEN);
	assert_fails(unlock(s, "/d", "", &t, err), ERR_FORBIDDEN);
	assert_locks(s, "/d", "/d=x0@ann");
	assert_locks(s, "/d/c/g", "/d/c=xi@ann");
}

static void
unlock_takes_one_of_the_shared_locks(void **state)
{
	struct store *s = *state;
	struct token ann, bob;
	struct shown h;

	must_make_tree(s);
	ann = lock_at(s, "/d/f", DEPTH_0, true, "ann");
	bob = lock_at(s, "/d/f", DEPTH_0, true, "bob");
	/* Another's token beside it does no harm. */
	(void)show(&h, "ann", &bob, &ann);
	assert_ok(store_unlock(s, at("/d/f"), &h.tokens, NULL, err));
	assert_locks(s, "/d/f", "/d/f=s0@bob");
	ann = lock_at(s, "/d/f", DEPTH_0, true, "ann");
	(void)show(&h, "bob", &bob, &ann);
	assert_ok(store_unlock(s, at("/d/f"), &h.tokens, NULL, err));
	assert_locks(s, "/d/f", "/d/f=s0@ann");
	assert_ok(unlock(s, "/d/f", "ann", &ann, err));
	bob = lock_at(s, "/d/f", DEPTH_0, true, "bob");
	assert_fails(put(s, "/d/f", STR("x"), NULL, NULL, err), ERR_LOCKED);
	assert_ok(unlock(s, "/d/f", "bob", &bob, err));
	assert_ok(put(s, "/d/f", STR("x"), NULL, NULL, err));
}

static void
unlock_asks_its_condition_first(void **state)
{
	struct store *s = *state;
	struct probe p = { .say = ERR_PRECONDITION };
	const struct guard g = probe_guard(&p);
	struct token t;
	struct shown h;

	must_make_tree(s);
	t = lock_at(s, "/d/f", DEPTH_0, false, "");
	(void)show(&h, "", &t, NULL);
	assert_fails(
	    store_unlock(s, at("/d/f"), &h.tokens, &g, err), ERR_PRECONDITION);
	assert_true(p.mapped);
	assert_locks(s, "/d/f", "/d/f=x0");
}

/* ---- until when */

static void
wait_until(int64_t moment)
{
	const struct timespec nap = { .tv_nsec = MSEC };

	while (clock_now() < moment)
		(void)nanosleep(&nap, NULL);
}

/* *expires: when it is over. */
static struct token
short_lock(struct store *s, const char *path, int64_t timeout, int64_t *expires)
{
	const struct lock_spec spec = {
		.depth = DEPTH_INFINITY,
		.timeout = timeout,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct token t = { "" };
	struct lock l;

	assert_ok(store_lock(s, at(path), &spec, NULL, &a, &l, NULL, err));
	memcpy(t.text, l.token.ptr, sizeof(t.text) - 1);
	*expires = l.expires;
	return t;
}

static void
a_lock_that_is_over_is_no_lock(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;
	int64_t end;

	must_make_tree(s);
	t = short_lock(s, "/d", 20 * MSEC, &end);
	wait_until(end);
	assert_locks(s, "/d", "");
	assert_locks(s, "/d/f", "");
	assert_ok(put(s, "/d/f", STR("x"), NULL, NULL, err));
	assert_ok(store_allows(s, at("/d/f"), TOUCH_NAME, NULL, err));
	(void)show(&h, "", &t, NULL);
	assert_fails(
	    refresh(s, "/d", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d", "", &t, err), ERR_LOCK_TOKEN);
	assert_ok(try_lock(s, "/d/f", DEPTH_0, false, NULL, NULL, err));
	assert_fails(try_lock(s, "/d", DEPTH_INFINITY, false, NULL, NULL, err),
	    ERR_LOCK_CONFLICT);
	assert_locks(s, "/d/f", "/d/f=x0");
}

static void
locks_of_members_that_are_over_are_in_nobodys_way(void **state)
{
	struct store *s = *state;
	int64_t end;

	must_make_tree(s);
	(void)short_lock(s, "/d/c/g", 20 * MSEC, &end);
	wait_until(end);
	assert_ok(store_rename(
	    s, at("/d"), at("/d2"), REPLACE_NO, NULL, NULL, NULL, err));
	(void)short_lock(s, "/d2/c/g", 20 * MSEC, &end);
	wait_until(end);
	assert_ok(try_lock(s, "/d2", DEPTH_INFINITY, false, NULL, NULL, err));
}

static void
a_refresh_gives_a_lock_a_new_end(void **state)
{
	struct store *s = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	int64_t end, later, before;
	const struct lock *l;
	struct token t;
	struct shown h;
	size_t n;

	must_make_tree(s);
	t = short_lock(s, "/d", 2 * NSEC_PER_SEC, &end);
	(void)show(&h, "", &unknown, &t);
	before = clock_now();
	assert_ok(refresh(s, "/d/c/g", &h.tokens, HOUR, &later, err));
	assert_true(later >= before + HOUR && later <= clock_now() + HOUR);
	assert_ok(store_locks(s, at("/d"), &a, &l, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(l->expires, later);
	assert_str_equal(l->token, str_from_c(t.text));

	/* Also to an earlier one. */
	assert_ok(refresh(s, "/d", &h.tokens, 5 * MSEC, &end, err));
	assert_true(end < later);
	wait_until(end);
	assert_locks(s, "/d", "");
}

static void
a_refresh_asks_for_the_token_of_a_lock_there(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	must_make_tree(s);
	t = lock_at(s, "/d", DEPTH_0, false, "ann");
	(void)show(&h, "ann", &t, NULL);
	assert_fails(
	    refresh(s, "/d/f", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	assert_fails(
	    refresh(s, "/e", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	(void)show(&h, "ann", &unknown, NULL);
	assert_fails(
	    refresh(s, "/d", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	(void)show(&h, "bob", &t, NULL);
	assert_fails(
	    refresh(s, "/d", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	assert_locks(s, "/d", "/d=x0@ann");
}

static void
a_refresh_asks_its_condition_first(void **state)
{
	struct store *s = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct probe p = { .say = ERR_PRECONDITION };
	const struct guard g = probe_guard(&p);
	const struct lock *now;
	int64_t end;
	struct token t;
	struct shown h;
	struct lock l;
	size_t n;

	must_make_tree(s);
	t = short_lock(s, "/d/f", HOUR, &end);
	(void)show(&h, "", &t, NULL);
	assert_fails(store_lock_refresh(
			 s, at("/d/f"), &h.tokens, 2 * HOUR, &g, &a, &l, err),
	    ERR_PRECONDITION);
	assert_ok(store_locks(s, at("/d/f"), &a, &now, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(now->expires, end);
}

static void
of_several_tokens_a_refresh_takes_the_one_that_fits(void **state)
{
	struct store *s = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct token file, dir;
	struct shown h;
	struct lock l;

	must_make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	(void)show(&h, "", &dir, &file);
	assert_ok(store_lock_refresh(
	    s, at("/d/f"), &h.tokens, HOUR, NULL, &a, &l, err));
	assert_str_equal(l.root.s, STR("/d/f"));
	assert_ok(store_lock_refresh(
	    s, at("/d"), &h.tokens, HOUR, NULL, &a, &l, err));
	assert_str_equal(l.root.s, STR("/d"));
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(locks_are_not_copied),
	cmocka_unit_test(locks_are_not_moved),
	cmocka_unit_test(a_move_out_of_a_locked_collection_unlocks),
	cmocka_unit_test(a_lock_at_the_destination_stays_and_covers_what_comes),
	cmocka_unit_test(locks_of_members_go_with_a_tree_that_gives_way),
	cmocka_unit_test(
	    a_collection_copied_onto_another_leaves_its_members_locks),
	cmocka_unit_test(a_change_that_fails_leaves_all_locks),
	cmocka_unit_test(a_lock_goes_with_its_resource),
	cmocka_unit_test(removing_a_member_leaves_its_collections_lock),
	cmocka_unit_test(unlock_removes_a_lock_from_all_it_covers),
	cmocka_unit_test(unlock_asks_for_the_token_of_a_lock_there),
	cmocka_unit_test(unlock_takes_one_of_the_shared_locks),
	cmocka_unit_test(unlock_asks_its_condition_first),
	cmocka_unit_test(a_lock_that_is_over_is_no_lock),
	cmocka_unit_test(locks_of_members_that_are_over_are_in_nobodys_way),
	cmocka_unit_test(a_refresh_gives_a_lock_a_new_end),
	cmocka_unit_test(a_refresh_asks_for_the_token_of_a_lock_there),
	cmocka_unit_test(a_refresh_asks_its_condition_first),
	cmocka_unit_test(of_several_tokens_a_refresh_takes_the_one_that_fits),
};

const struct tests lock_end_tests = { rows, ARRAY_LEN(rows) };
