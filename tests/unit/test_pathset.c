/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <stdio.h>

#include "dav/pathset.h"
#include "lib/alloc_fail.h"
#include "lib/tree.h"

#define PATHS 1000

struct name {
	char path[16];
};

static struct name
name_of(int i)
{
	struct name n;

	(void)snprintf(n.path, sizeof(n.path), "/p/%d", i);
	return n;
}

static void
it_holds_what_was_added_and_nothing_else(void **state)
{
	struct pathset s = { 0 };
	int i;

	(void)state;
	assert_false(pathset_has(&s, at("/")));
	for (i = 0; i < PATHS; i++) {
		struct name n = name_of(i);

		assert_false(pathset_has(&s, at(n.path)));
		assert_int_equal(pathset_add(&s, at(n.path), NULL), ERR_OK);
		assert_int_equal(pathset_add(&s, at(n.path), NULL), ERR_OK);
		assert_int_equal(s.n, i + 1);
	}
	for (i = 0; i < 2 * PATHS; i++)
		assert_int_equal(
		    pathset_has(&s, at(name_of(i).path)), i < PATHS);
	pathset_done(&s);
	pathset_done(&s);
}

static void
it_covers_what_is_below_its_paths(void **state)
{
	static const struct {
		const char *path;
		bool covered;
	} cases[] = {
		{ "/a/b", true },
		{ "/a/b/c/d", true },
		{ "/a", false },
		{ "/a/bc", false },
		{ "/", false },
	};
	struct pathset s = { 0 };
	size_t i;

	(void)state;
	assert_false(pathset_covers(&s, at("/a")));
	assert_int_equal(pathset_add(&s, at("/a/b"), NULL), ERR_OK);
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    pathset_covers(&s, at(cases[i].path)), cases[i].covered);
	assert_int_equal(pathset_add(&s, at("/"), NULL), ERR_OK);
	assert_true(pathset_covers(&s, at("/x")));
	pathset_done(&s);
}

static void
a_failed_add_leaves_it_as_it_was(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct pathset s = { 0 };
		enum err_code rc = ERR_OK;
		int i;

		alloc_fail_at(n);
		for (i = 0; i < 100 && !rc; i++)
			rc = pathset_add(&s, at(name_of(i).path), NULL);
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		if (rc)
			assert_false(pathset_has(&s, at(name_of(i - 1).path)));
		pathset_done(&s);
	}
	assert_true(n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_what_was_added_and_nothing_else),
		cmocka_unit_test(it_covers_what_is_below_its_paths),
		cmocka_unit_test(a_failed_add_leaves_it_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
