/* SPDX-License-Identifier: MIT */
/* For tests of store_apply(): edits in few words. */
#ifndef SHEAF_TESTS_STORE_APPLY_SUITE_H
#define SHEAF_TESTS_STORE_APPLY_SUITE_H

#include "store/apply.h"
#include "store/suite.h"

#define EDITS_MAX ((size_t)16)

/* A list of edits, with what they need until batch_done(). */
struct edits {
	struct store *store;
	struct edit v[EDITS_MAX];
	struct prop props[EDITS_MAX];
	size_t n;
};

struct edit *edit_remove(struct edits *l, const char *path);
struct edit *edit_move(struct edits *l, const char *path, const char *to);
struct edit *edit_mkcol(struct edits *l, const char *to);

struct edit *edit_unlock(struct edits *l, const char *path);
struct edit *
edit_record(struct edits *l, const char *to, const struct record *r);

/*
 * An EDIT_FILE with this text, staged near its parent, or the next collection
 * above that is mapped, and settled.
 */
struct edit *edit_file(struct edits *l, const char *to, const char *text);

/* An EDIT_PROPS with one property "p"; value NULL: with none. */
struct edit *edit_props(struct edits *l, const char *to, const char *value);

/* Sets the property of an edit that makes something. */
void edit_set(struct edits *l, struct edit *e, const char *value);

/* Applies all at once, under a claim to the root; the list is empty then. */
enum err_code edits_apply(struct edits *l, struct err *err);
void must_apply(struct edits *l);

/* Lets go of what was staged. */
void edits_done(struct edits *l);

#endif
