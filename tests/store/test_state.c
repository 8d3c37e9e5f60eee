/* SPDX-License-Identifier: MIT */
/* The state beside the files: its journal, its intents, its schema. */
#include "store/state_world.h"

#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static uint64_t
last(struct state_world *w)
{
	uint64_t n = 0;

	assert_ok(state_journal_last(w->state, &n, err));
	return n;
}

/* ---- the journal */

static void
numbers_rise_and_go_on_after_a_new_start(void **state)
{
	struct state_world *w = *state;

	assert_int_equal(last(w), 0);
	assert_ok(write_line(w->state, "/a", err));
	assert_int_equal(last(w), 1);
	assert_ok(write_line(w->state, "/b", err));
	set_prop(w, 0, "v");
	assert_int_equal(last(w), 3);
	state_world_close(w);
	state_world_open(w);
	assert_int_equal(last(w), 3);
	state_world_crash(w);
	assert_ok(write_line(w->state, "/c", err));
	assert_int_equal(last(w), 4);
}

static void
a_line_says_what_changed_and_where(void **state)
{
	struct state_world *w = *state;
	const struct change move = {
		.kind = CHANGE_MOVE,
		.path = at("/from"),
		.to = at("/to\xff"),
	};
	const struct change copies = {
		.kind = CHANGE_PROPS,
		.path = at("/c"),
		.props_of = id(0),
		.made = id(1),
	};
	uint64_t intent = 1;

	assert_ok(state_change_begin(w->state, &move, false, &intent, err));
	state_change_end(w->state, intent, true);
	assert_ok(write_line(w->state, "/a", err));
	assert_ok(state_copy(w->state, &copies, true, &intent, err));
	assert_int_equal(raw_int(w,
			     "SELECT count(*) FROM journal WHERE"
			     " (seq, kind, path, other) IS"
			     " (1, 4, CAST('/from' AS BLOB), x'2f746fff') OR"
			     " (seq, kind, path, other) IS"
			     " (2, 1, CAST('/a' AS BLOB), NULL) OR"
			     " (seq, kind, path, other) IS"
			     " (3, 5, CAST('/c' AS BLOB), NULL)"),
	    3);
}

static void
a_line_is_there_before_the_change_goes_on(void **state)
{
	struct state_world *w = *state;
	const struct change c = { .kind = CHANGE_MKCOL, .path = at("/d") };
	uint64_t intent;

	assert_int_equal(raw_int(w, "SELECT count(*) FROM journal"), 0);
	assert_ok(state_change_begin(w->state, &c, false, &intent, err));
	assert_int_equal(raw_int(w, "SELECT count(*) FROM journal"), 1);
}

/* ---- intents */

static bool
has_lock(struct state_world *w, const char *token)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM locks WHERE token = CAST('%s' AS BLOB)",
	    token);
	return raw_int(w, sql) == 1;
}

static const char *
locks_left(struct state_world *w)
{
	static const char *const all[] = { "/", "/a", "/a/b", "/a/b/c", "/a0",
		"/a-", "/t", "/t/u" };
	static char text[100];
	size_t i, n = 0;

	text[0] = '\0';
	for (i = 0; i < ARRAY_LEN(all); i++)
		if (has_lock(w, all[i]))
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%s", n ? " " : "", all[i]);
	return text;
}

/* Those of locks_left(), with their path for a token. */
static void
add_locks(struct state_world *w)
{
	raw_exec(w,
	    "INSERT INTO locks SELECT value, value, 0, 0, x'', x'', 1 FROM ("
	    " SELECT CAST(value AS BLOB) AS value FROM json_each("
	    " '[\"/\", \"/a\", \"/a/b\", \"/a/b/c\", \"/a0\", \"/a-\","
	    " \"/t\", \"/t/u\"]'))");
	state_world_close(w);
	state_world_open(w);
}

#define ALL "/ /a /a/b /a/b/c /a0 /a- /t /t/u"

