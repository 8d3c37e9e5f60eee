/* SPDX-License-Identifier: MIT */
/* Conformance: how locks come, are seen and are held (RFC 4918 s6, s7). */
#include "store/lock_suite.h"

#include <stdio.h>

#include "base/clock.h"

/* ---- how they come */

static void
a_lock_is_what_was_asked_for(void **state)
{
	struct store *s = *state;
	const struct lock_spec spec = {
		.shared = true,
		.depth = DEPTH_INFINITY,
		.owner =
		    STR("<D:href xmlns:D=\"DAV:\">http://e/\xc3\xa9</D:href>"),
		.user = STR("ann"),
		.timeout = HOUR,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	int64_t before = clock_now();
	const struct lock *seen;
	struct lock l;
	bool created = true;
	size_t n;

	must_make_tree(s);
	assert_ok(store_lock(s, at("/d"), &spec, NULL, &a, &l, &created, err));
	assert_false(created);
	assert_str_equal(l.root.s, STR("/d"));
	assert_true(l.shared && l.depth == DEPTH_INFINITY);
	assert_str_equal(l.owner, spec.owner);
	assert_str_equal(l.user, spec.user);
	assert_int_equal(l.token.len, LOCK_TOKEN_SIZE - 1);
	assert_true(l.expires >= before + HOUR);
	assert_true(l.expires <= clock_now() + HOUR);
	assert_ok(store_locks(s, at("/d/c/g"), &a, &seen, &n, err));
	assert_int_equal(n, 1);
	assert_str_equal(seen->root.s, l.root.s);
	assert_str_equal(seen->token, l.token);
	assert_str_equal(seen->owner, l.owner);
	assert_str_equal(seen->user, l.user);
	assert_int_equal(seen->expires, l.expires);
}

static void
shared_locks_each_have_a_token(void **state)
{
	struct store *s = *state;
	struct token a, b;

	must_make_tree(s);
	a = lock_at(s, "/d/f", DEPTH_0, true, "ann");
	b = lock_at(s, "/d/f", DEPTH_0, true, "ann");
	assert_string_not_equal(a.text, b.text);
	(void)lock_at(s, "/d/f", DEPTH_INFINITY, true, "bob");
	assert_locks(s, "/d/f", "/d/f=s0@ann /d/f=s0@ann /d/f=si@bob");
}

/* Who was first, who comes, and whether one is in the other's scope (s6.1). */
static const struct {
	const char *first;
	enum depth first_depth;
	const char *second;
	enum depth second_depth;
	bool meet;
} pairs[] = {
	{ "/d/f", DEPTH_0, "/d/f", DEPTH_0, true },
	{ "/d/f", DEPTH_0, "/d/f", DEPTH_INFINITY, true },
	{ "/d/f", DEPTH_INFINITY, "/d/f", DEPTH_0, true },
	{ "/d", DEPTH_0, "/d", DEPTH_INFINITY, true },
	{ "/d", DEPTH_INFINITY, "/d", DEPTH_0, true },
	{ "/d", DEPTH_INFINITY, "/d/f", DEPTH_0, true },
	{ "/d", DEPTH_INFINITY, "/d/c/g", DEPTH_0, true },
	{ "/d", DEPTH_INFINITY, "/d/c", DEPTH_INFINITY, true },
	{ "/d/f", DEPTH_0, "/d", DEPTH_INFINITY, true },
	{ "/d/c/g", DEPTH_0, "/d", DEPTH_INFINITY, true },
	{ "/d/c", DEPTH_INFINITY, "/d", DEPTH_INFINITY, true },
	{ "/", DEPTH_INFINITY, "/d/c/g", DEPTH_0, true },
	{ "/d/c/g", DEPTH_0, "/", DEPTH_INFINITY, true },
	{ "/", DEPTH_INFINITY, "/new", DEPTH_0, true },
	{ "/d", DEPTH_0, "/d/f", DEPTH_0, false },
	{ "/d/f", DEPTH_0, "/d", DEPTH_0, false },
	{ "/d", DEPTH_0, "/d/c", DEPTH_INFINITY, false },
	{ "/d/c", DEPTH_INFINITY, "/d", DEPTH_0, false },
	{ "/", DEPTH_0, "/d", DEPTH_INFINITY, false },
	{ "/d", DEPTH_INFINITY, "/", DEPTH_0, false },
	{ "/d", DEPTH_INFINITY, "/e", DEPTH_INFINITY, false },
	{ "/d/f", DEPTH_INFINITY, "/d/c", DEPTH_INFINITY, false },
	{ "/e", DEPTH_INFINITY, "/e0", DEPTH_INFINITY, false },
	{ "/e", DEPTH_INFINITY, "/e.x", DEPTH_INFINITY, false },
	{ "/e0", DEPTH_0, "/e", DEPTH_INFINITY, false },
	{ "/e.x", DEPTH_0, "/e", DEPTH_INFINITY, false },
};

static void
check_pair(struct store *s, size_t i, bool first_shared, bool second_shared)
{
	bool fine = !pairs[i].meet || (first_shared && second_shared);
	struct err err = { 0 };
	struct token t;
	struct shown h;
	enum err_code rc;

	t = lock_at(s, pairs[i].first, pairs[i].first_depth, first_shared, "");
	/* Its own token is no way past an exclusive one (s9.10.5). */
	rc = try_lock(s, pairs[i].second, pairs[i].second_depth, second_shared,
	    show(&h, "", &t, NULL), NULL, &err);
	if (rc != (fine ? ERR_OK : ERR_LOCK_CONFLICT) ||
	    strcmp(err.about, fine ? "" : pairs[i].first))
		fail_msg("pair %zu, %s before %s: %s about '%s'", i,
		    first_shared ? "shared" : "exclusive",
		    second_shared ? "shared" : "exclusive", err_name(rc),
		    err.about);
}

static void
locks_meet_only_where_all_are_shared(void **state)
{
	struct store *s = *state;
	size_t i;
	unsigned kind;

	must_make_tree(s);
	for (i = 0; i < ARRAY_LEN(pairs); i++)
		for (kind = 0; kind < 4; kind++) {
			check_pair(s, i, kind & 1, kind & 2);
			must_unlock_all(s);
		}
}

static void
a_lock_on_nothing_makes_an_empty_file(void **state)
{
	struct store *s = *state;
	struct token t = { "" };
	struct shown h;
	bool created = false;

	must_make_tree(s);
	assert_ok(try_lock(s, "/d/new", DEPTH_0, false, NULL, &created, err));
	assert_true(created);
	must_have(s, "/d/new", "");
	assert_false(must_stat(s, "/d/new").collection);
	assert_int_not_equal(must_stat(s, "/d/new").etag_len, 0);
	assert_string_equal(walk_text(s, "/d", DEPTH_1, WALK_DOWN),
	    "/d/\n/d/c/\n/d/f\n/d/new\n");
	assert_locks(s, "/d/new", "/d/new=x0");
	assert_fails(put(s, "/d/new", STR("x"), NULL, NULL, err), ERR_LOCKED);
	assert_fails(store_mkcol(s, at("/d/new"), NULL, NULL, err), ERR_EXISTS);

	/* It is as any other file, and stays when the lock goes (s7.3). */
	t = lock_at(s, "/d/new2", DEPTH_INFINITY, false, "ann");
	assert_ok(
	    put(s, "/d/new2", STR("x"), show(&h, "ann", &t, NULL), NULL, err));
	must_have(s, "/d/new2", "x");
	assert_ok(unlock(s, "/d/new2", "ann", &t, err));
	must_have(s, "/d/new2", "x");
}

static void
a_lock_on_nothing_needs_what_an_upload_needs(void **state)
{
	struct store *s = *state;
	char name[300];

	must_make_tree(s);
	assert_fails(try_lock(s, "/no/new", DEPTH_0, false, NULL, NULL, err),
	    ERR_NO_PARENT);
	assert_fails(try_lock(s, "/file/new", DEPTH_0, false, NULL, NULL, err),
	    ERR_NO_PARENT);
	(void)snprintf(name, sizeof(name), "/%0256d", 0);
	assert_fails(try_lock(s, name, DEPTH_0, false, NULL, NULL, err),
	    ERR_NAME_TOO_LONG);
	assert_locks(s, "/no/new", "");
	assert_locks(s, name, "");
}

static void
a_lock_on_nothing_asks_for_the_parents_token(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;
	bool created = false;

	must_make_tree(s);
	t = lock_at(s, "/e", DEPTH_0, false, "");
	assert_fails(try_lock(s, "/e/new", DEPTH_0, false, NULL, &created, err),
	    ERR_LOCKED);
	must_lack(s, "/e/new");
	assert_ok(try_lock(s, "/e/new", DEPTH_0, false, show(&h, "", &t, NULL),
	    &created, err));
	assert_true(created);
	assert_locks(s, "/e/new", "/e/new=x0");

	/* Shared ones are no conflict, but the file is still to be made. */
	t = lock_at(s, "/d", DEPTH_INFINITY, true, "");
	assert_fails(
	    try_lock(s, "/d/new", DEPTH_0, true, NULL, NULL, err), ERR_LOCKED);
	must_lack(s, "/d/new");
	assert_ok(try_lock(
	    s, "/d/new", DEPTH_0, true, show(&h, "", &t, NULL), NULL, err));
	assert_locks(s, "/d/new", "/d/new=s0 /d=si");
	assert_ok(try_lock(s, "/d/f", DEPTH_0, true, NULL, NULL, err));
}

static void
a_lock_that_is_refused_makes_nothing(void **state)
{
	struct store *s = *state;
	struct probe p = { .say = ERR_PRECONDITION };
	const struct guard g = probe_guard(&p);
	struct token t;
	struct shown h;

	must_make_tree(s);
	assert_fails(try_lock(s, "/new", DEPTH_0, false, &g, NULL, err),
	    ERR_PRECONDITION);
	assert_int_equal(p.asked, 1);
	assert_false(p.mapped);
	must_lack(s, "/new");
	assert_locks(s, "/new", "");
	assert_fails(try_lock(s, "/file", DEPTH_0, false, &g, NULL, err),
	    ERR_PRECONDITION);
	assert_true(p.mapped);
	assert_locks(s, "/file", "");

	/* The token lets a member be made, but not beside an exclusive lock. */
	t = lock_at(s, "/d", DEPTH_INFINITY, false, "");
	assert_fails(try_lock(s, "/d/new", DEPTH_0, false,
			 show(&h, "", &t, NULL), NULL, err),
	    ERR_LOCK_CONFLICT);
	must_lack(s, "/d/new");
	assert_locks(s, "/d/new", "/d=xi");
	assert_fails(
	    try_lock(s, "/d", DEPTH_0, true, &g, NULL, err), ERR_PRECONDITION);
}

/* ---- how they are seen */

static void
a_deep_lock_is_seen_on_all_below(void **state)
{
	struct store *s = *state;

	must_make_tree(s);
	(void)lock_at(s, "/", DEPTH_0, false, "");
	(void)lock_at(s, "/d", DEPTH_INFINITY, true, "");
	(void)lock_at(s, "/d/c", DEPTH_0, true, "ann");
	(void)lock_at(s, "/d/c/g", DEPTH_0, true, "");
	assert_locks(s, "/", "/=x0");
	assert_locks(s, "/file", "");
	assert_locks(s, "/d", "/d=si");
	assert_locks(s, "/d/f", "/d=si");
	assert_locks(s, "/d/c", "/d/c=s0@ann /d=si");
	assert_locks(s, "/d/c/g", "/d/c/g=s0 /d=si");
	assert_locks(s, "/d/c/no/such", "/d=si");
	assert_locks(s, "/d0", "");
	assert_locks(s, "/D", "");
}

static void
names_of_any_bytes_can_be_locked(void **state)
{
	static const char *const names[] = { "/ ", "/a'b", "/a\"b", "/%61",
		"/a%b", "/a_b", "/a*b", "/\xff\xfe", "/a\nb", "/\xc3\xa9",
		"/a\\b", "/.x" };
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		struct token t = lock_at(s, names[i], DEPTH_0, false, "");
		struct err why = { 0 };
		struct shown h;

		assert_int_equal(
		    put(s, names[i], STR("x"), NULL, NULL, &why), ERR_LOCKED);
		assert_string_equal(why.about, names[i]);
		assert_ok(put(
		    s, names[i], STR("x"), show(&h, "", &t, NULL), NULL, err));
	}
}

