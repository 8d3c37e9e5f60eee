/* SPDX-License-Identifier: MIT */
/* usage: test_conformance STORE [TEST-PATTERN] */
#include "store/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/tmpdir.h"
#include "store/drafted.h"
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

static struct store *
make_draft(void)
{
	return drafted_new(make_memory(), DRAFTED_KEPT);
}

static struct store *
make_draft_applied(void)
{
	return drafted_new(make_memory(), DRAFTED_APPLIED);
}

static struct store *
make_draft_of_draft(void)
{
	return drafted_new(make_memory(), DRAFTED_TWICE);
}

static struct store *
make_draft_directory(void)
{
	return drafted_new(make_directory(), DRAFTED_KEPT);
}

static struct store *
make_draft_directory_applied(void)
{
	return drafted_new(make_directory(), DRAFTED_APPLIED);
}

static const struct maker {
	const char *name;
	struct store *(*make)(void);
	bool is_draft, is_applied;
} makers[] = {
	{ "memory", make_memory, false, false },
	{ "fault", make_fault, false, false },
	{ "directory", make_directory, false, false },
	{ "directory-named", make_directory_with_names, false, false },
	{ "draft", make_draft, true, false },
	{ "draft-applied", make_draft_applied, true, true },
	{ "draft-of-draft", make_draft_of_draft, true, true },
	{ "draft-directory", make_draft_directory, true, false },
	{ "draft-directory-applied", make_draft_directory_applied, true, true },
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

/* What a draft does not promise. */
static const struct {
	const char *name; /* a test, or part of its name */
	bool applied; /* only where changes are applied in between */
	const char *why;
} not_for_drafts[] = {
	{ "properties_go_with_their_resource", true,
	    "what the base has of a resource that went stays readable by its "
	    "id until the draft is applied" },
	{ "an_operation_without_memory_changes_nothing", true,
	    "a draft that cannot be applied for want of memory is forgotten" },
	{ "an_operation_on_locks_without_memory_changes_nothing", false,
	    "as above: locks are made when it was applied" },
};

static bool
is_run(const struct CMUnitTest *test)
{
	size_t i;

	for (i = 0; maker->is_draft && i < ARRAY_LEN(not_for_drafts); i++)
		if (!strcmp(test->name, not_for_drafts[i].name) &&
		    (!not_for_drafts[i].applied || maker->is_applied))
			return false;
	return true;
}

static void
add(struct CMUnitTest *all, size_t *n, const struct tests *some)
{
	size_t i;

	for (i = 0; i < some->n; i++) {
		if (!is_run(&some->rows[i]))
			continue;
		all[*n] = some->rows[i];
		all[*n].setup_func = set_up;
		all[(*n)++].teardown_func = tear_down;
	}
}

/* A draft is for one thread at a time. */
static bool
is_for_threads(const struct tests *group)
{
	return group == &race_tests || group == &lock_race_tests ||
	    group == &apply_race_tests;
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
		&apply_kept_tests,
		&apply_race_tests,
	};
	static struct CMUnitTest all[256];
	size_t n = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(groups); i++) {
		if (maker->is_draft && is_for_threads(groups[i]))
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
