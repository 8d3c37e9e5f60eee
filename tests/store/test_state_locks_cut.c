/* SPDX-License-Identifier: MIT */
/*
 * Locks, properties and the power cut.  What is sure to be on the disk is what
 * each file had at its last sync; of what came later there may be nothing or
 * all, in SQLite's log and in the slots independently.
 */
#include "store/state_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

#define END INT64_MAX
#define MOST ((size_t)1 << 23) /* bytes of a file here */

enum { LOG, SLOTS, N_FILES };

static const char *const files[N_FILES] = { "state.db-wal", "state.late" };

static struct {
	char *bytes[N_FILES];
	size_t n[N_FILES];
	bool cut[N_FILES]; /* goes back to what was synced */
	int fail[N_FILES]; /* so many syncs more */
	bool keeps_pace; /* syncs take so many microseconds, and do nothing */
	unsigned pace;
} disk;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static void
remember(int file, int fd)
{
	ssize_t n = pread(fd, disk.bytes[file], MOST, 0);

	assert_true(n >= 0 && (size_t)n < MOST);
	disk.n[file] = (size_t)n;
}

int
__wrap_fdatasync(int fd)
{
	char link[64], name[400];
	ssize_t n;
	int i;

	if (disk.keeps_pace)
		return disk.pace ? usleep(disk.pace) : 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	assert_true(n > 0);
	name[n] = '\0';
	for (i = 0; i < N_FILES; i++) {
		if (!strstr(name, files[i]))
			continue;
		if (disk.fail[i] && disk.fail[i]--) {
			errno = EIO;
			return -1;
		}
		remember(i, fd);
	}
	return __real_fdatasync(fd);
}

static void
take_back(const char *dir)
{
	char name[400];
	int i;

	for (i = 0; i < N_FILES; i++) {
		int fd CLEANUP(fd_close) = -1;

		if (!disk.cut[i])
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", dir, files[i]);
		fd = open(name, O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(
		    write(fd, disk.bytes[i], disk.n[i]), (ssize_t)disk.n[i]);
	}
}

/* ---- what there should be */

#define PATHS 4
#define TOKENS 4

enum known { GONE, THERE, UNKNOWN };

static enum known model[PATHS][TOKENS];

static struct lock
lock_of(size_t path, size_t token)
{
	static const char *const roots[PATHS] = { "/a", "/a/b", "/c", "/d" };
	static const char *const tokens[TOKENS] = { "1", "2", "3", "4" };

	return (struct lock){
		.root = at(roots[path]),
		.token = str_from_c(tokens[token]),
		.shared = true,
		.expires = END,
	};
}

static bool
is_there(struct state *s, const struct lock *l)
{
	struct arena a = { 0 };
	const struct lock *locks;
	bool found = false;
	size_t n, i;

	assert_ok(state_locks_at(s, l->root, &a, &locks, &n, err));
	for (i = 0; i < n; i++)
		found |= str_eq(locks[i].token, l->token);
	arena_done(&a);
	return found;
}

/* Values are numbers that rise: one that was acknowledged, or a later one. */
#define IDS 3

static struct {
	int acknowledged, newest;
} values[IDS];

static int
value_of(struct state *s, unsigned n)
{
	struct arena a = { 0 };
	const struct prop *props;
	size_t n_props;
	int value = 0;

	assert_ok(state_props(s, id(n), &a, &props, &n_props, err));
	assert_true(n_props <= 1);
	if (n_props)
		value = (int)strtol(props[0].value.ptr, NULL, 10);
	arena_done(&a);
	return value;
}

static void
check_values(struct state *s)
{
	unsigned i;

	for (i = 0; i < IDS; i++) {
		int value = value_of(s, i);

		assert_in_range(
		    value, values[i].acknowledged, values[i].newest);
		values[i].acknowledged = values[i].newest = value;
	}
}

/* What was not acknowledged is known from here on. */
static void
check_model(struct state *s)
{
	size_t i, k;

	for (i = 0; i < PATHS; i++)
		for (k = 0; k < TOKENS; k++) {
			struct lock l = lock_of(i, k);
			bool there = is_there(s, &l);

			if (model[i][k] != UNKNOWN)
				assert_int_equal(there, model[i][k] == THERE);
			model[i][k] = there ? THERE : GONE;
		}
}

static unsigned
next_random(unsigned *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 16;
}

static void
change_lock(struct state_world *w, unsigned what, bool wait, unsigned *seed)
{
	size_t path = next_random(seed) % PATHS;
	size_t token = next_random(seed) % TOKENS;
	enum known *known = &model[path][token];
	struct lock l = lock_of(path, token);
	bool there = is_there(w->state, &l);
	uint64_t number;

	if (what == 0 && !there)
		assert_ok(state_lock_add(w->state, &l, &number, err));
	else if (what == 1 && there)
		assert_ok(state_lock_refresh(w->state, &l, &number, err));
	else if (what == 2 && there)
		assert_ok(
		    state_lock_remove(w->state, l.root, l.token, &number, err));
	else
		return;
	if (wait)
		assert_ok(state_wait(w->state, number, err));
	if (wait)
		*known = what == 2 ? GONE : THERE;
	else if (what != 1)
		*known = UNKNOWN;
}

#define LONG 300 /* does not fit into a slot */

static void
change_value(struct state_world *w, bool wait, unsigned *seed)
{
	unsigned n = next_random(seed) % IDS;
	const struct change change = {
		.kind = CHANGE_PROPS,
		.path = at("/p"),
		.made = id(n),
	};
	char text[LONG + 1];
	struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT },
	};
	uint64_t intent, number;

	(void)snprintf(text, sizeof(text), "%-*d",
	    next_random(seed) % 4 ? 10 : LONG, ++values[n].newest);
	c.prop.value = str_from_c(text);
	assert_ok(
	    state_patch(w->state, &change, &c, 1, true, &intent, &number, err));
	if (!wait)
		return;
	assert_ok(state_wait(w->state, number, err));
	values[n].acknowledged = values[n].newest;
}

