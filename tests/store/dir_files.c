/* SPDX-License-Identifier: MIT */
/* The directory store: files as the system sees them. */
#include "store/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/locks.h"
#include "store/commits.h"
#include "store/dir_impl.h"

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
what_replaces_nothing_after_all_has_a_mode_of_its_own(void **state)
{
	struct world *w = *state;
	struct stat new, other;
	struct upload *u;

	must_put(w->store, "/f", "x");
	must_put(w->store, "/g", "x");
	assert_int_equal(chmod(real(w, "/f"), 0600), 0);
	assert_ok(store_upload(w->store, at("/f"), NULL, &u, err));
	assert_ok(ostream_write(upload_stream(u), STR("y")));
	assert_int_equal(unlink(real(w, "/f")), 0);
	assert_ok(upload_commit(u, NULL, NULL, NULL, NULL, err));
	upload_free(u);
	assert_int_equal(stat(real(w, "/f"), &new), 0);
	assert_int_equal(stat(real(w, "/g"), &other), 0);
	assert_int_equal(new.st_mode, other.st_mode);
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
an_etag_is_four_numbers_without_leading_zeros(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 9, 10, 15, 16, 0x9abcdef,
		UINT32_MAX, UINT64_C(1) << 32, UINT64_C(0x123456789abcdef0),
		UINT64_MAX };
	struct world *w = *state;
	size_t i, n = ARRAY_LEN(numbers);

	for (i = 0; i < n * n; i++) {
		struct statx stx = {
			.stx_mode = S_IFREG,
			.stx_mask = STATX_BTIME,
			.stx_ino = numbers[i % n],
			.stx_size = numbers[i / n],
		};
		uint32_t born = (uint32_t)numbers[(i + i / n) % n];
		uint32_t modified = (uint32_t)numbers[i % 7];
		struct resource r = { 0 };
		char etag[ETAG_MAX + 1];

		stx.stx_btime.tv_nsec = born;
		stx.stx_mtime.tv_sec = -(int64_t)(i % 2);
		stx.stx_mtime.tv_nsec = modified;
		(void)snprintf(etag, sizeof(etag), "\"%llx-%llx-%llx-%x\"",
		    (unsigned long long)stx.stx_ino,
		    (unsigned long long)stx.stx_size,
		    (unsigned long long)(modified -
			(int64_t)(i % 2) * 1000000000),
		    born);
		dir_resource(dir_of(w->store), &stx, &r);
		assert_str_equal(resource_etag(&r), str_from_c(etag));
	}
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
	int fd;

	must_put(w->store, "/f", "hello");
	assert_ok(store_open(w->store, at("/f"), &c, err));
	fd = content_take_fd(c);
	content_free(c);
	assert_int_equal(pread(fd, out, sizeof(out), 0), 5);
	assert_memory_equal(out, "hello", 5);
	(void)close(fd);
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

/* Where it does not, there is nothing to say of it. */
static bool
commits_at_once(struct upload *u, bool *created)
{
	struct err why = { 0 };
	struct resource r;
	enum err_code rc = ERR_OK;
	bool did = upload_commit_at_once(u, NULL, &r, created, &rc, &why);

	assert_int_equal(rc, ERR_OK);
	assert_true(did || why.code == ERR_OK);
	return did;
}

static void
a_small_upload_is_committed_at_once_where_nobody_is_in_its_way(void **state)
{
	struct world *w = *state;
	struct upload *u = begin_soon(w->store, "/d/f", STR("bytes"));
	struct upload *plain;
	struct store_claim *c;
	bool created;

	must_mkcol(w->store, "/d");
	assert_ok(store_claim(w->store, at("/d"), &c, err));
	assert_false(commits_at_once(u, &created));
	assert_int_equal(count_entries(w, "/d"), 0);
	store_claim_end(c);
	assert_true(commits_at_once(u, &created));
	assert_true(created);
	must_have(w->store, "/d/f", "bytes");
	upload_free(u);
	assert_ok(store_upload(w->store, at("/d/f"), NULL, &plain, err));
	assert_false(commits_at_once(plain, &created));
	upload_free(plain);
	store_close(w->store);
	w->strict = true;
	world_open(w);
	u = begin_soon(w->store, "/d/f", STR("others"));
	assert_false(commits_at_once(u, &created));
	upload_free(u);
	must_have(w->store, "/d/f", "bytes");
}

/* By their names; the store's, too, come through here. */
static _Atomic unsigned looks;

int
statx(int dirfd, const char *restrict path, int flags, unsigned mask,
    struct statx *restrict buf)
{
	looks += path[0] != '\0';
	return (int)syscall(SYS_statx, dirfd, path, flags, mask, buf);
}

static uint64_t
count_changes(struct world *w)
{
	uint64_t n;

	assert_ok(state_journal_last(dir_of(w->store)->state, &n, err));
	return n;
}

static void
put_many_new(struct world *w, const char *dir)
{
	bool created;
	int i;

	for (i = 0; i < 20; i++) {
		char path[32];
		struct upload *u;

		(void)snprintf(path, sizeof(path), "%s/%d", dir, i);
		u = begin_soon(w->store, path, STR("new"));
		looks = 0;
		assert_true(commits_at_once(u, &created));
		assert_true(created);
		assert_true(i < 10 || !looks);
		upload_free(u);
		must_have(w->store, path, "new");
	}
}

/* From some on it is not looked whether there is something. */
static void
what_is_there_is_found_behind_many_new_files_too(void **state)
{
	struct world *w = *state;
	struct upload *u;
	struct err why = { 0 };
	enum err_code rc = ERR_OK;
	bool created = true;
	uint64_t lines;
	struct stat st;

	must_mkcol(w->store, "/a");
	must_mkcol(w->store, "/b");
	must_mkcol(w->store, "/d");
	must_put(w->store, "/f", "old");
	assert_int_equal(chmod(real(w, "/f"), 0604), 0);
	put_many_new(w, "/a");
	lines = count_changes(w);
	u = begin_soon(w->store, "/f", STR("other"));
	assert_true(commits_at_once(u, &created));
	assert_false(created);
	upload_free(u);
	must_have(w->store, "/f", "other");
	assert_int_equal(count_changes(w), lines + 1);
	assert_int_equal(stat(real(w, "/f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
	put_many_new(w, "/b");
	u = begin_soon(w->store, "/d", STR("no"));
	assert_true(upload_commit_at_once(u, NULL, NULL, NULL, &rc, &why));
	assert_int_equal(rc, ERR_IS_COLLECTION);
	upload_free(u);
	u = begin_soon(w->store, "/a/none/f", STR("no"));
	assert_true(upload_commit_at_once(u, NULL, NULL, NULL, &rc, &why));
	assert_int_equal(rc, ERR_NO_PARENT);
	upload_free(u);
	assert_int_equal(count_entries(w, "/a"), 20);
	assert_int_equal(count_entries(w, "/"), 4);
}

/* It could not copy them but by a transaction, which others may be in. */
static void
what_has_properties_is_not_replaced_at_once(void **state)
{
	struct world *w = *state;
	struct upload *u;
	struct resource r;
	bool created;

	must_put(w->store, "/f", "old");
	must_set_prop(w->store, "/f", "colour", "blue");
	u = begin_soon(w->store, "/f", STR("new"));
	assert_false(commits_at_once(u, &created));
	must_have(w->store, "/f", "old");
	assert_ok(upload_commit(u, NULL, NULL, &r, &created, err));
	assert_false(created);
	assert_true(r.has_props);
	must_have(w->store, "/f", "new");
	upload_free(u);
}

static bool
renames_at_once(struct world *w, const char *from, const char *to)
{
	const struct guard g = { .at_once = true };
	enum err_code rc = store_rename(
	    w->store, at(from), at(to), REPLACE_YES, &g, NULL, NULL, NULL);

	assert_true(rc == ERR_OK || rc == ERR_BUSY);
	return rc == ERR_OK;
}

/* While the state is tidied it is in the way of all. */
static bool
renames_soon(struct world *w, const char *from, const char *to)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int tries;

	for (tries = 0; tries < 5000; tries++) {
		if (renames_at_once(w, from, to))
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static void
a_rename_is_made_at_once_where_nothing_is_in_its_way(void **state)
{
	struct world *w = *state;
	struct store_claim *c;

	must_mkcol(w->store, "/a");
	must_put(w->store, "/a/f", "old");
	must_mkcol(w->store, "/there");
	assert_false(renames_at_once(w, "/a", "/there"));
	assert_ok(store_claim(w->store, at("/a"), &c, err));
	assert_false(renames_at_once(w, "/a", "/b"));
	store_claim_end(c);
	assert_ok(store_claim(w->store, at("/b"), &c, err));
	assert_false(renames_at_once(w, "/a", "/b"));
	store_claim_end(c);
	must_have(w->store, "/a/f", "old");
	assert_true(renames_soon(w, "/a", "/b"));
	must_have(w->store, "/b/f", "old");
	store_close(w->store);
	w->strict = true;
	world_open(w);
	assert_false(renames_at_once(w, "/b", "/c"));
	must_have(w->store, "/b/f", "old");
}

/* Those of what is moved end with it, in a transaction. */
static void
only_its_own_locks_are_in_the_way_of_a_rename(void **state)
{
	struct world *w = *state;
	struct token own;
	struct shown h;

	must_mkcol(w->store, "/a");
	must_put(w->store, "/a/f", "old");
	must_put(w->store, "/elsewhere", "x");
	(void)lock_at(w->store, "/elsewhere", DEPTH_0, false, "");
	assert_true(renames_soon(w, "/a", "/b"));
	own = lock_at(w->store, "/b/f", DEPTH_0, false, "");
	(void)show(&h, "", &own, NULL);
	h.guard.at_once = true;
	assert_int_equal(store_rename(w->store, at("/b"), at("/c"), REPLACE_NO,
			     &h.guard, NULL, NULL, NULL),
	    ERR_BUSY);
	h.guard.at_once = false;
	assert_ok(store_rename(w->store, at("/b"), at("/c"), REPLACE_NO,
	    &h.guard, NULL, NULL, err));
	assert_locks(w->store, "/c/f", "");
	assert_locks(w->store, "/elsewhere", "/elsewhere=x0");
}

/* ---- a tree that a file takes the place of */

#define STAGING "/../state/tmp"
#define DEEP 20

static void
a_tree_that_gives_way_goes_with_its_properties(void **state)
{
	const struct world *w = *state;
	struct store *s = w->store;
	char path[8 + 2 * DEEP + 2] = "/a";
	size_t len = 2;

	must_mkcol(s, path);
	must_put(s, "/a/kept", "kept");
	must_set_prop(s, "/a/kept", "p", "1");
	assert_int_equal(link(real(w, "/a/kept"), real(w, "/kept")), 0);
	while (len < 2 + 2 * (size_t)DEEP) {
		memcpy(path + len, "/d", 3);
		len += 2;
		must_mkcol(s, path);
		must_set_prop(s, path, "p", "1");
		memcpy(path + len, "/f", 3);
		must_put(s, path, "f");
		must_set_prop(s, path, "p", "1");
		path[len] = '\0';
	}
	must_put(s, "/b", "b");
	assert_ok(store_rename(
	    s, at("/b"), at("/a"), REPLACE_YES, NULL, NULL, NULL, err));
	must_have(s, "/a", "b");
	assert_int_equal(count_entries(w, STAGING), 0);
	must_have_props(s, "/kept", "p=1;");
	assert_int_equal(count_props(w), 1);
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(a_replaced_file_keeps_its_mode),
	WORLD_TEST(what_replaces_nothing_after_all_has_a_mode_of_its_own),
	WORLD_TEST(a_change_in_place_changes_the_etag),
	WORLD_TEST(an_etag_is_four_numbers_without_leading_zeros),
	WORLD_TEST(holes_are_copied_as_holes),
	WORLD_TEST(a_content_can_be_sent_by_descriptor),
	WORLD_TEST(what_is_new_has_nothing_of_what_is_gone),
	WORLD_TEST(what_comes_soon_is_held_until_its_commit),
	WORLD_TEST(what_speaks_against_it_is_said_by_the_commit),
	WORLD_TEST(
	    a_small_upload_is_committed_at_once_where_nobody_is_in_its_way),
	WORLD_TEST(what_is_there_is_found_behind_many_new_files_too),
	WORLD_TEST(what_has_properties_is_not_replaced_at_once),
	WORLD_TEST(a_rename_is_made_at_once_where_nothing_is_in_its_way),
	WORLD_TEST(only_its_own_locks_are_in_the_way_of_a_rename),
	WORLD_TEST(a_tree_that_gives_way_goes_with_its_properties),
};

const struct tests file_tests = { rows, ARRAY_LEN(rows) };
