/* SPDX-License-Identifier: MIT */
/* Work of one kind, shared among threads that are free. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bulk/impl.h"

/*
 * It belongs to all who were asked to help, for some may come when all is done:
 * nobody waits for those.
 */
struct crew {
	pthread_mutex_t mutex;
	pthread_cond_t idle;
	size_t n;
	atomic_size_t next;
	size_t working, holders; /* threads */
	void (*fn)(void *arg, size_t i);
	void *arg;
	struct user *user; /* whom the helpers count for */
};

static void
crew_drop(struct crew *c)
{
	bool last;

	pthread_mutex_lock(&c->mutex);
	last = !--c->holders;
	pthread_mutex_unlock(&c->mutex);
	if (!last)
		return;
	pthread_cond_destroy(&c->idle);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

static void
crew_work(struct crew *c)
{
	size_t i;

	if (atomic_load(&c->next) >= c->n) /* it came late */
		return;
	pthread_mutex_lock(&c->mutex);
	c->working++;
	pthread_mutex_unlock(&c->mutex);
	while ((i = atomic_fetch_add(&c->next, 1)) < c->n)
		c->fn(c->arg, i);
	pthread_mutex_lock(&c->mutex);
	if (!--c->working)
		pthread_cond_broadcast(&c->idle);
	pthread_mutex_unlock(&c->mutex);
}

static void
help(void *arg)
{
	struct crew *c = arg;
	struct user *user = c->user;

	crew_work(c);
	crew_drop(c);
	user_leave(user);
}

static struct crew *
crew_new(size_t n, void (*fn)(void *arg, size_t i), void *arg)
{
	struct crew *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (pthread_mutex_init(&c->mutex, NULL)) {
		free(c);
		return NULL;
	}
	if (pthread_cond_init(&c->idle, NULL)) {
		pthread_mutex_destroy(&c->mutex);
		free(c);
		return NULL;
	}
	c->n = n;
	c->fn = fn;
	c->arg = arg;
	c->holders = 1;
	return c;
}

static void
call_helpers(struct crew *c, const struct bulk_env *env, size_t most)
{
	size_t i;

	for (i = 1; i < most && i < c->n; i++) {
		if (!user_help(c->user, env->limits->concurrency_user))
			return;
		pthread_mutex_lock(&c->mutex);
		c->holders++;
		pthread_mutex_unlock(&c->mutex);
		if (env->spawn(env->spawn_ctx, help, c))
			continue;
		pthread_mutex_lock(&c->mutex);
		c->holders--; /* the caller's own is left */
		pthread_mutex_unlock(&c->mutex);
		user_leave(c->user);
		return;
	}
}

void
crew_run(const struct bulk_env *env, struct user *user, size_t most, size_t n,
    void (*fn)(void *arg, size_t i), void *arg)
{
	struct crew *c = NULL;
	size_t i;

	if (n > 1 && env->spawn && most > 1)
		c = crew_new(n, fn, arg);
	if (!c) {
		for (i = 0; i < n; i++)
			fn(arg, i);
		return;
	}
	c->user = user;
	call_helpers(c, env, most);
	crew_work(c);
	pthread_mutex_lock(&c->mutex);
	while (c->working)
		pthread_cond_wait(&c->idle, &c->mutex);
	pthread_mutex_unlock(&c->mutex);
	crew_drop(c);
}
