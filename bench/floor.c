/* SPDX-License-Identifier: MIT */
/*
 * What the file system alone takes for the work behind each method: no HTTP,
 * one thread.  A server cannot be faster than this, so it says how much is left
 * to gain.
 *
 * floor DIR: DIR holds flat/ and tree/ as run_side_by_side makes them.  Prints
 * "NAME<tab>FIGURE" lines.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TIMES 5
#define PUTS 2000

/* The text of a listing, thrown away as a server would send it. */
struct text {
	char bytes[1 << 16];
	size_t len;
	unsigned long total;
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A folder below dir, to be read with readdir(); its own descriptor. */
static DIR *
enter(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		err(1, "%s", name);
	return d;
}

/* The next member, without "." and "..". */
static const struct dirent *
next(DIR *d)
{
	const struct dirent *e;

	do
		e = readdir(d);
	while (e && e->d_name[0] == '.' &&
	    (!e->d_name[1] || !strcmp(e->d_name, "..")));
	return e;
}

static void
put_entry(struct text *t, const char *name, const struct stat *st)
{
	int n;

	if (sizeof(t->bytes) - t->len < 1024) {
		t->total += t->len;
		t->len = 0;
	}
	n = snprintf(t->bytes + t->len, 1024,
	    "<D:response><D:href>/%s</D:href><D:propstat><D:prop>"
	    "<D:getcontentlength>%jd</D:getcontentlength>"
	    "<D:getlastmodified>%jd</D:getlastmodified>"
	    "<D:getetag>\"%jx-%jx\"</D:getetag></D:prop>"
	    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n",
	    name, (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec,
	    (intmax_t)st->st_ino, (intmax_t)st->st_mtim.tv_nsec);
	t->len += n > 0 ? (size_t)n : 0;
}

static void
list(struct text *t, int dir, const char *name)
{
	DIR *d = enter(dir, name);
	const struct dirent *e;
	struct stat st;

	while ((e = next(d))) {
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		put_entry(t, e->d_name, &st);
		if (S_ISDIR(st.st_mode))
			list(t, dirfd(d), e->d_name);
	}
	closedir(d);
}

static void
copy_file(int from, int to, const char *name)
{
	int in = openat(from, name, O_RDONLY | O_CLOEXEC);
	int out =
	    openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	char bytes[1 << 16];
	ssize_t n;

	if (in < 0 || out < 0)
		err(1, "%s", name);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		if (write(out, bytes, (size_t)n) != n)
			err(1, "%s", name);
	close(in);
	close(out);
}

static void
copy_tree(int from, const char *name, int to, const char *as)
{
	DIR *d = enter(from, name), *c;
	const struct dirent *e;

	if (mkdirat(to, as, 0755))
		err(1, "%s", as);
	c = enter(to, as);
	while ((e = next(d)))
		if (e->d_type == DT_DIR)
			copy_tree(dirfd(d), e->d_name, dirfd(c), e->d_name);
		else
			copy_file(dirfd(d), dirfd(c), e->d_name);
	closedir(c);
	closedir(d);
}

static void
remove_tree(int dir, const char *name)
{
	DIR *d = enter(dir, name);
	const struct dirent *e;

	while ((e = next(d)))
		if (e->d_type == DT_DIR)
			remove_tree(dirfd(d), e->d_name);
		else
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	if (unlinkat(dir, name, AT_REMOVEDIR))
		err(1, "%s", name);
}

/* Under another name, synced if asked, then renamed: microseconds each. */
static double
put_files(const char *folder, bool sync)
{
	static const char bytes[1024] = "x";
	int i, fd, dir;
	double begin;
	char name[32];

	if (mkdir(folder, 0755))
		err(1, "%s", folder);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	begin = now_ms();
	for (i = 0; i < PUTS; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		fd = openat(
		    dir, ".new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 || write(fd, bytes, sizeof(bytes)) < 0 ||
		    (sync && fsync(fd)) || close(fd) ||
		    renameat(dir, ".new", dir, name) || (sync && fsync(dir)))
			err(1, "%s/%s", folder, name);
	}
	begin = now_ms() - begin;
	close(dir);
	remove_tree(AT_FDCWD, folder);
	return begin * 1e3 / PUTS;
}

static void
measure_listing(const char *what, const char *folder)
{
	static struct text t;
	double best = 0, took;
	int i;

	for (i = 0; i < TIMES; i++) {
		took = now_ms();
		list(&t, AT_FDCWD, folder);
		took = now_ms() - took;
		best = !i || took < best ? took : best;
	}
	printf("%s\t%.1f ms\n", what, best);
}

static void
measure_tree(void)
{
	double begin = now_ms();

	copy_tree(AT_FDCWD, "tree", AT_FDCWD, "floor-copy");
	printf("COPY a tree of 10,000 files\t%.0f ms\n", now_ms() - begin);
	begin = now_ms();
	if (rename("floor-copy", "floor-moved"))
		err(1, "rename");
	printf("MOVE it\t%.2f ms\n", now_ms() - begin);
	begin = now_ms();
	remove_tree(AT_FDCWD, "floor-moved");
	printf("DELETE it\t%.0f ms\n", now_ms() - begin);
}

int
main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		errx(2, "usage: floor DIR");
	measure_listing("PROPFIND Depth 1, 10,000 members", "flat");
	measure_listing("PROPFIND Depth infinity, 10,000 files", "tree");
	printf("PUT 1 KiB, 8 connections\t%.1f µs, synced %.0f µs\n",
	    put_files("floor-put", false), put_files("floor-put", true));
	measure_tree();
	return 0;
}
