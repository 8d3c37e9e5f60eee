/* SPDX-License-Identifier: MIT */
/* What is synced, and when: the calls are counted, and fail on demand. */
#include "store/world.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { SYNC_FILE, SYNC_SYSTEM, SYNC_LOG, SYNC_KINDS };

static atomic_uint synced[SYNC_KINDS];
static bool broken;
void (*during_log_sync)(void);

int __real_fsync(int fd);
int __real_syncfs(int fd);
int __real_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_syncfs(int fd);
int __wrap_fdatasync(int fd);

int
__wrap_fsync(int fd)
{
	synced[SYNC_FILE]++;
	return __real_fsync(fd);
}

int
__wrap_syncfs(int fd)
{
	synced[SYNC_SYSTEM]++;
	if (!broken)
		return __real_syncfs(fd);
	errno = EIO;
	return -1;
}

/* The state's log; SQLite itself is not asked. */
int
__wrap_fdatasync(int fd)
{
	synced[SYNC_LOG]++;
	if (during_log_sync)
		during_log_sync();
	return __real_fdatasync(fd);
}

static void
forget_syncs(void)
{
	int i;

	for (i = 0; i < SYNC_KINDS; i++)
		synced[i] = 0;
}

#define MANY 100U

static const char *
nth_path(char out[32], const char *dir, unsigned n)
{
	(void)snprintf(out, 32, "%s/%u", dir, n);
	return out;
}

static void
make_sources(struct world *w)
{
	char path[32];
	unsigned i;

	must_mkcol(w->store, "/a");
	must_mkcol(w->store, "/b");
	for (i = 0; i < MANY; i++)
		must_put(w->store, nth_path(path, "/a", i), "bytes");
}

/* From /a to /b; how many files and directories were synced. */
static unsigned
copy_all(struct world *w, struct store_batch *b)
{
	char from[32], to[32];
	unsigned i;

	forget_syncs();
	for (i = 0; i < MANY; i++)
		assert_ok(store_copy(w->store, at(nth_path(from, "/a", i)),
		    at(nth_path(to, "/b", i)), REPLACE_YES, NULL, b, NULL, NULL,
		    err));
	assert_int_equal(synced[SYNC_SYSTEM], 0);
	return synced[SYNC_FILE];
}

static unsigned
remove_all(struct world *w, struct store_batch *b)
{
	char path[32];
	unsigned i;

	forget_syncs();
	for (i = 0; i < MANY; i++)
		assert_ok(store_remove(
		    w->store, at(nth_path(path, "/b", i)), NULL, b, err));
	assert_int_equal(synced[SYNC_SYSTEM], 0);
	return synced[SYNC_FILE];
}

static struct store_batch *
begin(struct world *w)
{
	struct store_batch *b = NULL;

	assert_ok(store_batch_begin(w->store, at("/"), &b, err));
	assert_non_null(b);
	return b;
}

static void
without_a_batch_each_change_is_synced(void **state)
{
	struct world *w = *state;

	make_sources(w);
	assert_int_equal(copy_all(w, NULL), 2 * MANY);
	assert_int_equal(remove_all(w, NULL), MANY);
}

static void
a_large_batch_is_synced_once_at_its_end(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	make_sources(w);
	b = begin(w);
	assert_true(copy_all(w, b) < MANY / 2);
	assert_true(remove_all(w, b) == 0);
	forget_syncs();
	assert_ok(store_batch_end(w->store, b, err));
	assert_int_equal(synced[SYNC_SYSTEM], 1);
}

static void
a_small_batch_syncs_only_what_is_its_own(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	must_put(w->store, "/one", "bytes");
	b = begin(w);
	forget_syncs();
	assert_ok(store_remove(w->store, at("/one"), NULL, b, err));
	assert_int_equal(synced[SYNC_FILE], 1);
	assert_ok(store_batch_end(w->store, b, err));
	assert_int_equal(synced[SYNC_SYSTEM], 0);
}

static void
bytes_that_replace_others_never_wait(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	make_sources(w);
	(void)copy_all(w, NULL);
	b = begin(w);
	assert_true(copy_all(w, b) >= MANY);
	assert_ok(store_batch_end(w->store, b, err));
}

static void
a_batch_that_cannot_be_synced_says_so(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	make_sources(w);
	b = begin(w);
	(void)copy_all(w, b);
	broken = true;
	assert_fails(store_batch_end(w->store, b, err), ERR_IO);
	broken = false;
}

/* ---- many, as a bulk request makes them */

