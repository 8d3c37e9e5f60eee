/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sheaf/plan.h>

#include "api_test.h"

/* 2026-11-21T08:00:00Z */
#define NOW INT64_C(1795248000000)

static struct sheaf_plan *
plan_with(const struct sheaf_plan_options *o)
{
	struct sheaf_plan *p;

	assert_int_equal(sheaf_plan_new(o, &p), SHEAF_OK);
	return p;
}

static void
add(struct sheaf_plan *p, const char *id, const char *method,
    const char *const *deps, size_t n_deps)
{
	struct sheaf_operation o = SHEAF_OPERATION_INIT;

	o.id = id;
	o.method = method;
	o.depends_on = deps;
	o.n_depends_on = n_deps;
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_OK);
}

static void
take(struct sheaf_plan *p, const char *id, unsigned status)
{
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;

	o.id = id;
	o.status = status;
	assert_int_equal(sheaf_plan_take(p, &o), SHEAF_OK);
}

static void
add_href(struct sheaf_plan *p, const char *href)
{
	struct sheaf_operation o = SHEAF_OPERATION_INIT;

	o.href = href;
	o.method = "DELETE";
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_OK);
}

static enum sheaf_result
take_href(struct sheaf_plan *p, const char *href, unsigned status)
{
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;

	o.href = href;
	o.status = status;
	return sheaf_plan_take(p, &o);
}

static enum sheaf_step_kind
kind(const struct sheaf_plan *p, size_t i)
{
	return sheaf_plan_step(p, i)->kind;
}

static void
each_status_has_its_step(void **state)
{
	static const struct {
		unsigned status;
		const char *method;
		enum sheaf_step_kind kind;
		enum sheaf_advice advice;
	} cases[] = {
		{ 200, "PUT", SHEAF_STEP_DONE, SHEAF_ADVICE_NONE },
		{ 204, "DELETE", SHEAF_STEP_DONE, SHEAF_ADVICE_NONE },
		{ 299, "PUT", SHEAF_STEP_DONE, SHEAF_ADVICE_NONE },
		{ 0, "PUT", SHEAF_STEP_LOOK, SHEAF_ADVICE_LOOK_FIRST },
		{ 102, "PUT", SHEAF_STEP_LOOK, SHEAF_ADVICE_LOOK_FIRST },
		{ 202, "PUT", SHEAF_STEP_LOOK, SHEAF_ADVICE_LOOK_FIRST },
		{ 207, "PUT", SHEAF_STEP_LOOK, SHEAF_ADVICE_LOOK_FIRST },
		{ 302, "PUT", SHEAF_STEP_CHANGE, SHEAF_ADVICE_AFTER_CHANGE },
		{ 403, "PUT", SHEAF_STEP_CHANGE, SHEAF_ADVICE_AFTER_CHANGE },
		{ 499, "PUT", SHEAF_STEP_CHANGE, SHEAF_ADVICE_AFTER_CHANGE },
		{ 409, "PUT", SHEAF_STEP_NEVER, SHEAF_ADVICE_NEVER },
		{ 412, "PUT", SHEAF_STEP_NEVER, SHEAF_ADVICE_NEVER },
		{ 408, "PUT", SHEAF_STEP_SEND, SHEAF_ADVICE_LATER },
		{ 429, "PUT", SHEAF_STEP_SEND, SHEAF_ADVICE_LATER },
		{ 503, "PUT", SHEAF_STEP_SEND, SHEAF_ADVICE_LATER },
		{ 503, "POST", SHEAF_STEP_LOOK, SHEAF_ADVICE_LOOK_FIRST },
		{ 503, NULL, SHEAF_STEP_SEND, SHEAF_ADVICE_LATER },
		{ 423, "PUT", SHEAF_STEP_HOLD, SHEAF_ADVICE_WHEN_FREED },
		{ 507, "PUT", SHEAF_STEP_HOLD, SHEAF_ADVICE_WHEN_FREED },
		{ 424, "PUT", SHEAF_STEP_CHANGE, SHEAF_ADVICE_WITH_CAUSE },
		{ 4294967295u, "PUT", SHEAF_STEP_LOOK,
		    SHEAF_ADVICE_LOOK_FIRST },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(cases); i++) {
		struct sheaf_plan *p = plan_with(NULL);
		enum sheaf_result done =
		    cases[i].kind == SHEAF_STEP_DONE ? SHEAF_OK : SHEAF_PARTIAL;

		add(p, "a", cases[i].method, NULL, 0);
		take(p, "a", cases[i].status);
		assert_int_equal(sheaf_plan_decide(p, NOW), done);
		assert_int_equal(kind(p, 0), cases[i].kind);
		assert_int_equal(
		    sheaf_advise(cases[i].status, cases[i].method, false),
		    cases[i].advice);
		assert_true(*sheaf_plan_step(p, 0)->why);
		assert_true(*sheaf_advice_text(cases[i].advice));
		sheaf_plan_free(p);
	}
	assert_string_equal(sheaf_advice_text((enum sheaf_advice)99),
	    sheaf_advice_text(SHEAF_ADVICE_LOOK_FIRST));
}

