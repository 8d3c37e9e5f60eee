/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/alloc_fail.h"
#include "server/past.h"

#define HEAD "HTTP/1.1 207 Multi-Status\r\n\r\n"
#define PIECE SPOOL_WAKE
#define PIECES 40 /* more than a socket and the memory of a spool hold */

/* One answer, from a spool to the other end of a pair of sockets. */
struct bed {
	struct past *p;
	struct past_answer *a;
	struct spool *s;
	int ours, theirs;
	_Atomic size_t sent;
	_Atomic unsigned over;
};

static void
on_wake(void *arg)
{
	struct bed *b = arg;

	if (b->a)
		past_wake(b->a);
}

static void
on_sent(void *arg, size_t n)
{
	struct bed *b = arg;

	atomic_fetch_add(&b->sent, n);
}

static void
on_over(void *arg)
{
	struct bed *b = arg;

	atomic_fetch_add(&b->over, 1);
}

static struct past_spec
spec_of(struct bed *b)
{
	return (struct past_spec){ .fd = b->ours,
		.spool = b->s,
		.head = STR(HEAD),
		.sent = on_sent,
		.over = on_over,
		.arg = b };
}

static void
put(struct bed *b, char c)
{
	static char piece[PIECE];

	memset(piece, c, sizeof(piece));
	assert_int_equal(
	    ostream_write(spool_stream(b->s), str_of(piece, sizeof(piece))),
	    ERR_OK);
}

