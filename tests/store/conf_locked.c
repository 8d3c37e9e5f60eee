/* SPDX-License-Identifier: MIT */
/*
 * Conformance: what a lock keeps others from (RFC 4918 s7), as a table.  Each
 * row is one lock and one change; it is tried by those who may not make it and
 * by the one who may.
 */
#include "store/lock_suite.h"

/* ---- changes */

static enum err_code
act_put(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	return put(s, path, STR("new"), g, NULL, err);
}

static enum err_code
act_mkcol(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	return store_mkcol(s, at(path), g, NULL, err);
}

static enum err_code
act_remove(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	return store_remove(s, at(path), g, NULL, err);
}

static enum err_code
act_patch(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = STR("v") },
	};

	return store_patch(s, at(path), &c, 1, g, NULL, err);
}

static enum err_code
act_copy_file(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	return store_copy(
	    s, at("/file"), at(path), REPLACE_YES, g, NULL, NULL, NULL, err);
}

static enum err_code
act_copy_col(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	return store_copy(
	    s, at("/col"), at(path), REPLACE_YES, g, NULL, NULL, NULL, err);
}

static enum err_code
act_copy_away(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	return store_copy(
	    s, at(path), at("/col/new"), REPLACE_NO, g, NULL, NULL, NULL, err);
}

static enum err_code
act_move_here(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	return store_rename(
	    s, at("/col/in"), at(path), REPLACE_YES, g, NULL, NULL, err);
}

static enum err_code
act_move_away(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	return store_rename(
	    s, at(path), at("/col/new"), REPLACE_NO, g, NULL, NULL, err);
}

static enum err_code
act_move_beside(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	struct rpath from = at(path);
	struct buf to CLEANUP(buf_done) = { 0 };

	buf_put(&to, from.s);
	buf_putc(&to, '2');
	return store_rename(
	    s, from, rpath_of_buf(&to), REPLACE_NO, g, NULL, NULL, err);
}

/* A LOCK that is no conflict, and gone again: what it makes matters. */
static enum err_code
act_lock(
    struct store *s, const char *path, const struct guard *g, struct err *err)
{
	static const struct lock_spec spec = { .shared = true,
		.timeout = HOUR };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock_tokens t = { .n = 1 };
	struct lock l;
	enum err_code rc = store_lock(s, at(path), &spec, g, &a, &l, NULL, err);

	if (rc)
		return rc;
	t.v = &l.token;
	return store_unlock(s, at(path), &t, NULL, err);
}

struct action {
	const char *name;
	enum err_code (*act)(struct store *s, const char *path,
	    const struct guard *g, struct err *err);
	int touch; /* of path, for store_allows(); -1: none, or more than that
		    */
};

static const struct action Put = { "put", act_put, TOUCH_CONTENT };
static const struct action Mkcol = { "mkcol", act_mkcol, TOUCH_CONTENT };
static const struct action Remove = { "remove", act_remove, TOUCH_NAME };
static const struct action Patch = { "patch", act_patch, TOUCH_CONTENT };
static const struct action Copy_file = { "copy a file", act_copy_file,
	TOUCH_CONTENT };
static const struct action Copy_col = { "copy a collection", act_copy_col,
	TOUCH_CONTENT };
static const struct action Copy_away = { "copy away", act_copy_away, -1 };
static const struct action Move_here = { "move here", act_move_here, -1 };
static const struct action Move_away = { "move away", act_move_away, -1 };
static const struct action Rename = { "rename", act_move_beside, TOUCH_NAME };
static const struct action Lock = { "lock", act_lock, -1 };

/* ---- the table */

