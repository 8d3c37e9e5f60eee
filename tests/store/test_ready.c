/* SPDX-License-Identifier: MIT */
/*
 * Files that are asked for again and again: whatever anybody does to one, or to
 * what it is in, by whatever way, the next answer tells what is there.
 */
#include "store/ready_seen.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "lib/alloc_fail.h"
#include "store/dir_ready.h"

/* ---- tests */

static _Atomic unsigned long statx_calls;
static unsigned long change_at; /* that call */
static void (*change)(const struct world *w);
static const struct world *changed;
static uint64_t elsewhere[2]; /* inodes that are of another device */
static uint64_t encrypted; /* one that is */

int __real_statx(int, const char *, int, unsigned, struct statx *);
int __wrap_statx(int, const char *, int, unsigned, struct statx *);

int
__wrap_statx(
    int dir, const char *name, int flags, unsigned mask, struct statx *out)
{
	int rc = __real_statx(dir, name, flags, mask, out);

	if (!rc &&
	    (out->stx_ino == elsewhere[0] || out->stx_ino == elsewhere[1]))
		out->stx_dev_minor += 1000;
	if (!rc && out->stx_ino == encrypted)
		out->stx_attributes |= STATX_ATTR_ENCRYPTED;
	if (++statx_calls == change_at)
		change(changed);
	return rc;
}

static void
a_file_that_is_known_is_not_asked_about(void **state)
{
	const struct world *w = *state;
	struct resource res;
	struct content *c;
	struct str bytes;
	char text[16];
	size_t got;

	learn(w, "/d/f0");
	statx_calls = 0;
	assert_ok(store_stat(w->store, at("/d/f0"), &res, err));
	assert_ok(store_open(w->store, at("/d/f0"), &c, err));
	assert_ok(content_read(c, 7, text, sizeof(text), &got, err));
	assert_int_equal(got, 5);
	assert_memory_equal(text, "bytes", 5);
	assert_ok(content_read(c, 100, text, sizeof(text), &got, err));
	assert_int_equal(got, 0);
	assert_int_equal(content_take_fd(c), -1);
	assert_int_equal(statx_calls, 0);
	/* It stays what it was for who has it. */
	bytes = content_bytes(c);
	assert_int_equal(bytes.len, 12);
	add(w, "/d/f0", "TWELVE BYTES", 0);
	assert_memory_equal(bytes.ptr, "twelve bytes", 12);
	assert_ok(content_read(c, 0, text, sizeof(text), &got, err));
	assert_memory_equal(text, "twelve bytes", 12);
	content_free(c);
	check(w, "/d/f0", "written");
}

static void
a_large_file_is_sent_by_descriptor_as_ever(void **state)
{
	const struct world *w = *state;
	struct content *c;
	int fd;

	assert_int_equal(truncate(real(w, "/d/f0"), 100000), 0);
	learn(w, "/d/f0");
	check(w, "/d/f0", "nothing");
	assert_true(is_known(w, "/d/f0"));
	assert_ok(store_open(w->store, at("/d/f0"), &c, err));
	assert_int_equal(content_bytes(c).len, 0);
	fd = content_take_fd(c);
	assert_true(fd >= 0);
	(void)close(fd);
	content_free(c);
}

/* Of those that are known now. */
static size_t
bytes_kept(const struct world *w, size_t n)
{
	struct ready_file *f;
	size_t all = 0, i;
	char path[64];

	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "/d/s0/%zu", i);
		assert_ok(ready_hold(dir_of(w->store), at(path), &f));
		if (f)
			all += f->len;
		ready_drop(f);
	}
	return all;
}

static void
only_so_many_bytes_are_kept(void **state)
{
	const struct world *w = *state;
	const size_t n = 2 * READY_ROOM / READY_WHOLE_MAX;
	struct content *c;
	size_t kept, i;
	char path[64];

	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "/d/s0/%zu", i);
		add(w, path, "x", O_CREAT);
		assert_int_equal(truncate(real(w, path), READY_WHOLE_MAX), 0);
		learn(w, path);
	}
	kept = bytes_kept(w, n);
	assert_true(kept > READY_ROOM / 2 && kept <= READY_ROOM);
	learn(w, "/d/f0");
	assert_ok(store_open(w->store, at("/d/f0"), &c, err));
	assert_int_equal(content_bytes(c).len, 12);
	content_free(c);
}

