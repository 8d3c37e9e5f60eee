/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "dav/keys.h"
#include "lib/alloc_fail.h"

static void
a_key_is_taken_until_it_is_given_back(void **state)
{
	struct keys *k;
	bool nomem = true;

	(void)state;
	assert_int_equal(keys_new(&k, NULL), ERR_OK);
	assert_true(keys_take(k, STR("a"), &nomem));
	assert_false(nomem);
	assert_false(keys_take(k, STR("a"), &nomem));
	assert_false(nomem);
	assert_true(keys_take(k, STR("b"), &nomem));
	keys_give_back(k, STR("a"));
	assert_true(keys_take(k, STR("a"), &nomem));
	assert_false(keys_take(k, STR("b"), &nomem));
	keys_give_back(k, STR("never taken"));
	keys_free(k); /* with keys in it */
	keys_free(NULL);
}

static void
many_keys_are_kept_apart(void **state)
{
	struct keys *k;
	bool nomem;
	char name[16];
	int i, round;

	(void)state;
	assert_int_equal(keys_new(&k, NULL), ERR_OK);
	for (round = 0; round < 2; round++)
		for (i = 0; i < 5000; i++) {
			(void)snprintf(name, sizeof(name), "%d", i);
			assert_int_equal(
			    keys_take(k, str_from_c(name), &nomem), !round);
		}
	for (i = 0; i < 5000; i += 2) {
		(void)snprintf(name, sizeof(name), "%d", i);
		keys_give_back(k, str_from_c(name));
	}
	for (i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(
		    keys_take(k, str_from_c(name), &nomem), i % 2 == 0);
	}
	keys_free(k);
}

static void
no_memory_for_a_key_is_not_the_same_as_its_being_in_use(void **state)
{
	struct keys *k = NULL;
	bool nomem = false;

	(void)state;
	alloc_fail_at(1);
	assert_int_equal(keys_new(&k, NULL), ERR_NOMEM);
	assert_true(alloc_fail_stop());
	assert_int_equal(keys_new(&k, NULL), ERR_OK);
	alloc_fail_at(1);
	assert_false(keys_take(k, STR("a"), &nomem));
	assert_true(alloc_fail_stop());
	assert_true(nomem);
	assert_true(keys_take(k, STR("a"), &nomem));
	keys_free(k);
}

struct contest {
	struct keys *keys;
	atomic_int inside, most, wins;
};

static void *
contend(void *arg)
{
	struct contest *c = arg;
	bool nomem;
	int i;

	for (i = 0; i < 2000; i++) {
		int now;

		if (!keys_take(c->keys, STR("the one"), &nomem))
			continue;
		now = atomic_fetch_add(&c->inside, 1) + 1;
		if (now > atomic_load(&c->most))
			atomic_store(&c->most, now);
		(void)atomic_fetch_add(&c->wins, 1);
		(void)atomic_fetch_sub(&c->inside, 1);
		keys_give_back(c->keys, STR("the one"));
	}
	return NULL;
}

static void
of_many_threads_one_has_it(void **state)
{
	struct contest c = { 0 };
	pthread_t threads[4];
	size_t i;

	(void)state;
	assert_int_equal(keys_new(&c.keys, NULL), ERR_OK);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, contend, &c), 0);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&c.most), 1);
	assert_true(atomic_load(&c.wins) >= 1);
	keys_free(c.keys);
}

static void
users_do_not_see_each_others_keys(void **state)
{
	struct buf b[5] = { 0 };
	char user[400];
	size_t i, j;

	(void)state;
	memset(user, 'u', sizeof(user));
	key_put(&b[0], STR(""), STR("k/1"));
	key_put(&b[1], STR("ann"), STR("k/1"));
	key_put(&b[2], STR("ann/k"), STR("1"));
	key_put(&b[3], str_of(user, sizeof(user)), STR("k/1"));
	key_put(&b[4], STR("ann"), STR("k/2"));
	for (i = 0; i < ARRAY_LEN(b); i++)
		for (j = 0; j < i; j++)
			assert_false(str_eq(buf_str(&b[i]), buf_str(&b[j])));
	/* Whatever the user is called, the longest key and id fit. */
	assert_true(buf_str(&b[3]).len + 255 + 1 + 128 <= RECORD_KEY_MAX);
	for (i = 0; i < ARRAY_LEN(b); i++)
		buf_done(&b[i]);
}

static void
an_item_without_a_key_has_that_of_its_batch_and_its_id(void **state)
{
	struct buf item = { 0 }, own = { 0 };

	(void)state;
	key_put_item(&item, STR("ann"), STR("k"), STR("7"));
	key_put(&own, STR("ann"), STR("k/7"));
	assert_str_equal(buf_str(&item), buf_str(&own));
	buf_done(&item);
	buf_done(&own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_taken_until_it_is_given_back),
		cmocka_unit_test(many_keys_are_kept_apart),
		cmocka_unit_test(
		    no_memory_for_a_key_is_not_the_same_as_its_being_in_use),
		cmocka_unit_test(of_many_threads_one_has_it),
		cmocka_unit_test(users_do_not_see_each_others_keys),
		cmocka_unit_test(
		    an_item_without_a_key_has_that_of_its_batch_and_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
