/* SPDX-License-Identifier: MIT */
/* What the conformance tests of locks have in common. */
#ifndef SHEAF_TESTS_STORE_LOCK_SUITE_H
#define SHEAF_TESTS_STORE_LOCK_SUITE_H

#include "lib/locks.h"
#include "store/suite.h"

#define HOUR (INT64_C(3600) * 1000000000)

/* Makes /d/ /d/f /d/c/ /d/c/g /e/ /file, each file with its name in it. */
void must_make_tree(struct store *s);

/* A LOCK of nobody in particular, for an hour. */
enum err_code try_lock(struct store *s, const char *path, enum depth depth,
    bool shared, const struct guard *g, bool *created, struct err *err);

/* An UNLOCK; t: NULL for no token. */
enum err_code unlock(struct store *s, const char *path, const char *user,
    const struct token *t, struct err *err);

/* Removes all locks that are rooted at something mapped. */
void must_unlock_all(struct store *s);

#endif