static void
each_change_is_in_the_next_answer(void **state)
{
	const struct world *w = *state;
	char path[64];
	size_t i;
	int f;

	for (i = 0; i < n_changes; i++) {
		let_go(w);
		unmapped(w);
		unlinked_elsewhere(w);
		made(w);
		for (f = 0; f < N_FILES; f++)
			learn(w, member(path, "/d", f));
		changes[i].make(w);
		check_all(w, changes[i].name);
		changes[i].make(w);
		check_all(w, changes[i].name);
	}
}

static void
swap(const struct world *w, const char *a, const char *b)
{
	assert_int_equal(renameat2(AT_FDCWD, real(w, a), AT_FDCWD, real(w, b),
			     RENAME_EXCHANGE),
	    0);
}

static void
a_change_of_the_way_is_in_the_next_answer(void **state)
{
	const struct world *w = *state;
	char from[300], to[300];

	assert_int_equal(mkdir(real(w, "/d/s0/a"), 0755), 0);
	assert_int_equal(mkdir(real(w, "/d/s0/b"), 0755), 0);
	add(w, "/d/s0/a/f", "one", O_CREAT);
	add(w, "/d/s0/b/f", "another", O_CREAT);
	(void)snprintf(from, sizeof(from), "%s", real(w, "/d/s0"));
	(void)snprintf(to, sizeof(to), "%s", real(w, "/d/s9"));

	learn(w, "/d/s0/a/f");
	assert_int_equal(rename(from, to), 0);
	check(w, "/d/s0/a/f", "a collection above went");
	learn(w, "/d/s9/a/f");
	link_to(w, "s9", "/d/s0");
	check(w, "/d/s0/a/f", "a link in its place");
	assert_false(is_known(w, "/d/s0/a/f"));
	swap(w, "/d/s9/a", "/d/s9/b");
	check(w, "/d/s9/a/f", "exchanged");
	learn(w, "/d/s9/b/f");
	assert_int_equal(chmod(to, 0), 0);
	check(w, "/d/s9/b/f", "nobody may enter");
	assert_int_equal(chmod(to, 0755), 0);
	check(w, "/d/s9/b/f", "all may enter");
}

static void
what_is_reached_by_a_link_is_never_known(void **state)
{
	const struct world *w = *state;
	int i;

	link_to(w, "d", "/way");
	for (i = 0; i < 200; i++) {
		assert_false(is_known(w, "/way/f0"));
		assert_false(is_known(w, "/d/l0"));
		assert_false(is_known(w, "/d/s0"));
		assert_false(is_known(w, "/nothing"));
		assert_false(is_known(w, "/.sheaf/state.db"));
	}
	check(w, "/way/f0", "nothing");
}

static void
a_pipe_in_the_place_of_a_file_is_not_opened(void **state)
{
	const struct world *w = *state;
	struct content *c;

	learn(w, "/d/f0");
	assert_int_equal(unlink(real(w, "/d/f0")), 0);
	assert_int_equal(mkfifo(real(w, "/d/f0"), 0644), 0);
	assert_int_equal(
	    store_open(w->store, at("/d/f0"), &c, NULL), ERR_NOT_FOUND);
	check(w, "/d/f0", "a pipe");
}

static void
written(const struct world *w)
{
	add(w, "/d/f0", "TWELVE BYTES", 0);
}

static void
replaced(const struct world *w)
{
	add(w, "/new", "brand new", O_CREAT | O_TRUNC);
	assert_int_equal(rename(real(w, "/new"), real(w, "/d/f0")), 0);
}

static void
swapped(const struct world *w)
{
	swap(w, "/d/f0", "/d/f5");
}

static void
swapped_collections(const struct world *w)
{
	swap(w, "/d", "/e");
}

/* Between any two of the looks that learning takes. */
static void
change_while_it_is_learnt(const struct world *w, int at_call)
{
	int n;

	learn(w, "/d/f0");
	appended(w);
	/* And the collection is to be watched anew. */
	assert_int_equal(chmod(real(w, "/d"), 0755), 0);
	statx_calls = 0;
	change_at = (unsigned long)at_call;
	for (n = 0; n < 20000 && statx_calls < change_at; n++)
		(void)is_known(w, "/d/f0");
	change_at = 0;
}

