/* SPDX-License-Identifier: MIT */
/* The directory store: files as the system sees them. */
#include "store/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files as files */

static void
a_replaced_file_keeps_its_mode(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	mode_t mask = umask(027);
	struct stat st;

	must_put(s, "/f", "x");
	(void)umask(mask);
	assert_int_equal(stat(real(w, "/f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(chmod(real(w, "/f"), 0604), 0);
	must_put(s, "/f", "y");
	assert_int_equal(stat(real(w, "/f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	must_put(s, "/g", "g");
	assert_ok(store_copy(
	    s, at("/g"), at("/f"), REPLACE_YES, NULL, NULL, NULL, NULL, err));
	assert_int_equal(stat(real(w, "/f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
}

static void
a_change_in_place_changes_the_etag(void **state)
{
	struct world *w = *state;
	struct resource before, after;
	FILE *f;

	must_put(w->store, "/f", "abc");
	before = must_stat(w->store, "/f");
	f = fopen(real(w, "/f"), "r+");
	assert_non_null(f);
	assert_int_equal(fputs("xyz", f), 1);
	assert_int_equal(fclose(f), 0);
	after = must_stat(w->store, "/f");
	assert_memory_equal(&before.id, &after.id, sizeof(after.id));
	assert_false(str_eq(resource_etag(&before), resource_etag(&after)));
}

static void
holes_are_copied_as_holes(void **state)
{
	const off_t size = (off_t)64 << 20;
	struct world *w = *state;
	struct stat st;
	int fd = creat(real(w, "/f"), 0644);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, size / 2), 1);
	assert_int_equal(ftruncate(fd, size), 0);
	(void)close(fd);
	assert_ok(store_copy(w->store, at("/f"), at("/g"), REPLACE_NO, NULL,
	    NULL, NULL, NULL, err));
	assert_int_equal(stat(real(w, "/g"), &st), 0);
	assert_int_equal(st.st_size, size);
	assert_true(st.st_blocks * 512 < size / 2);
	fd = open(real(w, "/g"), O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &(char){ 0 }, 1, size / 2), 1);
	(void)close(fd);
}

static void
a_content_can_be_sent_by_descriptor(void **state)
{
	struct world *w = *state;
	struct content *c;
	char out[8];

	must_put(w->store, "/f", "hello");
	assert_ok(store_open(w->store, at("/f"), &c, err));
	assert_int_equal(pread(content_fd(c), out, sizeof(out), 0), 5);
	assert_memory_equal(out, "hello", 5);
	content_free(c);
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(a_replaced_file_keeps_its_mode),
	WORLD_TEST(a_change_in_place_changes_the_etag),
	WORLD_TEST(holes_are_copied_as_holes),
	WORLD_TEST(a_content_can_be_sent_by_descriptor),
};

const struct tests file_tests = { rows, ARRAY_LEN(rows) };