/* Ids 0 and 1 have properties, "zero" and "one". */
static const struct effect {
	const char *what;
	struct change c;
	unsigned made, gone, props_of; /* ids; 9: none */
	const char *token;
	/* Properties of ids 0, 1, 2, and locks. */
	const char *begun[3], *done[3], *undone[3];
	const char *locks_done, *locks_undone;
} effects[] = {
	{ "a new file", { .kind = CHANGE_WRITE }, 2, 9, 9, "",
	    { "zero", "one", "" }, { "zero", "one", "" }, { "zero", "one", "" },
	    ALL, ALL },
	{ "a file over another", { .kind = CHANGE_WRITE }, 2, 0, 0, "",
	    { "zero", "one", "zero" }, { "", "one", "zero" },
	    { "zero", "one", "" }, ALL, ALL },
	{ "a copy over another", { .kind = CHANGE_WRITE }, 2, 1, 0, "",
	    { "zero", "one", "zero" }, { "zero", "", "zero" },
	    { "zero", "one", "" }, ALL, ALL },
	{ "a file that a LOCK makes", { .kind = CHANGE_WRITE }, 2, 9, 9, "/a",
	    { "zero", "one", "" }, { "zero", "one", "" }, { "zero", "one", "" },
	    ALL, "/ /a/b /a/b/c /a0 /a- /t /t/u" },
	{ "a removal", { .kind = CHANGE_REMOVE, .drops_locks = true }, 9, 0, 9,
	    "", { "zero", "one", "" }, { "", "one", "" }, { "zero", "one", "" },
	    "/ /a0 /a- /t /t/u", ALL },
	{ "a removal that keeps locks", { .kind = CHANGE_REMOVE }, 9, 0, 9, "",
	    { "zero", "one", "" }, { "", "one", "" }, { "zero", "one", "" },
	    ALL, ALL },
	{ "a move over another", { .kind = CHANGE_MOVE, .drops_locks = true },
	    0, 1, 9, "", { "zero", "one", "" }, { "zero", "", "" },
	    { "zero", "one", "" }, "/ /a0 /a- /t", ALL },
};

static enum err_code
begin(struct state_world *w, const struct effect *e, uint64_t *intent)
{
	struct change c = e->c;

	c.path = at("/a");
	if (c.kind == CHANGE_MOVE)
		c.to = at("/t");
	c.made = e->made < 9 ? id(e->made) : NULL;
	c.gone = e->gone < 9 ? id(e->gone) : NULL;
	c.props_of = e->props_of < 9 ? id(e->props_of) : NULL;
	c.lock_token = str_from_c(e->token);
	return state_change_begin(w->state, &c, true, intent, NULL);
}

static void
check_props(struct state_world *w, const char *const want[3])
{
	unsigned i;

	for (i = 0; i < 3; i++)
		check_prop(w, i, want[i]);
}

static void
start_over(struct state_world *w)
{
	raw_exec(w, "DELETE FROM props; DELETE FROM locks");
	set_prop(w, 0, "zero");
	set_prop(w, 1, "one");
	add_locks(w);
	assert_string_equal(locks_left(w), ALL);
}

static void
a_change_that_is_over_leaves_what_it_should(void **state)
{
	struct state_world *w = *state;
	size_t i;

	for (i = 0; i < 2 * ARRAY_LEN(effects); i++) {
		const struct effect *e = &effects[i / 2];
		bool in_place = i % 2;
		uint64_t intent = 0;

		print_message("%s, in place: %d\n", e->what, in_place);
		start_over(w);
		assert_int_equal(begin(w, e, &intent), ERR_OK);
		check_props(w, e->begun);
		assert_string_equal(locks_left(w), ALL);
		state_change_end(w->state, intent, in_place);
		check_props(w, in_place ? e->done : e->undone);
		assert_string_equal(
		    locks_left(w), in_place ? e->locks_done : e->locks_undone);
		assert_true(state_may_have_locks(w->state));
		/* The next transaction takes the intent with it. */
		assert_ok(write_line(w->state, "/n", err));
		assert_int_equal(raw_int(w, "SELECT count(*) FROM intents"), 0);
	}
}

