/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/descriptors.h"
#include "server/spool.h"

#define BIG (SPOOL_MEMORY * 5)

struct bed {
	struct spool *s;
	struct ostream *o;
	_Atomic unsigned woken;
};

static void
count_wake(void *arg)
{
	struct bed *b = arg;

	atomic_fetch_add(&b->woken, 1);
}

static void
bed_init(struct bed *b, const char *dir, uint64_t max)
{
	struct spool_spec spec = {
		.dir = dir,
		.max = max,
		.wake = count_wake,
		.arg = b,
	};

	*b = (struct bed){ 0 };
	assert_int_equal(spool_new(&spec, &b->s, NULL), ERR_OK);
	b->o = spool_stream(b->s);
}

/* Byte i of the stream that every test writes. */
static char
byte_at(uint64_t i)
{
	return (char)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

static enum err_code
put(struct bed *b, uint64_t from, size_t n)
{
	char *bytes = malloc(n);
	enum err_code rc;
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < n; i++)
		bytes[i] = byte_at(from + i);
	rc = ostream_write(b->o, str_of(bytes, n));
	free(bytes);
	return rc;
}

/* Reads all there is now, checks it, and returns the new position. */
static uint64_t
drain(struct bed *b, uint64_t at, enum spool_state *state)
{
	char bytes[5000];
	size_t got, i;

	while ((*state = spool_read(b->s, bytes, sizeof(bytes), &got)) ==
	    SPOOL_READ) {
		for (i = 0; i < got; i++)
			assert_int_equal(bytes[i], byte_at(at + i));
		at += got;
	}
	return at;
}

static void
a_waiting_reader_is_woken_once_when_it_is_worth_it(void **state)
{
	enum spool_state what;
	struct bed b;

	(void)state;
	bed_init(&b, "/tmp", 0);
	assert_int_equal(put(&b, 0, SPOOL_WAKE - 1), ERR_OK);
	assert_int_equal(b.woken, 0);
	assert_int_equal(put(&b, SPOOL_WAKE - 1, 1), ERR_OK);
	assert_int_equal(b.woken, 1);
	assert_int_equal(put(&b, SPOOL_WAKE, SPOOL_WAKE), ERR_OK);
	assert_int_equal(b.woken, 1);

	assert_int_equal(drain(&b, 0, &what), 2 * SPOOL_WAKE);
	assert_int_equal(what, SPOOL_EMPTY);
	assert_true(spool_wait(b.s));
	assert_int_equal(ostream_flush(b.o), ERR_OK); /* nothing new */
	assert_int_equal(b.woken, 1);
	assert_int_equal(put(&b, 2 * SPOOL_WAKE, 1), ERR_OK);
	assert_int_equal(b.woken, 1);
	assert_int_equal(ostream_flush(b.o), ERR_OK);
	assert_int_equal(b.woken, 2);

	(void)drain(&b, 2 * SPOOL_WAKE, &what);
	assert_true(spool_wait(b.s));
	assert_int_equal(ostream_end(b.o), ERR_OK);
	assert_int_equal(b.woken, 3);
	(void)drain(&b, 0, &what);
	assert_int_equal(what, SPOOL_END);
	spool_close(b.s);
	spool_abandon(b.s);
}

static void
a_reader_says_how_much_is_worth_it(void **state)
{
	struct bed b = { 0 };
	const struct spool_spec spec = {
		.dir = "/tmp",
		.enough = 100,
		.wake = count_wake,
		.arg = &b,
	};

	(void)state;
	assert_int_equal(spool_new(&spec, &b.s, NULL), ERR_OK);
	b.o = spool_stream(b.s);
	assert_int_equal(put(&b, 0, 99), ERR_OK);
	assert_int_equal(b.woken, 0);
	assert_int_equal(put(&b, 99, 1), ERR_OK);
	assert_int_equal(b.woken, 1);
	spool_close(b.s);
	spool_abandon(b.s);
}

static void
waiting_is_refused_when_there_is_something_to_read(void **state)
{
	enum spool_state what;
	struct bed b;

	(void)state;
	bed_init(&b, "/tmp", 0);
	assert_int_equal(put(&b, 0, 1), ERR_OK);
	assert_int_equal(ostream_flush(b.o), ERR_OK);
	assert_int_equal(b.woken, 1);
	assert_false(spool_wait(b.s));
	(void)drain(&b, 0, &what);
	assert_true(spool_wait(b.s));
	spool_close(b.s);
	assert_int_equal(b.woken, 2);
	assert_false(spool_wait(b.s));
	spool_abandon(b.s);
}