static void
a_change_while_it_is_learnt_is_in_the_next_answer(void **state)
{
	static void (*const all[])(const struct world *) = {
		written,
		replaced,
		swapped,
		swapped_collections,
	};
	const struct world *w = *state;
	size_t i;
	int at_call;

	changed = w;
	for (i = 0; i < ARRAY_LEN(all); i++)
		for (at_call = 1; at_call < 20; at_call++) {
			change = all[i];
			change_while_it_is_learnt(w, at_call);
			check(w, "/d/f0", "a change while it was learnt");
			change_while_it_is_learnt(w, at_call);
			assert_int_equal(
			    rename(real(w, "/d"), real(w, "/x")), 0);
			check(w, "/d/f0", "a change while, and one after");
			assert_int_equal(
			    rename(real(w, "/x"), real(w, "/d")), 0);
		}
}

/* Of stores into it no event tells. */
static void
what_is_mapped_is_not_known(void **state)
{
	const struct world *w = *state;
	char *bytes;
	int i, fd;

	assert_int_equal(truncate(real(w, "/d/f0"), 4096), 0);
	learn(w, "/d/f0");
	fd = open_for(w, "/d/f0", O_RDWR);
	bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	(void)close(fd);
	for (i = 0; i < 100; i++) {
		bytes[i]++;
		check(w, "/d/f0", "stored into the mapping");
		assert_false(is_known(w, "/d/f0"));
	}
	assert_int_equal(munmap(bytes, 4096), 0);
	learn(w, "/d/f0");
	check(w, "/d/f0", "unmapped");
}

static void
a_mount_over_the_way_is_seen(void **state)
{
	const struct world *w = *state;

	learn(w, "/d/f0");
	if (mount("none", real(w, "/d"), "tmpfs", 0, NULL))
		skip(); /* only root may mount */
	check(w, "/d/f0", "mount");
	add(w, "/d/f0", "mounted", O_CREAT);
	check(w, "/d/f0", "made there");
	assert_int_equal(umount(real(w, "/d")), 0);
	check(w, "/d/f0", "unmount");
}

static uint64_t
inode_of(const struct world *w, const char *path)
{
	struct stat st;

	assert_int_equal(stat(real(w, path), &st), 0);
	return st.st_ino;
}

/* It may go without any event. */
static void
what_is_in_a_subvolume_is_never_known(void **state)
{
	const struct world *w = *state;
	int i;

	elsewhere[0] = inode_of(w, "/d");
	elsewhere[1] = inode_of(w, "/d/f0");
	for (i = 0; i < 100; i++)
		assert_false(is_known(w, "/d/f0"));
	learn(w, "/e/f0");
	elsewhere[0] = elsewhere[1] = 0;
	learn(w, "/d/f0");
}

/* A watch would hold it, and so keep it readable without its key. */
static void
what_is_encrypted_is_never_known(void **state)
{
	static const char *const paths[] = { "/d", "/d/f0" };
	const struct world *w = *state;
	size_t i;
	int k;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		encrypted = inode_of(w, paths[i]);
		for (k = 0; k < 100; k++)
			assert_false(is_known(w, "/d/f0"));
		learn(w, "/e/f0");
	}
	encrypted = 0;
	learn(w, "/d/f0");
}

static void
more_files_than_are_kept_are_all_right(void **state)
{
	const struct world *w = *state;
	char path[64];
	int i, round;

	for (i = 0; i < 600; i++) {
		(void)snprintf(path, sizeof(path), "/d/s0/%d", i);
		add(w, path, path, O_CREAT);
	}
	for (round = 0; round < 3; round++)
		for (i = 0; i < 600; i++) {
			(void)snprintf(path, sizeof(path), "/d/s0/%d", i);
			while (round == 0 && i % 7 == 0 && !is_known(w, path))
				;
			check(w, path, "nothing");
		}
}

static void
more_collections_than_are_watched_are_all_right(void **state)
{
	const struct world *w = *state;
	char path[64];
	int i;

	for (i = 0; i < 300; i++) {
		(void)snprintf(path, sizeof(path), "/d/s0/%d", i);
		assert_int_equal(mkdir(real(w, path), 0755), 0);
		(void)snprintf(path, sizeof(path), "/d/s0/%d/f", i);
		add(w, path, path, O_CREAT);
		learn(w, path);
		check(w, path, "nothing");
	}
	add(w, "/d/s0/0/f", "changed", O_TRUNC);
	check(w, "/d/s0/0/f", "a change");
}

