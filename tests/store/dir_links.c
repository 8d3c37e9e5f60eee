/* SPDX-License-Identifier: MIT */
/* The directory store: links, and what clients do not see. */
#include "store/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/locks.h"
#include "store/spot.h"

/* ---- links */

static void
links_within_the_tree_are_what_they_lead_to(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct resource link, file;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "text");
	link_to(w, "d/f", "/file");
	link_to(w, "d", "/dir");
	link_to(w, "../d/../d/./f", "/d/round");
	link_to(w, "dir/f", "/twice");
	must_have(s, "/file", "text");
	must_have(s, "/dir/f", "text");
	must_have(s, "/d/round", "text");
	must_have(s, "/dir/round", "text");
	must_have(s, "/twice", "text");
	link = must_stat(s, "/file");
	file = must_stat(s, "/d/f");
	assert_memory_equal(&link.id, &file.id, sizeof(file.id));
	assert_string_equal(walk_text(s, "/", DEPTH_1, WALK_DOWN),
	    "/\n/d/\n/dir/\n/file\n/twice\n");
	assert_string_equal(walk_text(s, "/dir", DEPTH_INFINITY, WALK_DOWN),
	    "/dir/\n/dir/f\n/dir/round\n");
}

static void
a_change_through_a_link_changes_what_it_leads_to(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct stat st;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "old");
	link_to(w, "d/f", "/file");
	link_to(w, "d", "/dir");
	must_put(s, "/file", "new");
	must_have(s, "/d/f", "new");
	must_put(s, "/dir/g", "g");
	must_have(s, "/d/g", "g");
	must_set_prop(s, "/file", "p", "1");
	must_have_props(s, "/d/f", "p=1;");
	assert_int_equal(lstat(real(w, "/file"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void
links_that_lead_nowhere_do_not_exist(void **state)
{
	static const char *const targets[] = { "nowhere", "../state",
		"../../../etc/passwd", "/etc/passwd", "/", "self", "f/x" };
	struct world *w = *state;
	struct store *s = w->store;
	size_t i;

	must_put(s, "/f", "x");
	for (i = 0; i < ARRAY_LEN(targets); i++) {
		struct content *c;

		link_to(w, targets[i], "/self");
		must_lack(s, "/self");
		assert_fails(
		    store_open(s, at("/self"), &c, err), ERR_NOT_FOUND);
		must_lack(s, "/self/state.db");
		assert_string_equal(
		    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/f\n");
		assert_fails(store_remove(s, at("/self"), NULL, NULL, err),
		    ERR_NOT_FOUND);
		assert_fails(
		    put(s, "/self", STR("x"), NULL, NULL, err), ERR_BAD_NAME);
		assert_fails(
		    store_mkcol(s, at("/self"), NULL, NULL, err), ERR_BAD_NAME);
		assert_fails(store_rename(s, at("/f"), at("/self"), REPLACE_YES,
				 NULL, NULL, NULL, err),
		    ERR_BAD_NAME);
		assert_fails(store_copy(s, at("/f"), at("/self"), REPLACE_YES,
				 NULL, NULL, NULL, NULL, err),
		    ERR_BAD_NAME);
		assert_fails(put(s, "/self/f", STR("x"), NULL, NULL, err),
		    ERR_NO_PARENT);
		assert_int_equal(unlink(real(w, "/self")), 0);
	}
}

static void
removing_or_renaming_a_link_is_about_the_link(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "x");
	must_set_prop(s, "/d/f", "p", "1");
	link_to(w, "d", "/dir");
	link_to(w, "d/f", "/file");
	assert_ok(store_rename(
	    s, at("/file"), at("/moved"), REPLACE_NO, NULL, NULL, NULL, err));
	must_lack(s, "/file");
	must_have(s, "/moved", "x");
	assert_ok(store_remove(s, at("/moved"), NULL, NULL, err));
	assert_ok(store_remove(s, at("/dir"), NULL, NULL, err));
	must_have(s, "/d/f", "x");
	must_have_props(s, "/d/f", "p=1;");
}

static void
removing_a_tree_spares_what_its_links_lead_to(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_mkcol(s, "/keep");
	must_put(s, "/keep/f", "x");
	must_mkcol(s, "/d");
	link_to(w, "../keep", "/d/link");
	assert_string_equal(
	    walk_text(s, "/d", DEPTH_INFINITY, WALK_UP), "/d/\n/d/link/\n");
	assert_string_equal(walk_text(s, "/d", DEPTH_INFINITY, WALK_DOWN),
	    "/d/\n/d/link/\n/d/link/f\n");
	/* A collection that gives way goes with its links, not beyond. */
	must_put(s, "/g", "g");
	assert_ok(store_rename(
	    s, at("/g"), at("/d"), REPLACE_YES, NULL, NULL, NULL, err));
	must_have(s, "/keep/f", "x");
}

static void
a_collection_that_contains_itself_is_a_loop(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_mkcol(s, "/a");
	must_mkcol(s, "/a/b");
	must_put(s, "/a/b/f", "x");
	link_to(w, "../..", "/a/b/up");
	link_to(w, ".", "/a/here");
	assert_string_equal(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN),
	    "/\n/a/\n/a/b/\n/a/b/f\n/a/b/up/ LOOP\n/a/here/ LOOP\n");
	/* An ancestor of the walk's root is one too. */
	assert_string_equal(walk_text(s, "/a/b", DEPTH_INFINITY, WALK_DOWN),
	    "/a/b/\n/a/b/f\n/a/b/up/ LOOP\n");
	assert_string_equal(walk_text(s, "/a/here/b", DEPTH_1, WALK_DOWN),
	    "/a/here/b/\n/a/here/b/f\n/a/here/b/up/\n");
}

static void
one_file_by_two_names_is_not_copied_onto_itself(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_put(s, "/f", "text");
	link_to(w, "f", "/soft");
	assert_int_equal(link(real(w, "/f"), real(w, "/hard")), 0);
	assert_fails(store_copy(s, at("/f"), at("/soft"), REPLACE_YES, NULL,
			 NULL, NULL, NULL, err),
	    ERR_SELF);
	assert_fails(store_copy(s, at("/f"), at("/hard"), REPLACE_YES, NULL,
			 NULL, NULL, NULL, err),
	    ERR_SELF);
	assert_fails(store_rename(s, at("/soft"), at("/f"), REPLACE_YES, NULL,
			 NULL, NULL, err),
	    ERR_SELF);
	must_have(s, "/f", "text");
	must_mkcol(s, "/d");
	link_to(w, "d", "/dir");
	assert_fails(store_rename(s, at("/d"), at("/dir/sub"), REPLACE_YES,
			 NULL, NULL, NULL, err),
	    ERR_SELF);
	assert_fails(store_copy(s, at("/d"), at("/dir/sub"), REPLACE_YES, NULL,
			 NULL, NULL, NULL, err),
	    ERR_SELF);
}

static void
hard_links_keep_their_properties(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;

	must_put(s, "/f", "text");
	must_set_prop(s, "/f", "p", "1");
	assert_int_equal(link(real(w, "/f"), real(w, "/g")), 0);
	must_have_props(s, "/g", "p=1;");
	must_put(s, "/f", "new");
	must_have_props(s, "/f", "p=1;");
	must_have_props(s, "/g", "p=1;");
	must_have(s, "/g", "text");
	assert_int_equal(link(real(w, "/g"), real(w, "/h")), 0);
	assert_ok(store_remove(s, at("/h"), NULL, NULL, err));
	must_have_props(s, "/g", "p=1;");
}

/* ---- what clients do not see */

static void
special_files_are_never_opened(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	struct content *c;
	struct err why = { 0 };

	assert_int_equal(mkfifo(real(w, "/fifo"), 0666), 0);
	must_mkcol(s, "/d");
	assert_int_equal(mkfifo(real(w, "/d/fifo"), 0666), 0);
	link_to(w, "fifo", "/link");
	must_lack(s, "/fifo");
	must_lack(s, "/link");
	/* Would not return if it opened it. */
	assert_fails(store_open(s, at("/fifo"), &c, err), ERR_NOT_FOUND);
	assert_fails(put(s, "/fifo", STR("x"), NULL, NULL, err), ERR_BAD_NAME);
	assert_fails(
	    store_mkcol(s, at("/fifo"), NULL, NULL, err), ERR_BAD_NAME);
	assert_fails(
	    store_remove(s, at("/fifo"), NULL, NULL, err), ERR_NOT_FOUND);
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/d/\n");
	assert_int_equal(
	    store_remove(s, at("/d"), NULL, NULL, &why), ERR_NOT_EMPTY);
	assert_non_null(strstr(why.tell, "not served"));
}

static void
our_own_names_are_hidden(void **state)
{
	static const char *const hidden[] = { "/.sheaf", "/.sheaf-tmp-x",
		"/d/.sheaf-tmp-0123456789abcdef" };
	struct world *w = *state;
	struct store *s = w->store;
	size_t i;

	must_mkcol(s, "/d");
	must_put(s, "/f", "x");
	for (i = 0; i < ARRAY_LEN(hidden); i++) {
		struct rpath p = at(hidden[i]);

		assert_int_equal(mkdir(real(w, hidden[i]), 0755), 0);
		must_lack(s, hidden[i]);
		assert_fails(store_mkcol(s, p, NULL, NULL, err), ERR_BAD_NAME);
		assert_fails(
		    put(s, hidden[i], STR("x"), NULL, NULL, err), ERR_BAD_NAME);
		assert_fails(store_rename(s, at("/f"), p, REPLACE_YES, NULL,
				 NULL, NULL, err),
		    ERR_BAD_NAME);
		assert_fails(
		    store_remove(s, p, NULL, NULL, err), ERR_NOT_FOUND);
	}
	assert_fails(
	    put(s, "/.sheaf/f", STR("x"), NULL, NULL, err), ERR_NO_PARENT);
	link_to(w, ".", "/here");
	link_to(w, ".sheaf", "/there");
	must_lack(s, "/here/.sheaf");
	must_lack(s, "/there");
	assert_string_equal(
	    walk_text(s, "/", DEPTH_1, WALK_DOWN), "/\n/d/\n/f\n/here/\n");
	/* Below the root it is a name like any other, and a near miss is. */
	must_mkcol(s, "/d/.sheaf");
	must_put(s, "/.sheaf2", "x");
	must_have(s, "/here/.sheaf2", "x");
}

static void
a_state_directory_within_the_tree_is_hidden(void **state)
{
	struct world *w = *state;
	struct dir_store_spec spec = { .dir = w->tree, .relaxed = true };
	struct store *s;
	struct stat st;

	assert_int_equal(mkdir(real(w, "/var"), 0755), 0);
	spec.state = real(w, "/var/state");
	assert_ok(dir_store_open(&spec, &s, err));
	must_lack(s, "/var/state");
	must_lack(s, "/var/state/state.db");
	link_to(w, "var/state/state.db", "/db");
	link_to(w, "var/state", "/dir");
	must_lack(s, "/db");
	must_lack(s, "/dir");
	assert_fails(
	    store_mkcol(s, at("/var/state"), NULL, NULL, err), ERR_BAD_NAME);
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/var/\n");
	assert_int_equal(stat(spec.state, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	store_close(s);
}

static void
leftovers_do_not_keep_a_collection(void **state)
{
	struct world *w = *state;
	struct store *s = w->store;
	int fd;

	must_mkcol(s, "/d");
	fd = creat(real(w, "/d/.sheaf-tmp-0000000000000000"), 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(mkdir(real(w, "/d/.sheaf-tmp-1"), 0755), 0);
	assert_int_equal(mkdir(real(w, "/d/.sheaf-tmp-1/sub"), 0755), 0);
	must_put(s, "/d/f", "x");
	assert_fails(store_remove(s, at("/d"), NULL, NULL, err), ERR_NOT_EMPTY);
	assert_int_equal(count_entries(w, "/d"), 3);
	assert_ok(store_remove(s, at("/d/f"), NULL, NULL, err));
	assert_ok(store_remove(s, at("/d"), NULL, NULL, err));
	must_lack(s, "/d");
}

/* ---- walks and locks */

struct seen {
	struct store *s;
	unsigned maybe, surely_not;
};

static enum err_code
see(void *arg, const struct member *m, bool *prune)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *locks;
	struct seen *seen = arg;
	size_t n = 0;

	(void)prune;
	assert_ok(store_locks(seen->s, m->path, &a, &locks, &n, err));
	if (m->maybe_locked)
		seen->maybe++;
	else
		seen->surely_not++;
	if (n)
		assert_true(m->maybe_locked);
	return ERR_OK;
}

static struct seen
walk_and_see(struct store *s, const char *root, enum walk_order order)
{
	struct seen seen = { .s = s };
	const struct walk w = {
		.depth = DEPTH_INFINITY,
		.order = order,
		.visit = see,
		.arg = &seen,
	};

	assert_ok(store_walk(s, at(root), &w, err));
	return seen;
}

/* Whatever name leads there; and most members need not be asked about. */
static void
a_walk_knows_what_surely_is_not_locked(void **state)
{
	static const char *const roots[] = { "/", "/d", "/by", "/e", "/d/sub" };
	struct world *w = *state;
	struct seen seen;
	size_t i;

	must_mkcol(w->store, "/d");
	must_mkcol(w->store, "/d/sub");
	must_mkcol(w->store, "/e");
	must_put(w->store, "/d/sub/f", "");
	must_put(w->store, "/e/f", "");
	must_put(w->store, "/e/g", "");
	link_to(w, "d/sub", "/by");
	link_to(w, "../d/sub/f", "/e/to");
	for (i = 0; i < ARRAY_LEN(roots); i++) {
		seen = walk_and_see(w->store, roots[i], WALK_DOWN);
		assert_true(seen.maybe <= 3); /* the root, and links */
	}
	(void)lock_at(w->store, "/d/sub", DEPTH_INFINITY, false, "");
	for (i = 0; i < ARRAY_LEN(roots); i++) {
		(void)walk_and_see(w->store, roots[i], WALK_DOWN);
		(void)walk_and_see(w->store, roots[i], WALK_UP);
	}
	seen = walk_and_see(w->store, "/e", WALK_UP);
	assert_int_equal(seen.surely_not, 2);
}

static void
must_find_spots(
    struct store *s, struct store_spot *v, size_t n, struct arena *a)
{
	size_t i;

	assert_ok(store_find_spots(s, v, n, a, err));
	for (i = 0; i < n; i++) {
		struct rpath alone = v[i].path;
		struct resource r = { 0 };

		if (!v[i].path.s.len)
			continue;
		if (store_resolve(s, v[i].path, a, &alone, NULL))
			alone = v[i].path;
		assert_str_equal(v[i].real.s, alone.s);
		(void)!store_stat(s, v[i].path, &r, NULL);
		assert_int_equal(v[i].collection, r.collection);
	}
}

static void
where_many_paths_lead_is_where_each_does(void **state)
{
	static const char *const paths[] = { "/", "/d", "/d/f", "/d/no",
		"/d/sub", "/d/to", "/d/by", "/d/dangling", "/d/sub/g", "/by",
		"/by/g", "/by/no", "/by/g/no", "/no/no", "/no/no/no",
		"/d/f/below", "/d/f", "/dir/sub", "/dir/to", "/dir/by/g" };
	struct store_spot v[ARRAY_LEN(paths) + 1] = { 0 };
	struct world *w = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	size_t i;

	must_mkcol(w->store, "/d");
	must_mkcol(w->store, "/d/sub");
	must_put(w->store, "/d/f", "");
	must_put(w->store, "/d/sub/g", "");
	link_to(w, "f", "/d/to");
	link_to(w, "sub", "/d/by");
	link_to(w, "gone", "/d/dangling");
	link_to(w, "d/sub", "/by");
	link_to(w, "d", "/dir");
	for (i = 0; i < ARRAY_LEN(paths); i++)
		v[i].path = at(paths[i]);
	must_find_spots(w->store, v, ARRAY_LEN(v), &a);
	assert_null(v[ARRAY_LEN(paths)].real.s.ptr);
}

/* Some of them are there, in a collection of which other things are told. */
static void
where_many_paths_of_one_collection_lead_is_where_each_does(void **state)
{
	struct store_spot v[40] = { 0 };
	char paths[40][16];
	struct world *w = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	size_t i;
	int n;

	must_mkcol(w->store, "/d");
	for (i = 0; i < ARRAY_LEN(v); i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "/d/f%zu", i);
		v[i].path = at(paths[i]);
	}
	must_find_spots(w->store, v, ARRAY_LEN(v), &a);
	must_put(w->store, "/d/f3", "");
	must_put(w->store, "/d/other", "");
	must_find_spots(w->store, v, ARRAY_LEN(v), &a);
	link_to(w, "other", "/d/f5");
	must_find_spots(w->store, v, ARRAY_LEN(v), &a);
	assert_str_equal(v[5].real.s, STR("/d/other"));
	must_mkcol(w->store, "/d/f7");
	must_find_spots(w->store, v, ARRAY_LEN(v), &a);
	assert_true(v[7].collection);
	/* More than are read. */
	for (n = 0; n < 1000; n++) {
		char name[16];
		int fd;

		(void)snprintf(name, sizeof(name), "/d/%d", n);
		fd = open(real(w, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		(void)close(fd);
	}
	must_find_spots(w->store, v, ARRAY_LEN(v), &a);
	assert_true(v[7].collection);
	assert_str_equal(v[5].real.s, STR("/d/other"));
	assert_int_equal(unlink(real(w, "/d/f5")), 0);
	assert_int_equal(rmdir(real(w, "/d/f7")), 0);
	must_find_spots(w->store, v, ARRAY_LEN(v), &a);
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(links_within_the_tree_are_what_they_lead_to),
	WORLD_TEST(where_many_paths_lead_is_where_each_does),
	WORLD_TEST(where_many_paths_of_one_collection_lead_is_where_each_does),
	WORLD_TEST(a_change_through_a_link_changes_what_it_leads_to),
	WORLD_TEST(links_that_lead_nowhere_do_not_exist),
	WORLD_TEST(removing_or_renaming_a_link_is_about_the_link),
	WORLD_TEST(removing_a_tree_spares_what_its_links_lead_to),
	WORLD_TEST(a_collection_that_contains_itself_is_a_loop),
	WORLD_TEST(one_file_by_two_names_is_not_copied_onto_itself),
	WORLD_TEST(hard_links_keep_their_properties),
	WORLD_TEST(special_files_are_never_opened),
	WORLD_TEST(our_own_names_are_hidden),
	WORLD_TEST(a_state_directory_within_the_tree_is_hidden),
	WORLD_TEST(leftovers_do_not_keep_a_collection),
	WORLD_TEST(a_walk_knows_what_surely_is_not_locked),
};

const struct tests link_tests = { rows, ARRAY_LEN(rows) };