struct recovery {
	const struct effect *e;
	bool in_place;
	unsigned asked;
};

static bool
same_id(const struct resource_id *a, unsigned n)
{
	return n == 9 ? !a : a && !memcmp(a, id(n), sizeof(*a));
}

static enum err_code
look(void *arg, const struct change *c, bool *in_place, struct err *err)
{
	struct recovery *r = arg;
	const struct effect *e = r->e;

	(void)err;
	r->asked++;
	assert_int_equal(c->kind, e->c.kind);
	assert_int_equal(c->drops_locks, e->c.drops_locks);
	assert_str_equal(c->path.s, STR("/a"));
	assert_str_equal(c->to.s, c->kind == CHANGE_MOVE ? STR("/t") : STR(""));
	assert_true(same_id(c->made, e->made));
	assert_true(same_id(c->gone, e->gone));
	assert_true(same_id(c->props_of, e->props_of));
	assert_str_equal(c->lock_token, str_from_c(e->token));
	*in_place = r->in_place;
	return ERR_OK;
}

static void
a_change_that_a_crash_cut_short_is_finished_or_taken_back(void **state)
{
	struct state_world *w = *state;
	size_t i;

	for (i = 0; i < 2 * ARRAY_LEN(effects); i++) {
		struct recovery r = { &effects[i / 2], i % 2, 0 };
		uint64_t intent = 0;

		print_message("%s, in place: %d\n", r.e->what, r.in_place);
		start_over(w);
		assert_int_equal(begin(w, r.e, &intent), ERR_OK);
		state_world_crash(w);
		assert_ok(state_recover(w->state, look, &r, err));
		assert_int_equal(r.asked, intent ? 1 : 0);
		check_props(w, r.in_place ? r.e->done : r.e->undone);
		assert_string_equal(locks_left(w),
		    r.in_place ? r.e->locks_done : r.e->locks_undone);
		state_world_crash(w);
		r.asked = 0;
		assert_ok(state_recover(w->state, look, &r, err));
		assert_int_equal(r.asked, 0);
	}
}

struct refusal {
	unsigned left; /* so many are seen before */
	enum err_code code;
};

static enum err_code
refuse(void *arg, const struct change *c, bool *in_place, struct err *err)
{
	struct refusal *r = arg;

	(void)c;
	*in_place = true;
	if (!r->left)
		return err_set(err, r->code, "cannot look");
	r->left--;
	return ERR_OK;
}

static void
a_recovery_leaves_what_it_cannot_see_to_the_next(void **state)
{
	struct state_world *w = *state;
	const struct change c = {
		.kind = CHANGE_REMOVE, .path = at("/a"), .gone = id(0)
	};
	struct refusal r = { 1, ERR_NOMEM };
	uint64_t intent;
	unsigned i;

	set_prop(w, 0, "v");
	for (i = 0; i < 4; i++)
		assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	state_world_crash(w);
	assert_fails(state_recover(w->state, refuse, &r, err), ERR_NOMEM);
	r = (struct refusal){ 1, ERR_IO };
	assert_ok(state_recover(w->state, refuse, &r, err));
	assert_int_equal(r.left, 0);
	r = (struct refusal){ 9, ERR_IO };
	assert_ok(state_recover(w->state, refuse, &r, err));
	assert_int_equal(r.left, 7);
}

