/* SPDX-License-Identifier: MIT */
/* The directory store: where what is not in its place is kept, and goes. */
#include "store/world.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "store/apply.h"

#define STAGING "/../state/tmp"
#define MANY 3000

static const char *
nth_left(char out[64], unsigned n)
{
	(void)snprintf(out, 64, STAGING "/left/%u", n);
	return out;
}

static void
leave(const struct world *w, const char *path)
{
	FILE *f = fopen(real(w, path), "w");

	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

static void
await_empty(const struct world *w, const char *path)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int tries;

	for (tries = 0; count_entries(w, path) && tries < 30000; tries++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(count_entries(w, path), 0);
}

static void
what_a_crash_left_goes_while_the_store_is_at_work(void **state)
{
	struct world *w = *state;
	char path[64];
	unsigned i;

	store_close(w->store);
	assert_int_equal(mkdir(real(w, STAGING "/left"), 0755), 0);
	assert_int_equal(mkdir(real(w, STAGING "/left/deep"), 0755), 0);
	leave(w, STAGING "/file");
	leave(w, STAGING "/left/deep/file");
	for (i = 0; i < MANY; i++)
		leave(w, nth_left(path, i));
	/* Closing does not wait for it, nor is it forgotten. */
	world_open(w);
	store_close(w->store);
	world_open(w);
	must_mkcol(w->store, "/c");
	must_put(w->store, "/c/f", "old");
	must_put(w->store, "/f", "new");
	assert_ok(store_copy(w->store, at("/f"), at("/c/f"), REPLACE_YES, NULL,
	    NULL, NULL, NULL, err));
	assert_ok(store_copy(w->store, at("/f"), at("/c"), REPLACE_YES, NULL,
	    NULL, NULL, NULL, err));
	must_have(w->store, "/c", "new");
	await_empty(w, STAGING);
}

static void
nothing_stays_in_staging(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_put(s, "/f", "f");
	must_put(s, "/f", "g");
	must_mkcol(s, "/c");
	must_mkcol(s, "/c/d");
	must_put(s, "/c/d/f", "f");
	must_set_prop(s, "/c", "p", "1");
	must_mkcol(s, "/e");
	must_put(s, "/e/f", "f");
	assert_ok(store_copy(
	    s, at("/c"), at("/x"), REPLACE_NO, NULL, NULL, NULL, NULL, err));
	must_have_props(s, "/x", "p=1;");
	assert_ok(store_rename(
	    s, at("/c"), at("/e"), REPLACE_YES, NULL, NULL, NULL, err));
	assert_ok(store_copy(
	    s, at("/f"), at("/e"), REPLACE_YES, NULL, NULL, NULL, NULL, err));
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/e\n/f\n/x/\n");
	assert_int_equal(count_entries(w, STAGING), 0);
	assert_int_equal(count_entries(w, "/"), 3);
}

static void
it_is_made_again_when_somebody_removes_it(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_mkcol(s, "/c");
	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_put(s, "/f", "f");
	assert_int_equal(rmdir(real(w, STAGING)), 0);
	assert_ok(store_copy(
	    s, at("/c"), at("/e"), REPLACE_NO, NULL, NULL, NULL, NULL, err));
	assert_int_equal(rmdir(real(w, STAGING)), 0);
	must_put(s, "/f", "g");
	assert_int_equal(rmdir(real(w, STAGING)), 0);
	assert_ok(store_rename(
	    s, at("/e"), at("/d"), REPLACE_YES, NULL, NULL, NULL, err));
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/c/\n/d/\n/f\n");
	assert_int_equal(count_entries(w, STAGING), 0);
	assert_int_equal(count_entries(w, "/"), 3);
}

/* As the system stores one: for the owner, one other user, group and all. */
static const unsigned char list[] = { 2, 0, 0, 0, /* version */
	1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 5, 0, 0x39, 0x30, 0, 0, 4, 0, 5,
	0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 0, 0,
	255, 255, 255, 255 };

static void
a_copied_collection_takes_after_its_parent(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	char got[sizeof(list)];
	struct stat st;

	must_mkcol(s, "/c");
	must_set_prop(s, "/c", "p", "1");
	must_mkcol(s, "/d");
	if (chown(real(w, "/d"), (uid_t)-1, 12345))
		skip(); /* only root may give it to any group */
	assert_int_equal(chmod(real(w, "/d"), 02775), 0);
	if (setxattr(real(w, "/d"), "system.posix_acl_default", list,
		sizeof(list), 0))
		assert_int_equal(errno, EOPNOTSUPP);
	must_mkcol(s, "/d/made");
	assert_ok(store_copy(s, at("/c"), at("/d/copy"), REPLACE_NO, NULL, NULL,
	    NULL, NULL, err));
	assert_int_equal(stat(real(w, "/d/copy"), &st), 0);
	assert_int_equal(st.st_gid, 12345);
	assert_true(st.st_mode & S_ISGID);
	if (getxattr(real(w, "/d/made"), "system.posix_acl_access", got,
		sizeof(got)) != sizeof(got))
		return;
	assert_int_equal(getxattr(real(w, "/d/copy"), "system.posix_acl_access",
			     got, sizeof(got)),
	    sizeof(got));
	assert_memory_equal(got, list, sizeof(list));
	assert_int_equal(getxattr(real(w, "/d/copy"),
			     "system.posix_acl_default", got, sizeof(got)),
	    sizeof(got));
}

/* ---- a state directory on another file system */

static int
set_up_apart(void **state)
{
	int rc = world_set_up(state);
	struct world *w = *state;

	store_close(w->store);
	if (mount("tmpfs", w->state, "tmpfs", 0, "size=4m"))
		assert_true(errno == EPERM || errno == EACCES);
	world_open(w);
	return rc;
}

static int
tear_down_apart(void **state)
{
	struct world *w = *state;

	(void)umount2(w->state, MNT_DETACH);
	return world_tear_down(state);
}

static void
staging_in_the_tree_is_not_for_clients(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct resource r;

	if (access(real(w, "/.sheaf-tmp-staging"), F_OK))
		skip(); /* only root may mount */
	must_mkcol(s, "/c");
	must_put(s, "/c/f", "x");
	must_put(s, "/f", "y");
	assert_fails(
	    store_stat(s, at("/.sheaf-tmp-staging"), &r, err), ERR_NOT_FOUND);
	assert_fails(put(s, "/.sheaf-tmp-staging/f", STR("x"), NULL, NULL, err),
	    ERR_NO_PARENT);
	link_to(w, ".sheaf-tmp-staging", "/l");
	assert_ok(store_copy(
	    s, at("/f"), at("/c"), REPLACE_YES, NULL, NULL, NULL, NULL, err));
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/c\n/f\n");
	assert_int_equal(count_entries(w, "/.sheaf-tmp-staging"), 0);
}

/* It is not kept from them as a state directory is. */
static void
a_second_server_of_a_tree_leaves_the_work_of_the_first_alone(void **state)
{
	const struct timespec while_it_sweeps = { .tv_nsec = 100000000 };
	struct world *w = *state;
	char other[600];
	const struct dir_store_spec spec = {
		.dir = w->tree,
		.state = other,
		.relaxed = true,
	};
	struct store *second;

	if (access(real(w, "/.sheaf-tmp-staging"), F_OK))
		skip(); /* only root may mount */
	(void)snprintf(other, sizeof(other), "%s/other", w->state);
	leave(w, "/.sheaf-tmp-staging/begun");
	assert_ok(dir_store_open(&spec, &second, err));
	(void)nanosleep(&while_it_sweeps, NULL);
	store_close(second);
	assert_int_equal(count_entries(w, "/.sheaf-tmp-staging"), 1);
	store_close(w->store);
	world_open(w);
	await_empty(w, "/.sheaf-tmp-staging");
}

#define STAGED 600

static void
what_is_staged_and_settled_keeps_no_descriptor(void **state)
{
	struct world *w = *state;
	struct upload *staged[STAGED];
	struct rlimit before, few;
	struct resource made;
	unsigned i;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (i = 0; i < STAGED; i++) {
		assert_ok(
		    store_stage(w->store, at("/"), NULL, &staged[i], err));
		assert_ok(upload_settle(staged[i], &made, err));
	}
	for (i = 0; i < STAGED; i++)
		upload_free(staged[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(count_entries(w, STAGING), 0);
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(what_is_staged_and_settled_keeps_no_descriptor),
	WORLD_TEST(what_a_crash_left_goes_while_the_store_is_at_work),
	WORLD_TEST(nothing_stays_in_staging),
	WORLD_TEST(it_is_made_again_when_somebody_removes_it),
	WORLD_TEST(a_copied_collection_takes_after_its_parent),
	cmocka_unit_test_setup_teardown(staging_in_the_tree_is_not_for_clients,
	    set_up_apart, tear_down_apart),
	cmocka_unit_test_setup_teardown(
	    a_second_server_of_a_tree_leaves_the_work_of_the_first_alone,
	    set_up_apart, tear_down_apart),
};

const struct tests staging_tests = { rows, ARRAY_LEN(rows) };
