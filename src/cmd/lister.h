/* SPDX-License-Identifier: MIT */
/*
 * Lists collections, and those in them, in order: one PROPFIND of Depth: 1 for
 * each, some of them asked ahead side by side, shown one after the other.
 *
 * Members are held and sorted by name.  Where there are more of them than
 * LISTER_HELD, and who shows them can do without, they are shown as they come,
 * in the order of the server: memory does not grow with their number.  One
 * that was asked ahead is asked once more for that when its turn has come.
 *
 * Nothing leads in circles: what is said to be a member and is not directly in
 * the collection is shown as unknown and not entered, a name that comes twice
 * is entered once, and deeper than LISTER_DEPTH nobody goes.
 */
#ifndef SHEAF_CMD_LISTER_H
#define SHEAF_CMD_LISTER_H

#include "cmd/files.h"

#define LISTER_HELD ((size_t)10000)
#define LISTER_DEPTH 100u

/* One line. */
struct row {
	struct entry e;
	struct str name; /* decoded: any bytes */
	struct str why; /* of an unknown one, beside its status, or empty */
	bool enter; /* a listing of its own follows */
};

enum listing_state { LISTING_WAITS, LISTING_ASKED, LISTING_READY };

struct lister;

struct listing {
	struct lister *l;
	struct listing *next; /* whose turn is later */
	struct listing *parent; /* as lister_ops->turn() sets it */
	enum listing_state state;
	struct str url;
	struct str base; /* where redirects led, or url */
	unsigned depth; /* below the operand */
	bool self_known; /* the URL itself was told of: */
	struct row self;
	struct row *rows; /* its members, sorted */
	size_t n, cap, at;
	uint64_t seen; /* members, held or not */
	bool over; /* too many to be held */
	bool streams; /* they are shown as they come */
	bool failed; /* memory */
	struct arena a;
	struct verdict v;
	struct buf text, error; /* of v */
	struct work_item item;
	/* Collections that were shown and are still to be listed. */
	struct listing *children, **end;
};

struct lister_ops {
	/*
	 * Its turn: everything is there.  It is done with lister_finish(), now
	 * or later.
	 */
	void (*turn)(struct lister *l, struct listing *g);
	/* Optional: before the next one's turn, and after the last. */
	void (*between)(struct lister *l);
	/* Optional: a listing begins to stream; a member of it. */
	void (*stream_begin)(struct lister *l, struct listing *g);
	void (*stream)(
	    struct lister *l, struct listing *g, const struct row *r);
};

struct lister {
	struct files *f;
	const struct lister_ops *ops;
	bool recursive;
	struct listing *head; /* the next turn */
	unsigned ahead; /* that are asked at once */
};

/* The operands are the first to be listed.  False: out of memory. */
bool lister_begin(struct lister *l) MUST_USE;

/* After lister_begin() and before files_run(). */
void lister_go(struct lister *l);

/* Tells what became of it and releases it. */
void lister_finish(struct lister *l, struct listing *g);

/* An object of an entry, without the line's end. */
void lister_put_json(struct buf *b, const struct row *r);

/* "403 Forbidden", "no status", "outside of what was asked for" */
void lister_put_why(struct buf *b, const struct row *r);

#endif
