/* SPDX-License-Identifier: MIT */
/* How many operations of one user run side by side. */
#include "lib/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "bulk/impl.h"
#include "bulk/users.h"
#include "lib/alloc_fail.h"

static void
each_user_has_so_many_and_no_more(void **state)
{
	struct users *us = NULL;
	struct user *a = NULL, *again = NULL, *b = NULL, *no = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(users_new(&us, &err), ERR_OK);
	assert_int_equal(
	    user_enter(us, STR("ann"), 3, false, &a, &err), ERR_OK);
	assert_true(user_help(a, 3));
	assert_int_equal(
	    user_enter(us, STR("ann"), 3, false, &again, &err), ERR_OK);
	assert_false(user_help(again, 3));
	assert_int_equal(
	    user_enter(us, STR("ann"), 3, false, &no, &err), ERR_TOO_MANY);
	assert_null(no);
	assert_non_null(strstr(err.tell, "concurrencyUser"));
	assert_int_equal(
	    user_enter(us, STR("bob"), 3, false, &b, &err), ERR_OK);
	/* What was let in before goes on. */
	assert_int_equal(
	    user_enter(us, STR("ann"), 3, true, &no, &err), ERR_OK);
	user_leave(no);
	user_leave(a);
	assert_true(user_help(again, 3));
	user_leave(again);
	user_leave(again);
	user_leave(a);
	user_leave(b);
	users_free(us);
}

static void
nobody_is_counted_without_a_table(void **state)
{
	struct user *u = NULL;

	(void)state;
	assert_int_equal(
	    user_enter(NULL, STR("ann"), 1, false, &u, NULL), ERR_OK);
	assert_true(user_help(u, 1));
	user_leave(u);
	user_leave(u);
}

static void
a_user_who_cannot_be_counted_is_an_error(void **state)
{
	struct users *us = NULL;
	struct user *u = NULL;
	enum err_code rc;
	unsigned n;

	(void)state;
	for (n = 1;; n++) {
		alloc_fail_at(n);
		rc = users_new(&us, NULL);
		if (!rc)
			rc = user_enter(us, STR("ann"), 1, false, &u, NULL);
		if (!alloc_fail_stop())
			break;
		assert_int_equal(rc, ERR_NOMEM);
		assert_null(u);
		users_free(us);
		us = NULL;
	}
	assert_int_equal(rc, ERR_OK);
	user_leave(u);
	users_free(us);
}

/* ---- two batches of one user, with helpers */

struct world {
	struct user *user;
	struct bulk_env env;
	atomic_uint at_once, most, done, helpers;
};

struct helper {
	struct world *w;
	void (*fn)(void *arg);
	void *arg;
};

static void *
helper_main(void *arg)
{
	struct helper h = *(struct helper *)arg;

	free(arg);
	h.fn(h.arg);
	(void)atomic_fetch_sub(&h.w->helpers, 1);
	return NULL;
}

static bool
spawn(void *ctx, void (*fn)(void *arg), void *arg)
{
	struct helper *h = malloc(sizeof(*h));
	pthread_t thread;

	assert_non_null(h);
	*h = (struct helper){ ctx, fn, arg };
	(void)atomic_fetch_add(&h->w->helpers, 1);
	assert_int_equal(pthread_create(&thread, NULL, helper_main, h), 0);
	(void)pthread_detach(thread);
	return true;
}

static void
operation(void *arg, size_t i)
{
	struct world *w = arg;
	unsigned now = atomic_fetch_add(&w->at_once, 1) + 1;
	unsigned most = atomic_load(&w->most);

	(void)i;
	while (
	    now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
		;
	(void)usleep(500);
	(void)atomic_fetch_sub(&w->at_once, 1);
	(void)atomic_fetch_add(&w->done, 1);
}

static void *
batch(void *arg)
{
	struct world *w = arg;

	crew_run(&w->env, w->user, 8, 40, operation, w);
	return NULL;
}

static void
helpers_of_all_batches_are_counted_together(void **state)
{
	struct batch_limits limits = batch_limits_default;
	struct world w = { .env = { .limits = &limits, .spawn = spawn } };
	struct users *us = NULL;
	pthread_t threads[2];
	size_t i;

	(void)state;
	limits.concurrency = 8;
	w.env.spawn_ctx = &w;
	assert_int_equal(users_new(&us, NULL), ERR_OK);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    user_enter(us, STR("ann"), 3, false, &w.user, NULL),
		    ERR_OK);
	limits.concurrency_user = 3;
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, batch, &w), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	while (atomic_load(&w.helpers))
		(void)usleep(1000);
	assert_int_equal(atomic_load(&w.done), 80);
	assert_in_range(atomic_load(&w.most), 2, 3);
	user_leave(w.user);
	user_leave(w.user);
	users_free(us);
}

static void
a_crew_has_no_more_threads_than_it_is_to_have(void **state)
{
	struct batch_limits limits = batch_limits_default;
	struct world w = { .env = { .limits = &limits, .spawn = spawn } };
	size_t most;

	(void)state;
	w.env.spawn_ctx = &w;
	for (most = 1; most < 4; most++) {
		atomic_store(&w.most, 0);
		crew_run(&w.env, NULL, most, 40, operation, &w);
		while (atomic_load(&w.helpers))
			(void)usleep(1000);
		assert_in_range(atomic_load(&w.most), 1, most);
	}
	assert_int_equal(atomic_load(&w.done), 120);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_user_has_so_many_and_no_more),
		cmocka_unit_test(nobody_is_counted_without_a_table),
		cmocka_unit_test(a_user_who_cannot_be_counted_is_an_error),
		cmocka_unit_test(helpers_of_all_batches_are_counted_together),
		cmocka_unit_test(a_crew_has_no_more_threads_than_it_is_to_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
