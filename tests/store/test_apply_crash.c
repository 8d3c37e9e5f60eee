/* SPDX-License-Identifier: MIT */
/*
 * What is left when the process, a call, or a part of what was renamed goes
 * lost in the middle of store_apply(): all of it or nothing.
 */
#include "store/apply_steps.h"
#include "store/apply_suite.h"
#include "store/lock_suite.h"
#include "store/world.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAILED 43 /* store_apply() did, as it was told to */
#define MAX_STEPS 400

/* ---- the changes */

static void
remember(struct edits *l, const char *path)
{
	static struct record key;

	key.key = STR("key");
	key.print = STR("print");
	key.expires = INT64_MAX;
	edit_record(l, path, &key);
}

static void
build(struct store *s)
{
	must_put(s, "/f", "f");
	must_set_prop(s, "/f", "q", "f");
	must_put(s, "/g", "g");
	must_set_prop(s, "/g", "q", "g");
	must_put(s, "/k", "k");
	must_set_prop(s, "/k", "q", "k");
	must_mkcol(s, "/a");
	must_set_prop(s, "/a", "q", "a");
	must_mkcol(s, "/a/b");
	must_put(s, "/a/b/c", "c");
	must_put(s, "/a/1", "a1");
	must_mkcol(s, "/d");
	must_mkcol(s, "/d/sub");
	must_put(s, "/d/sub/2", "d2");
	must_set_prop(s, "/d/sub/2", "q", "d2");
	(void)lock_at(s, "/f", DEPTH_0, false, "ann");
	(void)lock_at(s, "/k", DEPTH_0, false, "ann");
	(void)lock_at(s, "/d/sub", DEPTH_INFINITY, false, "ann");
}

static void
everything(struct edits *l)
{
	edit_set(l, edit_file(l, "/f", "new"), "new f");
	edit_remove(l, "/d");
	edit_file(l, "/d", "a file");
	edit_mkcol(l, "/n");
	edit_set(l, edit_mkcol(l, "/n/m"), "new m");
	edit_set(l, edit_file(l, "/n/m/x", "x"), "new x");
	edit_move(l, "/d/sub", "/n/m/sub");
	edit_props(l, "/n/m/sub", "of sub");
	edit_move(l, "/g", "/a/g");
	edit_props(l, "/a/g", NULL);
	edit_move(l, "/k", "/g");
	edit_props(l, "/a", "of a");
	remember(l, "/f");
}

static void
a_swap(struct edits *l)
{
	edit_move(l, "/f", "/a");
	edit_move(l, "/a", "/f");
	remember(l, "/f");
}

static void
inside_out(struct edits *l)
{
	edit_move(l, "/a/b", "/a");
	edit_move(l, "/a", "/a/b");
	edit_move(l, "/a/1", "/a/b/x");
	edit_move(l, "/d/sub", "/d");
	edit_move(l, "/d", "/d/old");
	remember(l, "/a");
}

static void
new_ones(struct edits *l)
{
	edit_mkcol(l, "/n");
	edit_set(l, edit_file(l, "/n/1", "1"), "1");
	edit_file(l, "/2", "2");
	edit_props(l, "/g", "new");
	remember(l, "/n");
}

static void (*const cases[])(struct edits *l) = {
	everything,
	a_swap,
	inside_out,
	new_ones,
};

/* ---- what there is */

struct telling {
	struct store *s;
	struct buf *out;
};

static enum err_code
tell_one(void *arg, const struct member *m, bool *prune)
{
	struct telling *t = arg;
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct prop *props;
	const struct lock *locks;
	struct content *c;
	char bytes[32];
	size_t n, i;

	(void)prune;
	buf_printf(t->out, "%.*s", STR_ARG(m->path.s));
	assert_ok(store_props(t->s, &m->res, &a, &props, &n, err));
	for (i = 0; i < n; i++)
		buf_printf(t->out, " %.*s=%.*s", STR_ARG(props[i].name.local),
		    STR_ARG(props[i].value));
	assert_ok(store_locks(t->s, m->path, &a, &locks, &n, err));
	buf_printf(t->out, " %zu", n);
	if (!m->res.collection) {
		assert_ok(store_open(t->s, m->path, &c, err));
		assert_ok(content_read(c, 0, bytes, sizeof(bytes), &n, err));
		content_free(c);
		buf_printf(t->out, " '%.*s'", (int)n, bytes);
	}
	buf_putc(t->out, '\n');
	return ERR_OK;
}

