/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/fault_sink.h"
#include "lib/test.h"

#include "outcome/collector.h"
#include "outcome/failure_log.h"
#include "outcome/tally.h"
#include "outcome/tee.h"

static const struct outcome good = { .path = { STR_INIT("/a") },
	.status = 200 };
static const struct outcome bad = { .path = { STR_INIT("/b") }, .status = 423 };

static void
the_first_failure_of_a_sink_sticks(void **state)
{
	struct fault_sink f;
	struct sink *s = fault_sink_init(&f, 2, false, ERR_CLIENT_GONE);

	(void)state;
	assert_int_equal(sink_put(s, &good), ERR_OK);
	assert_int_equal(sink_put(s, &good), ERR_CLIENT_GONE);
	assert_int_equal(sink_put(s, &good), ERR_CLIENT_GONE);
	assert_int_equal(sink_end(s), ERR_CLIENT_GONE);
	assert_int_equal(f.puts, 2);
	assert_int_equal(f.ends, 0);
}

static void
a_failed_end_is_reported(void **state)
{
	struct fault_sink f;
	struct sink *s = fault_sink_init(&f, 0, true, ERR_IO);

	(void)state;
	assert_int_equal(sink_put(s, &good), ERR_OK);
	assert_int_equal(sink_end(s), ERR_IO);
	assert_int_equal(f.ends, 1);
}

static void
a_collector_keeps_outcomes_in_order(void **state)
{
	struct arena a = { 0 };
	struct collector c;
	struct sink *s = collector_init(&c, &a);
	char path[3] = "/0";
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++) {
		path[1] = (char)('0' + i % 10);
		assert_int_equal(sink_put(s,
				     &(struct outcome){ .path = { { path, 2 } },
					 .status = 200 }),
		    ERR_OK);
	}
	assert_false(c.ended);
	assert_int_equal(sink_end(s), ERR_OK);
	assert_true(c.ended);
	assert_int_equal(c.n, 100);
	for (i = 0; i < 100; i++)
		assert_int_equal(
		    c.items[i].path.s.ptr[1], (char)('0' + i % 10));
	arena_done(&a);
}

static void
a_collector_keeps_the_locks_of_what_is_gone(void **state)
{
	char text[] = "owner urn:uuid:1 /a";
	struct prop_lock lock = { .owner = str_of(text, 5),
		.token = str_of(text + 6, 10),
		.root = { str_of(text + 17, 2) } };
	struct prop prop = { .name = { STR("DAV:"), STR("lockdiscovery") },
		.form = PROP_LOCKS,
		.locks = &lock,
		.n_locks = 1 };
	struct propstat ps = { .status = 200, .props = &prop, .n_props = 1 };
	struct outcome o = { .path = { STR("/a") },
		.status = 200,
		.propstats = &ps,
		.n_propstats = 1 };
	struct arena a = { 0 };
	const struct prop_lock *kept;
	struct collector c;

	(void)state;
	assert_int_equal(sink_put(collector_init(&c, &a), &o), ERR_OK);
	memset(text, 'x', sizeof(text) - 1);
	memset(&lock, 0, sizeof(lock));
	assert_int_equal(c.items[0].propstats[0].props[0].n_locks, 1);
	kept = c.items[0].propstats[0].props[0].locks;
	assert_str_equal(kept->owner, STR("owner"));
	assert_str_equal(kept->token, STR("urn:uuid:1"));
	assert_str_equal(kept->root.s, STR("/a"));
	arena_done(&a);
}

static void
a_tally_counts_what_passes(void **state)
{
	struct tally t;
	struct sink *s = tally_init(&t);

	(void)state;
	assert_int_equal(sink_put(s, &good), ERR_OK);
	assert_int_equal(sink_put(s, &bad), ERR_OK);
	assert_int_equal(sink_end(s), ERR_OK);
	assert_int_equal(t.sum.total, 2);
	assert_int_equal(t.sum.success, 1);
	assert_int_equal(t.sum.failed, 1);
	assert_int_equal(t.sum.retryable, 1);
}

static void
a_tee_of_none_accepts_everything(void **state)
{
	struct tee t;
	struct sink *s = tee_init(&t);

	(void)state;
	assert_int_equal(sink_put(s, &good), ERR_OK);
	assert_int_equal(sink_end(s), ERR_OK);
}