static void
a_key_makes_any_method_safe_to_repeat(void **state)
{
	struct sheaf_plan *p = plan_with(NULL);
	struct sheaf_operation o = SHEAF_OPERATION_INIT;

	(void)state;
	o.id = "a";
	o.method = "POST";
	o.keyed = true;
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_OK);
	take(p, "a", 503);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 0), SHEAF_STEP_SEND);
	sheaf_plan_free(p);
}

static void
what_is_not_mentioned_is_unknown(void **state)
{
	struct sheaf_plan *p = plan_with(NULL);

	(void)state;
	add(p, "a", "PUT", NULL, 0);
	add(p, "b", "PUT", NULL, 0);
	take(p, "a", 201);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 0), SHEAF_STEP_DONE);
	assert_int_equal(kind(p, 1), SHEAF_STEP_LOOK);
	assert_int_equal(sheaf_plan_step(p, 1)->status, 0);
	assert_non_null(
	    strstr(sheaf_plan_step(p, 1)->why, "does not mention it"));
	assert_null(sheaf_plan_step(p, 2));
	sheaf_plan_free(p);
}

static void
what_failed_with_its_cause_follows_it(void **state)
{
	static const char *const on_a[] = { "a" };
	static const char *const on_b[] = { "b" };
	struct sheaf_plan *p = plan_with(NULL);
	int64_t wait;

	(void)state;
	add(p, "a", "MKCOL", NULL, 0);
	add(p, "b", "PUT", on_a, 1);
	add(p, "c", "PUT", on_b, 1);
	take(p, "c", 424);
	take(p, "b", 424);
	take(p, "a", 503);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 0), SHEAF_STEP_SEND);
	assert_int_equal(kind(p, 1), SHEAF_STEP_WAIT);
	assert_int_equal(sheaf_plan_step(p, 1)->cause, 0);
	assert_int_equal(kind(p, 2), SHEAF_STEP_WAIT);
	assert_int_equal(sheaf_plan_step(p, 2)->cause, 1);
	assert_int_equal(sheaf_plan_to_send(p, &wait), 1);
	assert_true(wait >= 0 && wait <= 500);

	assert_int_equal(sheaf_plan_sent(p), 1);
	take(p, "a", 201);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 0), SHEAF_STEP_DONE);
	assert_int_equal(kind(p, 1), SHEAF_STEP_SEND);
	assert_int_equal(kind(p, 2), SHEAF_STEP_WAIT);
	/* In one batch, the one behind the other. */
	assert_int_equal(sheaf_plan_sent(p), 1);
	assert_int_equal(sheaf_plan_sent_one(p, 2), SHEAF_OK);
	assert_int_equal(sheaf_plan_sent_one(p, 0), SHEAF_INVALID);
	assert_int_equal(sheaf_plan_sent_one(p, 3), SHEAF_INVALID);
	take(p, "b", 204);
	take(p, "c", 204);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_OK);
	assert_int_equal(sheaf_plan_to_send(p, NULL), 0);
	assert_int_equal(sheaf_plan_step(p, 2)->attempts, 2);
	sheaf_plan_free(p);
}