static int
by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In an order of its own. */
static void
sort_lines(struct buf *b)
{
	char *lines[64];
	struct buf sorted = { 0 };
	char *rest = b->ptr;
	size_t n = 0;
	size_t i;

	while (n < ARRAY_LEN(lines) && (lines[n] = strsep(&rest, "\n")))
		n++;
	qsort(lines, n, sizeof(*lines), by_line);
	for (i = 0; i < n; i++)
		buf_printf(&sorted, "%s\n", lines[i]);
	buf_putc(&sorted, '\0');
	buf_done(b);
	*b = sorted;
}

static void
tell(struct store *s, struct buf *out)
{
	struct telling t = { s, out };
	const struct walk w = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = tell_one,
		.arg = &t,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct recalled r;
	bool found;

	assert_ok(store_walk(s, at("/"), &w, err));
	assert_ok(store_recall(s, STR("key"), &a, &r, &found, err));
	buf_printf(out, "key %d", found);
	buf_putc(out, '\0');
	sort_lines(out);
	assert_int_equal(buf_failed(out), ERR_OK);
}

static long
query(const struct world *w, const char *sql)
{
	char file[400];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	long n;

	(void)snprintf(file, sizeof(file), "%s/state.db", w->state);
	assert_int_equal(
	    sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = (long)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return n;
}

static enum err_code
count_owner(void *arg, const struct member *m, bool *prune)
{
	struct telling *t = arg;
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct prop *props;
	size_t n;

	(void)prune;
	assert_ok(store_props(t->s, &m->res, &a, &props, &n, err));
	if (n)
		buf_putc(t->out, 'x');
	return ERR_OK;
}

static void
check_nothing_is_left(const struct world *w)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct buf owners = { 0 };
	struct telling t = { w->store, &owners };
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = count_owner,
		.arg = &t,
	};
	int tries;

	for (tries = 0; count_entries(w, "/../state/tmp") && tries < 10000;
	     tries++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(count_entries(w, "/../state/tmp"), 0);
	assert_int_equal(query(w, "SELECT count(*) FROM steps"), 0);
	assert_int_equal(query(w, "SELECT count(*) FROM intents"), 0);
	assert_ok(store_walk(w->store, at("/"), &walk, err));
	assert_int_equal(
	    query(w, "SELECT count(DISTINCT id) FROM props"), owners.len);
	buf_done(&owners);
}

/* ---- trials */

struct trial {
	size_t which;
	struct buf before, after;
};

static struct world *
world_new(void)
{
	void *state;
	struct world *w;

	(void)world_set_up(&state);
	w = state;
	build(w->store);
	store_close(w->store);
	w->store = NULL;
	return w;
}

static void
learn(struct trial *t)
{
	struct world *w = world_new();
	struct edits l = { 0 };
	void *state = w;

	world_open(w);
	l.store = w->store;
	tell(w->store, &t->before);
	cases[t->which](&l);
	must_apply(&l);
	tell(w->store, &t->after);
	(void)world_tear_down(&state);
	assert_string_not_equal(t->before.ptr, t->after.ptr);
}

static int
apply_in_child(struct world *w, size_t which, unsigned left)
{
	struct edits l = { 0 };
	enum err_code rc;

	w->strict = true;
	world_open(w);
	l.store = w->store;
	cases[which](&l);
	plan.begun = false;
	plan.left = left;
	rc = edits_apply(&l, NULL);
	plan.left = 0;
	if (!plan.fails)
		return rc ? 1 : 0;
	edits_done(&l);
	store_close(w->store);
	return rc ? FAILED : 0;
}

/* A start that ends there, if it comes so far. */
static int
start_in_child(struct world *w, unsigned left)
{
	w->strict = true;
	plan.left = left;
	world_open(w);
	plan.left = 0;
	return 0;
}

static int
in_child(struct world *w, size_t which, unsigned left, bool start)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(start ? start_in_child(w, left)
			    : apply_in_child(w, which, left));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

enum expected { ALL_OR_NOTHING, ALL };

