/* SPDX-License-Identifier: MIT */
/*
 * LD_PRELOAD: makes each sync take SYNC_MS milliseconds at least, as on a disk
 * without a write cache.  Those of several threads take their time side by
 * side, as if the disk brought them home together; syncfs() counts as one,
 * however much it writes.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long
slowly(long call, int fd)
{
	const char *ms = getenv("SYNC_MS");
	long wait = ms ? strtol(ms, NULL, 10) : 0;
	struct timespec end;
	long result;

	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += wait / 1000;
	end.tv_nsec += wait % 1000 * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	result = syscall(call, fd);
	while (!result &&
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL))
		;
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
