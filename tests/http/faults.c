/* SPDX-License-Identifier: MIT */
/*
 * Loaded into the server (LD_PRELOAD) by tests: makes the nth call of some
 * function fail, holds it up, or stops the process dead right before or after
 * it.  Which one is said in a file that both have mapped, named by
 * $SHEAF_FAULTS: see struct orders, and faults.py, the other side.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum call {
	CALL_NONE,
	CALL_OPENAT2,
	CALL_GETDENTS,
	CALL_STATX,
	CALL_READ,
	CALL_WRITE, /* this and all that follow change something */
	CALL_FSYNC,
	CALL_RENAME,
	CALL_LINK,
	CALL_UNLINK,
	CALL_MKDIR,
	CALL_COPY_RANGE,
	CALL_TRUNCATE,
	CALL_TIMES,
	CALL_ALLOCATE,
	CALL_CHMOD,
	CALL_CHANGE, /* any that changes something */
	CALL_ANY,
	CALL_UNLISTEN, /* a listener leaves an epoll set; not among any */
};

enum action {
	ACTION_FAIL,
	ACTION_STOP_BEFORE,
	ACTION_STOP_AFTER,
	ACTION_NOTE, /* nothing but whose it was */
	ACTION_HOLD, /* the same, and it waits till the order is taken back */
};

struct orders {
	_Atomic int32_t call; /* the one that fails */
	_Atomic int32_t errnum;
	_Atomic int32_t calls_left; /* 1: the next one; it is 0 then */
	_Atomic int32_t lasting; /* all after it fail as well */
	_Atomic int32_t action;
	_Atomic int32_t thread; /* the one that noted it */
};

static struct orders *orders;
static _Thread_local bool stops_after;

__attribute__((constructor)) static void
begin(void)
{
	const char *name = getenv("SHEAF_FAULTS");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at = mmap(
	    NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		orders = at;
	(void)close(fd);
}

static bool
is_meant(enum call call)
{
	int32_t meant = orders ? atomic_load(&orders->call) : CALL_NONE;

	return meant == (int32_t)call || meant == CALL_ANY ||
	    (meant == CALL_CHANGE && call >= CALL_WRITE);
}

static void
stop(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

static void
note(void)
{
	atomic_store(&orders->thread, (int32_t)gettid());
}

static void
hold(void)
{
	note();
	while (atomic_load(&orders->call))
		(void)usleep(100);
}

static bool
fails(enum call call)
{
	int32_t left;

	if (!is_meant(call))
		return false;
	left = atomic_fetch_sub(&orders->calls_left, 1);
	if (left != 1 && (left > 1 || !atomic_load(&orders->lasting)))
		return false;
	switch ((enum action)atomic_load(&orders->action)) {
	case ACTION_STOP_BEFORE:
		stop();
		break;
	case ACTION_STOP_AFTER:
		stops_after = true;
		return false;
	case ACTION_NOTE:
		note();
		return false;
	case ACTION_HOLD:
		hold();
		return false;
	case ACTION_FAIL:
		break;
	}
	errno = atomic_load(&orders->errnum);
	return true;
}

/* What a call that was let through has come to. */
static long
done(long result)
{
	if (stops_after)
		stop();
	return result;
}

/* Sockets and what wakes threads are not what is tested here. */
static bool
file_fails(enum call call, int fd)
{
	struct stat st;

	return is_meant(call) && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    fails(call);
}

#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

/* clang-format off */
#define WRAP(call, type, name, params, args) \
	EXPORT type name params \
	{ \
		return (type)(fails(call) ? -1 : done(NEXT(name) args)); \
	}
#define WRAP_FILE(call, type, name, params, args) \
	EXPORT type name params \
	{ \
		return (type)(file_fails(call, fd) ? -1 : done(NEXT(name) args)); \
	}
/* clang-format on */

WRAP_FILE(CALL_READ, ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))
WRAP_FILE(CALL_READ, ssize_t, pread64, (int fd, void *to, size_t n, off64_t at),
    (fd, to, n, at))
WRAP_FILE(
    CALL_WRITE, ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP_FILE(CALL_WRITE, ssize_t, pwrite64,
    (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
WRAP(CALL_FSYNC, int, fsync, (int fd), (fd))
WRAP(CALL_FSYNC, int, fdatasync, (int fd), (fd))
WRAP(CALL_FSYNC, int, syncfs, (int fd), (fd))
WRAP(CALL_STATX, int, statx,
    (int dir, const char *name, int flags, unsigned mask, struct statx *out),
    (dir, name, flags, mask, out))
WRAP(CALL_RENAME, int, renameat,
    (int from, const char *a, int to, const char *b), (from, a, to, b))
WRAP(CALL_RENAME, int, renameat2,
    (int from, const char *a, int to, const char *b, unsigned flags),
    (from, a, to, b, flags))
WRAP(CALL_LINK, int, linkat,
    (int from, const char *a, int to, const char *b, int flags),
    (from, a, to, b, flags))
WRAP(CALL_UNLINK, int, unlinkat, (int dir, const char *name, int flags),
    (dir, name, flags))
WRAP(CALL_UNLINK, int, unlink, (const char *name), (name))
WRAP(CALL_UNLINK, int, rmdir, (const char *name), (name))
WRAP(CALL_MKDIR, int, mkdirat, (int dir, const char *name, mode_t mode),
    (dir, name, mode))
WRAP(CALL_COPY_RANGE, ssize_t, copy_file_range,
    (int in, off64_t *a, int out, off64_t *b, size_t n, unsigned flags),
    (in, a, out, b, n, flags))
WRAP(CALL_TRUNCATE, int, ftruncate64, (int fd, off64_t size), (fd, size))
WRAP(CALL_TIMES, int, futimens, (int fd, const struct timespec t[2]), (fd, t))
WRAP(CALL_ALLOCATE, int, fallocate64, (int fd, int mode, off64_t at, off64_t n),
    (fd, mode, at, n))
WRAP(CALL_CHMOD, int, fchmod, (int fd, mode_t mode), (fd, mode))

static bool
listens(int fd)
{
	int does = 0;
	socklen_t size = sizeof(does);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &does, &size) && does;
}

EXPORT int
epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_DEL && listens(fd) && orders &&
	    atomic_load(&orders->call) == CALL_UNLISTEN && fails(CALL_UNLISTEN))
		return -1;
	return NEXT(epoll_ctl)(set, op, fd, event);
}

EXPORT struct dirent64 *
readdir64(DIR *d)
{
	return fails(CALL_GETDENTS) ? NULL : NEXT(readdir64)(d);
}

/* Syncs that the kernel made side by side: each is one. */
static void
fail_some(struct io_event *over, long n)
{
	long i;

	for (i = 0; i < n; i++) {
		if (fails(CALL_FSYNC))
			over[i].res = -errno;
		(void)done(0);
	}
}

EXPORT long
syscall(long number, ...)
{
	long a[6];
	va_list args;
	long result;
	size_t i;

	va_start(args, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_openat2 && fails(CALL_OPENAT2))
		return -1;
	if (number == SYS_getdents64 && fails(CALL_GETDENTS))
		return -1;
	result =
	    done(NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]));
	if (number == SYS_io_getevents)
		fail_some((struct io_event *)a[3], result);
	return result;
}
