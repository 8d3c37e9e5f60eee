/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "recorder.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SYNC_TAKES 1000000 /* at most, in nanoseconds: time for others */

/* Of a sync that begins. */
static struct record
sync_of(enum kind kind, int fd)
{
	struct record r = { .kind = kind };

	step_begin();
	r.at = log_size();
	r.c = id_at(fd, "", NULL);
	step_end(0);
	return r;
}

/* A real one takes a while, in which others go on. */
static void
take_a_while(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)nanosleep(
	    &(struct timespec){ .tv_nsec = now.tv_nsec % SYNC_TAKES }, NULL);
}

static int
record_sync(enum kind kind, int fd, int (*sync_)(int))
{
	struct record r;
	int failed, errnum;

	if (out < 0)
		return sync_(fd);
	r = sync_of(kind, fd);
	failed = sync_(fd);
	errnum = errno;
	take_a_while();
	step_begin();
	if (!failed)
		put(r, NULL, NULL, NULL, 0);
	step_end(errnum);
	return failed;
}

EXPORT int
fsync(int fd)
{
	return record_sync(KIND_SYNC, fd, NEXT(fsync));
}

EXPORT int
fdatasync(int fd)
{
	return record_sync(KIND_SYNC, fd, NEXT(fdatasync));
}

EXPORT int
syncfs(int fd)
{
	return record_sync(KIND_SYNC_ALL, fd, NEXT(syncfs));
}

/* ---- syncs that the kernel makes side by side, until it is asked for them */

static _Thread_local struct record begun[128];
static _Thread_local int begun_of[128];
static _Thread_local size_t n_begun;

void
syncs_begin(struct iocb *const *asked, size_t n)
{
	size_t i;

	if (n > ARRAY_LEN(begun))
		abort();
	for (i = 0; i < n; i++) {
		begun_of[i] = (int)asked[i]->aio_fildes;
		begun[i] = sync_of(KIND_SYNC, begun_of[i]);
	}
	n_begun = n;
}

void
syncs_end(const struct io_event *over, size_t n)
{
	size_t i, k;

	take_a_while();
	step_begin();
	for (i = 0; i < n; i++)
		for (k = 0; k < n_begun; k++)
			if (over[i].data == (uint64_t)begun_of[k] &&
			    !over[i].res)
				put(begun[k], NULL, NULL, NULL, 0);
	step_end(0);
}
