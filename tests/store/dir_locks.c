/* SPDX-License-Identifier: MIT */
/* The directory store: locks that outlive the server, on paths with links. */
#include "store/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/alloc_fail.h"
#include "lib/locks.h"
#include "store/apply.h"
#include "store/commits.h"

#define HOUR (3600 * NSEC_PER_SEC)

static enum err_code
unlock(struct store *s, const char *path, const struct token *t)
{
	struct shown h = { 0 };

	return store_unlock(
	    s, at(path), show(&h, "", t, NULL)->tokens, NULL, NULL);
}

static enum err_code
put_with(struct store *s, const char *path, const struct token *t)
{
	struct shown h = { 0 };

	return put(s, path, STR("new"), show(&h, "", t, NULL), NULL, NULL);
}

/* ---- they last */

static void
locks_outlive_the_server(void **state)
{
	struct world *w = *state;
	struct token deep, flat;

	must_mkcol(w->store, "/d");
	deep = lock_at(w->store, "/d", DEPTH_INFINITY, false, "");
	flat = lock_at(w->store, "/f", DEPTH_0, true, "ann");
	store_close(w->store);
	world_open(w);
	assert_locks(w->store, "/d/any", "/d=xi");
	assert_locks(w->store, "/f", "/f=s0@ann");
	assert_int_equal(put_with(w->store, "/d/f", NULL), ERR_LOCKED);
	assert_int_equal(put_with(w->store, "/d/f", &deep), ERR_OK);
	assert_int_equal(put_with(w->store, "/f", &flat), ERR_LOCKED);
	assert_int_equal(unlock(w->store, "/d/f", &deep), ERR_OK);
	store_close(w->store);
	world_open(w);
	assert_locks(w->store, "/d", "");
	assert_locks(w->store, "/f", "/f=s0@ann");
}

static int
lock_and_die(struct world *w)
{
	struct token t;

	world_open(w);
	must_mkcol(w->store, "/d");
	t = lock_at(w->store, "/d", DEPTH_INFINITY, false, "");
	(void)lock_at(w->store, "/f", DEPTH_0, false, "");
	if (put_with(w->store, "/d/f", &t) || unlock(w->store, "/d", &t))
		return EXIT_FAILURE;
	(void)lock_at(w->store, "/d/f", DEPTH_0, true, "");
	return kill(getpid(), SIGKILL);
}

static void
what_was_locked_is_locked_after_a_crash(void **state)
{
	struct world *w = *state;
	int status = 0;
	pid_t pid;

	store_close(w->store);
	w->strict = true;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(lock_and_die(w));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	world_open(w);
	assert_locks(w->store, "/d", "");
	assert_locks(w->store, "/d/f", "/d/f=s0");
	assert_locks(w->store, "/f", "/f=x0");
	must_have(w->store, "/f", "");
}

static enum err_code
lock_for(struct store *s, const char *path, int64_t timeout, struct lock *l,
    struct arena *a)
{
	const struct lock_spec spec = { .timeout = timeout,
		.owner = STR("<o/>") };

	return store_lock(s, at(path), &spec, NULL, a, l, NULL, NULL);
}

static void
a_lock_that_is_over_is_not_seen_and_makes_room(void **state)
{
	struct world *w = *state;
	struct arena a = { 0 };
	struct lock l;
	struct token t;

	assert_int_equal(lock_for(w->store, "/f", 0, &l, &a), ERR_OK);
	assert_locks(w->store, "/f", "");
	assert_int_equal(put_with(w->store, "/f", NULL), ERR_OK);
	assert_int_equal(l.token.len, sizeof(t.text) - 1);
	memcpy(t.text, l.token.ptr, sizeof(t.text));
	assert_int_equal(unlock(w->store, "/f", &t), ERR_LOCK_TOKEN);
	assert_int_equal(lock_for(w->store, "/f", HOUR, &l, &a), ERR_OK);
	assert_str_equal(l.owner, STR("<o/>"));
	assert_locks(w->store, "/f", "/f=x0");
	store_close(w->store);
	world_open(w);
	assert_locks(w->store, "/f", "/f=x0");
	arena_done(&a);
}

