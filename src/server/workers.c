/* SPDX-License-Identifier: MIT */
#include "server/workers.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

/* A walk recurses once for each level of a tree. */
#define WORKER_STACK ((size_t)1 << 20)

/*
 * A line of work that is done together has at most two threads.  The second
 * comes when as much is waiting as the first has under way, or GATHER of it:
 * two clients need not wait for each other.  A third would mean smaller groups:
 * with two threads, 64 clients that PUT get 14,100 a second done on two
 * processors, and with four 12,500.
 *
 * A thread whose line has patience waits, before it takes a group, until as
 * many have come as the last run answered or found waiting (line.lately).
 * Where the patience is below MUCH it waits for at most ENOUGH, since among so
 * many each one's part of the shared cost is small, and a second thread comes
 * for half of them.  From MUCH on only one thread is in the line: two would
 * wait for each other's syncs, and each for twice as many clients.
 */
#define THREADS_IN_LINE ((size_t)2)
#define GATHER ((size_t)4)
#define ENOUGH ((size_t)32)
#define MUCH (NSEC_PER_SEC / 16000)
#define MOST_PATIENCE 16 /* patiences that one group may wait */

struct line {
	struct work *first, **last;
	size_t n;
	size_t busy; /* works that its threads have taken and not ended */
	size_t running; /* threads that are at work in it */
	size_t max_threads, at_once, gather;
	int64_t patience; /* of the work that came last */
	/* What the last run answered, and what was waiting then. */
	size_t lately;
	bool waits; /* a thread is in wait_for_more() */
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t come; /* there is work, or the stop */
	pthread_cond_t more; /* enough has come for wait_for_more() */
	size_t max_threads, max_queue;

	/* Under the lock. */
	struct line lines[WORK_LINES];
	uint64_t number;
	size_t queued;
	size_t running, idle; /* threads with work, and without */
	bool stop;
	size_t n;
	pthread_t threads[];
};

/* ---- under the lock */

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many works make a group that need not wait for more. */
static size_t
line_waits_for(const struct line *l)
{
	return smaller(l->lately, l->patience < MUCH ? ENOUGH : l->at_once);
}

/* How many more threads the line has work for, if `more` works were added. */
static size_t
line_wants(const struct line *l, size_t more)
{
	size_t left = l->n + more;
	size_t busy = l->busy;
	size_t running = l->running;
	size_t gather = l->patience ? ENOUGH / 2 : l->gather;
	size_t max_threads =
	    l->patience >= MUCH || l->waits ? 1 : l->max_threads;

	while (running < max_threads && left && left >= smaller(busy, gather)) {
		size_t takes = smaller(left, l->at_once);

		left -= takes;
		busy += takes;
		running++;
	}
	return running - l->running;
}

/* How many more threads all lines have work for, w (or NULL) included. */
static size_t
wanted(const struct workers *ws, const struct work *w)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < WORK_LINES; i++)
		n += line_wants(&ws->lines[i], w && w->line == i);
	return n;
}

/* The line whose first work has waited longest; NULL: there is no work. */
static struct line *
next_line(struct workers *ws)
{
	struct line *next = NULL;
	size_t i;

	for (i = 0; i < WORK_LINES; i++) {
		struct line *l = &ws->lines[i];

		if (line_wants(l, 0) &&
		    (!next || l->first->number < next->first->number))
			next = l;
	}
	return next;
}

static struct work *
take(struct workers *ws, struct line *l, size_t *out)
{
	struct work *first = l->first;
	struct work **end = &l->first;
	size_t n = 0;

	while (*end && n < l->at_once) {
		end = &(*end)->next;
		n++;
	}
	assert(n && l->n >= n && ws->queued >= n);
	*out = n;
	l->n -= n;
	l->busy += n;
	ws->queued -= n;
	l->first = *end;
	if (!l->first)
		l->last = &l->first;
	*end = NULL;
	return first;
}

