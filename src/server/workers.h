/* SPDX-License-Identifier: MIT */
/*
 * Threads for work that takes long, and a queue of bounded length in front of
 * them.  Threads are started when there is work that none is free for.
 *
 * Work that is cheaper done together stands in a line of its own: a thread that
 * takes the first of a line takes those behind it, too, up to WORK_MOST.  Only
 * so many threads are in such a line at once, so that more can come together
 * meanwhile.
 */
#ifndef SHEAF_SERVER_WORKERS_H
#define SHEAF_SERVER_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define WORK_LINES 2
#define WORK_ALONE 0U /* the line of what is done one by one */
#define WORK_MOST ((size_t)64) /* taken at once from any other line */

/* Lies in what it works on; the caller's until run() is called, then run()'s.
 */
struct work {
	/* In a line of what is done together: with all of them, by next. */
	void (*run)(struct work *w);
	struct work *next;
	unsigned line; /* below WORK_LINES */
	/* ns that it may wait for others of its line; 0: it is not to wait. */
	int64_t patience;
	uint64_t number; /* in the order of arrival */
};

struct workers;

enum err_code workers_new(size_t max_threads, size_t max_queue,
    struct workers **out, struct err *err) MUST_USE;

/*
 * Has w->run() called on some worker, in the order of the calls.  False when
 * the queue is full, or no thread could be started and there is none.
 */
bool workers_add(struct workers *ws, struct work *w) MUST_USE;

/*
 * The same for what was let in before, and goes on: past the limit of the
 * queue.  False only where there is no thread at all.  A run() may add more
 * while workers_free() waits.
 */
bool workers_add_more(struct workers *ws, struct work *w) MUST_USE;

/*
 * Has w->run() called at once by a thread that is free.  False where none is,
 * and where only the last ones are, which are kept for requests.  So a work
 * that runs may wait for one it has lent a thread to.
 */
bool workers_lend(struct workers *ws, struct work *w) MUST_USE;

/*
 * To be called by a run() of a line, when it begins to answer the n works it
 * was called with.  Clients that get an answer may ask again at once: so n, and
 * what is waiting now, is how many the next run with patience waits for.
 */
void workers_will_answer(struct workers *ws, unsigned line, size_t n);

/* How many are queued, or threads that run some. */
size_t workers_busy(struct workers *ws);

/* Runs all that is queued, ends the threads and frees.  NULL is fine. */
void workers_free(struct workers *ws);

#endif