static void
a_refreshed_lock_has_its_new_end_after_a_restart(void **state)
{
	struct world *w = *state;
	struct token t = lock_at(w->store, "/f", DEPTH_0, false, "");
	int64_t until = clock_now() + 2 * HOUR;
	struct arena a = { 0 };
	struct shown h = { 0 };
	const struct lock *l;
	struct lock fresh;
	size_t n;

	assert_ok(store_lock_refresh(w->store, at("/f"),
	    show(&h, "", &t, NULL)->tokens, 2 * HOUR, NULL, &a, &fresh, err));
	assert_true(fresh.expires >= until);
	store_close(w->store);
	world_open(w);
	assert_ok(store_locks(w->store, at("/f"), &a, &l, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(l->expires, fresh.expires);
	arena_done(&a);
}

/* ---- LOCK where nothing is mapped */

struct meddling {
	const struct world *w;
	unsigned asked;
};

/* Somebody makes the file by hand, at the last moment. */
static enum err_code
make_by_hand(void *arg, const struct guarded *now, struct err *err)
{
	struct meddling *m = arg;
	FILE *f;

	if (m->asked++)
		return now->now ? ERR_OK
				: err_set(err, ERR_PRECONDITION, "gone");
	f = fopen(real(m->w, "/d/f"), "w");
	assert_non_null(f);
	assert_int_equal(fputs("by hand", f) < 0, 0);
	assert_int_equal(fclose(f), 0);
	return ERR_OK;
}

static enum err_code
remove_by_hand(void *arg, const struct guarded *now, struct err *err)
{
	struct meddling *m = arg;

	(void)now;
	(void)err;
	assert_int_equal(rmdir(real(m->w, "/d")), 0);
	return ERR_OK;
}

static void
a_file_that_comes_first_is_locked_as_it_is(void **state)
{
	struct world *w = *state;
	struct meddling m = { .w = w };
	const struct guard g = { .check = make_by_hand, .arg = &m };
	const struct lock_spec spec = { .timeout = HOUR };
	struct arena a = { 0 };
	bool created = true;
	struct lock l;

	must_mkcol(w->store, "/d");
	assert_ok(
	    store_lock(w->store, at("/d/f"), &spec, &g, &a, &l, &created, err));
	assert_int_equal(m.asked, 2);
	assert_false(created);
	must_have(w->store, "/d/f", "by hand");
	assert_locks(w->store, "/d/f", "/d/f=x0");
	arena_done(&a);
}

static void
no_lock_stays_of_a_file_that_could_not_be_made(void **state)
{
	struct world *w = *state;
	struct meddling m = { .w = w };
	const struct guard g = { .check = remove_by_hand, .arg = &m };
	const struct lock_spec spec = { .timeout = HOUR };
	struct arena a = { 0 };
	struct lock l;

	must_mkcol(w->store, "/d");
	assert_fails(
	    store_lock(w->store, at("/d/f"), &spec, &g, &a, &l, NULL, err),
	    ERR_NO_PARENT);
	assert_locks(w->store, "/d/f", "");
	must_mkcol(w->store, "/d");
	must_put(w->store, "/d/f", "x");
	assert_int_equal(count_entries(w, "/d"), 1);
	arena_done(&a);
}

/* ---- links */

static void
a_lock_by_a_links_name_is_on_what_it_leads_to(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct token t;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "x");
	link_to(w, "d", "/l");
	link_to(w, "d/f", "/lf");
	t = lock_at(s, "/l/f", DEPTH_0, false, "");
	assert_locks(s, "/d/f", "/d/f=x0");
	assert_locks(s, "/l/f", "/d/f=x0");
	assert_locks(s, "/lf", "/d/f=x0");
	assert_int_equal(put_with(s, "/lf", NULL), ERR_LOCKED);
	assert_int_equal(put_with(s, "/l/f", NULL), ERR_LOCKED);
	assert_int_equal(put_with(s, "/lf", &t), ERR_OK);
	assert_int_equal(unlock(s, "/lf", &t), ERR_OK);
	assert_locks(s, "/d/f", "");
}

/* What a link in a locked collection leads to is a member of it. */
static void
a_deep_lock_holds_by_the_names_below_it(void **state)
{
	static const char *const names[] = { "/l/to", "/l/dir/f",
		"/l/dir/new" };
	struct world *w = *state;
	struct store *s = w->store;
	struct token t, other;
	size_t i;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "x");
	must_mkcol(s, "/l");
	link_to(w, "../d/f", "/l/to");
	link_to(w, "../d", "/l/dir");
	t = lock_at(s, "/l", DEPTH_INFINITY, false, "");
	for (i = 0; i < ARRAY_LEN(names); i++) {
		assert_locks(s, names[i], "/l=xi");
		assert_int_equal(put_with(s, names[i], NULL), ERR_LOCKED);
	}
	assert_int_equal(put_with(s, "/d/f", NULL), ERR_OK);
	for (i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(put_with(s, names[i], &t), ERR_OK);
	/* Its own lock is asked for, too. */
	other = lock_at(s, "/d/f", DEPTH_0, false, "");
	assert_int_equal(put_with(s, "/l/to", &t), ERR_LOCKED);
	assert_int_equal(put_with(s, "/l/to", &other), ERR_LOCKED);
	assert_int_equal(put_with(s, "/d/f", &other), ERR_OK);
}

static void
a_link_to_what_is_locked_stays(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct shown h = { 0 };
	struct token t;

	must_put(s, "/f", "x");
	must_mkcol(s, "/c");
	link_to(w, "../f", "/c/l");
	t = lock_at(s, "/c/l", DEPTH_0, false, "");
	assert_fails(store_remove(s, at("/c/l"), NULL, NULL, err), ERR_LOCKED);
	assert_fails(store_rename(s, at("/c/l"), at("/l"), REPLACE_NO, NULL,
			 NULL, NULL, err),
	    ERR_LOCKED);
	assert_ok(
	    store_remove(s, at("/c/l"), show(&h, "", &t, NULL), NULL, err));
	must_have(s, "/f", "x");
	assert_locks(s, "/f", "/f=x0");
}

/* Where the file was nobody looks, unless something depends on it. */
static void
a_lock_is_given_back_wherever_its_path_leads_now(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct token t;

	must_mkcol(s, "/d");
	must_mkcol(s, "/e");
	must_put(s, "/e/f", "x");
	t = lock_at(s, "/d/f", DEPTH_0, false, "");
	assert_int_equal(unlink(real(w, "/d/f")), 0);
	assert_int_equal(rmdir(real(w, "/d")), 0);
	link_to(w, "e", "/d");
	assert_int_equal(unlock(s, "/d/f", &t), ERR_OK);
	assert_int_equal(unlock(s, "/d/f", &t), ERR_LOCK_TOKEN);
	t = lock_at(s, "/d/f", DEPTH_0, false, "");
	assert_locks(s, "/e/f", "/e/f=x0");
	assert_int_equal(unlock(s, "/d/f", &t), ERR_OK);
	assert_locks(s, "/e/f", "");
}

/* ---- what goes takes its locks along */

static void
a_name_that_comes_again_is_not_locked(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct shown h = { 0 };
	struct token t;

	t = lock_at(s, "/f", DEPTH_0, false, "");
	assert_ok(store_remove(s, at("/f"), show(&h, "", &t, NULL), NULL, err));
	must_put(s, "/f", "x");
	h = (struct shown){ 0 };
	must_mkcol(s, "/d");
	t = lock_at(s, "/d/f", DEPTH_0, false, "");
	assert_fails(store_rename(s, at("/d"), at("/e"), REPLACE_NO, NULL, NULL,
			 NULL, err),
	    ERR_MEMBER_LOCKED);
	assert_ok(store_rename(s, at("/d"), at("/e"), REPLACE_NO,
	    show(&h, "", &t, NULL), NULL, NULL, err));
	assert_locks(s, "/e/f", "");
	assert_locks(s, "/d/f", "");
	store_close(s);
	world_open(w);
	must_mkcol(w->store, "/d");
	must_put(w->store, "/d/f", "x");
	assert_locks(w->store, "/f", "");
}

static void
a_lock_on_what_is_replaced_stays(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct shown h = { 0 };
	struct token top, in;

	must_put(s, "/f", "x");
	must_mkcol(s, "/d");
	top = lock_at(s, "/d", DEPTH_0, false, "");
	h.guard = *show(&h, "", &top, NULL);
	must_have(s, "/f", "x");
	assert_ok(put(s, "/d/m", STR("y"), &h.guard, NULL, err));
	in = lock_at(s, "/d/m", DEPTH_0, false, "");
	assert_fails(store_copy(s, at("/f"), at("/d"), REPLACE_YES, &h.guard,
			 NULL, NULL, NULL, err),
	    ERR_MEMBER_LOCKED);
	h = (struct shown){ 0 };
	assert_ok(store_copy(s, at("/f"), at("/d"), REPLACE_YES,
	    show(&h, "", &top, &in), NULL, NULL, NULL, err));
	must_have(s, "/d", "x");
	assert_locks(s, "/d", "/d=x0");
	assert_locks(s, "/d/m", "");
}

/* Beside shared locks of others, one of ours is enough. */
static void
a_shared_lock_below_is_no_obstacle_beside_ones_own(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct shown h = { 0 };
	struct token own;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "x");
	own = lock_at(s, "/d/f", DEPTH_0, true, "ann");
	(void)lock_at(s, "/d/f", DEPTH_0, true, "bob");
	assert_ok(store_rename(s, at("/d"), at("/e"), REPLACE_NO,
	    show(&h, "ann", &own, NULL), NULL, NULL, err));
	assert_locks(s, "/d/f", "");
	own = lock_at(s, "/e/f", DEPTH_0, true, "ann");
	(void)lock_at(s, "/e/g", DEPTH_0, true, "bob");
	h = (struct shown){ 0 };
	assert_fails(store_rename(s, at("/e"), at("/d"), REPLACE_NO,
			 show(&h, "ann", &own, NULL), NULL, NULL, err),
	    ERR_MEMBER_LOCKED);
}