static void
many_shared_locks_are_all_seen(void **state)
{
	enum { MANY = 300 };
	struct store *s = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct token last = { "" };
	const struct lock *l;
	struct shown h;
	size_t n, i;

	must_make_tree(s);
	for (i = 0; i < MANY; i++)
		last = lock_at(s, "/d/f", DEPTH_0, true, "");
	assert_ok(store_locks(s, at("/d/f"), &a, &l, &n, err));
	assert_int_equal(n, MANY);
	assert_ok(
	    put(s, "/d/f", STR("x"), show(&h, "", &last, NULL), NULL, err));
	assert_fails(put(s, "/d/f", STR("x"), NULL, NULL, err), ERR_LOCKED);
}

struct sight {
	unsigned asked;
	struct buf text; /* roots */
};

static enum err_code
note_locks(void *arg, const struct guarded *at, struct err *err)
{
	struct sight *seen = arg;
	size_t i;

	(void)err;
	seen->asked++;
	for (i = 0; i < at->n_locks; i++) {
		buf_put(&seen->text, at->locks[i].root.s);
		buf_putc(&seen->text, ' ');
		assert_int_equal(at->locks[i].token.len, LOCK_TOKEN_SIZE - 1);
	}
	return err_set(err, ERR_PRECONDITION, "seen");
}