static void
what_a_branch_that_fails_means_is_its_rule(void **state)
{
	static const struct {
		const char *what;
		unsigned fail_put;
		bool fail_end;
		enum tee_rule rule;
		enum err_code put, end;
		unsigned puts, others, ends;
	} cases[] = {
		{ "none", 0, false, TEE_MUST, ERR_OK, ERR_OK, 2, 2, 1 },
		{ "must, put", 1, false, TEE_MUST, ERR_IO, ERR_IO, 1, 1, 0 },
		{ "may, put", 1, false, TEE_MAY, ERR_OK, ERR_OK, 1, 2, 1 },
		{ "must, end", 0, true, TEE_MUST, ERR_OK, ERR_IO, 2, 2, 1 },
		{ "may, end", 0, true, TEE_MAY, ERR_OK, ERR_OK, 2, 2, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault_sink fails, before, after;
		struct tee t;
		struct sink *s = tee_init(&t);

		tee_add(
		    &t, fault_sink_init(&before, 0, false, ERR_OK), TEE_MUST);
		tee_add(&t,
		    fault_sink_init(
			&fails, cases[i].fail_put, cases[i].fail_end, ERR_IO),
		    cases[i].rule);
		tee_add(
		    &t, fault_sink_init(&after, 0, false, ERR_OK), TEE_MUST);
		(void)sink_put(s, &good);
		assert_int_equal(sink_put(s, &bad), cases[i].put);
		assert_int_equal(sink_end(s), cases[i].end);
		assert_int_equal(fails.puts, cases[i].puts);
		assert_int_equal(before.puts, cases[i].others);
		assert_int_equal(after.puts, cases[i].others);
		assert_int_equal(before.ends, cases[i].ends);
		assert_int_equal(after.ends, cases[i].ends);
	}
}

static void
a_branch_for_failures_is_given_nothing_else(void **state)
{
	struct fault_sink all, failures;
	struct tee t;
	struct sink *s = tee_init(&t);

	(void)state;
	tee_add(&t, fault_sink_init(&all, 0, false, ERR_OK), TEE_MUST);
	tee_add(&t, fault_sink_init(&failures, 1, false, ERR_IO), TEE_FAILURES);
	assert_int_equal(sink_put(s, &good), ERR_OK);
	assert_int_equal(failures.puts, 0);
	assert_int_equal(sink_put(s, &bad), ERR_OK);
	assert_int_equal(failures.puts, 1);
	assert_int_equal(sink_end(s), ERR_OK);
	assert_int_equal(all.puts, 2);
	assert_int_equal(all.ends, 1);
}

static void
append_line(void *arg, struct str line)
{
	struct buf *b = arg;

	buf_put(b, line);
	buf_putc(b, '\n');
}

static void
a_line_is_written_for_each_failure_and_stays_a_line(void **state)
{
	static const struct told told[] = {
		{ .href = STR_INIT("http://h/%C3\n"), .id = STR_INIT("x") },
		{ .id = STR_INIT("op7") },
		{ .line = 3 },
	};
	struct buf lines = { 0 };
	struct failure_log f;
	size_t i;
	struct sink *s = failure_log_init(
	    &f, STR("DELETE"), (struct log_lines){ append_line, &lines });

	(void)state;
	assert_int_equal(sink_put(s, &good), ERR_OK);
	assert_int_equal(sink_put(s, &bad), ERR_OK);
	assert_int_equal(
	    sink_put(s,
		&(struct outcome){ .path = { STR("/x\n\x1b[31m \xff") },
		    .collection = true,
		    .status = 400,
		    .tell = STR("bad \\ name\r\n\xc3\xa9") }),
	    ERR_OK);
	for (i = 0; i < ARRAY_LEN(told); i++)
		assert_int_equal(
		    sink_put(s,
			&(struct outcome){ .status = 423, .told = &told[i] }),
		    ERR_OK);
	assert_int_equal(sink_end(s), ERR_OK);
	assert_str_equal(buf_str(&lines),
	    STR("DELETE /b: 423 Locked\n"
		"DELETE /x%0A%1B%5B31m%20%FF/: 400 "
		"bad \\x5c name\\x0d\\x0a\\xc3\\xa9\n"
		"DELETE http://h/%C3\\x0a: 423 Locked\n"
		"DELETE op7: 423 Locked\n"
		"DELETE (unnamed, line 3): 423 Locked\n"));
	failure_log_done(&f);
	buf_done(&lines);
}

/* Enough outcomes that the collector's array moves, and a long line. */
static enum err_code
collect_and_log(struct arena *a, struct collector *c)
{
	static const struct prop p = { .name = {
					   STR_INIT("DAV:"), STR_INIT("a") } };
	static const struct told told = { .href = STR_INIT("/x"),
		.error = STR_INIT("<error xmlns=\"DAV:\"/>") };
	static const struct propstat ps = {
		.status = 403, .why = ERR_PROTECTED, .props = &p, .n_props = 1
	};
	const struct outcome o = { { STR("/x") }, false, 403, ERR_PROTECTED,
		STR("why"), &ps, 1, { { 0 } }, &told };
	struct buf lines = { 0 };
	struct failure_log f;
	struct tee t;
	struct sink *s = tee_init(&t);
	enum err_code rc = ERR_OK;
	int i;

	tee_add(&t, collector_init(c, a), TEE_MUST);
	tee_add(&t,
	    failure_log_init(&f, STR("PROPPATCH"),
		(struct log_lines){ append_line, &lines }),
	    TEE_MUST);
	for (i = 0; i < 40 && !rc; i++)
		rc = sink_put(s, &o);
	if (!rc)
		rc = sink_end(s);
	if (!rc)
		rc = buf_failed(&lines);
	failure_log_done(&f);
	buf_done(&lines);
	return rc;
}

static void
running_out_of_memory_is_survived(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct arena a = { 0 };
		struct collector c;
		enum err_code rc;
		size_t i;

		alloc_fail_at(n);
		rc = collect_and_log(&a, &c);
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		for (i = 0; i < c.n; i++) /* what it has is whole */
			assert_str_equal(
			    c.items[i].propstats[0].props[0].name.local,
			    STR("a"));
		assert_true(fired || c.n == 40);
		arena_done(&a);
	}
	assert_true(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_failure_of_a_sink_sticks),
		cmocka_unit_test(a_failed_end_is_reported),
		cmocka_unit_test(a_collector_keeps_outcomes_in_order),
		cmocka_unit_test(a_collector_keeps_the_locks_of_what_is_gone),
		cmocka_unit_test(a_tally_counts_what_passes),
		cmocka_unit_test(a_tee_of_none_accepts_everything),
		cmocka_unit_test(what_a_branch_that_fails_means_is_its_rule),
		cmocka_unit_test(a_branch_for_failures_is_given_nothing_else),
		cmocka_unit_test(
		    a_line_is_written_for_each_failure_and_stays_a_line),
		cmocka_unit_test(running_out_of_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
