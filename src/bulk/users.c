/* SPDX-License-Identifier: MIT */
#include "bulk/users.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"

struct user {
	struct users *all;
	struct user *next;
	struct buf name;
	uint64_t running; /* 0: it goes */
};

/* A list, as it is never longer than there are threads. */
struct users {
	pthread_mutex_t lock;
	struct user *first;
};

enum err_code
users_new(struct users **out, struct err *err)
{
	struct users *us = calloc(1, sizeof(*us));

	if (!us)
		return err_nomem(err);
	(void)pthread_mutex_init(&us->lock, NULL);
	*out = us;
	return ERR_OK;
}

void
users_free(struct users *us)
{
	if (!us)
		return;
	assert(!us->first);
	(void)pthread_mutex_destroy(&us->lock);
	free(us);
}

/* Locked. */
static struct user *
find_or_add(struct users *us, struct str name)
{
	struct user *u = us->first;

	while (u && !str_eq(buf_str(&u->name), name))
		u = u->next;
	if (u)
		return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	buf_put(&u->name, name);
	if (buf_failed(&u->name)) {
		free(u);
		return NULL;
	}
	u->all = us;
	u->next = us->first;
	us->first = u;
	return u;
}

enum err_code
user_enter(struct users *us, struct str name, uint64_t max, bool anyway,
    struct user **out, struct err *err)
{
	struct user *u;
	bool ok;

	*out = NULL;
	if (!us)
		return ERR_OK;
	(void)pthread_mutex_lock(&us->lock);
	u = find_or_add(us, name);
	/* A new user has none running, and max is not 0. */
	ok = u && (anyway || u->running < max || !u->running);
	if (ok)
		u->running++;
	(void)pthread_mutex_unlock(&us->lock);
	if (!u)
		return err_nomem(err);
	if (!ok)
		return err_tell(err, ERR_TOO_MANY,
		    "%llu operations of your batches are being run "
		    "(concurrencyUser)",
		    (unsigned long long)max);
	*out = u;
	return ERR_OK;
}

bool
user_help(struct user *u, uint64_t max)
{
	bool ok;

	if (!u)
		return true;
	(void)pthread_mutex_lock(&u->all->lock);
	ok = u->running < max;
	u->running += ok;
	(void)pthread_mutex_unlock(&u->all->lock);
	return ok;
}

void
user_leave(struct user *u)
{
	struct users *us;
	struct user **at;
	bool last;

	if (!u)
		return;
	us = u->all;
	(void)pthread_mutex_lock(&us->lock);
	assert(u->running > 0);
	last = !--u->running;
	if (last) {
		for (at = &us->first; *at != u; at = &(*at)->next)
			;
		*at = u->next;
	}
	(void)pthread_mutex_unlock(&us->lock);
	if (!last)
		return;
	buf_done(&u->name);
	free(u);
}
