/* SPDX-License-Identifier: MIT */
/*
 * The directory store: processes that die, permissions, mounts, full disks.
 */
#include "store/world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

/* ---- who dies */

/* Runs act in a process of its own; what it returned. */
static int
in_child(int (*act)(const struct world *w), const struct world *w)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(act(w));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
die_uploading(const struct world *w)
{
	struct upload *u;

	if (store_upload(w->store, at("/f"), NULL, &u, NULL) ||
	    ostream_write(upload_stream(u), STR("half")))
		return 1;
	return kill(getpid(), SIGKILL);
}

static void
a_process_killed_while_uploading_leaves_nothing(void **state)
{
	struct world *w = *state;

	must_put(w->store, "/f", "old");
	assert_int_equal(in_child(die_uploading, w), -1);
	must_have(w->store, "/f", "old");
	assert_int_equal(count_entries(w, "/"), 1);
}

static struct rlimit files_before;

/* From here on nothing can be opened. */
static enum err_code
run_out_of_files(void *arg, const struct guarded *now, struct err *e)
{
	struct rlimit none = files_before;

	(void)arg;
	(void)now;
	(void)e;
	none.rlim_cur = 0;
	return setrlimit(RLIMIT_NOFILE, &none) ? ERR_OS : ERR_OK;
}

/*
 * It fails, and nobody can see then how far it got.  What is there at the next
 * start says nothing of it any more.
 */
static void
a_change_that_was_lost_sight_of_is_not_judged_by_later_ones(void **state)
{
	const struct guard g = { .check = run_out_of_files };
	struct world *w = *state;
	struct store *s = w->store;
	enum err_code rc;

	must_mkcol(s, "/a");
	must_mkcol(s, "/a/c");
	must_put(s, "/a/c/f", "f");
	must_set_prop(s, "/a/c", "p", "1");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files_before), 0);
	rc = store_remove(s, at("/a/c"), &g, NULL, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files_before), 0);
	assert_int_not_equal(rc, ERR_OK);
	assert_ok(store_rename(
	    s, at("/a/c"), at("/moved"), REPLACE_NO, NULL, NULL, NULL, err));
	store_close(s);
	world_open(w);
	must_have_props(w->store, "/moved", "p=1;");
}

static void
properties_outlive_the_server(void **state)
{
	struct world *w = *state;

	must_put(w->store, "/f", "x");
	must_set_prop(w->store, "/f", "p", "1");
	store_close(w->store);
	assert_int_equal(rename(real(w, "/f"), real(w, "/g")), 0);
	world_open(w);
	must_have_props(w->store, "/g", "p=1;");
}

static void
a_state_directory_is_for_one_server(void **state)
{
	struct world *w = *state;
	const struct dir_store_spec spec = { .dir = w->tree,
		.state = w->state };
	struct store *other;
	struct err err = { 0 };

	assert_int_equal(dir_store_open(&spec, &other, &err), ERR_IN_USE);
	assert_non_null(strstr(err.why, "--state"));
	assert_non_null(strstr(err.why, w->state));
}

