/* SPDX-License-Identifier: MIT */
/* What one lock, and a few of them, allow; without a store. */
#include "lib/test.h"

#include <ctype.h>

#include "base/clock.h"
#include "store/lock.h"

static struct rpath
at(const char *path)
{
	return (struct rpath){ str_from_c(path) };
}

static struct lock
lock_on(const char *root, enum depth depth)
{
	return (struct lock){
		.root = at(root),
		.depth = depth,
		.token = STR("urn:uuid:1"),
		.expires = clock_now() + 3600 * NSEC_PER_SEC,
	};
}

static void
a_token_is_a_uuid_of_version_4(void **state)
{
	static const char form[] = "urn:uuid:xxxxxxxx-xxxx-4xxx-vxxx-"
				   "xxxxxxxxxxxx";
	int round;

	(void)state;
	assert_int_equal(sizeof(form), LOCK_TOKEN_SIZE);
	for (round = 0; round < 200; round++) {
		char token[LOCK_TOKEN_SIZE];
		size_t i;

		assert_int_equal(lock_token_new(token, NULL), ERR_OK);
		for (i = 0; i < sizeof(form); i++) {
			bool hex = ascii_hex(token[i]) >= 0 &&
			    !isupper((unsigned char)token[i]);

			if (form[i] == 'x' && i >= 9)
				assert_true(hex);
			else if (form[i] == 'v' && i >= 9)
				assert_non_null(strchr("89ab", token[i]));
			else
				assert_int_equal(token[i], form[i]);
		}
	}
}

static void
no_token_comes_twice(void **state)
{
	enum { ROUNDS = 1000 };
	static char seen[ROUNDS][LOCK_TOKEN_SIZE];
	size_t i, k;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		assert_int_equal(lock_token_new(seen[i], NULL), ERR_OK);
		for (k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
	}
}

