/* SPDX-License-Identifier: MIT */
/* dir_temp.c: what the directory store makes where nobody sees it. */
#ifndef SHEAF_STORE_DIR_TEMP_H
#define SHEAF_STORE_DIR_TEMP_H

#include "store/dir_impl.h"

/*
 * A file or directory in `dir` (borrowed) that clients do not see.  Removed by
 * temp_done() unless it was moved into place.  All zero but fd (-1): none.
 */
struct temp {
	int fd; /* -1 for a directory */
	int dir;
	bool collection;
	char name[TEMP_NAME_SIZE]; /* empty: it has none yet, or no longer */
};

#define TEMP_NONE ((struct temp){ .fd = -1, .dir = -1 })

/*
 * Makes a file for a place in dir, which is borrowed as well.  It has an id
 * that the state knows nothing of.
 */
enum err_code temp_file(struct dir_store *ds, int dir, mode_t mode,
    struct temp *t, struct err *err) MUST_USE;

/*
 * The same, but the caller sees to it that the state knows nothing of its id.
 */
enum err_code temp_file_unchecked(struct dir_store *ds, int dir, mode_t mode,
    struct temp *t, struct err *err) MUST_USE;

/*
 * Makes a directory, in the place of what *t may hold.  beside: in dir itself,
 * not in staging.
 */
enum err_code temp_dir(struct dir_store *ds, int dir, bool beside,
    struct temp *t, struct err *err) MUST_USE;

void temp_done(struct temp *t);

/*
 * Gives the file a name in dir: it is no longer removed by temp_done().  -1 and
 * errno.
 */
int temp_give_name(struct temp *t, int dir, const char *name);

/*
 * Closes a file that waits in staging, so that many can; it has only a name
 * from then on.  False: it is for another file system, and stays open.
 */
bool temp_park(struct dir_store *ds, struct temp *t);

/* Whether a file can be given a name through /proc. */
bool temp_nameless_works(void);

/*
 * Moves it to p, in the place of what p found.  ERR_EXISTS: something has come
 * to be there since.
 */
enum err_code temp_install(struct dir_store *ds, struct temp *t,
    const struct place *p, struct trash *trash, struct err *err) MUST_USE;

#endif
