/* SPDX-License-Identifier: MIT */
/* Conformance: locks, and those who do not hold them, at once. */
#include "store/race.h"

#include <sched.h>
#include <stdio.h>

#include "lib/locks.h"

#define HOUR (INT64_C(3600) * 1000000000)

static enum err_code
take_lock(struct store *s, const char *path, enum depth depth,
    const struct guard *g, struct token *out, bool *created)
{
	const struct lock_spec spec = { .depth = depth, .timeout = HOUR };
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock l;
	enum err_code rc =
	    store_lock(s, at(path), &spec, g, &a, &l, created, NULL);

	if (!rc)
		memcpy(out->text, l.token.ptr, l.token.len);
	return rc;
}

static enum err_code
give_back(struct store *s, const char *path, const struct token *t)
{
	struct shown h;

	(void)show(&h, "", t, NULL);
	return store_unlock(s, at(path), &h.tokens, NULL, NULL);
}

static void
count_if(struct race *r, bool wrong)
{
	if (wrong)
		atomic_fetch_add(&r->wrong, 1);
}

/* ---- of those who lock */

static void *
lock_each_file(void *arg)
{
	struct race *r = arg;
	char path[32];
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct token t = { "" };
		bool created = false;
		enum err_code rc;

		(void)snprintf(path, sizeof(path), "/f%d", i);
		rc = take_lock(r->store, path, DEPTH_0, NULL, &t, &created);
		if (!rc)
			atomic_fetch_add(&r->won, 1);
		count_if(r, rc ? rc != ERR_LOCK_CONFLICT : !created);
	}
	return NULL;
}

static void
of_those_who_lock_a_new_file_one_wins(void **state)
{
	static const runner runners[] = { lock_each_file };
	struct race r = { .store = *state };

	run_race(&r, runners, ARRAY_LEN(runners));
	assert_int_equal(r.won, ROUNDS);
}

static atomic_int inside; /* between lock and unlock */

/* Taken as a mutex would be. */
static void
enter_and_leave(struct race *r, const char *path, enum depth depth)
{
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct token t = { "" };
		enum err_code rc =
		    take_lock(r->store, path, depth, NULL, &t, NULL);

		count_if(r, rc && rc != ERR_LOCK_CONFLICT);
		if (rc)
			continue;
		atomic_fetch_add(&r->won, 1);
		count_if(r, atomic_fetch_add(&inside, 1) != 0);
		(void)sched_yield();
		atomic_fetch_sub(&inside, 1);
		count_if(r, give_back(r->store, path, &t) != ERR_OK);
	}
}

static void *
enter_by_the_tree(void *race)
{
	enter_and_leave(race, "/d", DEPTH_INFINITY);
	return NULL;
}

static void *
enter_by_the_file(void *race)
{
	enter_and_leave(race, "/d/c/f", DEPTH_0);
	return NULL;
}

static void *
enter_by_all(void *race)
{
	enter_and_leave(race, "/", DEPTH_INFINITY);
	return NULL;
}

static void
locks_within_each_others_scope_keep_each_other_out(void **state)
{
	static const runner runners[] = { enter_by_the_tree, enter_by_the_file,
		enter_by_all };
	struct race r = { .store = *state };

	must_mkcol(r.store, "/d");
	must_mkcol(r.store, "/d/c");
	must_put(r.store, "/d/c/f", "f");
	inside = 0;
	run_race(&r, runners, ARRAY_LEN(runners));
	assert_true(r.won > 0);
	assert_locks(r.store, "/d/c/f", "");
}

/* ---- those who hold none */

/* What a lock on /d, deep, makes stand still. */
struct still {
	enum err_code d, f, g;
	struct resource file; /* /d/f */
	struct resource dir; /* /d */
};

static struct still
look(struct store *s)
{
	struct still now = { 0 };
	struct resource r;

	now.d = store_stat(s, at("/d"), &now.dir, NULL);
	now.f = store_stat(s, at("/d/f"), &now.file, NULL);
	now.g = store_stat(s, at("/d/c/g"), &r, NULL);
	return now;
}

static bool
is_same(const struct still *a, const struct still *b)
{
	return a->d == b->d && a->f == b->f && a->g == b->g &&
	    !memcmp(&a->dir.id, &b->dir.id, sizeof(a->dir.id)) &&
	    !memcmp(&a->file.id, &b->file.id, sizeof(a->file.id)) &&
	    str_eq(resource_etag(&a->file), resource_etag(&b->file));
}

static enum err_code
only_if_mapped(void *arg, const struct guarded *at, struct err *err)
{
	(void)arg;
	return at->now ? ERR_OK : err_set(err, ERR_PRECONDITION, "nothing");
}

/* From the answer to LOCK to the UNLOCK nothing of others gets through. */
static void *
lock_and_look(void *arg)
{
	const struct guard mapped = { .check = only_if_mapped };
	struct race *r = arg;
	struct shown h;
	int i, k;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct token t = { "" };
		struct still was, is;
		enum err_code rc = take_lock(
		    r->store, "/d", DEPTH_INFINITY, &mapped, &t, NULL);

		count_if(
		    r, rc && rc != ERR_LOCK_CONFLICT && rc != ERR_PRECONDITION);
		if (rc)
			continue;
		was = look(r->store);
		for (k = 0; k < 5; k++) {
			(void)sched_yield();
			is = look(r->store);
			count_if(r, !is_same(&was, &is));
		}
		/* Only the holder gets on. */
		rc = put(r->store, "/d/f", STR("mine"), show(&h, "", &t, NULL),
		    NULL, NULL);
		count_if(r, rc != ERR_OK);
		count_if(r, give_back(r->store, "/d", &t) != ERR_OK);
	}
	return NULL;
}

