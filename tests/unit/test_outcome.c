/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "outcome/collector.h"
#include "outcome/outcome.h"
#include "outcome/tally.h"

static void
a_failure_takes_its_status_from_the_error_table(void **state)
{
	struct err err = { 0 };
	struct outcome o;

	(void)state;
	(void)err_set(&err, ERR_FORBIDDEN, "openat: /srv/secret");
	o = outcome_failed((struct rpath){ STR("/a") }, true, err.code, &err);
	assert_int_equal(o.status, 403);
	assert_int_equal(o.why, ERR_FORBIDDEN);
	assert_true(o.collection);
	assert_true(outcome_is_failure(&o));
	/* why is for the log: what is told is the table's sentence. */
	assert_str_equal(outcome_text(&o), STR("not allowed"));
}

static void
the_sentence_is_the_most_specific_there_is(void **state)
{
	static const struct {
		const char *what;
		const char *tell;
		enum err_code why;
		unsigned status;
		const char *want;
	} cases[] = {
		{ "its own", "name it", ERR_NOT_FOUND, 404, "name it" },
		{ "of the failure", "", ERR_NOT_FOUND, 404,
		    "no such resource" },
		{ "of the status", "", ERR_OK, 201, "Created" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct outcome o = {
			.path = RPATH_ROOT,
			.status = cases[i].status,
			.why = cases[i].why,
			.tell = str_from_c(cases[i].tell),
		};

		assert_str_equal(outcome_text(&o), str_from_c(cases[i].want));
	}
}

static void
counts_add_up_and_an_unknown_property_is_no_failure(void **state)
{
	static const struct {
		unsigned status;
		bool failed;
		bool retryable;
	} cases[] = {
		{ 200, false, false },
		{ 204, false, false },
		{ 304, false, false },
		{ 399, false, false },
		{ 400, true, false },
		{ 403, true, false },
		{ 408, true, true },
		{ 423, true, true },
		{ 424, true, false },
		{ 425, true, true },
		{ 429, true, true },
		{ 500, true, false },
		{ 502, true, true },
		{ 503, true, true },
		{ 504, true, true },
		{ 507, true, false },
	};
	const struct prop unknown = { .name = { DAV_NS, STR("x") } };
	const struct propstat missing = { .status = 404,
		.why = ERR_NOT_FOUND,
		.props = &unknown,
		.n_props = 1 };
	struct summary sum = { 0 };
	uint64_t failed = 0;
	uint64_t retryable = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct outcome o = { .path = RPATH_ROOT,
			.status = cases[i].status };

		summary_add(&sum, &o);
		failed += cases[i].failed;
		retryable += cases[i].retryable;
		assert_int_equal(sum.total, i + 1);
		assert_int_equal(sum.failed, failed);
		assert_int_equal(sum.retryable, retryable);
		assert_int_equal(sum.success + sum.failed, sum.total);
	}
	summary_add(&sum,
	    &(struct outcome){ .path = RPATH_ROOT,
		.status = 200,
		.propstats = &missing,
		.n_propstats = 1 });
	assert_int_equal(sum.failed, failed);
}

static void
a_copy_shares_no_memory_with_what_it_was_made_of(void **state)
{
	char path[] = "/a", tell[] = "why", ns[] = "urn:n", local[] = "l";
	char value[] = "v", child[] = "c";
	struct prop_name names[] = { { { ns, 5 }, { child, 1 } } };
	struct prop prop = {
		.name = { { ns, 5 }, { local, 1 } },
		.form = PROP_NAMES,
		.value = { value, 1 },
		.number = 7,
		.names = names,
		.n_names = 1,
	};
	struct propstat set = { .status = 403,
		.why = ERR_PROTECTED,
		.props = &prop,
		.n_props = 1 };
	struct outcome o = { { { path, 2 } }, true, 403, ERR_PROTECTED,
		{ tell, 3 }, &set, 1, { { path, 2 } }, NULL };
	struct arena a = { 0 };
	struct outcome copy;

	(void)state;
	assert_true(outcome_copy(&a, &o, &copy));
	path[1] = tell[0] = ns[0] = local[0] = value[0] = child[0] = 'X';
	prop.number = 0;
	set.status = 0;
	assert_str_equal(copy.path.s, STR("/a"));
	assert_str_equal(copy.tell, STR("why"));
	assert_str_equal(copy.about.s, STR("/a"));
	assert_int_equal(copy.propstats[0].status, 403);
	assert_int_equal(copy.propstats[0].props[0].number, 7);
	assert_str_equal(copy.propstats[0].props[0].name.ns, STR("urn:n"));
	assert_str_equal(copy.propstats[0].props[0].name.local, STR("l"));
	assert_str_equal(copy.propstats[0].props[0].value, STR("v"));
	assert_str_equal(copy.propstats[0].props[0].names[0].local, STR("c"));
	arena_done(&a);
}