static void
a_change_with_nothing_left_to_do_writes_no_intent(void **state)
{
	struct state_world *w = *state;
	const struct change c = {
		.kind = CHANGE_REMOVE,
		.path = at("/a"),
		.gone = id(0),
		.drops_locks = true,
	};
	const struct change copy = {
		.kind = CHANGE_WRITE,
		.path = at("/a"),
		.made = id(1),
		.props_of = id(0),
	};
	uint64_t intent = 1;

	assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	assert_int_equal(intent, 0);
	add_lock(w, "/b", "elsewhere");
	intent = 1;
	assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	assert_int_equal(intent, 0);
	intent = 1;
	assert_ok(state_change_begin(w->state, &copy, true, &intent, err));
	assert_int_equal(intent, 0);
	assert_int_equal(raw_int(w, "SELECT count(*) FROM intents"), 0);
}

static void
the_last_lock_that_goes_is_the_last(void **state)
{
	struct state_world *w = *state;
	const struct change c = {
		.kind = CHANGE_REMOVE, .path = at("/a"), .drops_locks = true
	};
	uint64_t intent = 0;

	assert_false(state_may_have_locks(w->state));
	add_lock(w, "/a", "t");
	assert_true(state_may_have_locks(w->state));
	assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	assert_true(state_may_have_locks(w->state));
	state_change_end(w->state, intent, true);
	assert_false(state_may_have_locks(w->state));
}

/* More than are remembered: the rest has a transaction of its own. */
static void
many_changes_may_be_over_before_the_next_begins(void **state)
{
	struct state_world *w = *state;
	const struct change c = { .kind = CHANGE_WRITE,
		.path = at("/a"),
		.made = id(1),
		.props_of = id(0) };
	uint64_t intents[300];
	size_t i;

	set_prop(w, 0, "v");
	for (i = 0; i < ARRAY_LEN(intents); i++)
		assert_ok(
		    state_change_begin(w->state, &c, false, &intents[i], err));
	for (i = 0; i < ARRAY_LEN(intents); i++)
		state_change_end(w->state, intents[i], true);
	state_world_close(w);
	assert_int_equal(raw_int(w, "SELECT count(*) FROM intents"), 0);
	state_world_open(w);
}

/* ---- records */

static struct record
record(const char *key)
{
	return (struct record){
		.key = str_from_c(key),
		.print = STR("print"),
		.expires = clock_now() + 3600 * NSEC_PER_SEC,
	};
}

static bool
is_known(struct state_world *w, const char *key)
{
	struct arena a = { 0 };
	struct recalled r;
	bool found = false;

	assert_ok(state_recall(w->state, str_from_c(key), &a, &r, &found, err));
	arena_done(&a);
	return found;
}

static void
a_record_of_a_batch_that_did_not_end_is_forgotten(void **state)
{
	struct state_world *w = *state;
	const struct record r[] = { record("ended"), record("not") };
	uint64_t waits[2];
	struct settled done = { .records = waits, .n_records = 1 };

	assert_ok(state_remember(w->state, &r[0], STR("1"), &waits[0], err));
	assert_ok(state_remember(w->state, &r[1], STR("2"), &waits[1], err));
	assert_true(is_known(w, "ended") && is_known(w, "not"));
	assert_ok(state_settle(w->state, &done, err));
	state_world_crash(w);
	assert_true(is_known(w, "ended"));
	assert_false(is_known(w, "not"));
}

static void
a_record_that_is_over_goes_with_the_next_tidying(void **state)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct state_world *w = *state;
	struct record r = record("over");
	int i;

	assert_ok(state_remember(w->state, &r, STR("1"), NULL, err));
	r.key = STR("goes");
	r.expires = clock_now() - 1;
	assert_ok(state_remember(w->state, &r, STR("2"), NULL, err));
	for (i = 0; i < 1000; i++) /* so many pages of log */
		assert_ok(write_line(w->state, "/a", err));
	for (i = 0; i < 10000 && raw_int(w, "SELECT count(*) FROM records") > 1;
	     i++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(raw_int(w, "SELECT count(*) FROM records"), 1);
	assert_true(is_known(w, "over"));
}

/* ---- the schema */

