/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/workers.h"

/* Work that waits until it is let go, and counts. */
struct task {
	struct work work;
	struct tasks *all;
	unsigned order;
};

struct tasks {
	struct workers *ws; /* of what is done together */
	struct work *again; /* comes while the next run still answers */
	pthread_mutex_t hold;
	_Atomic unsigned started, done, at_once, most;
};

static void
task_run(struct work *w)
{
	struct task *t = CONTAINER_OF(w, struct task, work);
	unsigned now = atomic_fetch_add(&t->all->at_once, 1) + 1;
	unsigned most = atomic_load(&t->all->most);

	t->order = atomic_fetch_add(&t->all->started, 1);
	while (now > most &&
	    !atomic_compare_exchange_weak(&t->all->most, &most, now))
		;
	(void)pthread_mutex_lock(&t->all->hold);
	(void)pthread_mutex_unlock(&t->all->hold);
	(void)atomic_fetch_sub(&t->all->at_once, 1);
	(void)atomic_fetch_add(&t->all->done, 1);
}

static void
wait_for(_Atomic unsigned *n, unsigned want)
{
	int tries;

	for (tries = 0; tries < 10000 && atomic_load(n) < want; tries++)
		(void)usleep(1000);
	assert_int_equal(atomic_load(n), want);
}

static void
a_full_queue_refuses_and_the_rest_is_run_in_order(void **state)
{
	struct tasks all = { 0 };
	struct task t[6] = { 0 };
	struct workers *ws;
	size_t i;

	(void)state;
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(1, 3, &ws, NULL), ERR_OK);
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		t[i].work.run = task_run;
		t[i].all = &all;
	}
	assert_true(workers_add(ws, &t[0].work));
	wait_for(&all.started, 1);
	for (i = 1; i < 4; i++)
		assert_true(workers_add(ws, &t[i].work));
	assert_false(workers_add(ws, &t[4].work));
	assert_int_equal(workers_busy(ws), 4);
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	wait_for(&all.done, 4);
	assert_true(workers_add(ws, &t[5].work));
	workers_free(ws); /* runs what is queued */
	assert_int_equal(all.done, 5);
	assert_int_equal(all.most, 1);
	for (i = 0; i < 4; i++)
		assert_int_equal(t[i].order, i);
	(void)pthread_mutex_destroy(&all.hold);
}

static void
as_many_run_at_once_as_there_are_threads(void **state)
{
	struct tasks all = { 0 };
	struct task t[20] = { 0 };
	struct workers *ws;
	size_t i;

	(void)state;
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(4, 100, &ws, NULL), ERR_OK);
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		t[i].work.run = task_run;
		t[i].all = &all;
		assert_true(workers_add(ws, &t[i].work));
	}
	wait_for(&all.started, 4);
	assert_int_equal(workers_busy(ws), ARRAY_LEN(t));
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	wait_for(&all.done, ARRAY_LEN(t));
	assert_int_equal(all.most, 4);
	workers_free(ws);
	(void)pthread_mutex_destroy(&all.hold);
}

/* All that it was run with are done. */
static void
tasks_run(struct work *w)
{
	struct task *t = CONTAINER_OF(w, struct task, work);
	struct tasks *all = t->all;
	unsigned n = 0;

	for (; w; w = w->next)
		n++;
	(void)atomic_fetch_add(&all->started, 1);
	(void)pthread_mutex_lock(&all->hold);
	(void)pthread_mutex_unlock(&all->hold);
	workers_will_answer(all->ws, 1, n);
	if (all->again)
		(void)!workers_add_more(all->ws, all->again);
	all->again = NULL;
	(void)atomic_fetch_add(&all->done, n);
}