static void
a_copy_of_what_was_told_is_one_as_well(void **state)
{
	char text[] = "abcdefghij";
	struct told told = { .href = { text, 1 },
		.id = { text + 1, 1 },
		.op = { text + 2, 1 },
		.error = { text + 3, 1 },
		.problem_type = { text + 4, 1 },
		.location = { text + 5, 1 },
		.retry_after = { text + 6, 1 },
		.caused_by = { text + 7, 1 },
		.line = 7 };
	struct propstat set = { .error = { text + 8, 1 },
		.tell = { text + 9, 1 } };
	struct outcome o = {
		.propstats = &set, .n_propstats = 1, .told = &told
	};
	struct arena a = { 0 };
	struct outcome copy;

	(void)state;
	assert_true(outcome_copy(&a, &o, &copy));
	memset(text, 'X', sizeof(text));
	told = (struct told){ 0 };
	assert_str_equal(copy.told->href, STR("a"));
	assert_str_equal(copy.told->id, STR("b"));
	assert_str_equal(copy.told->op, STR("c"));
	assert_str_equal(copy.told->error, STR("d"));
	assert_str_equal(copy.told->problem_type, STR("e"));
	assert_str_equal(copy.told->location, STR("f"));
	assert_str_equal(copy.told->retry_after, STR("g"));
	assert_str_equal(copy.told->caused_by, STR("h"));
	assert_int_equal(copy.told->line, 7);
	assert_str_equal(copy.propstats[0].error, STR("i"));
	assert_str_equal(copy.propstats[0].tell, STR("j"));
	arena_done(&a);
}

static void
what_is_not_known_to_have_succeeded_counts_as_failed(void **state)
{
	static const struct {
		unsigned status;
		bool partial;
		bool failed;
	} cases[] = {
		{ 0, false, true },
		{ 100, false, true },
		{ 199, false, true },
		{ 200, false, false },
		{ 200, true, true },
		{ 207, false, true },
		{ 302, false, false },
		{ 999, false, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct told told = { .partial = cases[i].partial };
		const struct outcome o = { .status = cases[i].status,
			.told = &told };

		assert_int_equal(outcome_is_failure(&o), cases[i].failed);
	}
}

static void
a_propstat_that_refuses_is_found_and_may_decide(void **state)
{
	static const struct {
		unsigned statuses[3];
		unsigned refused; /* 1000: none */
		unsigned whole;
	} cases[] = {
		{ { 200, 404, 200 }, 1000, 200 },
		{ { 404, 404, 404 }, 1000, 200 },
		{ { 200, 403, 404 }, 403, 200 },
		{ { 424, 403, 404 }, 403, 403 },
		{ { 424, 424, 404 }, 424, 424 },
		{ { 0, 424, 507 }, 507, 507 },
		{ { 404, 0, 404 }, 0, 0 },
		{ { 0, 0, 201 }, 0, 200 },
		{ { 302, 404, 404 }, 302, 302 },
		{ { 423, 500, 404 }, 423, 423 },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct propstat sets[3] = { 0 };
		const struct outcome o = { .propstats = sets,
			.n_propstats = 3 };
		const struct propstat *refused;

		for (k = 0; k < 3; k++)
			sets[k].status = cases[i].statuses[k];
		refused = outcome_refused(&o);
		assert_int_equal(
		    refused ? refused->status : 1000, cases[i].refused);
		assert_int_equal(outcome_propstats_status(&o), cases[i].whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_failure_takes_its_status_from_the_error_table),
		cmocka_unit_test(the_sentence_is_the_most_specific_there_is),
		cmocka_unit_test(
		    counts_add_up_and_an_unknown_property_is_no_failure),
		cmocka_unit_test(
		    a_copy_shares_no_memory_with_what_it_was_made_of),
		cmocka_unit_test(a_copy_of_what_was_told_is_one_as_well),
		cmocka_unit_test(
		    what_is_not_known_to_have_succeeded_counts_as_failed),
		cmocka_unit_test(
		    a_propstat_that_refuses_is_found_and_may_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
