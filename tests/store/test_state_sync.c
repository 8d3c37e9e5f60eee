/* SPDX-License-Identifier: MIT */
/*
 * When the state is on the disk: syncs are counted, held up, and made to fail;
 * the disk is made to be full.
 */
#include "store/state_world.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* ---- the disk */

static struct {
	struct state_world *w; /* NULL: do not look */
	atomic_uint syncs; /* fdatasync(), which is of the log */
	atomic_uint dir_syncs; /* fsync() */
	atomic_uint fail; /* so many more */
	atomic_bool hold; /* none ends before this is over */
	atomic_uint held; /* so many are held up */
	unsigned takes; /* microseconds */
	/* Lines of the journal that a sync began after, and has ended. */
	_Atomic int64_t lines;
	atomic_uint slow; /* microseconds that a page of the database takes */
	atomic_int room; /* writes until the disk is full; negative: never */
} disk = { .room = -1 };

#define NUMBER_OF_LINES "SELECT ifnull(max(seq), 0) FROM journal"

int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	atomic_fetch_add(&disk.dir_syncs, 1);
	return __real_fsync(fd);
}

int
__wrap_fdatasync(int fd)
{
	int64_t lines = disk.w ? raw_int(disk.w, NUMBER_OF_LINES) : 0;
	int64_t seen = atomic_load(&disk.lines);
	unsigned left = atomic_load(&disk.fail);

	atomic_fetch_add(&disk.syncs, 1);
	atomic_fetch_add(&disk.held, 1);
	while (atomic_load(&disk.hold))
		(void)usleep(1000);
	atomic_fetch_sub(&disk.held, 1);
	(void)usleep(disk.takes);
	if (left) {
		atomic_store(&disk.fail, left - 1);
		errno = EIO;
		return -1;
	}
	if (__real_fdatasync(fd))
		return -1;
	while (lines > seen &&
	    !atomic_compare_exchange_weak(&disk.lines, &seen, lines))
		;
	return 0;
}

static ssize_t
sqlite_pwrite(int fd, const void *ptr, size_t n, off_t at)
{
	int room = atomic_load(&disk.room);

	if (room == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (room > 0)
		atomic_store(&disk.room, room - 1);
	/* In the log no page begins where one of the database would. */
	if (at % 4096 == 0 && n == 4096)
		(void)usleep(atomic_load(&disk.slow));
	return pwrite(fd, ptr, n, at);
}

static void
watch_sqlite_writes(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
	sqlite3_syscall_ptr call = (sqlite3_syscall_ptr)sqlite_pwrite;

	if (!vfs || vfs->xSetSystemCall(vfs, "pwrite64", call) ||
	    vfs->xSetSystemCall(vfs, "pwrite", call))
		(void)fprintf(stderr, "SQLite's writes cannot be watched\n");
}

static int
set_up(void **state)
{
	int rc = state_set_up_strict(state);

	disk.w = *state;
	disk.takes = 0;
	(void)raw_int(disk.w, NUMBER_OF_LINES); /* opens it */
	atomic_store(&disk.syncs, 0);
	atomic_store(&disk.lines, 0);
	return rc;
}

static int
tear_down(void **state)
{
	disk.w = NULL;
	atomic_store(&disk.hold, false);
	atomic_store(&disk.fail, 0);
	atomic_store(&disk.slow, 0);
	atomic_store(&disk.room, -1);
	return state_tear_down(state);
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* ---- many at once */

#define THREADS 32
#define EACH 10

struct writer {
	pthread_t thread;
	struct state_world *w;
	unsigned number;
	unsigned changes;
	unsigned failed; /* returned a failure */
	unsigned early; /* returned before it was on disk */
};

static int64_t
line_of(struct state_world *w, const char *path)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT seq FROM journal WHERE path = CAST('%s' AS BLOB)", path);
	return raw_int(w, sql);
}

static void *
write_many(void *arg)
{
	struct writer *me = arg;
	unsigned i;

	for (i = 0; i < me->changes; i++) {
		char path[50];

		(void)snprintf(path, sizeof(path), "/%u/%u", me->number, i);
		if (write_line(me->w->state, path, NULL))
			me->failed++;
		else if (me->w->strict &&
		    line_of(me->w, path) > atomic_load(&disk.lines))
			me->early++;
	}
	return NULL;
}

static void
start_writers(struct writer *v, size_t n, struct state_world *w, unsigned each)
{
	size_t i;

	for (i = 0; i < n; i++) {
		v[i] = (struct writer){
			.w = w, .number = (unsigned)i, .changes = each
		};
		assert_int_equal(
		    pthread_create(&v[i].thread, NULL, write_many, &v[i]), 0);
	}
}

static void
join_writers(struct writer *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		assert_int_equal(pthread_join(v[i].thread, NULL), 0);
}

static void
nobody_is_told_before_it_is_on_disk_and_many_share_a_sync(void **state)
{
	struct state_world *w = *state;
	struct writer v[THREADS];
	size_t i;

	disk.takes = 2000;
	start_writers(v, THREADS, w, EACH);
	join_writers(v, THREADS);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(v[i].failed, 0);
		assert_int_equal(v[i].early, 0);
	}
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), THREADS * EACH);
	print_message("%u syncs for %d changes\n", atomic_load(&disk.syncs),
	    THREADS * EACH);
	assert_true(atomic_load(&disk.syncs) < THREADS * EACH / 2);
}

