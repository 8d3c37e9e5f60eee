/* SPDX-License-Identifier: MIT */
/* Lines of the journal that have no transaction: none is lost, none twice. */
#include "store/state_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/state_impl.h"

#define MANY 5000 /* more than there are slots */
#define SLOT 256 /* bytes */

static enum err_code
late_line(struct state_world *w, struct rpath path, bool wait, struct err *err)
{
	const struct change c = {
		.kind = CHANGE_WRITE,
		.path = path,
		.late = true,
	};
	uint64_t intent = 1;
	enum err_code rc = state_change_begin(w->state, &c, wait, &intent, err);

	if (!rc)
		assert_int_equal(intent, 0);
	return rc;
}

static int64_t
lines(struct state_world *w)
{
	return raw_int(w, "SELECT count(*) FROM journal");
}

/* The path of line n of the journal, the number it is, or 0. */
static int64_t
nth(struct state_world *w, int n)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT ifnull((SELECT CAST(substr(CAST(path AS TEXT), 2) AS"
	    " INTEGER) FROM journal WHERE seq = %d), 0)",
	    n);
	return raw_int(w, sql);
}

static void
write_late(struct state_world *w, int number)
{
	char path[20];

	(void)snprintf(path, sizeof(path), "/%d", number);
	assert_ok(late_line(w, at(path), w->strict, err));
}

static void
a_line_is_there_after_a_crash(void **state)
{
	struct state_world *w = *state;

	write_late(w, 1);
	write_late(w, 2);
	assert_int_equal(lines(w), 0);
	state_world_crash(w);
	assert_int_equal(lines(w), 2);
	assert_int_equal(nth(w, 1), 1);
	assert_int_equal(nth(w, 2), 2);
	state_world_crash(w);
	assert_int_equal(lines(w), 2);
}

static void
a_line_comes_before_those_of_later_transactions(void **state)
{
	struct state_world *w = *state;

	write_late(w, 1);
	assert_ok(write_line(w->state, "/2", err));
	write_late(w, 3);
	assert_ok(write_line(w->state, "/4", err));
	write_late(w, 5);
	assert_int_equal(lines(w), 4);
	state_world_crash(w);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(nth(w, i), i);
	assert_int_equal(lines(w), 5);
}

static void
who_asks_for_the_last_number_gets_that_of_the_last_line(void **state)
{
	struct state_world *w = *state;
	uint64_t n = 0;

	write_late(w, 1);
	write_late(w, 2);
	assert_ok(state_journal_last(w->state, &n, err));
	assert_int_equal(n, 2);
	write_late(w, 3);
	state_world_close(w);
	state_world_open(w);
	assert_int_equal(lines(w), 3);
}

static void
there_may_be_more_lines_than_slots(void **state)
{
	struct state_world *w = *state;
	int i;

	for (i = 1; i <= MANY; i++)
		write_late(w, i);
	state_world_crash(w);
	assert_int_equal(lines(w), MANY);
	for (i = 1; i <= MANY; i += 7)
		assert_int_equal(nth(w, i), i);
	for (i = MANY + 1; i <= MANY + 3; i++)
		write_late(w, i);
	state_world_crash(w);
	assert_int_equal(lines(w), MANY + 3);
	assert_int_equal(nth(w, MANY + 3), MANY + 3);
}

#define MOST 40 /* lines of one call */

static void
many_lines_at_once_are_in_their_order(void **state)
{
	struct state_world *w = *state;
	int size, n = 0;

	while (n < MANY) {
		for (size = 1; size <= MOST; size++) {
			struct change c[MOST];
			const struct change *all[MOST];
			uint64_t intents[MOST];
			char paths[MOST][20];
			int i;

			for (i = 0; i < size; i++) {
				(void)snprintf(paths[i], 20, "/%d", ++n);
				c[i] = (struct change){
					.kind = CHANGE_WRITE,
					.path = at(paths[i]),
					.late = true,
				};
				all[i] = &c[i];
			}
			assert_ok(state_changes_begin(
			    w->state, all, (size_t)size, false, intents, err));
		}
	}
	state_world_crash(w);
	assert_int_equal(lines(w), n);
	for (size = 1; size <= n; size += 7)
		assert_int_equal(nth(w, size), size);
}

static void
what_is_too_long_among_many_keeps_its_place(void **state)
{
	struct state_world *w = *state;
	char path[400];
	struct change c[] = {
		{ .kind = CHANGE_WRITE, .path = at("/1"), .late = true },
		{ .kind = CHANGE_WRITE, .path = at("/2"), .late = true },
		{ .kind = CHANGE_WRITE, .late = true },
		{ .kind = CHANGE_WRITE, .path = at("/4"), .late = true },
	};
	const struct change *const all[] = { &c[0], &c[1], &c[2], &c[3] };
	uint64_t intents[ARRAY_LEN(c)];

	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[1] = '3';
	path[sizeof(path) - 1] = '\0';
	c[2].path = at(path);
	assert_ok(state_changes_begin(
	    w->state, all, ARRAY_LEN(c), false, intents, err));
	state_world_crash(w);
	assert_int_equal(lines(w), 4);
	assert_int_equal(nth(w, 2), 2);
	assert_int_equal(nth(w, 3), 3);
	assert_int_equal(nth(w, 4), 4);
}

static void
what_is_too_long_for_a_slot_goes_by_itself(void **state)
{
	struct state_world *w = *state;
	char path[400];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	path[0] = '/';
	assert_ok(late_line(w, at(path), true, err));
	assert_int_equal(lines(w), 1);
	path[220] = '\0';
	assert_ok(late_line(w, at(path), true, err));
	assert_int_equal(lines(w), 1);
	state_world_crash(w);
	assert_int_equal(lines(w), 2);
}

/* Else a start would take it for one that was cut off. */
static void
an_intent_that_is_over_goes_first(void **state)
{
	struct state_world *w = *state;
	const struct change c = {
		.kind = CHANGE_WRITE,
		.path = at("/a"),
		.made = id(1),
		.props_of = id(0),
	};
	uint64_t intent;

	set_prop(w, 0, "v");
	assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	assert_true(intent);
	state_change_end(w->state, intent, true);
	assert_int_equal(raw_int(w, "SELECT count(*) FROM intents"), 1);
	write_late(w, 3);
	assert_int_equal(raw_int(w, "SELECT count(*) FROM intents"), 0);
	assert_int_equal(nth(w, 3), 3);
	write_late(w, 4);
	assert_int_equal(lines(w), 3);
}

static void
what_has_more_to_do_has_its_transaction(void **state)
{
	struct state_world *w = *state;
	const struct change c = {
		.kind = CHANGE_REMOVE,
		.path = at("/a"),
		.gone = id(0),
		.late = true,
	};
	uint64_t intent;

	set_prop(w, 0, "v");
	assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	assert_true(intent);
	assert_int_equal(lines(w), 2);
	state_change_end(w->state, intent, true);
	check_prop(w, 0, "");
}

/* As a power cut may leave one that nobody waited for. */
static void
a_damaged_line_is_passed_over(void **state)
{
	struct state_world *w = *state;
	char file[400];
	int i;
	int fd CLEANUP(fd_close) = -1;

	for (i = 1; i <= 4; i++)
		write_late(w, i);
	(void)snprintf(file, sizeof(file), "%s/state.late", w->dir);
	fd = open(file, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "?", 1, 2 * SLOT + 33), 1);
	state_world_crash(w);
	assert_int_equal(lines(w), 3);
	assert_int_equal(nth(w, 1), 1);
	assert_int_equal(nth(w, 2), 3);
	assert_int_equal(nth(w, 3), 4);
}