/* A change with the guard, whose refusal is all that is wanted of it. */
#define assert_sees(call, want)                                           \
	do {                                                              \
		struct sight seen_ = { 0 };                               \
		const struct guard sees = { .check = note_locks,          \
			.arg = &seen_ };                                  \
		assert_fails(call, ERR_PRECONDITION);                     \
		assert_int_equal(seen_.asked, 1);                         \
		assert_str_equal(buf_str(&seen_.text), str_from_c(want)); \
		buf_done(&seen_.text);                                    \
	} while (0)

static void
a_guard_sees_the_locks_that_cover_the_path(void **state)
{
	struct store *s = *state;
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") } },
		.remove = true,
	};
	struct token t;
	struct shown h;

	must_make_tree(s);
	t = lock_at(s, "/e", DEPTH_INFINITY, false, "");
	(void)lock_at(s, "/d/f", DEPTH_0, false, "");
	(void)show(&h, "", &t, NULL);
	assert_sees(put(s, "/d/f", STR("x"), &sees, NULL, err), "/d/f ");
	assert_sees(put(s, "/e/new", STR("x"), &sees, NULL, err), "/e ");
	assert_sees(put(s, "/d/new", STR("x"), &sees, NULL, err), "");
	assert_sees(store_mkcol(s, at("/e/new"), &sees, NULL, err), "/e ");
	assert_sees(store_remove(s, at("/d/f"), &sees, NULL, err), "/d/f ");
	assert_sees(store_patch(s, at("/e"), &c, 1, &sees, NULL, err), "/e ");
	assert_sees(store_copy(s, at("/d/f"), at("/e/f"), REPLACE_YES, &sees,
			NULL, NULL, NULL, err),
	    "/e ");
	assert_sees(store_rename(s, at("/file"), at("/d/f"), REPLACE_YES, &sees,
			NULL, NULL, err),
	    "/d/f ");
	assert_sees(
	    try_lock(s, "/d/f", DEPTH_0, false, &sees, NULL, err), "/d/f ");
	assert_sees(
	    try_lock(s, "/e/new", DEPTH_0, false, &sees, NULL, err), "/e ");
	assert_sees(store_unlock(s, at("/e"), &h.tokens, &sees, err), "/e ");
	assert_sees(
	    store_allows(s, at("/d/f"), TOUCH_CONTENT, &sees, err), "/d/f ");
	assert_sees(
	    store_allows(s, at("/e/no/such"), TOUCH_NAME, &sees, err), "/e ");
	assert_locks(s, "/e", "/e=xi");
}

