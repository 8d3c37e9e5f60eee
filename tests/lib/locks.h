/* SPDX-License-Identifier: MIT */
/*
 * Locks in tests: made in a store, shown to it, and read back as text.  The
 * helpers fail the test when the store does.
 */
#ifndef SHEAF_TESTS_LOCKS_H
#define SHEAF_TESTS_LOCKS_H

#include "base/buf.h"
#include "store/store.h"

struct token {
	char text[LOCK_TOKEN_SIZE];
};

/*
 * A lock of an hour; user: "" for nobody in particular.  Where nothing is
 * mapped an empty file is made; then no lock on its parent may stand yet.
 */
struct token lock_at(struct store *s, const char *path, enum depth depth,
    bool shared, const char *user);

/* A guard that shows tokens and asks nothing. */
struct shown {
	struct str v[2];
	struct lock_tokens tokens;
	struct guard guard;
};

/* That of `user` with these; a and b may be NULL.  All live as long as *h. */
const struct guard *show(struct shown *h, const char *user,
    const struct token *a, const struct token *b);

/*
 * Appends the locks that cover path, each as its root, "=", "x" or "s", "0" or
 * "i" (depth), and "@" and the user if there is one: "/d=xi /d/f=s0@ann", in
 * order.
 */
void locks_put(struct store *s, const char *path, struct buf *out);

/* Fails the test unless locks_put() gives this. */
#define assert_locks(s, path, want) \
	locks_check((s), (path), (want), __FILE__, __LINE__)
void locks_check(struct store *s, const char *path, const char *want,
    const char *file, int line);

#endif
