/* SPDX-License-Identifier: MIT */
/*
 * Collections that are kept in memory: whatever anybody does to one, by
 * whatever way, the next listing tells what is there.  Each is compared with
 * what the system says of every member by itself.
 */
#include "store/listing_changes.h"
#include "store/listing_seen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/alloc_fail.h"
#include "store/dir_listing.h"

/* For a longer search: test_listings SEEDS [FIRST]. */
static uint64_t n_seeds = 20, first_seed = 1;

/* ---- tests */

static void
an_unchanged_collection_costs_no_call_a_member(void **state)
{
	const struct world *w = *state;
	struct seen s;

	learn(w, "/e", N_FILES + 1);
	statx_calls = 0;
	assert_ok(list(w->store, "/e", &s));
	assert_int_equal(s.n, N_FILES + 2);
	assert_true(statx_calls <= 3); /* the collection */
}

static enum err_code
count(void *arg, const struct member *m, bool *prune)
{
	size_t *n = arg;

	(void)m;
	(void)prune;
	++*n;
	return ERR_OK;
}

/* How many it visits, if it is to wait for nothing. */
static size_t
visits_now(const struct world *w, const char *dir)
{
	size_t n = 0;
	const struct walk walk = {
		.depth = DEPTH_1,
		.order = WALK_LOOK,
		.visit = count,
		.arg = &n,
		.at_once = true,
	};
	enum err_code rc = store_walk(w->store, at(dir), &walk, NULL);

	assert_int_equal(rc, n ? ERR_OK : ERR_BUSY);
	return n;
}

/* The same, and what is guessed of the next. */
static size_t
told_at_once(const struct world *w, const char *dir)
{
	size_t n = visits_now(w, dir);

	assert_int_equal(store_walk_is_quick(w->store, at(dir)), n != 0);
	return n;
}

static void
what_is_known_and_little_is_told_at_once(void **state)
{
	const struct world *w = *state;

	assert_int_equal(told_at_once(w, "/e"), 0);
	learn(w, "/e", N_FILES + 1);
	check(w, "/e", "it was learnt");
	statx_calls = 0;
	assert_int_equal(told_at_once(w, "/e"), N_FILES + 2);
	assert_true(statx_calls <= 3);

	add(w, "/e/f0", "more", O_APPEND);
	assert_int_equal(told_at_once(w, "/e"), 0);
	check(w, "/e", "more in a file");
	learn(w, "/e", N_FILES + 1);
	assert_int_equal(told_at_once(w, "/e"), N_FILES + 2);
	add(w, "/e/new", "", O_CREAT);
	assert_int_equal(told_at_once(w, "/e"), 0);
	check(w, "/e", "a new file");

	/* Where a link leads may be anywhere. */
	learn(w, "/d", N_FILES + 1);
	check(w, "/d", "it was learnt");
	assert_int_equal(told_at_once(w, "/d"), 0);
}

/* A watch would hold it, and so keep it readable without its key. */
static void
what_is_encrypted_is_never_known(void **state)
{
	const struct world *w = *state;
	struct stat st;
	int i;

	assert_int_equal(stat(real(w, "/e/f0"), &st), 0);
	encrypted = st.st_ino;
	learn(w, "/e", N_FILES);
	for (i = 0; i < 30; i++)
		check(w, "/e", "a member is encrypted");
	assert_true(known(w, "/e") <= N_FILES);

	assert_int_equal(stat(real(w, "/d"), &st), 0);
	encrypted = st.st_ino;
	for (i = 0; i < 30; i++)
		check(w, "/d", "it is encrypted");
	assert_int_equal(known(w, "/d"), 0);
	encrypted = 0;
	learn(w, "/d", N_FILES + 1);
}

