/* SPDX-License-Identifier: MIT */
/*
 * A directory store in a temporary directory, and the directory as the system
 * sees it.  Each test gets one as its state.
 */
#ifndef SHEAF_TESTS_STORE_WORLD_H
#define SHEAF_TESTS_STORE_WORLD_H

#include "store/suite.h"

#include "lib/tmpdir.h"
#include "store/stores.h"

struct world {
	struct tmpdir base; /* holds tree and state */
	char tree[300];
	char state[300];
	bool strict; /* syncs, unlike most tests need */
	bool named; /* no files without a name */
	struct store *store;
};

int world_set_up(void **state);
int world_set_up_strict(void **state);
int world_tear_down(void **state);

/* Opens its store, which is closed. */
void world_open(struct world *w);

/* A path in the tree, as the system knows it; good until the eighth call. */
const char *real(const struct world *w, const char *path);

/* Makes a symbolic link at path. */
void link_to(const struct world *w, const char *target, const char *path);

/* How many entries of a directory there are, whatever their names. */
size_t count_entries(const struct world *w, const char *path);

#define WORLD_TEST(test) \
	cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
#define STRICT_TEST(test)                \
	cmocka_unit_test_setup_teardown( \
	    test, world_set_up_strict, world_tear_down)

extern const struct tests batch_tests;
extern const struct tests claim_tests;
extern const struct tests link_tests;
extern const struct tests dir_lock_tests;
extern const struct tests file_tests;
extern const struct tests staging_tests;
extern const struct tests system_tests;
extern const struct tests member_tests;
extern const struct tests member_kept_tests;

/* Lines of a kind in the journal; not those that are still to get there. */
int64_t count_lines(const struct world *w, int kind);

/* Dead properties in the state, of whatever. */
int64_t count_props(const struct world *w);

/* Called, if it is there, when the state's log is synced (dir_batch.c). */
extern void (*during_log_sync)(void);

#endif
