/* SPDX-License-Identifier: MIT */
/* What is told of a file, and what the system says of it. */
#ifndef SHEAF_TESTS_STORE_READY_SEEN_H
#define SHEAF_TESTS_STORE_READY_SEEN_H

#include "store/listing_changes.h"

/* Whether the file is known; this asks for it once more, too. */
bool is_known(const struct world *w, const char *path);

/* Asks for it until it is known. */
void learn(const struct world *w, const char *path);

/*
 * Fails the test unless the next answers say what is there; after: what was
 * done before, for the message.
 */
void check(const struct world *w, const char *path, const char *after);

/* The same for all files that ready_set_up() makes. */
void check_all(const struct world *w, const char *after);

/* The path of the i-th file in dir. */
const char *member(char path[64], const char *dir, int i);

/* A world with /d and /e, where there are a collection and a link in the first.
 */
int ready_set_up(void **state);

#define READY_TEST(test) \
	cmocka_unit_test_setup_teardown(test, ready_set_up, changes_tear_down)

#endif
