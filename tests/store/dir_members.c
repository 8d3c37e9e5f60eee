/* SPDX-License-Identifier: MIT */
/* The directory store: many members of a collection in one call. */
#include "store/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/alloc_fail.h"
#include "store/dir_watch.h"
#include "store/members.h"
#include "store/state.h"

#define STAGING "/../state/tmp"

/* A call of store_copy_members(), and what it said. */
struct together {
	struct world *w;
	struct store_batch *b;
	const char *names[40]; /* those of collections end in a slash */
	bool itself;
	bool gone; /* that */
	unsigned long fail_at; /* an allocation; 0: none */
	bool fired;
	char said[400]; /* "NAME ERROR," of those that failed */
};

static enum err_code
note_failed(void *arg, size_t i, enum err_code rc, const struct err *why)
{
	struct together *t = arg;
	size_t len = strlen(t->said);

	(void)why;
	(void)snprintf(t->said + len, sizeof(t->said) - len, "%s %s,",
	    t->names[i], err_name(rc));
	return ERR_OK;
}

/* Removes those of /a, or copies them to /b. */
static enum err_code
take_together(struct together *t, bool removes)
{
	struct str names[MEMBERS_MAX];
	bool collections[MEMBERS_MAX];
	struct member_files m = {
		.in = at("/a"),
		.names = names,
		.collections = removes ? NULL : collections,
		.failed = note_failed,
		.arg = t,
	};
	struct store *s = t->w->store;
	enum err_code rc;

	for (; t->names[m.n]; m.n++) {
		struct str name = str_from_c(t->names[m.n]);
		bool is_one = name.ptr[name.len - 1] == '/';

		collections[m.n] = is_one;
		names[m.n] = str_head(name, name.len - is_one);
	}
	assert_ok(store_batch_begin(s, at("/"), &t->b, err));
	store_batch_many(t->b);
	if (t->fail_at)
		alloc_fail_at(t->fail_at);
	rc = removes ? store_remove_members(
			   s, &m, t->itself ? &t->gone : NULL, NULL, t->b)
		     : store_copy_members(s, &m, t->itself, at("/b"),
			   REPLACE_NO, NULL, t->b, NULL);
	if (t->fail_at)
		t->fired = alloc_fail_stop();
	assert_ok(store_batch_end(s, t->b, err));
	return rc;
}

static enum err_code
copy_together(struct together *t)
{
	return take_together(t, false);
}

static void
make_source(struct store *s)
{
	must_mkcol(s, "/a");
	must_put(s, "/a/1", "one");
	must_mkcol(s, "/a/c");
	must_put(s, "/a/c/2", "two");
	must_mkcol(s, "/a/c/d");
	must_put(s, "/a/c/d/3", "three");
	must_put(s, "/a/c/4", "");
	must_mkcol(s, "/a/e");
	must_put(s, "/a/c.f", "five");
}

#define SOURCE "1", "c/", "c/2", "c/d/", "c/d/3", "c/4", "e/", "c.f"
#define COPIED "/b/\n/b/1\n/b/c.f\n/b/c/\n/b/c/2\n/b/c/4\n/b/c/d/\n/b/c/d/3\n"

static void
must_have_all(struct world *w)
{
	assert_string_equal(
	    walk_text(w->store, "/b", DEPTH_INFINITY, WALK_DOWN),
	    COPIED "/b/e/\n");
	must_have(w->store, "/b/1", "one");
	must_have(w->store, "/b/c/d/3", "three");
	must_have(w->store, "/b/c/4", "");
	assert_int_equal(count_entries(w, STAGING), 0);
}

