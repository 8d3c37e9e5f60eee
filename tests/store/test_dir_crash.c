/* SPDX-License-Identifier: MIT */
/*
 * What a directory store leaves when it dies in the middle of a change.
 *
 * A child makes the change and ends at its first, second, third... call that
 * touches files or the state, until it gets through.  What the next start makes
 * of that is the tree as it was before or as it is after, properties and all,
 * and nothing hidden is left anywhere.
 */
#include "store/steps.h"
#include "store/world.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/dir_impl.h"

#define MAX_STEPS 200

/* ---- the changes */

/*
 * /f and /g are files with properties, /plain has none; /c and /d are
 * collections with properties and members, /e is an empty one; /l leads to /f.
 */
static void
build(struct world *w)
{
	struct store *s = w->store;

	must_put(s, "/f", "f");
	must_set_prop(s, "/f", "p", "f");
	must_put(s, "/g", "g");
	must_set_prop(s, "/g", "q", "g");
	must_put(s, "/plain", "plain");
	must_mkcol(s, "/c");
	must_set_prop(s, "/c", "p", "c");
	must_put(s, "/c/1", "c1");
	must_mkcol(s, "/c/sub");
	must_put(s, "/c/sub/2", "c2");
	must_mkcol(s, "/d");
	must_set_prop(s, "/d", "q", "d");
	must_put(s, "/d/3", "d3");
	must_mkcol(s, "/e");
	must_set_prop(s, "/e", "p", "e");
	link_to(w, "f", "/l");
}

enum what { PUT, MKCOL, REMOVE, RENAME, COPY, PATCH };

struct change_case {
	enum what what;
	const char *path;
	const char *to;
};

static const struct change_case cases[] = {
	{ PUT, "/new", NULL },
	{ PUT, "/plain", NULL },
	{ PUT, "/f", NULL },
	{ PUT, "/l", NULL },
	{ PUT, "/c/sub/new", NULL },
	{ MKCOL, "/new", NULL },
	{ MKCOL, "/c/sub/new", NULL },
	{ REMOVE, "/f", NULL },
	{ REMOVE, "/plain", NULL },
	{ REMOVE, "/e", NULL },
	{ REMOVE, "/l", NULL },
	{ RENAME, "/f", "/new" },
	{ RENAME, "/f", "/c/sub/new" },
	{ RENAME, "/f", "/g" },
	{ RENAME, "/f", "/plain" },
	{ RENAME, "/plain", "/c/1" },
	{ RENAME, "/f", "/d" },
	{ RENAME, "/c", "/new" },
	{ RENAME, "/c", "/d" },
	{ RENAME, "/c", "/e" },
	{ RENAME, "/c", "/g" },
	{ RENAME, "/c", "/l" },
	{ RENAME, "/l", "/d" },
	{ RENAME, "/c/sub", "/e" },
	{ COPY, "/f", "/new" },
	{ COPY, "/plain", "/new" },
	{ COPY, "/f", "/g" },
	{ COPY, "/plain", "/g" },
	{ COPY, "/f", "/plain" },
	{ COPY, "/f", "/d" },
	{ COPY, "/g", "/l" },
	{ COPY, "/c", "/new" },
	{ COPY, "/c", "/d" },
	{ COPY, "/c", "/g" },
	{ COPY, "/c/sub", "/g" },
	{ COPY, "/c/sub", "/new" },
	{ COPY, "/c", "/l" },
	{ PATCH, "/f", NULL },
};

static enum err_code
patch(struct store *s, const char *path)
{
	const struct prop_change changes[] = {
		{ .prop = { .name = { STR("urn:t"), STR("p") } },
		    .remove = true },
		{ .prop = { .name = { STR("urn:t"), STR("new") },
		      .form = PROP_TEXT,
		      .value = STR("v") } },
	};

	return store_patch(
	    s, at(path), changes, ARRAY_LEN(changes), NULL, NULL, NULL);
}

static enum err_code
make(struct store *s, const struct change_case *c)
{
	switch (c->what) {
	case PUT:
		return put(s, c->path, STR("new bytes"), NULL, NULL, NULL);
	case MKCOL:
		return store_mkcol(s, at(c->path), NULL, NULL, NULL);
	case REMOVE:
		return store_remove(s, at(c->path), NULL, NULL, NULL);
	case RENAME:
		return store_rename(s, at(c->path), at(c->to), REPLACE_YES,
		    NULL, NULL, NULL, NULL);
	case COPY:
		return store_copy(s, at(c->path), at(c->to), REPLACE_YES, NULL,
		    NULL, NULL, NULL, NULL);
	case PATCH:
		return patch(s, c->path);
	}
	return ERR_INTERNAL;
}