/* Of a new collection of so many files, once it is known. */
static size_t
many_told_at_once(const struct world *w, const char *dir, int n, int name_len)
{
	char path[600];
	size_t met = 0;
	const struct walk walk = {
		.depth = DEPTH_1,
		.order = WALK_LOOK,
		.visit = count,
		.arg = &met,
	};
	int i;

	assert_int_equal(mkdir(real(w, dir), 0755), 0);
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%0*d", dir, name_len, i);
		add(w, path, "", O_CREAT);
	}
	for (i = 0; i < 100 && known(w, dir) < (size_t)n; i++) {
		assert_int_equal(told_at_once(w, dir), 0);
		assert_ok(store_walk(w->store, at(dir), &walk, NULL));
		listings_settle(dir_of(w->store)->listings);
	}
	assert_int_equal(known(w, dir), n);
	return told_at_once(w, dir);
}

static void
what_takes_long_to_tell_is_not_told_at_once(void **state)
{
	const struct world *w = *state;
	char deep[256] = "/";
	const size_t len = 200;

	assert_int_equal(many_told_at_once(w, "/some", 120, 20), 121);
	assert_int_equal(many_told_at_once(w, "/many", 200, 5), 0);
	assert_int_equal(many_told_at_once(w, "/long", 120, 250), 0);
	assert_int_equal(many_told_at_once(w, "/fewer", 60, 250), 61);
	/* Each is told with the path of its collection. */
	memset(deep + 1, 'p', len);
	assert_int_equal(many_told_at_once(w, deep, 120, 60), 0);
	deep[len / 4] = '\0';
	assert_int_equal(many_told_at_once(w, deep, 120, 60), 121);
}

static pthread_barrier_t stages;

static void *
applies(void *arg)
{
	const struct world *w = arg;

	apply_gate_close(dir_of(w->store));
	apply_gate_open(dir_of(w->store));
	return NULL;
}

/* It waits for who looks, and others wait for it. */
static void *
looks(void *arg)
{
	const struct world *w = arg;
	struct walking me = { .looks = true };

	assert_true(walking_begin(dir_of(w->store), &me, false));
	(void)pthread_barrier_wait(&stages);
	(void)pthread_barrier_wait(&stages);
	walking_end(dir_of(w->store), &me);
	return NULL;
}

static void
who_is_not_to_wait_does_not_for_an_apply(void **state)
{
	struct world *w = *state;
	pthread_t looker, apply;
	size_t n = 1;
	int i;

	learn(w, "/e", N_FILES + 1);
	check(w, "/e", "it was learnt");
	(void)pthread_barrier_init(&stages, NULL, 2);
	assert_int_equal(pthread_create(&looker, NULL, looks, w), 0);
	(void)pthread_barrier_wait(&stages);
	assert_int_equal(pthread_create(&apply, NULL, applies, w), 0);
	for (i = 0; i < 5000 && n; i++) {
		n = visits_now(w, "/e");
		(void)usleep(1000);
	}
	(void)pthread_barrier_wait(&stages);
	assert_int_equal(pthread_join(looker, NULL), 0);
	assert_int_equal(pthread_join(apply, NULL), 0);
	(void)pthread_barrier_destroy(&stages);
	assert_int_equal(n, 0);
	assert_int_equal(told_at_once(w, "/e"), N_FILES + 2);
}

static void
each_change_is_in_the_next_listing(void **state)
{
	const struct world *w = *state;
	size_t i;

	for (i = 0; i < n_changes; i++) {
		let_go(w);
		unmapped(w);
		unlinked_elsewhere(w);
		made(w);
		learn(w, "/d", N_FILES + 1);
		changes[i].make(w);
		check(w, "/d", changes[i].name);
		changes[i].make(w);
		check(w, "/d", changes[i].name);
		check(w, "/e", changes[i].name);
		listings_settle(dir_of(w->store)->listings);
	}
}

/* They are open for writing before anybody looks. */
static void
what_is_open_for_writing_is_never_known(void **state)
{
	const struct world *w = *state;
	int i;

	kept_open(w);
	stored_into_the_mapping(w);
	learn(w, "/d", N_FILES - 1);
	for (i = 0; i < 8; i++) {
		written_while_held(w);
		check(w, "/d", "written while held");
		stored_into_the_mapping(w);
		check(w, "/d", "stored into the mapping");
	}
	let_go(w);
	unmapped(w);
	learn(w, "/d", N_FILES + 1);
}