static void
a_lock_covers_its_root_and_when_deep_all_below(void **state)
{
	static const struct {
		const char *root;
		enum depth depth;
		const char *path;
		bool covered;
	} rows[] = {
		{ "/a", DEPTH_0, "/a", true },
		{ "/a", DEPTH_0, "/a/b", false },
		{ "/a", DEPTH_0, "/", false },
		{ "/a", DEPTH_0, "/ab", false },
		{ "/a", DEPTH_INFINITY, "/a", true },
		{ "/a", DEPTH_INFINITY, "/a/b", true },
		{ "/a", DEPTH_INFINITY, "/a/b/c", true },
		{ "/a", DEPTH_INFINITY, "/ab", false },
		{ "/a", DEPTH_INFINITY, "/A", false },
		{ "/a", DEPTH_INFINITY, "/", false },
		{ "/a/b", DEPTH_INFINITY, "/a", false },
		{ "/", DEPTH_0, "/", true },
		{ "/", DEPTH_0, "/a", false },
		{ "/", DEPTH_INFINITY, "/", true },
		{ "/", DEPTH_INFINITY, "/a/b", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct lock l = lock_on(rows[i].root, rows[i].depth);

		if (lock_covers(&l, at(rows[i].path)) != rows[i].covered)
			fail_msg(
			    "row %zu: %s of %s", i, rows[i].path, rows[i].root);
	}
}

static void
a_lock_that_is_over_covers_nothing(void **state)
{
	struct lock l = lock_on("/a", DEPTH_INFINITY);

	(void)state;
	l.expires = clock_now();
	assert_false(lock_covers(&l, at("/a")));
	l.expires = 0;
	assert_false(lock_covers(&l, at("/a/b")));
}

static void
a_lock_is_held_by_its_token_from_its_creator(void **state)
{
	static const struct {
		const char *creator, *sender;
		const char *tokens[2];
		bool held;
	} rows[] = {
		{ "", "", { "urn:uuid:1", NULL }, true },
		{ "ann", "ann", { "urn:uuid:1", NULL }, true },
		{ "ann", "ann", { "urn:uuid:2", "urn:uuid:1" }, true },
		{ "ann", "ann", { "urn:uuid:2", NULL }, false },
		{ "ann", "ann", { NULL, NULL }, false },
		{ "ann", "bob", { "urn:uuid:1", NULL }, false },
		{ "ann", "Ann", { "urn:uuid:1", NULL }, false },
		{ "ann", "", { "urn:uuid:1", NULL }, false },
		{ "", "ann", { "urn:uuid:1", NULL }, false },
		{ "", "", { "urn:uuid:11", NULL }, false },
		{ "", "", { "urn:uuid:", NULL }, false },
		{ "", "", { "URN:UUID:1", NULL }, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const struct str tokens[] = {
			str_from_c(rows[i].tokens[0]),
			str_from_c(rows[i].tokens[1]),
		};
		struct lock_tokens t = { str_from_c(rows[i].sender), tokens,
			rows[i].tokens[1]       ? 2
			    : rows[i].tokens[0] ? 1
						: 0 };
		struct lock l = lock_on("/a", DEPTH_0);

		l.user = str_from_c(rows[i].creator);
		if (lock_is_held(&l, &t) != rows[i].held)
			fail_msg("row %zu", i);
	}
}

static void
nobody_holds_a_lock_without_tokens(void **state)
{
	const struct lock l = lock_on("/a", DEPTH_0);

	(void)state;
	assert_false(lock_is_held(&l, NULL));
}

static void
of_the_locks_on_a_resource_one_held_is_enough(void **state)
{
	const struct str tokens[] = { STR("urn:uuid:2") };
	const struct lock_tokens t = { STR(""), tokens, 1 };
	struct lock locks[] = { lock_on("/a", DEPTH_INFINITY),
		lock_on("/a/b", DEPTH_0) };
	struct err err = { 0 };

	(void)state;
	locks[0].shared = locks[1].shared = true;
	assert_int_equal(locks_allow(NULL, 0, NULL, &err), ERR_OK);
	assert_int_equal(locks_allow(locks, 2, &t, &err), ERR_LOCKED);
	assert_int_equal(err.code, ERR_LOCKED);
	assert_string_equal(err.about, "/a");
	locks[1].token = tokens[0];
	assert_int_equal(locks_allow(locks, 2, &t, NULL), ERR_OK);
	assert_int_equal(locks_allow(locks, 2, NULL, NULL), ERR_LOCKED);
	assert_int_equal(locks_allow(locks, 1, &t, NULL), ERR_LOCKED);
}

static void
only_shared_locks_stand_side_by_side(void **state)
{
	static const struct {
		bool first, second; /* shared */
		size_t n;
		bool wanted; /* shared */
		const char *about; /* NULL: fine */
	} rows[] = {
		{ false, false, 0, false, NULL },
		{ false, false, 0, true, NULL },
		{ true, false, 1, true, NULL },
		{ true, false, 1, false, "/a" },
		{ false, false, 1, true, "/a" },
		{ false, false, 1, false, "/a" },
		{ true, true, 2, true, NULL },
		{ true, true, 2, false, "/a" },
		{ true, false, 2, true, "/b" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct lock locks[] = { lock_on("/a", DEPTH_0),
			lock_on("/b", DEPTH_0) };
		struct err err = { 0 };
		enum err_code rc;

		locks[0].shared = rows[i].first;
		locks[1].shared = rows[i].second;
		rc = locks_compatible(locks, rows[i].n, rows[i].wanted, &err);
		assert_int_equal(
		    rc, rows[i].about ? ERR_LOCK_CONFLICT : ERR_OK);
		assert_string_equal(
		    err.about, rows[i].about ? rows[i].about : "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_a_uuid_of_version_4),
		cmocka_unit_test(no_token_comes_twice),
		cmocka_unit_test(
		    a_lock_covers_its_root_and_when_deep_all_below),
		cmocka_unit_test(a_lock_that_is_over_covers_nothing),
		cmocka_unit_test(a_lock_is_held_by_its_token_from_its_creator),
		cmocka_unit_test(nobody_holds_a_lock_without_tokens),
		cmocka_unit_test(of_the_locks_on_a_resource_one_held_is_enough),
		cmocka_unit_test(only_shared_locks_stand_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