static void
a_damaged_state_is_named_with_the_way_out(void **state)
{
	struct world *w = *state;
	const struct dir_store_spec spec = { .dir = w->tree,
		.state = w->state };
	struct err why = { 0 };
	FILE *f;

	store_close(w->store);
	w->store = NULL;
	f = fopen(real(w, "/../state/state.db"), "w");
	assert_non_null(f);
	assert_true(fputs("this has never been a database\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(dir_store_open(&spec, &w->store, &why), ERR_IO);
	assert_non_null(strstr(why.why, w->state));
	assert_non_null(strstr(why.why, "state.db"));
	assert_non_null(strstr(why.why, "move"));
	assert_int_equal(unlink(real(w, "/../state/state.db")), 0);
	world_open(w);
}

/* ---- as somebody who may not do everything */

static bool
become_nobody(void)
{
	return getuid() != 0 ||
	    (!setresgid(NOBODY, NOBODY, NOBODY) &&
		!setresuid(NOBODY, NOBODY, NOBODY));
}

#define WANT(call, code)                                               \
	do {                                                           \
		enum err_code rc_ = (call);                            \
		if (rc_ != (code)) {                                   \
			(void)fprintf(                                 \
			    stderr, "%s: %s\n", #call, err_name(rc_)); \
			return 1;                                      \
		}                                                      \
	} while (0)

static int
use_what_is_closed(const struct world *w)
{
	struct store *s = w->store;
	struct content *c;
	struct resource r;

	if (!become_nobody())
		return 2;
	WANT(store_open(s, at("/secret"), &c, NULL), ERR_FORBIDDEN);
	WANT(store_stat(s, at("/secret"), &r, NULL), ERR_OK);
	WANT(store_stat(s, at("/shut/f"), &r, NULL), ERR_FORBIDDEN);
	WANT(store_copy(s, at("/secret"), at("/open/copy"), REPLACE_NO, NULL,
		 NULL, NULL, NULL, NULL),
	    ERR_FORBIDDEN);
	WANT(store_stat(s, at("/open/copy"), &r, NULL), ERR_NOT_FOUND);
	WANT(put(s, "/ro/new", STR("x"), NULL, NULL, NULL), ERR_FORBIDDEN);
	WANT(store_mkcol(s, at("/ro/c"), NULL, NULL, NULL), ERR_FORBIDDEN);
	WANT(store_remove(s, at("/ro/f"), NULL, NULL, NULL), ERR_FORBIDDEN);
	WANT(store_rename(s, at("/ro/f"), at("/open/f"), REPLACE_NO, NULL, NULL,
		 NULL, NULL),
	    ERR_FORBIDDEN);
	WANT(put(s, "/open/new", STR("x"), NULL, NULL, NULL), ERR_OK);
	if (strcmp(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN),
		"/\n/open/\n/open/new\n/ro/\n/ro/f\n/secret\n"
		"/shut/ FORBIDDEN\n") != 0)
		return 3;
	if (strcmp(walk_text(s, "/shut", DEPTH_INFINITY, WALK_UP),
		"/shut/ FORBIDDEN\n") != 0)
		return 4;
	return 0;
}

static void
what_the_system_refuses_is_forbidden(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_put(s, "/secret", "x");
	must_mkcol(s, "/shut");
	must_put(s, "/shut/f", "x");
	must_mkcol(s, "/ro");
	must_put(s, "/ro/f", "x");
	must_mkcol(s, "/open");
	assert_int_equal(chmod(w->base.path, 0755), 0);
	assert_int_equal(chmod(real(w, "/secret"), 0), 0);
	assert_int_equal(chmod(real(w, "/ro"), 0555), 0);
	assert_int_equal(chmod(real(w, "/open"), 0777), 0);
	assert_int_equal(chmod(real(w, "/shut"), 0), 0);
	assert_int_equal(in_child(use_what_is_closed, w), 0);
}

static int
open_unwritable(const struct world *w)
{
	struct dir_store_spec spec = { .dir = w->tree };
	struct store *s;
	struct err err = { 0 };
	struct resource r;

	if (!become_nobody())
		return 2;
	WANT(dir_store_open(&spec, &s, &err), ERR_FORBIDDEN);
	if (!strstr(err.why, "--state"))
		return 3;
	/* With a state directory elsewhere it can be read. */
	spec.state = real(w, "/../elsewhere/state");
	WANT(dir_store_open(&spec, &s, &err), ERR_OK);
	WANT(store_stat(s, at("/f"), &r, NULL), ERR_OK);
	WANT(put(s, "/g", STR("x"), NULL, NULL, NULL), ERR_FORBIDDEN);
	store_close(s);
	return 0;
}

static void
a_tree_that_cannot_be_written_can_be_read(void **state)
{
	struct world *w = *state;

	must_put(w->store, "/f", "x");
	assert_int_equal(mkdir(real(w, "/../elsewhere"), 0777), 0);
	assert_int_equal(chmod(real(w, "/../elsewhere"), 0777), 0);
	assert_int_equal(chmod(w->base.path, 0755), 0);
	assert_int_equal(chmod(w->tree, 0555), 0);
	/* Its threads would be in the way of the child's. */
	store_close(w->store);
	w->store = NULL;
	assert_int_equal(in_child(open_unwritable, w), 0);
}

/* ---- other file systems in the tree */

/* False, having said so, where we may not mount. */
static bool
mount_small(const struct world *w, const char *path)
{
	if (!mount("tmpfs", real(w, path), "tmpfs", 0, "size=1m"))
		return true;
	if (errno != EPERM && errno != EACCES)
		fail_msg("mount: %s", strerror(errno));
	print_message("not done: only root may mount\n");
	return false;
}

static void
a_mounted_file_system_is_part_of_the_tree(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_mkcol(s, "/m");
	must_put(s, "/f", "text");
	must_set_prop(s, "/f", "p", "1");
	if (!mount_small(w, "/m"))
		skip(); /* it has said why */
	must_put(s, "/m/g", "g");
	must_have(s, "/m/g", "g");
	assert_ok(store_copy(
	    s, at("/f"), at("/m/f"), REPLACE_NO, NULL, NULL, NULL, NULL, err));
	must_have(s, "/m/f", "text");
	must_have_props(s, "/m/f", "p=1;");
	assert_fails(store_rename(s, at("/f"), at("/m/h"), REPLACE_NO, NULL,
			 NULL, NULL, err),
	    ERR_CROSS_DEVICE);
	must_have(s, "/f", "text");
	assert_ok(store_rename(
	    s, at("/m/f"), at("/m/h"), REPLACE_NO, NULL, NULL, NULL, err));
	must_have_props(s, "/m/h", "p=1;");
	assert_string_equal(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN),
	    "/\n/f\n/m/\n/m/g\n/m/h\n");
	assert_fails(store_remove(s, at("/m"), NULL, NULL, err), ERR_IN_USE);
}

static void
a_full_disk_is_said_to_be_full(void **state)
{
	static char bytes[900000];
	struct world *w = *state;
	struct store *s = w->store;
	struct upload_spec spec = { .length = (uint64_t)3 << 20 };
	struct upload *u;
	int i;

	must_mkcol(s, "/m");
	if (!mount_small(w, "/m"))
		skip(); /* it has said why */
	must_put(s, "/m/f", "old");
	/* With the length known, before the bytes have come. */
	assert_fails(store_upload(s, at("/m/f"), &spec, &u, err), ERR_NO_SPACE);
	spec.length = 0;
	assert_ok(store_upload(s, at("/m/f"), &spec, &u, err));
	for (i = 0; i < 3; i++)
		(void)ostream_write(
		    upload_stream(u), str_of(bytes, sizeof(bytes)));
	assert_fails(
	    upload_commit(u, NULL, NULL, NULL, NULL, err), ERR_NO_SPACE);
	upload_free(u);
	must_have(s, "/m/f", "old");
	assert_ok(
	    put(s, "/m/g", str_of(bytes, sizeof(bytes)), NULL, NULL, err));
	assert_fails(store_copy(s, at("/m/g"), at("/m/f"), REPLACE_YES, NULL,
			 NULL, NULL, NULL, err),
	    ERR_NO_SPACE);
	must_have(s, "/m/f", "old");
	assert_int_equal(count_entries(w, "/m"), 2);
}

static int
unmount_and_tear_down(void **state)
{
	(void)umount2(real(*state, "/m"), MNT_DETACH);
	return world_tear_down(state);
}

#define MOUNTING_TEST(test)              \
	cmocka_unit_test_setup_teardown( \
	    test, world_set_up, unmount_and_tear_down)

static const struct CMUnitTest rows[] = {
	WORLD_TEST(a_process_killed_while_uploading_leaves_nothing),
	WORLD_TEST(a_change_that_was_lost_sight_of_is_not_judged_by_later_ones),
	WORLD_TEST(properties_outlive_the_server),
	WORLD_TEST(a_damaged_state_is_named_with_the_way_out),
	WORLD_TEST(a_state_directory_is_for_one_server),
	WORLD_TEST(what_the_system_refuses_is_forbidden),
	WORLD_TEST(a_tree_that_cannot_be_written_can_be_read),
	MOUNTING_TEST(a_mounted_file_system_is_part_of_the_tree),
	MOUNTING_TEST(a_full_disk_is_said_to_be_full),
};

const struct tests system_tests = { rows, ARRAY_LEN(rows) };
