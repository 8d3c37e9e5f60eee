/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/alloc_fail.h"
#include "server/conns.h"

#define MANY 16

/* A table, its connections by letters, and who was called. */
struct bed {
	struct conns *cs;
	struct conn *c[MANY];
	char called[MANY + 1];
	size_t n;
	uint64_t most;
};

static void
on_call(void *arg, struct conn *c)
{
	struct bed *b = arg;
	size_t i;

	for (i = 0; i < MANY && b->c[i] != c; i++)
		;
	assert_true(i < MANY && b->n < MANY);
	b->called[b->n++] = (char)('a' + i);
}

static uint64_t
most_now(void *arg, const struct host *h)
{
	struct bed *b = arg;

	(void)h;
	return b->most;
}

static struct sockaddr_in
address(unsigned i)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i) };
}

static struct conn *
add(struct conns *cs, unsigned from)
{
	struct sockaddr_in sa = address(from);

	return conns_add(cs, -1, (const struct sockaddr *)&sa);
}

/* So many connections of one address, of which all but the first are parked. */
static void
bed_init(struct bed *b, uint64_t most, size_t n, size_t active)
{
	size_t i;

	*b = (struct bed){ .most = most };
	assert_int_equal(conns_new(&b->cs, NULL), ERR_OK);
	conns_on_call(b->cs, on_call, b);
	for (i = 0; i < n; i++) {
		b->c[i] = add(b->cs, 0);
		assert_non_null(b->c[i]);
		if (i >= active)
			conns_park(b->cs, b->c[i], -1);
	}
}

static void
bed_done(struct bed *b)
{
	size_t i;

	conns_close_parked(b->cs);
	for (i = 0; i < MANY; i++)
		if (b->c[i] && !b->c[i]->parked)
			conns_remove(b->cs, b->c[i]);
	conns_free(b->cs);
}

static bool
go(struct bed *b, char c, struct sockaddr_un *ticket)
{
	bool goes = conns_go(b->cs, b->c[c - 'a'], b->most, ticket);

	if (goes)
		b->c[c - 'a'] = NULL;
	return goes;
}

static void
drop(struct bed *b, char c)
{
	conns_remove(b->cs, b->c[c - 'a']);
	b->c[c - 'a'] = NULL;
}

static void
come(struct bed *b, char c, const struct sockaddr_un *ticket)
{
	b->c[c - 'a'] = conns_add(b->cs, -1, (const struct sockaddr *)ticket);
	assert_non_null(b->c[c - 'a']);
	assert_true(b->c[c - 'a']->returned);
}

static void
assert_called(struct bed *b, const char *want)
{
	assert_string_equal(b->called, want);
	memset(b->called, 0, sizeof(b->called));
	b->n = 0;
}

static void
who_waits_is_called_in_turn_as_soon_as_a_place_is_free(void **state)
{
	struct sockaddr_un ticket;
	struct bed b;

	(void)state;
	bed_init(&b, 2, 6, 2); /* a and b are served */
	assert_false(go(&b, 'e', &ticket));
	assert_false(go(&b, 'c', &ticket));
	assert_false(go(&b, 'd', &ticket));
	assert_false(go(&b, 'c', &ticket)); /* has said more */
	assert_called(&b, "");
	drop(&b, 'a');
	assert_called(&b, "e");
	conns_park(b.cs, b.c[1], -1); /* or waits for its next request */
	assert_called(&b, "c");
	assert_true(go(&b, 'c', &ticket));
	come(&b, 'c', &ticket);
	assert_true(go(&b, 'e', &ticket));
	come(&b, 'e', &ticket);
	assert_called(&b, "");
	assert_false(go(&b, 'f', &ticket));
	assert_false(go(&b, 'b', &ticket));
	drop(&b, 'e');
	assert_called(&b, "d");
	bed_done(&b);
}

