/* SPDX-License-Identifier: MIT */
/* Conformance: who reads while changes are made at once. */
#include "store/apply_suite.h"
#include "store/race.h"

#include <time.h>

#define APPLIES 25

/* Collections change places, and files are replaced, again and again. */
static void *
apply(void *arg)
{
	struct race *r = arg;
	unsigned who = atomic_fetch_add(&r->number, 1);
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < APPLIES && who < 2; i++) {
		struct edits l = { .store = r->store };

		edit_move(&l, "/d", "/e");
		edit_move(&l, "/e", "/d");
		edit_file(&l, "/p", "new");
		EXPECT(r, edits_apply(&l, err), ERR_OK);
		edits_done(&l);
	}
	(void)atomic_fetch_add(&r->won, 1);
	return NULL;
}

static bool
goes_on(struct race *r)
{
	return atomic_load(&r->won) < THREADS / 3;
}

static void *
look(void *arg)
{
	static const char *const paths[] = { "/d/k", "/e/k", "/p", "/e" };
	struct race *r = arg;
	struct resource now;
	size_t i;

	(void)pthread_barrier_wait(&r->start);
	while (goes_on(r)) {
		struct content *c = NULL;

		for (i = 0; i < ARRAY_LEN(paths); i++)
			EXPECT(r, store_stat(r->store, at(paths[i]), &now, err),
			    ERR_OK);
		EXPECT(r, store_open(r->store, at("/d/k"), &c, err), ERR_OK);
		content_free(c);
	}
	return NULL;
}

struct seen {
	struct race *race;
	unsigned n;
};

/* It may call the store, too. */
static enum err_code
see(void *arg, const struct member *m, bool *prune)
{
	struct seen *s = arg;
	struct resource now;

	(void)prune;
	s->n++;
	EXPECT(s->race, store_stat(s->race->store, m->path, &now, err), ERR_OK);
	return ERR_OK;
}

static void *
walk(void *arg)
{
	struct race *r = arg;

	(void)pthread_barrier_wait(&r->start);
	while (goes_on(r)) {
		struct seen s = { .race = r };
		const struct walk w = {
			.depth = DEPTH_1,
			.order = WALK_LOOK,
			.visit = see,
			.arg = &s,
		};

		EXPECT(r, store_walk(r->store, at("/"), &w, err), ERR_OK);
		if (s.n != 4)
			atomic_fetch_add(&r->wrong, 1);
	}
	return NULL;
}

static void
a_reader_never_sees_half(void **state)
{
	static const runner runners[] = { apply, look, walk };
	struct store *s = *state;
	struct race r = { .store = s };

	must_mkcol(s, "/d");
	must_put(s, "/d/k", "d");
	must_mkcol(s, "/e");
	must_put(s, "/e/k", "e");
	must_put(s, "/p", "old");
	run_race(&r, runners, ARRAY_LEN(runners));
}

/* ---- a look that takes longer than others are waited for */

#define MOVED 4U

struct slow {
	struct race race;
	unsigned olds, news;
};

static enum err_code
see_slowly(void *arg, const struct member *m, bool *prune)
{
	const struct timespec ms = { .tv_nsec = 50000000 };
	struct slow *s = arg;
	struct str name = rpath_name(m->path);

	(void)prune;
	if (!name.len)
		(void)pthread_barrier_wait(&s->race.start);
	s->olds += name.len && *name.ptr == 'a';
	s->news += name.len && *name.ptr == 'b';
	(void)nanosleep(&ms, NULL);
	return ERR_OK;
}

static void *
look_slowly(void *arg)
{
	struct slow *s = arg;
	const struct walk w = {
		.depth = DEPTH_1,
		.order = WALK_LOOK,
		.visit = see_slowly,
		.arg = s,
	};

	EXPECT(&s->race, store_walk(s->race.store, at("/"), &w, err), ERR_OK);
	return NULL;
}

static void
a_slow_look_sees_all_or_nothing(void **state)
{
	static const char *const from[MOVED] = { "/a1", "/a2", "/a3", "/a4" };
	static const char *const to[MOVED] = { "/b1", "/b2", "/b3", "/b4" };
	struct slow s = { .race.store = *state };
	struct edits l = { .store = *state };
	pthread_t other;
	size_t i;

	for (i = 0; i < MOVED; i++) {
		must_put(*state, from[i], "x");
		edit_move(&l, from[i], to[i]);
	}
	(void)pthread_barrier_init(&s.race.start, NULL, 2);
	assert_int_equal(pthread_create(&other, NULL, look_slowly, &s), 0);
	(void)pthread_barrier_wait(&s.race.start);
	must_apply(&l);
	(void)pthread_join(other, NULL);
	(void)pthread_barrier_destroy(&s.race.start);
	assert_int_equal(atomic_load(&s.race.wrong), 0);
	assert_int_equal(s.olds + s.news, MOVED);
	assert_true(!s.olds || !s.news);
}

static void *
claim(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct store_claim *c;
		struct resource a, b;

		EXPECT(r, store_claim(r->store, at("/d"), &c, err), ERR_OK);
		EXPECT(r, store_stat(r->store, at("/d/f"), &a, err), ERR_OK);
		EXPECT(r, store_stat(r->store, at("/d/f"), &b, err), ERR_OK);
		if (!str_eq(resource_etag(&a), resource_etag(&b)))
			atomic_fetch_add(&r->wrong, 1);
		store_claim_end(c);
	}
	return NULL;
}

static void *
change(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++)
		EXPECT(r, put(r->store, "/d/f", STR("x"), NULL, NULL, err),
		    ERR_OK);
	return NULL;
}

static void
nothing_changes_under_a_claim(void **state)
{
	static const runner runners[] = { claim, change };
	struct store *s = *state;
	struct race r = { .store = s };

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	run_race(&r, runners, ARRAY_LEN(runners));
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(a_reader_never_sees_half),
	cmocka_unit_test(a_slow_look_sees_all_or_nothing),
	cmocka_unit_test(nothing_changes_under_a_claim),
};

const struct tests apply_race_tests = { rows, ARRAY_LEN(rows) };
