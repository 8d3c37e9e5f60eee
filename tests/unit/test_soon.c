/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/soon.h"

#define ENOUGH 4u

/* A connection, and the other end of it. */
struct bed {
	struct soon s;
	int ours, theirs;
};

static void
bed_init(struct bed *b)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	*b = (struct bed){ .ours = fds[0], .theirs = fds[1] };
	b->s.answered = clock_monotonic();
}

static void
bed_done(struct bed *b)
{
	assert_int_equal(close(b->ours), 0);
	assert_int_equal(close(b->theirs), 0);
}

static void
come(struct bed *b, unsigned n, int64_t after)
{
	while (n--)
		soon_came(&b->s, b->s.answered + after);
}

/* Whether it was looked for the next, which does not come. */
static bool
looks_in_vain(struct bed *b)
{
	int64_t began = clock_monotonic();
	unsigned were = b->s.in_a_row;

	soon_wait(&b->s, b->ours);
	assert_true(b->s.answered >= began);
	return b->s.in_a_row < were;
}

static void
only_who_came_soon_some_times_is_looked_for(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	assert_false(looks_in_vain(&b));
	come(&b, ENOUGH - 1, 1);
	assert_false(looks_in_vain(&b));
	come(&b, 1, 1);
	assert_true(looks_in_vain(&b));
	assert_false(looks_in_vain(&b));
	bed_done(&b);
}

static void
who_comes_late_begins_anew(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	come(&b, ENOUGH, 1);
	come(&b, 1, NSEC_PER_SEC);
	come(&b, ENOUGH - 1, 1);
	assert_false(looks_in_vain(&b));
	soon_pass(&b.s); /* others came between */
	soon_came(&b.s, clock_monotonic());
	assert_int_equal(b.s.in_a_row, 0);
	bed_done(&b);
}

static void
each_look_in_vain_makes_the_next_rarer(void **state)
{
	struct bed b;
	unsigned i, n, before = ENOUGH / 2;

	(void)state;
	bed_init(&b);
	for (i = 0; i < 12; i++) {
		for (n = 1; come(&b, 1, 1), !looks_in_vain(&b); n++)
			;
		assert_int_equal(n, i <= 8 ? 2 * before : before);
		before = n;
	}
	bed_done(&b);
}

static void
what_comes_is_found(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	come(&b, ENOUGH, 1);
	assert_true(looks_in_vain(&b));
	come(&b, 2 * ENOUGH, 1);
	assert_int_equal(write(b.theirs, "G", 1), 1);
	soon_wait(&b.s, b.ours);
	assert_int_equal(b.s.in_a_row, 2 * ENOUGH);
	assert_int_equal(b.s.vain, 0);
	bed_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_who_came_soon_some_times_is_looked_for),
		cmocka_unit_test(who_comes_late_begins_anew),
		cmocka_unit_test(each_look_in_vain_makes_the_next_rarer),
		cmocka_unit_test(what_comes_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
