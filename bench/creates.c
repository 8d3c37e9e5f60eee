/* SPDX-License-Identifier: MIT */
/*
 * What 1,000 creates of 1 KiB take without a server, in milliseconds.
 *
 * creates WAY DIR: makes the files in DIR, which is there and empty.  WAY is
 *   each      every file and its folder synced before the next
 *   each8     the same by eight threads
 *   renamed8  the same, but each made by a hidden name and renamed
 *   once      all of them, then one sync of the file system
 *   none      no sync
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILES 1000

struct maker {
	int dir;
	int first, step;
	bool sync, renamed;
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static const char bytes[1024] = "x";

/* As a server must: no name before the bytes are there. */
static void
make_file(const struct maker *m, int i)
{
	char name[32], self[64];
	int fd = openat(m->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);

	(void)snprintf(name, sizeof(name), "f%d", i);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes) ||
	    (m->sync && fsync(fd)) ||
	    linkat(AT_FDCWD, self, m->dir, name, AT_SYMLINK_FOLLOW) ||
	    close(fd) || (m->sync && fsync(m->dir)))
		err(1, "%s", name);
}

/* As one does where a file without a name is not to be had. */
static void
rename_file(const struct maker *m, int i)
{
	char hidden[32], name[32];
	int fd;

	(void)snprintf(hidden, sizeof(hidden), ".f%d", i);
	(void)snprintf(name, sizeof(name), "f%d", i);
	fd = openat(
	    m->dir, hidden, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes) ||
	    (m->sync && fsync(fd)) || close(fd) ||
	    renameat(m->dir, hidden, m->dir, name) ||
	    (m->sync && fsync(m->dir)))
		err(1, "%s", name);
}

static void *
make_files(void *arg)
{
	const struct maker *m = arg;
	int i;

	for (i = m->first; i < FILES; i += m->step)
		if (m->renamed)
			rename_file(m, i);
		else
			make_file(m, i);
	return NULL;
}

static void
make_by_eight(int dir, bool renamed)
{
	pthread_t threads[8];
	struct maker m[8];
	int i;

	for (i = 0; i < 8; i++) {
		m[i] = (struct maker){ dir, i, 8, true, renamed };
		if (pthread_create(&threads[i], NULL, make_files, &m[i]))
			errx(1, "no thread");
	}
	for (i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
}

int
main(int argc, char **argv)
{
	struct maker m = { .step = 1 };
	double begin;

	if (argc != 3)
		errx(2, "usage: creates each|each8|renamed8|once|none DIR");
	m.dir = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m.dir < 0)
		err(1, "%s", argv[2]);
	begin = now_ms();
	if (!strcmp(argv[1], "each8") || !strcmp(argv[1], "renamed8")) {
		make_by_eight(m.dir, argv[1][0] == 'r');
	} else {
		m.sync = !strcmp(argv[1], "each");
		(void)make_files(&m);
		if (!strcmp(argv[1], "once") && syncfs(m.dir))
			err(1, "sync");
	}
	printf("%.3f\n", now_ms() - begin);
	return 0;
}
