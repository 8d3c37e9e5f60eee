/* SPDX-License-Identifier: MIT */
/*
 * Locks as the server sees them, which keeps them in memory, beside what
 * another process reads from the database.
 */
#include "store/state_world.h"

#define END INT64_MAX

static const char *const paths[] = { "/", "/a", "/a!", "/a!/b", "/a-b", "/a/b",
	"/a/b/c", "/a/bc", "/a0", "/b", "/ab", "/\xff", "/\xff/x" };

static void
put_one(struct buf *out, const struct lock *l)
{
	buf_printf(out, "%.*s %.*s %d %d %.*s %lld\n", STR_ARG(l->root.s),
	    STR_ARG(l->token), l->shared, (int)l->depth, STR_ARG(l->owner),
	    (long long)l->expires);
}

static enum err_code
visit(void *arg, const struct lock *l, struct err *err)
{
	(void)err;
	put_one(arg, l);
	return ERR_OK;
}

/* All questions about a path, and the answers. */
static void
ask(struct state *s, const char *path, struct buf *out)
{
	struct arena a = { 0 };
	const struct lock *locks;
	size_t n, i;

	assert_ok(state_locks_at(s, at(path), &a, &locks, &n, err));
	buf_printf(out, "at %s\n", path);
	for (i = 0; i < n; i++)
		put_one(out, &locks[i]);
	assert_ok(state_locks_covering(s, at(path), &a, &locks, &n, err));
	buf_printf(out, "covering %s\n", path);
	for (i = 0; i < n; i++)
		put_one(out, &locks[i]);
	buf_printf(out, "below %s\n", path);
	assert_ok(state_locks_below(s, at(path), visit, out, err));
	arena_done(&a);
}

/* Whoever removes what is at path must know of them. */
static void
check_from(struct state *s, const char *path)
{
	struct arena a = { 0 };
	struct buf below = { 0 };
	const struct lock *locks;
	size_t n;

	assert_ok(state_locks_at(s, at(path), &a, &locks, &n, err));
	assert_ok(state_locks_below(s, at(path), visit, &below, err));
	if (n || below.len)
		assert_true(state_may_have_locks_from(s, at(path)));
	arena_done(&a);
	buf_done(&below);
}

static struct state *
look(struct state_world *w)
{
	struct state *s;

	assert_ok(state_look((struct rpath){ str_from_c(w->dir) }, &s, err));
	return s;
}

static void
check_same(struct state_world *w, struct state *other)
{
	struct buf ours = { 0 }, theirs = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		ask(w->state, paths[i], &ours);
		ask(other, paths[i], &theirs);
		check_from(w->state, paths[i]);
	}
	assert_str_equal(buf_str(&ours), buf_str(&theirs));
	buf_done(&ours);
	buf_done(&theirs);
}

static enum err_code
add(struct state *s, const char *path, const char *token, int64_t expires)
{
	const struct lock l = {
		.root = at(path),
		.token = str_from_c(token),
		.depth = token[0] % 2 ? DEPTH_INFINITY : DEPTH_0,
		.shared = true,
		.owner = STR("<o/>"),
		.expires = expires,
	};
	uint64_t number;

	return state_lock_add(s, &l, &number, NULL);
}

static enum err_code
drop_tree(struct state *s, const char *path, bool moved)
{
	const struct change c = {
		.kind = moved ? CHANGE_MOVE : CHANGE_REMOVE,
		.path = at(path),
		.to = at("/b"),
		.drops_locks = true,
	};
	uint64_t intent;
	enum err_code rc = state_change_begin(s, &c, false, &intent, NULL);

	if (!rc)
		state_change_end(s, intent, true);
	return rc;
}

static unsigned
next_random(unsigned *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 16;
}

/* One change by the server, or by somebody beside it. */
static void
change_one(struct state_world *w, struct state *other, unsigned *seed)
{
	const char *path = paths[next_random(seed) % ARRAY_LEN(paths)];
	const char token[] = { (char)('a' + next_random(seed) % 8), '\0' };
	struct lock l = { .root = at(path), .token = str_from_c(token) };
	uint64_t number;

	l.expires = next_random(seed) % 8 ? END : 1;
	switch (next_random(seed) % 8) {
	case 0:
		(void)drop_tree(w->state, path, next_random(seed) % 2);
		break;
	case 1:
		(void)!state_lock_remove(
		    w->state, l.root, l.token, &number, NULL);
		break;
	case 2:
		(void)!state_lock_remove(other, l.root, l.token, &number, NULL);
		break;
	case 3:
		(void)!state_lock_refresh(w->state, &l, &number, NULL);
		break;
	default:
		(void)add(w->state, path, token, l.expires);
		break;
	}
}

