/* SPDX-License-Identifier: MIT */
/* usage: test_conformance STORE [TEST-PATTERN] */
#include "store/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/tmpdir.h"
#include "store/stores.h"

static struct tmpdir dir; /* of the running test, where the store needs one */

static struct store *
make_memory(void)
{
	struct store *s;

	assert_ok(mem_store_new(&s, err));
	return s;
}

static struct store *
make_fault(void)
{
	struct store *s;

	assert_ok(fault_store_new(make_memory(), &s, err));
	return s;
}

static struct store *
make_dir(bool named_temps)
{
	const struct dir_store_spec spec = {
		.dir = dir.path,
		.named_temps = named_temps,
		.relaxed = true,
	};
	struct store *s;

	tmpdir_make(&dir);
	assert_ok(dir_store_open(&spec, &s, err));
	return s;
}

static struct store *
make_directory(void)
{
	return make_dir(false);
}

static struct store *
make_directory_with_names(void)
{
	return make_dir(true);
}

static const struct maker {
	const char *name;
	struct store *(*make)(void);
} makers[] = {
	{ "memory", make_memory },
	{ "fault", make_fault },
	{ "directory", make_directory },
	{ "directory-named", make_directory_with_names },
};

static const struct maker *maker;

static int
set_up(void **state)
{
	*state = maker->make();
	return 0;
}

static int
tear_down(void **state)
{
	store_close(*state);
	tmpdir_remove(&dir);
	return 0;
}

static void
add(struct CMUnitTest *all, size_t *n, const struct tests *some)
{
	size_t i;

	for (i = 0; i < some->n; i++) {
		all[*n] = some->rows[i];
		all[*n].setup_func = set_up;
		all[(*n)++].teardown_func = tear_down;
	}
}

static int
run(void)
{
	static const struct tests *const groups[] = {
		&read_tests,
		&write_tests,
		&copy_tests,
		&prop_tests,
		&walk_tests,
		&race_tests,
		&alloc_tests,
		&record_tests,
		&lock_tests,
		&lock_end_tests,
		&locked_tests,
		&lock_race_tests,
		&lock_alloc_tests,
		&apply_tests,
	};
	static struct CMUnitTest all[256];
	size_t n = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(groups); i++) {
		/* The directory store cannot do it yet. */
		if (groups[i] == &apply_tests && maker->make != make_memory &&
		    maker->make != make_fault)
			continue;
		if (n + groups[i]->n > ARRAY_LEN(all))
			return EXIT_FAILURE;
		add(all, &n, groups[i]);
	}
	return _cmocka_run_group_tests(maker->name, all, n, NULL, NULL);
}

int
main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc >= 2 && i < ARRAY_LEN(makers); i++)
		if (!strcmp(argv[1], makers[i].name))
			maker = &makers[i];
	if (!maker) {
		(void)fprintf(
		    stderr, "usage: %s STORE [TEST-PATTERN]\n", argv[0]);
		return EXIT_FAILURE;
	}
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	return run();
}