/* True: its line now has work for one more thread. */
static bool
enqueue(struct workers *ws, struct work *w)
{
	struct line *l = &ws->lines[w->line];
	size_t before = line_wants(l, 0);

	w->next = NULL;
	w->number = ws->number++;
	*l->last = w;
	l->last = &w->next;
	l->n++;
	l->patience = w->patience;
	ws->queued++;
	if (l->waits && l->n >= line_waits_for(l))
		(void)pthread_cond_signal(&ws->more);
	return line_wants(l, 0) > before;
}

/*
 * Whether a thread that changes lines leaves work behind in the old one, for
 * which another thread is to be woken.
 */
static bool
leaves_work(const struct line *was, const struct line *now)
{
	return was && was != now && line_wants(was, 0);
}

static void *worker(void *arg);

/*
 * Starts a thread if fewer are idle than are wanted.  False: there is no thread
 * at all, and none could be started.
 */
static bool
have_workers(struct workers *ws, size_t wanted)
{
	if (ws->idle >= wanted || ws->n == ws->max_threads)
		return true;
	if (!thread_start(&ws->threads[ws->n], WORKER_STACK, worker, ws))
		ws->n++;
	return ws->n > 0;
}

/*
 * Clients that have just got their answers may ask again at once: they are
 * waited for, so that they come into this group.  Unlocks while it waits, one
 * patience at a time, and ends when nobody came within one.
 */
static void
wait_for_more(struct workers *ws, struct line *l)
{
	size_t want = line_waits_for(l);
	int64_t now = clock_monotonic();
	int64_t end = now + MOST_PATIENCE * l->patience;
	size_t before = 0;

	l->waits = true;
	while (l->n > before && l->n < want && now < end && !ws->stop) {
		int64_t until = now + l->patience;
		const struct timespec t = {
			.tv_sec = until / NSEC_PER_SEC,
			.tv_nsec = until % NSEC_PER_SEC,
		};

		before = l->n;
		(void)pthread_cond_timedwait(&ws->more, &ws->lock, &t);
		now = clock_monotonic();
	}
	l->waits = false;
}

/* Takes a group and runs it; unlocked while that runs. */
static void
run(struct workers *ws, struct line *l, bool call)
{
	struct work *w;
	size_t n;

	l->running++;
	ws->running++;
	if (call && have_workers(ws, wanted(ws, NULL)))
		(void)pthread_cond_signal(&ws->come);
	if (l->patience)
		wait_for_more(ws, l);
	w = take(ws, l, &n);
	(void)pthread_mutex_unlock(&ws->lock);
	w->run(w);
	(void)pthread_mutex_lock(&ws->lock);
	assert(l->busy >= n && l->running && ws->running);
	l->busy -= n;
	l->running--;
	ws->running--;
}

/* Waits for work; NULL when there will be none. */
static struct line *
wait_for_line(struct workers *ws)
{
	struct line *l;

	while (!(l = next_line(ws)) && !ws->stop) {
		ws->idle++;
		(void)pthread_cond_wait(&ws->come, &ws->lock);
		ws->idle--;
	}
	return l;
}

static void *
worker(void *arg)
{
	struct workers *ws = arg;
	struct line *was = NULL;
	struct line *l;

	thread_name("worker");
	(void)pthread_mutex_lock(&ws->lock);
	while ((l = wait_for_line(ws))) {
		run(ws, l, leaves_work(was, l));
		was = l;
	}
	(void)pthread_mutex_unlock(&ws->lock);
	return NULL;
}

/* ---- life */

static void
line_init(struct line *l, size_t max_threads, size_t at_once, size_t gather)
{
	l->last = &l->first;
	l->max_threads = max_threads;
	l->at_once = at_once;
	l->gather = gather;
}

