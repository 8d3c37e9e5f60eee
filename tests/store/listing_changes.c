/* SPDX-License-Identifier: MIT */
#include "store/listing_changes.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define FILE_SIZE 65536

static int held = -1; /* a file that stays open for writing */
static char *mapped; /* a file that stays mapped */

int
open_for(const struct world *w, const char *path, int flags)
{
	int fd = open(real(w, path), flags | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	return fd;
}

void
add(const struct world *w, const char *path, const char *text, int flags)
{
	int fd = open_for(w, path, O_WRONLY | flags);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

void
appended(const struct world *w)
{
	add(w, "/d/f0", "x", O_APPEND);
}

static void
written_in_place(const struct world *w)
{
	add(w, "/d/f1", "same length", 0);
}

static void
cut_by_open(const struct world *w)
{
	(void)close(open_for(w, "/d/f1", O_WRONLY | O_TRUNC));
}

void
kept_open(const struct world *w)
{
	if (held < 0)
		held = open_for(w, "/d/f2", O_WRONLY | O_APPEND);
}

void
written_while_held(const struct world *w)
{
	kept_open(w);
	assert_int_equal(write(held, "y", 1), 1);
}

void
let_go(const struct world *w)
{
	(void)w;
	if (held >= 0)
		(void)close(held);
	held = -1;
}

void
mapped_for_writing(const struct world *w)
{
	struct stat st;
	int fd;

	if (mapped)
		return;
	fd = open_for(w, "/d/f3", O_RDWR | O_CREAT);
	/* Where it is long enough, only the opening is an event. */
	assert_int_equal(fstat(fd, &st), 0);
	if (st.st_size < FILE_SIZE)
		assert_int_equal(ftruncate(fd, FILE_SIZE), 0);
	mapped =
	    mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	(void)close(fd);
}

/* To a page that was not touched: else no file system gives it a new time. */
void
stored_into_the_mapping(const struct world *w)
{
	static unsigned page;

	mapped_for_writing(w);
	mapped[page++ % (FILE_SIZE / 4096) * 4096]++;
	(void)msync(mapped, FILE_SIZE, MS_SYNC);
}

void
unmapped(const struct world *w)
{
	(void)w;
	if (mapped)
		(void)munmap(mapped, FILE_SIZE);
	mapped = NULL;
}

int
changes_alone(void **state)
{
	(void)state;
	if (!unshare(CLONE_NEWNS))
		(void)!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return 0;
}

#define NEEDS 3 /* what a store has open */

static bool
has_inotify(void)
{
	int fds[NEEDS];
	bool has = true;
	size_t i;

	for (i = 0; i < NEEDS; i++)
		fds[i] = inotify_init1(IN_CLOEXEC);
	for (i = 0; i < NEEDS; i++) {
		has = has && fds[i] >= 0;
		fd_close(&fds[i]);
	}
	return has;
}

void
changes_await_inotify(void)
{
	int tries;

	for (tries = 0; tries < 6000 && !has_inotify(); tries++)
		(void)nanosleep(
		    &(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

int
changes_tear_down(void **state)
{
	let_go(*state);
	unmapped(*state);
	return world_tear_down(state);
}

static void
cut_by_name(const struct world *w)
{
	assert_int_equal(truncate(real(w, "/d/f4"), 3), 0);
	assert_int_equal(truncate(real(w, "/d/f4"), 5), 0);
}

static void
touch(const struct world *w, const char *path, int64_t atime, int64_t mtime)
{
	static int64_t second = 1000;
	const struct timespec t[2] = {
		{ .tv_sec = second, .tv_nsec = atime },
		{ .tv_sec = second + 1, .tv_nsec = mtime },
	};

	second += 2;
	assert_int_equal(utimensat(AT_FDCWD, real(w, path), t, 0), 0);
}

static void
given_another_time(const struct world *w)
{
	touch(w, "/d/f5", UTIME_OMIT, 1);
}

static void
given_both_times(const struct world *w)
{
	touch(w, "/d/f5", 5, 1);
}

static void
collection_given_another_time(const struct world *w)
{
	touch(w, "/d/s0", UTIME_OMIT, 7);
}

static void
made_private(const struct world *w)
{
	assert_int_equal(chmod(real(w, "/d/f0"), 0600), 0);
	assert_int_equal(chmod(real(w, "/d/f0"), 0644), 0);
}

static void
linked_elsewhere(const struct world *w)
{
	(void)unlink(real(w, "/other"));
	assert_int_equal(link(real(w, "/d/f6"), real(w, "/other")), 0);
}

static void
written_by_another_name(const struct world *w)
{
	linked_elsewhere(w);
	add(w, "/other", "z", O_APPEND);
}

void
unlinked_elsewhere(const struct world *w)
{
	(void)unlink(real(w, "/other"));
}

static void
removed(const struct world *w)
{
	(void)unlink(real(w, "/d/f7"));
}

void
made(const struct world *w)
{
	add(w, "/d/f7", "new", O_CREAT);
}

static void
replaced_by_rename(const struct world *w)
{
	add(w, "/new", "brand new", O_CREAT | O_TRUNC);
	assert_int_equal(rename(real(w, "/new"), real(w, "/d/f1")), 0);
}

static void
swapped(const struct world *w)
{
	assert_int_equal(renameat2(AT_FDCWD, real(w, "/d/f0"), AT_FDCWD,
			     real(w, "/d/f5"), RENAME_EXCHANGE),
	    0);
}

static void
emptied_collection(const struct world *w)
{
	(void)rmdir(real(w, "/d/s0/in"));
}

static void
filled_collection(const struct world *w)
{
	(void)mkdir(real(w, "/d/s0/in"), 0755);
}

static void
collection_made_again(const struct world *w)
{
	emptied_collection(w);
	assert_int_equal(rmdir(real(w, "/d/s0")), 0);
	assert_int_equal(mkdir(real(w, "/d/s0"), 0755), 0);
}

static void
link_target_written(const struct world *w)
{
	add(w, "/target", "t", O_APPEND | O_CREAT);
}

static void
given_room(const struct world *w)
{
	int fd = open_for(w, "/d/f4", O_WRONLY);

	assert_int_equal(posix_fallocate(fd, 0, 100), 0);
	(void)close(fd);
}

static void
copied_into(const struct world *w)
{
	int in = open_for(w, "/d/f3", O_RDONLY | O_CREAT);
	int out = open_for(w, "/d/f4", O_WRONLY);

	(void)!copy_file_range(in, NULL, out, NULL, 10, 0);
	(void)close(in);
	(void)close(out);
}

static void
whole_collection_swapped(const struct world *w)
{
	assert_int_equal(renameat2(AT_FDCWD, real(w, "/d"), AT_FDCWD,
			     real(w, "/e"), RENAME_EXCHANGE),
	    0);
}

static void
read_by_somebody(const struct world *w)
{
	(void)close(open_for(w, "/d/f0", O_RDONLY));
}

static void
put_by_us(const struct world *w)
{
	must_put(w->store, "/d/f1", "by us");
}

static void
made_by_us(const struct world *w)
{
	if (store_mkcol(w->store, at("/d/s1"), NULL, NULL, NULL))
		assert_ok(store_remove(w->store, at("/d/s1"), NULL, NULL, err));
}

static bool
rename_by_us(const struct world *w, const char *from, const char *to)
{
	bool created;

	return !store_rename(w->store, at(from), at(to), REPLACE_YES, NULL,
	    NULL, &created, NULL);
}

static void
moved_by_us(const struct world *w)
{
	if (rename_by_us(w, "/d/f0", "/d/moved"))
		(void)rename_by_us(w, "/d/moved", "/d/f0");
}

#define CHANGE(name)        \
	{                   \
#name, name \
	}

const struct change_row changes[] = {
	CHANGE(appended),
	CHANGE(written_in_place),
	CHANGE(cut_by_open),
	CHANGE(kept_open),
	CHANGE(written_while_held),
	CHANGE(let_go),
	CHANGE(mapped_for_writing),
	CHANGE(stored_into_the_mapping),
	CHANGE(unmapped),
	CHANGE(cut_by_name),
	CHANGE(given_another_time),
	CHANGE(given_both_times),
	CHANGE(collection_given_another_time),
	CHANGE(made_private),
	CHANGE(linked_elsewhere),
	CHANGE(written_by_another_name),
	CHANGE(unlinked_elsewhere),
	CHANGE(removed),
	CHANGE(made),
	CHANGE(replaced_by_rename),
	CHANGE(swapped),
	CHANGE(emptied_collection),
	CHANGE(filled_collection),
	CHANGE(collection_made_again),
	CHANGE(link_target_written),
	CHANGE(given_room),
	CHANGE(copied_into),
	CHANGE(whole_collection_swapped),
	CHANGE(read_by_somebody),
	CHANGE(put_by_us),
	CHANGE(made_by_us),
	CHANGE(moved_by_us),
};

const size_t n_changes = ARRAY_LEN(changes);