static void
bytes_come_out_in_order_whoever_is_ahead(void **state)
{
	static const struct {
		const char *what;
		size_t piece;
		size_t total;
		bool in_file;
	} cases[] = {
		{ "one byte", 1, 1, false },
		{ "the memory exactly", SPOOL_MEMORY, SPOOL_MEMORY, false },
		{ "a byte more", SPOOL_MEMORY + 1, SPOOL_MEMORY + 1, true },
		{ "many pieces", 777, BIG, true },
		{ "one piece", BIG, BIG, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		size_t before = open_descriptors();
		enum spool_state what;
		size_t at, n;
		struct bed b;

		print_message("%s\n", cases[i].what);
		bed_init(&b, "/tmp", 0);
		for (at = 0; at < cases[i].total; at += n) {
			n = cases[i].total - at;
			n = n < cases[i].piece ? n : cases[i].piece;
			assert_int_equal(put(&b, at, n), ERR_OK);
		}
		assert_int_equal(open_descriptors() - before, cases[i].in_file);
		assert_int_equal(ostream_end(b.o), ERR_OK);
		assert_int_equal(drain(&b, 0, &what), cases[i].total);
		assert_int_equal(what, SPOOL_END);
		spool_close(b.s);
		spool_abandon(b.s);
		assert_int_equal(open_descriptors(), before);
	}
}

/* Blocks on disk of the newest descriptor, the temporary file. */
static blkcnt_t
temporary_blocks(void)
{
	blkcnt_t most = 0;
	struct stat st;
	int fd;

	for (fd = 3; fd < 64; fd++)
		if (!fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_nlink &&
		    st.st_blocks > most)
			most = st.st_blocks;
	return most;
}

/* Reads n bytes that are there, checks them, and returns the new position. */
static uint64_t
drain_some(struct bed *b, uint64_t at, size_t n)
{
	char bytes[4096];
	size_t got, i;

	for (; n; n -= got) {
		assert_int_equal(
		    spool_read(b->s, bytes,
			n < sizeof(bytes) ? n : sizeof(bytes), &got),
		    SPOOL_READ);
		for (i = 0; i < got; i++)
			assert_int_equal(bytes[i], byte_at(at + i));
		at += got;
	}
	return at;
}

static void
a_reader_always_behind_does_not_make_the_file_grow(void **state)
{
	uint64_t wrote = 0, at = 0;
	enum spool_state what;
	blkcnt_t most = 0;
	struct bed b;
	int i;

	(void)state;
	bed_init(&b, "/tmp", 0);
	wrote += SPOOL_MEMORY * 8;
	assert_int_equal(put(&b, 0, SPOOL_MEMORY * 8), ERR_OK);
	for (i = 0; i < 64; i++) {
		at = drain_some(&b, at, SPOOL_MEMORY);
		assert_int_equal(put(&b, wrote, SPOOL_MEMORY), ERR_OK);
		wrote += SPOOL_MEMORY;
		if (temporary_blocks() > most)
			most = temporary_blocks();
	}
	/* 18 MiB went through; what waited was never more than 2 MiB. */
	assert_true(most * 512 < (blkcnt_t)SPOOL_MEMORY * 16);
	assert_int_equal(drain(&b, at, &what), wrote);
	spool_close(b.s);
	spool_abandon(b.s);
}

static void
after_the_file_is_drained_memory_is_used_again(void **state)
{
	enum spool_state what;
	blkcnt_t blocks;
	struct bed b;
	int i;

	(void)state;
	bed_init(&b, "/tmp", 0);
	assert_int_equal(put(&b, 0, SPOOL_MEMORY + 4096), ERR_OK);
	assert_int_equal(drain(&b, 0, &what), SPOOL_MEMORY + 4096);
	blocks = temporary_blocks();
	assert_true(blocks > 0);
	for (i = 0; i < 20; i++) {
		assert_int_equal(put(&b, 0, SPOOL_MEMORY), ERR_OK);
		assert_int_equal(drain(&b, 0, &what), SPOOL_MEMORY);
	}
	assert_int_equal(temporary_blocks(), blocks);
	spool_close(b.s);
	spool_abandon(b.s);
}

static void
the_writer_stops_when_the_reader_is_gone(void **state)
{
	struct bed b;

	(void)state;
	bed_init(&b, "/tmp", 0);
	assert_int_equal(put(&b, 0, 10), ERR_OK);
	spool_abandon(b.s);
	assert_int_equal(put(&b, 10, 10), ERR_CLIENT_GONE);
	assert_int_equal(ostream_end(b.o), ERR_CLIENT_GONE);
	spool_close(b.s);
	assert_int_equal(b.woken, 0);
}

static void
an_end_that_did_not_come_is_a_failure_after_what_was_written(void **state)
{
	enum spool_state what;
	uint64_t length;
	struct str whole;
	struct bed b;

	(void)state;
	bed_init(&b, "/tmp", 0);
	assert_int_equal(put(&b, 0, 100), ERR_OK);
	spool_close(b.s);
	assert_int_equal(b.woken, 1);
	assert_false(spool_ended(b.s, &length, &whole));
	assert_int_equal(drain(&b, 0, &what), 100);
	assert_int_equal(what, SPOOL_FAILED);
	spool_abandon(b.s);
}

static void
what_ended_in_memory_is_there_as_a_whole(void **state)
{
	uint64_t length;
	struct str whole;
	struct bed b;
	size_t i;

	(void)state;
	bed_init(&b, "/tmp", 0);
	assert_false(spool_ended(b.s, &length, &whole));
	assert_int_equal(put(&b, 0, 10000), ERR_OK);
	assert_int_equal(put(&b, 10000, 10000), ERR_OK);
	assert_int_equal(ostream_end(b.o), ERR_OK);
	assert_true(spool_ended(b.s, &length, &whole));
	assert_int_equal(length, 20000);
	assert_int_equal(whole.len, 20000);
	for (i = 0; i < whole.len; i++)
		assert_int_equal(whole.ptr[i], byte_at(i));
	spool_close(b.s);
	spool_abandon(b.s);

	bed_init(&b, "/tmp", 0);
	assert_int_equal(put(&b, 0, BIG), ERR_OK);
	assert_int_equal(ostream_end(b.o), ERR_OK);
	assert_true(spool_ended(b.s, &length, &whole));
	assert_int_equal(length, BIG);
	assert_int_equal(whole.len, 0);
	spool_close(b.s);
	spool_abandon(b.s);
}

static void
no_room_for_the_overflow_fails_the_writer_and_tells_the_reader(void **state)
{
	struct rlimit was, small;
	enum spool_state what;
	struct bed b;

	(void)state;
	bed_init(&b, "/nonexistent", 0);
	assert_int_equal(put(&b, 0, SPOOL_MEMORY), ERR_OK);
	assert_int_equal(put(&b, SPOOL_MEMORY, 1), ERR_NOT_FOUND);
	assert_non_null(strstr(b.o->err.why, "/nonexistent"));
	spool_close(b.s);
	assert_int_equal(drain(&b, 0, &what), SPOOL_MEMORY);
	assert_int_equal(what, SPOOL_FAILED);
	spool_abandon(b.s);

	bed_init(&b, "/tmp", SPOOL_MEMORY);
	assert_int_equal(put(&b, 0, SPOOL_MEMORY * 2), ERR_OK);
	assert_int_equal(put(&b, SPOOL_MEMORY * 2, 1), ERR_TOO_LARGE);
	spool_close(b.s);
	spool_abandon(b.s);

	/* A full disk, as the limit on the size of a file plays it. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	small = was;
	small.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	bed_init(&b, "/tmp", 0);
	assert_int_equal(put(&b, 0, SPOOL_MEMORY), ERR_OK);
	assert_int_equal(put(&b, SPOOL_MEMORY, 8192), ERR_TOO_LARGE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	spool_close(b.s);
	assert_int_equal(drain(&b, 0, &what), SPOOL_MEMORY);
	assert_int_equal(what, SPOOL_FAILED);
	spool_abandon(b.s);
}

/* ---- two threads */

struct pair {
	struct spool *s;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool awake;
	uint64_t total;
	uint64_t leave_at; /* the reader leaves; 0: it does not */
	enum err_code wrote;
	enum spool_state read;
	uint64_t at;
};

static void
pair_wake(void *arg)
{
	struct pair *p = arg;

	(void)pthread_mutex_lock(&p->lock);
	p->awake = true;
	(void)pthread_cond_signal(&p->cond);
	(void)pthread_mutex_unlock(&p->lock);
}

static void
pair_sleep(struct pair *p)
{
	(void)pthread_mutex_lock(&p->lock);
	while (!p->awake)
		(void)pthread_cond_wait(&p->cond, &p->lock);
	p->awake = false;
	(void)pthread_mutex_unlock(&p->lock);
}

static void *
pair_read(void *arg)
{
	struct pair *p = arg;
	char bytes[7000];
	size_t got, i;

	pair_sleep(p);
	for (;;) {
		p->read = spool_read(p->s, bytes, sizeof(bytes), &got);
		if (p->read == SPOOL_EMPTY && spool_wait(p->s))
			pair_sleep(p);
		if (p->read == SPOOL_END || p->read == SPOOL_FAILED)
			break;
		if (p->read != SPOOL_READ)
			continue;
		for (i = 0; i < got; i++)
			if (bytes[i] != byte_at(p->at + i))
				abort();
		p->at += got;
		if (p->leave_at && p->at >= p->leave_at)
			break;
		if (p->at % 7 == 0) /* fall behind now and then */
			(void)usleep(1000);
	}
	spool_abandon(p->s);
	return NULL;
}

static void *
pair_write(void *arg)
{
	struct ostream *o = spool_stream(((struct pair *)arg)->s);
	struct pair *p = arg;
	char bytes[3001];
	uint64_t at = 0;

	while (at < p->total && !p->wrote) {
		size_t n = sizeof(bytes), i;

		for (i = 0; i < n; i++)
			bytes[i] = byte_at(at + i);
		p->wrote = ostream_write(o, str_of(bytes, n));
		at += n;
		if (at % 11 == 0)
			(void)ostream_flush(o);
	}
	p->total = at;
	if (!p->wrote)
		p->wrote = ostream_end(o);
	spool_close(p->s);
	return NULL;
}

static void
run_pair(struct pair *p)
{
	struct spool_spec spec = {
		.dir = "/tmp",
		.wake = pair_wake,
		.arg = p,
	};
	pthread_t reader, writer;

	assert_int_equal(pthread_mutex_init(&p->lock, NULL), 0);
	assert_int_equal(pthread_cond_init(&p->cond, NULL), 0);
	assert_int_equal(spool_new(&spec, &p->s, NULL), ERR_OK);
	assert_int_equal(pthread_create(&reader, NULL, pair_read, p), 0);
	assert_int_equal(pthread_create(&writer, NULL, pair_write, p), 0);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(pthread_join(reader, NULL), 0);
	(void)pthread_cond_destroy(&p->cond);
	(void)pthread_mutex_destroy(&p->lock);
}

static void
two_threads_pass_everything_in_order(void **state)
{
	struct pair p = { .total = 12 * 1000 * 1000 };

	(void)state;
	run_pair(&p);
	assert_int_equal(p.wrote, ERR_OK);
	assert_int_equal(p.read, SPOOL_END);
	assert_int_equal(p.at, p.total);
}

static void
a_reader_that_leaves_stops_a_writer_on_another_thread(void **state)
{
	struct pair p = { .total = UINT64_MAX / 2, .leave_at = 1000 * 1000 };

	(void)state;
	run_pair(&p);
	assert_int_equal(p.wrote, ERR_CLIENT_GONE);
}

#define IN_FILE (((size_t)1 << 20) + 100) /* given back when it is read */

static struct bed *written_to; /* when space is given back */

/* In the place of the C library's. */
int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	struct bed *b = written_to;

	written_to = NULL;
	if (b)
		assert_int_equal(
		    put(b, SPOOL_MEMORY + IN_FILE, 2 * IN_FILE), ERR_OK);
	return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

static void
what_is_written_while_space_is_given_back_stays(void **unused)
{
	enum spool_state state;
	struct bed b;

	(void)unused;
	bed_init(&b, "/tmp", 0);
	assert_int_equal(put(&b, 0, SPOOL_MEMORY + IN_FILE), ERR_OK);
	written_to = &b;
	assert_int_equal(drain(&b, 0, &state), SPOOL_MEMORY + 3 * IN_FILE);
	assert_null(written_to);
	spool_close(b.s);
	spool_abandon(b.s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_says_how_much_is_worth_it),
		cmocka_unit_test(
		    a_waiting_reader_is_woken_once_when_it_is_worth_it),
		cmocka_unit_test(
		    waiting_is_refused_when_there_is_something_to_read),
		cmocka_unit_test(bytes_come_out_in_order_whoever_is_ahead),
		cmocka_unit_test(
		    a_reader_always_behind_does_not_make_the_file_grow),
		cmocka_unit_test(
		    after_the_file_is_drained_memory_is_used_again),
		cmocka_unit_test(the_writer_stops_when_the_reader_is_gone),
		cmocka_unit_test(
		    an_end_that_did_not_come_is_a_failure_after_what_was_written),
		cmocka_unit_test(what_ended_in_memory_is_there_as_a_whole),
		cmocka_unit_test(
		    no_room_for_the_overflow_fails_the_writer_and_tells_the_reader),
		cmocka_unit_test(
		    what_is_written_while_space_is_given_back_stays),
		cmocka_unit_test(two_threads_pass_everything_in_order),
		cmocka_unit_test(
		    a_reader_that_leaves_stops_a_writer_on_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
