/* SPDX-License-Identifier: MIT */
/*
 * Loaded into the server with recorder.c.  With $SHEAF_IDS: inode numbers and
 * birth times are those of another directory, of which this one is a copy: rows
 * of four numbers (inode here, inode there, birth time there in seconds and
 * nanoseconds), by inode here.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

struct row {
	uint64_t here, there, seconds, nanoseconds;
};

static const struct row *rows;
static size_t n_rows;

static void
begin_ids(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at;

	if (fd < 0 || fstat(fd, &st))
		abort();
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		abort();
	rows = at;
	n_rows = (size_t)st.st_size / sizeof(*rows);
	(void)close(fd);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *ids = getenv("SHEAF_IDS");

	if (ids)
		begin_ids(ids);
}

static int
by_inode(const void *key, const void *row)
{
	uint64_t a = *(const uint64_t *)key;
	uint64_t b = ((const struct row *)row)->here;

	return a < b ? -1 : a > b;
}

EXPORT int
statx(int dir, const char *name, int flags, unsigned mask, struct statx *stx)
{
	int failed = NEXT(statx)(dir, name, flags, mask, stx);
	uint64_t ino = stx->stx_ino;
	const struct row *row;

	if (failed || !n_rows)
		return failed;
	row = bsearch(&ino, rows, n_rows, sizeof(*rows), by_inode);
	if (row) {
		stx->stx_ino = row->there;
		stx->stx_btime.tv_sec = (int64_t)row->seconds;
		stx->stx_btime.tv_nsec = (uint32_t)row->nanoseconds;
	}
	return 0;
}
