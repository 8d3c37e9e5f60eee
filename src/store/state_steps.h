/* SPDX-License-Identifier: MIT */
/*
 * Changes made at once, as the state knows them: all steps of one are written
 * down before the first is taken, so that a crash finds what is left to do.
 * Its number is that of its first line in the journal.
 */
#ifndef SHEAF_STORE_STATE_STEPS_H
#define SHEAF_STORE_STATE_STEPS_H

#include "store/state.h"

enum step_kind {
	/* In the tree: id goes from path; it is hidden. */
	STEP_REMOVE = 1,
	STEP_MOVE, /* and comes to `to` */
	STEP_MAKE, /* id, which was hidden from the first, comes to `to` */
	/* In the state alone. */
	STEP_PROPS, /* id has props, and no others, when all is done */
	STEP_NEW_PROPS, /* the same of what nobody sees yet: at once */
	STEP_UNLOCK, /* the locks at path and below it go */
	STEP_RECORD,
};

struct step {
	enum step_kind kind;
	/*
	 * REMOVE, MOVE: the locks rooted at path stay, unlike those below it.
	 * MAKE: a collection.  RECORD: created.
	 */
	bool flag;
	struct resource_id id;
	struct resource_id stand_in; /* of PROPS: what has them until then */
	bool last; /* of REMOVE: no other name keeps it, and its properties */
	struct rpath path, to; /* RECORD: `to` is its path */
	/* Where it is hidden; beside: the collection, empty: staging. */
	struct str hidden;
	struct rpath beside;
	const struct prop *props;
	size_t n_props;
	struct record record;
	struct str etag, result; /* of RECORD */
};

/*
 * Writes them down, with their lines in the journal (at least one), and waits
 * for the disk; props are there, but nobody sees them.
 */
enum err_code state_steps_begin(struct state *s, const struct step *steps,
    size_t n, const struct change *lines, size_t n_lines, uint64_t *number,
    struct err *err) MUST_USE;

/*
 * To be called when the steps in the tree are taken: takes those in the state,
 * which is seen at once, but not yet on disk.  Number 0: steps in the state
 * alone, which were never begun; waits for the disk.
 */
enum err_code state_steps_take(struct state *s, uint64_t number,
    const struct step *steps, size_t n, struct err *err) MUST_USE;

/* To be called when all of it is on the disk: forgets the steps. */
enum err_code state_steps_end(struct state *s, uint64_t number,
    const struct step *steps, size_t n, struct err *err) MUST_USE;

/*
 * Takes it back, as if it had never been begun; that is on disk when it
 * returns.
 */
enum err_code state_steps_undo(struct state *s, uint64_t number,
    const struct step *steps, size_t n, struct err *err) MUST_USE;

/*
 * What a crash has left, into the arena: the oldest one's steps, without those
 * that are done already.  *number is 0 when there is none.
 */
enum err_code state_steps_left(struct state *s, struct arena *a,
    uint64_t *number, struct step **out, size_t *n, struct err *err) MUST_USE;

#endif
