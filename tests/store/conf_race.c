/* SPDX-License-Identifier: MIT */
/* Conformance: many threads at once. */
#include "store/race.h"

#include <stdio.h>

static enum err_code
only_if_new(void *arg, const struct guarded *at, struct err *err)
{
	(void)arg;
	return at->now ? err_set(err, ERR_PRECONDITION, "there is one")
		       : ERR_OK;
}

static void *
create(void *arg)
{
	const struct guard g = { .check = only_if_new };
	struct race *r = arg;
	char path[32];
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		bool created = false;
		enum err_code rc;

		(void)snprintf(path, sizeof(path), "/f%d", i);
		rc = put(r->store, path, STR("x"), &g, &created, NULL);
		if (rc == ERR_OK)
			atomic_fetch_add(&r->won, 1);
		if (rc == ERR_OK ? !created : rc != ERR_PRECONDITION)
			atomic_fetch_add(&r->wrong, 1);
	}
	return NULL;
}

static void
of_those_who_create_a_file_one_wins(void **state)
{
	static const runner runners[] = { create };
	struct race r = { .store = *state };

	run_race(&r, runners, ARRAY_LEN(runners));
	assert_int_equal(r.won, ROUNDS);
}

static enum err_code
only_if_same(void *arg, const struct guarded *at, struct err *err)
{
	const struct resource *seen = arg;
	const struct resource *now = at->now;

	if (now && str_eq(resource_etag(now), resource_etag(seen)))
		return ERR_OK;
	return err_set(err, ERR_PRECONDITION, "changed");
}

/* One more byte, as often as nobody was faster. */
static void *
append(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct resource seen;
		const struct guard g = { .check = only_if_same, .arg = &seen };
		char bytes[THREADS * ROUNDS + 2] = "";
		enum err_code rc;

		if (store_stat(r->store, at("/f"), &seen, NULL)) {
			atomic_fetch_add(&r->wrong, 1);
			continue;
		}
		rc = put(r->store, "/f", str_of(bytes, seen.length + 1), &g,
		    NULL, NULL);
		if (rc == ERR_OK)
			atomic_fetch_add(&r->won, 1);
		else if (rc != ERR_PRECONDITION)
			atomic_fetch_add(&r->wrong, 1);
	}
	return NULL;
}

static void
no_guarded_update_is_lost(void **state)
{
	static const runner runners[] = { append };
	struct race r = { .store = *state };

	must_put(r.store, "/f", "");
	run_race(&r, runners, ARRAY_LEN(runners));
	assert_true(r.won > 0);
	assert_int_equal(must_stat(r.store, "/f").length, r.won);
}

/* ---- everything at once */

static void *
keep_putting(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT(r, put(r->store, "/d/f", STR("xxxx"), NULL, NULL, err),
		    ERR_OK, ERR_NO_PARENT);
		EXPECT(r, put(r->store, "/e/f", STR("xxxx"), NULL, NULL, err),
		    ERR_OK, ERR_NO_PARENT);
	}
	return NULL;
}

static void *
keep_moving(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		bool forth = i % 2;

		EXPECT(r,
		    store_rename(r->store, at(forth ? "/d" : "/e"),
			at(forth ? "/e" : "/d"), REPLACE_YES, NULL, NULL, NULL,
			err),
		    ERR_OK, ERR_NOT_FOUND);
		EXPECT(r, store_mkcol(r->store, at("/d"), NULL, NULL, err),
		    ERR_OK, ERR_EXISTS);
		EXPECT(r,
		    store_copy(r->store, at("/d/f"), at("/g"), REPLACE_YES,
			NULL, NULL, NULL, NULL, err),
		    ERR_OK, ERR_NOT_FOUND);
	}
	return NULL;
}

static void *
keep_removing(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct content *c = NULL;
		char bytes[8];
		size_t got = 4;

		EXPECT(r, store_open(r->store, at("/d/f"), &c, err), ERR_OK,
		    ERR_NOT_FOUND);
		if (c)
			EXPECT(r,
			    content_read(c, 0, bytes, sizeof(bytes), &got, err),
			    ERR_OK);
		if (got != 4) /* half of a file */
			atomic_fetch_add(&r->wrong, 1);
		content_free(c);
		EXPECT(r, store_remove(r->store, at("/d/f"), NULL, NULL, err),
		    ERR_OK, ERR_NOT_FOUND);
		EXPECT(r, store_remove(r->store, at("/d"), NULL, NULL, err),
		    ERR_OK, ERR_NOT_FOUND, ERR_NOT_EMPTY);
	}
	return NULL;
}

static void
putting_moving_and_removing_at_once_stays_sane(void **state)
{
	static const runner runners[] = { keep_putting, keep_moving,
		keep_removing };
	struct race r = { .store = *state };
	struct resource res;

	must_mkcol(r.store, "/d");
	run_race(&r, runners, ARRAY_LEN(runners));
	/* Whatever is left can be seen, and nothing else is there. */
	if (!store_stat(r.store, at("/g"), &res, NULL))
		must_have(r.store, "/g", "xxxx");
	must_clear(r.store);
	assert_string_equal(
	    walk_text(r.store, "/", DEPTH_INFINITY, WALK_DOWN), "/\n");
}

