/* SPDX-License-Identifier: MIT */
/*
 * Locks as the server sees them, which keeps them in memory, beside what
 * another process reads, and what is left of them after a crash.
 */
#include "store/state_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

#define END INT64_MAX
#define SLOT 256 /* bytes */

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
ask_all(struct state *s, struct buf *out)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++)
		ask(s, paths[i], out);
}

/* As `sheaf locks` sees them now. */
static void
check_same(struct state_world *w)
{
	struct state *other = look(w);
	struct buf ours = { 0 }, theirs = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++)
		check_from(w->state, paths[i]);
	ask_all(w->state, &ours);
	ask_all(other, &theirs);
	assert_str_equal(buf_str(&ours), buf_str(&theirs));
	buf_done(&ours);
	buf_done(&theirs);
	state_close(other);
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
	enum err_code rc = state_lock_add(s, &l, &number, NULL);

	return rc ? rc : state_wait(s, number, NULL);
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

/* ---- whatever happens, beside what should be there */

#define TOKENS 8

/* When each ends; 0: there is none. */
static int64_t model[ARRAY_LEN(paths)][TOKENS];

static struct lock
lock_of(size_t path, size_t token)
{
	static const char *const tokens[TOKENS] = { "a", "b", "c", "d", "e",
		"f", "g", "h" };

	return (struct lock){
		.root = at(paths[path]),
		.token = str_from_c(tokens[token]),
	};
}

static void
model_drop(const char *root, bool root_too)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++)
		if (rpath_is_ancestor(at(root), at(paths[i])) ||
		    (root_too && !strcmp(root, paths[i])))
			memset(model[i], 0, sizeof(model[i]));
}

/* Each that should be there, and no others. */
static void
check_model(struct state *s)
{
	size_t i, k, n, want;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		struct arena a = { 0 };
		const struct lock *locks;

		assert_ok(state_locks_at(s, at(paths[i]), &a, &locks, &n, err));
		for (want = k = 0; k < TOKENS; k++) {
			if (model[i][k] <= 1)
				continue;
			assert_true(want < n);
			assert_str_equal(
			    locks[want].token, lock_of(i, k).token);
			assert_true(locks[want].expires == model[i][k]);
			want++;
		}
		assert_int_equal(n, want);
		arena_done(&a);
	}
}

/* A row of one that is over goes some time. */
static void
change_lock(struct state_world *w, unsigned what, size_t path, size_t token,
    int64_t expires)
{
	struct lock l = lock_of(path, token);
	int64_t *end = &model[path][token];
	struct state *other;
	uint64_t number = 0;
	enum err_code rc;

	l.expires = expires;
	switch (what) {
	case 0:
		other = look(w);
		rc = state_lock_remove(other, l.root, l.token, &number, NULL);
		state_close(other);
		expires = 0;
		break;
	case 1:
	case 2:
	case 3:
		rc =
		    state_lock_remove(w->state, l.root, l.token, &number, NULL);
		expires = 0;
		break;
	case 4:
		rc = state_lock_refresh(w->state, &l, &number, NULL);
		break;
	default:
		rc = add(w->state, paths[path], l.token.ptr, expires);
		assert_true(rc == ERR_OK || *end);
		if (!rc)
			*end = expires;
		return;
	}
	assert_true(rc ? *end <= 1 : *end > 0);
	if (!rc) {
		assert_ok(state_wait(w->state, what ? number : 0, err));
		*end = expires;
	}
}

static enum err_code
late_line(struct state *s, const char *path)
{
	const struct change c = {
		.kind = CHANGE_WRITE,
		.path = at(path),
		.late = true,
	};
	uint64_t intent;

	return state_change_begin(s, &c, true, &intent, NULL);
}

/* One thing that the server does, or somebody beside it. */
static void
do_one(struct state_world *w, unsigned *seed)
{
	size_t path = next_random(seed) % ARRAY_LEN(paths);
	size_t token = next_random(seed) % TOKENS;
	int64_t expires =
	    next_random(seed) % 8 ? END - (int64_t)(next_random(seed) % 9) : 1;
	bool moved = next_random(seed) % 2;
	unsigned what = next_random(seed) % 24;

	switch (what) {
	case 20:
		assert_int_equal(
		    drop_tree(w->state, paths[path], moved), ERR_OK);
		model_drop(paths[path], true);
		if (moved)
			model_drop("/b", false);
		break;
	case 21:
		assert_ok(write_line(w->state, "/line", err));
		break;
	case 22:
		assert_int_equal(late_line(w->state, "/late"), ERR_OK);
		break;
	case 23:
		set_prop(w, 1, "v");
		break;
	default:
		change_lock(w, what % 10, path, token, expires);
		break;
	}
}

