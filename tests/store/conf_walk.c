/* SPDX-License-Identifier: MIT */
/* Conformance: walks. */
#include "store/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/impl.h"

static void
make_tree(struct store *s)
{
	must_mkcol(s, "/a");
	must_mkcol(s, "/a/b");
	must_put(s, "/a/b/f", "x");
	must_put(s, "/a/g", "x");
	must_mkcol(s, "/c");
	must_put(s, "/h", "x");
}

static void
depth_says_how_far_a_walk_goes(void **state)
{
	static const struct {
		const char *root;
		enum depth depth;
		const char *want;
	} cases[] = {
		{ "/", DEPTH_0, "/\n" },
		{ "/", DEPTH_1, "/\n/a/\n/c/\n/h\n" },
		{ "/", DEPTH_INFINITY,
		    "/\n/a/\n/a/b/\n/a/b/f\n/a/g\n/c/\n/h\n" },
		{ "/a", DEPTH_0, "/a/\n" },
		{ "/a", DEPTH_1, "/a/\n/a/b/\n/a/g\n" },
		{ "/a", DEPTH_INFINITY, "/a/\n/a/b/\n/a/b/f\n/a/g\n" },
		{ "/c", DEPTH_INFINITY, "/c/\n" },
		{ "/h", DEPTH_0, "/h\n" },
		{ "/h", DEPTH_1, "/h\n" },
		{ "/h", DEPTH_INFINITY, "/h\n" },
	};
	struct store *s = *state;
	size_t i;

	make_tree(s);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(
		    walk_text(s, cases[i].root, cases[i].depth, WALK_DOWN),
		    cases[i].want);
		assert_string_equal(
		    walk_text(s, cases[i].root, cases[i].depth, WALK_UP),
		    cases[i].want);
	}
}

/* What a visitor of these tests keeps. */
struct seen {
	struct store *store;
	enum walk_order order;
	char last[4096]; /* all paths so far, each with a newline */
	size_t visits;
	const char *act_on; /* where the visitor does something */
	enum err_code say;
};

static enum err_code
check_order(void *arg, const struct member *m, bool *prune)
{
	struct seen *seen = arg;
	char line[256];
	size_t len = strlen(seen->last);
	const struct rpath parent = rpath_parent(m->path);
	bool parent_seen;

	(void)prune;
	(void)snprintf(line, sizeof(line), "\n%.*s\n", STR_ARG(parent.s));
	parent_seen = strstr(seen->last, line) != NULL;
	if (!rpath_is_root(m->path))
		assert_int_equal(parent_seen, seen->order == WALK_DOWN);
	(void)snprintf(seen->last + len, sizeof(seen->last) - len, "\n%.*s\n",
	    STR_ARG(m->path.s));
	seen->visits++;
	return ERR_OK;
}

static void
collections_come_before_or_after_their_members(void **state)
{
	static const enum walk_order orders[] = { WALK_DOWN, WALK_UP };
	struct store *s = *state;
	size_t i;

	make_tree(s);
	for (i = 0; i < ARRAY_LEN(orders); i++) {
		struct seen seen = { .order = orders[i] };
		const struct walk w = {
			.depth = DEPTH_INFINITY,
			.order = orders[i],
			.visit = check_order,
			.arg = &seen,
		};

		assert_ok(store_walk(s, at("/"), &w, err));
		assert_int_equal(seen.visits, 7);
	}
}

static enum err_code
prune_there(void *arg, const struct member *m, bool *prune)
{
	struct seen *seen = arg;

	seen->visits++;
	*prune = str_eq(m->path.s, str_from_c(seen->act_on));
	return ERR_OK;
}

static void
a_pruned_collection_keeps_its_members_to_itself(void **state)
{
	static const struct {
		const char *at;
		size_t visits;
	} cases[] = { { "/", 1 }, { "/a", 4 }, { "/a/b", 6 }, { "/c", 7 } };
	struct store *s = *state;
	size_t i;

	make_tree(s);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct seen seen = { .act_on = cases[i].at };
		const struct walk w = {
			.depth = DEPTH_INFINITY,
			.order = WALK_DOWN,
			.visit = prune_there,
			.arg = &seen,
		};

		assert_ok(store_walk(s, at("/"), &w, err));
		assert_int_equal(seen.visits, cases[i].visits);
	}
}

static enum err_code
stop_there(void *arg, const struct member *m, bool *prune)
{
	struct seen *seen = arg;

	(void)prune;
	seen->visits++;
	return str_eq(m->path.s, str_from_c(seen->act_on)) ? seen->say : ERR_OK;
}