enum err_code
workers_new(
    size_t max_threads, size_t max_queue, struct workers **out, struct err *err)
{
	struct workers *ws =
	    calloc(1, sizeof(*ws) + max_threads * sizeof(ws->threads[0]));
	pthread_condattr_t by_clock;
	size_t i;

	if (!ws)
		return err_nomem(err);
	(void)pthread_mutex_init(&ws->lock, NULL);
	(void)pthread_cond_init(&ws->come, NULL);
	(void)pthread_condattr_init(&by_clock);
	(void)pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&ws->more, &by_clock);
	(void)pthread_condattr_destroy(&by_clock);
	ws->max_threads = max_threads;
	ws->max_queue = max_queue;
	line_init(&ws->lines[WORK_ALONE], max_threads, 1, 0);
	for (i = WORK_ALONE + 1; i < WORK_LINES; i++)
		line_init(&ws->lines[i], THREADS_IN_LINE, WORK_MOST, GATHER);
	*out = ws;
	return ERR_OK;
}

/*
 * The thread is woken after the unlocking: before, it would have to wait again,
 * for the lock.
 */
static void
unlock_and_call(struct workers *ws, bool more)
{
	(void)pthread_mutex_unlock(&ws->lock);
	if (more)
		(void)pthread_cond_signal(&ws->come);
}

static bool
add(struct workers *ws, struct work *w, size_t max_queue)
{
	bool ok, more;

	(void)pthread_mutex_lock(&ws->lock);
	/* While stopping no thread is started; workers_free() runs the rest. */
	ok = ws->queued < max_queue &&
	    (ws->stop || have_workers(ws, wanted(ws, w)));
	more = ok && enqueue(ws, w);
	unlock_and_call(ws, more);
	return ok;
}

bool
workers_add(struct workers *ws, struct work *w)
{
	return add(ws, w, ws->max_queue);
}

bool
workers_add_more(struct workers *ws, struct work *w)
{
	return add(ws, w, SIZE_MAX);
}

/* One thread in four is kept for requests. */
static size_t
most_lent(const struct workers *ws)
{
	return ws->max_threads - (ws->max_threads + 3) / 4;
}

bool
workers_lend(struct workers *ws, struct work *w)
{
	size_t n;
	bool ok;

	assert(w->line == WORK_ALONE);
	(void)pthread_mutex_lock(&ws->lock);
	assert(!ws->stop);
	n = ws->n;
	ok = wanted(ws, NULL) + ws->running < most_lent(ws) &&
	    have_workers(ws, wanted(ws, w)) &&
	    (ws->n > n || ws->idle >= wanted(ws, w));
	if (ok)
		(void)enqueue(ws, w);
	unlock_and_call(ws, ok);
	return ok;
}

void
workers_will_answer(struct workers *ws, unsigned line, size_t n)
{
	struct line *l = &ws->lines[line];

	(void)pthread_mutex_lock(&ws->lock);
	l->lately = n + l->n;
	(void)pthread_mutex_unlock(&ws->lock);
}

size_t
workers_busy(struct workers *ws)
{
	size_t n;

	(void)pthread_mutex_lock(&ws->lock);
	n = ws->queued + ws->running;
	(void)pthread_mutex_unlock(&ws->lock);
	return n;
}

void
workers_free(struct workers *ws)
{
	size_t i;

	if (!ws)
		return;
	(void)pthread_mutex_lock(&ws->lock);
	ws->stop = true;
	(void)pthread_cond_broadcast(&ws->come);
	(void)pthread_cond_broadcast(&ws->more);
	(void)pthread_mutex_unlock(&ws->lock);
	for (i = 0; i < ws->n; i++)
		(void)pthread_join(ws->threads[i], NULL);
	assert(!next_line(ws) && !ws->queued && !ws->running);
	(void)pthread_cond_destroy(&ws->come);
	(void)pthread_cond_destroy(&ws->more);
	(void)pthread_mutex_destroy(&ws->lock);
	free(ws);
}
