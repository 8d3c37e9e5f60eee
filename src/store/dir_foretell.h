/* SPDX-License-Identifier: MIT */
/*
 * Changes that are foretold.  A record must be on the disk before its change
 * can be; in a batch that would take a sync of SQLite's log for each upload.
 * So what the uploads of a batch will do is written down beforehand, for many
 * of them at once, with their intents.
 *
 * What was foretold is void as soon as anybody else claims the path, or a tree
 * that it is in: their change comes first, but its line comes later, and a
 * start after a crash takes the later line for the later change.  It is void,
 * too, where the commit finds something else at the path than was expected.  A
 * commit whose change was not foretold, or no longer, writes the line itself,
 * and waits.
 */
#ifndef SHEAF_STORE_DIR_FORETELL_H
#define SHEAF_STORE_DIR_FORETELL_H

#include "store/dir_impl.h"

enum foretold_state {
	FORETOLD_NOT,
	FORETOLD_EXPECTED, /* listed by its batch */
	FORETOLD_SAID, /* listed by the claims; it is written down */
};

/* Part of an upload.  All zero is none; it must not move. */
struct foretold {
	enum foretold_state state;
	struct foretold *prev, *next;
	struct dir_store *ds;
	struct store_batch *batch;
	const struct record *record;
	struct hold hold; /* while it is written down */
	struct act act; /* its change, and what that points to */
	uint32_t end; /* of its path, as claims have it */
	uint64_t intent;
};

void foretold_expect(struct foretold *f, struct dir_store *ds,
    const struct record *r, struct store_batch *b);

/* Ends it, in whatever state it is. */
void foretold_done(struct foretold *f);

/*
 * Under the claim to its path: whether just this change was foretold, and the
 * intent that came of it.  From then on it is the caller's to end.
 */
bool foretold_take(
    struct foretold *f, const struct change *change, uint64_t *intent);

/*
 * With the mutex of the claims: makes it void.  Its intent ends, as one whose
 * change was not made.
 */
void foretold_void(struct foretold *f);

/* The list of those whose paths have this end: claim_end_of(). */
struct foretold **foretold_list(struct claims *c, uint32_t end);

/* Into a list, and out of it. */
void foretold_add(struct foretold **list, struct foretold *f);
void foretold_remove(struct foretold **list, struct foretold *f);

/*
 * Writes down all of the list, durably.  What cannot be foretold is not: its
 * commit will see to it.
 */
enum err_code
foretell(struct dir_store *ds, struct foretold *list, struct err *err) MUST_USE;
void foretell_none(struct foretold *list);

/*
 * dir_upload.c: claims the path if that is free, and says what the commit will
 * do.  False: that cannot be said, and nothing is claimed.
 */
bool dir_upload_foretell(struct foretold *f);

#endif
