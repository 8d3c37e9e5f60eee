/* SPDX-License-Identifier: MIT */
/*
 * Commits that are made together: the process ends at each of their calls in
 * turn, each of their syncs fails in turn, and others are in the way.
 */
#include "store/steps.h"
#include "store/together.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/alloc_fail.h"
#include "store/members.h"

#define MAX_STEPS 200

const struct joint_file joint_files[N] = {
	{ "/new", NULL },
	{ "/f", "f" },
	{ "/c/1", "c1" },
	{ "/c/2", NULL },
	{ "/d/1", NULL },
	{ "/d/2", NULL },
};

bool joint_early;
static bool after_new;

void
joint_build(struct store *s)
{
	must_mkcol(s, "/c");
	must_mkcol(s, "/d");
	must_put(s, "/f", "f");
	must_set_prop(s, "/f", "p", "f");
	must_put(s, "/c/1", "c1");
}

void
joint_put_new(struct store *s, char first)
{
	char path[] = "/0";
	int i;

	for (i = 0; i < IN_A_ROW; i++) {
		path[1] = (char)(first + i);
		must_put(s, path, "old");
	}
}

enum err_code
joint_begin(struct store *s, struct commit *v)
{
	const struct upload_spec spec = { .length = 3, .soon = true };
	enum err_code rc = ERR_OK;
	int64_t patience;
	size_t i;

	for (i = 0; i < N && !rc; i++) {
		rc = store_upload(
		    s, at(joint_files[i].path), &spec, &v[i].upload, NULL);
		if (!rc)
			rc = ostream_write(
			    upload_stream(v[i].upload), STR("new"));
		if (!rc && joint_early)
			(void)upload_joins(v[i].upload, &patience);
	}
	return rc;
}

/* What is left to be done alone, too. */
void
joint_commit(struct commit *v)
{
	size_t i;

	upload_commit_all(v, N);
	for (i = 0; i < N; i++)
		if (!v[i].done)
			v[i].rc = upload_commit(v[i].upload, v[i].guard,
			    v[i].batch, &v[i].res, &v[i].created, v[i].err);
}

void
joint_end(struct commit *v)
{
	size_t i;

	for (i = 0; i < N; i++)
		upload_free(v[i].upload);
}

/* What is there is old or new; new where that was said. */
static void
must_be_whole(struct store *s, size_t i, bool new)
{
	struct resource r;

	if (store_stat(s, at(joint_files[i].path), &r, NULL)) {
		assert_false(new);
		assert_null(joint_files[i].old);
		return;
	}
	if (new || !joint_files[i].old || r.length == 3)
		must_have(s, joint_files[i].path, "new");
	else
		must_have(s, joint_files[i].path, joint_files[i].old);
}

static void
commit_batch(struct store *s, struct commit *v)
{
	struct store_batch *b = NULL;
	size_t i;

	(void)!store_batch_begin(s, at("/"), &b, NULL);
	store_batch_many(b);
	for (i = 0; i < N; i++)
		v[i].batch = b;
	joint_commit(v);
	joint_end(v);
	(void)!store_batch_end(s, b, NULL);
}