static void
what_is_done_together_gathers_while_others_are_at_it(void **state)
{
	/* As many as are under way are worth another thread. */
	static const unsigned threads[] = { 1, 2 };
	enum { THREADS = 2, ROUNDS = 2 }; /* in a line; what is left after */
	struct tasks all = { 0 };
	struct task t[ARRAY_LEN(threads) + ROUNDS * WORK_MOST];
	struct task alone = { .work.run = task_run, .all = &all };
	struct workers *ws;
	unsigned i;

	(void)state;
	memset(t, 0, sizeof(t));
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(8, 200, &ws, NULL), ERR_OK);
	all.ws = ws;
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	for (i = 0; i < ARRAY_LEN(t); i++) {
		t[i].work = (struct work){ .run = tasks_run, .line = 1 };
		t[i].all = &all;
		assert_true(workers_add(ws, &t[i].work));
		if (i < ARRAY_LEN(threads))
			wait_for(&all.started, threads[i]);
	}
	assert_true(workers_add(ws, &alone.work)); /* waits for none of them */
	wait_for(&all.started, THREADS + 1);
	assert_int_equal(workers_busy(ws), THREADS + ROUNDS * WORK_MOST + 1);
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	wait_for(&all.done, ARRAY_LEN(t) + 1);
	assert_int_equal(all.started, THREADS + ROUNDS + 1);
	workers_free(ws);
	(void)pthread_mutex_destroy(&all.hold);
}

static void
add_patient(struct workers *ws, struct tasks *all, struct task *t, unsigned n,
    int64_t patience)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		t[i] = (struct task){
			{ .run = tasks_run, .line = 1, .patience = patience },
			all, 0
		};
		assert_true(workers_add(ws, &t[i].work));
	}
}

/* A patience that nobody is to need, and what a busy machine may take. */
#define LONG (20 * NSEC_PER_SEC)
#define AT_ONCE (LONG / 2)

/* And then until their thread knows how many they were. */
static void
wait_for_runs(struct tasks *all, unsigned done)
{
	wait_for(&all->done, done);
	(void)usleep(50000);
}

static void
who_has_patience_goes_with_those_who_came_before(void **state)
{
	enum { FEW = 3, MANY = 8 };
	struct tasks all = { 0 };
	struct task t[2 * MANY];
	struct workers *ws;
	int64_t began = clock_monotonic();

	(void)state;
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(8, 100, &ws, NULL), ERR_OK);
	all.ws = ws;
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	add_patient(ws, &all, t, 1, LONG); /* nobody is known yet */
	wait_for(&all.started, 1);
	add_patient(
	    ws, &all, t + 1, MANY - 1, LONG); /* no second thread for them */
	(void)usleep(10000);
	assert_int_equal(all.started, 1);
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	wait_for_runs(&all, 1);
	add_patient(
	    ws, &all, t + MANY, 1, LONG); /* as if the first came again */
	wait_for_runs(&all, MANY + 1);
	assert_int_equal(all.started, 2);
	assert_true(clock_monotonic() - began < AT_ONCE);
	/* Who does not come again is waited for once, and not for long. */
	began = clock_monotonic();
	add_patient(ws, &all, t, FEW, NSEC_PER_SEC);
	wait_for_runs(&all, MANY + 1 + FEW);
	assert_int_equal(all.started, 3);
	assert_true(clock_monotonic() - began < 8 * NSEC_PER_SEC);
	began = clock_monotonic();
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	add_patient(ws, &all, t, FEW, LONG);
	wait_for(&all.started, 4);
	assert_true(clock_monotonic() - began < AT_ONCE);
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	workers_free(ws);
	assert_int_equal(all.done, MANY + 1 + 2 * FEW);
	(void)pthread_mutex_destroy(&all.hold);
}

/* Where syncs are short two share them with fewer, and use two processors. */
static void
little_patience_keeps_nobody_from_a_second_thread(void **state)
{
	struct tasks all = { 0 };
	struct task t[2];
	struct workers *ws;

	(void)state;
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(8, 100, &ws, NULL), ERR_OK);
	all.ws = ws;
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	add_patient(ws, &all, t, 1, 1);
	wait_for(&all.started, 1);
	add_patient(ws, &all, t + 1, 1, 1);
	wait_for(&all.started, 2);
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	workers_free(ws);
	(void)pthread_mutex_destroy(&all.hold);
}

static void
who_comes_again_at_once_is_not_counted_twice(void **state)
{
	enum { MANY = 4 };
	struct tasks all = { 0 };
	struct task t[MANY];
	struct task again = { { .run = tasks_run, .line = 1, .patience = LONG },
		&all, 0 };
	struct workers *ws;

	(void)state;
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(8, 100, &ws, NULL), ERR_OK);
	all.ws = ws;
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	add_patient(ws, &all, t, 1, LONG);
	wait_for(&all.started, 1);
	add_patient(ws, &all, t + 1, MANY - 1, LONG);
	all.again = &again.work;
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	wait_for_runs(&all, MANY + 1);
	assert_int_equal(all.started, 2);
	workers_free(ws);
	(void)pthread_mutex_destroy(&all.hold);
}