/* A tree is removed, and its locks with it. */
static void
remove_tree(struct state_world *w, bool wait)
{
	const struct change c = {
		.kind = CHANGE_REMOVE,
		.path = at("/a"),
		.drops_locks = true,
		.late = true,
	};
	uint64_t intent;
	size_t i, k;

	assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	state_change_end(w->state, intent, true);
	if (wait)
		assert_ok(state_sync(w->state, err));
	for (i = 0; i < 2; i++)
		for (k = 0; k < TOKENS; k++)
			if (model[i][k] != GONE)
				model[i][k] = wait ? GONE : UNKNOWN;
}

static void
do_one(struct state_world *w, unsigned *seed)
{
	bool wait = next_random(seed) % 3 != 0;
	unsigned what = next_random(seed) % 13;
	uint64_t intent;
	const struct change c = {
		.kind = CHANGE_WRITE,
		.path = at("/x"),
		.late = next_random(seed) % 2,
	};

	switch (what) {
	case 9:
		remove_tree(w, wait);
		break;
	case 10:
		assert_ok(state_change_begin(w->state, &c, wait, &intent, err));
		break;
	case 11:
	case 12:
		change_value(w, wait, seed);
		break;
	default:
		change_lock(w, what % 3, wait, seed);
		break;
	}
}

/* All that may be left to do is done, whatever came after it. */
static enum err_code
yes(void *arg, const struct change *c, bool *in_place, struct err *err)
{
	(void)arg;
	(void)c;
	(void)err;
	*in_place = true;
	return ERR_OK;
}

static void
what_was_acknowledged_is_so_after_a_power_cut(void **state)
{
	struct state_world *w = *state;
	unsigned seed = 7;
	int round, i;

	for (round = 0; round < 100; round++) {
		for (i = (int)(next_random(&seed) % 60); i >= 0; i--)
			do_one(w, &seed);
		disk.cut[LOG] = next_random(&seed) % 2;
		disk.cut[SLOTS] = next_random(&seed) % 2;
		state_world_cut(w, take_back);
		assert_ok(state_recover(w->state, yes, NULL, err));
		check_model(w->state);
		check_values(w->state);
	}
}

