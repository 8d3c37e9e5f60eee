/* SPDX-License-Identifier: MIT */
/*
 * Lists collections, and those in them: a PROPFIND with Depth: 1 for each.
 * Some are asked for ahead and at the same time; they are shown in order, and
 * one that is to be shown next has its turn.
 *
 * Members are held and sorted by name.  Where there are more than LISTER_HELD,
 * and the command has a stream() function, they are shown as they come, in the
 * order of the server, so that memory does not grow with their number.  A
 * collection that was asked for ahead is then asked for again at its turn.
 *
 * Nothing leads in circles: a resource that is not directly in the collection
 * is shown as unknown and not entered, a name that comes twice is entered once,
 * and nothing deeper than LISTER_DEPTH is entered.
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
	struct str
	    why; /* of an unknown one: why, beside its status; or empty */
	bool enter; /* a listing of its own follows */
};

enum listing_state { LISTING_WAITS, LISTING_ASKED, LISTING_READY };

struct lister;

/* One collection (or file) that is listed. */
struct listing {
	struct lister *l;
	struct listing *next; /* the one whose turn comes after */
	struct listing *parent; /* for lister_ops; not set by the lister */
	enum listing_state state;
	struct str url;
	struct str base; /* where redirects led, or url */
	unsigned depth; /* below the operand */
	bool self_known; /* the answer says what the URL itself is: */
	struct row self;
	struct row *rows; /* its members; sorted, if it does not stream */
	size_t n, cap; /* rows there, and room for them */
	size_t at; /* the next row to show; for lister_ops */
	uint64_t seen; /* members, held or not */
	bool over; /* there are too many to be held */
	bool streams; /* members are shown as they come */
	bool failed; /* memory ran out */
	struct arena a;
	struct verdict v;
	struct buf text, error; /* of v */
	struct work_item item;
	/* Collections in it that were shown and are still to be listed. */
	struct listing *children, **end;
};

struct lister_ops {
	/*
	 * Shows g, whose turn it is: its answer is there.  Calls
	 * lister_finish(), now or later.
	 */
	void (*turn)(struct lister *l, struct listing *g);
	/* Called before each turn, perhaps often, and after the last. Optional.
	 */
	void (*between)(struct lister *l);
	/*
	 * Optional, both: g begins to stream, and turn() comes when it has
	 * ended; r is one of its members.
	 */
	void (*stream_begin)(struct lister *l, struct listing *g);
	void (*stream)(
	    struct lister *l, struct listing *g, const struct row *r);
};

struct lister {
	struct files *f;
	const struct lister_ops *ops;
	bool recursive;
	struct listing *head; /* the one whose turn is next */
	unsigned ahead; /* how many are asked for at the same time */
};

/* Queues the operands.  False: out of memory. */
bool lister_begin(struct lister *l) MUST_USE;

/* Starts the first requests: after lister_begin(), before files_run(). */
void lister_go(struct lister *l);

/* Tells the work what became of a listing, and releases it. */
void lister_finish(struct lister *l, struct listing *g);

/* A JSON object of a member, without the end of the line. */
void lister_put_json(struct buf *b, const struct row *r);

/* "403 Forbidden", "no status", "outside of what was asked for" */
void lister_put_why(struct buf *b, const struct row *r);

#endif
