/* SPDX-License-Identifier: MIT */
/*
 * What 1,000 creates of 1 KiB take through the directory store, in
 * milliseconds: of the clock, and of the processor.
 *
 * store_creates WAY DIR: DIR is there and empty.  WAY is a list of words:
 *   batch    all in one batch, else each by itself
 *   keyed    each with a record
 *   over     they replace others, staged and flushed first (in a batch)
 *   eight    by eight threads
 *   relaxed  nothing is synced
 */
#include <err.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/stores.h"

#define FILES 1000

struct job {
	struct store *s;
	struct store_batch *b;
	struct upload **staged; /* NULL: not yet */
	bool keyed;
	int first, step;
};

static void
must(enum err_code rc, const struct err *e)
{
	if (rc)
		errx(1, "%s: %s", err_name(rc), e->why);
}

static struct upload *
stage(struct store *s, int i)
{
	static const char bytes[1024] = "x";
	struct upload *u = NULL;
	struct err e = { 0 };
	char name[32];

	(void)snprintf(name, sizeof(name), "/f%d", i);
	must(store_upload(s, (struct rpath){ str_from_c(name) }, NULL, &u, &e),
	    &e);
	must(ostream_write(upload_stream(u), str_of(bytes, sizeof(bytes))), &e);
	return u;
}

static void
make_one(const struct job *j, int i)
{
	char key[64];
	struct upload *u = j->staged ? j->staged[i] : stage(j->s, i);
	struct record r = { .print = STR("0123456789abcdef0123456789abcdef") };
	const struct guard g = { .record = j->keyed ? &r : NULL };
	struct err e = { 0 };

	(void)snprintf(
	    key, sizeof(key), "user/import-42/item-%d-%ld", i, (long)getpid());
	r.key = str_from_c(key);
	r.expires = clock_now() + 3600 * NSEC_PER_SEC;
	must(upload_commit(u, &g, j->b, NULL, NULL, &e), &e);
	upload_free(u);
}

static void *
run(void *arg)
{
	const struct job *j = arg;
	int i;

	for (i = j->first; i < FILES; i += j->step)
		make_one(j, i);
	return NULL;
}

static void
run_all(const struct job *j, int threads)
{
	struct job jobs[8];
	pthread_t t[8];
	int i;

	for (i = 0; i < threads; i++) {
		jobs[i] = *j;
		jobs[i].first = i;
		jobs[i].step = threads;
		if (i && pthread_create(&t[i], NULL, run, &jobs[i]))
			errx(1, "no thread");
	}
	(void)run(&jobs[0]);
	for (i = 1; i < threads; i++)
		(void)pthread_join(t[i], NULL);
}

static void
stage_all(struct job *j)
{
	struct err e = { 0 };
	int i;

	j->staged = calloc(FILES, sizeof(struct upload *));
	if (!j->staged)
		errx(1, "no memory");
	for (i = 0; i < FILES; i++)
		j->staged[i] = stage(j->s, i);
	must(store_batch_flush(j->s, j->b, &e), &e);
}

static double
ms(const struct timeval *t)
{
	return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

static double
cpu(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return ms(&u.ru_utime) + ms(&u.ru_stime);
}

int
main(int argc, char **argv)
{
	struct err e = { 0 };
	struct job j = { .step = 1 };
	struct dir_store_spec spec = { 0 };
	double cpu_before;
	int64_t begin;
	bool over;

	if (argc != 3)
		errx(2, "usage: store_creates WAY DIR");
	spec.dir = argv[2];
	spec.relaxed = strstr(argv[1], "relaxed") != NULL;
	j.keyed = strstr(argv[1], "keyed") != NULL;
	over = strstr(argv[1], "over") != NULL;
	must(dir_store_open(&spec, &j.s, &e), &e);
	if (over)
		run_all(&(struct job){ .s = j.s }, 1);
	sync();
	cpu_before = cpu();
	begin = clock_now();
	if (strstr(argv[1], "batch")) {
		must(store_batch_begin(j.s, RPATH_ROOT, &j.b, &e), &e);
		store_batch_many(j.b);
		if (over)
			stage_all(&j);
	}
	run_all(&j, strstr(argv[1], "eight") ? 8 : 1);
	must(store_batch_end(j.s, j.b, &e), &e);
	printf("%.1f %.1f\n", (double)(clock_now() - begin) / 1e6,
	    cpu() - cpu_before);
	free(j.staged);
	store_close(j.s);
	return 0;
}
