/* SPDX-License-Identifier: MIT */
#include "store/state_world.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum err_code
state_world_try(struct state_world *w, struct err *err)
{
	int dir CLEANUP(fd_close) = open(w->dir, O_RDONLY | O_DIRECTORY);
	const struct state_spec spec = { dir, w->dir, !w->strict };

	assert_true(dir >= 0);
	return state_open(&spec, &w->state, err);
}

void
state_world_open(struct state_world *w)
{
	assert_ok(state_world_try(w, err));
}

static void
raw_close(struct state_world *w)
{
	assert_int_equal(sqlite3_close(w->raw), SQLITE_OK);
	w->raw = NULL;
}

void
state_world_close(struct state_world *w)
{
	raw_close(w);
	state_close(w->state);
	w->state = NULL;
}

static int
set_up(void **state, bool strict)
{
	struct state_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(&w->base);
	(void)snprintf(w->dir, sizeof(w->dir), "%s/0", w->base.path);
	assert_int_equal(mkdir(w->dir, 0700), 0);
	w->strict = strict;
	state_world_open(w);
	*state = w;
	return 0;
}

int
state_set_up(void **state)
{
	return set_up(state, false);
}

int
state_set_up_strict(void **state)
{
	return set_up(state, true);
}

int
state_tear_down(void **state)
{
	struct state_world *w = *state;

	state_world_close(w);
	tmpdir_remove(&w->base);
	free(w);
	return 0;
}

/*
 * By another process: to close a file that SQLite has open would take away the
 * locks it has on it.
 */
static void
copy_file(const char *from, const char *name, const char *to)
{
	char file[400];
	char cp[] = "cp";
	char dir[400];
	char *args[] = { cp, file, dir, NULL };
	int status = -1;
	pid_t pid;

	(void)snprintf(file, sizeof(file), "%s/%s", from, name);
	(void)snprintf(dir, sizeof(dir), "%s", to);
	assert_int_equal(posix_spawnp(&pid, cp, NULL, NULL, args, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The index of the log is not copied: a crash of the machine leaves none. */
void
state_world_cut(struct state_world *w, void (*change)(const char *dir))
{
	static const char *const names[] = { "state.db", "state.db-wal",
		"state.late" };
	static unsigned turn;
	char to[sizeof(w->dir)];
	size_t i;

	(void)snprintf(to, sizeof(to), "%s/%u", w->base.path, ++turn);
	assert_int_equal(mkdir(to, 0700), 0);
	for (i = 0; i < ARRAY_LEN(names); i++)
		copy_file(w->dir, names[i], to);
	if (change)
		change(to);
	state_world_close(w);
	memcpy(w->dir, to, sizeof(to));
	state_world_open(w);
}

void
state_world_crash(struct state_world *w)
{
	state_world_cut(w, NULL);
}

static sqlite3 *
raw(struct state_world *w)
{
	char file[400];

	if (w->raw)
		return w->raw;
	(void)snprintf(file, sizeof(file), "%s/state.db", w->dir);
	assert_int_equal(sqlite3_open(file, &w->raw), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(w->raw, 5000), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(w->raw, "PRAGMA synchronous = OFF", NULL, NULL, NULL),
	    SQLITE_OK);
	return w->raw;
}

void
raw_exec(struct state_world *w, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(raw(w), sql, NULL, NULL, &why))
		fail_msg("%s: %s", sql, why);
}

/* One at a time: statements that overlap would all see what the first sees. */
int64_t
raw_int(struct state_world *w, const char *sql)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	sqlite3_stmt *stmt = NULL;
	int64_t n = 0;
	int result;

	(void)pthread_mutex_lock(&lock);
	result = sqlite3_prepare_v2(raw(w), sql, -1, &stmt, NULL);
	if (!result)
		result = sqlite3_step(stmt);
	if (result == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)pthread_mutex_unlock(&lock);
	if (result != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errstr(result));
	return n;
}

const struct resource_id *
id(unsigned n)
{
	static struct resource_id ids[10];

	assert_true(n < ARRAY_LEN(ids));
	memset(ids[n].bytes, (int)n + 1, sizeof(ids[n].bytes));
	return &ids[n];
}

enum err_code
patch_props(struct state *s, const struct resource_id *of,
    const struct prop_change *changes, size_t n, struct err *err)
{
	const struct change c = {
		.kind = CHANGE_PROPS,
		.path = at("/p"),
		.made = of,
	};
	uint64_t intent = 1;
	uint64_t number;
	enum err_code rc =
	    state_patch(s, &c, changes, n, true, &intent, &number, err);

	assert_int_equal(intent, 0);
	return rc ? rc : state_wait(s, number, err);
}

void
set_prop(struct state_world *w, unsigned n, const char *value)
{
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = str_from_c(value) },
	};

	assert_ok(patch_props(w->state, id(n), &c, 1, err));
}

void
check_prop(struct state_world *w, unsigned n, const char *want)
{
	struct arena a = { 0 };
	const struct prop *props = NULL;
	size_t got = 0;

	assert_ok(state_props(w->state, id(n), &a, &props, &got, err));
	if (got != (*want ? 1 : 0))
		fail_msg("id %u has %zu properties", n, got);
	if (got) {
		assert_str_equal(props[0].value, str_from_c(want));
		assert_true(state_may_have_props(w->state, id(n)));
	}
	arena_done(&a);
}

void
add_lock(struct state_world *w, const char *path, const char *token)
{
	char sql[500];

	state_world_close(w);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO locks VALUES (CAST('%s' AS BLOB), CAST('%s' AS BLOB),"
	    " 0, 0, x'', x'', 9223372036854775807)",
	    path, token);
	raw_exec(w, sql);
	state_world_open(w);
}

enum err_code
write_line(struct state *s, const char *path, struct err *err)
{
	const struct change c = { .kind = CHANGE_WRITE, .path = at(path) };
	uint64_t intent = 1;
	enum err_code rc = state_change_begin(s, &c, true, &intent, err);

	if (!rc)
		assert_int_equal(intent, 0);
	return rc;
}
