/* SPDX-License-Identifier: MIT */
/*
 * Claims: who waits for whom.  Threads note what they see, and the test asserts
 * when they have ended.
 */
#include "store/world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "lib/locks.h"
#include "store/commits.h"
#include "store/dir_impl.h"

#define THREADS 6
#define ROUNDS 2000

/* ---- in order of arrival */

struct waiter {
	pthread_t thread;
	struct dir_store *ds;
	const char *path;
	enum scope scope;
	atomic_uint *turn; /* counts those who got theirs */
	unsigned got; /* 1: the first */
	atomic_bool may_go;
};

static void
pause_shortly(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	(void)nanosleep(&ms, NULL);
}

static void *
claim_and_wait(void *arg)
{
	struct waiter *w = arg;
	struct hold h = { 0 };
	struct place p = PLACE_NONE;

	if (w->scope == SCOPE_TREE)
		hold_tree(w->ds, at(w->path), &h);
	else if (hold_new(
		     w->ds, at(w->path), FOLLOW_YES, w->scope, &h, &p, NULL))
		return NULL;
	w->got = atomic_fetch_add(w->turn, 1) + 1;
	while (!atomic_load(&w->may_go))
		pause_shortly();
	place_done(&p);
	hold_done(&h);
	return NULL;
}

static unsigned
n_claims(struct dir_store *ds)
{
	const struct hold *h;
	unsigned n = 0;

	(void)pthread_mutex_lock(&ds->claims.mutex);
	for (h = ds->claims.first; h; h = h->next)
		n++;
	(void)pthread_mutex_unlock(&ds->claims.mutex);
	return n;
}

/* Until it has its claim, or waits for it. */
static void
start(struct waiter *w)
{
	unsigned before = n_claims(w->ds);

	assert_int_equal(
	    pthread_create(&w->thread, NULL, claim_and_wait, w), 0);
	while (n_claims(w->ds) == before)
		pause_shortly();
}

static void
await(const atomic_uint *turn, unsigned n)
{
	while (atomic_load(turn) < n)
		pause_shortly();
}

static void
let_go(struct waiter *w)
{
	atomic_store(&w->may_go, true);
	assert_int_equal(pthread_join(w->thread, NULL), 0);
}

static void
a_claim_of_a_tree_is_not_starved_by_claims_within(void **state)
{
	struct world *w = *state;
	struct dir_store *ds = dir_of(w->store);
	atomic_uint turn = 0;
	struct waiter a = { .ds = ds, .turn = &turn, .path = "/d/a" };
	struct waiter tree = {
		.ds = ds, .turn = &turn, .path = "/d", .scope = SCOPE_TREE
	};
	struct waiter b = { .ds = ds, .turn = &turn, .path = "/d/b" };
	struct waiter other = { .ds = ds, .turn = &turn, .path = "/da" };

	must_mkcol(w->store, "/d");
	start(&a);
	await(&turn, 1);
	start(&tree);
	start(&b); /* nobody has it, but the tree came first */
	start(&other); /* which is nobody's concern */
	await(&turn, 2);
	assert_int_equal(n_claims(ds), 4);
	let_go(&a);
	await(&turn, 3);
	let_go(&other);
	let_go(&tree);
	let_go(&b);
	assert_int_equal(a.got, 1);
	assert_int_equal(other.got, 2);
	assert_int_equal(tree.got, 3);
	assert_int_equal(b.got, 4);
	assert_int_equal(n_claims(ds), 0);
}

static void
two_names_of_a_resource_are_one_claim(void **state)
{
	struct world *w = *state;
	struct dir_store *ds = dir_of(w->store);
	atomic_uint turn = 0;
	struct waiter name = { .ds = ds, .turn = &turn, .path = "/d/f" };
	struct waiter link = { .ds = ds, .turn = &turn, .path = "/l/f" };
	int i;

	must_mkcol(w->store, "/d");
	link_to(w, "d", "/l");
	start(&name);
	await(&turn, 1);
	start(&link);
	for (i = 0; i < 20; i++) /* time enough to get it wrongly */
		pause_shortly();
	assert_int_equal(turn, 1);
	let_go(&name);
	await(&turn, 2);
	let_go(&link);
}

/* ---- many at once */

static const char *const paths[] = { "/", "/a", "/a/b", "/a/b/c", "/ab", "/b" };

struct crowd {
	struct dir_store *ds;
	pthread_barrier_t start;
	atomic_uint number;
	atomic_uint wrong;
	/* Who is at a path: n for those who have it, or a tree it is in. */
	atomic_uint at[ARRAY_LEN(paths)];
};

