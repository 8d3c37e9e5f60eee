/* SPDX-License-Identifier: MIT */
/* What a collection is listed as, and what the system says of its members. */
#ifndef SHEAF_TESTS_LISTING_SEEN_H
#define SHEAF_TESTS_LISTING_SEEN_H

#include <stdatomic.h>

#include "store/listing_changes.h"

#define MOST 16

struct seen {
	size_t n;
	struct {
		char name[16];
		struct resource res;
	} all[MOST];
};

enum err_code list(struct store *s, const char *path, struct seen *out);
const struct resource *member(const struct seen *s, const char *name);

/*
 * Fails the test unless the next listing says what is there; after: what was
 * done before, for the message.
 */
void check(const struct world *w, const char *dir, const char *after);

/* How many members of it are known. */
size_t known(const struct world *w, const char *dir);

/* Lists it until all that can be known of it are. */
void learn(const struct world *w, const char *dir, size_t want);

/* Of all threads; to be linked with --wrap=statx. */
extern _Atomic unsigned long statx_calls;

/* The inode of what it says is encrypted. */
extern _Atomic uint64_t encrypted;

/* A world with /d and /e, where there is a link in the first. */
int listing_set_up(void **state);

#define LISTING_TEST(test) \
	cmocka_unit_test_setup_teardown(test, listing_set_up, changes_tear_down)

#endif