/* ---- what there is */

static void
tell_bytes(struct store *s, const char *path, struct buf *out)
{
	struct content *c;
	char bytes[64];
	size_t got;

	assert_ok(store_open(s, at(path), &c, err));
	assert_ok(content_read(c, 0, bytes, sizeof(bytes), &got, err));
	content_free(c);
	buf_printf(out, " \"%.*s\"", (int)got, bytes);
}

static void
tell_props(struct store *s, const struct resource *r, struct buf *out)
{
	struct arena a = { 0 };
	const struct prop *props;
	size_t n, i;

	assert_ok(store_props(s, r, &a, &props, &n, err));
	for (i = 0; i < n; i++)
		buf_printf(out, " %.*s=%.*s", STR_ARG(props[i].name.local),
		    STR_ARG(props[i].value));
	arena_done(&a);
}

/* A line for each resource: its path, bytes and properties. */
static void
tell(const struct world *w, struct buf *out)
{
	char *paths =
	    strdup(walk_text(w->store, "/", DEPTH_INFINITY, WALK_DOWN));
	char *rest = paths;
	char *path;

	assert_non_null(paths);
	while ((path = strsep(&rest, "\n")) && *path) {
		size_t len = strlen(path);
		struct resource r;

		if (len > 1 && path[len - 1] == '/')
			path[len - 1] = '\0';
		r = must_stat(w->store, path);
		buf_printf(out, "%s%s", path, r.collection ? "/" : "");
		if (!r.collection)
			tell_bytes(w->store, path, out);
		tell_props(w->store, &r, out);
		buf_putc(out, '\n');
	}
	free(paths);
	buf_putc(out, '\0');
	assert_int_equal(buf_failed(out), ERR_OK);
}

struct owners {
	struct store *store;
	struct resource_id ids[16];
	size_t n;
};

static enum err_code
add_owner(void *arg, const struct member *m, bool *prune)
{
	struct owners *o = arg;
	struct arena a = { 0 };
	const struct prop *props;
	size_t n, i;

	(void)prune;
	assert_ok(store_props(o->store, &m->res, &a, &props, &n, err));
	arena_done(&a);
	for (i = 0; i < o->n; i++) /* by another name */
		if (!memcmp(&o->ids[i], &m->res.id, sizeof(m->res.id)))
			n = 0;
	if (n)
		o->ids[o->n++] = m->res.id;
	return ERR_OK;
}

/* How many resources have properties. */
static long
count_owners(struct store *s)
{
	struct owners o = { .store = s };
	const struct walk walk = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = add_owner,
		.arg = &o,
	};

	assert_ok(store_walk(s, at("/"), &walk, err));
	return (long)o.n;
}

/* Names in the tree that begin as hidden ones do. */
static unsigned n_hidden;

static int
note_hidden(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + at->base;

	(void)st;
	(void)type;
	/* Not what is within such a one, or in the state directory. */
	n_hidden += temp_name_is(name) && strstr(path, "/.") == name - 1;
	return 0;
}

static unsigned
count_hidden(const char *dir)
{
	n_hidden = 0;
	assert_int_equal(nftw(dir, note_hidden, 16, FTW_PHYS), 0);
	return n_hidden;
}

static void
await_no_staging(const struct world *w)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int tries;

	for (tries = 0; count_entries(w, "/../state/tmp") && tries < 10000;
	     tries++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(count_entries(w, "/../state/tmp"), 0);
}

static long
query(const struct world *w, const char *sql, const char *path)
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
	if (path)
		assert_int_equal(sqlite3_bind_blob(stmt, 1, path,
				     (int)strlen(path), SQLITE_STATIC),
		    SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = (long)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return n;
}

/* ---- the test */

static struct world *
world_new(bool named)
{
	void *state;
	struct world *w;

	(void)world_set_up(&state);
	w = state;
	store_close(w->store);
	w->named = named;
	world_open(w);
	build(w);
	store_close(w->store);
	w->store = NULL;
	return w;
}

/* What the child ended with. */
static int
run_child(struct world *w, const struct change_case *c, unsigned stop_at)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		w->strict = true;
		world_open(w);
		steps_left = stop_at;
		_exit(make(w->store, c) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

struct trial {
	const struct change_case *c;
	bool named;
	struct buf before, after;
	unsigned n; /* it ends there */
};

static const char *
canonical(const struct change_case *c)
{
	const char *path =
	    c->what == RENAME || c->what == REMOVE || !c->to ? c->path : c->to;
	bool follows =
	    c->what == PUT || (c->what == COPY && strcmp(c->path, "/g") == 0);

	return follows && !strcmp(path, "/l") ? "/f" : path;
}

/* Whether the journal has a line about it since it was n lines long. */
static bool
is_in_journal(struct world *w, const struct change_case *c, long since)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM journal WHERE seq > %ld AND path = ?", since);
	return query(w, sql, canonical(c)) > 0;
}