/* ---- a sync that fails */

static enum err_code
add(struct state_world *w, size_t path, uint64_t *number)
{
	const struct lock l = lock_of(path, 0);
	enum err_code rc = state_lock_add(w->state, &l, number, NULL);

	return rc ? rc : state_wait(w->state, *number, NULL);
}

static void
a_lock_that_could_not_be_synced_is_taken_back(void **state)
{
	struct state_world *w = *state;
	const struct lock l = lock_of(1, 0);
	uint64_t number;

	assert_int_equal(add(w, 0, &number), ERR_OK); /* it tidies */
	assert_int_equal(add(w, 2, &number), ERR_OK);
	disk.fail[SLOTS] = 1;
	assert_int_equal(add(w, 1, &number), ERR_IO);
	assert_ok(state_lock_remove(w->state, l.root, l.token, &number, err));
	assert_ok(state_wait(w->state, number, err));
	model[0][0] = model[2][0] = THERE;
	check_model(w->state);
	/* By transactions, until all are safe. */
	assert_int_equal(add(w, 3, &number), ERR_OK);
	model[3][0] = THERE;
	disk.cut[LOG] = disk.cut[SLOTS] = true;
	state_world_cut(w, take_back);
	check_model(w->state);
	assert_int_equal(add(w, 1, &number), ERR_OK);
	model[1][0] = THERE;
	state_world_cut(w, take_back);
	check_model(w->state);
}

/* ---- how long a sync takes */

static bool
is_quick(struct state_world *w, bool alone)
{
	const struct lock l = lock_of(1, 0);

	return state_lock_is_quick(w->state, l.root, false, alone);
}

/* Lines that are synced, until it is so; whether it came to be. */
static bool
comes_to_be_quick(struct state_world *w, bool quick)
{
	const struct lock l = lock_of(2, 0);
	uint64_t number;
	int i;

	for (i = 0; i < 1000 && is_quick(w, true) != quick; i++) {
		assert_int_equal(add(w, 2, &number), ERR_OK);
		assert_ok(
		    state_lock_remove(w->state, l.root, l.token, &number, err));
		assert_ok(state_wait(w->state, number, err));
	}
	return is_quick(w, true) == quick;
}

static void
who_is_alone_waits_for_a_short_sync_and_for_no_other(void **state)
{
	struct state_world *w = *state;
	uint64_t number;

	assert_int_equal(add(w, 0, &number), ERR_OK); /* it tidies */
	assert_false(is_quick(w, true)); /* who knows? */
	disk.keeps_pace = true;
	assert_true(comes_to_be_quick(w, true));
	assert_false(is_quick(w, false));
	disk.pace = 10000;
	assert_true(comes_to_be_quick(w, false));
	disk.pace = 0;
	assert_true(comes_to_be_quick(w, true));
	disk.keeps_pace = false;
}

/* ---- */

static int
set_up(void **state)
{
	int i;

	memset(&disk, 0, sizeof(disk));
	memset(model, 0, sizeof(model));
	memset(values, 0, sizeof(values));
	for (i = 0; i < N_FILES; i++) {
		disk.bytes[i] = malloc(MOST);
		assert_non_null(disk.bytes[i]);
	}
	return state_set_up_strict(state);
}

static int
tear_down(void **state)
{
	int rc = state_tear_down(state);
	int i;

	for (i = 0; i < N_FILES; i++)
		free(disk.bytes[i]);
	return rc;
}

int
main(void)
{
#define CUT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		CUT_TEST(what_was_acknowledged_is_so_after_a_power_cut),
		CUT_TEST(a_lock_that_could_not_be_synced_is_taken_back),
		CUT_TEST(who_is_alone_waits_for_a_short_sync_and_for_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