static void
wait_for_lines(struct state_world *w, int64_t n)
{
	while (raw_int(w, NUMBER_OF_LINES) < n)
		(void)usleep(1000);
}

static void
a_sync_holds_up_only_those_who_wait_for_it(void **state)
{
	struct state_world *w = *state;
	const struct change c = { .kind = CHANGE_REMOVE, .path = at("/b") };
	struct writer one;
	uint64_t intent;

	atomic_store(&disk.hold, true);
	start_writers(&one, 1, w, 1);
	while (!atomic_load(&disk.held))
		(void)usleep(1000);
	assert_ok(state_change_begin(w->state, &c, false, &intent, err));
	check_prop(w, 0, "");
	assert_int_equal(atomic_load(&disk.held), 1);
	atomic_store(&disk.hold, false);
	join_writers(&one, 1);
	assert_int_equal(one.failed + one.early, 0);
}

/* The one that is under way when it commits may have begun too early for it. */
static void
who_comes_during_a_sync_waits_for_the_next(void **state)
{
	struct state_world *w = *state;
	struct writer v[8];
	size_t i;

	atomic_store(&disk.hold, true);
	start_writers(v, 1, w, 1);
	while (!atomic_load(&disk.held))
		(void)usleep(1000);
	start_writers(v + 1, 7, w, 1);
	wait_for_lines(w, 8);
	atomic_store(&disk.hold, false);
	join_writers(v, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(v[i].failed + v[i].early, 0);
	assert_true(atomic_load(&disk.syncs) >= 2);
}

static void
relaxed_never_syncs(void **state)
{
	struct state_world *w = *state;

	disk.w = w;
	atomic_store(&disk.syncs, 0);
	atomic_store(&disk.dir_syncs, 0);
	set_prop(w, 0, "v");
	assert_ok(write_line(w->state, "/a", err));
	assert_ok(state_sync(w->state, err));
	assert_int_equal(atomic_load(&disk.syncs), 0);
	disk.w = NULL;
}

static void
what_was_not_waited_for_is_on_disk_after_a_sync(void **state)
{
	struct state_world *w = *state;
	const struct change c = { .kind = CHANGE_REMOVE, .path = at("/b") };
	uint64_t intent, n;

	assert_ok(state_change_begin(w->state, &c, false, &intent, err));
	assert_int_equal(atomic_load(&disk.syncs), 0);
	assert_ok(state_sync(w->state, err));
	assert_int_equal(atomic_load(&disk.lines), 1);
	assert_ok(state_sync(w->state, err));
	assert_int_equal(atomic_load(&disk.syncs), 1);
	assert_ok(state_change_begin(w->state, &c, false, &intent, err));
	/* Else that number could be given to another. */
	assert_ok(state_journal_last(w->state, &n, err));
	assert_int_equal(n, 2);
	assert_int_equal(atomic_load(&disk.lines), 2);
}

static void
the_names_of_the_files_are_synced_at_the_start(void **state)
{
	struct state_world *w = *state;

	state_world_close(w);
	disk.w = NULL;
	atomic_store(&disk.dir_syncs, 0);
	state_world_open(w);
	assert_true(atomic_load(&disk.dir_syncs) >= 1);
	assert_true(atomic_load(&disk.syncs) >= 1);
}

/* ---- a sync that fails */

static off_t
log_size(const struct state_world *w)
{
	char file[400];
	struct stat st;

	(void)snprintf(file, sizeof(file), "%s/state.db-wal", w->dir);
	assert_int_equal(stat(file, &st), 0);
	return st.st_size;
}

static void
after_a_failed_sync_the_log_is_begun_anew(void **state)
{
	struct state_world *w = *state;
	unsigned i;

	for (i = 0; i < 20; i++)
		set_prop(w, 0, "v");
	atomic_store(&disk.fail, 1);
	assert_fails(write_line(w->state, "/a", err), ERR_IO);
	assert_true(log_size(w) > 0);
	atomic_store(&disk.syncs, 0);
	assert_ok(write_line(w->state, "/b", err));
	assert_int_equal(log_size(w), 0);
	assert_int_equal(atomic_load(&disk.syncs), 0); /* it would say yes */
	assert_ok(write_line(w->state, "/c", err));
	assert_int_equal(atomic_load(&disk.syncs), 1);
	state_world_crash(w);
	check_prop(w, 0, "v");
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), 23);
}