static void
occupy(struct crowd *c, const char *path, bool come)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(paths); i++) {
		if (!rpath_covers(at(path), at(paths[i])))
			continue;
		if (!come)
			atomic_fetch_sub(&c->at[i], 1);
		else if (atomic_fetch_add(&c->at[i], 1))
			atomic_fetch_add(&c->wrong, 1);
	}
}

static void *
keep_claiming(void *arg)
{
	struct crowd *c = arg;
	unsigned me = atomic_fetch_add(&c->number, 1);
	unsigned i;

	(void)pthread_barrier_wait(&c->start);
	for (i = 0; i < ROUNDS; i++) {
		const char *path = paths[(me + i * 7) % ARRAY_LEN(paths)];
		struct hold h = { 0 };

		hold_tree(c->ds, at(path), &h);
		occupy(c, path, true);
		occupy(c, path, false);
		hold_done(&h);
	}
	return NULL;
}

static void
who_has_a_tree_has_it_alone(void **state)
{
	struct world *w = *state;
	struct crowd c = { .ds = dir_of(w->store) };
	pthread_t threads[THREADS];
	size_t i;

	assert_int_equal(pthread_barrier_init(&c.start, NULL, THREADS), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, keep_claiming, &c), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	(void)pthread_barrier_destroy(&c.start);
	assert_int_equal(c.wrong, 0);
}

/* ---- while it waits for the disk */

static struct {
	struct dir_store *ds;
	unsigned free, held;
} seen;

static void
look_at_claim(void)
{
	struct hold h = { 0 };

	if (hold_try(seen.ds, at("/f"), &h))
		seen.free++;
	else
		seen.held++;
	hold_done(&h);
}

static void
patch_one(struct store *s)
{
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = STR("v") },
	};

	assert_ok(store_patch(s, at("/f"), &c, 1, NULL, NULL, err));
}

static void
lock_refresh_unlock(struct store *s)
{
	const struct token t = lock_at(s, "/f", DEPTH_0, false, "");
	const struct str token = str_from_c(t.text);
	const struct lock_tokens tokens = { .v = &token, .n = 1 };
	struct arena a = { 0 };
	struct lock l;

	assert_ok(store_lock_refresh(
	    s, at("/f"), &tokens, INT64_MAX, NULL, &a, &l, err));
	assert_ok(store_unlock(s, at("/f"), &tokens, NULL, err));
	arena_done(&a);
}

/* Else those who change one thing would be synced one after the other. */
static void
what_the_state_makes_alone_waits_for_the_disk_without_its_claim(void **state)
{
	struct world *w = *state;

	must_put(w->store, "/f", "f");
	seen.ds = dir_of(w->store);
	seen.free = seen.held = 0;
	during_log_sync = look_at_claim;
	patch_one(w->store);
	lock_refresh_unlock(w->store);
	during_log_sync = NULL;
	assert_int_equal(seen.free, 4);
	assert_int_equal(seen.held, 0);
}

/* ---- what need not wait */

static bool
is_patch_quick(struct world *w, const char *path, size_t len)
{
	char value[300] = "";
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = str_of(value, len) },
	};

	return store_patch_is_quick(w->store, at(path), &c, 1, false);
}

static void
a_small_patch_is_quick_where_nobody_is_in_its_way(void **state)
{
	struct world *w = *state;
	struct store_claim *c;

	must_mkcol(w->store, "/d");
	must_put(w->store, "/d/f", "f");
	assert_true(is_patch_quick(w, "/d/f", 100));
	assert_false(is_patch_quick(w, "/d/f", 250));
	assert_ok(store_claim(w->store, at("/d"), &c, err));
	assert_false(is_patch_quick(w, "/d/f", 100));
	assert_true(is_patch_quick(w, "/g", 100));
	store_claim_end(c);
	assert_true(is_patch_quick(w, "/d/f", 100));
	store_close(w->store);
	w->strict = true;
	world_open(w);
	assert_false(is_patch_quick(w, "/d/f", 100));
}

static const struct CMUnitTest rows[] = {
	WORLD_TEST(a_claim_of_a_tree_is_not_starved_by_claims_within),
	WORLD_TEST(two_names_of_a_resource_are_one_claim),
	WORLD_TEST(who_has_a_tree_has_it_alone),
	WORLD_TEST(a_small_patch_is_quick_where_nobody_is_in_its_way),
	STRICT_TEST(
	    what_the_state_makes_alone_waits_for_the_disk_without_its_claim),
};

const struct tests claim_tests = { rows, ARRAY_LEN(rows) };
