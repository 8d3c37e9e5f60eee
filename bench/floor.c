/* SPDX-License-Identifier: MIT */
/*
 * What the file system alone takes for the work behind each method: no HTTP.  A
 * server cannot be faster than this by doing the same, so it says how much is
 * left to gain.
 *
 * floor list DIR            a listing of all below DIR, as text: of many, one
 * floor first DIR           the same, of one that was not listed before
 * floor copy DIR NEW N      a copy of a tree by N threads
 * floor move DIR NEW
 * floor remove DIR
 *
 * Prints milliseconds.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 16
#define TOPS_MAX 4096
#define LISTING_MS 200

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The text of a listing, thrown away as a server would send it. */
struct text {
	char bytes[1 << 16];
	size_t len;
	unsigned long total;
};

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

/* The folders of a tree's root, which threads take one by one. */
struct tops {
	int from, to;
	char *names[TOPS_MAX];
	int count;
	atomic_int next;
};

static void *
copy_tops(void *arg)
{
	struct tops *t = arg;
	int i;

	while ((i = atomic_fetch_add(&t->next, 1)) < t->count)
		copy_tree(t->from, t->names[i], t->to, t->names[i]);
	return NULL;
}

static void
copy_by(int threads, const char *name, const char *as)
{
	static struct tops t;
	pthread_t ids[THREADS_MAX];
	DIR *d = enter(AT_FDCWD, name), *c;
	const struct dirent *e;
	int i;

	if (mkdir(as, 0755))
		err(1, "%s", as);
	c = enter(AT_FDCWD, as);
	t.from = dirfd(d);
	t.to = dirfd(c);
	while ((e = next(d)))
		if (e->d_type != DT_DIR)
			copy_file(t.from, t.to, e->d_name);
		else if (t.count < TOPS_MAX)
			t.names[t.count++] = strdup(e->d_name);
	for (i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, copy_tops, &t))
			errx(1, "no thread");
	for (i = 0; i < threads; i++)
		(void)pthread_join(ids[i], NULL);
	closedir(c);
	closedir(d);
}

/* Again and again, as a server would: what one takes. */
static double
list_often(const char *name)
{
	static struct text t;
	double begin;
	int n = 0;

	list(&t, AT_FDCWD, name);
	begin = now_ms();
	do {
		list(&t, AT_FDCWD, name);
		n++;
	} while (now_ms() - begin < LISTING_MS);
	return (now_ms() - begin) / n;
}

/* What cannot be done again in the same way, once. */
static int
run(int argc, char **argv)
{
	static struct text t;
	const char *what = argc > 2 ? argv[1] : "";
	int threads = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 1;

	if (!strcmp(what, "copy") && argc > 3 && threads > 0 &&
	    threads <= THREADS_MAX)
		copy_by(threads, argv[2], argv[3]);
	else if (!strcmp(what, "move") && argc > 3)
		return rename(argv[2], argv[3]);
	else if (!strcmp(what, "remove"))
		remove_tree(AT_FDCWD, argv[2]);
	else if (!strcmp(what, "first"))
		list(&t, AT_FDCWD, argv[2]);
	else
		errx(2,
		    "usage: floor list|first|copy|move|remove DIR "
		    "[NEW [THREADS]]");
	return 0;
}

int
main(int argc, char **argv)
{
	double took = now_ms();

	if (argc == 3 && !strcmp(argv[1], "list")) {
		took = list_often(argv[2]);
	} else {
		if (run(argc, argv))
			err(1, "%s", argv[1]);
		took = now_ms() - took;
	}
	printf("%.4f\n", took);
	return 0;
}
