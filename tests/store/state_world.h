/* SPDX-License-Identifier: MIT */
/*
 * A state in a temporary directory, and its file as another program would see
 * it.  Each test gets one as its state.
 */
#ifndef SHEAF_TESTS_STORE_STATE_WORLD_H
#define SHEAF_TESTS_STORE_STATE_WORLD_H

#include "store/suite.h"

#include <sqlite3.h>

#include "lib/tmpdir.h"
#include "store/state.h"

struct state_world {
	struct tmpdir base; /* holds the directories */
	char dir[300];
	bool strict;
	struct state *state; /* NULL: closed */
	sqlite3 *raw; /* another connection; NULL: none */
};

int state_set_up(void **state); /* relaxed */
int state_set_up_strict(void **state);
int state_tear_down(void **state);

#define STATE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, state_set_up, state_tear_down)
#define STRICT_TEST(test)                \
	cmocka_unit_test_setup_teardown( \
	    test, state_set_up_strict, state_tear_down)

enum err_code state_world_try(struct state_world *w, struct err *err);
void state_world_open(struct state_world *w);
void state_world_close(struct state_world *w);

/*
 * As if the process were killed now: goes on with a copy of what is in the
 * files, which it opens.
 */
void state_world_crash(struct state_world *w);

/*
 * The same for a power cut: change() makes of the copies, in dir, what it
 * leaves.
 */
void state_world_cut(struct state_world *w, void (*change)(const char *dir));

/* Runs SQL on the file.  raw_int() may be called by any thread. */
void raw_exec(struct state_world *w, const char *sql);
int64_t raw_int(struct state_world *w, const char *sql);

/* Id number n: made up, but always the same. */
const struct resource_id *id(unsigned n);

/* Patches, at a path of no importance; on disk when it returns. */
enum err_code patch_props(struct state *s, const struct resource_id *of,
    const struct prop_change *changes, size_t n, struct err *err);

/* Sets a property "p" of id n. */
void set_prop(struct state_world *w, unsigned n, const char *value);

/* Fails the test unless property "p" of id n is this; "": it has none. */
void check_prop(struct state_world *w, unsigned n, const char *want);

/* Adds a row as LOCK makes it; the state is closed and opened for that. */
void add_lock(struct state_world *w, const char *path, const char *token);

/* Writes a line for a change that leaves the state nothing else to do. */
enum err_code write_line(struct state *s, const char *path, struct err *err);

#endif
