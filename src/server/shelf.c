/* SPDX-License-Identifier: MIT */
#include "server/shelf.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "server/exchange.h"

#define SPARES_MAX 4 /* exchanges on a shelf */

static struct shelf *
shelf_here(struct shelf *v)
{
	/* Where the processor cannot be told (-1) any shelf will do. */
	return &v[(unsigned)sched_getcpu() % SHELVES];
}

static void
exchange_free(struct exchange_state *e)
{
	live_drop(e->live);
	body_memos_done(&e->memos);
	arena_done(&e->arena);
	free(e);
}

void
shelves_init(struct shelf *v)
{
	size_t i;

	for (i = 0; i < SHELVES; i++)
		(void)pthread_mutex_init(&v[i].lock, NULL);
}

void
shelves_set(struct shelf *v, struct live *live)
{
	size_t i;

	for (i = 0; i < SHELVES; i++) {
		struct live *was;

		(void)pthread_mutex_lock(&v[i].lock);
		was = v[i].live;
		v[i].live = live_hold(live);
		(void)pthread_mutex_unlock(&v[i].lock);
		live_drop(was);
	}
}

size_t
shelves_active(struct shelf *v)
{
	long n = 0;
	size_t i;

	for (i = 0; i < SHELVES; i++) {
		(void)pthread_mutex_lock(&v[i].lock);
		n += v[i].active;
		(void)pthread_mutex_unlock(&v[i].lock);
	}
	return n > 0 ? (size_t)n : 0;
}

void
shelves_done(struct shelf *v)
{
	size_t i;

	assert(!shelves_active(v));
	for (i = 0; i < SHELVES; i++) {
		while (v[i].first) {
			struct exchange_state *e = v[i].first;

			v[i].first = e->next;
			exchange_free(e);
		}
		live_drop(v[i].live);
		(void)pthread_mutex_destroy(&v[i].lock);
	}
}

struct exchange_state *
shelf_take(struct shelf *v)
{
	struct shelf *s = shelf_here(v);
	const size_t kept = offsetof(struct exchange_state, holders);
	const size_t end = offsetof(struct exchange_state, answer.out.base);
	struct live *was = NULL;
	struct exchange_state *e;

	(void)pthread_mutex_lock(&s->lock);
	e = s->first;
	if (e) {
		s->first = e->next;
		s->n--;
	} else {
		e = calloc(1, sizeof(*e));
	}
	if (e) {
		s->active++;
		if (e->live != s->live) {
			was = e->live;
			e->live = live_hold(s->live);
		}
	}
	(void)pthread_mutex_unlock(&s->lock);
	live_drop(was);
	if (!e)
		return NULL;
	err_clear(&e->err);
	memset((char *)e + kept, 0, end - kept);
	return e;
}

void
shelf_put(struct shelf *v, struct exchange_state *e)
{
	struct shelf *s = shelf_here(v);

	arena_rest(&e->arena);
	(void)pthread_mutex_lock(&s->lock);
	s->active--;
	if (s->n < SPARES_MAX) {
		s->n++;
		e->next = s->first;
		s->first = e;
		e = NULL;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (e)
		exchange_free(e);
}