/*
 * Of what becomes of them, most is not in a transaction of its own: neither
 * memory, nor who looks beside, nor a start after a crash misses any of it.
 */
static void
locks_are_what_was_done_to_them(void **state)
{
	struct state_world *w = *state;
	unsigned seed = 1;
	int i;

	memset(model, 0, sizeof(model));
	for (i = 0; i < 1500; i++) {
		do_one(w, &seed);
		check_model(w->state);
		if (next_random(&seed) % 16 == 0)
			check_same(w);
		if (next_random(&seed) % 64 == 0) {
			state_world_crash(w);
			check_model(w->state);
		}
	}
	state_world_close(w);
	state_world_open(w);
	check_model(w->state);
	check_same(w);
}

/* ---- where they are */

static int64_t
rows(struct state_world *w)
{
	return raw_int(w, "SELECT count(*) FROM locks");
}

static void
a_lock_has_no_transaction_of_its_own(void **state)
{
	struct state_world *w = *state;

	assert_int_equal(add(w->state, "/a", "t", END), ERR_OK); /* it tidies */
	assert_ok(state_sync(w->state, err));
	assert_int_equal(rows(w), 1);
	assert_int_equal(add(w->state, "/b", "u", END), ERR_OK);
	assert_int_equal(rows(w), 1);
	assert_ok(write_line(w->state, "/line", err));
	assert_int_equal(rows(w), 2);
}

/* What does not fit into a slot, and what comes when there is none free. */
static void
a_long_owner_has_a_transaction(void **state)
{
	struct state_world *w = *state;
	struct buf owner = { 0 };
	struct lock l = { .shared = true, .expires = END, .token = STR("t") };
	uint64_t number;
	size_t i;

	for (i = 0; i < 300; i++)
		buf_putc(&owner, 'o');
	for (i = 0; i < 300; i += 10) {
		char path[20];

		(void)snprintf(path, sizeof(path), "/%zu", i);
		l.root = at(path);
		l.owner = str_head(buf_str(&owner), i);
		l.user = str_head(buf_str(&owner), 300 - i);
		assert_ok(state_lock_add(w->state, &l, &number, err));
		assert_ok(state_wait(w->state, number, err));
	}
	check_same(w);
	for (i = 0; i < 300; i += 10) {
		struct arena a = { 0 };
		const struct lock *locks;
		char path[20];
		size_t n;

		(void)snprintf(path, sizeof(path), "/%zu", i);
		assert_ok(
		    state_locks_at(w->state, at(path), &a, &locks, &n, err));
		assert_int_equal(n, 1);
		assert_int_equal(locks[0].owner.len, i);
		arena_done(&a);
	}
	buf_done(&owner);
}

static void
more_locks_come_and_go_than_there_are_slots(void **state)
{
	struct state_world *w = *state;
	uint64_t number;
	int i;

	memset(model, 0, sizeof(model));
	assert_int_equal(add(w->state, "/b", "h", END), ERR_OK);
	model[9][7] = END;
	for (i = 0; i < 3000; i++) {
		assert_int_equal(add(w->state, "/a", "a", END), ERR_OK);
		assert_ok(state_lock_remove(
		    w->state, at("/a"), STR("a"), &number, err));
	}
	check_model(w->state);
	state_world_crash(w);
	check_model(w->state);
	check_same(w);
}

/* As a power cut may leave one that nobody waited for. */
static void
a_lock_in_a_damaged_slot_was_not_given(void **state)
{
	struct state_world *w = *state;
	char file[400];
	int fd CLEANUP(fd_close) = -1;

	memset(model, 0, sizeof(model));
	assert_int_equal(add(w->state, "/", "a", END), ERR_OK);
	assert_ok(state_sync(w->state, err));
	assert_int_equal(add(w->state, "/", "b", END), ERR_OK);
	assert_int_equal(add(w->state, "/", "c", END), ERR_OK);
	model[0][0] = model[0][2] = END;
	(void)snprintf(file, sizeof(file), "%s/state.late", w->dir);
	fd = open(file, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "?", 1, SLOT + 33), 1);
	state_world_crash(w);
	check_model(w->state);
}

