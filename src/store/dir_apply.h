/* SPDX-License-Identifier: MIT */
/*
 * The directory store: changes made at once (docs/design/atomic.md).
 *
 *   dir_claim_tree.c  store_resolve(), store_claim()
 *   dir_stage.c       store_stage()
 *   dir_plan.c        from edits to steps, and what can be refused
 *   dir_build.c       what is new, built where nobody sees it
 *   dir_apply.c       the steps, one after the other, and back
 *   dir_redo.c        the steps that a crash has left
 */
#ifndef SHEAF_STORE_DIR_APPLY_H
#define SHEAF_STORE_DIR_APPLY_H

#include "store/dir_temp.h"
#include "store/state_steps.h"

/* ---- dir_claim_tree.c */

struct dir_claim {
	struct store_claim base;
	struct hold hold;
	/* What applies have taken out of staging's sight: names there. */
	struct left *left;
	struct rpath root; /* in bytes */
	char bytes[];
};

/* A tree in staging that is to be removed when the claim is over. */
struct left {
	struct left *next;
	char name[TEMP_NAME_SIZE];
};

static inline struct dir_claim *
dir_claim_of(struct store_claim *c)
{
	return CONTAINER_OF(c, struct dir_claim, base);
}

/* ---- dir_stage.c */

struct dir_staged {
	struct upload base;
	struct ostream stream;
	struct dir_store *ds;
	struct upload_spec spec;
	uint64_t written;
	int dir; /* that temp is for */
	struct temp temp;
	bool settled;
	struct statx stx; /* once it is */
};

struct dir_staged *dir_staged_of(struct upload *u);
enum err_code dir_staged_settle(struct dir_staged *u, struct err *err) MUST_USE;

/* ---- steps in the tree */

#define HIDEOUTS ((size_t)8) /* file systems that one apply may touch */

/* Where things are hidden on one file system. */
struct hideout {
	unsigned dev_major, dev_minor;
	int fd; /* opened for reading */
	struct rpath beside; /* its path; empty: it is staging */
};

/* Collections that have changed, to be synced. */
#define TOUCHED ((size_t)16)

struct touched {
	size_t n;
	bool many; /* more than that: sync the file systems */
	struct {
		uint64_t dev, inode;
		int fd;
	} v[TOUCHED];
};

/* One that goes, or comes, or both. */
struct mover {
	const struct step *step;
	struct hideout *hideout;
	struct rpath path; /* NULL: it does not come from the tree */
	bool away; /* it was taken from path */
	bool there; /* it has come to step->to */
};

struct moves {
	struct dir_store *ds;
	struct hideout hideouts[HIDEOUTS];
	size_t n_hideouts;
	struct mover *movers; /* those that come, parents first */
	size_t n;
	struct mover **goes; /* from path, members first */
	size_t n_goes;
	struct touched touched;
};

/* The one for what is in dir.  Its path is made in the arena. */
enum err_code moves_hideout(struct moves *m, struct rpath in, int dir,
    struct arena *a, struct hideout **out, struct err *err) MUST_USE;

/* One mover for each step in the tree. */
enum err_code moves_list(struct moves *m, const struct step *steps, size_t n,
    struct arena *a, struct err *err) MUST_USE;

enum err_code moves_touch(struct moves *m, int dir, struct err *err) MUST_USE;

/* All that was touched, and what was hidden, is on the disk. */
enum err_code moves_sync(struct moves *m, struct err *err) MUST_USE;
void moves_done(struct moves *m);

/* The step itself: from a place, which has it, and to one that is free. */
enum err_code mover_take(struct moves *m, struct mover *v, int dir,
    const char *name, struct err *err) MUST_USE;
enum err_code mover_put(struct moves *m, struct mover *v, const struct place *p,
    struct err *err) MUST_USE;

static inline bool
step_moves(const struct step *s)
{
	return s->kind == STEP_REMOVE || s->kind == STEP_MOVE ||
	    s->kind == STEP_MAKE;
}

/* ---- dir_plan.c */

/* An edit, and what is known of it. */
struct item {
	struct edit *edit;
	struct item *parent; /* the new collection that it is built in */
	struct hideout *hideout;
	/* What moves, or is made, or has properties. */
	struct statx stx;
	bool existed; /* something was at `to` */
	bool replaces; /* a file that nobody else takes away: */
	struct rpath over; /* it is there now */
	struct statx over_stx;
	struct rpath
	    beside; /* of something new: its collection, as it is now */
	char hidden[TEMP_NAME_SIZE]; /* of something new, not in parent */
};

struct apply {
	struct dir_store *ds;
	struct arena a;
	struct item *items;
	size_t n;
	struct item **goes, **comes; /* by path, and by `to` */
	size_t n_goes, n_comes;
	struct moves moves;
	struct step *steps;
	size_t n_steps;
	struct change *lines;
	size_t n_lines;
	bool built; /* there is something to be removed if it fails */
};

/* Everything that can be refused is refused here. */
enum err_code apply_plan(struct apply *p, struct dir_store *ds,
    struct edit *edits, size_t n, struct err *err) MUST_USE;

/* The steps and the lines, once all is built. */
enum err_code apply_steps(struct apply *p, struct err *err) MUST_USE;

void apply_done(struct apply *p);

/* ---- dir_build.c */

/* Makes what is new, hidden, and brings it to the disk. */
enum err_code apply_build(struct apply *p, struct err *err) MUST_USE;

/* Removes it, unless it has come into place. */
void apply_clear(struct apply *p);

#endif