/* Nobody takes it from him, and at the end he goes at once. */
static void
who_waits_for_more_keeps_what_there_is(void **state)
{
	enum { MANY = 4 };
	struct tasks all = { 0 };
	struct task t[MANY + 2];
	struct task hasty = { { .run = tasks_run, .line = 1 }, &all, 0 };
	struct task alone = { .work.run = task_run, .all = &all };
	struct workers *ws;
	int64_t began = clock_monotonic();

	(void)state;
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(8, 100, &ws, NULL), ERR_OK);
	all.ws = ws;
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	assert_true(workers_add(ws, &alone.work)); /* a thread that could */
	add_patient(ws, &all, t, 1, LONG);
	wait_for(&all.started, 2);
	add_patient(ws, &all, t + 1, MANY - 1, LONG);
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	wait_for_runs(&all, 2);
	assert_true(workers_add(ws, &hasty.work)); /* as many as there were */
	wait_for_runs(&all, MANY + 2);
	assert_int_equal(all.started, 3);
	assert_true(clock_monotonic() - began < AT_ONCE);
	add_patient(ws, &all, t + MANY, 1, LONG);
	(void)usleep(10000);
	assert_true(workers_add(ws, &hasty.work));
	add_patient(ws, &all, t + MANY + 1, 1, LONG);
	(void)usleep(10000);
	assert_int_equal(all.started, 3);
	began = clock_monotonic();
	workers_free(ws);
	assert_true(clock_monotonic() - began < AT_ONCE);
	assert_int_equal(all.started, 4);
	assert_int_equal(all.done, MANY + 5);
	(void)pthread_mutex_destroy(&all.hold);
}

static void
a_line_is_not_left_by_who_takes_something_else(void **state)
{
	struct tasks all = { 0 };
	struct task t[40];
	struct workers *ws;
	unsigned i;

	(void)state;
	memset(t, 0, sizeof(t));
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(2, 100, &ws, NULL), ERR_OK);
	all.ws = ws;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		t[i].work.run = i % 3 ? tasks_run : task_run;
		t[i].work.line = i % 3 > 0;
		t[i].all = &all;
		assert_true(workers_add(ws, &t[i].work));
	}
	workers_free(ws); /* runs what is queued */
	assert_int_equal(all.done, ARRAY_LEN(t));
	(void)pthread_mutex_destroy(&all.hold);
}

static void
lent_workers_start_at_once_and_the_last_ones_stay(void **state)
{
	struct tasks all = { 0 };
	struct task t[8] = { 0 };
	struct workers *ws;
	size_t i;

	(void)state;
	assert_int_equal(pthread_mutex_init(&all.hold, NULL), 0);
	assert_int_equal(workers_new(4, 1, &ws, NULL), ERR_OK);
	assert_int_equal(pthread_mutex_lock(&all.hold), 0);
	for (i = 0; i < ARRAY_LEN(t); i++)
		t[i] = (struct task){ { .run = task_run }, &all, 0 };
	for (i = 0; i < 3; i++)
		assert_true(workers_lend(ws, &t[i].work));
	assert_false(workers_lend(ws, &t[3].work));
	wait_for(&all.started, 3);
	/* One is left, and then the queue, which has an end for newcomers. */
	assert_true(workers_add(ws, &t[3].work));
	wait_for(&all.started, 4);
	assert_true(workers_add(ws, &t[4].work));
	assert_false(workers_add(ws, &t[5].work));
	assert_true(workers_add_more(ws, &t[5].work));
	assert_false(workers_lend(ws, &t[6].work));
	assert_int_equal(pthread_mutex_unlock(&all.hold), 0);
	wait_for(&all.done, 6);
	while (workers_busy(ws))
		(void)usleep(1000);
	assert_true(workers_lend(ws, &t[6].work));
	wait_for(&all.done, 7);
	workers_free(ws);
	(void)pthread_mutex_destroy(&all.hold);
}