/* ---- without memory */

static enum err_code
do_locks(struct store *s, const struct token *t)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *l;
	size_t n;

	(void)t;
	return store_locks(s, at("/l/f"), &a, &l, &n, NULL);
}

static enum err_code
do_allows(struct store *s, const struct token *t)
{
	struct shown h = { 0 };

	return store_allows(
	    s, at("/l/f"), TOUCH_NAME, show(&h, "", t, NULL), NULL);
}

static enum err_code
do_lock(struct store *s, const struct token *t)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock l;

	(void)t;
	return lock_for(s, "/g", HOUR, &l, &a);
}

static enum err_code
do_lock_new(struct store *s, const struct token *t)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock l;

	(void)t;
	return lock_for(s, "/new", HOUR, &l, &a);
}

static enum err_code
do_refresh(struct store *s, const struct token *t)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct shown h = { 0 };
	struct lock l;

	return store_lock_refresh(s, at("/d/f"), show(&h, "", t, NULL)->tokens,
	    HOUR, NULL, &a, &l, NULL);
}

static enum err_code
do_rename(struct store *s, const struct token *t)
{
	struct shown h = { 0 };

	return store_rename(s, at("/s"), at("/s2"), REPLACE_NO,
	    show(&h, "ann", t, NULL), NULL, NULL, NULL);
}

