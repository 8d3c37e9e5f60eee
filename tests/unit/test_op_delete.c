/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/fault_sink.h"
#include "lib/op_test.h"
#include "store/stores.h"

#define TREE "/d/ /d/a/ /d/a/1=x /d/a/2=y /d/b=z /e=w"

static void
kept_members_are_reported_once(void **state)
{
	static const struct {
		const char *what;
		const char *denied[3];
		const char *said;
		const char *left;
	} cases[] = {
		{ "everything goes", { NULL }, "", "/e=w" },
		{ "a leaf stays, its ancestors unsaid", { "/d/a/1" },
		    "/d/a/1 403", "/d/ /d/a/ /d/a/1=x /e=w" },
		{ "a leaf, and the root above it", { "/d/a/1", "/d" },
		    "/d/a/1 403", "/d/ /d/a/ /d/a/1=x /e=w" },
		{ "an emptied collection", { "/d/a" }, "/d/a/ 403",
		    "/d/ /d/a/ /e=w" },
		{ "two of different parents", { "/d/a/2", "/d/b" },
		    "/d/a/2 403 /d/b 403", "/d/ /d/a/ /d/a/2=y /d/b=z /e=w" },
		{ "the root, after its members", { "/d" }, "/d/ 403",
		    "/d/ /e=w" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct op_test t;
		struct err err = { 0 };

		op_test_init(&t, TREE);
		for (k = 0; cases[i].denied[k]; k++)
			deny(&t.deny, cases[i].denied[k], DENY_REMOVE,
			    ERR_FORBIDDEN);
		assert_int_equal(
		    op_delete(&t.op, at("/d"), NULL, op_test_sink(&t), &err),
		    ERR_OK);
		assert_true(t.out.ended);
		assert_str_equal(op_test_said(&t), str_from_c(cases[i].said));
		assert_tree(t.deny.inner, cases[i].left);
		op_test_done(&t);
	}
}

static void
a_request_that_did_nothing_is_an_error(void **state)
{
	static const struct {
		const char *path;
		enum err_code want;
	} cases[] = {
		{ "/", ERR_FORBIDDEN },
		{ "/none", ERR_NOT_FOUND },
		{ "/e/below-a-file", ERR_NOT_FOUND },
		{ "/locked", ERR_READ_ONLY },
		{ "/empty", ERR_IN_USE },
	};
	struct op_test t;
	size_t i;

	(void)state;
	op_test_init(&t, "/e=w /empty/ /locked=x");
	deny(&t.deny, "/locked", DENY_REMOVE, ERR_READ_ONLY);
	deny(&t.deny, "/empty", DENY_REMOVE, ERR_IN_USE);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };

		assert_int_equal(op_delete(&t.op, at(cases[i].path), NULL,
				     op_test_sink(&t), &err),
		    cases[i].want);
		assert_int_equal(err.code, cases[i].want);
		assert_int_equal(t.out.n, 0);
		assert_false(t.out.ended);
		assert_tree(t.deny.inner, "/e=w /empty/ /locked=x");
	}
	op_test_done(&t);
}

static void
what_cannot_be_listed_goes_only_when_it_is_empty(void **state)
{
	struct op_test t;

	(void)state;
	op_test_init(&t, "/d/ /d/empty/ /d/full/ /d/full/x=1 /d/y=2");
	deny(&t.deny, "/d/empty", DENY_LIST, ERR_FORBIDDEN);
	deny(&t.deny, "/d/full", DENY_LIST, ERR_IO);
	assert_int_equal(
	    op_delete(&t.op, at("/d"), NULL, op_test_sink(&t), NULL), ERR_OK);
	assert_str_equal(op_test_said(&t), STR("/d/full/ 500"));
	assert_tree(t.deny.inner, "/d/ /d/full/ /d/full/x=1");
	op_test_done(&t);
}

static enum err_code
refuse(void *arg, const struct guarded *at, struct err *err)
{
	assert_non_null(at->now);
	++*(unsigned *)arg;
	return err_set(err, ERR_PRECONDITION, "refused");
}

static void
a_guard_is_asked_before_anything_is_gone(void **state)
{
	static const char *const roots[] = { "/d", "/e" };
	struct op_test t;
	size_t i;

	(void)state;
	op_test_init(&t, TREE);
	for (i = 0; i < ARRAY_LEN(roots); i++) {
		unsigned asked = 0;
		const struct guard guard = { .check = refuse, .arg = &asked };

		assert_int_equal(op_delete(&t.op, at(roots[i]), &guard,
				     op_test_sink(&t), NULL),
		    ERR_PRECONDITION);
		assert_int_equal(asked, 1);
		assert_tree(t.deny.inner, TREE);
	}
	op_test_done(&t);
}

