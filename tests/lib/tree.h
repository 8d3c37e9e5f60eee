/* SPDX-License-Identifier: MIT */
/*
 * Trees of a store as text: "/a/ /a/f=bytes /a/g", collections with a slash at
 * their end, files with their bytes, in order of path, one space between two;
 * "/a/l@" is a link that leads to where it is.
 */
#ifndef SHEAF_TESTS_TREE_H
#define SHEAF_TESTS_TREE_H

#include "base/buf.h"
#include "store/store.h"

/* A string of the test's own as a path. */
struct rpath at(const char *path);

/* Makes what text says, which has parents before members.  Or fails the test.
 */
void tree_make(struct store *s, const char *text);

/* Appends what is at root and below it; the root collection "/" is left out. */
void tree_put(struct store *s, const char *root, struct buf *out);

/* Fails the test unless the tree below "/" is this. */
#define assert_tree(s, want) tree_check((s), (want), __FILE__, __LINE__)
void tree_check(struct store *s, const char *want, const char *file, int line);

#endif