static void
collections_come_with_what_is_in_them(void **state)
{
	struct together t = {
		.w = *state, .names = { SOURCE }, .itself = true
	};
	int64_t files, collections, trees;

	make_source(t.w->store);
	store_close(t.w->store); /* so that all lines are in the journal */
	world_open(t.w);
	files = count_lines(t.w, CHANGE_WRITE);
	collections = count_lines(t.w, CHANGE_MKCOL);
	trees = count_lines(t.w, CHANGE_TREE);
	assert_ok(copy_together(&t));
	assert_string_equal(t.said, "");
	must_have_all(t.w);
	store_close(t.w->store);
	world_open(t.w);
	assert_int_equal(count_lines(t.w, CHANGE_WRITE), files);
	assert_int_equal(count_lines(t.w, CHANGE_MKCOL), collections);
	assert_int_equal(count_lines(t.w, CHANGE_TREE), trees + 1);
}

static void
what_has_properties_comes_with_them(void **state)
{
	struct together t = {
		.w = *state, .names = { SOURCE }, .itself = true
	};
	static const char *const paths[] = { "/a/1", "/a/c", "/a/c/d/3" };
	size_t i;

	make_source(t.w->store);
	for (i = 0; i < ARRAY_LEN(paths); i++)
		must_set_prop(t.w->store, paths[i], "p", "1");
	assert_ok(copy_together(&t));
	assert_string_equal(t.said, "");
	must_have_all(t.w);
	must_have_props(t.w->store, "/b/1", "p=1;");
	must_have_props(t.w->store, "/b/c", "p=1;");
	must_have_props(t.w->store, "/b/c/d", "");
	must_have_props(t.w->store, "/b/c/d/3", "p=1;");
	must_have_props(t.w->store, "/b/c/2", "");
	store_close(t.w->store);
	world_open(t.w);
	must_have_props(t.w->store, "/b/c", "p=1;");
	must_have_props(t.w->store, "/b/c/d/3", "p=1;");
}

/* Since somebody looked, some have gone, or are something else. */
static void
what_is_not_as_it_was_said_to_be_is_told(void **state)
{
	struct together t = {
		.w = *state,
		.names = { SOURCE, "no", "none/", "none/x", "none/y/",
		    "none/y/z", "c.f/", "c.f/x", "l" },
		.itself = true,
	};

	make_source(t.w->store);
	link_to(t.w, "c/2", "/a/l");
	assert_ok(copy_together(&t));
	assert_string_equal(
	    t.said, "no NOT_FOUND,none/ NOT_FOUND,c.f/ EXISTS,");
	must_have(t.w->store, "/b/l", "two");
	must_have(t.w->store, "/b/c.f", "five");
	must_have(t.w->store, "/b/c/2", "two");
}

