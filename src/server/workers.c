/* SPDX-License-Identifier: MIT */
#include "server/workers.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

/* A walk recurses once for each level of a tree. */
#define WORKER_STACK ((size_t)1 << 20)

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t come; /* work, or the stop */
	pthread_attr_t attr;
	size_t max_threads, max_queue;

	/* Under the lock. */
	struct work *first, **last;
	size_t queued, running;
	size_t idle; /* threads that wait */
	bool stop;
	size_t n;
	pthread_t threads[];
};

/* The next work, or NULL when there will be none; waits.  Locked. */
static struct work *
next_work(struct workers *ws)
{
	struct work *w;

	while (!ws->first && !ws->stop) {
		ws->idle++;
		(void)pthread_cond_wait(&ws->come, &ws->lock);
		ws->idle--;
	}
	w = ws->first;
	if (!w)
		return NULL;
	ws->first = w->next;
	if (!ws->first)
		ws->last = &ws->first;
	assert(ws->queued > 0);
	ws->queued--;
	ws->running++;
	return w;
}

static void *
worker(void *arg)
{
	struct workers *ws = arg;
	struct work *w;

	(void)pthread_mutex_lock(&ws->lock);
	while ((w = next_work(ws))) {
		(void)pthread_mutex_unlock(&ws->lock);
		w->run(w);
		(void)pthread_mutex_lock(&ws->lock);
		assert(ws->running > 0);
		ws->running--;
	}
	(void)pthread_mutex_unlock(&ws->lock);
	return NULL;
}

enum err_code
workers_new(
    size_t max_threads, size_t max_queue, struct workers **out, struct err *err)
{
	struct workers *ws =
	    calloc(1, sizeof(*ws) + max_threads * sizeof(ws->threads[0]));

	if (!ws)
		return err_nomem(err);
	if (pthread_attr_init(&ws->attr)) {
		free(ws);
		return err_nomem(err);
	}
	(void)pthread_attr_setstacksize(&ws->attr, WORKER_STACK);
	(void)pthread_mutex_init(&ws->lock, NULL);
	(void)pthread_cond_init(&ws->come, NULL);
	ws->max_threads = max_threads;
	ws->max_queue = max_queue;
	ws->last = &ws->first;
	*out = ws;
	return ERR_OK;
}

/* Whether there is a thread that will come to the work.  Locked. */
static bool
have_worker(struct workers *ws)
{
	if (ws->idle > ws->queued || ws->n == ws->max_threads)
		return true;
	if (!pthread_create(&ws->threads[ws->n], &ws->attr, worker, ws))
		ws->n++;
	return ws->n > 0;
}

/* Locked. */
static void
enqueue(struct workers *ws, struct work *w)
{
	w->next = NULL;
	*ws->last = w;
	ws->last = &w->next;
	ws->queued++;
}

/*
 * Unlocks, and then wakes somebody for the work that was added: who is woken
 * first would have to wait again, for the lock.
 */
static void
unlock_and_call(struct workers *ws, bool added)
{
	(void)pthread_mutex_unlock(&ws->lock);
	if (added)
		(void)pthread_cond_signal(&ws->come);
}

static bool
add(struct workers *ws, struct work *w, size_t max_queue)
{
	bool ok;

	(void)pthread_mutex_lock(&ws->lock);
	assert(!ws->stop);
	ok = ws->queued < max_queue && have_worker(ws);
	if (ok)
		enqueue(ws, w);
	unlock_and_call(ws, ok);
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

/* One in four is not lent. */
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

	(void)pthread_mutex_lock(&ws->lock);
	assert(!ws->stop);
	n = ws->n;
	ok = ws->queued + ws->running < most_lent(ws) && have_worker(ws) &&
	    (ws->n > n || ws->idle > ws->queued);
	if (ok)
		enqueue(ws, w);
	unlock_and_call(ws, ok);
	return ok;
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
	(void)pthread_mutex_unlock(&ws->lock);
	for (i = 0; i < ws->n; i++)
		(void)pthread_join(ws->threads[i], NULL);
	assert(!ws->first && !ws->queued && !ws->running);
	(void)pthread_cond_destroy(&ws->come);
	(void)pthread_mutex_destroy(&ws->lock);
	(void)pthread_attr_destroy(&ws->attr);
	free(ws);
}
