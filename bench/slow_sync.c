/* SPDX-License-Identifier: MIT */
/*
 * LD_PRELOAD: makes syncs take SYNC_MS milliseconds, as a disk that turns and
 * the journal of ext4 do: one is under way at a time.  Who comes meanwhile
 * waits for it to end, and then for the next, which serves all who have come by
 * then. Those that one io_submit() asks for come together.  syncfs() counts as
 * one, however much it writes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000 /* nanoseconds */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t next; /* when the last that anybody waits for begins, or began */
static _Thread_local int64_t beside; /* when those of io_submit() are over */

static int64_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * (int64_t)MS + t.tv_nsec;
}

/* Asks the disk: when it will be over. */
static int64_t
ask(void)
{
	const char *ms = getenv("SYNC_MS");
	int64_t takes = ms ? strtol(ms, NULL, 10) * MS : 0;
	int64_t t, end;

	(void)pthread_mutex_lock(&lock);
	t = now();
	if (t >= next + takes)
		next = t;
	else if (t >= next)
		next += takes;
	end = next + takes;
	(void)pthread_mutex_unlock(&lock);
	return end;
}

static void
wait_until(int64_t t)
{
	const struct timespec end = {
		.tv_sec = t / (1000 * (int64_t)MS),
		.tv_nsec = t % (1000 * (int64_t)MS),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL))
		;
}

static long
slowly(long call, int fd)
{
	int64_t end = ask();
	long result = syscall(call, fd);

	if (!result)
		wait_until(end);
	return result;
}

int
fsync(int fd)
{
	return (int)slowly(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return (int)slowly(SYS_fdatasync, fd);
}

int
syncfs(int fd)
{
	return (int)slowly(SYS_syncfs, fd);
}

long
syscall(long number, ...)
{
	long (*real)(long, ...) =
	    (long (*)(long, ...))(uintptr_t)dlsym(RTLD_NEXT, "syscall");
	long a[6], result;
	va_list args;
	int i, errnum;

	va_start(args, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_io_submit)
		beside = ask();
	result = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	errnum = errno;
	if (number == SYS_io_getevents)
		wait_until(beside);
	errno = errnum;
	return result;
}
