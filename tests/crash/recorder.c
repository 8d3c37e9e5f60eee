/* SPDX-License-Identifier: MIT */
/*
 * Loaded into the server (LD_PRELOAD) by powercut.py.
 *
 * With $SHEAF_RECORD: writes down each change of the file system of
 * $SHEAF_RECORD_ROOT, in order, and what was synced.  A change and its record
 * are one step for all threads.  A sync is not: its record says how far the log
 * was when it began, which is what it covers.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "recorder.h"

#define STEP ((size_t)65536)

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
int out = -1;
static dev_t dev;

/* ---- the log */

static uint64_t
nanoseconds(struct statx_timestamp t)
{
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct id
id_at(int dir, const char *name, int64_t *modified)
{
	int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
	struct statx stx;

	if (NEXT(statx)(
		dir, name, flags, STATX_BASIC_STATS | STATX_BTIME, &stx))
		return (struct id){ 0 };
	if (modified)
		*modified = (int64_t)nanoseconds(stx.stx_mtime);
	return (struct id){ stx.stx_ino, nanoseconds(stx.stx_btime) };
}

int64_t
log_size(void)
{
	struct stat st;

	return fstat(out, &st) ? 0 : (int64_t)st.st_size;
}

void
put(struct record r, const char *name, const char *to, const void *bytes,
    size_t n)
{
	struct iovec parts[4] = {
		{ .iov_base = &r, .iov_len = sizeof(r) },
		{ .iov_base = (void *)(uintptr_t)name,
		    .iov_len = name ? strlen(name) : 0 },
		{ .iov_base = (void *)(uintptr_t)to,
		    .iov_len = to ? strlen(to) : 0 },
		{ .iov_base = (void *)(uintptr_t)bytes, .iov_len = n },
	};

	r.name = (uint32_t)parts[1].iov_len;
	r.to = (uint32_t)parts[2].iov_len;
	r.bytes = (uint32_t)n;
	r.size = (uint32_t)sizeof(r) + r.name + r.to + r.bytes;
	if (writev(out, parts, 4) != (ssize_t)r.size)
		abort();
}

/* Errors of what is between are the caller's; those of ours are not. */
void
step_begin(void)
{
	(void)pthread_mutex_lock(&order);
}

void
step_end(int errnum)
{
	(void)pthread_mutex_unlock(&order);
	errno = errnum;
}

static bool
is_file(int fd)
{
	struct stat st;

	return out >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    st.st_dev == dev && fd != out;
}

static void
put_bytes(int fd, const void *bytes, size_t n, int64_t at)
{
	struct record r = { .kind = KIND_WRITE, .at = at };

	r.c = id_at(fd, "", &r.modified);
	put(r, NULL, NULL, bytes, n);
}

/* What something else than a write has put there. */
static void
put_copied(int fd, int64_t at, int64_t end)
{
	static char bytes[STEP];
	ssize_t n;

	while (at < end && (n = pread(fd, bytes, STEP, (off_t)at)) > 0) {
		if (n > end - at)
			n = (ssize_t)(end - at);
		put_bytes(fd, bytes, (size_t)n, at);
		at += n;
	}
}

static void
put_file(enum kind kind, int fd, int64_t at)
{
	struct record r = { .kind = kind, .at = at };

	r.c = id_at(fd, "", &r.modified);
	put(r, NULL, NULL, NULL, 0);
}

static void
put_name(enum kind kind, int dir, const char *name, struct id c)
{
	struct record r = { .kind = kind, .c = c };

	r.a = id_at(dir, "", NULL);
	put(r, name, NULL, NULL, 0);
}

/* ---- names: a collection and a name in it */

struct spot {
	int dir;
	bool opened;
	const char *name;
};

static struct spot
spot_of(int dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[4096];

	if (!slash) {
		return (struct spot){ .dir = dir, .name = path };
	}
	(void)snprintf(
	    parent, sizeof(parent), "%.*s", (int)(slash - path + 1), path);
	return (struct spot){
		.dir = NEXT(openat64)(dir, parent, O_PATH | O_CLOEXEC),
		.opened = true,
		.name = slash + 1,
	};
}

static void
spot_done(const struct spot *s)
{
	if (s->opened)
		(void)close(s->dir);
}

/* ---- the beginning */

static void
begin_log(const char *name, const char *root)
{
	struct stat st;

	if (stat(root, &st))
		abort();
	dev = st.st_dev;
	out =
	    NEXT(open64)(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out < 0)
		abort();
	put((struct record){ .kind = KIND_ROOT,
		.c = id_at(AT_FDCWD, root, NULL) },
	    NULL, NULL, NULL, 0);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *record = getenv("SHEAF_RECORD");
	const char *root = getenv("SHEAF_RECORD_ROOT");

	if (record && root)
		begin_log(record, root);
}

/* ---- bytes */

EXPORT ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t done;
	int errnum;

	if (!is_file(fd))
		return NEXT(write)(fd, p, n);
	step_begin();
	done = NEXT(write)(fd, p, n);
	errnum = errno;
	if (done > 0)
		put_bytes(fd, p, (size_t)done, lseek(fd, 0, SEEK_CUR) - done);
	step_end(errnum);
	return done;
}