static void
a_new_one_gets_in_line_as_well(void **state)
{
	struct sockaddr_un ticket;
	struct bed b;

	(void)state;
	bed_init(&b, 2, 3, 2);
	assert_false(go(&b, 'c', &ticket));
	drop(&b, 'a');
	assert_called(&b, "c");
	/* c has not come yet, but its place is taken. */
	b.c[3] = add(b.cs, 0);
	assert_false(conns_has_place(b.cs, b.c[3], b.most));
	assert_true(conns_has_place(b.cs, b.c[3], 0));
	assert_true(go(&b, 'c', &ticket));
	assert_false(conns_has_place(b.cs, b.c[3], b.most));
	conns_park(b.cs, b.c[3], -1);
	come(&b, 'c', &ticket);
	assert_false(go(&b, 'd', &ticket));
	/* Other addresses have their own. */
	b.c[4] = add(b.cs, 1);
	assert_true(conns_has_place(b.cs, b.c[4], b.most));
	conns_park(b.cs, b.c[4], -1);
	assert_true(go(&b, 'e', &ticket));
	assert_called(&b, "");
	bed_done(&b);
}

static void
who_leaves_holds_nobody_up(void **state)
{
	struct sockaddr_un ticket;
	struct bed b;

	(void)state;
	bed_init(&b, 1, 6, 1);
	assert_false(go(&b, 'b', &ticket));
	assert_false(go(&b, 'c', &ticket));
	assert_false(go(&b, 'd', &ticket));
	assert_false(go(&b, 'e', &ticket));
	assert_false(go(&b, 'f', &ticket));
	drop(&b, 'b'); /* the first */
	drop(&b, 'd'); /* one in the middle */
	drop(&b, 'f'); /* the last */
	assert_called(&b, "");
	drop(&b, 'a');
	assert_called(&b, "c");
	drop(&b, 'c'); /* called, it does not come */
	assert_called(&b, "e");
	assert_true(go(&b, 'e', &ticket));
	bed_done(&b);
}

static void
a_place_that_is_lost_on_the_way_is_found_again(void **state)
{
	struct sockaddr_un ticket;
	struct bed b;

	(void)state;
	bed_init(&b, 1, 4, 0);
	assert_true(go(&b, 'a', &ticket));
	assert_false(go(&b, 'b', &ticket));
	assert_false(go(&b, 'c', &ticket));
	assert_false(go(&b, 'd', &ticket));
	conns_lost(b.cs, &ticket); /* it is known */
	assert_called(&b, "b");
	assert_true(go(&b, 'b', &ticket));
	conns_look(b.cs, most_now, &b);
	assert_called(&b, ""); /* it may still come */
	conns_look(b.cs, most_now, &b);
	assert_called(&b, "c");
	/* The last of an address, too. */
	drop(&b, 'd');
	assert_true(go(&b, 'c', &ticket));
	conns_lost(b.cs, &ticket);
	conns_lost(b.cs, &ticket);
	bed_done(&b);
}

static void
a_new_number_of_places_counts_for_those_in_line(void **state)
{
	struct sockaddr_un ticket;
	struct bed b;

	(void)state;
	bed_init(&b, 1, 6, 1);
	assert_false(go(&b, 'b', &ticket));
	assert_false(go(&b, 'c', &ticket));
	assert_false(go(&b, 'd', &ticket));
	b.most = 3;
	conns_look(b.cs, most_now, &b);
	assert_called(&b, "bc");
	b.most = 1;
	conns_look(b.cs, most_now, &b);
	assert_true(go(&b, 'b', &ticket)); /* what was said holds */
	b.most = 0;
	conns_look(b.cs, most_now, &b);
	assert_called(&b, "d");
	assert_true(go(&b, 'e', &ticket));
	bed_done(&b);
}