static struct store_batch *
begin_many(struct world *w)
{
	struct store_batch *b = begin(w);

	store_batch_many(b);
	return b;
}

static struct upload *
stage(struct world *w, const char *path, const char *bytes)
{
	struct upload *u = NULL;

	assert_ok(store_upload(w->store, at(path), NULL, &u, err));
	assert_ok(ostream_write(upload_stream(u), str_from_c(bytes)));
	return u;
}

static void
commit(struct upload *u, const struct guard *g, struct store_batch *b)
{
	assert_ok(upload_commit(u, g, b, NULL, NULL, err));
	upload_free(u);
}

static void
must_sync(unsigned files, unsigned systems, unsigned logs, int line)
{
	if (synced[SYNC_FILE] == files && synced[SYNC_SYSTEM] == systems &&
	    synced[SYNC_LOG] == logs)
		return;
	print_error("synced %u files, %u systems, %u logs\n", synced[SYNC_FILE],
	    synced[SYNC_SYSTEM], synced[SYNC_LOG]);
	_fail(__FILE__, line);
}

#define assert_synced(files, systems, logs) \
	must_sync(files, systems, logs, __LINE__)

static void
put_many(struct world *w, unsigned n, const char *bytes, struct store_batch *b)
{
	char path[32];
	unsigned i;

	for (i = 0; i < n; i++)
		commit(stage(w, nth_path(path, "", i), bytes), NULL, b);
}

static void
any_number_of_creates_costs_a_few_syncs(void **state)
{
	struct world *w = *state;
	struct store_batch *b = begin_many(w);

	forget_syncs();
	put_many(w, MANY, "bytes", b);
	assert_synced(0, 0, 1); /* what it said beforehand */
	assert_ok(store_batch_end(w->store, b, err));
	assert_synced(0, 1, 2);
	must_have(w->store, "/99", "bytes");
}

static void
every_kind_of_change_waits(void **state)
{
	struct world *w = *state;
	const struct prop_change p = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = STR("v") },
	};
	struct store_batch *b;
	struct store *s = w->store;

	must_mkcol(s, "/full");
	must_put(s, "/full/f", "f");
	b = begin_many(w);
	commit(stage(w, "/f", "bytes"), NULL, b);
	forget_syncs();
	assert_ok(store_mkcol(s, at("/d"), NULL, b, err));
	assert_ok(store_patch(s, at("/f"), &p, 1, NULL, b, err));
	assert_ok(store_copy(
	    s, at("/f"), at("/d/f"), REPLACE_NO, NULL, b, NULL, NULL, err));
	assert_ok(store_rename(
	    s, at("/d"), at("/e"), REPLACE_NO, NULL, b, NULL, err));
	assert_ok(store_rename(
	    s, at("/full"), at("/e/full"), REPLACE_NO, NULL, b, NULL, err));
	assert_ok(store_remove(s, at("/e/full/f"), NULL, b, err));
	assert_ok(store_remove(s, at("/e/full"), NULL, b, err));
	assert_synced(0, 0, 0);
	assert_ok(store_batch_end(s, b, err));
	assert_synced(0, 1, 1);
	must_have_props(s, "/e/f", "p=v;");
}

static void
uploads_that_replace_are_synced_or_flushed(void **state)
{
	struct world *w = *state;
	struct store_batch *b;
	struct upload *u[MANY];
	char path[32];
	unsigned i;

	put_many(w, MANY, "old", NULL);
	b = begin_many(w);
	forget_syncs();
	put_many(w, MANY, "new", b);
	assert_int_equal(synced[SYNC_FILE], MANY);
	for (i = 0; i < MANY; i++)
		u[i] = stage(w, nth_path(path, "", i), "newer");
	forget_syncs();
	assert_ok(store_batch_flush(w->store, b, err));
	assert_synced(0, 1, 0);
	assert_ok(ostream_write(upload_stream(u[0]), STR("st")));
	for (i = 0; i < MANY; i++)
		commit(u[i], NULL, b);
	assert_synced(1, 1, 0); /* that one has had more bytes since */
	assert_ok(store_batch_end(w->store, b, err));
	must_have(w->store, "/0", "newerst");
	must_have(w->store, "/1", "newer");
}

static int
mode_of(const struct world *w, const char *path)
{
	struct stat st;

	assert_int_equal(stat(real(w, path), &st), 0);
	return st.st_mode & 07777;
}