static void
a_change_that_cannot_be_made_durable_is_taken_back(void **state)
{
	struct state_world *w = *state;
	const struct change c = { .kind = CHANGE_WRITE,
		.path = at("/a"),
		.made = id(1),
		.props_of = id(0) };
	uint64_t intent = 7;

	set_prop(w, 0, "v");
	atomic_store(&disk.fail, 1);
	assert_fails(
	    state_change_begin(w->state, &c, true, &intent, err), ERR_IO);
	assert_int_equal(intent, 7);
	check_prop(w, 1, "");
	check_prop(w, 0, "v");
}

static enum err_code
late_line(struct state_world *w, const char *path, struct err *err)
{
	const struct change c = {
		.kind = CHANGE_WRITE,
		.path = at(path),
		.late = true,
	};
	uint64_t intent = 0;

	return state_change_begin(w->state, &c, true, &intent, err);
}

/* Nobody knows what the disk has of the line that could not be synced. */
static void
after_a_failed_sync_lines_have_transactions_until_all_are_safe(void **state)
{
	struct state_world *w = *state;

	assert_ok(late_line(w, "/a", err));
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), 0);
	atomic_store(&disk.fail, 1);
	assert_fails(late_line(w, "/b", err), ERR_IO);
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), 0);
	atomic_store(&disk.fail, 1);
	assert_fails(late_line(w, "/c", err), ERR_IO);
	assert_ok(late_line(w, "/d", err));
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), 4);
	assert_ok(late_line(w, "/e", err));
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), 4);
	state_world_crash(w);
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), 5);
}

/* What ended it would come back with a power cut, and have it later. */
static void
a_late_line_is_not_on_the_disk_before_an_earlier_transaction(void **state)
{
	struct state_world *w = *state;
	const struct change c = { .kind = CHANGE_REMOVE, .path = at("/b") };
	uint64_t intent;

	assert_ok(state_change_begin(w->state, &c, false, &intent, err));
	assert_ok(late_line(w, "/a", err));
	assert_int_equal(atomic_load(&disk.lines), 2);
	assert_ok(late_line(w, "/c", err));
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), 2);
}

/* As if the last page had not been written: its first byte tells its kind. */
static void
damage_log(const struct state_world *w)
{
	char file[400];
	int fd CLEANUP(fd_close) = -1;
	unsigned char byte;

	(void)snprintf(file, sizeof(file), "%s/state.db-wal", w->dir);
	fd = open(file, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, log_size(w) - 4096), 1);
	byte ^= 0xff;
	assert_int_equal(pwrite(fd, &byte, 1, log_size(w) - 4096), 1);
}

