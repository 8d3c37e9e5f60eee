/* SPDX-License-Identifier: MIT */
/* Conformance: how locks come, are seen, move, and go (RFC 4918 s6, s7, s9.10,
 * s9.11). */
#include "store/suite.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "lib/locks.h"

#define HOUR (3600 * NSEC_PER_SEC)
#define MSEC (NSEC_PER_SEC / 1000)

static const struct token unknown = {
	"urn:uuid:00000000-0000-4000-8000-000000000000"
};

static enum err_code
unlock(struct store *s, const char *path, const char *user,
    const struct token *t, struct err *err)
{
	struct shown h;

	(void)show(&h, user, t, NULL);
	return store_unlock(s, at(path), &h.tokens, NULL, err);
}

/* A lock of nobody in particular; what it fails with. */
static enum err_code
try_lock(struct store *s, const char *path, enum depth depth, bool shared,
    const struct guard *g, bool *created, struct err *err)
{
	const struct lock_spec spec = {
		.shared = shared,
		.depth = depth,
		.timeout = HOUR,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock l;

	return store_lock(s, at(path), &spec, g, &a, &l, created, err);
}

static enum err_code
refresh(struct store *s, const char *path, const struct lock_tokens *t,
    int64_t timeout, int64_t *expires, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock l = { 0 };
	enum err_code rc =
	    store_lock_refresh(s, at(path), t, timeout, NULL, &a, &l, err);

	if (expires)
		*expires = l.expires;
	return rc;
}

/* The tree that most tests begin with. */
static void
make_tree(struct store *s)
{
	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_mkcol(s, "/d/c");
	must_put(s, "/d/c/g", "g");
	must_mkcol(s, "/e");
	must_put(s, "/file", "file");
}

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

	make_tree(s);
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

	make_tree(s);
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

/* All locks that there can be in make_tree() go. */
static void
unlock_all(struct store *s)
{
	static const char *const paths[] = { "/", "/d", "/d/f", "/d/c",
		"/d/c/g", "/e", "/e0", "/e.x", "/new", "/file" };
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		struct arena a CLEANUP(arena_done) = { 0 };
		const struct lock *l;
		size_t n;

		assert_ok(store_locks(s, at(paths[i]), &a, &l, &n, err));
		for (k = 0; k < n; k++) {
			struct lock_tokens t = { l[k].user, &l[k].token, 1 };

			assert_ok(store_unlock(s, l[k].root, &t, NULL, err));
		}
	}
}

static void
locks_meet_only_where_all_are_shared(void **state)
{
	struct store *s = *state;
	size_t i;
	unsigned kind;

	make_tree(s);
	for (i = 0; i < ARRAY_LEN(pairs); i++)
		for (kind = 0; kind < 4; kind++) {
			check_pair(s, i, kind & 1, kind & 2);
			unlock_all(s);
		}
}