static const struct {
	const char *root;
	enum depth depth;
	const struct action *what;
	const char *path;
	enum err_code want; /* without the token */
} rows[] = {
	/* Of a collection alone: its properties and its membership (s7.4). */
	{ "/d", DEPTH_0, &Patch, "/d", ERR_LOCKED },
	{ "/d", DEPTH_0, &Copy_col, "/d", ERR_LOCKED },
	{ "/d", DEPTH_0, &Copy_file, "/d", ERR_LOCKED },
	{ "/d", DEPTH_0, &Move_here, "/d", ERR_LOCKED },
	{ "/d", DEPTH_0, &Move_away, "/d", ERR_LOCKED },
	{ "/d", DEPTH_0, &Rename, "/d", ERR_LOCKED },
	{ "/d", DEPTH_0, &Put, "/d/new", ERR_LOCKED },
	{ "/d", DEPTH_0, &Mkcol, "/d/new", ERR_LOCKED },
	{ "/d", DEPTH_0, &Copy_file, "/d/new", ERR_LOCKED },
	{ "/d", DEPTH_0, &Copy_col, "/d/new", ERR_LOCKED },
	{ "/d", DEPTH_0, &Move_here, "/d/new", ERR_LOCKED },
	{ "/d", DEPTH_0, &Lock, "/d/new", ERR_LOCKED },
	{ "/d", DEPTH_0, &Remove, "/d/f", ERR_LOCKED },
	{ "/d", DEPTH_0, &Remove, "/d/empty", ERR_LOCKED },
	{ "/d", DEPTH_0, &Move_away, "/d/f", ERR_LOCKED },
	{ "/d", DEPTH_0, &Move_away, "/d/c", ERR_LOCKED },
	{ "/d", DEPTH_0, &Move_here, "/d/f", ERR_LOCKED },
	{ "/d", DEPTH_0, &Move_here, "/d/c", ERR_LOCKED },
	{ "/d", DEPTH_0, &Rename, "/d/f", ERR_LOCKED },
	/* ... but not what its members hold, ... */
	{ "/d", DEPTH_0, &Put, "/d/f", ERR_OK },
	{ "/d", DEPTH_0, &Patch, "/d/f", ERR_OK },
	{ "/d", DEPTH_0, &Patch, "/d/c", ERR_OK },
	{ "/d", DEPTH_0, &Copy_file, "/d/f", ERR_OK },
	{ "/d", DEPTH_0, &Copy_col, "/d/c", ERR_OK },
	{ "/d", DEPTH_0, &Lock, "/d/f", ERR_OK },
	{ "/d", DEPTH_0, &Put, "/d/c/new", ERR_OK },
	{ "/d", DEPTH_0, &Mkcol, "/d/c/new", ERR_OK },
	{ "/d", DEPTH_0, &Move_here, "/d/c/new", ERR_OK },
	{ "/d", DEPTH_0, &Remove, "/d/c/g", ERR_OK },
	{ "/d", DEPTH_0, &Move_away, "/d/c/g", ERR_OK },
	{ "/d", DEPTH_0, &Lock, "/d/c/new", ERR_OK },
	/* ... and nobody from reading it. */
	{ "/d", DEPTH_0, &Copy_away, "/d", ERR_OK },
	{ "/d", DEPTH_0, &Copy_away, "/d/f", ERR_OK },

	/* Deep: all of that, and everything below. */
	{ "/d", DEPTH_INFINITY, &Patch, "/d", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Copy_col, "/d", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Move_here, "/d", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Move_away, "/d", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Put, "/d/f", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Put, "/d/new", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Patch, "/d/c", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Copy_file, "/d/f", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Remove, "/d/empty", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Put, "/d/c/g", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Put, "/d/c/new", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Patch, "/d/c/g", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Mkcol, "/d/c/new", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Remove, "/d/c/g", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Move_away, "/d/c/g", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Move_away, "/d/c", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Move_here, "/d/c/new", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Rename, "/d/c/g", ERR_LOCKED },
	{ "/d", DEPTH_INFINITY, &Copy_away, "/d/c/g", ERR_OK },

	/* Of a file, whatever its depth. */
	{ "/d/f", DEPTH_0, &Put, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_0, &Patch, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_0, &Remove, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_0, &Copy_file, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_0, &Copy_col, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_0, &Move_here, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_0, &Move_away, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_0, &Rename, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_INFINITY, &Put, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_INFINITY, &Move_away, "/d/f", ERR_LOCKED },
	{ "/d/f", DEPTH_0, &Copy_away, "/d/f", ERR_OK },
	/* Its collection is free ... */
	{ "/d/f", DEPTH_0, &Patch, "/d", ERR_OK },
	{ "/d/f", DEPTH_0, &Put, "/d/new", ERR_OK },
	{ "/d/f", DEPTH_0, &Mkcol, "/d/new", ERR_OK },
	{ "/d/f", DEPTH_0, &Remove, "/d/empty", ERR_OK },
	{ "/d/f", DEPTH_0, &Copy_col, "/d", ERR_OK },
	{ "/d/f", DEPTH_INFINITY, &Put, "/d/c/g", ERR_OK },
	/* ... but may not take it along. */
	{ "/d/f", DEPTH_0, &Move_away, "/d", ERR_MEMBER_LOCKED },
	{ "/d/f", DEPTH_0, &Rename, "/d", ERR_MEMBER_LOCKED },
	{ "/d/f", DEPTH_0, &Move_here, "/d", ERR_MEMBER_LOCKED },
	{ "/d/f", DEPTH_0, &Copy_file, "/d", ERR_MEMBER_LOCKED },
	{ "/d/c/g", DEPTH_0, &Move_away, "/d", ERR_MEMBER_LOCKED },
	{ "/d/c/g", DEPTH_0, &Move_away, "/d/c", ERR_MEMBER_LOCKED },
	{ "/d/c/g", DEPTH_0, &Move_here, "/d", ERR_MEMBER_LOCKED },
	{ "/d/c", DEPTH_0, &Move_away, "/d", ERR_MEMBER_LOCKED },
	{ "/d/c", DEPTH_INFINITY, &Move_here, "/d", ERR_MEMBER_LOCKED },
	{ "/d/c", DEPTH_INFINITY, &Copy_file, "/d", ERR_MEMBER_LOCKED },

	/* Of a collection with no members. */
	{ "/d/empty", DEPTH_0, &Remove, "/d/empty", ERR_LOCKED },
	{ "/d/empty", DEPTH_0, &Put, "/d/empty/new", ERR_LOCKED },
	{ "/d/empty", DEPTH_0, &Copy_file, "/d/empty", ERR_LOCKED },
	{ "/d/empty", DEPTH_0, &Put, "/d/f", ERR_OK },

	/* Of the root. */
	{ "/", DEPTH_0, &Patch, "/", ERR_LOCKED },
	{ "/", DEPTH_0, &Put, "/new", ERR_LOCKED },
	{ "/", DEPTH_0, &Mkcol, "/new", ERR_LOCKED },
	{ "/", DEPTH_0, &Remove, "/file", ERR_LOCKED },
	{ "/", DEPTH_0, &Rename, "/file", ERR_LOCKED },
	{ "/", DEPTH_0, &Lock, "/new", ERR_LOCKED },
	{ "/", DEPTH_0, &Put, "/file", ERR_OK },
	{ "/", DEPTH_0, &Put, "/d/new", ERR_OK },
	{ "/", DEPTH_0, &Patch, "/d", ERR_OK },
	{ "/", DEPTH_INFINITY, &Put, "/file", ERR_LOCKED },
	{ "/", DEPTH_INFINITY, &Patch, "/d/c/g", ERR_LOCKED },
	{ "/", DEPTH_INFINITY, &Remove, "/d/c/g", ERR_LOCKED },

	/* Names that are only alike. */
	{ "/d", DEPTH_INFINITY, &Put, "/d0", ERR_OK },
	{ "/d", DEPTH_INFINITY, &Put, "/d.f", ERR_OK },
	{ "/d", DEPTH_INFINITY, &Put, "/D", ERR_OK },
	{ "/d.f", DEPTH_0, &Move_away, "/d", ERR_OK },
	{ "/d0", DEPTH_0, &Move_away, "/d", ERR_OK },
	{ "/d!/f", DEPTH_0, &Move_away, "/d", ERR_OK },
	{ "/_", DEPTH_INFINITY, &Move_away, "/d", ERR_OK },
	{ "/%", DEPTH_INFINITY, &Put, "/d/f", ERR_OK },
	{ "/[a-z]", DEPTH_INFINITY, &Put, "/d/f", ERR_OK },
	{ "/*", DEPTH_INFINITY, &Put, "/d/f", ERR_OK },
};