/* Who adds more while all of it ends, and what he adds; who has left by then.
 */
struct ending {
	struct tasks all;
	struct workers *ws;
	struct task adder, leaver;
	struct task more[3];
	pthread_t threads[3]; /* that ran these */
	pthread_t adds;
	pthread_key_t key;
	_Atomic unsigned left;
};

static void
note_thread(struct work *w)
{
	struct task *t = CONTAINER_OF(w, struct task, work);
	struct ending *e = CONTAINER_OF(t->all, struct ending, all);

	e->threads[t - e->more] = pthread_self();
	(void)atomic_fetch_add(&e->all.done, 1);
}

/* Long enough for others to come for it, if there are any. */
static void
add_when_let(struct work *w)
{
	struct task *t = CONTAINER_OF(w, struct task, work);
	struct ending *e = CONTAINER_OF(t->all, struct ending, all);
	size_t i;

	task_run(w);
	e->adds = pthread_self();
	for (i = 0; i < ARRAY_LEN(e->more); i++) {
		e->more[i].work.run = note_thread;
		e->more[i].all = &e->all;
		assert_true(workers_add_more(e->ws, &e->more[i].work));
	}
	(void)usleep(20000);
}

static void
leave(void *left)
{
	(void)atomic_fetch_add((_Atomic unsigned *)left, 1);
}

static void
tell_when_left(struct work *w)
{
	struct task *t = CONTAINER_OF(w, struct task, work);
	struct ending *e = CONTAINER_OF(t->all, struct ending, all);

	assert_int_equal(pthread_setspecific(e->key, &e->left), 0);
	(void)atomic_fetch_add(&e->all.started, 1);
}

static void *
end(void *arg)
{
	workers_free(arg);
	return NULL;
}

static void
what_is_added_while_all_ends_is_run_by_who_adds_it(void **state)
{
	struct ending e = { 0 };
	pthread_t ender;
	size_t i;

	(void)state;
	e.adder = (struct task){ { .run = add_when_let }, &e.all, 0 };
	e.leaver = (struct task){ { .run = tell_when_left }, &e.all, 0 };
	assert_int_equal(pthread_key_create(&e.key, leave), 0);
	assert_int_equal(pthread_mutex_init(&e.all.hold, NULL), 0);
	assert_int_equal(workers_new(4, 100, &e.ws, NULL), ERR_OK);
	assert_int_equal(pthread_mutex_lock(&e.all.hold), 0);
	assert_true(workers_add(e.ws, &e.adder.work));
	wait_for(&e.all.started, 1);
	assert_true(workers_add(e.ws, &e.leaver.work));
	wait_for(&e.all.started, 2);
	assert_int_equal(e.left, 0);
	assert_int_equal(pthread_create(&ender, NULL, end, e.ws), 0);
	wait_for(&e.left, 1); /* so it has begun to end */
	assert_int_equal(pthread_mutex_unlock(&e.all.hold), 0);
	assert_int_equal(pthread_join(ender, NULL), 0);
	assert_int_equal(e.all.done, 1 + ARRAY_LEN(e.more));
	for (i = 0; i < ARRAY_LEN(e.more); i++)
		assert_true(pthread_equal(e.threads[i], e.adds));
	(void)pthread_key_delete(e.key);
	(void)pthread_mutex_destroy(&e.all.hold);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_full_queue_refuses_and_the_rest_is_run_in_order),
		cmocka_unit_test(as_many_run_at_once_as_there_are_threads),
		cmocka_unit_test(
		    what_is_done_together_gathers_while_others_are_at_it),
		cmocka_unit_test(
		    who_has_patience_goes_with_those_who_came_before),
		cmocka_unit_test(
		    little_patience_keeps_nobody_from_a_second_thread),
		cmocka_unit_test(who_comes_again_at_once_is_not_counted_twice),
		cmocka_unit_test(who_waits_for_more_keeps_what_there_is),
		cmocka_unit_test(
		    a_line_is_not_left_by_who_takes_something_else),
		cmocka_unit_test(
		    lent_workers_start_at_once_and_the_last_ones_stay),
		cmocka_unit_test(
		    what_is_added_while_all_ends_is_run_by_who_adds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