static void
any_bytes_at_all_are_no_lines(void **state)
{
	struct state_world *w = *state;
	char file[400], bytes[4096];
	int i;
	int fd CLEANUP(fd_close) = -1;

	memset(bytes, 0xff, sizeof(bytes));
	(void)snprintf(file, sizeof(file), "%s/state.late", w->dir);
	fd = open(file, O_RDWR);
	assert_true(fd >= 0);
	for (i = 0; i < 128; i++)
		assert_int_equal(
		    write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	state_world_crash(w);
	assert_int_equal(lines(w), 0);
	write_late(w, 1);
	state_world_crash(w);
	assert_int_equal(lines(w), 1);
}

/* Who looks into the state beside us moves what there is. */
static void
what_another_has_moved_stays_so_if_a_transaction_fails(void **state)
{
	struct state_world *w = *state;
	const struct lock none = { .root = at("/"), .token = STR("t") };
	struct state *other;
	uint64_t number;

	write_late(w, 1);
	write_late(w, 2);
	assert_ok(
	    state_look((struct rpath){ str_from_c(w->dir) }, &other, err));
	state_close(other);
	assert_int_equal(lines(w), 2);
	assert_int_equal(
	    state_lock_refresh(w->state, &none, &number, NULL), ERR_LOCK_TOKEN);
	assert_ok(write_line(w->state, "/3", err));
	assert_int_equal(lines(w), 3);
	write_late(w, 4);
	state_world_crash(w);
	assert_int_equal(lines(w), 4);
	assert_int_equal(nth(w, 3), 3);
}

/* With syncs that were found to take so many microseconds. */
static bool
a_lock_is_quick(struct state_world *w, int64_t takes, bool alone)
{
	atomic_store(
	    &w->state->late.sync.usual, takes * NSEC_PER_SEC / 1000000);
	return state_lock_is_quick(w->state, at("/f"), false, alone);
}

static void
who_is_alone_waits_himself_for_a_sync_that_takes_no_millisecond(void **state)
{
	struct state_world *w = *state;

	assert_ok(late_line(w, at("/a"), true, err));
	assert_true(a_lock_is_quick(w, 400, true));
	assert_false(a_lock_is_quick(w, 400, false));
	assert_false(a_lock_is_quick(w, 1000, true));
}

int
main(void)
{
#define BOTH(test) STATE_TEST(test), STRICT_TEST(test)
	static const struct CMUnitTest tests[] = {
		BOTH(a_line_is_there_after_a_crash),
		BOTH(a_line_comes_before_those_of_later_transactions),
		BOTH(who_asks_for_the_last_number_gets_that_of_the_last_line),
		BOTH(there_may_be_more_lines_than_slots),
		BOTH(many_lines_at_once_are_in_their_order),
		BOTH(what_is_too_long_among_many_keeps_its_place),
		BOTH(what_is_too_long_for_a_slot_goes_by_itself),
		BOTH(an_intent_that_is_over_goes_first),
		BOTH(what_has_more_to_do_has_its_transaction),
		BOTH(a_damaged_line_is_passed_over),
		BOTH(any_bytes_at_all_are_no_lines),
		BOTH(what_another_has_moved_stays_so_if_a_transaction_fails),
		STRICT_TEST(
		    who_is_alone_waits_himself_for_a_sync_that_takes_no_millisecond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