static void
make_collection(struct deny_store *d, struct rpath path)
{
	d->looked = NULL;
	assert_int_equal(
	    store_remove(d->inner, path, NULL, NULL, NULL), ERR_OK);
	tree_make(d->inner, "/e/ /e/x=1 /e/y=2");
}

static void
a_file_that_is_a_collection_meanwhile_goes_as_one(void **state)
{
	struct op_test t;

	(void)state;
	op_test_init(&t, TREE);
	t.deny.looked = make_collection;
	deny(&t.deny, "/e/y", DENY_REMOVE, ERR_FORBIDDEN);
	assert_int_equal(
	    op_delete(&t.op, at("/e"), NULL, op_test_sink(&t), NULL), ERR_OK);
	assert_str_equal(op_test_said(&t), STR("/e/y 403"));
	assert_tree(
	    t.deny.inner, "/d/ /d/a/ /d/a/1=x /d/a/2=y /d/b=z /e/ /e/y=2");
	op_test_done(&t);
}

static void
a_sink_that_fails_ends_it(void **state)
{
	struct fault_sink sink;
	struct op_test t;

	(void)state;
	op_test_init(&t, TREE);
	deny(&t.deny, "/d/a/1", DENY_REMOVE, ERR_FORBIDDEN);
	fault_sink_init(&sink, 1, false, ERR_NO_SPACE);
	assert_int_equal(
	    op_delete(&t.op, at("/d"), NULL, &sink.base, NULL), ERR_NO_SPACE);
	assert_tree(t.deny.inner, TREE);
	op_test_done(&t);
}

/* Nothing left, an error, or an outcome: never silence about what stayed. */
static void
is_truthful(struct op_test *t, enum err_code rc)
{
	struct resource res;

	if (store_stat(t->deny.inner, at("/d"), &res, NULL) == ERR_OK)
		assert_true(rc != ERR_OK || t->out.n);
}

static void
every_failing_allocation_is_survived_and_told(void **state)
{
	unsigned long n;
	bool fired;

	(void)state;
	for (n = 1, fired = true; fired; n++) {
		struct op_test t;
		struct err err = { 0 };
		enum err_code rc;

		op_test_init(&t, TREE);
		deny(&t.deny, "/d/a/1", DENY_REMOVE, ERR_FORBIDDEN);
		(void)op_test_sink(&t);
		alloc_fail_at(n);
		rc = op_delete(&t.op, at("/d"), NULL, &t.out.base, &err);
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		is_truthful(&t, rc);
		op_test_done(&t);
	}
	assert_true(n > 3);
}

static void
every_failing_call_of_the_store_is_told(void **state)
{
	static const enum err_code codes[] = { ERR_IO, ERR_NOMEM };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(codes); i++) {
		unsigned n;
		bool fired;

		for (n = 1, fired = true; fired; n++) {
			struct op_test t;
			struct store *faulty;
			enum err_code rc;

			op_test_init(&t, TREE);
			assert_int_equal(
			    fault_store_new(t.store, &faulty, NULL), ERR_OK);
			t.store = t.op.store = faulty;
			fault_store_fail(faulty, n, codes[i], NULL);
			rc = op_delete(
			    &t.op, at("/d"), NULL, op_test_sink(&t), NULL);
			fired = fault_store_fired(faulty);
			assert_true(!fired || rc || t.out.n);
			assert_true(fired || (!rc && !t.out.n));
			is_truthful(&t, rc);
			op_test_done(&t);
		}
		assert_true(n > 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_members_are_reported_once),
		cmocka_unit_test(a_request_that_did_nothing_is_an_error),
		cmocka_unit_test(
		    what_cannot_be_listed_goes_only_when_it_is_empty),
		cmocka_unit_test(a_guard_is_asked_before_anything_is_gone),
		cmocka_unit_test(
		    a_file_that_is_a_collection_meanwhile_goes_as_one),
		cmocka_unit_test(a_sink_that_fails_ends_it),
		cmocka_unit_test(every_failing_allocation_is_survived_and_told),
		cmocka_unit_test(every_failing_call_of_the_store_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