static void
what_replaces_a_file_of_another_mode_is_synced_once(void **state)
{
	struct world *w = *state;
	struct store_batch *b;
	struct upload *u;

	must_put(w->store, "/f", "old");
	assert_int_equal(chmod(real(w, "/f"), 0600), 0);
	b = begin_many(w);
	u = stage(w, "/f", "new");
	forget_syncs();
	commit(u, NULL, b);
	assert_int_equal(synced[SYNC_FILE], 1);
	assert_ok(store_batch_end(w->store, b, err));
	assert_int_equal(mode_of(w, "/f"), 0600);
	u = stage(w, "/f", "newer");
	assert_int_equal(chmod(real(w, "/f"), 0640), 0);
	commit(u, NULL, NULL);
	assert_int_equal(mode_of(w, "/f"), 0640);
}

static void
a_flush_that_fails_spares_no_sync(void **state)
{
	struct world *w = *state;
	struct store_batch *b;
	struct upload *u[8];
	size_t i;

	must_put(w->store, "/f", "old");
	b = begin_many(w);
	for (i = 0; i < ARRAY_LEN(u); i++)
		u[i] = stage(w, "/f", "new");
	broken = true;
	assert_fails(store_batch_flush(w->store, b, err), ERR_IO);
	broken = false;
	forget_syncs();
	for (i = 0; i < ARRAY_LEN(u); i++)
		commit(u[i], NULL, b);
	assert_int_equal(synced[SYNC_FILE], ARRAY_LEN(u));
	assert_ok(store_batch_end(w->store, b, err));
}

static void
a_flush_of_what_replaces_nothing_syncs_nothing(void **state)
{
	struct world *w = *state;
	struct store_batch *b = begin_many(w);
	struct upload *u[8];
	char path[32];
	unsigned i;

	for (i = 0; i < ARRAY_LEN(u); i++)
		u[i] = stage(w, nth_path(path, "", i), "new");
	forget_syncs();
	assert_ok(store_batch_flush(w->store, b, err));
	assert_synced(0, 0, 0);
	for (i = 0; i < ARRAY_LEN(u); i++)
		commit(u[i], NULL, b);
	assert_ok(store_batch_end(w->store, b, err));
	assert_synced(0, 1, 2);
}

static void
bytes_of_a_batch_are_synced_before_a_move(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	must_put(w->store, "/old", "old");
	b = begin_many(w);
	commit(stage(w, "/f", "new"), NULL, b);
	commit(stage(w, "/g", "new"), NULL, b);
	forget_syncs();
	assert_ok(store_rename(
	    w->store, at("/f"), at("/old"), REPLACE_YES, NULL, b, NULL, err));
	assert_synced(1, 0, 0);
	/* By somebody else, who does not wait for the batch. */
	assert_ok(store_rename(
	    w->store, at("/g"), at("/h"), REPLACE_NO, NULL, NULL, NULL, err));
	assert_int_equal(synced[SYNC_FILE], 1 + 1 + 2); /* and two folders */
	assert_ok(store_batch_end(w->store, b, err));
}

/* ---- records of a batch */

static struct record
record(const char *key)
{
	return (struct record){
		.key = str_from_c(key),
		.print = STR("print"),
		.expires = clock_now() + 3600 * NSEC_PER_SEC,
	};
}

static bool
is_known(struct world *w, const char *key)
{
	struct arena a = { 0 };
	struct recalled r;
	bool found = false;

	assert_ok(store_recall(w->store, str_from_c(key), &a, &r, &found, err));
	arena_done(&a);
	return found;
}

static void
a_record_and_its_bytes_are_on_the_disk_before_its_name(void **state)
{
	struct world *w = *state;
	const struct record r = record("key");
	const struct guard g = { .record = &r };
	struct store_batch *b = begin_many(w);

	commit(stage(w, "/f", "bytes"), NULL, b);
	forget_syncs();
	commit(stage(w, "/g", "bytes"), &g, b);
	assert_ok(store_copy(
	    w->store, at("/f"), at("/h"), REPLACE_NO, &g, b, NULL, NULL, err));
	assert_synced(2, 0, 2);
	assert_ok(store_remember(w->store, &r, STR("result"), b, err));
	assert_synced(2, 0, 2);
	assert_ok(store_batch_end(w->store, b, err));
	assert_synced(2, 1, 3);
}