static void
what_a_server_names_as_the_cause_counts(void **state)
{
	struct sheaf_plan *p = plan_with(NULL);
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;

	(void)state;
	add(p, "first", "PUT", NULL, 0);
	add(p, "cause", "PUT", NULL, 0);
	add(p, "own", "PUT", NULL, 0);
	o.status = 424;
	o.id = "first";
	o.caused_by = "cause";
	assert_int_equal(sheaf_plan_take(p, &o), SHEAF_OK);
	o.id = "own";
	o.caused_by = "own";
	assert_int_equal(sheaf_plan_take(p, &o), SHEAF_OK);
	take(p, "cause", 412);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 1), SHEAF_STEP_NEVER);
	assert_int_equal(kind(p, 0), SHEAF_STEP_NEVER);
	assert_int_equal(kind(p, 2), SHEAF_STEP_CHANGE);
	sheaf_plan_free(p);
}

static void
a_ring_of_causes_ends(void **state)
{
	static const char *const ids[] = { "a", "b", "c" };
	struct sheaf_plan *p = plan_with(NULL);
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < LEN(ids); i++)
		add(p, ids[i], "PUT", NULL, 0);
	o.status = 424;
	for (i = 0; i < LEN(ids); i++) {
		o.id = ids[i];
		o.caused_by = ids[(i + 1) % LEN(ids)];
		assert_int_equal(sheaf_plan_take(p, &o), SHEAF_OK);
	}
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	for (i = 0; i < LEN(ids); i++)
		assert_int_equal(kind(p, i), SHEAF_STEP_WAIT);
	assert_int_equal(sheaf_plan_to_send(p, NULL), 0);
	sheaf_plan_free(p);
}

static void
the_wait_is_what_the_server_says_or_longer(void **state)
{
	static const struct {
		const char *said;
		int64_t least, most;
	} cases[] = {
		{ "", 0, 500 },
		{ "3", 3000, 3000 },
		{ "Sat, 21 Nov 2026 08:00:10 GMT", 10000, 10000 },
		{ "Sat, 21 Nov 2026 07:00:00 GMT", 0, 500 },
		{ "1.5", 0, 500 },
		{ "soon", 0, 500 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LEN(cases); i++) {
		struct sheaf_plan *p = plan_with(NULL);
		struct sheaf_outcome o = SHEAF_OUTCOME_INIT;
		int64_t wait;

		add(p, "a", "PUT", NULL, 0);
		o.id = "a";
		o.status = 503;
		o.retry_after = cases[i].said;
		assert_int_equal(sheaf_plan_take(p, &o), SHEAF_OK);
		assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
		assert_int_equal(sheaf_plan_to_send(p, &wait), 1);
		assert_true(wait >= cases[i].least && wait <= cases[i].most);
		assert_int_equal(wait, sheaf_plan_step(p, 0)->wait);
		sheaf_plan_free(p);
	}
	assert_int_equal(sheaf_retry_after("3", NOW), 3000);
	assert_int_equal(sheaf_retry_after("-1", NOW), -1);
	assert_int_equal(sheaf_retry_after(NULL, NOW), -1);
	assert_int_equal(sheaf_retry_delay(2, 7000, 1), 7000);
	assert_true(sheaf_retry_delay(40, -1, UINT64_MAX) <= 60000);
}

static void
nothing_is_sent_for_ever(void **state)
{
	struct sheaf_plan_options o = SHEAF_PLAN_OPTIONS_INIT;
	struct sheaf_plan *p;
	unsigned sent = 1;

	(void)state;
	o.attempts = 3;
	o.seed = 1;
	p = plan_with(&o);
	add(p, "a", "PUT", NULL, 0);
	for (;;) {
		take(p, "a", 503);
		assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
		if (!sheaf_plan_sent(p))
			break;
		sent++;
	}
	assert_int_equal(sent, 3);
	assert_int_equal(kind(p, 0), SHEAF_STEP_GIVEN_UP);
	sheaf_plan_free(p);
}

static void
locks_are_waited_for_where_that_is_wanted(void **state)
{
	struct sheaf_plan_options o = SHEAF_PLAN_OPTIONS_INIT;
	struct sheaf_plan *p;

	(void)state;
	o.when_freed = true;
	p = plan_with(&o);
	add(p, "a", "PUT", NULL, 0);
	take(p, "a", 423);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 0), SHEAF_STEP_SEND);
	sheaf_plan_free(p);
}

