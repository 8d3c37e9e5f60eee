/* SPDX-License-Identifier: MIT */
/*
 * All there is that can be done to the members of a collection: /d of a world,
 * with files f0 to f7, the collection s0 and the link l0; /e is another one.
 */
#ifndef SHEAF_TESTS_STORE_LISTING_CHANGES_H
#define SHEAF_TESTS_STORE_LISTING_CHANGES_H

#include "store/world.h"

#define N_FILES 8

struct change_row {
	const char *name;
	void (*make)(const struct world *w);
};

extern const struct change_row changes[];
extern const size_t n_changes;

/* Opens a file as the system knows it, makes it if flags say so. */
int open_for(const struct world *w, const char *path, int flags);

/* Opens it with these flags and writes a text. */
void add(const struct world *w, const char *path, const char *text, int flags);

/* Some of the changes. */
void appended(const struct world *w);
void kept_open(const struct world *w);
void written_while_held(const struct world *w);
void let_go(const struct world *w);
void mapped_for_writing(const struct world *w);
void stored_into_the_mapping(const struct world *w);
void unmapped(const struct world *w);

void unlinked_elsewhere(const struct world *w);
void made(const struct world *w);

/*
 * Of a group: other tests may mount something at any moment, and each mount
 * ends all that is known.  Where we may, we go to where we see none of theirs.
 */
int changes_alone(void **state);

/*
 * Waits until inotify can be had: other tests may have all that the user may
 * have, and give them back soon.
 */
void changes_await_inotify(void);

/* Lets go of what is held open or mapped, and tears down the world. */
int changes_tear_down(void **state);

#endif