static void
nobody_has_all_connections(void **state)
{
	static const struct {
		uint64_t max;
		unsigned got[5]; /* what each that comes gets, one by one */
	} cases[] = {
		{ 1, { 1 } },
		{ 4, { 3, 1 } },
		{ 40, { 30, 8, 2 } },
		{ 1000, { 750, 188, 47, 12, 3 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct sockaddr_in sa = address(0);
		struct host h;
		struct conns *cs;
		unsigned from, n;

		assert_int_equal(conns_new(&cs, NULL), ERR_OK);
		for (from = 0; from < ARRAY_LEN(cases[i].got); from++) {
			sa = address(from);
			assert_true(host_of((const struct sockaddr *)&sa, &h));
			for (n = 0; conns_admit(cs, &h, cases[i].max); n++)
				conns_park(cs, add(cs, from), -1);
			assert_int_equal(n, cases[i].got[from]);
		}
		while (conns_admit(cs, NULL, cases[i].max))
			conns_park(cs, add(cs, 9), -1);
		assert_false(conns_admit(cs, NULL, cases[i].max - 1));
		assert_true(conns_admit(cs, NULL, cases[i].max + 1));
		conns_close_parked(cs);
		conns_free(cs);
	}
}

static void
without_memory_nothing_is_left_behind(void **state)
{
	struct conns *cs = NULL;
	struct conn *c;
	unsigned long n;

	(void)state;
	alloc_fail_at(1);
	assert_int_equal(conns_new(&cs, NULL), ERR_NOMEM);
	assert_true(alloc_fail_stop());
	assert_null(cs);
	assert_int_equal(conns_new(&cs, NULL), ERR_OK);
	for (n = 1;; n++) {
		alloc_fail_at(n);
		c = add(cs, 0);
		if (!alloc_fail_stop())
			break;
		assert_null(c);
		assert_true(conns_admit(cs, NULL, 1));
	}
	assert_true(n > 2); /* for the connections, and for the address */
	assert_non_null(c);
	assert_false(conns_admit(cs, NULL, 1));
	conns_remove(cs, c);
	assert_true(conns_admit(cs, NULL, 1));
	conns_free(cs);
}

/* ---- the watchdog */

/* Ours, of a connection that nothing is on its way on; theirs is in *other. */
static int
connected(int *other)
{
	struct sockaddr_in sa = address(0);
	socklen_t len = sizeof(sa);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd;

	assert_int_equal(bind(l, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&sa, &len), 0);
	*other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*other, (struct sockaddr *)&sa, len), 0);
	fd = accept(l, NULL, NULL);
	assert_true(fd >= 0);
	(void)close(l);
	return fd;
}

/* Whether it is alive when the watchdog has looked at it twice. */
static bool
outlives_the_watchdog(struct conns *cs, struct conn *c)
{
	static const struct config limits = { 0 };

	conns_watch(cs, &limits);
	conns_watch(cs, &limits);
	return conn_enter(c, CONN_IDLE);
}

/* The descriptor of the file may be that of anything by then. */
static void
the_file_of_an_answer_is_not_asked_for_in_the_next(void **state)
{
	struct sockaddr_in sa = address(0);
	int other;
	int fd = connected(&other);
	struct conns *cs;
	struct conn *c;

	(void)state;
	assert_int_equal(conns_new(&cs, NULL), ERR_OK);
	c = conns_add(cs, fd, (const struct sockaddr *)&sa);
	assert_non_null(c);
	assert_true(conn_enter(c, CONN_SEND));
	conn_sends(c, fd, 1000);
	assert_true(conn_enter(c, CONN_IDLE));
	assert_true(conn_enter(c, CONN_SEND));
	assert_true(outlives_the_watchdog(cs, c));
	assert_true(conn_enter(c, CONN_SEND));
	conn_sends(c, fd, 1000); /* a socket is as long as an empty file */
	assert_false(outlives_the_watchdog(cs, c));
	conns_remove(cs, c);
	conns_free(cs);
	(void)close(fd);
	(void)close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    who_waits_is_called_in_turn_as_soon_as_a_place_is_free),
		cmocka_unit_test(a_new_one_gets_in_line_as_well),
		cmocka_unit_test(who_leaves_holds_nobody_up),
		cmocka_unit_test(
		    a_place_that_is_lost_on_the_way_is_found_again),
		cmocka_unit_test(
		    a_new_number_of_places_counts_for_those_in_line),
		cmocka_unit_test(nobody_has_all_connections),
		cmocka_unit_test(
		    the_file_of_an_answer_is_not_asked_for_in_the_next),
		cmocka_unit_test(without_memory_nothing_is_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