static void
what_a_visitor_returns_ends_the_walk(void **state)
{
	static const char *const where[] = { "/", "/a", "/a/b/f", "/h" };
	static const enum walk_order orders[] = { WALK_DOWN, WALK_UP };
	struct store *s = *state;
	size_t i, k;

	make_tree(s);
	for (i = 0; i < ARRAY_LEN(where); i++)
		for (k = 0; k < ARRAY_LEN(orders); k++) {
			struct seen seen = { .act_on = where[i],
				.say = ERR_CLIENT_GONE };
			const struct walk w = {
				.depth = DEPTH_INFINITY,
				.order = orders[k],
				.visit = stop_there,
				.arg = &seen,
			};

			assert_fails(
			    store_walk(s, at("/"), &w, err), ERR_CLIENT_GONE);
			seen.act_on = "";
			assert_ok(store_walk(s, at("/"), &w, err));
		}
}

static void
a_walk_of_nothing_fails(void **state)
{
	struct seen seen = { .act_on = "" };
	const struct walk w = {
		.depth = DEPTH_1,
		.order = WALK_DOWN,
		.visit = stop_there,
		.arg = &seen,
	};
	struct store *s = *state;

	assert_fails(store_walk(s, at("/no"), &w, err), ERR_NOT_FOUND);
	assert_fails(store_walk(s, at("/no/no"), &w, err), ERR_NOT_FOUND);
	assert_int_equal(seen.visits, 0);
}

static enum err_code
remove_it(void *arg, const struct member *m, bool *prune)
{
	struct seen *seen = arg;

	(void)prune;
	seen->visits++;
	if (rpath_is_root(m->path))
		return ERR_OK;
	assert_ok(store_remove(seen->store, m->path, NULL, NULL, err));
	return ERR_OK;
}

static void
a_visitor_may_remove_what_it_is_given(void **state)
{
	enum { DIRS = 7, FILES = 400 };
	struct store *s = *state;
	struct seen seen = { .store = s };
	const struct walk w = {
		.depth = DEPTH_INFINITY,
		.order = WALK_UP,
		.visit = remove_it,
		.arg = &seen,
	};
	char path[64];
	int i, k;

	for (i = 0; i < DIRS; i++) {
		(void)snprintf(path, sizeof(path), "/d%d", i);
		must_mkcol(s, path);
		for (k = 0; k < FILES; k++) {
			(void)snprintf(
			    path, sizeof(path), "/d%d/some-file-%d", i, k);
			must_put(s, path, "");
		}
	}
	assert_ok(store_walk(s, at("/"), &w, err));
	assert_int_equal(seen.visits, 1 + DIRS + DIRS * FILES);
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n");
}

static enum err_code
compare_with_stat(void *arg, const struct member *m, bool *prune)
{
	struct seen *seen = arg;
	struct resource r;

	(void)prune;
	assert_ok(store_stat(seen->store, m->path, &r, err));
	assert_int_equal(m->failed, ERR_OK);
	assert_int_equal(m->res.collection, r.collection);
	assert_int_equal(m->res.has_props, r.has_props);
	assert_int_equal(m->res.length, r.length);
	assert_int_equal(m->res.modified, r.modified);
	assert_int_equal(m->res.created, r.created);
	assert_memory_equal(&m->res.id, &r.id, sizeof(r.id));
	assert_str_equal(resource_etag(&m->res), resource_etag(&r));
	seen->visits++;
	return ERR_OK;
}

static void
a_walk_tells_of_each_what_stat_does(void **state)
{
	struct store *s = *state;
	struct seen seen = { .store = s };
	const struct walk w = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = compare_with_stat,
		.arg = &seen,
	};

	make_tree(s);
	must_set_prop(s, "/a/b", "p", "1");
	must_set_prop(s, "/h", "p", "1");
	assert_ok(store_walk(s, at("/"), &w, err));
	assert_int_equal(seen.visits, 7);
}

static enum err_code
compare_kind(void *arg, const struct member *m, bool *prune)
{
	struct seen *seen = arg;
	struct resource r;

	(void)prune;
	assert_ok(store_stat(seen->store, m->path, &r, err));
	assert_int_equal(m->failed, ERR_OK);
	assert_int_equal(m->res.collection, r.collection);
	seen->visits++;
	return ERR_OK;
}