static enum err_code
do_unlock(struct store *s, const struct token *t)
{
	return unlock(s, "/l/f", t);
}

/* Where there are locks of all kinds, to be asked for all of them. */
static void
all_locks(struct store *s, struct buf *out)
{
	static const char *const paths[] = { "/d/f", "/g", "/new", "/s/f",
		"/s2/f" };
	size_t i;

	buf_clear(out);
	for (i = 0; i < ARRAY_LEN(paths); i++) {
		struct resource r;

		if (store_stat(s, at(paths[i]), &r, NULL))
			BUF_LIT(out, " -");
		locks_put(s, paths[i], out);
	}
}

static void
a_lock_is_quick_where_nobody_is_in_its_way(void **state)
{
	struct world *w = *state;
	struct store_claim *c;

	must_mkcol(w->store, "/d");
	must_put(w->store, "/d/f", "f");
	assert_true(store_lock_is_quick(w->store, at("/d/f"), false, false));
	assert_false(store_lock_is_quick(w->store, at("/d/f"), true, false));
	(void)lock_at(w->store, "/d", DEPTH_INFINITY, true, "");
	assert_true(store_lock_is_quick(w->store, at("/d"), true, false));
	assert_false(store_lock_is_quick(w->store, at("/d/f"), true, false));
	/* Who locks a collection waits for who changes a member. */
	assert_ok(store_claim(w->store, at("/d/f"), &c, err));
	assert_false(store_lock_is_quick(w->store, at("/d"), true, false));
	assert_true(store_lock_is_quick(w->store, at("/g"), false, false));
	store_claim_end(c);
	assert_true(store_lock_is_quick(w->store, at("/d"), true, false));
	store_close(w->store);
	w->strict = true;
	world_open(w);
	assert_false(store_lock_is_quick(w->store, at("/g"), false, false));
}