/* ---- renames that cross */

static void *
keep_crossing(void *arg)
{
	struct race *r = arg;
	bool forth = atomic_fetch_add(&r->number, 1) % 2;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT(r,
		    store_rename(r->store, at(forth ? "/a/x" : "/b/x"),
			at(forth ? "/b/x" : "/a/x"), REPLACE_YES, NULL, NULL,
			NULL, err),
		    ERR_OK, ERR_NOT_FOUND, ERR_NO_PARENT);
		EXPECT(r,
		    store_rename(r->store, at(forth ? "/a" : "/b"),
			at(forth ? "/b" : "/a"), REPLACE_YES, NULL, NULL, NULL,
			err),
		    ERR_OK, ERR_NOT_FOUND);
		EXPECT(r, store_mkcol(r->store, at("/a"), NULL, NULL, err),
		    ERR_OK, ERR_EXISTS);
		EXPECT(r, store_mkcol(r->store, at("/b"), NULL, NULL, err),
		    ERR_OK, ERR_EXISTS);
	}
	return NULL;
}

static void
renames_that_cross_do_not_wait_for_each_other_forever(void **state)
{
	static const runner runners[] = { keep_crossing };
	struct race r = { .store = *state };

	must_mkcol(r.store, "/a");
	must_put(r.store, "/a/x", "x");
	run_race(&r, runners, ARRAY_LEN(runners));
	must_clear(r.store);
}

/* ---- properties */

static void *
keep_patching(void *arg)
{
	struct race *r = arg;
	unsigned me = atomic_fetch_add(&r->number, 1);
	char name[16];
	int i;

	(void)snprintf(name, sizeof(name), "p%u", me);
	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		const struct prop_change c = {
			.prop = { .name = { STR("urn:t"), str_from_c(name) },
			    .form = PROP_TEXT,
			    .value = STR("v") },
		};

		EXPECT(r,
		    store_patch(r->store, at("/f"), &c, 1, NULL, NULL, err),
		    ERR_OK);
		EXPECT(
		    r, put(r->store, "/f", STR("x"), NULL, NULL, err), ERR_OK);
	}
	return NULL;
}

static void *
keep_reading_props(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct arena a = { 0 };
		struct resource res;
		const struct prop *props;
		size_t n;

		EXPECT(r, store_stat(r->store, at("/f"), &res, err), ERR_OK);
		EXPECT(r, store_props(r->store, &res, &a, &props, &n, err),
		    ERR_OK);
		arena_done(&a);
	}
	return NULL;
}

static void
no_property_is_lost_to_a_put(void **state)
{
	static const runner runners[] = { keep_patching, keep_reading_props };
	struct race r = { .store = *state };

	must_put(r.store, "/f", "x");
	run_race(&r, runners, ARRAY_LEN(runners));
	must_have_props(r.store, "/f", "p0=v;p1=v;p2=v;");
}

/* To a place of its own. */
static void *
keep_copying(void *arg)
{
	struct race *r = arg;
	unsigned me = atomic_fetch_add(&r->number, 1);
	char to[16];
	int i;

	(void)snprintf(to, sizeof(to), "/t%u", me);
	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct arena a = { 0 };
		struct resource res;
		const struct prop *props;
		size_t n = 0;

		EXPECT(r,
		    store_copy(r->store, at("/f"), at(to), REPLACE_YES, NULL,
			NULL, &res, NULL, err),
		    ERR_OK);
		EXPECT(r, store_stat(r->store, at(to), &res, err), ERR_OK);
		EXPECT(r, store_props(r->store, &res, &a, &props, &n, err),
		    ERR_OK);
		if (n != 1)
			atomic_fetch_add(&r->wrong, 1);
		arena_done(&a);
	}
	return NULL;
}

static void *
keep_replacing(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++)
		EXPECT(
		    r, put(r->store, "/f", STR("x"), NULL, NULL, err), ERR_OK);
	return NULL;
}

static void
no_copy_lacks_the_properties_of_its_source(void **state)
{
	static const runner runners[] = { keep_copying, keep_replacing };
	struct race r = { .store = *state };

	must_put(r.store, "/f", "x");
	must_set_prop(r.store, "/f", "p", "v");
	run_race(&r, runners, ARRAY_LEN(runners));
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(of_those_who_create_a_file_one_wins),
	cmocka_unit_test(no_guarded_update_is_lost),
	cmocka_unit_test(putting_moving_and_removing_at_once_stays_sane),
	cmocka_unit_test(renames_that_cross_do_not_wait_for_each_other_forever),
	cmocka_unit_test(no_property_is_lost_to_a_put),
	cmocka_unit_test(no_copy_lacks_the_properties_of_its_source),
};

const struct tests race_tests = { rows, ARRAY_LEN(rows) };