static void
an_operation_is_known_by_its_href(void **state)
{
	struct sheaf_plan *p = plan_with(NULL);

	(void)state;
	add_href(p, "/a%20b/");
	add_href(p, "/c/d.txt");
	add_href(p, "https://h.example/c/d.txt");
	assert_int_equal(take_href(p, "/a b", 204), SHEAF_OK);
	assert_int_equal(take_href(p, "/%63/d.txt", 204), SHEAF_OK);
	assert_int_equal(
	    take_href(p, "HTTPS://H.example:443/c/d.txt", 204), SHEAF_OK);
	assert_int_equal(
	    take_href(p, "http://h.example/c/d.txt", 204), SHEAF_INVALID);
	assert_int_equal(take_href(p, "/elsewhere", 204), SHEAF_INVALID);
	assert_int_equal(take_href(p, NULL, 204), SHEAF_INVALID);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_OK);
	sheaf_plan_free(p);
}

static void
a_member_that_failed_makes_its_operation_partial(void **state)
{
	struct sheaf_plan *p = plan_with(NULL);

	(void)state;
	add_href(p, "/tree/");
	assert_int_equal(take_href(p, "/tree/fine", 204), SHEAF_OK);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 0), SHEAF_STEP_LOOK);
	assert_int_equal(take_href(p, "/tree/sub/later", 503), SHEAF_OK);
	assert_int_equal(take_href(p, "/tree/sub/locked", 423), SHEAF_OK);
	assert_int_equal(take_href(p, "/treehouse", 423), SHEAF_INVALID);
	assert_int_equal(take_href(p, "/tree", 200), SHEAF_OK);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 0), SHEAF_STEP_HOLD);
	assert_int_equal(sheaf_plan_step(p, 0)->status, 423);
	sheaf_plan_free(p);
}

static void
what_was_done_in_part_is_not_done(void **state)
{
	struct sheaf_plan *p = plan_with(NULL);
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;

	(void)state;
	add(p, "a", "DELETE", NULL, 0);
	o.id = "a";
	o.status = 200;
	o.partial = true;
	assert_int_equal(sheaf_plan_take(p, &o), SHEAF_OK);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(kind(p, 0), SHEAF_STEP_LOOK);
	sheaf_plan_free(p);
}

static void
an_operation_that_cannot_be_told_apart_is_refused(void **state)
{
	static const char *const unknown[] = { "z" };
	struct sheaf_plan_options most = SHEAF_PLAN_OPTIONS_INIT;
	struct sheaf_operation o = SHEAF_OPERATION_INIT;
	struct sheaf_plan *p;

	(void)state;
	most.max_operations = 2;
	p = plan_with(&most);
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_INVALID);
	o.id = "a";
	o.data = &o;
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_OK);
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_INVALID);
	o.id = "b";
	o.depends_on = unknown;
	o.n_depends_on = 1;
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_INVALID);
	o.n_depends_on = 0;
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_OK);
	o.id = "c";
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_TOO_LARGE);
	o.size = 1;
	assert_int_equal(sheaf_plan_add(p, &o), SHEAF_INVALID);
	assert_ptr_equal(sheaf_plan_step(p, 0)->data, &o);
	assert_string_equal(sheaf_plan_step(p, 1)->id, "b");
	sheaf_plan_free(p);
	sheaf_plan_free(NULL);
}

