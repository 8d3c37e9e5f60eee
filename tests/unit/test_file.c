/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "lib/tmpdir.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

struct fixture {
	struct tmpdir dir;
	char name[300];
};

/* A file of n bytes, of which the ith is i modulo 251. */
static void
make(struct fixture *f, size_t n)
{
	struct buf b = { 0 };
	int fd CLEANUP(fd_close) = -1;
	size_t i;

	tmpdir_make(&f->dir);
	(void)snprintf(f->name, sizeof(f->name), "%s/file", f->dir.path);
	for (i = 0; i < n; i++)
		buf_putc(&b, (char)(i % 251));
	fd = open(f->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, buf_str(&b), NULL), ERR_OK);
	buf_done(&b);
}

static void
a_descriptor_is_closed_once_or_handed_over(void **state)
{
	int ends[2];
	int taken;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	taken = fd_take(&ends[0]);
	assert_true(taken >= 0);
	assert_int_equal(ends[0], -1);
	fd_close(&ends[0]);
	assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
	fd_close(&taken);
	assert_int_equal(taken, -1);
	fd_close(&ends[1]);
	fd_close(&ends[1]);
	assert_int_equal(fd_take(&ends[1]), -1);
}

static void
a_file_is_read_from_any_offset(void **state)
{
	static const struct {
		uint64_t offset;
		size_t max, got;
	} cases[] = {
		{ 0, 1000, 1000 },
		{ 0, 2000, 1000 },
		{ 999, 10, 1 },
		{ 1000, 10, 0 },
		{ 5000, 10, 0 },
		{ 10, 0, 0 },
	};
	struct fixture f = { 0 };
	int fd CLEANUP(fd_close) = -1;
	size_t i, k;

	(void)state;
	make(&f, 1000);
	fd = open(f.name, O_RDONLY | O_CLOEXEC);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		char out[2000];
		size_t got = 42;

		assert_int_equal(fd_read_at(fd, cases[i].offset, out,
				     cases[i].max, &got, NULL),
		    ERR_OK);
		assert_int_equal(got, cases[i].got);
		for (k = 0; k < got; k++)
			assert_int_equal(
			    out[k], (char)((cases[i].offset + k) % 251));
	}
	tmpdir_remove(&f.dir);
}

static void
what_cannot_be_read_or_written_says_why(void **state)
{
	int ends[2];
	struct err err;
	size_t got = 42;
	char c;

	(void)state;
	assert_int_equal(fd_read_at(-1, 0, &c, 1, &got, &err), ERR_OS);
	assert_string_equal(err.why, "read: Bad file descriptor");
	assert_int_equal(got, 42);
	assert_int_equal(fd_write_all(-1, STR("a"), &err), ERR_OS);
	assert_string_equal(err.why, "write: Bad file descriptor");
	assert_int_equal(fd_write_all(-1, STR(""), &err), ERR_OK);

	/* a pipe has no offsets */
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fd_read_at(ends[0], 0, &c, 1, &got, &err), ERR_OS);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

static void *
drain(void *arg)
{
	const int *fd = arg;
	char bytes[1000];
	uintptr_t all = 0;
	ssize_t n;

	while ((n = read(*fd, bytes, sizeof(bytes))) > 0)
		all += (uintptr_t)n;
	return (void *)all; /* a count in the thread's result */
}

/* A pipe takes 64 KiB at once: the write comes back early and must go on. */
static void
a_write_goes_on_until_all_is_written(void **state)
{
	struct buf b = { 0 };
	pthread_t reader;
	int ends[2];
	void *all;
	size_t i;

	(void)state;
	for (i = 0; i < 300000; i++)
		buf_putc(&b, 'x');
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&reader, NULL, drain, &ends[0]), 0);
	assert_int_equal(fd_write_all(ends[1], buf_str(&b), NULL), ERR_OK);
	fd_close(&ends[1]);
	assert_int_equal(pthread_join(reader, &all), 0);
	assert_int_equal((uintptr_t)all, 300000);
	fd_close(&ends[0]);
	buf_done(&b);
}

static void
a_whole_file_is_appended(void **state)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 200000 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		struct fixture f = { 0 };
		struct buf b = { 0 };

		make(&f, sizes[i]);
		BUF_LIT(&b, "before");
		assert_int_equal(file_read(f.name, &b, NULL), ERR_OK);
		assert_int_equal(b.len, 6 + sizes[i]);
		for (k = 0; k < sizes[i]; k++)
			assert_int_equal(b.ptr[6 + k], (char)(k % 251));
		buf_done(&b);
		tmpdir_remove(&f.dir);
	}
}

static void
a_file_up_to_the_limit_is_read_and_no_more(void **state)
{
	static const struct {
		size_t size, max;
		enum err_code rc;
	} cases[] = {
		{ 100, 100, ERR_OK },
		{ 101, 100, ERR_TOO_LARGE },
		{ 70000, 70000, ERR_OK },
		{ 70001, 70000, ERR_TOO_LARGE },
		{ 200000, 70000, ERR_TOO_LARGE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f = { 0 };
		struct buf b = { .max = cases[i].max };
		struct err err = { 0 };

		make(&f, cases[i].size);
		assert_int_equal(file_read(f.name, &b, &err), cases[i].rc);
		assert_int_equal(err.code, cases[i].rc);
		if (!cases[i].rc)
			assert_int_equal(b.len, cases[i].size);
		buf_done(&b);
		tmpdir_remove(&f.dir);
	}
}

static void
a_file_that_cannot_be_read_is_named(void **state)
{
	struct tmpdir t = { 0 };
	struct buf b = { 0 };
	struct err err;

	(void)state;
	tmpdir_make(&t);
	assert_int_equal(file_read("/nowhere/at/all", &b, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.why, "'/nowhere/at/all'"));
	assert_int_equal(file_read(t.path, &b, &err), ERR_IS_COLLECTION);
	assert_non_null(strstr(err.why, t.path));
	assert_int_equal(b.len, 0);
	buf_done(&b);
	tmpdir_remove(&t);
}

static void
reading_survives_each_failed_allocation(void **state)
{
	struct fixture f = { 0 };
	unsigned long n;

	(void)state;
	make(&f, 200000);
	for (n = 1;; n++) {
		struct buf b = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = file_read(f.name, &b, NULL);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			assert_int_equal(b.len, 200000);
			buf_done(&b);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		buf_done(&b);
	}
	assert_true(n > 2);
	tmpdir_remove(&f.dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_is_closed_once_or_handed_over),
		cmocka_unit_test(a_file_is_read_from_any_offset),
		cmocka_unit_test(what_cannot_be_read_or_written_says_why),
		cmocka_unit_test(a_write_goes_on_until_all_is_written),
		cmocka_unit_test(a_whole_file_is_appended),
		cmocka_unit_test(a_file_up_to_the_limit_is_read_and_no_more),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(reading_survives_each_failed_allocation),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