/* With its first piece in the spool, which has woken its reader. */
static void
bed_init(struct bed *b)
{
	struct spool_spec spool = { .dir = "/tmp", .wake = on_wake, .arg = b };
	int ends[2];

	*b = (struct bed){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	b->ours = ends[0];
	b->theirs = ends[1];
	assert_int_equal(spool_new(&spool, &b->s, NULL), ERR_OK);
	put(b, 'a');
}

static void
bed_begin(struct bed *b)
{
	struct past_spec spec = spec_of(b);

	assert_int_equal(past_new(&b->p, NULL), ERR_OK);
	assert_int_equal(past_begin(b->p, &spec, &b->a, NULL), ERR_OK);
}

static bool
bed_done(struct bed *b)
{
	bool whole = past_end(b->a);

	past_free(b->p);
	(void)close(b->ours);
	if (b->theirs >= 0)
		(void)close(b->theirs);
	return whole;
}

static void
wait_till_over(struct bed *b)
{
	int i;

	for (i = 0; i < 2000 && !atomic_load(&b->over); i++)
		(void)poll(NULL, 0, 5);
	assert_int_equal(atomic_load(&b->over), 1);
}

/* All that comes to the other end until it is shut. */
static void
receive(struct bed *b, struct buf *out)
{
	ssize_t n;

	do {
		char *room = buf_room(out, PIECE);

		assert_non_null(room);
		n = read(b->theirs, room, PIECE);
		assert_true(n >= 0);
		out->len += (size_t)n;
	} while (n);
}

/* Behind the head: the chunks without their frames; true: the last was there.
 */
static bool
take_chunks(struct str bytes, struct buf *out)
{
	struct str line;

	assert_true(str_starts(bytes, STR(HEAD)));
	bytes = str_skip(bytes, sizeof(HEAD) - 1);
	while (str_cut(&bytes, '\n', &line)) {
		size_t n = strtoul(line.ptr, NULL, 16);

		if (!n)
			return str_eq(bytes, STR("\r\n"));
		buf_put(out, str_head(bytes, n));
		bytes = str_skip(bytes, n + 2);
	}
	return false;
}

static void
who_reads_late_gets_all_of_it(void **state)
{
	struct buf raw = { 0 }, body = { 0 };
	struct bed b;
	int i;

	(void)state;
	bed_init(&b);
	bed_begin(&b);
	for (i = 1; i < PIECES; i++)
		put(&b, (char)('a' + i % 26));
	assert_true(atomic_load(&b.sent) < PIECES * PIECE);
	assert_int_equal(ostream_end(spool_stream(b.s)), ERR_OK);
	spool_close(b.s);
	past_await(b.a);
	assert_int_equal(atomic_load(&b.over), 0);
	receive(&b, &raw);
	wait_till_over(&b);
	assert_true(take_chunks(buf_str(&raw), &body));
	assert_int_equal(body.len, PIECES * PIECE);
	for (i = 0; i < PIECES; i++)
		assert_int_equal(
		    body.ptr[(size_t)i * PIECE], (char)('a' + i % 26));
	assert_int_equal(atomic_load(&b.sent), PIECES * PIECE);
	assert_true(bed_done(&b));
	buf_done(&raw);
	buf_done(&body);
}

static void
an_answer_that_failed_has_no_last_chunk(void **state)
{
	struct buf raw = { 0 }, body = { 0 };
	struct bed b;

	(void)state;
	bed_init(&b);
	bed_begin(&b);
	spool_close(b.s); /* without an end */
	past_await(b.a);
	receive(&b, &raw);
	wait_till_over(&b);
	assert_false(take_chunks(buf_str(&raw), &body));
	assert_false(bed_done(&b));
	buf_done(&raw);
	buf_done(&body);
}

static void
wait_till_sent(struct bed *b, size_t n)
{
	int i;

	for (i = 0; i < 2000 && atomic_load(&b->sent) < n; i++)
		(void)poll(NULL, 0, 5);
	assert_int_equal(atomic_load(&b->sent), n);
}

static void
client_goes(struct bed *b)
{
	(void)close(b->theirs);
	b->theirs = -1;
	past_await(b->a);
	wait_till_over(b);
	/* The writer is told. */
	assert_int_equal(
	    ostream_write(spool_stream(b->s), STR("x")), ERR_CLIENT_GONE);
	spool_close(b->s);
	assert_false(bed_done(b));
}

static void
a_client_that_goes_ends_it(void **state)
{
	struct bed b;
	int i;

	(void)state;
	bed_init(&b);
	bed_begin(&b);
	for (i = 1; i < PIECES; i++)
		put(&b, 'b');
	client_goes(&b);
}

static void
a_client_that_goes_while_nothing_comes_ends_it(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	bed_begin(&b);
	wait_till_sent(&b, PIECE);
	client_goes(&b);
}

static void
an_end_that_nobody_waited_for_says_nothing(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b);
	bed_begin(&b);
	assert_false(bed_done(&b));
	assert_int_equal(atomic_load(&b.over), 0);
	spool_close(b.s);
}

static void
without_memory_nothing_is_sent(void **state)
{
	struct bed b;
	struct past_spec spec;
	enum err_code rc;
	unsigned long n;
	char c;

	(void)state;
	bed_init(&b);
	spec = spec_of(&b);
	for (n = 1;; n++) {
		alloc_fail_at(n);
		rc = past_new(&b.p, NULL);
		if (!rc)
			rc = past_begin(b.p, &spec, &b.a, NULL);
		if (!alloc_fail_stop())
			break;
		assert_int_equal(rc, ERR_NOMEM);
		past_free(b.p);
		b.p = NULL;
	}
	assert_int_equal(rc, ERR_OK);
	assert_true(n > 2);
	assert_int_equal(read(b.theirs, &c, 1), 1);
	assert_int_equal(c, 'H');
	(void)bed_done(&b);
	spool_close(b.s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_reads_late_gets_all_of_it),
		cmocka_unit_test(an_answer_that_failed_has_no_last_chunk),
		cmocka_unit_test(a_client_that_goes_ends_it),
		cmocka_unit_test(
		    a_client_that_goes_while_nothing_comes_ends_it),
		cmocka_unit_test(an_end_that_nobody_waited_for_says_nothing),
		cmocka_unit_test(without_memory_nothing_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