/* What the child ended with. */
static int
run_child(struct world *w, bool batch, unsigned stop_at)
{
	struct commit v[N] = { { 0 } };
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		w->strict = true;
		world_open(w);
		if (after_new)
			joint_put_new(w->store, '0');
		if (joint_begin(w->store, v))
			_exit(1);
		steps_left = stop_at;
		if (batch)
			commit_batch(w->store, v);
		else
			joint_commit(v);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
die_at_each_step(bool batch)
{
	unsigned n;
	int how = STOPPED;

	for (n = 1; how == STOPPED; n++) {
		struct world *w;
		void *world;
		size_t i;

		assert_true(n < MAX_STEPS);
		(void)world_set_up(&world);
		w = world;
		joint_build(w->store);
		store_close(w->store);
		w->store = NULL;
		how = run_child(w, batch, n);
		assert_true(how == STOPPED || how == 0);
		world_open(w);
		for (i = 0; i < N; i++)
			must_be_whole(w->store, i, how == 0);
		must_have_props(w->store, "/f", "p=f;");
		(void)world_tear_down(&world);
	}
	assert_true(n > N * 2); /* they were steps of these */
}

/* With the syncs side by side, and where the kernel does not do that. */
static void
each_is_there_wholly_or_not_at_all_when_the_process_dies(void **state)
{
	(void)state;
	die_at_each_step(false);
	syncs_alone = true;
	die_at_each_step(false);
	syncs_alone = false;
	joint_early = true;
	die_at_each_step(false);
	after_new = true;
	die_at_each_step(false);
	joint_early = after_new = false;
	die_at_each_step(true);
}

static void
fail_each_sync(void)
{
	size_t failed = N;
	unsigned n;

	for (n = 1; failed; n++) {
		struct commit v[N] = { { 0 } };
		struct world *w;
		void *world;
		size_t i;

		assert_true(n < MAX_STEPS);
		(void)world_set_up_strict(&world);
		w = world;
		joint_build(w->store);
		if (after_new)
			joint_put_new(w->store, '0');
		assert_ok(joint_begin(w->store, v));
		sync_fails = n;
		joint_commit(v);
		for (i = failed = 0; i < N; i++) {
			assert_true(!v[i].rc || v[i].rc == ERR_IO);
			failed += v[i].rc != ERR_OK;
			must_be_whole(w->store, i, !v[i].rc);
		}
		assert_int_equal(failed == 0, sync_fails > 0);
		sync_fails = 0;
		joint_end(v);
		must_put(w->store, "/c/3", "more");
		must_have_props(w->store, "/f", "p=f;");
		(void)world_tear_down(&world);
	}
	assert_true(n > N); /* each of the files has one, and more */
}

static void
a_sync_that_fails_fails_those_that_wanted_it(void **state)
{
	(void)state;
	fail_each_sync();
	joint_early = true;
	fail_each_sync();
	after_new = true;
	fail_each_sync();
	after_new = false;
	syncs_alone = true;
	fail_each_sync();
	joint_early = false;
	fail_each_sync();
	syncs_alone = false;
}

/* Whether one of its syncs was the nth. */
static bool
fail_a_sync_of_one(unsigned n)
{
	const struct upload_spec spec = { .length = 3, .soon = true };
	struct upload *u = NULL;
	struct world *w;
	void *world;
	enum err_code rc;
	bool failed;

	(void)world_set_up_strict(&world);
	w = world;
	joint_put_new(w->store, '0');
	assert_ok(store_upload(w->store, at("/last"), &spec, &u, NULL));
	assert_ok(ostream_write(upload_stream(u), STR("new")));
	sync_fails = n;
	rc = upload_commit(u, NULL, NULL, NULL, NULL, NULL);
	failed = !sync_fails;
	sync_fails = 0;
	assert_int_equal(rc, failed ? ERR_IO : ERR_OK);
	upload_free(u);
	(void)world_tear_down(&world);
	return failed;
}

static void
a_sync_that_fails_fails_one_that_was_taken_for_new(void **state)
{
	unsigned n = 1;

	(void)state;
	syncs_alone = true;
	while (fail_a_sync_of_one(n))
		n++;
	syncs_alone = false;
	assert_true(n > 3); /* its line, its bytes, its collection */
}

static void
bytes_are_synced_while_the_line_is_and_before_there_is_a_name(void **state)
{
	struct world *w = *state;
	struct commit v[N] = { { 0 } };

	joint_build(w->store);
	early_names = 0;
	must_put(w->store, "/d/alone", "new");
	assert_int_equal(syncs_beside, 1);
	must_put(w->store, "/f", "over it");
	assert_int_equal(syncs_beside, 1);
	assert_ok(joint_begin(w->store, v));
	joint_commit(v);
	assert_int_equal(syncs_beside, N);
	assert_int_equal(syncs_under_way, 0);
	assert_int_equal(early_names, 0);
	joint_end(v);
}

/* With properties to be copied it is not only a line. */
static void
lines_are_synced_with_the_bytes_where_they_have_no_transaction(void **state)
{
	enum { PLAIN = 2 }; /* the first without properties */
	struct world *w = *state;
	struct commit v[N] = { { 0 } };
	size_t i;

	joint_build(w->store);
	must_put(w->store, "/d/alone", "new");
	assert_ok(joint_begin(w->store, v));
	syncs_together = early_names = 0;
	upload_commit_all(v + PLAIN, N - PLAIN);
	assert_int_equal(syncs_together, N - PLAIN + 1);
	assert_int_equal(early_names, 0);
	for (i = PLAIN; i < N; i++)
		assert_true(v[i].done && !v[i].rc);
	joint_end(v);
}

static void
many_have_fewer_syncs_than_each_by_itself(void **state)
{
	struct world *w = *state;
	struct commit v[N] = { { 0 } };
	unsigned alone;

	joint_build(w->store);
	syncs_made = 0;
	must_put(w->store, "/d/alone", "new");
	alone = syncs_made;
	assert_ok(joint_begin(w->store, v));
	syncs_made = 0;
	joint_commit(v);
	assert_int_equal(alone, 3);
	assert_int_equal(syncs_made, N + 1 + 3); /* the lines; three folders */
	joint_end(v);
}

/* As on a file system that does not do them so. */
static void
what_the_kernel_does_not_take_is_synced_as_well(void **state)
{
	(void)state;
	for (syncs_at_once = 0; syncs_at_once < N; syncs_at_once++) {
		struct commit v[N] = { { 0 } };
		struct world *w;
		void *world;
		size_t i;

		(void)world_set_up_strict(&world);
		w = world;
		joint_build(w->store);
		assert_ok(joint_begin(w->store, v));
		syncs_made = early_names = 0;
		joint_commit(v);
		for (i = 0; i < N; i++)
			assert_int_equal(v[i].rc, ERR_OK);
		assert_int_equal(syncs_made, N + 1 + 3);
		assert_int_equal(early_names, 0);
		joint_end(v);
		(void)world_tear_down(&world);
	}
	syncs_at_once = SIZE_MAX;
}

static void
what_was_not_there_before_may_come_meanwhile(void **state)
{
	struct world *w = *state;
	struct commit v[N] = { { 0 } };
	size_t i;

	joint_build(w->store);
	assert_ok(joint_begin(w->store, v));
	assert_ok(store_remove(w->store, at("/f"), NULL, NULL, err));
	must_put(w->store, "/new", "other");
	assert_ok(store_rename(
	    w->store, at("/d"), at("/e"), REPLACE_NO, NULL, NULL, NULL, err));
	joint_commit(v);
	for (i = 0; i < N; i++) {
		bool gone = !strncmp(joint_files[i].path, "/d/", 3);

		assert_int_equal(v[i].rc, gone ? ERR_NO_PARENT : ERR_OK);
		if (!gone)
			must_have(w->store, joint_files[i].path, "new");
	}
	assert_true(v[1].created);
	assert_false(v[0].created);
	must_have_props(w->store, "/f", "");
	joint_end(v);
}

static void
fail_each_allocation(void)
{
	unsigned long n;
	bool failed = true;

	for (n = 1; failed; n++) {
		struct commit v[N] = { { 0 } };
		struct world *w;
		void *world;
		size_t i;

		(void)world_set_up_strict(&world);
		w = world;
		joint_build(w->store);
		if (after_new)
			joint_put_new(w->store, '0');
		assert_ok(joint_begin(w->store, v));
		alloc_fail_at(n);
		joint_commit(v);
		failed = alloc_fail_stop();
		for (i = 0; i < N; i++) {
			assert_true(!v[i].rc || v[i].rc == ERR_NOMEM);
			must_be_whole(w->store, i, !v[i].rc);
		}
		joint_end(v);
		(void)world_tear_down(&world);
	}
}

static void
without_memory_some_are_made_and_the_others_are_as_they_were(void **state)
{
	(void)state;
	fail_each_allocation();
	after_new = true;
	fail_each_allocation();
	after_new = false;
}

/* ---- a batch that has more to tell the state than it keeps */

#define MANY 1100

static void
make_many(struct store *s, char names[MANY][8])
{
	char path[16];
	size_t i;

	must_mkcol(s, "/m");
	for (i = 0; i < MANY; i++) {
		(void)snprintf(names[i], 8, "%zu", i);
		(void)snprintf(path, sizeof(path), "/m/%zu", i);
		must_put(s, path, "x");
		must_set_prop(s, path, "p", "x");
	}
}

static enum err_code
none_fails(void *arg, size_t i, enum err_code rc, const struct err *why)
{
	(void)arg, (void)i, (void)rc, (void)why;
	return ERR_OK;
}

static void
remove_many(struct store *s, char names[MANY][8], struct store_batch *b)
{
	struct str some[MEMBERS_MAX];
	size_t i, n;

	for (i = 0; i < MANY; i += n) {
		const struct member_files m = {
			.in = at("/m"),
			.names = some,
			.n = MANY - i < MEMBERS_MAX ? MANY - i : MEMBERS_MAX,
			.failed = none_fails,
		};

		for (n = 0; n < m.n; n++)
			some[n] = str_from_c(names[i + n]);
		assert_ok(store_remove_members(s, &m, NULL, NULL, b));
	}
}

/* Who removed the last of them finds it gone when he looks again. */
static void
a_batch_that_could_not_be_synced_half_way_fails(void **state)
{
	static char names[MANY][8];
	const struct world *w = *state;
	unsigned fails;

	none_beside = true;
	for (fails = 1; fails <= 2; fails++) { /* the log; the file system */
		struct store_batch *b = NULL;

		make_many(w->store, names);
		assert_ok(store_batch_begin(w->store, at("/m"), &b, err));
		store_batch_many(b);
		sync_fails = 1 + fails; /* after its first line */
		remove_many(w->store, names, b);
		assert_int_equal(sync_fails, 0);
		assert_int_equal(store_batch_end(w->store, b, NULL), ERR_IO);
		assert_ok(store_remove(w->store, at("/m"), NULL, NULL, err));
	}
	none_beside = false;
}

/* Nothing was synced before, so all of it has to be then. */
static void
what_waits_is_synced_at_the_end_of_its_batch(void **state)
{
	const struct world *w = *state;
	const struct str names[] = { STR("1"), STR("2") };
	const struct member_files m = {
		.in = at("/c"), .names = names, .n = 2, .failed = none_fails
	};
	int what; /* it copies, to a new collection; it copies; it removes */

	joint_build(w->store);
	must_put(w->store, "/c/2", "c2");
	for (what = 0; what < 3; what++) {
		struct store_batch *b = NULL;

		assert_ok(store_batch_begin(w->store, at("/"), &b, err));
		store_batch_many(b);
		syncs_made = 0;
		assert_ok(what < 2
			? store_copy_members(w->store, &m, what == 0,
			      what ? at("/d") : at("/e"), REPLACE_NO, NULL, b,
			      NULL)
			: store_remove_members(w->store, &m, NULL, NULL, b));
		assert_int_equal(syncs_made, 1); /* what the batch is about */
		assert_ok(store_batch_end(w->store, b, err));
		assert_int_equal(syncs_made, 3); /* the log, the file system */
	}
	must_have(w->store, "/d/1", "c1");
	must_have(w->store, "/e/2", "c2");
	must_lack(w->store, "/c/1");
}

int
main(void)
{
	static const struct CMUnitTest all[] = {
		WORLD_TEST(uploads_of_a_batch_are_made_together),
		STRICT_TEST(uploads_of_a_batch_are_made_together),
		WORLD_TEST(what_speaks_against_one_of_a_batch_stops_no_other),

		cmocka_unit_test(
		    each_is_there_wholly_or_not_at_all_when_the_process_dies),
		cmocka_unit_test(a_sync_that_fails_fails_those_that_wanted_it),
		cmocka_unit_test(
		    a_sync_that_fails_fails_one_that_was_taken_for_new),
		STRICT_TEST(many_have_fewer_syncs_than_each_by_itself),
		STRICT_TEST(
		    bytes_are_synced_while_the_line_is_and_before_there_is_a_name),
		STRICT_TEST(
		    what_is_made_early_gets_its_name_when_it_is_committed),
		STRICT_TEST(
		    what_was_taken_for_new_is_replaced_beside_the_others),
		STRICT_TEST(
		    what_is_newer_than_what_came_meanwhile_is_synced_again),
		STRICT_TEST(
		    who_has_the_collection_of_one_that_fails_is_durable),
		STRICT_TEST(what_is_made_early_is_newer_than_what_it_replaces),
		STRICT_TEST(
		    what_is_made_early_is_synced_beside_its_line_when_it_is_alone),
		STRICT_TEST(
		    lines_are_synced_with_the_bytes_where_they_have_no_transaction),
		cmocka_unit_test(
		    what_the_kernel_does_not_take_is_synced_as_well),
		STRICT_TEST(what_was_not_there_before_may_come_meanwhile),
		STRICT_TEST(what_waits_is_synced_at_the_end_of_its_batch),
		STRICT_TEST(a_batch_that_could_not_be_synced_half_way_fails),
		cmocka_unit_test(
		    without_memory_some_are_made_and_the_others_are_as_they_were),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
