/* SPDX-License-Identifier: MIT */
#include "base/crew.h"

#include <assert.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

void
crew_share_init(struct crew_share *s)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	atomic_store(&s->max, n > 1 ? (unsigned)n - 1 : 0);
	atomic_store(&s->now, 0);
}

void
crew_init(struct crew *c, struct crew_share *share)
{
	*c = (struct crew){ .share = share };
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->work, NULL);
	(void)pthread_cond_init(&c->done, NULL);
}

/* ---- with the lock */

/* The oldest that nobody has begun. */
static struct crew_job *
take(struct crew *c)
{
	struct crew_job *j;

	assert(c->given && c->given <= c->n);
	j = c->jobs[(c->first + c->n - c->given--) % CREW_JOBS];
	assert(j->state == CREW_GIVEN);
	j->state = CREW_RUNNING;
	return j;
}

static void
run(struct crew *c, struct crew_job *j)
{
	(void)pthread_mutex_unlock(&c->lock);
	if (j->ops->run)
		j->ops->run(j);
	(void)pthread_mutex_lock(&c->lock);
	j->state = CREW_DONE;
}

/* ---- helpers */

static void *
help(void *arg)
{
	struct crew *c = arg;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->over) {
		if (c->given) {
			run(c, take(c));
			if (c->waits)
				(void)pthread_cond_signal(&c->done);
			continue;
		}
		c->idle++;
		(void)pthread_cond_wait(&c->work, &c->lock);
		c->idle--;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}

static bool
share_take(struct crew_share *s)
{
	unsigned now = s ? atomic_load(&s->now) : 0;

	while (s && now < atomic_load(&s->max))
		if (atomic_compare_exchange_weak(&s->now, &now, now + 1))
			return true;
	return false;
}

/* Signals are for the threads that await them. */
static void
hire(struct crew *c)
{
	sigset_t all, before;

	if (c->n_helpers == CREW_HELPERS || !share_take(c->share))
		return;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&c->helpers[c->n_helpers], NULL, help, c))
		(void)atomic_fetch_sub(&c->share->now, 1);
	else
		c->n_helpers++;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the giver */

/* Does, or waits for, the oldest; out of the ring with it. */
static struct crew_job *
finish_oldest(struct crew *c)
{
	struct crew_job *j = c->jobs[c->first];

	while (j->state != CREW_DONE) {
		if (c->given) {
			run(c, take(c));
			continue;
		}
		c->waits = true;
		(void)pthread_cond_wait(&c->done, &c->lock);
		c->waits = false;
	}
	c->first = (c->first + 1) % CREW_JOBS;
	c->n--;
	return j;
}

static enum err_code
end_oldest(struct crew *c)
{
	struct crew_job *j;
	enum err_code rc;

	(void)pthread_mutex_lock(&c->lock);
	j = finish_oldest(c);
	(void)pthread_mutex_unlock(&c->lock);
	rc = j->ops->end(j);
	j->ops->free(j);
	return rc;
}

/* More than one that waits: the giver has come ahead of who works. */
enum err_code
crew_give(struct crew *c, struct crew_job *j)
{
	enum err_code rc = ERR_OK;
	bool hires;

	if (c->n == CREW_JOBS)
		rc = end_oldest(c);
	if (rc) {
		j->ops->free(j);
		return rc;
	}
	j->state = CREW_GIVEN;
	(void)pthread_mutex_lock(&c->lock);
	c->jobs[(c->first + c->n++) % CREW_JOBS] = j;
	c->given++;
	if (c->idle)
		(void)pthread_cond_signal(&c->work);
	hires = c->given > 2 && !c->idle;
	(void)pthread_mutex_unlock(&c->lock);
	if (hires)
		hire(c);
	return ERR_OK;
}

enum err_code
crew_drain(struct crew *c)
{
	enum err_code rc = ERR_OK;

	while (!rc && c->n)
		rc = end_oldest(c);
	return rc;
}

void
crew_done(struct crew *c)
{
	unsigned i;

	(void)pthread_mutex_lock(&c->lock);
	c->over = true;
	c->given = 0;
	(void)pthread_cond_broadcast(&c->work);
	(void)pthread_mutex_unlock(&c->lock);
	for (i = 0; i < c->n_helpers; i++)
		(void)pthread_join(c->helpers[i], NULL);
	if (c->n_helpers)
		(void)atomic_fetch_sub(&c->share->now, c->n_helpers);
	for (i = 0; i < c->n; i++) {
		struct crew_job *j = c->jobs[(c->first + i) % CREW_JOBS];

		j->ops->free(j);
	}
	(void)pthread_cond_destroy(&c->done);
	(void)pthread_cond_destroy(&c->work);
	(void)pthread_mutex_destroy(&c->lock);
}
