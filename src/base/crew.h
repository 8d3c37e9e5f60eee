/* SPDX-License-Identifier: MIT */
/*
 * A crew: threads that help one operation.  The operation's own thread (the
 * giver) gives out jobs.  They are run side by side, in any order; but the
 * giver ends them one after the other, in the order in which it gave them.  So
 * what an operation tells is the same, whoever did the work.
 *
 * Helpers are started when the giver is ahead of those who work, and live as
 * long as the crew; where none can be had, the giver runs all jobs itself.
 * Crews share a limit on helpers (struct crew_share), so that operations side
 * by side do not have more threads than there are processors.
 */
#ifndef SHEAF_BASE_CREW_H
#define SHEAF_BASE_CREW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

#define CREW_JOBS 16U /* most jobs that are given and not yet ended */
#define CREW_HELPERS 7U /* most helpers of one crew */

enum crew_state { CREW_GIVEN, CREW_RUNNING, CREW_DONE };

/* The base of a job, placed first in it. */
struct crew_job {
	const struct crew_ops *ops;
	enum crew_state state;
};

struct crew_ops {
	/* Optional: does the work, on any thread. */
	void (*run)(struct crew_job *j);
	/* On the giver's thread, after all jobs given earlier have ended. */
	enum err_code (*end)(struct crew_job *j);
	/* After end(), or instead of it where the crew stops early. */
	void (*free)(struct crew_job *j);
};

/* How many helpers all crews that share it may have at a time, and have now. */
struct crew_share {
	_Atomic unsigned max, now;
};

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t work; /* wakes helpers: there is a job, or it is over */
	pthread_cond_t done; /* wakes the giver: a helper has run a job */
	struct crew_share *share; /* NULL: no helpers */
	struct crew_job *jobs[CREW_JOBS]; /* a ring of n; first: the oldest */
	unsigned first, n;
	unsigned given; /* how many of the n nobody has begun */
	unsigned idle; /* helpers that wait for work */
	bool over; /* helpers are to end */
	bool waits; /* the giver waits for `done` */
	unsigned n_helpers;
	pthread_t helpers[CREW_HELPERS];
};

/* Allows one helper less than there are processors. */
void crew_share_init(struct crew_share *s);

/*
 * Starts a helper, which runs fn(arg) and takes no signals.  False: s is NULL
 * or has all its helpers, or no thread can be had.
 */
bool crew_share_hire(struct crew_share *s, pthread_t *helper,
    void *(*fn)(void *arg), void *arg) MUST_USE;

/* Waits until the helper has returned from fn. */
void crew_share_join(struct crew_share *s, pthread_t helper);

/* c must not move.  share may be NULL: no helpers. */
void crew_init(struct crew *c, struct crew_share *share);

/*
 * Hands j over to the crew, to be run by whoever is free.  Where the ring is
 * full the oldest job is ended first; if its end() fails, j is freed, and the
 * failure returned.
 */
enum err_code crew_give(struct crew *c, struct crew_job *j) MUST_USE;

/*
 * The same for a job that the giver runs itself, at once, ahead of those that
 * wait: when this returns j has been run, though its end() comes in its turn.
 */
enum err_code crew_do(struct crew *c, struct crew_job *j) MUST_USE;

/* Ends all jobs; stops at the first whose end() fails, and returns that. */
enum err_code crew_drain(struct crew *c) MUST_USE;

/*
 * Waits for jobs that are being run, and frees all that are left without ending
 * them.
 */
void crew_done(struct crew *c);

#endif