static void
memory_says_what_the_database_says(void **state)
{
	struct state_world *w = *state;
	struct state *other = look(w);
	unsigned seed = 1;
	int i;

	for (i = 0; i < 500; i++) {
		change_one(w, other, &seed);
		check_same(w, other);
	}
	state_close(other);
}

static void
a_lock_that_another_process_ends_is_gone_at_once(void **state)
{
	struct state_world *w = *state;
	struct state *other = look(w);
	struct arena a = { 0 };
	const struct lock *locks;
	struct rpath root;
	uint64_t number;
	size_t n;

	assert_int_equal(add(w->state, "/a", "t", END), ERR_OK);
	assert_int_equal(add(w->state, "/b", "u", END), ERR_OK);
	assert_ok(state_lock_find(other, STR("t"), &a, &root, err));
	assert_str_equal(root.s, STR("/a"));
	assert_ok(state_lock_remove(other, root, STR("t"), &number, err));
	assert_fails(
	    state_lock_find(other, STR("t"), &a, &root, err), ERR_LOCK_TOKEN);
	assert_ok(state_locks_at(w->state, at("/a"), &a, &locks, &n, err));
	assert_int_equal(n, 0);
	assert_ok(state_locks_at(w->state, at("/b"), &a, &locks, &n, err));
	assert_int_equal(n, 1);
	/* The next transaction of the server reads them anew. */
	assert_int_equal(add(w->state, "/a", "v", END), ERR_OK);
	check_same(w, other);
	assert_ok(state_lock_remove(other, at("/a"), STR("v"), &number, err));
	assert_ok(state_lock_remove(other, at("/b"), STR("u"), &number, err));
	assert_int_equal(add(w->state, "/b", "w", END), ERR_OK);
	assert_ok(
	    state_lock_remove(w->state, at("/b"), STR("w"), &number, err));
	assert_false(state_may_have_locks(w->state));
	state_close(other);
	arena_done(&a);
}

static void
a_lock_elsewhere_is_none_of_what_is_removed(void **state)
{
	struct state_world *w = *state;

	assert_int_equal(add(w->state, "/a", "t", END), ERR_OK);
	assert_true(state_may_have_locks_from(w->state, at("/")));
	assert_true(state_may_have_locks_from(w->state, at("/a")));
	assert_false(state_may_have_locks_from(w->state, at("/a/b")));
	assert_false(state_may_have_locks_from(w->state, at("/a!")));
	assert_false(state_may_have_locks_from(w->state, at("/b")));
}

/* As many bytes as are not kept in memory any more, and few again. */
static void
too_many_for_memory_are_found_all_the_same(void **state)
{
	struct state_world *w = *state;
	struct state *other = look(w);
	struct buf owner = { 0 };
	uint64_t number;
	struct lock l = { .shared = true, .expires = END, .depth = DEPTH_0 };
	size_t i;

	for (i = 0; i < (size_t)1 << 20; i++)
		buf_putc(&owner, 'o');
	l.owner = buf_str(&owner);
	for (i = 1; i < 9; i++) {
		l.root = at(paths[i]);
		l.token = str_from_c(paths[i]);
		assert_ok(state_lock_add(w->state, &l, &number, err));
	}
	check_same(w, other);
	state_world_close(w);
	state_world_open(w);
	check_same(w, other);
	for (i = 1; i < 9; i++)
		assert_ok(state_lock_remove(w->state, at(paths[i]),
		    str_from_c(paths[i]), &number, err));
	assert_int_equal(add(w->state, "/a/b", "t", END), ERR_OK);
	check_same(w, other);
	state_close(other);
	buf_done(&owner);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		STATE_TEST(memory_says_what_the_database_says),
		STATE_TEST(a_lock_that_another_process_ends_is_gone_at_once),
		STATE_TEST(a_lock_elsewhere_is_none_of_what_is_removed),
		STATE_TEST(too_many_for_memory_are_found_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