/* The opening is all that the kernel tells of. */
static void
what_is_mapped_after_it_was_known_is_in_doubt(void **state)
{
	const struct world *w = *state;
	int i;

	mapped_for_writing(w);
	unmapped(w);
	learn(w, "/d", N_FILES + 1);
	mapped_for_writing(w);
	for (i = 0; i < 20; i++) {
		check(w, "/d", "mapped");
		listings_settle(dir_of(w->store)->listings);
	}
	stored_into_the_mapping(w);
	check(w, "/d", "stored into the mapping");
}

static uint64_t dice;

static unsigned
pick(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice >> 20) % n;
}

/* How often it was known afterwards. */
static unsigned
random_changes(const struct world *w, int n)
{
	unsigned at_once = 0;

	while (n-- > 0) {
		const struct change_row *r =
		    &changes[pick((unsigned)n_changes)];
		unsigned times = pick(7);

		r->make(w);
		check(w, "/d", r->name);
		while (times-- > 0)
			check(w, "/d", "nothing more");
		at_once += known(w, "/d") > 0;
		if (!pick(4))
			listings_settle(dir_of(w->store)->listings);
	}
	return at_once;
}

static void
random_changes_are_in_the_next_listing(void **state)
{
	const struct world *w = *state;
	uint64_t seed;
	unsigned at_once = 0;

	for (seed = first_seed; seed < first_seed + n_seeds; seed++) {
		if (n_seeds > 20)
			print_message("seed %" PRIu64 "\n", seed);
		dice = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
		at_once += random_changes(w, 100);
	}
	assert_true(at_once > 0);
}

static void
a_mount_over_a_member_is_seen(void **state)
{
	const struct world *w = *state;
	static const char *const at_all[] = { "/d/s0", "/d" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(at_all); i++) {
		learn(w, "/d", N_FILES + 1);
		if (mount("none", real(w, at_all[i]), "tmpfs", 0, NULL))
			skip(); /* only root may mount */
		check(w, "/d", "mount");
		assert_int_equal(umount(real(w, at_all[i])), 0);
		check(w, "/d", "unmount");
	}
	learn(w, "/d", N_FILES + 1);
	assert_int_equal(
	    mount(real(w, "/e/f0"), real(w, "/d/f0"), NULL, MS_BIND, NULL), 0);
	check(w, "/d", "a file mounted over another");
	add(w, "/e/f0", "more", O_APPEND);
	check(w, "/d", "that file written to");
	assert_int_equal(umount(real(w, "/d/f0")), 0);
	check(w, "/d", "unmount");
}

/* More events than the queue takes: all of them, and some are lost. */
static void
lost_events_are_noticed(void **state)
{
	const struct world *w = *state;
	struct listings *ls = dir_of(w->store)->listings;
	int i, fd;

	learn(w, "/d", N_FILES + 1);
	/* A watch of many events beside ours fills the same queue. */
	assert_int_equal(mkdir(real(w, "/busy"), 0755), 0);
	assert_true(inotify_add_watch(ls->members.fd, real(w, "/busy"),
			IN_CREATE | IN_DELETE) > 0);
	for (i = 0; i < 10000; i++) {
		fd = open_for(w, "/busy/x", O_WRONLY | O_CREAT);
		(void)close(fd);
		(void)unlink(real(w, "/busy/x"));
	}
	appended(w);
	check(w, "/d", "an overflow");
	assert_int_equal(known(w, "/d"), 0);
	learn(w, "/d", N_FILES + 1);
}

static atomic_bool no_inotify;

/*
 * In place of the C library's: to take all that the user may have would take
 * them from others, who give theirs back at any time.
 */
int
inotify_init1(int flags)
{
	if (atomic_load(&no_inotify)) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_inotify_init1, flags);
}