/* ---- who holds them */

static void
one_of_the_shared_locks_is_enough(void **state)
{
	struct store *s = *state;
	struct token mine, deep;
	struct shown h;

	must_make_tree(s);
	mine = lock_at(s, "/d/c/g", DEPTH_0, true, "ann");
	(void)lock_at(s, "/d/c/g", DEPTH_0, true, "bob");
	assert_fails(put(s, "/d/c/g", STR("x"), NULL, NULL, err), ERR_LOCKED);
	assert_ok(put(
	    s, "/d/c/g", STR("x"), show(&h, "ann", &mine, NULL), NULL, err));
	assert_ok(store_rename(s, at("/d/c"), at("/d/c2"), REPLACE_NO,
	    show(&h, "ann", &mine, NULL), NULL, NULL, err));
	assert_locks(s, "/d/c2/g", "");

	/* The token of a deep one will do for a member, too. */
	deep = lock_at(s, "/d", DEPTH_INFINITY, true, "");
	(void)lock_at(s, "/d/f", DEPTH_0, true, "bob");
	(void)show(&h, "", &deep, NULL);
	assert_ok(put(s, "/d/f", STR("x"), &h.guard, NULL, err));
	assert_ok(store_rename(
	    s, at("/d"), at("/d2"), REPLACE_NO, &h.guard, NULL, NULL, err));
}