static void
a_lock_that_another_process_ends_is_gone_at_once(void **state)
{
	struct state_world *w = *state;
	struct state *other;
	struct arena a = { 0 };
	const struct lock *locks;
	struct rpath root;
	uint64_t number;
	size_t n;

	assert_int_equal(add(w->state, "/a", "t", END), ERR_OK);
	other = look(w);
	/* Two that it does not know of. */
	assert_int_equal(add(w->state, "/b", "u", END), ERR_OK);
	assert_int_equal(add(w->state, "/c", "x", END), ERR_OK);
	assert_int_equal(rows(w), 1);
	assert_ok(state_lock_find(other, STR("t"), &a, &root, err));
	assert_str_equal(root.s, STR("/a"));
	assert_ok(state_lock_remove(other, root, STR("t"), &number, err));
	assert_fails(
	    state_lock_find(other, STR("t"), &a, &root, err), ERR_LOCK_TOKEN);
	assert_ok(state_locks_at(w->state, at("/c"), &a, &locks, &n, err));
	assert_int_equal(n, 1);
	assert_ok(state_locks_at(w->state, at("/a"), &a, &locks, &n, err));
	assert_int_equal(n, 0);
	assert_ok(state_locks_at(w->state, at("/b"), &a, &locks, &n, err));
	assert_int_equal(n, 1);
	/* The next transaction of the server reads them anew. */
	assert_int_equal(add(w->state, "/a", "v", END), ERR_OK);
	check_same(w);
	assert_ok(state_sync(w->state, err));
	assert_ok(state_lock_remove(other, at("/a"), STR("v"), &number, err));
	assert_ok(state_lock_remove(other, at("/b"), STR("u"), &number, err));
	assert_ok(state_lock_remove(other, at("/c"), STR("x"), &number, err));
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

static bool
is_near(const struct rpath *locks, size_t n, struct rpath path)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rpath_covers(locks[i], path) ||
		    rpath_covers(path, locks[i]))
			return true;
	return false;
}

/* Whose names begin alike, and sort before what is below one another. */
static void
what_is_near_a_lock_is_told_from_what_is_beside_it(void **state)
{
	struct state_world *w = *state;
	unsigned seed = 1;
	int round;

	for (round = 0; round < 300; round++) {
		struct rpath locks[3];
		size_t i, n = 1 + next_random(&seed) % ARRAY_LEN(locks);
		uint64_t number;

		for (i = 0; i < n; i++) {
			locks[i] =
			    at(paths[next_random(&seed) % ARRAY_LEN(paths)]);
			(void)!add(w->state, locks[i].s.ptr, "a", END);
		}
		for (i = 0; i < ARRAY_LEN(paths); i++)
			assert_int_equal(
			    state_may_have_locks_near(w->state, at(paths[i])),
			    is_near(locks, n, at(paths[i])));
		for (i = 0; i < n; i++)
			(void)!state_lock_remove(
			    w->state, locks[i], STR("a"), &number, NULL);
	}
	assert_false(state_may_have_locks_near(w->state, at("/")));
}

/* As many bytes as are not kept in memory any more, and few again. */
static void
too_many_for_memory_are_found_all_the_same(void **state)
{
	struct state_world *w = *state;
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
	check_same(w);
	state_world_close(w);
	state_world_open(w);
	check_same(w);
	for (i = 1; i < 9; i++)
		assert_ok(state_lock_remove(w->state, at(paths[i]),
		    str_from_c(paths[i]), &number, err));
	assert_int_equal(add(w->state, "/a/b", "t", END), ERR_OK);
	check_same(w);
	buf_done(&owner);
}

int
main(void)
{
#define BOTH(test) STATE_TEST(test), STRICT_TEST(test)
	static const struct CMUnitTest tests[] = {
		BOTH(locks_are_what_was_done_to_them),
		BOTH(a_lock_has_no_transaction_of_its_own),
		BOTH(a_long_owner_has_a_transaction),
		BOTH(more_locks_come_and_go_than_there_are_slots),
		BOTH(a_lock_in_a_damaged_slot_was_not_given),
		STATE_TEST(a_lock_that_another_process_ends_is_gone_at_once),
		STATE_TEST(a_lock_elsewhere_is_none_of_what_is_removed),
		STATE_TEST(what_is_near_a_lock_is_told_from_what_is_beside_it),
		STATE_TEST(too_many_for_memory_are_found_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
