/* SPDX-License-Identifier: MIT */
/*
 * Some threads that help one operation: it gives out jobs, they are done in any
 * order and side by side, and ended one after the other, in the order in which
 * they were given, by the thread that gave them.  So what an operation tells is
 * the same whoever did the work.
 *
 * Helpers are begun when there is more to do than one thread can, and are gone
 * with the crew; where none can be had, the giver does it all.  Many crews
 * share one number of helpers, so that operations side by side do not have more
 * threads than there are processors.
 */
#ifndef SHEAF_BASE_CREW_H
#define SHEAF_BASE_CREW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

#define CREW_JOBS 16U /* given, and not yet ended */
#define CREW_HELPERS 7U /* of one crew */

enum crew_state { CREW_GIVEN, CREW_RUNNING, CREW_DONE };

/* The base of a job, placed first in it. */
struct crew_job {
	const struct crew_ops *ops;
	enum crew_state state;
};

struct crew_ops {
	void (*run)(struct crew_job *j); /* by any thread; optional */
	/* By the giver, once all that were given earlier have ended. */
	enum err_code (*end)(struct crew_job *j);
	void (*free)(struct crew_job *j); /* after that, or instead */
};

/* Helpers that all crews of one kind may have at a time, and those they have.
 */
struct crew_share {
	_Atomic unsigned max, now;
};

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t work; /* for helpers */
	pthread_cond_t done; /* for the giver */
	struct crew_share *share;
	struct crew_job *jobs[CREW_JOBS]; /* a ring: first is the oldest */
	unsigned first, n;
	unsigned given; /* of them, not yet begun */
	unsigned idle; /* helpers */
	bool over;
	bool waits; /* the giver */
	unsigned n_helpers;
	pthread_t helpers[CREW_HELPERS];
};

/* As many helpers as there are processors, but for one. */
void crew_share_init(struct crew_share *s);

/*
 * One helper that runs this and takes no signals; false: there are as many
 * already, or none can be had.
 */
bool crew_share_hire(struct crew_share *s, pthread_t *helper,
    void *(*fn)(void *arg), void *arg) MUST_USE;

/* Waits for its end. */
void crew_share_join(struct crew_share *s, pthread_t helper);

/* It must not move.  share may be NULL: no helpers. */
void crew_init(struct crew *c, struct crew_share *share);

/*
 * Takes the job over, and ends those before it as far as there is no room: what
 * the first end() returns that is not ERR_OK, and then no other is ended.
 */
enum err_code crew_give(struct crew *c, struct crew_job *j) MUST_USE;

/*
 * The same for a job that the giver does by itself and at once, before what is
 * waiting: what it did can be built upon, though it ends in its turn.
 */
enum err_code crew_do(struct crew *c, struct crew_job *j) MUST_USE;

/* Ends all. */
enum err_code crew_drain(struct crew *c) MUST_USE;

/* Forgets what was not begun, and ends none. */
void crew_done(struct crew *c);

#endif
