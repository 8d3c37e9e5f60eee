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

/* As on a file system that has no birth times: an id is an inode. */
static bool no_birth;

int __real_statx(
    int dir, const char *name, int flags, unsigned mask, struct statx *out);
int __wrap_statx(
    int dir, const char *name, int flags, unsigned mask, struct statx *out);

int
__wrap_statx(
    int dir, const char *name, int flags, unsigned mask, struct statx *out)
{
	int rc = __real_statx(dir, name, flags, mask, out);

	if (!rc && no_birth)
		out->stx_mask &= ~STATX_BTIME;
	return rc;
}

#define ROUNDS 50

static void
make_empty(struct store *s, const char *path)
{
	must_put(s, path, "");
}

static void
make_by_put(struct store *s, const char *path)
{
	must_put(s, path, "bytes");
}

/* The inode of what was removed comes back at once on ext4. */
static void
what_is_new_has_nothing_of_what_is_gone(void **state)
{
	static void (*const makes[])(struct store *, const char *) = {
		make_empty,
		make_by_put,
		must_mkcol,
	};
	struct world *w = *state;
	size_t i;
	int round;

	no_birth = true;
	for (i = 0; i < ARRAY_LEN(makes); i++) {
		for (round = 0; round < ROUNDS; round++) {
			makes[i](w->store, "/old");
			must_set_prop(w->store, "/old", "p", "old");
			assert_int_equal(remove(real(w, "/old")), 0);
			makes[i](w->store, "/new");
			must_have_props(w->store, "/new", "");
			assert_ok(store_remove(
			    w->store, at("/new"), NULL, NULL, err));
		}
	}
	no_birth = false;
}

/* ---- what comes soon */

static struct upload *
begin_soon(struct store *s, const char *path, struct str bytes)
{
	const struct upload_spec spec = { .length = bytes.len, .soon = true };
	struct upload *u;

	assert_ok(store_upload(s, at(path), &spec, &u, err));
	assert_ok(ostream_write(upload_stream(u), bytes));
	return u;
}

static void
what_comes_soon_is_held_until_its_commit(void **state)
{
	struct world *w = *state;
	struct upload *u = begin_soon(w->store, "/later/f", STR("bytes"));
	struct resource r;

	must_mkcol(w->store, "/later");
	assert_int_equal(count_entries(w, "/later"), 0);
	assert_ok(upload_commit(u, NULL, NULL, &r, NULL, err));
	assert_int_equal(r.length, 5);
	must_have(w->store, "/later/f", "bytes");
	upload_free(u);
}

static void
what_speaks_against_it_is_said_by_the_commit(void **state)
{
	struct world *w = *state;
	struct upload *u = begin_soon(w->store, "/no/f", STR("bytes"));

	assert_fails(
	    upload_commit(u, NULL, NULL, NULL, NULL, err), ERR_NO_PARENT);
	upload_free(u);
	must_mkcol(w->store, "/d");
	u = begin_soon(w->store, "/d", STR("bytes"));
	assert_fails(
	    upload_commit(u, NULL, NULL, NULL, NULL, err), ERR_IS_COLLECTION);
	upload_free(u);
	u = begin_soon(w->store, "/f", STR("bytes"));
	assert_int_equal(
	    ostream_write(upload_stream(u), STR("!")), ERR_INTERNAL);
	assert_fails(
	    upload_commit(u, NULL, NULL, NULL, NULL, err), ERR_INTERNAL);
	upload_free(u);
	assert_int_equal(count_entries(w, "/"), 1);
}

static void
a_small_upload_is_quick_where_nobody_is_in_its_way(void **state)
{
	struct world *w = *state;
	struct upload *u = begin_soon(w->store, "/d/f", STR("bytes"));
	struct upload *plain;
	struct store_claim *c;

	must_mkcol(w->store, "/d");
	assert_true(upload_is_quick(u));
	assert_ok(store_claim(w->store, at("/d"), &c, err));
	assert_false(upload_is_quick(u));
	store_claim_end(c);
	assert_true(upload_is_quick(u));
	assert_ok(store_upload(w->store, at("/d/f"), NULL, &plain, err));
	assert_false(upload_is_quick(plain));
	upload_free(plain);
	upload_free(u);
	store_close(w->store);
	w->strict = true;
	world_open(w);
	u = begin_soon(w->store, "/d/f", STR("bytes"));
	assert_false(upload_is_quick(u));
	upload_free(u);
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(a_replaced_file_keeps_its_mode),
	WORLD_TEST(a_change_in_place_changes_the_etag),
	WORLD_TEST(holes_are_copied_as_holes),
	WORLD_TEST(a_content_can_be_sent_by_descriptor),
	WORLD_TEST(what_is_new_has_nothing_of_what_is_gone),
	WORLD_TEST(what_comes_soon_is_held_until_its_commit),
	WORLD_TEST(what_speaks_against_it_is_said_by_the_commit),
	WORLD_TEST(a_small_upload_is_quick_where_nobody_is_in_its_way),
};

const struct tests file_tests = { rows, ARRAY_LEN(rows) };