static void
what_cannot_come_leaves_nothing(void **state)
{
	const struct lock_spec spec = { .timeout = INT64_C(3600000000000) };
	struct together t = {
		.w = *state, .names = { SOURCE }, .itself = true
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock lock;
	bool created;

	make_source(t.w->store);
	assert_ok(store_lock(
	    t.w->store, at("/"), &spec, NULL, &a, &lock, &created, err));
	assert_int_equal(copy_together(&t), ERR_LOCKED);
	assert_string_equal(t.said, "");
	assert_int_equal(count_entries(t.w, STAGING), 0);
	must_lack(t.w->store, "/b");
}

static void
remove_copy(struct store *s)
{
	static const char *const paths[] = { "/b/c/d/3", "/b/c/d", "/b/c/2",
		"/b/c/4", "/b/c", "/b/1", "/b/e", "/b/c.f", "/b" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++)
		(void)!store_remove(s, at(paths[i]), NULL, NULL, NULL);
	must_lack(s, "/b");
}

static void
whatever_allocation_fails_all_is_there_or_told(void **state)
{
	struct together t = { .w = *state, .itself = true, .fired = true };
	static const char *const names[] = { SOURCE };

	make_source(t.w->store);
	must_set_prop(t.w->store, "/a/c/d", "p", "1");
	must_set_prop(t.w->store, "/a/c/d/3", "p", "1");
	must_set_prop(t.w->store, "/a", "p", "1");
	memcpy(t.names, names, sizeof(names));
	for (t.fail_at = 1; t.fired; t.fail_at++) {
		enum err_code rc;

		t.said[0] = '\0';
		rc = copy_together(&t);
		assert_true(rc == ERR_OK || (t.fired && rc == ERR_NOMEM));
		if (!rc && !t.said[0]) {
			must_have_all(t.w);
			must_have_props(t.w->store, "/b", "p=1;");
			must_have_props(t.w->store, "/b/c/d", "p=1;");
			must_have_props(t.w->store, "/b/c/d/3", "p=1;");
			must_have_props(t.w->store, "/b/c", "");
		}
		assert_int_equal(count_entries(t.w, STAGING), 0);
		remove_copy(t.w->store);
	}
	assert_true(t.fail_at > 4);
}

/* Into a collection that is there already. */
static void
files_with_properties_come_with_them(void **state)
{
	struct together t = { .w = *state, .names = { "1", "c.f" } };

	make_source(t.w->store);
	must_set_prop(t.w->store, "/a/1", "p", "1");
	must_mkcol(t.w->store, "/b");
	assert_ok(copy_together(&t));
	assert_string_equal(t.said, "");
	must_have(t.w->store, "/b/1", "one");
	must_have_props(t.w->store, "/b/1", "p=1;");
	must_have_props(t.w->store, "/b/c.f", "");
	store_close(t.w->store);
	world_open(t.w);
	must_have_props(t.w->store, "/b/1", "p=1;");
}

/* ---- more files than have their lines at once */

#define MANY 37

/* /a/f0 ..., and t's names of them. */
static void
make_many(struct together *t, char names[MANY][8])
{
	size_t i;

	must_mkcol(t->w->store, "/a");
	for (i = 0; i < MANY; i++) {
		char path[16];

		(void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
		(void)snprintf(path, sizeof(path), "/a/%.7s", names[i]);
		must_put(t->w->store, path, names[i]);
		t->names[i] = names[i];
	}
}

static void
set_props(struct world *w)
{
	must_set_prop(w->store, "/a/f3", "p", "1");
	must_set_prop(w->store, "/a/f30", "p", "1");
}

static void
must_have_copies(struct world *w)
{
	assert_int_equal(count_entries(w, "/b"), MANY);
	must_have(w->store, "/b/f0", "f0");
	must_have(w->store, "/b/f36", "f36");
	must_have_props(w->store, "/b/f3", "p=1;");
	must_have_props(w->store, "/b/f30", "p=1;");
	must_have_props(w->store, "/b/f31", "");
}

static void
many_files_come_with_their_properties(void **state)
{
	struct together t = { .w = *state };
	char names[MANY][8];
	int64_t lines;

	make_many(&t, names);
	set_props(t.w);
	must_mkcol(t.w->store, "/b");
	store_close(t.w->store); /* so that all lines are in the journal */
	world_open(t.w);
	lines = count_lines(t.w, CHANGE_WRITE);
	assert_ok(copy_together(&t));
	assert_string_equal(t.said, "");
	must_have_copies(t.w);
	store_close(t.w->store);
	world_open(t.w);
	must_have_copies(t.w);
	assert_int_equal(count_lines(t.w, CHANGE_WRITE), lines + MANY);
}

static void
many_files_go_with_their_properties(void **state)
{
	struct together t = { .w = *state };
	char names[MANY][8];
	int64_t lines;

	make_many(&t, names);
	set_props(t.w);
	assert_int_equal(link(real(t.w, "/a/f30"), real(t.w, "/a/g30")), 0);
	t.names[MANY] = "g30";
	t.names[MANY + 1] = "none";
	store_close(t.w->store);
	world_open(t.w);
	lines = count_lines(t.w, CHANGE_REMOVE);
	assert_int_equal(count_props(t.w), 2);
	assert_ok(take_together(&t, true));
	assert_string_equal(t.said, "none NOT_FOUND,");
	assert_int_equal(count_entries(t.w, "/a"), 0);
	store_close(t.w->store);
	world_open(t.w);
	assert_int_equal(count_lines(t.w, CHANGE_REMOVE), lines + MANY + 1);
	assert_int_equal(count_props(t.w), 0);
}

/* What is no file meanwhile, and is not named, keeps it. */
static void
a_collection_goes_with_all_that_is_in_it(void **state)
{
	struct together t = { .w = *state, .itself = true };
	char names[MANY][8];
	int64_t lines, trees;

	make_many(&t, names);
	must_mkcol(t.w->store, "/a/d");
	t.names[MANY] = "d";
	assert_ok(take_together(&t, true));
	assert_string_equal(t.said, "");
	assert_true(t.gone);
	must_lack(t.w->store, "/a");
	make_many(&t, names);
	must_mkcol(t.w->store, "/a/d");
	t.names[MANY] = NULL;
	assert_ok(take_together(&t, true));
	assert_string_equal(t.said, "");
	assert_false(t.gone);
	assert_int_equal(count_entries(t.w, "/a"), 1);
	store_close(t.w->store);
	world_open(t.w);
	lines = count_lines(t.w, CHANGE_REMOVE);
	trees = count_lines(t.w, CHANGE_TREE);
	must_put(t.w->store, "/a/f0", "");
	assert_ok(store_remove(t.w->store, at("/a/d"), NULL, NULL, err));
	t.names[1] = NULL;
	assert_ok(take_together(&t, true));
	assert_true(t.gone);
	must_lack(t.w->store, "/a");
	store_close(t.w->store);
	world_open(t.w);
	assert_int_equal(count_lines(t.w, CHANGE_REMOVE), lines + 1);
	assert_int_equal(count_lines(t.w, CHANGE_TREE), trees + 1);
}

/* Who has some is seen by the inodes beside the names. */
static void
properties_elsewhere_keep_nobody_from_going_with_one_line(void **state)
{
	struct together t = { .w = *state, .itself = true };
	int fd = open(t.w->tree, O_RDONLY | O_DIRECTORY);
	bool tells = watch_is_local(fd);
	char names[MANY][8];
	int64_t lines, trees;

	assert_int_equal(close(fd), 0);
	if (!tells)
		skip(); /* no inodes beside the names: each is asked */
	make_many(&t, names);
	must_put(t.w->store, "/x", "");
	must_set_prop(t.w->store, "/x", "p", "1");
	must_set_prop(t.w->store, "/", "p", "1");
	store_close(t.w->store);
	world_open(t.w);
	lines = count_lines(t.w, CHANGE_REMOVE);
	trees = count_lines(t.w, CHANGE_TREE);
	assert_ok(take_together(&t, true));
	assert_string_equal(t.said, "");
	assert_true(t.gone);
	must_lack(t.w->store, "/a");
	store_close(t.w->store);
	world_open(t.w);
	assert_int_equal(count_lines(t.w, CHANGE_REMOVE), lines);
	assert_int_equal(count_lines(t.w, CHANGE_TREE), trees + 1);
	must_have_props(t.w->store, "/x", "p=1;");
}

static void
a_collection_goes_with_its_properties_and_its_members(void **state)
{
	static const char *const paths[] = { "/a", "/a/f36", "/a/.h" };
	struct together t = { .w = *state, .itself = true };
	char names[MANY][8];
	size_t i;

	t.names[MANY] = ".h";
	for (i = 0; i < ARRAY_LEN(paths); i++) {
		make_many(&t, names);
		must_put(t.w->store, "/a/.h", "");
		must_set_prop(t.w->store, paths[i], "p", "1");
		t.gone = false;
		assert_ok(take_together(&t, true));
		assert_string_equal(t.said, "");
		assert_true(t.gone);
		must_lack(t.w->store, "/a");
		store_close(t.w->store);
		world_open(t.w);
		assert_int_equal(count_props(t.w), 0);
	}
}

/* It is not the last name of what it is. */
static void
what_has_another_name_leaves_its_properties_there(void **state)
{
	struct together t = { .w = *state, .itself = true };
	char names[MANY][8];

	make_many(&t, names);
	must_set_prop(t.w->store, "/a/f3", "p", "1");
	assert_int_equal(link(real(t.w, "/a/f3"), real(t.w, "/x")), 0);
	assert_ok(take_together(&t, true));
	assert_string_equal(t.said, "");
	assert_true(t.gone);
	store_close(t.w->store);
	world_open(t.w);
	must_have_props(t.w->store, "/x", "p=1;");
}

static void
what_is_locked_stays_while_the_others_go(void **state)
{
	const struct lock_spec spec = { .timeout = INT64_C(3600000000000) };
	struct together t = { .w = *state, .itself = true };
	struct arena a CLEANUP(arena_done) = { 0 };
	char names[MANY][8];
	struct lock lock;
	bool created;

	make_many(&t, names);
	assert_ok(store_lock(
	    t.w->store, at("/a/f5"), &spec, NULL, &a, &lock, &created, err));
	assert_ok(take_together(&t, true));
	assert_string_equal(t.said, "f5 LOCKED,");
	assert_false(t.gone);
	assert_int_equal(count_entries(t.w, "/a"), 1);
}

static void
whatever_allocation_fails_many_go_or_are_told(void **state)
{
	struct together t = { .w = *state, .fired = true };
	char names[MANY][8];

	for (t.fail_at = 1; t.fired; t.fail_at++) {
		size_t i;

		make_many(&t, names);
		set_props(t.w);
		t.said[0] = '\0';
		assert_ok(take_together(&t, true));
		assert_true(t.fired || !t.said[0]);
		if (!t.said[0])
			assert_int_equal(count_entries(t.w, "/a"), 0);
		for (i = 0; i < MANY; i++) {
			char path[16];

			(void)snprintf(path, sizeof(path), "/a/%.7s", names[i]);
			(void)!store_remove(
			    t.w->store, at(path), NULL, NULL, NULL);
		}
		assert_ok(store_remove(t.w->store, at("/a"), NULL, NULL, err));
	}
	assert_true(t.fail_at > 2);
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(collections_come_with_what_is_in_them),
	STRICT_TEST(collections_come_with_what_is_in_them),
	WORLD_TEST(what_has_properties_comes_with_them),
	STRICT_TEST(what_has_properties_comes_with_them),
	WORLD_TEST(files_with_properties_come_with_them),
	STRICT_TEST(files_with_properties_come_with_them),
	WORLD_TEST(whatever_allocation_fails_all_is_there_or_told),
	WORLD_TEST(what_is_not_as_it_was_said_to_be_is_told),
	WORLD_TEST(what_cannot_come_leaves_nothing),
	WORLD_TEST(many_files_come_with_their_properties),
	STRICT_TEST(many_files_come_with_their_properties),
	WORLD_TEST(many_files_go_with_their_properties),
	STRICT_TEST(many_files_go_with_their_properties),
	WORLD_TEST(a_collection_goes_with_all_that_is_in_it),
	STRICT_TEST(a_collection_goes_with_all_that_is_in_it),
	WORLD_TEST(properties_elsewhere_keep_nobody_from_going_with_one_line),
	STRICT_TEST(properties_elsewhere_keep_nobody_from_going_with_one_line),
	WORLD_TEST(a_collection_goes_with_its_properties_and_its_members),
	STRICT_TEST(a_collection_goes_with_its_properties_and_its_members),
	WORLD_TEST(what_has_another_name_leaves_its_properties_there),
	WORLD_TEST(what_is_locked_stays_while_the_others_go),
	WORLD_TEST(whatever_allocation_fails_many_go_or_are_told),
};

const struct tests member_tests = { rows, ARRAY_LEN(rows) };