static void
without_inotify_it_lists_as_ever(void **state)
{
	struct world *w = *state;
	int i;

	store_close(w->store);
	atomic_store(&no_inotify, true);
	world_open(w);
	for (i = 0; i < 40; i++) {
		appended(w);
		check(w, "/d", "appended");
	}
	for (i = 0; i < 40; i++)
		check(w, "/d", "nothing");
	assert_int_equal(known(w, "/d"), 0);
	atomic_store(&no_inotify, false);
	changes_await_inotify();
	learn(w, "/d", N_FILES + 1);
}

static void
no_memory_makes_no_listing_wrong(void **state)
{
	const struct world *w = *state;
	struct listings *ls = dir_of(w->store)->listings;
	struct seen s;
	unsigned long n;
	bool fired = true;
	int i;

	for (n = 1; fired && n < 1000; n++) {
		appended(w);
		alloc_fail_at(n);
		for (i = 0; i < 12; i++) {
			enum err_code rc = list(w->store, "/d", &s);

			assert_true(rc == ERR_OK || rc == ERR_NOMEM);
			listings_settle(ls);
		}
		fired = alloc_fail_stop();
		check(w, "/d", "no memory");
	}
	assert_false(fired);
}

/* ---- many threads */

struct work {
	const struct world *w;
	unsigned id;
};

static void *
lists(void *arg)
{
	const struct work *work = arg;
	struct seen s;
	int i;

	for (i = 0; i < 400; i++)
		if (list(work->w->store, i % 2 ? "/d" : "/e", &s))
			return arg;
	return NULL;
}

/* Its own file: what it wrote is in what it lists. */
static void *
writes(void *arg)
{
	const struct work *work = arg;
	char path[64], name[600];
	struct seen s;
	int i, fd;

	(void)snprintf(path, sizeof(path), "f%u", work->id);
	(void)snprintf(name, sizeof(name), "%s/d/f%u", work->w->tree, work->id);
	for (i = 0; i < 200; i++) {
		const struct resource *r;

		fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
		if (fd < 0 || write(fd, "x", 1) != 1)
			return arg;
		(void)close(fd);
		if (list(work->w->store, "/d", &s))
			return arg;
		r = member(&s, path);
		if (!r || r->length != 13 + (unsigned)i)
			return arg;
		if (i % 20 == 0)
			listings_settle(dir_of(work->w->store)->listings);
	}
	return NULL;
}

static void
many_threads_list_and_write(void **state)
{
	struct work work[6];
	pthread_t threads[6];
	unsigned i;

	for (i = 0; i < ARRAY_LEN(threads); i++) {
		work[i] = (struct work){ *state, i };
		assert_int_equal(pthread_create(&threads[i], NULL,
				     i % 2 ? lists : writes, &work[i]),
		    0);
	}
	for (i = 0; i < ARRAY_LEN(threads); i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LISTING_TEST(an_unchanged_collection_costs_no_call_a_member),
		LISTING_TEST(what_is_known_and_little_is_told_at_once),
		LISTING_TEST(what_is_encrypted_is_never_known),
		LISTING_TEST(what_takes_long_to_tell_is_not_told_at_once),
		LISTING_TEST(who_is_not_to_wait_does_not_for_an_apply),
		LISTING_TEST(each_change_is_in_the_next_listing),
		LISTING_TEST(what_is_open_for_writing_is_never_known),
		LISTING_TEST(what_is_mapped_after_it_was_known_is_in_doubt),
		LISTING_TEST(random_changes_are_in_the_next_listing),
		LISTING_TEST(a_mount_over_a_member_is_seen),
		LISTING_TEST(lost_events_are_noticed),
		LISTING_TEST(without_inotify_it_lists_as_ever),
		LISTING_TEST(no_memory_makes_no_listing_wrong),
		LISTING_TEST(many_threads_list_and_write),
	};

	if ((argc > 1 && !str_to_u64(str_from_c(argv[1]), &n_seeds)) ||
	    (argc > 2 && !str_to_u64(str_from_c(argv[2]), &first_seed)))
		return EXIT_FAILURE;
	return cmocka_run_group_tests_name(
	    "listings", tests, changes_alone, NULL);
}