static void *
change_without_token(void *arg)
{
	struct race *r = arg;
	struct store *s = r->store;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT(r, put(s, "/d/f", STR("theirs"), NULL, NULL, err),
		    ERR_OK, ERR_LOCKED, ERR_NO_PARENT);
		EXPECT(r, put(s, "/d/c/g", STR("theirs"), NULL, NULL, err),
		    ERR_OK, ERR_LOCKED, ERR_NO_PARENT);
		EXPECT(r, store_remove(s, at("/d/f"), NULL, NULL, err), ERR_OK,
		    ERR_LOCKED, ERR_NOT_FOUND);
		EXPECT(r, store_remove(s, at("/d/c/g"), NULL, NULL, err),
		    ERR_OK, ERR_LOCKED, ERR_NOT_FOUND);
	}
	return NULL;
}

static void *
rename_without_token(void *arg)
{
	struct race *r = arg;
	struct store *s = r->store;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT(r,
		    store_rename(s, at("/d"), at("/e"), REPLACE_YES, NULL, NULL,
			NULL, err),
		    ERR_OK, ERR_LOCKED, ERR_NOT_FOUND);
		EXPECT(r,
		    store_rename(s, at("/e"), at("/d"), REPLACE_YES, NULL, NULL,
			NULL, err),
		    ERR_OK, ERR_LOCKED, ERR_NOT_FOUND);
		EXPECT(r,
		    store_copy(s, at("/file"), at("/d/f"), REPLACE_YES, NULL,
			NULL, NULL, NULL, err),
		    ERR_OK, ERR_LOCKED, ERR_NO_PARENT);
	}
	return NULL;
}

static void
nothing_gets_past_a_lock_that_was_granted(void **state)
{
	static const runner runners[] = { lock_and_look, change_without_token,
		rename_without_token };
	struct race r = { .store = *state };

	must_mkcol(r.store, "/d");
	must_mkcol(r.store, "/d/c");
	must_put(r.store, "/file", "file");
	run_race(&r, runners, ARRAY_LEN(runners));
}

/* ---- a member's lock, and those who carry its collection off */

static void *
lock_the_member(void *arg)
{
	struct race *r = arg;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		struct token t = { "" };
		struct resource res;
		struct shown h;
		enum err_code rc;

		EXPECT(r, store_mkcol(r->store, at("/d"), NULL, NULL, err),
		    ERR_OK, ERR_EXISTS);
		EXPECT(r, store_mkcol(r->store, at("/d/c"), NULL, NULL, err),
		    ERR_OK, ERR_EXISTS, ERR_NO_PARENT);
		rc = take_lock(r->store, "/d/c/f", DEPTH_0, NULL, &t, NULL);
		count_if(
		    r, rc && rc != ERR_NO_PARENT && rc != ERR_LOCK_CONFLICT);
		if (rc)
			continue;
		(void)sched_yield();
		/* It is there, and it is ours, for as long as we hold it. */
		count_if(r, store_stat(r->store, at("/d/c/f"), &res, NULL));
		count_if(r,
		    put(r->store, "/d/c/f", STR("mine"), show(&h, "", &t, NULL),
			NULL, NULL) != ERR_OK);
		count_if(r, give_back(r->store, "/d/c/f", &t) != ERR_OK);
	}
	return NULL;
}

static void *
carry_off(void *arg)
{
	struct race *r = arg;
	struct store *s = r->store;
	int i;

	(void)pthread_barrier_wait(&r->start);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT(r,
		    store_rename(s, at("/d"), at("/e"), REPLACE_YES, NULL, NULL,
			NULL, err),
		    ERR_OK, ERR_MEMBER_LOCKED, ERR_NOT_FOUND);
		EXPECT(r, store_remove(s, at("/d/c/f"), NULL, NULL, err),
		    ERR_OK, ERR_LOCKED, ERR_NOT_FOUND);
		EXPECT(r, store_remove(s, at("/d/c"), NULL, NULL, err), ERR_OK,
		    ERR_NOT_EMPTY, ERR_NOT_FOUND);
	}
	return NULL;
}

static void
a_locked_member_is_not_carried_off(void **state)
{
	static const runner runners[] = { lock_the_member, carry_off };
	struct race r = { .store = *state };

	must_mkcol(r.store, "/d");
	must_mkcol(r.store, "/d/c");
	run_race(&r, runners, ARRAY_LEN(runners));
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(of_those_who_lock_a_new_file_one_wins),
	cmocka_unit_test(locks_within_each_others_scope_keep_each_other_out),
	cmocka_unit_test(nothing_gets_past_a_lock_that_was_granted),
	cmocka_unit_test(a_locked_member_is_not_carried_off),
};

const struct tests lock_race_tests = { rows, ARRAY_LEN(rows) };