static void
check_left(struct world *w, const struct trial *t, long lines)
{
	struct buf now = { 0 };
	bool same;

	world_open(w);
	tell(w, &now);
	same = !strcmp(now.ptr, t->before.ptr);
	if (!same && strcmp(now.ptr, t->after.ptr) != 0)
		fail_msg("step %u of %u %s %s left\n%s", t->n, t->c->what,
		    t->c->path, t->c->to ? t->c->to : "", now.ptr);
	if (!same && !is_in_journal(w, t->c, lines))
		fail_msg("step %u of %u %s: not in the journal", t->n,
		    t->c->what, t->c->path);
	await_no_staging(w);
	assert_int_equal(count_hidden(w->tree), 0);
	assert_int_equal(query(w, "SELECT count(*) FROM intents", NULL), 0);
	assert_int_equal(query(w, "SELECT count(DISTINCT id) FROM props", NULL),
	    count_owners(w->store));
	buf_done(&now);
}

/* False: it got through. */
static bool
try_step(struct trial *t)
{
	struct world *w = world_new(t->named);
	void *state = w;
	long lines = query(w, "SELECT max(seq) FROM journal", NULL);
	int end = run_child(w, t->c, t->n);

	if (end != STOPPED && end != 0)
		fail_msg(
		    "step %u of %u %s: failed", t->n, t->c->what, t->c->path);
	check_left(w, t, lines);
	(void)world_tear_down(&state);
	return end == STOPPED;
}

static void
learn(struct trial *t)
{
	struct world *w = world_new(t->named);
	void *state = w;

	world_open(w);
	tell(w, &t->before);
	assert_int_equal(make(w->store, t->c), ERR_OK);
	tell(w, &t->after);
	(void)world_tear_down(&state);
	assert_string_not_equal(t->before.ptr, t->after.ptr);
}

/* A sanitizer makes a process slow to start, and there are a thousand. */
static void
try_all(bool named)
{
	size_t every = getenv("SHEAF_SANITIZED") ? 4 : 1;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i += every) {
		struct trial t = { .c = &cases[i], .named = named };

		if (named && t.c->what != PUT && t.c->what != COPY)
			continue;
		learn(&t);
		t.n = 1;
		while (try_step(&t))
			assert_true(++t.n < MAX_STEPS);
		buf_done(&t.before);
		buf_done(&t.after);
	}
}

static void
a_change_that_is_cut_off_is_there_wholly_or_not_at_all(void **state)
{
	(void)state;
	try_all(false);
}

static void
it_is_so_without_nameless_files(void **state)
{
	(void)state;
	try_all(true);
}

/* More than a batch syncs by themselves. */
#define COPIES 20

static int
copy_many_and_move_one(struct world *w)
{
	struct store_batch *b = NULL;
	struct store *s;
	int i;

	w->strict = true;
	world_open(w);
	s = w->store;
	if (store_batch_begin(s, at("/d"), &b, NULL))
		return 1;
	for (i = 0; i < COPIES; i++) {
		char to[32];

		(void)snprintf(to, sizeof(to), "/d/copy%d", i);
		if (store_copy(s, at("/f"), at(to), REPLACE_NO, NULL, b, NULL,
			NULL, NULL))
			return 1;
	}
	return store_rename(s, at("/d/copy19"), at("/moved"), REPLACE_NO, NULL,
		   NULL, NULL, NULL)
	    ? 1
	    : 0;
}

static void
what_was_moved_out_of_a_batch_keeps_its_properties(void **state)
{
	struct world *w = world_new(false);
	void *world = w;
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(copy_many_and_move_one(w));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	world_open(w);
	must_have_props(w->store, "/moved", "p=f;");
	must_have_props(w->store, "/d/copy18", "p=f;");
	assert_int_equal(query(w, "SELECT count(*) FROM intents", NULL), 0);
	(void)world_tear_down(&world);
}

int
main(void)
{
	static const struct CMUnitTest all[] = {
		cmocka_unit_test(
		    a_change_that_is_cut_off_is_there_wholly_or_not_at_all),
		cmocka_unit_test(it_is_so_without_nameless_files),
		cmocka_unit_test(
		    what_was_moved_out_of_a_batch_keeps_its_properties),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
