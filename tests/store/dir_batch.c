/* SPDX-License-Identifier: MIT */
/*
 * What is synced, and when: the calls of the directory store are counted, and
 * made to fail on demand.
 */
#include "store/world.h"

#include <errno.h>
#include <stdio.h>

enum { SYNC_FILE, SYNC_SYSTEM, SYNC_KINDS };

static unsigned synced[SYNC_KINDS];
static bool broken;

int __real_fsync(int fd);
int __real_syncfs(int fd);
int __wrap_fsync(int fd);
int __wrap_syncfs(int fd);

int
__wrap_fsync(int fd)
{
	synced[SYNC_FILE]++;
	return __real_fsync(fd);
}

int
__wrap_syncfs(int fd)
{
	synced[SYNC_SYSTEM]++;
	if (!broken)
		return __real_syncfs(fd);
	errno = EIO;
	return -1;
}

static void
forget_syncs(void)
{
	memset(synced, 0, sizeof(synced));
}

#define MANY 100U

static int
set_up_strict(void **state)
{
	int rc = world_set_up(state);
	struct world *w = *state;

	store_close(w->store);
	w->strict = true;
	world_open(w);
	return rc;
}

#define STRICT_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up_strict, world_tear_down)

static const char *
nth_path(char out[32], const char *dir, unsigned n)
{
	(void)snprintf(out, 32, "%s/%u", dir, n);
	return out;
}

static void
make_sources(struct world *w)
{
	char path[32];
	unsigned i;

	must_mkcol(w->store, "/a");
	must_mkcol(w->store, "/b");
	for (i = 0; i < MANY; i++)
		must_put(w->store, nth_path(path, "/a", i), "bytes");
}

/* From /a to /b; how many files and directories were synced. */
static unsigned
copy_all(struct world *w, struct store_batch *b)
{
	char from[32], to[32];
	unsigned i;

	forget_syncs();
	for (i = 0; i < MANY; i++)
		assert_ok(store_copy(w->store, at(nth_path(from, "/a", i)),
		    at(nth_path(to, "/b", i)), REPLACE_YES, NULL, b, NULL, NULL,
		    err));
	assert_int_equal(synced[SYNC_SYSTEM], 0);
	return synced[SYNC_FILE];
}

static unsigned
remove_all(struct world *w, struct store_batch *b)
{
	char path[32];
	unsigned i;

	forget_syncs();
	for (i = 0; i < MANY; i++)
		assert_ok(store_remove(
		    w->store, at(nth_path(path, "/b", i)), NULL, b, err));
	assert_int_equal(synced[SYNC_SYSTEM], 0);
	return synced[SYNC_FILE];
}

static struct store_batch *
begin(struct world *w)
{
	struct store_batch *b = NULL;

	assert_ok(store_batch_begin(w->store, at("/"), &b, err));
	assert_non_null(b);
	return b;
}

static void
without_a_batch_each_change_is_synced(void **state)
{
	struct world *w = *state;

	make_sources(w);
	assert_int_equal(copy_all(w, NULL), 2 * MANY);
	assert_int_equal(remove_all(w, NULL), MANY);
}

static void
a_large_batch_is_synced_once_at_its_end(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	make_sources(w);
	b = begin(w);
	assert_true(copy_all(w, b) < MANY / 2);
	assert_true(remove_all(w, b) == 0);
	forget_syncs();
	assert_ok(store_batch_end(w->store, b, err));
	assert_int_equal(synced[SYNC_SYSTEM], 1);
}

static void
a_small_batch_syncs_only_what_is_its_own(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	must_put(w->store, "/one", "bytes");
	b = begin(w);
	forget_syncs();
	assert_ok(store_remove(w->store, at("/one"), NULL, b, err));
	assert_int_equal(synced[SYNC_FILE], 1);
	assert_ok(store_batch_end(w->store, b, err));
	assert_int_equal(synced[SYNC_SYSTEM], 0);
}

static void
bytes_that_replace_others_never_wait(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	make_sources(w);
	(void)copy_all(w, NULL);
	b = begin(w);
	assert_true(copy_all(w, b) >= MANY);
	assert_ok(store_batch_end(w->store, b, err));
}

static void
a_batch_that_cannot_be_synced_says_so(void **state)
{
	struct world *w = *state;
	struct store_batch *b;

	make_sources(w);
	b = begin(w);
	(void)copy_all(w, b);
	broken = true;
	assert_fails(store_batch_end(w->store, b, err), ERR_IO);
	broken = false;
}

static const struct CMUnitTest rows[] = {
	STRICT_TEST(without_a_batch_each_change_is_synced),
	STRICT_TEST(a_large_batch_is_synced_once_at_its_end),
	STRICT_TEST(a_small_batch_syncs_only_what_is_its_own),
	STRICT_TEST(bytes_that_replace_others_never_wait),
	STRICT_TEST(a_batch_that_cannot_be_synced_says_so),
};

const struct tests batch_tests = { rows, ARRAY_LEN(rows) };