static bool
check_left(struct world *w, const struct trial *t, enum expected want,
    const char *what, unsigned n)
{
	struct buf now = { 0 };
	bool nothing;

	world_open(w);
	tell(w->store, &now);
	nothing = !strcmp(now.ptr, t->before.ptr);
	if (strcmp(now.ptr, t->after.ptr) != 0 && !(nothing && want != ALL))
		fail_msg("case %zu, %s %u left\n%s\nof\n%s", t->which, what, n,
		    now.ptr, t->after.ptr);
	check_nothing_is_left(w);
	buf_done(&now);
	return nothing;
}

/* All of them take a while: so a few, and others each time. */
static unsigned
every(void)
{
	if (getenv("SHEAF_LONG"))
		return 1;
	return getenv("SHEAF_SANITIZED") ? 15 : 5;
}

static unsigned
first(void)
{
	return 1 + (unsigned)getpid() % every();
}

static void
for_each_case(void (*act)(struct trial *t))
{
	struct trial t = { 0 };

	for (t.which = 0; t.which < ARRAY_LEN(cases); t.which++) {
		learn(&t);
		act(&t);
		buf_done(&t.before);
		buf_done(&t.after);
	}
}

static void
stop_at_each(struct trial *t)
{
	unsigned nothing = 0;
	unsigned n;
	int end = STOPPED;

	for (n = first(); end == STOPPED; n += every()) {
		struct world *w = world_new();
		void *state = w;

		assert_true(n < MAX_STEPS);
		end = in_child(w, t->which, n, false);
		assert_true(end == STOPPED || end == 0);
		nothing +=
		    check_left(w, t, end ? ALL_OR_NOTHING : ALL, "step", n);
		(void)world_tear_down(&state);
	}
	assert_true(every() > 1 || (nothing > 0 && nothing < n));
}

static void
what_dies_at_any_call_leaves_all_or_nothing(void **state)
{
	(void)state;
	for_each_case(stop_at_each);
}

/* Begun but not renamed; then each start dies one call later. */
static void
stop_starts(struct trial *t)
{
	struct world *w = world_new();
	void *state = w;
	unsigned n = first();

	plan.lose = true;
	plan.kept = 0x5;
	assert_int_equal(in_child(w, t->which, 0, false), STOPPED);
	plan.lose = false;
	while (in_child(w, t->which, n, true) == STOPPED)
		assert_true((n += every()) < MAX_STEPS);
	(void)check_left(w, t, ALL, "start", n);
	(void)world_tear_down(&state);
}

static void
a_start_that_dies_is_taken_up_by_the_next(void **state)
{
	(void)state;
	for_each_case(stop_starts);
}

/* Of a few renames every set, of more a sample. */
static void
lose_some(struct trial *t)
{
	uint32_t kept = 0;
	unsigned n;

	for (n = 0; n < 64; n += every()) {
		struct world *w = world_new();
		void *state = w;

		plan.lose = true;
		plan.kept = n < 32 ? n : kept;
		assert_int_equal(in_child(w, t->which, 0, false), STOPPED);
		plan.lose = false;
		(void)check_left(w, t, ALL, "kept", plan.kept);
		(void)world_tear_down(&state);
		kept = kept * 1664525 + 1013904223;
	}
}

static void
any_of_the_renames_may_not_have_come_to_the_disk(void **state)
{
	(void)state;
	for_each_case(lose_some);
}

static void
fail_at_each(struct trial *t)
{
	unsigned nothing = 0;
	unsigned n;
	int end = FAILED;

	for (n = first(); end != 0 || n < 12; n += every()) {
		struct world *w = world_new();
		void *state = w;

		assert_true(n < MAX_STEPS);
		plan.fails = true;
		end = in_child(w, t->which, n, false);
		plan.fails = false;
		assert_true(end == FAILED || end == 0);
		nothing +=
		    check_left(w, t, end ? ALL_OR_NOTHING : ALL, "failure", n);
		(void)world_tear_down(&state);
	}
	assert_true(every() > 1 || nothing > 0);
}

static void
a_call_that_fails_is_an_error_and_nothing_has_changed(void **state)
{
	(void)state;
	for_each_case(fail_at_each);
}

int
main(void)
{
	static const struct CMUnitTest all[] = {
		cmocka_unit_test(what_dies_at_any_call_leaves_all_or_nothing),
		cmocka_unit_test(a_start_that_dies_is_taken_up_by_the_next),
		cmocka_unit_test(
		    any_of_the_renames_may_not_have_come_to_the_disk),
		cmocka_unit_test(
		    a_call_that_fails_is_an_error_and_nothing_has_changed),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
