/* SPDX-License-Identifier: MIT */
/*
 * Threads for what takes long, and a queue of bounded length before them.
 * They are started when there is work that nobody is free for.
 */
#ifndef SHEAF_SERVER_WORKERS_H
#define SHEAF_SERVER_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

/* Lies in what it works on; the caller's until run() is called, then run()'s.
 */
struct work {
	void (*run)(struct work *w);
	struct work *next;
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
 * queue.  False only where there is no thread at all.
 */
bool workers_add_more(struct workers *ws, struct work *w) MUST_USE;

/*
 * Has w->run() called at once by a thread that nobody else needs: false where
 * none is free, or those that are free are the last ones, which are kept for
 * other requests.  So whoever is run by a worker may wait for it.
 */
bool workers_lend(struct workers *ws, struct work *w) MUST_USE;

/* How many are queued or being run. */
size_t workers_busy(struct workers *ws);

/* Runs all that is queued, ends the threads and frees.  NULL is fine. */
void workers_free(struct workers *ws);

#endif
