/* SPDX-License-Identifier: MIT */
/* The stores there are. */
#ifndef SHEAF_STORE_STORES_H
#define SHEAF_STORE_STORES_H

#include "store/store.h"

/* A store in memory, empty but for its root: for tests and dry runs. */
enum err_code mem_store_new(struct store **out, struct err *err) MUST_USE;

/*
 * A store that hands everything to `inner` (which it owns, unless this fails)
 * until told to fail: see fault_store_fail().
 */
enum err_code fault_store_new(
    struct store *inner, struct store **out, struct err *err) MUST_USE;

/*
 * The nth call from now on (1: the next) to any store, content or upload
 * function fails with code and does nothing; 0: none does.  Writing to an
 * upload's stream counts; closing, freeing and looking into a content do not.
 * With path, only calls for that path count: for copy and rename, either.
 */
void fault_store_fail(struct store *s, unsigned nth, enum err_code code,
    const struct rpath *path);

/* Whether that call has come. */
bool fault_store_fired(struct store *s);

/*
 * From now on walks report the member at path as one that could not be read,
 * and leave out its members; ERR_OK: no longer.
 */
void fault_store_spoil(
    struct store *s, enum err_code code, const struct rpath *path);

/*
 * A plain directory.  Files stay plain files in it.  Links are followed as
 * long as they stay within it; those that begin with a slash never are.
 *
 * state: where what is no file lives (dead properties); NULL: dir/.sheaf.  It
 * is made when it is missing, only for our own user, and never shown to
 * clients.  One process at a time: ERR_IN_USE.
 */
struct dir_store_spec {
	const char *dir;
	const char *state;
	bool relaxed; /* do not sync to disk before a change is acknowledged */
	/*
	 * Write uploads to hidden files from the start, as is done on file
	 * systems without O_TMPFILE; for tests.
	 */
	bool named_temps;
};

/*
 * The state of such a store (store/state.h), which may be open elsewhere: for
 * `sheaf locks`.  Only dir and state of the spec count.
 */
struct state;
enum err_code dir_store_look(const struct dir_store_spec *spec,
    struct state **out, struct err *err) MUST_USE;

/*
 * Makes the state of those opened later take memory as it needs it, and not 20
 * pages for each use of the file at once.  For a whole program: once, before
 * anything else.
 */
void dir_store_prepare(void);

enum err_code dir_store_open(const struct dir_store_spec *spec,
    struct store **out, struct err *err) MUST_USE;

#endif
