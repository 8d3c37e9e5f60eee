/* SPDX-License-Identifier: MIT */
#include "base/crew.h"

#include <assert.h>
#include <stddef.h>

#include "base/thread.h"

void
crew_share_init(struct crew_share *s)
{
	atomic_store(&s->max, thread_processors() - 1);
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

/* ---- called with the lock held */

/* Takes the oldest job that nobody has begun; there is one. */
static struct crew_job *
take(struct crew *c)
{
	unsigned at = c->first;

	assert(c->given && c->given <= c->n);
	while (c->jobs[at]->state != CREW_GIVEN)
		at = (at + 1) % CREW_JOBS;
	c->given--;
	c->jobs[at]->state = CREW_RUNNING;
	return c->jobs[at];
}

/* Gives the lock back for the time that the job runs. */
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

	thread_name("crew");
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

bool
crew_share_hire(
    struct crew_share *s, pthread_t *helper, void *(*fn)(void *arg), void *arg)
{
	if (!share_take(s))
		return false;
	if (!thread_start_beside(helper, fn, arg))
		return true;
	(void)atomic_fetch_sub(&s->now, 1);
	return false;
}

void
crew_share_join(struct crew_share *s, pthread_t helper)
{
	(void)pthread_join(helper, NULL);
	(void)atomic_fetch_sub(&s->now, 1);
}

static void
hire(struct crew *c)
{
	if (c->n_helpers < CREW_HELPERS &&
	    crew_share_hire(c->share, &c->helpers[c->n_helpers], help, c))
		c->n_helpers++;
}

/* ---- the giver */

/*
 * With the lock: takes the oldest job out of the ring once it has been run.
 * Until then the giver runs jobs itself, and waits only where all are begun.
 */
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

/* Ends the oldest job where the ring is full; where that fails, j is freed. */
static enum err_code
make_room(struct crew *c, struct crew_job *j)
{
	enum err_code rc = c->n == CREW_JOBS ? end_oldest(c) : ERR_OK;

	if (rc)
		j->ops->free(j);
	return rc;
}

static void
put_in_ring(struct crew *c, struct crew_job *j, enum crew_state state)
{
	j->state = state;
	c->jobs[(c->first + c->n++) % CREW_JOBS] = j;
}

/*
 * The giver runs jobs, too: one that waits is for it.  Helpers are woken for a
 * second, and hired for a third: then the giver is ahead of those who work.
 * A helper that wakes wants the lock at once, so it is given back before.
 */
enum err_code
crew_give(struct crew *c, struct crew_job *j)
{
	enum err_code rc = make_room(c, j);
	bool hires, wakes;

	if (rc)
		return rc;
	(void)pthread_mutex_lock(&c->lock);
	put_in_ring(c, j, CREW_GIVEN);
	c->given++;
	wakes = c->given > 1 && c->idle;
	hires = c->given > 2 && !c->idle;
	(void)pthread_mutex_unlock(&c->lock);
	if (wakes)
		(void)pthread_cond_signal(&c->work);
	if (hires)
		hire(c);
	return ERR_OK;
}

enum err_code
crew_do(struct crew *c, struct crew_job *j)
{
	enum err_code rc = make_room(c, j);

	if (rc)
		return rc;
	(void)pthread_mutex_lock(&c->lock);
	put_in_ring(c, j, CREW_RUNNING);
	run(c, j);
	(void)pthread_mutex_unlock(&c->lock);
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
		crew_share_join(c->share, c->helpers[i]);
	for (i = 0; i < c->n; i++) {
		struct crew_job *j = c->jobs[(c->first + i) % CREW_JOBS];

		j->ops->free(j);
	}
	(void)pthread_cond_destroy(&c->done);
	(void)pthread_cond_destroy(&c->work);
	(void)pthread_mutex_destroy(&c->lock);
}
