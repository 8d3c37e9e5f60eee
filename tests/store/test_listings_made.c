/* SPDX-License-Identifier: MIT */
/* Collections that become known: by which walk, and what of them stays so. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/dir_listing.h"
#include "store/listing_seen.h"

/* The first two: the one is the reason, the other learns. */
static void
who_lists_again_learns(void **state)
{
	const struct world *w = *state;
	struct seen s;

	assert_ok(list(w->store, "/e", &s));
	assert_int_equal(known(w, "/e"), 0);
	assert_ok(list(w->store, "/e", &s));
	assert_int_equal(known(w, "/e"), N_FILES + 1);
	check(w, "/e", "nothing");
}

static void
other_names_leave_the_members_known(void **state)
{
	const struct world *w = *state;
	char was[600], is[600];
	struct seen s;

	learn(w, "/e", N_FILES + 1);
	add(w, "/e/new", "new", O_CREAT);
	statx_calls = 0;
	assert_ok(list(w->store, "/e", &s));
	assert_int_equal(s.n, N_FILES + 3);
	assert_true(statx_calls <= 6); /* the collection, and one more */
	assert_int_equal(known(w, "/e"), N_FILES + 1);
	check(w, "/e", "a new file");
	learn(w, "/e", N_FILES + 2);
	/* Others by their names, and the same by their inodes. */
	(void)snprintf(was, sizeof(was), "%s", real(w, "/e/f0"));
	(void)snprintf(is, sizeof(is), "%s", real(w, "/e/f1"));
	assert_int_equal(renameat2(AT_FDCWD, was, AT_FDCWD, is, 2), 0);
	check(w, "/e", "an exchange");
	add(w, "/e/f0", "more", O_APPEND);
	check(w, "/e", "and a change");
	assert_int_equal(unlink(real(w, "/e/f2")), 0);
	add(w, "/e/f3", "more", O_APPEND);
	check(w, "/e", "one gone, and another changed");
}

static size_t
watched(struct listings *ls)
{
	size_t n;

	(void)pthread_mutex_lock(&ls->lock);
	n = ls->members.n + ls->dirs.n;
	(void)pthread_mutex_unlock(&ls->lock);
	return n;
}

struct watching {
	struct listings *ls;
	size_t most; /* watches, at a visit */
};

static enum err_code
note_watched(void *arg, const struct member *m, bool *prune)
{
	struct watching *seen = arg;
	size_t now = watched(seen->ls);

	(void)m;
	(void)prune;
	if (seen->most < now)
		seen->most = now;
	return ERR_OK;
}

/* So that it takes no longer than one that learns nothing. */
static void
a_walk_learns_few_of_many_members(void **state)
{
	const struct world *w = *state;
	struct watching seen = { .ls = dir_of(w->store)->listings };
	const struct walk walk = {
		.depth = DEPTH_1,
		.order = WALK_LOOK,
		.visit = note_watched,
		.arg = &seen,
	};
	char path[64];
	int i;

	assert_int_equal(mkdir(real(w, "/many"), 0755), 0);
	for (i = 0; i < 300; i++) {
		(void)snprintf(path, sizeof(path), "/many/f%d", i);
		add(w, path, "", O_CREAT);
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(watched(seen.ls), 0);
		assert_ok(store_walk(w->store, at("/many"), &walk, NULL));
	}
	assert_in_range(seen.most, 2, 80);
	/* The others are, as soon as it is over. */
	listings_settle(seen.ls);
	assert_int_equal(known(w, "/many"), 300);
	statx_calls = 0;
	assert_ok(store_walk(w->store, at("/many"), &walk, NULL));
	assert_true(statx_calls <= 3);
}

static enum err_code
break_off(void *arg, const struct member *m, bool *prune)
{
	unsigned *left = arg;

	(void)m;
	(void)prune;
	return (*left)-- ? ERR_OK : ERR_CLIENT_GONE;
}

static void
a_walk_that_breaks_off_leaves_nothing_watched(void **state)
{
	const struct world *w = *state;
	struct listings *ls = dir_of(w->store)->listings;
	struct seen s;
	unsigned left = 2;
	int i;
	const struct walk walk = {
		.depth = DEPTH_1,
		.order = WALK_LOOK,
		.visit = break_off,
		.arg = &left,
	};

	assert_ok(list(w->store, "/e", &s));
	assert_int_equal(
	    store_walk(w->store, at("/e"), &walk, NULL), ERR_CLIENT_GONE);
	assert_int_equal(known(w, "/e"), 0);
	for (i = 0; i < 10000 && watched(ls); i++)
		(void)usleep(1000);
	assert_int_equal(watched(ls), 0);
	check(w, "/e", "nothing");
	learn(w, "/e", N_FILES + 1);
}

/* All are learnt by then, and none is kept yet. */
static enum err_code
cut_all(void *arg, const struct member *m, bool *prune)
{
	const struct world *w = arg;
	char path[64];
	int i;

	(void)prune;
	for (i = 0; m->res.length && i < N_FILES; i++) {
		(void)snprintf(path, sizeof(path), "/e/f%d", i);
		assert_int_equal(truncate(real(w, path), 0), 0);
	}
	return ERR_OK;
}

static void
what_changes_while_it_is_learnt_is_in_doubt(void **state)
{
	struct world *w = *state;
	struct seen s;
	const struct walk walk = {
		.depth = DEPTH_1,
		.order = WALK_LOOK,
		.visit = cut_all,
		.arg = w,
	};

	assert_ok(list(w->store, "/e", &s));
	assert_ok(store_walk(w->store, at("/e"), &walk, NULL));
	check(w, "/e", "cut while it was learnt");
	learn(w, "/e", N_FILES + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LISTING_TEST(who_lists_again_learns),
		LISTING_TEST(other_names_leave_the_members_known),
		LISTING_TEST(a_walk_learns_few_of_many_members),
		LISTING_TEST(a_walk_that_breaks_off_leaves_nothing_watched),
		LISTING_TEST(what_changes_while_it_is_learnt_is_in_doubt),
	};

	return cmocka_run_group_tests_name(
	    "listings made", tests, changes_alone, NULL);
}