static void
a_lock_on_nothing_makes_an_empty_file(void **state)
{
	struct store *s = *state;
	struct token t = { "" };
	struct shown h;
	bool created = false;

	make_tree(s);
	assert_ok(try_lock(s, "/d/new", DEPTH_0, false, NULL, &created, err));
	assert_true(created);
	must_have(s, "/d/new", "");
	assert_false(must_stat(s, "/d/new").collection);
	assert_int_not_equal(must_stat(s, "/d/new").etag_len, 0);
	assert_string_equal(walk_text(s, "/d", DEPTH_1, WALK_DOWN),
	    "/d/\n/d/c/\n/d/f\n/d/new\n");
	assert_locks(s, "/d/new", "/d/new=x0");
	assert_fails(put(s, "/d/new", STR("x"), NULL, NULL, err), ERR_LOCKED);
	assert_fails(store_mkcol(s, at("/d/new"), NULL, err), ERR_EXISTS);

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

	make_tree(s);
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

	make_tree(s);
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

	make_tree(s);
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

	make_tree(s);
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

	make_tree(s);
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

	make_tree(s);
	t = lock_at(s, "/e", DEPTH_INFINITY, false, "");
	(void)lock_at(s, "/d/f", DEPTH_0, false, "");
	(void)show(&h, "", &t, NULL);
	assert_sees(put(s, "/d/f", STR("x"), &sees, NULL, err), "/d/f ");
	assert_sees(put(s, "/e/new", STR("x"), &sees, NULL, err), "/e ");
	assert_sees(put(s, "/d/new", STR("x"), &sees, NULL, err), "");
	assert_sees(store_mkcol(s, at("/e/new"), &sees, err), "/e ");
	assert_sees(store_remove(s, at("/d/f"), &sees, NULL, err), "/d/f ");
	assert_sees(store_patch(s, at("/e"), &c, 1, &sees, err), "/e ");
	assert_sees(store_copy(s, at("/d/f"), at("/e/f"), REPLACE_YES, &sees,
			NULL, NULL, NULL, err),
	    "/e ");
	assert_sees(store_rename(s, at("/file"), at("/d/f"), REPLACE_YES, &sees,
			NULL, err),
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

	make_tree(s);
	mine = lock_at(s, "/d/c/g", DEPTH_0, true, "ann");
	(void)lock_at(s, "/d/c/g", DEPTH_0, true, "bob");
	assert_fails(put(s, "/d/c/g", STR("x"), NULL, NULL, err), ERR_LOCKED);
	assert_ok(put(
	    s, "/d/c/g", STR("x"), show(&h, "ann", &mine, NULL), NULL, err));
	assert_ok(store_rename(s, at("/d/c"), at("/d/c2"), REPLACE_NO,
	    show(&h, "ann", &mine, NULL), NULL, err));
	assert_locks(s, "/d/c2/g", "");

	/* The token of a deep one will do for a member, too. */
	deep = lock_at(s, "/d", DEPTH_INFINITY, true, "");
	(void)lock_at(s, "/d/f", DEPTH_0, true, "bob");
	(void)show(&h, "", &deep, NULL);
	assert_ok(put(s, "/d/f", STR("x"), &h.guard, NULL, err));
	assert_ok(store_rename(
	    s, at("/d"), at("/d2"), REPLACE_NO, &h.guard, NULL, err));
}

static void
a_member_and_its_collection_each_ask_for_a_token(void **state)
{
	struct store *s = *state;
	struct token dir, file;
	struct err why = { 0 };
	struct shown h;

	make_tree(s);
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

	make_tree(s);
	from = lock_at(s, "/d", DEPTH_INFINITY, false, "");
	to = lock_at(s, "/e", DEPTH_0, false, "");
	assert_int_equal(store_rename(s, at("/d/f"), at("/e/f"), REPLACE_NO,
			     show(&h, "", &from, NULL), NULL, &why),
	    ERR_LOCKED);
	assert_string_equal(why.about, "/e");
	assert_int_equal(store_rename(s, at("/d/f"), at("/e/f"), REPLACE_NO,
			     show(&h, "", &to, NULL), NULL, &why),
	    ERR_LOCKED);
	assert_string_equal(why.about, "/d");
	/* A COPY does not change its source (s7.5.1). */
	assert_ok(store_copy(s, at("/d/f"), at("/e/f"), REPLACE_NO,
	    show(&h, "", &to, NULL), NULL, NULL, NULL, err));
	assert_ok(store_rename(s, at("/d/f"), at("/e/f"), REPLACE_YES,
	    show(&h, "", &from, &to), NULL, err));
	must_lack(s, "/d/f");
}

static void
the_root_of_a_move_is_named_before_its_members(void **state)
{
	struct store *s = *state;
	struct token dir;
	struct shown h;

	make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	(void)lock_at(s, "/d/c/g", DEPTH_0, false, "");
	assert_fails(
	    store_rename(s, at("/d"), at("/new"), REPLACE_NO, NULL, NULL, err),
	    ERR_LOCKED);
	assert_fails(store_rename(s, at("/d"), at("/new"), REPLACE_NO,
			 show(&h, "", &dir, NULL), NULL, err),
	    ERR_MEMBER_LOCKED);
	assert_fails(
	    store_rename(s, at("/e"), at("/d"), REPLACE_YES, NULL, NULL, err),
	    ERR_LOCKED);
	assert_fails(store_rename(s, at("/e"), at("/d"), REPLACE_YES,
			 show(&h, "", &dir, NULL), NULL, err),
	    ERR_MEMBER_LOCKED);
	must_have(s, "/d/c/g", "g");
}

static void
what_cannot_be_is_said_before_what_is_locked(void **state)
{
	struct store *s = *state;

	make_tree(s);
	(void)lock_at(s, "/", DEPTH_INFINITY, false, "");
	assert_fails(store_mkcol(s, at("/d"), NULL, err), ERR_EXISTS);
	assert_fails(store_mkcol(s, at("/no/c"), NULL, err), ERR_NO_PARENT);
	assert_fails(put(s, "/no/f", STR("x"), NULL, NULL, err), ERR_NO_PARENT);
	assert_fails(
	    put(s, "/d", STR("x"), NULL, NULL, err), ERR_IS_COLLECTION);
	assert_fails(store_remove(s, at("/d"), NULL, NULL, err), ERR_NOT_EMPTY);
	assert_fails(
	    store_remove(s, at("/no"), NULL, NULL, err), ERR_NOT_FOUND);
	assert_fails(store_copy(s, at("/file"), at("/d"), REPLACE_NO, NULL,
			 NULL, NULL, NULL, err),
	    ERR_EXISTS);
	assert_fails(
	    store_rename(s, at("/no"), at("/e"), REPLACE_YES, NULL, NULL, err),
	    ERR_NOT_FOUND);
}

/* ---- how they move, or do not */

static void
locks_are_not_copied(void **state)
{
	struct store *s = *state;

	make_tree(s);
	(void)lock_at(s, "/d", DEPTH_INFINITY, false, "");
	assert_ok(store_copy(s, at("/d/f"), at("/copy"), REPLACE_NO, NULL, NULL,
	    NULL, NULL, err));
	assert_ok(store_copy(s, at("/d"), at("/copy.d"), REPLACE_NO, NULL, NULL,
	    NULL, NULL, err));
	assert_locks(s, "/copy", "");
	assert_locks(s, "/copy.d", "");
	assert_locks(s, "/d/f", "/d=xi");
	assert_ok(put(s, "/copy", STR("x"), NULL, NULL, err));
}

static void
locks_are_not_moved(void **state)
{
	struct store *s = *state;
	struct token dir, file;
	struct shown h;

	make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/c/g", DEPTH_0, false, "");
	assert_ok(store_rename(s, at("/d"), at("/new"), REPLACE_NO,
	    show(&h, "", &dir, &file), NULL, err));
	assert_locks(s, "/new", "");
	assert_locks(s, "/new/c/g", "");
	/* Nor do they wait for what may come where they were (s6.1). */
	assert_locks(s, "/d", "");
	assert_locks(s, "/d/c/g", "");
	must_mkcol(s, "/d");
	must_put(s, "/d/f", "again");
}

static void
a_move_out_of_a_locked_collection_unlocks(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	make_tree(s);
	t = lock_at(s, "/d", DEPTH_INFINITY, false, "");
	assert_ok(store_rename(s, at("/d/c"), at("/c"), REPLACE_NO,
	    show(&h, "", &t, NULL), NULL, err));
	assert_locks(s, "/c/g", "");
	assert_locks(s, "/d", "/d=xi");
	assert_ok(put(s, "/c/g", STR("x"), NULL, NULL, err));
	assert_ok(store_rename(s, at("/c"), at("/d/c"), REPLACE_NO,
	    show(&h, "", &t, NULL), NULL, err));
	assert_locks(s, "/d/c/g", "/d=xi");
	assert_fails(put(s, "/d/c/g", STR("x"), NULL, NULL, err), ERR_LOCKED);
}

static void
a_lock_at_the_destination_stays_and_covers_what_comes(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	make_tree(s);
	t = lock_at(s, "/file", DEPTH_INFINITY, false, "");
	(void)show(&h, "", &t, NULL);
	assert_ok(put(s, "/file", STR("x"), &h.guard, NULL, err));
	assert_locks(s, "/file", "/file=xi");
	assert_ok(store_copy(s, at("/d/f"), at("/file"), REPLACE_YES, &h.guard,
	    NULL, NULL, NULL, err));
	assert_locks(s, "/file", "/file=xi");
	assert_ok(store_rename(
	    s, at("/d/f"), at("/file"), REPLACE_YES, &h.guard, NULL, err));
	assert_locks(s, "/file", "/file=xi");
	assert_ok(store_rename(
	    s, at("/d"), at("/file"), REPLACE_YES, &h.guard, NULL, err));
	assert_locks(s, "/file/c/g", "/file=xi");
	assert_fails(
	    put(s, "/file/c/g", STR("x"), NULL, NULL, err), ERR_LOCKED);
	assert_ok(put(s, "/file/c/g", STR("x"), &h.guard, NULL, err));
	assert_ok(store_copy(s, at("/e"), at("/file"), REPLACE_YES, &h.guard,
	    NULL, NULL, NULL, err));
	assert_locks(s, "/file/c/g", "/file=xi");
	assert_ok(unlock(s, "/file/c/g", "", &t, err));
}

/* Of a tree that gives way, with a lock at its top and one on a member. */
static void
check_members_locks_go(struct store *s, bool rename, const char *from)
{
	struct token dir, file;
	const struct guard *g;
	struct shown h;

	make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	g = show(&h, "", &dir, &file);
	if (rename)
		assert_ok(store_rename(
		    s, at(from), at("/d"), REPLACE_YES, g, NULL, err));
	else
		assert_ok(store_copy(s, at(from), at("/d"), REPLACE_YES, g,
		    NULL, NULL, NULL, err));
	assert_locks(s, "/d", "/d=x0");
	assert_locks(s, "/d/f", "");
	assert_fails(store_remove(s, at("/d"), NULL, NULL, err), ERR_LOCKED);
	unlock_all(s);
	must_clear(s);
}

static void
locks_of_members_go_with_a_tree_that_gives_way(void **state)
{
	check_members_locks_go(*state, true, "/e");
	check_members_locks_go(*state, true, "/file");
	check_members_locks_go(*state, false, "/file");
}

static void
a_collection_copied_onto_another_leaves_its_members_locks(void **state)
{
	struct store *s = *state;

	make_tree(s);
	(void)lock_at(s, "/d/f", DEPTH_0, false, "");
	assert_ok(store_copy(
	    s, at("/e"), at("/d"), REPLACE_YES, NULL, NULL, NULL, NULL, err));
	assert_locks(s, "/d/f", "/d/f=x0");
	must_have(s, "/d/f", "f");
}

static void
a_change_that_fails_leaves_all_locks(void **state)
{
	struct store *s = *state;
	struct token dir, file;
	const struct guard *g;
	struct shown h;

	make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	g = show(&h, "", &dir, &file);
	assert_fails(
	    store_rename(s, at("/d"), at("/e"), REPLACE_NO, g, NULL, err),
	    ERR_EXISTS);
	assert_fails(
	    store_rename(s, at("/d"), at("/no/d"), REPLACE_NO, g, NULL, err),
	    ERR_NO_PARENT);
	assert_fails(store_remove(s, at("/d"), g, NULL, err), ERR_NOT_EMPTY);
	assert_locks(s, "/d", "/d=x0");
	assert_locks(s, "/d/f", "/d/f=x0");
}

/* ---- how they go */

static void
a_lock_goes_with_its_resource(void **state)
{
	struct store *s = *state;
	struct token file, col;
	struct shown h;

	make_tree(s);
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	col = lock_at(s, "/e", DEPTH_INFINITY, false, "");
	(void)show(&h, "", &file, &col);
	assert_ok(store_remove(s, at("/d/f"), &h.guard, NULL, err));
	assert_ok(store_remove(s, at("/e"), &h.guard, NULL, err));
	assert_locks(s, "/d/f", "");
	assert_locks(s, "/e", "");
	assert_ok(put(s, "/d/f", STR("x"), NULL, NULL, err));
	must_mkcol(s, "/e");
	assert_ok(put(s, "/e/new", STR("x"), NULL, NULL, err));
	assert_fails(unlock(s, "/d/f", "", &file, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/e/new", "", &col, err), ERR_LOCK_TOKEN);
}

static void
removing_a_member_leaves_its_collections_lock(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	make_tree(s);
	t = lock_at(s, "/d", DEPTH_INFINITY, false, "");
	assert_ok(
	    store_remove(s, at("/d/f"), show(&h, "", &t, NULL), NULL, err));
	assert_locks(s, "/d", "/d=xi");
	assert_locks(s, "/d/f", "/d=xi");
}

static void
unlock_removes_a_lock_from_all_it_covers(void **state)
{
	struct store *s = *state;
	struct token t;

	make_tree(s);
	t = lock_at(s, "/d", DEPTH_INFINITY, false, "ann");
	(void)lock_at(s, "/e", DEPTH_0, false, "ann");
	assert_ok(unlock(s, "/d/c/g", "ann", &t, err));
	assert_locks(s, "/d", "");
	assert_locks(s, "/d/f", "");
	assert_locks(s, "/e", "/e=x0@ann");
	assert_ok(put(s, "/d/f", STR("x"), NULL, NULL, err));
	assert_fails(unlock(s, "/d", "ann", &t, err), ERR_LOCK_TOKEN);
}

static void
unlock_asks_for_the_token_of_a_lock_there(void **state)
{
	struct store *s = *state;
	struct token t, deep;

	make_tree(s);
	t = lock_at(s, "/d", DEPTH_0, false, "ann");
	deep = lock_at(s, "/d/c", DEPTH_INFINITY, false, "ann");
	assert_fails(unlock(s, "/d", "ann", &unknown, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d", "ann", NULL, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d/f", "ann", &t, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/", "ann", &t, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d/f", "ann", &deep, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d", "ann", &deep, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d", "bob", &t, err), ERR_FORBIDDEN);
	assert_fails(unlock(s, "/d", "", &t, err), ERR_FORBIDDEN);
	assert_locks(s, "/d", "/d=x0@ann");
	assert_locks(s, "/d/c/g", "/d/c=xi@ann");
}

static void
unlock_takes_one_of_the_shared_locks(void **state)
{
	struct store *s = *state;
	struct token ann, bob;

	make_tree(s);
	ann = lock_at(s, "/d/f", DEPTH_0, true, "ann");
	bob = lock_at(s, "/d/f", DEPTH_0, true, "bob");
	assert_ok(unlock(s, "/d/f", "ann", &ann, err));
	assert_locks(s, "/d/f", "/d/f=s0@bob");
	assert_fails(put(s, "/d/f", STR("x"), NULL, NULL, err), ERR_LOCKED);
	assert_ok(unlock(s, "/d/f", "bob", &bob, err));
	assert_ok(put(s, "/d/f", STR("x"), NULL, NULL, err));
}

static void
unlock_asks_its_condition_first(void **state)
{
	struct store *s = *state;
	struct probe p = { .say = ERR_PRECONDITION };
	const struct guard g = probe_guard(&p);
	struct token t;
	struct shown h;

	make_tree(s);
	t = lock_at(s, "/d/f", DEPTH_0, false, "");
	(void)show(&h, "", &t, NULL);
	assert_fails(
	    store_unlock(s, at("/d/f"), &h.tokens, &g, err), ERR_PRECONDITION);
	assert_true(p.mapped);
	assert_locks(s, "/d/f", "/d/f=x0");
}

/* ---- until when */

static void
wait_until(int64_t moment)
{
	const struct timespec nap = { .tv_nsec = MSEC };

	while (clock_now() < moment)
		(void)nanosleep(&nap, NULL);
}

/* *expires: when it is over. */
static struct token
short_lock(struct store *s, const char *path, int64_t timeout, int64_t *expires)
{
	const struct lock_spec spec = {
		.depth = DEPTH_INFINITY,
		.timeout = timeout,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct token t = { "" };
	struct lock l;

	assert_ok(store_lock(s, at(path), &spec, NULL, &a, &l, NULL, err));
	memcpy(t.text, l.token.ptr, sizeof(t.text) - 1);
	*expires = l.expires;
	return t;
}

static void
a_lock_that_is_over_is_no_lock(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;
	int64_t end;

	make_tree(s);
	t = short_lock(s, "/d", 20 * MSEC, &end);
	wait_until(end);
	assert_locks(s, "/d", "");
	assert_locks(s, "/d/f", "");
	assert_ok(put(s, "/d/f", STR("x"), NULL, NULL, err));
	assert_ok(store_allows(s, at("/d/f"), TOUCH_NAME, NULL, err));
	(void)show(&h, "", &t, NULL);
	assert_fails(
	    refresh(s, "/d", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	assert_fails(unlock(s, "/d", "", &t, err), ERR_LOCK_TOKEN);
	assert_ok(try_lock(s, "/d/f", DEPTH_0, false, NULL, NULL, err));
	assert_fails(try_lock(s, "/d", DEPTH_INFINITY, false, NULL, NULL, err),
	    ERR_LOCK_CONFLICT);
	assert_locks(s, "/d/f", "/d/f=x0");
}

static void
locks_of_members_that_are_over_are_in_nobodys_way(void **state)
{
	struct store *s = *state;
	int64_t end;

	make_tree(s);
	(void)short_lock(s, "/d/c/g", 20 * MSEC, &end);
	wait_until(end);
	assert_ok(try_lock(s, "/e", DEPTH_INFINITY, false, NULL, NULL, err));
	assert_ok(
	    store_rename(s, at("/d"), at("/d2"), REPLACE_NO, NULL, NULL, err));
	assert_ok(try_lock(s, "/d2", DEPTH_INFINITY, false, NULL, NULL, err));
}

static void
a_refresh_gives_a_lock_a_new_end(void **state)
{
	struct store *s = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	int64_t end, later, before;
	const struct lock *l;
	struct token t;
	struct shown h;
	size_t n;

	make_tree(s);
	t = short_lock(s, "/d", 2 * NSEC_PER_SEC, &end);
	(void)show(&h, "", &unknown, &t);
	before = clock_now();
	assert_ok(refresh(s, "/d/c/g", &h.tokens, HOUR, &later, err));
	assert_true(later >= before + HOUR && later <= clock_now() + HOUR);
	assert_ok(store_locks(s, at("/d"), &a, &l, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(l->expires, later);
	assert_str_equal(l->token, str_from_c(t.text));

	/* Also to an earlier one. */
	assert_ok(refresh(s, "/d", &h.tokens, 5 * MSEC, &end, err));
	assert_true(end < later);
	wait_until(end);
	assert_locks(s, "/d", "");
}

static void
a_refresh_asks_for_the_token_of_a_lock_there(void **state)
{
	struct store *s = *state;
	struct token t;
	struct shown h;

	make_tree(s);
	t = lock_at(s, "/d", DEPTH_0, false, "ann");
	(void)show(&h, "ann", &t, NULL);
	assert_fails(
	    refresh(s, "/d/f", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	assert_fails(
	    refresh(s, "/e", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	(void)show(&h, "ann", &unknown, NULL);
	assert_fails(
	    refresh(s, "/d", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	(void)show(&h, "bob", &t, NULL);
	assert_fails(
	    refresh(s, "/d", &h.tokens, HOUR, NULL, err), ERR_LOCK_TOKEN);
	assert_locks(s, "/d", "/d=x0@ann");
}

static void
a_refresh_asks_its_condition_first(void **state)
{
	struct store *s = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct probe p = { .say = ERR_PRECONDITION };
	const struct guard g = probe_guard(&p);
	const struct lock *now;
	int64_t end;
	struct token t;
	struct shown h;
	struct lock l;
	size_t n;

	make_tree(s);
	t = short_lock(s, "/d/f", HOUR, &end);
	(void)show(&h, "", &t, NULL);
	assert_fails(store_lock_refresh(
			 s, at("/d/f"), &h.tokens, 2 * HOUR, &g, &a, &l, err),
	    ERR_PRECONDITION);
	assert_ok(store_locks(s, at("/d/f"), &a, &now, &n, err));
	assert_int_equal(n, 1);
	assert_int_equal(now->expires, end);
}

static void
of_several_tokens_a_refresh_takes_the_one_that_fits(void **state)
{
	struct store *s = *state;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct token file, dir;
	struct shown h;
	struct lock l;

	make_tree(s);
	dir = lock_at(s, "/d", DEPTH_0, false, "");
	file = lock_at(s, "/d/f", DEPTH_0, false, "");
	(void)show(&h, "", &dir, &file);
	assert_ok(store_lock_refresh(
	    s, at("/d/f"), &h.tokens, HOUR, NULL, &a, &l, err));
	assert_str_equal(l.root.s, STR("/d/f"));
	assert_ok(store_lock_refresh(
	    s, at("/d"), &h.tokens, HOUR, NULL, &a, &l, err));
	assert_str_equal(l.root.s, STR("/d"));
}

static const struct CMUnitTest rows[] = {
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
	cmocka_unit_test(what_cannot_be_is_said_before_what_is_locked),
	cmocka_unit_test(locks_are_not_copied),
	cmocka_unit_test(locks_are_not_moved),
	cmocka_unit_test(a_move_out_of_a_locked_collection_unlocks),
	cmocka_unit_test(a_lock_at_the_destination_stays_and_covers_what_comes),
	cmocka_unit_test(locks_of_members_go_with_a_tree_that_gives_way),
	cmocka_unit_test(
	    a_collection_copied_onto_another_leaves_its_members_locks),
	cmocka_unit_test(a_change_that_fails_leaves_all_locks),
	cmocka_unit_test(a_lock_goes_with_its_resource),
	cmocka_unit_test(removing_a_member_leaves_its_collections_lock),
	cmocka_unit_test(unlock_removes_a_lock_from_all_it_covers),
	cmocka_unit_test(unlock_asks_for_the_token_of_a_lock_there),
	cmocka_unit_test(unlock_takes_one_of_the_shared_locks),
	cmocka_unit_test(unlock_asks_its_condition_first),
	cmocka_unit_test(a_lock_that_is_over_is_no_lock),
	cmocka_unit_test(locks_of_members_that_are_over_are_in_nobodys_way),
	cmocka_unit_test(a_refresh_gives_a_lock_a_new_end),
	cmocka_unit_test(a_refresh_asks_for_the_token_of_a_lock_there),
	cmocka_unit_test(a_refresh_asks_its_condition_first),
	cmocka_unit_test(of_several_tokens_a_refresh_takes_the_one_that_fits),
};

const struct tests lock_tests = { rows, ARRAY_LEN(rows) };
