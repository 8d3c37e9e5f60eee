/* SPDX-License-Identifier: MIT */
/* A directory for one test, below $TMPDIR or /tmp. */
#ifndef SHEAF_TESTS_TMPDIR_H
#define SHEAF_TESTS_TMPDIR_H

struct tmpdir {
	char path[256]; /* empty: none */
};

/* Both fail the test when they cannot. */
void tmpdir_make(struct tmpdir *t);

/*
 * Removes it and all below it, on the same file system, whatever permissions
 * the test has left behind.  Fine on all zero, and twice.
 */
void tmpdir_remove(struct tmpdir *t);

#endif