static void
a_member_and_its_collection_each_ask_for_a_token(void **state)
{
	struct store *s = *state;
	struct token dir, file;
	struct err why = { 0 };
	struct shown h;

	must_make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	assert_int_equal(
	    store_remove(s, at("/d/f"), show(&h, "", &dir, NULL), NULL, &why),
	    ERR_LOCKED);
	assert_string_equal(why.about, "/d/f");
	assert_int_equal(
	    store_remove(s, at("/d/f"), show(&h, "", &file, NULL), NULL, &why),
	    ERR_LOCKED);
	assert_string_equal(why.about, "/d");
	assert_ok(
	    put(s, "/d/f", STR("x"), show(&h, "", &file, NULL), NULL, err));
	assert_ok(
	    store_remove(s, at("/d/f"), show(&h, "", &file, &dir), NULL, err));
	assert_locks(s, "/d", "/d=x0");
}

static void
a_rename_asks_for_the_tokens_of_both_ends(void **state)
{
	struct store *s = *state;
	struct token from, to;
	struct err why = { 0 };
	struct shown h;

	must_make_tree(s);
	from = lock_at(s, "/d", DEPTH_INFINITY, false, "");
	to = lock_at(s, "/e", DEPTH_0, false, "");
	assert_int_equal(store_rename(s, at("/d/f"), at("/e/f"), REPLACE_NO,
			     show(&h, "", &from, NULL), NULL, NULL, &why),
	    ERR_LOCKED);
	assert_string_equal(why.about, "/e");
	assert_int_equal(store_rename(s, at("/d/f"), at("/e/f"), REPLACE_NO,
			     show(&h, "", &to, NULL), NULL, NULL, &why),
	    ERR_LOCKED);
	assert_string_equal(why.about, "/d");
	/* A COPY does not change its source (s7.5.1). */
	assert_ok(store_copy(s, at("/d/f"), at("/e/f"), REPLACE_NO,
	    show(&h, "", &to, NULL), NULL, NULL, NULL, err));
	assert_ok(store_rename(s, at("/d/f"), at("/e/f"), REPLACE_YES,
	    show(&h, "", &from, &to), NULL, NULL, err));
	must_lack(s, "/d/f");
}

static void
the_root_of_a_move_is_named_before_its_members(void **state)
{
	struct store *s = *state;
	struct token dir;
	struct shown h;

	must_make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	(void)lock_at(s, "/d/c/g", DEPTH_0, false, "");
	assert_fails(store_rename(s, at("/d"), at("/new"), REPLACE_NO, NULL,
			 NULL, NULL, err),
	    ERR_LOCKED);
	assert_fails(store_rename(s, at("/d"), at("/new"), REPLACE_NO,
			 show(&h, "", &dir, NULL), NULL, NULL, err),
	    ERR_MEMBER_LOCKED);
	assert_fails(store_rename(s, at("/e"), at("/d"), REPLACE_YES, NULL,
			 NULL, NULL, err),
	    ERR_LOCKED);
	assert_fails(store_rename(s, at("/e"), at("/d"), REPLACE_YES,
			 show(&h, "", &dir, NULL), NULL, NULL, err),
	    ERR_MEMBER_LOCKED);
	must_have(s, "/d/c/g", "g");
}

static void
a_lock_of_a_collection_alone_is_none_of_its_members(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	must_make_tree(s);
	must_mkcol(s, "/col");
	must_put(s, "/col/f", "f");
	t = lock_at(s, "/d", DEPTH_0, true, "");
	(void)lock_at(s, "/d", DEPTH_INFINITY, true, "bob");
	(void)show(&h, "", &t, NULL);
	/* The members are Bob's. */
	assert_fails(store_rename(s, at("/d"), at("/new"), REPLACE_NO, &h.guard,
			 NULL, NULL, err),
	    ERR_MEMBER_LOCKED);
	assert_fails(store_rename(s, at("/e"), at("/d"), REPLACE_YES, &h.guard,
			 NULL, NULL, err),
	    ERR_MEMBER_LOCKED);
	assert_fails(store_copy(s, at("/file"), at("/d"), REPLACE_YES, &h.guard,
			 NULL, NULL, NULL, err),
	    ERR_MEMBER_LOCKED);
	assert_fails(put(s, "/d/f", STR("x"), &h.guard, NULL, err), ERR_LOCKED);
	t = lock_at(s, "/e", DEPTH_0, true, "");
	(void)lock_at(s, "/e", DEPTH_INFINITY, true, "bob");
	assert_fails(store_rename(s, at("/col"), at("/e"), REPLACE_YES,
			 show(&h, "", &t, NULL), NULL, NULL, err),
	    ERR_MEMBER_LOCKED);
	must_have(s, "/col/f", "f");
}