EXPORT ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	ssize_t done;
	int errnum;

	if (!is_file(fd))
		return NEXT(pwrite64)(fd, p, n, at);
	step_begin();
	done = NEXT(pwrite64)(fd, p, n, at);
	errnum = errno;
	if (done > 0)
		put_bytes(fd, p, (size_t)done, at);
	step_end(errnum);
	return done;
}

EXPORT ssize_t
copy_file_range(
    int in, off64_t *a, int to, off64_t *b, size_t n, unsigned flags)
{
	ssize_t done;
	int errnum;

	if (!is_file(to))
		return NEXT(copy_file_range)(in, a, to, b, n, flags);
	step_begin();
	done = NEXT(copy_file_range)(in, a, to, b, n, flags);
	errnum = errno;
	if (done > 0) {
		int64_t end = b ? *b : lseek(to, 0, SEEK_CUR);

		put_copied(to, end - done, end);
	}
	step_end(errnum);
	return done;
}

EXPORT int
ftruncate64(int fd, off64_t size)
{
	int failed, errnum;

	if (!is_file(fd))
		return NEXT(ftruncate64)(fd, size);
	step_begin();
	failed = NEXT(ftruncate64)(fd, size);
	errnum = errno;
	if (!failed)
		put_file(KIND_SIZE, fd, size);
	step_end(errnum);
	return failed;
}

EXPORT int
futimens(int fd, const struct timespec t[2])
{
	int failed, errnum;

	if (!is_file(fd))
		return NEXT(futimens)(fd, t);
	step_begin();
	failed = NEXT(futimens)(fd, t);
	errnum = errno;
	if (!failed)
		put_file(KIND_TIME, fd, 0);
	step_end(errnum);
	return failed;
}

EXPORT int
ioctl(int fd, unsigned long what, ...)
{
	va_list args;
	void *arg;
	int result, errnum;
	struct stat st;

	va_start(args, what);
	arg = va_arg(args, void *);
	va_end(args);
	if (what != FICLONE || !is_file(fd))
		return NEXT(ioctl)(fd, what, arg);
	step_begin();
	result = NEXT(ioctl)(fd, what, arg);
	errnum = errno;
	if (!result && !fstat(fd, &st))
		put_copied(fd, 0, st.st_size);
	step_end(errnum);
	return result;
}

/* ---- names */

/* An open() that may make a file. */
struct opening {
	struct spot spot;
	bool there; /* before it */
};

static void
opening_begin(struct opening *o, int dir, const char *path)
{
	o->spot = spot_of(dir, path);
	step_begin();
	o->there = id_at(o->spot.dir, o->spot.name, NULL).ino != 0;
}

static int
opening_end(const struct opening *o, int fd)
{
	int errnum = errno;

	if (fd >= 0 && !o->there && is_file(fd))
		put_name(
		    KIND_MAKE, o->spot.dir, o->spot.name, id_at(fd, "", NULL));
	spot_done(&o->spot);
	step_end(errnum);
	return fd;
}

static bool
makes(int flags)
{
	return out >= 0 && (flags & O_CREAT) &&
	    (flags & O_TMPFILE) != O_TMPFILE;
}