static void
no_lock_is_half_made_without_memory(void **state)
{
	static const struct {
		const char *what;
		enum err_code (*act)(struct store *s, const struct token *t);
		bool shared; /* shows the token of the shared lock */
	} rows[] = {
		{ "locks", do_locks, false },
		{ "allows", do_allows, false },
		{ "lock", do_lock, false },
		{ "lock new", do_lock_new, false },
		{ "refresh", do_refresh, false },
		{ "rename", do_rename, true },
		{ "unlock", do_unlock, false },
	};
	struct world *w = *state;
	struct buf before = { 0 }, after = { 0 };
	struct token own, shared;
	size_t i;

	must_mkcol(w->store, "/d");
	must_mkcol(w->store, "/s");
	must_put(w->store, "/g", "g");
	link_to(w, "d", "/l");
	own = lock_at(w->store, "/d/f", DEPTH_0, false, "");
	shared = lock_at(w->store, "/s/f", DEPTH_0, true, "ann");
	(void)lock_at(w->store, "/s/f", DEPTH_0, true, "bob");
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const struct token *t = rows[i].shared ? &shared : &own;
		unsigned long n;

		for (n = 1;; n++) {
			enum err_code rc;

			all_locks(w->store, &before);
			alloc_fail_at(n);
			rc = rows[i].act(w->store, t);
			if (!alloc_fail_stop()) {
				if (rc)
					fail_msg("%s: %s", rows[i].what,
					    err_name(rc));
				break;
			}
			if (rc != ERR_NOMEM)
				fail_msg("%s, allocation %lu: %s", rows[i].what,
				    n, err_name(rc));
			all_locks(w->store, &after);
			assert_str_equal(buf_str(&after), buf_str(&before));
		}
	}
	buf_done(&before);
	buf_done(&after);
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(locks_outlive_the_server),
	WORLD_TEST(what_was_locked_is_locked_after_a_crash),
	WORLD_TEST(a_lock_that_is_over_is_not_seen_and_makes_room),
	WORLD_TEST(a_refreshed_lock_has_its_new_end_after_a_restart),
	WORLD_TEST(a_file_that_comes_first_is_locked_as_it_is),
	WORLD_TEST(no_lock_stays_of_a_file_that_could_not_be_made),
	WORLD_TEST(a_lock_by_a_links_name_is_on_what_it_leads_to),
	WORLD_TEST(a_deep_lock_holds_by_the_names_below_it),
	WORLD_TEST(a_link_to_what_is_locked_stays),
	WORLD_TEST(a_lock_is_given_back_wherever_its_path_leads_now),
	WORLD_TEST(a_name_that_comes_again_is_not_locked),
	WORLD_TEST(a_lock_on_what_is_replaced_stays),
	WORLD_TEST(a_shared_lock_below_is_no_obstacle_beside_ones_own),
	WORLD_TEST(a_lock_is_quick_where_nobody_is_in_its_way),
	WORLD_TEST(no_lock_is_half_made_without_memory),
};

const struct tests dir_lock_tests = { rows, ARRAY_LEN(rows) };
