/* SPDX-License-Identifier: MIT */
/* The state with the nth allocation failing: our own, and those of SQLite. */
#include "store/state_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "lib/alloc_fail.h"

static sqlite3_mem_methods real_memory;

/* Of this thread alone: others have no part in the test. */
static _Thread_local struct {
	long fail_at; /* 0: never */
	bool fired;
} sqlite_memory;

static bool
sqlite_fails(void)
{
	if (!sqlite_memory.fail_at || --sqlite_memory.fail_at)
		return false;
	sqlite_memory.fired = true;
	return true;
}

static void *
sqlite_malloc(int n)
{
	return sqlite_fails() ? NULL : real_memory.xMalloc(n);
}

static void *
sqlite_realloc(void *p, int n)
{
	return sqlite_fails() ? NULL : real_memory.xRealloc(p, n);
}

/* Before SQLite is used for the first time. */
static void
watch_sqlite_memory(void)
{
	sqlite3_mem_methods m;

	(void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
	m = real_memory;
	m.xMalloc = sqlite_malloc;
	m.xRealloc = sqlite_realloc;
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &m);
	/* Else most of what it needs comes out of one piece, made early. */
	(void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

static enum err_code
do_remove(struct state_world *w)
{
	const struct change c = { .kind = CHANGE_REMOVE,
		.path = at("/a"),
		.gone = id(0),
		.drops_locks = true };
	uint64_t intent;
	enum err_code rc =
	    state_change_begin(w->state, &c, true, &intent, NULL);

	if (!rc)
		state_change_end(w->state, intent, true);
	return rc;
}

static enum err_code
patch(struct state_world *w, struct str value)
{
	const struct prop_change c[] = {
		{ .prop = { .name = { STR("urn:t"), STR("p") },
		      .form = PROP_TEXT,
		      .value = value } },
		{ .prop = { .name = { STR("urn:t"), STR("q") } },
		    .remove = true },
	};

	return patch_props(w->state, id(2), c, 2, NULL);
}

/* Into a slot. */
static enum err_code
do_patch(struct state_world *w)
{
	return patch(w, STR("new"));
}

/* More than fits there. */
static enum err_code
do_patch_by_itself(struct state_world *w)
{
	char value[300];

	memset(value, 'x', sizeof(value));
	return patch(w, str_of(value, sizeof(value)));
}

static enum err_code
read_props(struct state_world *w, unsigned of)
{
	struct arena a = { 0 };
	const struct prop *props;
	size_t n;
	enum err_code rc = state_props(w->state, id(of), &a, &props, &n, NULL);

	arena_done(&a);
	return rc;
}

static enum err_code
do_read(struct state_world *w)
{
	return read_props(w, 1);
}

static enum err_code
do_patch_and_read(struct state_world *w)
{
	enum err_code rc = do_patch(w);

	return rc ? rc : read_props(w, 2);
}

static enum err_code
yes(void *arg, const struct change *c, bool *in_place, struct err *err)
{
	(void)arg;
	(void)c;
	(void)err;
	*in_place = true;
	return ERR_OK;
}

static enum err_code
do_recover(struct state_world *w)
{
	return state_recover(w->state, yes, NULL, NULL);
}

static enum err_code
do_close(struct state_world *w)
{
	state_close(w->state);
	w->state = NULL;
	return ERR_OK;
}

static const struct {
	const char *what;
	enum err_code (*act)(struct state_world *w);
} operations[] = {
	{ "remove", do_remove },
	{ "patch", do_patch },
	{ "patch by itself", do_patch_by_itself },
	{ "read", do_read },
	{ "patch and read", do_patch_and_read },
	{ "recover", do_recover },
	{ "close", do_close },
};

static void
prepare(struct state_world *w, bool lock)
{
	const struct change c = {
		.kind = CHANGE_REMOVE, .path = at("/z"), .gone = id(1)
	};
	uint64_t intent;

	raw_exec(w, "DELETE FROM locks; DELETE FROM props");
	set_prop(w, 0, "zero");
	set_prop(w, 1, "one");
	assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	if (lock)
		add_lock(w, "/a", "t");
}

static void
fail_at(bool sqlite, long n)
{
	sqlite_memory.fired = false;
	if (sqlite)
		sqlite_memory.fail_at = n;
	else
		alloc_fail_at((unsigned long)n);
}

/* Whether something has failed. */
static bool
fail_no_more(void)
{
	sqlite_memory.fail_at = 0;
	return alloc_fail_stop() || sqlite_memory.fired;
}

/* SQLite can do without some of what it asks for. */
static void
check_failure(
    enum err_code rc, bool failed, const char *what, bool sqlite, long n)
{
	if (rc && (!failed || rc != ERR_NOMEM))
		fail_msg("%s, allocation %ld of %s: %s", what, n,
		    sqlite ? "SQLite" : "ours", err_name(rc));
	assert_true(n < 5000);
}

static void
run_without_memory(struct state_world *w, size_t i, bool sqlite)
{
	bool failed = true;
	long n;

	for (n = 1; failed; n++) {
		enum err_code rc;

		if (!w->state)
			state_world_open(w);
		prepare(w, i == 0);
		fail_at(sqlite, n);
		rc = operations[i].act(w);
		failed = fail_no_more();
		check_failure(rc, failed, operations[i].what, sqlite, n);
		if (rc && i == 0)
			check_prop(w, 0, "zero");
		if (rc && (i == 1 || i == 2))
			check_prop(w, 2, "");
	}
}

static void
without_memory_nothing_is_done_by_half(void **state)
{
	struct state_world *w = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(operations); i++) {
		run_without_memory(w, i, false);
		run_without_memory(w, i, true);
	}
}

/* ---- a start */

/* The files of a state that nobody has open, with slots that are to be moved.
 */
struct kept {
	const char *name;
	size_t most; /* bytes of it that matter; 0: all */
	struct buf bytes;
};

#define FIRST_SLOTS ((size_t)8192)

static struct kept files[] = {
	{ .name = "state.db" },
	{ .name = "state.late", .most = FIRST_SLOTS },
};

static const char *
file_of(const struct state_world *w, const char *name, const char *kind)
{
	static char file[500];

	(void)snprintf(file, sizeof(file), "%s/%s%s", w->dir, name, kind);
	return file;
}

static void
read_kept(const struct state_world *w, const struct kept *k, struct buf *out)
{
	int fd CLEANUP(fd_close) = open(file_of(w, k->name, ""), O_RDONLY);
	size_t most = k->most ? k->most : (size_t)1 << 20;
	char *room = buf_room(out, most);
	size_t got;

	assert_true(fd >= 0);
	assert_non_null(room);
	assert_ok(fd_read_at(fd, 0, room, most, &got, err));
	assert_true(k->most || got < most);
	out->len = got;
}

static void
put_back(const struct state_world *w)
{
	size_t i;

	(void)unlink(file_of(w, "state.db", "-wal"));
	(void)unlink(file_of(w, "state.db", "-shm"));
	for (i = 0; i < ARRAY_LEN(files); i++) {
		int fd CLEANUP(fd_close) =
		    open(file_of(w, files[i].name, ""), O_WRONLY);

		assert_ok(fd_write_all(fd, buf_str(&files[i].bytes), err));
	}
}

static bool
is_as_kept(const struct state_world *w)
{
	bool is = access(file_of(w, "state.db", "-wal"), F_OK) != 0;
	size_t i;

	for (i = 0; is && i < ARRAY_LEN(files); i++) {
		struct buf now CLEANUP(buf_done) = { 0 };

		read_kept(w, &files[i], &now);
		is = str_eq(buf_str(&now), buf_str(&files[i].bytes));
	}
	return is;
}

static void
keep_files(struct state_world *w)
{
	size_t i;

	prepare(w, true);
	assert_ok(do_patch(w));
	raw_exec(w, "PRAGMA wal_checkpoint(TRUNCATE)");
	for (i = 0; i < ARRAY_LEN(files); i++)
		read_kept(w, &files[i], &files[i].bytes);
	state_world_close(w);
	assert_false(is_as_kept(w)); /* the slots have been moved */
	put_back(w);
}

static void
check_opened(struct state_world *w)
{
	state_world_open(w);
	check_prop(w, 0, "zero");
	check_prop(w, 2, "new");
	state_world_close(w);
	put_back(w);
}

static void
start_without_memory(struct state_world *w, bool sqlite)
{
	bool failed = true;
	long n;

	for (n = 1; failed; n++) {
		enum err_code rc;

		fail_at(sqlite, n);
		rc = state_world_try(w, NULL);
		failed = fail_no_more();
		check_failure(rc, failed, "open", sqlite, n);
		state_close(w->state);
		w->state = NULL;
		/* Else whoever comes next finds what this one did. */
		if (!is_as_kept(w))
			check_opened(w);
	}
}

static void
without_memory_nothing_is_opened_or_all(void **state)
{
	size_t i;

	keep_files(*state);
	start_without_memory(*state, false);
	start_without_memory(*state, true);
	check_opened(*state);
	for (i = 0; i < ARRAY_LEN(files); i++)
		buf_done(&files[i].bytes);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		STATE_TEST(without_memory_nothing_is_done_by_half),
		STATE_TEST(without_memory_nothing_is_opened_or_all),
	};

	watch_sqlite_memory();
	return cmocka_run_group_tests_name("state memory", tests, NULL, NULL);
}