static void
no_memory_makes_no_answer_wrong(void **state)
{
	const struct world *w = *state;
	bool fired = true;
	unsigned long n;
	int i;

	for (n = 1; fired && n < 1000; n++) {
		appended(w);
		alloc_fail_at(n);
		for (i = 0; i < 20; i++) {
			struct content *c = NULL;
			enum err_code rc =
			    store_open(w->store, at("/d/f0"), &c, NULL);

			assert_true(rc == ERR_OK || rc == ERR_NOMEM);
			content_free(c);
		}
		fired = alloc_fail_stop();
		check(w, "/d/f0", "no memory");
	}
	assert_false(fired);
}

/* ---- many threads */

#define TURNS 3000

struct race {
	const struct world *w;
	char path[300], new[300];
	atomic_int done;
	atomic_bool over;
	atomic_uint at_once;
};

/* Until it was known at least once, however busy the machine is. */
static bool
goes_on(struct race *r, int turn)
{
	return turn <= TURNS || (turn <= 100 * TURNS && !r->at_once);
}

/* In place, and by a new file, in turns; long enough to be known between. */
static void *
writes(void *arg)
{
	struct race *r = arg;
	char text[16];
	int i, fd;

	for (i = 1; goes_on(r, i); i++) {
		bool anew = i & 1;

		(void)snprintf(text, sizeof(text), "%08d", i);
		fd = open(anew ? r->new : r->path,
		    O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, text, 8, 0), 8);
		(void)close(fd);
		if (anew)
			assert_int_equal(rename(r->new, r->path), 0);
		atomic_store(&r->done, i);
		if (i % 8 == 0)
			(void)usleep(200);
	}
	atomic_store(&r->over, true);
	return NULL;
}

static void *
reads(void *arg)
{
	struct race *r = arg;
	char text[16] = { 0 };
	struct content *c;
	size_t got;

	while (!atomic_load(&r->over)) {
		int was = atomic_load(&r->done);
		int fd;

		assert_ok(store_open(r->w->store, at("/d/f0"), &c, NULL));
		assert_ok(content_read(c, 0, text, 8, &got, NULL));
		assert_int_equal(got, 8);
		fd = content_take_fd(c);
		if (fd < 0)
			(void)atomic_fetch_add(&r->at_once, 1);
		fd_close(&fd);
		content_free(c);
		if (strtol(text, NULL, 10) < was)
			fail_msg("%s after %d was written", text, was);
	}
	return NULL;
}

static void
nobody_reads_what_was_before_a_change(void **state)
{
	struct race r = { .w = *state };
	pthread_t threads[4];
	size_t i;

	(void)snprintf(r.path, sizeof(r.path), "%s", real(r.w, "/d/f0"));
	(void)snprintf(r.new, sizeof(r.new), "%s", real(r.w, "/d/new"));
	assert_int_equal(truncate(r.path, 0), 0);
	add(r.w, "/d/f0", "00000000", 0);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, i ? reads : writes, &r),
		    0);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(atomic_load(&r.at_once) > 0);
	check(r.w, "/d/f0", "the race");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		READY_TEST(a_file_that_is_known_is_not_asked_about),
		READY_TEST(a_large_file_is_sent_by_descriptor_as_ever),
		READY_TEST(only_so_many_bytes_are_kept),
		READY_TEST(each_change_is_in_the_next_answer),
		READY_TEST(a_change_of_the_way_is_in_the_next_answer),
		READY_TEST(what_is_reached_by_a_link_is_never_known),
		READY_TEST(a_pipe_in_the_place_of_a_file_is_not_opened),
		READY_TEST(a_change_while_it_is_learnt_is_in_the_next_answer),
		READY_TEST(what_is_mapped_is_not_known),
		READY_TEST(a_mount_over_the_way_is_seen),
		READY_TEST(what_is_in_a_subvolume_is_never_known),
		READY_TEST(what_is_encrypted_is_never_known),
		READY_TEST(more_files_than_are_kept_are_all_right),
		READY_TEST(more_collections_than_are_watched_are_all_right),
		READY_TEST(no_memory_makes_no_answer_wrong),
		READY_TEST(nobody_reads_what_was_before_a_change),
	};

	return cmocka_run_group_tests_name("ready", tests, changes_alone, NULL);
}
