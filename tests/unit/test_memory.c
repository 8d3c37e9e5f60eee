/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

#define THREADS 4
#define PIECES 200

static const char constant[3 * 4096] = { [0] = 'a', [2 * 4096] = 'b' };
static char variable[3 * 4096] = { [0] = 'a', [2 * 4096] = 'b' };

static void *
use_heap(void *arg)
{
	char *pieces[PIECES] = { NULL };
	size_t i, round;

	for (round = 0; round < 50; round++)
		for (i = 0; i < PIECES; i++) {
			free(pieces[i]);
			pieces[i] = malloc(round * i * 10 + 1);
			assert_non_null(pieces[i]);
			pieces[i][round * i * 10] = (char)i;
		}
	for (i = 0; i < PIECES; i++) {
		assert_int_equal(pieces[i][490 * i], (char)i);
		free(pieces[i]);
	}
	return arg;
}

/* Threads run on all the while; a sanitizer would tell of what it misses. */
static void
all_is_there_after_it_was_given_back(void **state)
{
	int64_t until = clock_monotonic() + NSEC_PER_SEC / 10;
	pthread_t threads[THREADS];
	size_t i;

	(void)state;
	memory_be_small();
	variable[4096] = 'c';
	do {
		for (i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL,
					     use_heap, variable + i),
			    0);
		memory_drop_code();
		memory_trim();
		for (i = 0; i < THREADS; i++) {
			void *end;

			memory_drop_code();
			memory_trim();
			assert_int_equal(pthread_join(threads[i], &end), 0);
			assert_ptr_equal(end, variable + i);
		}
		assert_int_equal(constant[0] + constant[2 * 4096], 'a' + 'b');
		assert_int_equal(variable[4096], 'c');
		assert_int_equal(variable[2 * 4096], 'b');
	} while (clock_monotonic() < until);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_there_after_it_was_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
