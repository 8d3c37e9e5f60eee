/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "lib/tmpdir.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

static bool
allocates(void)
{
	/* volatile: or the compiler drops a pair it sees through. */
	void *volatile p = malloc(1);
	bool got = p != NULL;

	free(p);
	return got;
}

static void
only_the_nth_allocation_fails(void **state)
{
	(void)state;
	alloc_fail_at(2);
	assert_true(allocates());
	assert_false(alloc_fail_fired());
	assert_false(allocates());
	assert_true(alloc_fail_fired());
	assert_true(allocates());
	assert_int_equal(alloc_fail_count(), 3);
	assert_true(alloc_fail_stop());
}

static void
or_the_nth_and_all_after_it(void **state)
{
	(void)state;
	alloc_fail_from(2);
	assert_true(allocates());
	assert_false(allocates());
	assert_false(allocates());
	assert_true(alloc_fail_stop());
	assert_true(allocates());
}

static void
every_kind_of_allocation_is_caught(void **state)
{
	char *volatile old = malloc(1);

	(void)state;
	assert_non_null(old);
	alloc_fail_from(1);
	assert_null(malloc(1));
	assert_null(calloc(1, 1));
	assert_null(realloc(old, 100));
	assert_null(reallocarray(old, 100, 1));
	assert_null(strdup("a"));
	assert_null(strndup("abc", 2));
	assert_int_equal(alloc_fail_count(), 6);
	assert_true(alloc_fail_stop());
	free(old);
}

#define THREADS 4
#define EACH 1000

static void *
count_failures(void *arg)
{
	int *failed = arg;
	int i;

	for (i = 0; i < EACH; i++)
		*failed += !allocates();
	return NULL;
}

static void
of_many_threads_exactly_one_sees_the_failure(void **state)
{
	pthread_t threads[THREADS];
	int failed[THREADS] = { 0 };
	int i, all = 0;

	(void)state;
	alloc_fail_at(THREADS * EACH / 2);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     count_failures, &failed[i]),
		    0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		all += failed[i];
	}
	assert_true(alloc_fail_stop());
	assert_int_equal(all, 1);
}

static void
buffers_and_arenas_report_what_they_did_not_get(void **state)
{
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct str copy;

	(void)state;
	alloc_fail_from(1);
	assert_null(arena_alloc(&a, 1));
	assert_false(arena_str(&a, STR("abc"), &copy));
	BUF_LIT(&b, "abc");
	assert_int_equal(buf_failed(&b), ERR_NOMEM);
	assert_true(alloc_fail_stop());

	buf_clear(&b);
	BUF_LIT(&b, "abc");
	assert_str_equal(buf_str(&b), STR("abc"));
	assert_true(arena_str(&a, STR("abc"), &copy));
	buf_done(&b);
	arena_done(&a);
}

static void
a_temporary_directory_goes_with_all_that_is_in_it(void **state)
{
	struct tmpdir t = { 0 };
	struct stat st;
	char shut[300], link[300];

	(void)state;
	tmpdir_remove(&t);
	tmpdir_make(&t);
	assert_int_equal(stat(t.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	(void)snprintf(shut, sizeof(shut), "%s/shut", t.path);
	(void)snprintf(link, sizeof(link), "%s/shut/link", t.path);
	assert_int_equal(mkdir(shut, 0700), 0);
	assert_int_equal(symlink("/nowhere", link), 0);
	assert_int_equal(chmod(shut, 0), 0);

	tmpdir_remove(&t);
	assert_int_equal(stat(shut, &st), -1);
	tmpdir_remove(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_nth_allocation_fails),
		cmocka_unit_test(or_the_nth_and_all_after_it),
		cmocka_unit_test(every_kind_of_allocation_is_caught),
		cmocka_unit_test(of_many_threads_exactly_one_sees_the_failure),
		cmocka_unit_test(
		    buffers_and_arenas_report_what_they_did_not_get),
		cmocka_unit_test(
		    a_temporary_directory_goes_with_all_that_is_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