static void
an_item_of_somebody_else_is_passed_over_in_a_stream(void **state)
{
	struct sheaf_plan *p = plan_with(NULL);
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;

	(void)state;
	add(p, "a", "PUT", NULL, 0);
	o.id = "other";
	o.status = 200;
	assert_int_equal(sheaf_plan_item(p, &o), 0);
	o.id = "a";
	assert_int_equal(sheaf_plan_item(p, &o), 0);
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_OK);
	sheaf_plan_free(p);
}

static void
a_hundred_thousand_operations_in_one_chain(void **state)
{
	struct sheaf_plan *p = plan_with(NULL);
	char id[32], before[32];
	const char *const deps[] = { before };
	const size_t n = 100000;
	size_t i;

	(void)state;
	for (i = 0; i < n; i++) {
		(void)snprintf(id, sizeof(id), "op%zu", i);
		add(p, id, "PUT", deps, i > 0);
		memcpy(before, id, sizeof(id));
		take(p, id, i ? 424 : 503);
	}
	assert_int_equal(sheaf_plan_decide(p, NOW), SHEAF_PARTIAL);
	assert_int_equal(sheaf_plan_to_send(p, NULL), 1);
	assert_int_equal(kind(p, n - 1), SHEAF_STEP_WAIT);
	assert_int_equal(sheaf_plan_step(p, n - 1)->cause, n - 2);
	sheaf_plan_free(p);
}

static enum sheaf_result
whole_plan(void)
{
	static const char *const on_a[] = { "a" };
	struct sheaf_operation o = SHEAF_OPERATION_INIT;
	struct sheaf_outcome got = SHEAF_OUTCOME_INIT;
	struct sheaf_plan *p;
	enum sheaf_result rc = sheaf_plan_new(NULL, &p);

	if (rc)
		return rc;
	o.id = "a";
	o.href = "/x/y";
	rc = sheaf_plan_add(p, &o);
	o.id = "b";
	o.depends_on = on_a;
	o.n_depends_on = 1;
	if (!rc)
		rc = sheaf_plan_add(p, &o);
	got.href = "/x/y";
	got.status = 503;
	if (!rc)
		rc = sheaf_plan_take(p, &got);
	sheaf_plan_free(p);
	return rc;
}

static void
a_plan_without_memory_says_so(void **state)
{
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		enum sheaf_result rc;

		alloc_fail_at(n);
		rc = whole_plan();
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, SHEAF_OK);
			break;
		}
		assert_int_equal(rc, SHEAF_NOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_status_has_its_step),
		cmocka_unit_test(a_key_makes_any_method_safe_to_repeat),
		cmocka_unit_test(what_is_not_mentioned_is_unknown),
		cmocka_unit_test(what_failed_with_its_cause_follows_it),
		cmocka_unit_test(what_a_server_names_as_the_cause_counts),
		cmocka_unit_test(a_ring_of_causes_ends),
		cmocka_unit_test(the_wait_is_what_the_server_says_or_longer),
		cmocka_unit_test(nothing_is_sent_for_ever),
		cmocka_unit_test(locks_are_waited_for_where_that_is_wanted),
		cmocka_unit_test(an_operation_is_known_by_its_href),
		cmocka_unit_test(
		    a_member_that_failed_makes_its_operation_partial),
		cmocka_unit_test(what_was_done_in_part_is_not_done),
		cmocka_unit_test(
		    an_operation_that_cannot_be_told_apart_is_refused),
		cmocka_unit_test(
		    an_item_of_somebody_else_is_passed_over_in_a_stream),
		cmocka_unit_test(a_hundred_thousand_operations_in_one_chain),
		cmocka_unit_test(a_plan_without_memory_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