static void
what_could_not_be_synced_is_not_remembered(void **state)
{
	struct world *w = *state;
	const struct record r[] = { record("change"), record("alone") };
	const struct guard g = { .record = &r[0] };
	struct store_batch *b = begin_many(w);

	commit(stage(w, "/f", "bytes"), &g, b);
	assert_ok(store_remember(w->store, &r[1], STR("result"), b, err));
	assert_true(is_known(w, "change") && is_known(w, "alone"));
	broken = true;
	assert_fails(store_batch_end(w->store, b, err), ERR_IO);
	broken = false;
	assert_false(is_known(w, "change") || is_known(w, "alone"));
	must_have(w->store, "/f", "bytes");
}

/* ---- the journal */

static void
what_a_batch_says_of_its_root_is_taken_back(void **state)
{
	struct world *w = *state;
	struct store_batch *b = begin_many(w);

	put_many(w, MANY, "bytes", b);
	assert_int_equal(count_lines(w, 7), 1);
	assert_ok(store_batch_end(w->store, b, err));
	assert_int_equal(count_lines(w, 7), 0);
	assert_int_equal(count_lines(w, 1), MANY);
}

static void
a_batch_that_failed_does_not_take_it_back(void **state)
{
	struct world *w = *state;
	struct store_batch *b = begin_many(w);

	put_many(w, 1, "bytes", b);
	broken = true;
	assert_fails(store_batch_end(w->store, b, err), ERR_IO);
	broken = false;
	assert_int_equal(count_lines(w, 7), 1);
}

/* ---- by many threads */

#define THREADS 8U
#define EACH 100U

struct worker {
	struct world *w;
	struct store_batch *b;
	unsigned number;
};

static void *
work(void *arg)
{
	const struct worker *me = arg;
	struct store *s = me->w->store;
	char path[64], key[32];
	unsigned i;

	for (i = 0; i < EACH; i++) {
		const struct record r = {
			.key = { key,
			    (size_t)snprintf(
				key, sizeof(key), "%u-%u", me->number, i) },
			.print = STR("print"),
			.expires = clock_now() + 3600 * NSEC_PER_SEC,
		};
		const struct guard g = { .record = i % 2 ? &r : NULL };
		struct rpath p;

		(void)snprintf(path, sizeof(path), "/%s", key);
		p.s = str_from_c(path);
		if (store_mkcol(s, p, &g, me->b, NULL) ||
		    (i % 2 && store_remember(s, &r, STR("r"), me->b, NULL)) ||
		    (i % 3 == 0 && store_remove(s, p, NULL, me->b, NULL)))
			return arg;
	}
	return NULL;
}

static void
many_threads_make_one_batch(void **state)
{
	struct world *w = *state;
	struct store_batch *b = begin_many(w);
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	unsigned i;

	forget_syncs();
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ w, b, i };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_ok(store_batch_end(w->store, b, err));
	assert_int_equal(synced[SYNC_FILE], 0);
	assert_true(synced[SYNC_SYSTEM] <= 3);
	for (i = 0; i < EACH; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "/7-%u", i);
		if (i % 3)
			(void)must_stat(w->store, key);
		else
			must_lack(w->store, key);
		assert_int_equal(is_known(w, key + 1), i % 2);
	}
}

static const struct CMUnitTest rows[] = {
	STRICT_TEST(without_a_batch_each_change_is_synced),
	STRICT_TEST(a_large_batch_is_synced_once_at_its_end),
	STRICT_TEST(a_small_batch_syncs_only_what_is_its_own),
	STRICT_TEST(bytes_that_replace_others_never_wait),
	STRICT_TEST(a_batch_that_cannot_be_synced_says_so),
	STRICT_TEST(any_number_of_creates_costs_a_few_syncs),
	STRICT_TEST(every_kind_of_change_waits),
	STRICT_TEST(uploads_that_replace_are_synced_or_flushed),
	STRICT_TEST(what_replaces_a_file_of_another_mode_is_synced_once),
	STRICT_TEST(a_flush_that_fails_spares_no_sync),
	STRICT_TEST(a_flush_of_what_replaces_nothing_syncs_nothing),
	STRICT_TEST(bytes_of_a_batch_are_synced_before_a_move),
	STRICT_TEST(a_record_and_its_bytes_are_on_the_disk_before_its_name),
	STRICT_TEST(what_could_not_be_synced_is_not_remembered),
	STRICT_TEST(what_a_batch_says_of_its_root_is_taken_back),
	STRICT_TEST(a_batch_that_failed_does_not_take_it_back),
	STRICT_TEST(many_threads_make_one_batch),
};

const struct tests batch_tests = { rows, ARRAY_LEN(rows) };