EXPORT int
open64(const char *path, int flags, ...)
{
	struct opening o;
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = (mode_t)va_arg(args, int);
	va_end(args);
	if (!makes(flags))
		return NEXT(open64)(path, flags, mode);
	opening_begin(&o, AT_FDCWD, path);
	return opening_end(&o, NEXT(open64)(path, flags, mode));
}

EXPORT int
openat64(int dir, const char *path, int flags, ...)
{
	struct opening o;
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = (mode_t)va_arg(args, int);
	va_end(args);
	if (!makes(flags))
		return NEXT(openat64)(dir, path, flags, mode);
	opening_begin(&o, dir, path);
	return opening_end(&o, NEXT(openat64)(dir, path, flags, mode));
}

EXPORT int
mkdirat(int dir, const char *path, mode_t mode)
{
	struct spot s;
	int failed, errnum;

	if (out < 0)
		return NEXT(mkdirat)(dir, path, mode);
	s = spot_of(dir, path);
	step_begin();
	failed = NEXT(mkdirat)(dir, path, mode);
	errnum = errno;
	if (!failed)
		put_name(KIND_MKDIR, s.dir, s.name, id_at(s.dir, s.name, NULL));
	spot_done(&s);
	step_end(errnum);
	return failed;
}

EXPORT int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

EXPORT int
linkat(int from, const char *a, int dir, const char *path, int flags)
{
	struct spot s;
	int failed, errnum;

	if (out < 0)
		return NEXT(linkat)(from, a, dir, path, flags);
	s = spot_of(dir, path);
	step_begin();
	failed = NEXT(linkat)(from, a, dir, path, flags);
	errnum = errno;
	if (!failed)
		put_name(KIND_MAKE, s.dir, s.name, id_at(s.dir, s.name, NULL));
	spot_done(&s);
	step_end(errnum);
	return failed;
}

EXPORT int
unlinkat(int dir, const char *path, int flags)
{
	struct spot s;
	struct id gone;
	int failed, errnum;

	if (out < 0)
		return NEXT(unlinkat)(dir, path, flags);
	s = spot_of(dir, path);
	step_begin();
	gone = id_at(s.dir, s.name, NULL);
	failed = NEXT(unlinkat)(dir, path, flags);
	errnum = errno;
	if (!failed)
		put_name(KIND_REMOVE, s.dir, s.name, gone);
	spot_done(&s);
	step_end(errnum);
	return failed;
}

EXPORT int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int
renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	struct record r = { 0 };
	struct spot s, t;
	int failed, errnum;

	if (out < 0)
		return NEXT(renameat2)(from, a, to, b, flags);
	s = spot_of(from, a);
	t = spot_of(to, b);
	step_begin();
	r.kind = flags & RENAME_EXCHANGE ? KIND_EXCHANGE : KIND_RENAME;
	r.a = id_at(s.dir, "", NULL);
	r.b = id_at(t.dir, "", NULL);
	r.c = id_at(s.dir, s.name, NULL);
	r.d = id_at(t.dir, t.name, NULL);
	failed = NEXT(renameat2)(from, a, to, b, flags);
	errnum = errno;
	if (!failed)
		put(r, s.name, t.name, NULL, 0);
	spot_done(&s);
	spot_done(&t);
	step_end(errnum);
	return failed;
}

EXPORT int
renameat(int from, const char *a, int to, const char *b)
{
	return renameat2(from, a, to, b, 0);
}

/* ---- what has no function of its own */

EXPORT long
syscall(long number, ...)
{
	struct opening o;
	long a[6];
	va_list args;
	long result;
	size_t i;

	va_start(args, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_openat2 &&
	    makes((int)((const struct open_how *)a[2])->flags)) {
		opening_begin(&o, (int)a[0], (const char *)a[1]);
		return opening_end(
		    &o, (int)NEXT(syscall)(number, a[0], a[1], a[2], a[3]));
	}
	if (number == SYS_io_submit && out >= 0)
		syncs_begin((struct iocb *const *)a[2], (size_t)a[1]);
	result = NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_io_getevents && out >= 0 && result > 0)
		syncs_end((const struct io_event *)a[3], (size_t)result);
	return result;
}