static void
a_failed_sync_fails_all_who_wait_and_those_after_it(void **state)
{
	struct state_world *w = *state;
	struct writer v[8];
	size_t i;

	assert_ok(write_line(w->state, "/before", err));
	atomic_store(&disk.fail, 1);
	atomic_store(&disk.hold, true);
	start_writers(v, 8, w, 1);
	wait_for_lines(w, 9);
	damage_log(w);
	atomic_store(&disk.hold, false);
	join_writers(v, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(v[i].failed, 1);
	assert_fails(state_sync(w->state, err), ERR_IO);
	/* What is damaged must not get into the database. */
	state_world_close(w);
	state_world_open(w);
	assert_int_equal(line_of(w, "/before"), 1);
	assert_ok(write_line(w->state, "/again", err));
	assert_int_equal(raw_int(w,
			     "SELECT count(*) FROM"
			     " pragma_integrity_check"
			     " WHERE integrity_check <> 'ok'"),
	    0);
}

/* ---- a disk that is full */

#define TOO_MUCH ((size_t)20) /* for a slot: it takes a transaction */
static enum err_code
patch(struct state_world *w, const char *value, size_t n, struct err *err)
{
	struct prop_change c[TOO_MUCH];

	for (size_t i = 0; i < n; i++)
		c[i] = (struct prop_change){
			.prop = { .name = { STR("urn:t"), STR("p") },
			    .form = PROP_TEXT,
			    .value = str_from_c(value) },
		};
	return patch_props(w->state, id(0), c, n, err);
}

/* What fits into a slot needs no room, and can be read where there is none. */
static void
a_full_disk_refuses_changes_until_there_is_room_again(void **state)
{
	struct state_world *w = *state;
	int room;

	for (room = 0; room < 80; room++) {
		const char *before = room % 2 ? "odd" : "even";
		const char *after = room % 2 ? "even" : "odd";
		size_t n = room < 40 ? TOO_MUCH : 1;
		enum err_code rc;

		assert_ok(patch(w, before, n, err));
		atomic_store(&disk.room, room % 40);
		rc = patch(w, after, n, NULL);
		assert_true(!rc || (rc == ERR_NO_SPACE && n > 1));
		check_prop(w, 0, rc ? before : after);
		atomic_store(&disk.room, 0);
		check_prop(w, 0, rc ? before : after);
		assert_fails(write_line(w->state, "/a", err), ERR_NO_SPACE);
		atomic_store(&disk.room, -1);
		check_prop(w, 0, rc ? before : after);
	}
	state_world_crash(w);
	check_prop(w, 0, "even");
	assert_int_equal(raw_int(w,
			     "SELECT count(*) FROM"
			     " pragma_integrity_check"
			     " WHERE integrity_check <> 'ok'"),
	    0);
}

static void
what_a_full_disk_left_undone_is_done_before_the_next_change(void **state)
{
	struct state_world *w = *state;
	const struct change c = {
		.kind = CHANGE_REMOVE, .path = at("/a"), .gone = id(0)
	};
	uint64_t intent = 0;

	set_prop(w, 0, "v");
	assert_ok(state_change_begin(w->state, &c, true, &intent, err));
	atomic_store(&disk.room, 0);
	state_change_end(w->state, intent, true);
	atomic_store(&disk.room, -1);
	check_prop(w, 0, "v");
	assert_ok(write_line(w->state, "/a", err));
	check_prop(w, 0, "");
	assert_int_equal(raw_int(w, "SELECT count(*) FROM intents"), 0);
}

/* ---- what is done now and then */

static void
the_journal_keeps_a_million_lines(void **state)
{
	struct state_world *w = *state;
	unsigned i;

	state_world_close(w);
	raw_exec(w,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < 1003000)"
	    " INSERT INTO journal SELECT i, 1, x'2f', NULL FROM n");
	state_world_open(w);
	for (i = 0; i < 1500; i++)
		assert_ok(write_line(w->state, "/a", err));
	while (raw_int(w, "SELECT count(*) FROM journal") > 1001500)
		(void)usleep(10000);
	assert_int_equal(raw_int(w, NUMBER_OF_LINES), 1004500);
	assert_true(raw_int(w, "SELECT min(seq) FROM journal") <= 4501);
	assert_true(raw_int(w, "SELECT count(*) FROM journal") >= 1000000);
}

#define LOG_MAX (60L << 20)

/* The disk is slower than they are, so that they must be held up. */
static void
the_log_does_not_grow_while_many_write(void **state)
{
	struct state_world *w = *state;
	struct writer v[8];
	size_t i;

	atomic_store(&disk.slow, 10000);
	start_writers(v, 8, w, 3000);
	join_writers(v, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(v[i].failed, 0);
	print_message("%ld bytes of log\n", (long)log_size(w));
	assert_true(log_size(w) < LOG_MAX);
	assert_int_equal(raw_int(w, "SELECT count(*) FROM journal"), 24000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		DISK_TEST(
		    nobody_is_told_before_it_is_on_disk_and_many_share_a_sync),
		DISK_TEST(a_sync_holds_up_only_those_who_wait_for_it),
		DISK_TEST(who_comes_during_a_sync_waits_for_the_next),
		STATE_TEST(relaxed_never_syncs),
		DISK_TEST(what_was_not_waited_for_is_on_disk_after_a_sync),
		DISK_TEST(the_names_of_the_files_are_synced_at_the_start),
		DISK_TEST(
		    after_a_failed_sync_lines_have_transactions_until_all_are_safe),
		DISK_TEST(
		    a_late_line_is_not_on_the_disk_before_an_earlier_transaction),
		DISK_TEST(after_a_failed_sync_the_log_is_begun_anew),
		DISK_TEST(a_change_that_cannot_be_made_durable_is_taken_back),
		DISK_TEST(a_failed_sync_fails_all_who_wait_and_those_after_it),
		DISK_TEST(
		    a_full_disk_refuses_changes_until_there_is_room_again),
		DISK_TEST(
		    what_a_full_disk_left_undone_is_done_before_the_next_change),
		STATE_TEST(the_journal_keeps_a_million_lines),
		STATE_TEST(the_log_does_not_grow_while_many_write),
	};

	watch_sqlite_writes();
	return cmocka_run_group_tests_name("state sync", tests, NULL, NULL);
}