static void
what_cannot_be_is_said_before_what_is_locked(void **state)
{
	struct store *s = *state;

	must_make_tree(s);
	(void)lock_at(s, "/", DEPTH_INFINITY, false, "");
	assert_fails(store_mkcol(s, at("/d"), NULL, NULL, err), ERR_EXISTS);
	assert_fails(
	    store_mkcol(s, at("/no/c"), NULL, NULL, err), ERR_NO_PARENT);
	assert_fails(put(s, "/no/f", STR("x"), NULL, NULL, err), ERR_NO_PARENT);
	assert_fails(
	    put(s, "/d", STR("x"), NULL, NULL, err), ERR_IS_COLLECTION);
	assert_fails(
	    store_remove(s, at("/no"), NULL, NULL, err), ERR_NOT_FOUND);
	assert_fails(store_copy(s, at("/file"), at("/d"), REPLACE_NO, NULL,
			 NULL, NULL, NULL, err),
	    ERR_EXISTS);
	assert_fails(store_rename(s, at("/no"), at("/e"), REPLACE_YES, NULL,
			 NULL, NULL, err),
	    ERR_NOT_FOUND);
}

static void
locks_below_a_path_can_be_listed(void **state)
{
	static const struct {
		const char *path;
		size_t n;
	} cases[] = { { "/", 3 }, { "/d", 2 }, { "/d/c", 1 }, { "/d/c/g", 0 },
		{ "/e", 0 }, { "/no", 0 } };
	struct store *s = *state;
	size_t i, k;

	must_make_tree(s);
	(void)lock_at(s, "/d", DEPTH_0, true, "ann");
	(void)lock_at(s, "/d/c", DEPTH_INFINITY, true, "ann");
	(void)lock_at(s, "/d/c/g", DEPTH_0, true, "bob");
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a CLEANUP(arena_done) = { 0 };
		const struct lock *l;
		size_t n = 99;

		assert_ok(
		    store_locks_below(s, at(cases[i].path), &a, &l, &n, err));
		assert_int_equal(n, cases[i].n);
		for (k = 0; k < n; k++)
			assert_true(
			    rpath_is_ancestor(at(cases[i].path), l[k].root));
	}
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(locks_below_a_path_can_be_listed),
	cmocka_unit_test(a_lock_is_what_was_asked_for),
	cmocka_unit_test(shared_locks_each_have_a_token),
	cmocka_unit_test(locks_meet_only_where_all_are_shared),
	cmocka_unit_test(a_lock_on_nothing_makes_an_empty_file),
	cmocka_unit_test(a_lock_on_nothing_needs_what_an_upload_needs),
	cmocka_unit_test(a_lock_on_nothing_asks_for_the_parents_token),
	cmocka_unit_test(a_lock_that_is_refused_makes_nothing),
	cmocka_unit_test(a_deep_lock_is_seen_on_all_below),
	cmocka_unit_test(names_of_any_bytes_can_be_locked),
	cmocka_unit_test(many_shared_locks_are_all_seen),
	cmocka_unit_test(a_guard_sees_the_locks_that_cover_the_path),
	cmocka_unit_test(one_of_the_shared_locks_is_enough),
	cmocka_unit_test(a_member_and_its_collection_each_ask_for_a_token),
	cmocka_unit_test(a_rename_asks_for_the_tokens_of_both_ends),
	cmocka_unit_test(the_root_of_a_move_is_named_before_its_members),
	cmocka_unit_test(a_lock_of_a_collection_alone_is_none_of_its_members),
	cmocka_unit_test(what_cannot_be_is_said_before_what_is_locked),
};

const struct tests lock_tests = { rows, ARRAY_LEN(rows) };