/* The tree of all rows; what a row names besides is made for it. */
static void
make_tree(struct store *s, const char *root)
{
	struct resource r;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_mkcol(s, "/d/empty");
	must_mkcol(s, "/d/c");
	must_put(s, "/d/c/g", "g");
	must_mkcol(s, "/col");
	must_put(s, "/col/in", "in");
	must_put(s, "/file", "file");
	must_mkcol(s, "/d!");
	if (store_stat(s, at(root), &r, NULL) == ERR_NOT_FOUND)
		must_put(s, root, "alike");
}

static void
unmake_tree(struct store *s)
{
	static const struct prop_change none = {
		.prop = { .name = { STR_INIT("urn:t"), STR_INIT("p") } },
		.remove = true,
	};

	must_unlock_all(s);
	must_clear(s);
	assert_ok(store_patch(s, at("/"), &none, 1, NULL, NULL, err));
}

static void
say_row(size_t i, const char *who)
{
	print_error("row %zu: lock on %s, depth %s; %s %s by %s\n", i,
	    rows[i].root, rows[i].depth ? "infinity" : "0", rows[i].what->name,
	    rows[i].path, who);
}

/* One who has not what it takes: nothing changes. */
static void
check_refused(struct store *s, size_t i, const char *who, const struct guard *g)
{
	struct buf before CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	buf_put(
	    &before, str_from_c(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN)));
	rc = rows[i].what->act(s, rows[i].path, g, &err);
	if (rc != rows[i].want || err.code != rc ||
	    strcmp(err.about, rows[i].root)) {
		say_row(i, who);
		print_error("got %s about '%s'\n", err_name(rc), err.about);
		fail();
	}
	assert_str_equal(
	    str_from_c(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN)),
	    buf_str(&before));
	must_have(s, "/d/f", "f");
	must_have_props(s, "/d/f", "");
	must_have_props(s, rows[i].root, "");
}