static void
a_file_of_version_1_keeps_its_properties(void **state)
{
	struct state_world *w = *state;
	struct state_world old = { .base = w->base };

	(void)snprintf(old.dir, sizeof(old.dir), "%s", w->base.path);
	raw_exec(&old,
	    "PRAGMA journal_mode = WAL;"
	    "CREATE TABLE props ("
	    " id BLOB NOT NULL,"
	    " ns BLOB NOT NULL,"
	    " local BLOB NOT NULL,"
	    " form INTEGER NOT NULL,"
	    " value BLOB NOT NULL,"
	    " PRIMARY KEY (id, ns, local)) WITHOUT ROWID;"
	    "PRAGMA user_version = 1;"
	    "INSERT INTO props VALUES (x'01010101010101010101010101010101',"
	    " CAST('urn:t' AS BLOB), CAST('p' AS BLOB), 0,"
	    " CAST('kept' AS BLOB))");
	state_world_open(&old);
	check_prop(&old, 0, "kept");
	assert_ok(write_line(old.state, "/a", err));
	assert_int_equal(last(&old), 1);
	assert_int_equal(raw_int(&old, "PRAGMA user_version"), 8);
	state_world_close(&old);
	state_world_open(&old);
	check_prop(&old, 0, "kept");
	state_world_close(&old);
}

static void
a_file_of_a_newer_version_is_refused(void **state)
{
	struct state_world *w = *state;

	raw_exec(w, "PRAGMA user_version = 9");
	state_world_close(w);
	assert_fails(state_world_try(w, err), ERR_OS);
	raw_exec(w, "PRAGMA user_version = 8");
	state_world_open(w);
}

static void
one_process_at_a_time_has_it_open(void **state)
{
	struct state_world *w = *state;
	struct state_world second = *w;

	assert_fails(state_world_try(&second, err), ERR_IN_USE);
	assert_ok(write_line(w->state, "/a", err));
}

/* ---- who has properties */

static void
a_start_does_not_wait_to_know_all_that_have_properties(void **state)
{
	struct state_world *w = *state;
	unsigned i;

	for (i = 0; i < 3; i++)
		set_prop(w, i, "v");
	state_world_close(w);
	raw_exec(w,
	    "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 20000) INSERT INTO props SELECT"
	    " CAST(printf('%016d', i) AS BLOB), x'', x'70', 0, x'' FROM n");
	state_world_open(w);
	for (i = 0; i < 3; i++)
		check_prop(w, i, "v");
	/* Whoever is not known yet may have some; then it is seen who has. */
	while (state_may_have_props(w->state, id(3)))
		(void)sched_yield();
	for (i = 0; i < 3; i++)
		check_prop(w, i, "v");
	set_prop(w, 3, "v");
	check_prop(w, 3, "v");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		STATE_TEST(numbers_rise_and_go_on_after_a_new_start),
		STATE_TEST(a_line_says_what_changed_and_where),
		STATE_TEST(a_line_is_there_before_the_change_goes_on),
		STATE_TEST(a_change_that_is_over_leaves_what_it_should),
		STATE_TEST(
		    a_change_that_a_crash_cut_short_is_finished_or_taken_back),
		STATE_TEST(a_recovery_leaves_what_it_cannot_see_to_the_next),
		STATE_TEST(a_change_with_nothing_left_to_do_writes_no_intent),
		STATE_TEST(the_last_lock_that_goes_is_the_last),
		STATE_TEST(many_changes_may_be_over_before_the_next_begins),
		STATE_TEST(a_record_of_a_batch_that_did_not_end_is_forgotten),
		STATE_TEST(a_record_that_is_over_goes_with_the_next_tidying),
		STATE_TEST(a_file_of_version_1_keeps_its_properties),
		STATE_TEST(a_file_of_a_newer_version_is_refused),
		STATE_TEST(one_process_at_a_time_has_it_open),
		STATE_TEST(
		    a_start_does_not_wait_to_know_all_that_have_properties),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
