/* SPDX-License-Identifier: MIT */
#include "store/race.h"

void
run_race(struct race *r, const runner *runners, size_t kinds)
{
	pthread_t threads[THREADS];
	size_t i;

	assert_int_equal(pthread_barrier_init(&r->start, NULL, THREADS), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, runners[i % kinds], r),
		    0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)pthread_barrier_destroy(&r->start);
	assert_int_equal(r->wrong, 0);
}

void
expect(struct race *r, enum err_code rc, const struct err *err,
    const enum err_code *fine, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rc == fine[i])
			return;
	print_error("unexpected %s: %s\n", err_name(rc), err->why);
	atomic_fetch_add(&r->wrong, 1);
}