/* store_allows() says the same, and knows nothing of members. */
static void
check_allows(
    struct store *s, size_t i, enum err_code want, const struct guard *g)
{
	struct err err = { 0 };
	enum err_code rc;

	if (rows[i].what->touch < 0)
		return;
	if (want == ERR_MEMBER_LOCKED)
		want = ERR_OK;
	rc = store_allows(
	    s, at(rows[i].path), (enum touch)rows[i].what->touch, g, &err);
	if (rc == want && !strcmp(err.about, want ? rows[i].root : ""))
		return;
	say_row(i, "store_allows()");
	print_error("got %s about '%s'\n", err_name(rc), err.about);
	fail();
}

static void
check_allowed(struct store *s, size_t i, const char *who, const struct guard *g)
{
	struct err err = { 0 };
	enum err_code rc = rows[i].what->act(s, rows[i].path, g, &err);

	if (!rc)
		return;
	say_row(i, who);
	print_error("got %s: %s\n", err_name(rc), err.why);
	fail();
}

static void
a_lock_keeps_out_those_without_its_token(void **state)
{
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct shown bob;
		struct token t;

		make_tree(s, rows[i].root);
		t = lock_at(s, rows[i].root, rows[i].depth, true, "ann");
		(void)show(&bob, "bob", &t, NULL);
		check_allows(s, i, rows[i].want, NULL);
		check_allows(s, i, rows[i].want, &bob.guard);
		if (rows[i].want) {
			check_refused(s, i, "nobody", NULL);
			check_refused(s, i, "another", &bob.guard);
		} else {
			check_allowed(s, i, "nobody", NULL);
		}
		unmake_tree(s);
	}
}

static void
a_lock_lets_its_creator_with_the_token_through(void **state)
{
	static const struct token wrong = { "urn:uuid:wrong" };
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct shown ann;
		struct token t;

		make_tree(s, rows[i].root);
		t = lock_at(s, rows[i].root, rows[i].depth, true, "ann");
		if (rows[i].want)
			check_refused(s, i, "one with a wrong token",
			    show(&ann, "ann", &wrong, NULL));
		(void)show(&ann, "ann", &wrong, &t);
		check_allows(s, i, ERR_OK, &ann.guard);
		check_allowed(s, i, "its creator", &ann.guard);
		unmake_tree(s);
	}
}

static void
a_condition_is_asked_before_the_locks(void **state)
{
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct probe p = { .say = ERR_PRECONDITION };
		struct guard g = probe_guard(&p);
		enum err_code rc;

		if (!rows[i].want)
			continue;
		make_tree(s, rows[i].root);
		(void)lock_at(s, rows[i].root, rows[i].depth, true, "ann");
		rc = rows[i].what->act(s, rows[i].path, &g, NULL);
		if (rc != ERR_PRECONDITION || p.asked != 1) {
			say_row(i, "one whose condition does not hold");
			fail_msg("got %s", err_name(rc));
		}
		p.say = ERR_OK;
		rc = rows[i].what->act(s, rows[i].path, &g, NULL);
		assert_int_equal(rc, rows[i].want);
		unmake_tree(s);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_lock_keeps_out_those_without_its_token),
	cmocka_unit_test(a_lock_lets_its_creator_with_the_token_through),
	cmocka_unit_test(a_condition_is_asked_before_the_locks),
};

const struct tests locked_tests = { tests, ARRAY_LEN(tests) };