static void
a_walk_for_kinds_tells_what_is_a_collection(void **state)
{
	static const enum walk_order orders[] = { WALK_DOWN, WALK_UP };
	struct store *s = *state;
	size_t i;

	make_tree(s);
	for (i = 0; i < ARRAY_LEN(orders); i++) {
		struct seen seen = { .store = s };
		const struct walk w = {
			.depth = DEPTH_INFINITY,
			.order = orders[i],
			.kinds_only = true,
			.visit = compare_kind,
			.arg = &seen,
		};

		assert_ok(store_walk(s, at("/"), &w, err));
		assert_int_equal(seen.visits, 7);
	}
}

static enum err_code
count(void *arg, const struct member *m, bool *prune)
{
	struct seen *seen = arg;

	(void)prune;
	assert_int_equal(m->failed, ERR_OK);
	seen->visits++;
	return ERR_OK;
}

#define N_FILES 3

static void
add_files(struct store *s, struct buf *path)
{
	static const char *const names[N_FILES] = { "a", "file", "zebra" };
	struct upload *u;
	size_t i;

	for (i = 0; i < N_FILES; i++) {
		size_t len = rpath_push(path, str_from_c(names[i]));

		assert_ok(store_upload(s, rpath_of_buf(path), NULL, &u, err));
		assert_ok(upload_commit(u, NULL, NULL, NULL, NULL, err));
		upload_free(u);
		rpath_pop(path, len);
	}
}

/*
 * 1,000 levels of a name of 20 bytes: a path of 21,000, far beyond what a
 * system call takes.  Beside the way down there are files, some of which any
 * order of entries puts behind it.  A draft has its base find most of its
 * paths anew, so 304 levels, of 6,384 bytes, must do.
 */
static void
a_deep_tree_is_made_walked_and_removed(void **state)
{
	enum { EVERY = 8 };
	struct store *s = *state;
	bool all = getenv("SHEAF_LONG") || strcmp(s->ops->name, "draft");
	int levels = all ? 1000 : 304;
	unsigned want = 1 + (unsigned)(levels + N_FILES * levels / EVERY);
	struct seen seen = { .store = s };
	const struct walk look = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = count,
		.arg = &seen,
	};
	const struct walk clear = {
		.depth = DEPTH_INFINITY,
		.order = WALK_UP,
		.visit = remove_it,
		.arg = &seen,
	};
	struct buf path = { 0 };
	int i;

	for (i = 0; i < levels; i++) {
		char name[32];

		/* Names that differ, for entries to come in any order. */
		(void)snprintf(name, sizeof(name), "twenty-bytes-%07d", i);
		(void)rpath_push(&path, str_from_c(name));
		assert_ok(store_mkcol(s, rpath_of_buf(&path), NULL, NULL, err));
		if (i % EVERY == 0)
			add_files(s, &path);
	}
	assert_ok(store_walk(s, at("/"), &look, err));
	assert_int_equal(seen.visits, want);
	seen.visits = 0;
	assert_ok(store_walk(s, at("/"), &clear, err));
	assert_int_equal(seen.visits, want);
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n");
	buf_done(&path);
}

/* A rename over a deep tree removes it all. */
static void
a_deep_tree_gives_way(void **state)
{
	enum { LEVELS = 300 };
	struct store *s = *state;
	struct buf path = { 0 };
	int i;

	for (i = 0; i < LEVELS; i++) {
		(void)rpath_push(&path, STR("twenty-bytes-of-name"));
		assert_ok(store_mkcol(s, rpath_of_buf(&path), NULL, NULL, err));
	}
	must_put(s, "/f", "x");
	assert_ok(store_rename(s, at("/f"), at("/twenty-bytes-of-name"),
	    REPLACE_YES, NULL, NULL, NULL, err));
	must_have(s, "/twenty-bytes-of-name", "x");
	assert_string_equal(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN),
	    "/\n/twenty-bytes-of-name\n");
	buf_done(&path);
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(depth_says_how_far_a_walk_goes),
	cmocka_unit_test(collections_come_before_or_after_their_members),
	cmocka_unit_test(a_pruned_collection_keeps_its_members_to_itself),
	cmocka_unit_test(what_a_visitor_returns_ends_the_walk),
	cmocka_unit_test(a_walk_of_nothing_fails),
	cmocka_unit_test(a_visitor_may_remove_what_it_is_given),
	cmocka_unit_test(a_walk_tells_of_each_what_stat_does),
	cmocka_unit_test(a_walk_for_kinds_tells_what_is_a_collection),
	cmocka_unit_test(a_deep_tree_is_made_walked_and_removed),
	cmocka_unit_test(a_deep_tree_gives_way),
};

const struct tests walk_tests = { rows, ARRAY_LEN(rows) };
