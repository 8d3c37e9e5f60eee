/* SPDX-License-Identifier: MIT */
/*
 * Uploads whose records are written down together, before the first of them is
 * made: at whatever step the process dies, whoever else comes first.
 */
#include "store/state.h"
#include "store/steps.h"
#include "store/wave.h"
#include "store/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define MAX_STEPS 1000

static enum err_code
make_all(struct store *s, bool together)
{
	struct wave w;
	bool done[WAVE];
	enum err_code rc = wave_begin(&w, s, WAVE);
	size_t i;

	if (!rc && together)
		rc = wave_make_together(&w, done);
	for (i = 0; i < WAVE && !rc && !together; i++)
		rc = wave_make(&w, i);
	return rc ? rc : wave_end(&w);
}

/* ---- what there is */

/* False: it is not known.  Else *created is what is known of it. */
static bool
recall(struct store *s, size_t i, bool *created)
{
	struct arena a = { 0 };
	struct recalled r;
	char key[16];
	bool found = false;

	(void)snprintf(key, sizeof(key), "key %zu", i);
	assert_ok(store_recall(s, str_from_c(key), &a, &r, &found, err));
	if (found)
		assert_str_equal(r.path.s, str_from_c(wave_paths[i]));
	*created = found && r.created;
	arena_done(&a);
	return found;
}

static bool
is_known(struct store *s, size_t i)
{
	bool created;
	bool found = recall(s, i, &created);

	if (found)
		assert_int_equal(created, i > 0);
	return found;
}

static bool
is_ours(struct store *s, const char *path)
{
	struct content *c;
	char bytes[16];
	size_t n;
	bool ours;

	if (store_open(s, at(path), &c, NULL))
		return false;
	assert_ok(content_read(c, 0, bytes, sizeof(bytes), &n, err));
	ours = str_eq(str_of(bytes, n), STR("ours"));
	content_free(c);
	return ours;
}

static void
known_are_those_that_are_there(struct store *s, unsigned step)
{
	size_t i;

	for (i = 0; i < WAVE; i++)
		if (is_known(s, i) != is_ours(s, wave_paths[i]))
			fail_msg("step %u: %s", step, wave_paths[i]);
}

static struct world *
set_up(void **state)
{
	struct world *w;

	(void)world_set_up(state);
	w = *state;
	assert_ok(store_mkcol(w->store, at("/d"), NULL, NULL, err));
	must_put(w->store, "/old", "theirs");
	store_close(w->store);
	w->store = NULL;
	w->strict = true;
	return w;
}

/* ---- a process that dies */

static int
ended(pid_t child)
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool
try_step(unsigned step, bool together)
{
	void *state;
	struct world *w = set_up(&state);
	pid_t pid = fork();
	int with;

	assert_true(pid >= 0);
	if (pid == 0) {
		world_open(w);
		steps_left = step;
		_exit(make_all(w->store, together) ? 1 : 0);
	}
	with = ended(pid);
	if (with && with != STOPPED)
		fail_msg("step %u: failed", step);
	world_open(w);
	known_are_those_that_are_there(w->store, step);
	(void)world_tear_down(&state);
	return with == STOPPED;
}

static void
changes_and_records_outlive_the_process_together(void **state)
{
	int together;

	(void)state;
	for (together = 0; together < 2; together++) {
		unsigned step = 1;

		while (try_step(step, together)) {
			step++;
			assert_true(step < MAX_STEPS);
		}
		assert_true(step > 15);
	}
}

static void
what_is_new_is_made_together(void **state)
{
	struct world *w = set_up(state);
	struct wave wave;
	bool done[WAVE];
	size_t i;

	world_open(w);
	assert_int_equal(wave_begin(&wave, w->store, WAVE), ERR_OK);
	must_put(w->store, "/a", "else");
	assert_int_equal(wave_make_together(&wave, done), ERR_OK);
	for (i = 0; i < WAVE; i++)
		assert_int_equal(done[i], i > 1);
	assert_int_equal(wave_end(&wave), ERR_OK);
	for (i = 0; i < WAVE; i++)
		assert_true(is_ours(w->store, wave_paths[i]));
	store_close(w->store);
	w->store = NULL;
	/* Each has one line, and so have what was there and what came first. */
	assert_int_equal(count_lines(w, CHANGE_WRITE), WAVE + 2);
	(void)world_tear_down(state);
}

/* So few that their bytes are not flushed. */
static void
what_has_to_be_synced_first_is_made_alone(void **state)
{
	struct world *w = set_up(state);
	struct wave wave;
	bool done[WAVE];
	unsigned before;

	world_open(w);
	assert_int_equal(wave_begin(&wave, w->store, 3), ERR_OK);
	before = syncs_made;
	assert_int_equal(wave_make_together(&wave, done), ERR_OK);
	assert_false(done[1] || done[2]);
	assert_int_equal(syncs_made - before, 3);
	assert_int_equal(wave_end(&wave), ERR_OK);
	assert_true(is_known(w->store, 1) && is_known(w->store, 2));
	(void)world_tear_down(state);
}

/* ---- somebody else comes first */

static enum err_code
put_another(struct store *s)
{
	return put(s, "/a", STR("else"), NULL, NULL, NULL);
}

static enum err_code
replace_it(struct store *s)
{
	return put(s, "/old", STR("else"), NULL, NULL, NULL);
}

static enum err_code
remove_it(struct store *s)
{
	return store_remove(s, at("/old"), NULL, NULL, NULL);
}

static enum err_code
move_the_collection(struct store *s)
{
	return store_rename(
	    s, at("/d"), at("/e"), REPLACE_NO, NULL, NULL, NULL, NULL);
}

static enum err_code
move_one_there(struct store *s)
{
	return store_rename(
	    s, at("/old"), at("/a"), REPLACE_NO, NULL, NULL, NULL, NULL);
}

static struct store_batch *another;

/* It does not wait for the disk. */
static enum err_code
begin_another_batch(struct store *s)
{
	struct upload *u = NULL;
	enum err_code rc = store_batch_begin(s, at("/"), &another, NULL);

	store_batch_many(another);
	if (!rc)
		rc = store_upload(s, at("/a"), NULL, &u, NULL);
	if (!rc)
		rc = ostream_write(upload_stream(u), STR("else"));
	if (!rc)
		rc = upload_commit(u, NULL, another, NULL, NULL, NULL);
	upload_free(u);
	return rc;
}

static enum err_code (*const others[])(struct store *) = {
	put_another,
	replace_it,
	remove_it,
	move_the_collection,
	move_one_there,
	begin_another_batch,
};

static void
leave(struct world *w, enum err_code (*other)(struct store *))
{
	struct wave wave;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		world_open(w);
		if (wave_begin(&wave, w->store, WAVE))
			_exit(1);
		_exit(other(w->store) ? 1 : 0);
	}
	assert_int_equal(ended(pid), 0);
}

static void
what_was_foretold_and_not_made_is_not_known(void **state)
{
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(others); i++) {
		struct world *w = set_up(state);

		leave(w, others[i]);
		world_open(w);
		for (k = 0; k < WAVE; k++)
			if (is_known(w->store, k))
				fail_msg("%zu: %s", i, wave_paths[k]);
		(void)world_tear_down(state);
	}
}

static void
nor_if_a_power_cut_takes_what_others_made(void **state)
{
	struct world *w = set_up(state);

	leave(w, begin_another_batch);
	assert_int_equal(unlink(real(w, "/a")), 0);
	world_open(w);
	assert_false(is_known(w->store, 1));
	(void)world_tear_down(state);
}

/* A line without a change is not one that found an earlier change made. */
static void
nor_is_what_came_before_it_if_a_power_cut_takes_that(void **state)
{
	struct world *w = set_up(state);
	const struct record r = {
		.key = STR("earlier"),
		.print = STR("print"),
		.expires = INT64_MAX,
	};
	const struct guard g = { .record = &r };
	struct arena a = { 0 };
	struct recalled was;
	struct upload *u;
	struct wave wave;
	bool found;
	pid_t pid = fork();
	size_t i;

	assert_true(pid >= 0);
	if (pid == 0) {
		world_open(w);
		if (store_batch_begin(w->store, at("/"), &another, NULL) ||
		    store_upload(w->store, at("/a"), NULL, &u, NULL))
			_exit(1);
		store_batch_many(another);
		if (upload_commit(u, &g, another, NULL, NULL, NULL) ||
		    wave_begin(&wave, w->store, WAVE))
			_exit(1);
		for (i = 0; i < WAVE; i++)
			upload_free(wave.u[i]);
		_exit(0);
	}
	assert_int_equal(ended(pid), 0);
	assert_int_equal(unlink(real(w, "/a")), 0);
	world_open(w);
	assert_ok(store_recall(w->store, r.key, &a, &was, &found, err));
	assert_false(found);
	arena_done(&a);
	(void)world_tear_down(state);
}

static void
it_is_made_all_the_same_and_known(void **state)
{
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(others); i++) {
		struct world *w = set_up(state);
		struct wave wave;

		world_open(w);
		assert_int_equal(wave_begin(&wave, w->store, WAVE), ERR_OK);
		assert_int_equal(others[i](w->store), ERR_OK);
		for (k = 0; k < WAVE; k++) {
			const struct record *r = &wave.r[k];
			const struct guard g = { .record = r };
			bool created;
			enum err_code rc = upload_commit(
			    wave.u[k], &g, wave.b, NULL, &created, NULL);
			struct recalled was;
			struct arena a = { 0 };
			bool found;

			assert_int_equal(rc,
			    others[i] == move_the_collection && k >= 3
				? ERR_NO_PARENT
				: ERR_OK);
			assert_ok(store_recall(
			    w->store, r->key, &a, &was, &found, err));
			assert_int_equal(found, !rc);
			if (found)
				assert_int_equal(was.created, created);
			arena_done(&a);
		}
		assert_int_equal(wave_end(&wave), ERR_OK);
		assert_ok(store_batch_end(w->store, another, err));
		another = NULL;
		(void)world_tear_down(state);
	}
}

/* ---- somebody who does not ask us */

static void
put_by_hand(struct world *w)
{
	FILE *f = fopen(real(w, "/a"), "w");

	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

static void
remove_by_hand(struct world *w)
{
	assert_int_equal(unlink(real(w, "/old")), 0);
}

static const struct {
	void (*change)(struct world *w);
	size_t path; /* that it is about */
	bool created; /* what its commit makes of it then */
} by_hand[] = {
	{ put_by_hand, 1, false },
	{ remove_by_hand, 0, true },
};

static void
what_is_found_otherwise_is_known_as_it_was_found(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(by_hand); i++) {
		size_t k = by_hand[i].path;
		struct world *w = set_up(state);
		struct wave wave;
		const struct guard keyed = { .record = &wave.r[k] };
		bool created;

		world_open(w);
		assert_int_equal(wave_begin(&wave, w->store, WAVE), ERR_OK);
		by_hand[i].change(w);
		assert_ok(upload_commit(
		    wave.u[k], &keyed, wave.b, NULL, &created, err));
		assert_int_equal(created, by_hand[i].created);
		assert_int_equal(wave_end(&wave), ERR_OK);
		store_close(w->store);
		world_open(w);
		assert_true(recall(w->store, k, &created));
		assert_int_equal(created, by_hand[i].created);
		(void)world_tear_down(state);
	}
}

/* Of the two lines the one that was foretold is void. */
static void
so_it_is_if_the_process_dies(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(by_hand); i++) {
		size_t k = by_hand[i].path;
		struct world *w = set_up(state);
		struct wave wave;
		bool created;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			world_open(w);
			if (wave_begin(&wave, w->store, WAVE))
				_exit(1);
			by_hand[i].change(w);
			_exit(wave_make(&wave, k) ? 1 : 0);
		}
		assert_int_equal(ended(pid), 0);
		world_open(w);
		assert_true(is_ours(w->store, wave_paths[k]));
		assert_true(recall(w->store, k, &created));
		assert_int_equal(created, by_hand[i].created);
		(void)world_tear_down(state);
	}
}

/* ---- what it costs */

static void
what_is_freed_without_a_commit_is_not_known(void **state)
{
	struct world *w = set_up(state);
	struct wave wave;

	world_open(w);
	assert_int_equal(wave_begin(&wave, w->store, WAVE), ERR_OK);
	assert_true(is_known(w->store, 1));
	assert_int_equal(wave_make(&wave, 0), ERR_OK);
	assert_int_equal(wave_end(&wave), ERR_OK);
	known_are_those_that_are_there(w->store, 0);
	assert_true(is_known(w->store, 0));
	(void)world_tear_down(state);
}

/* The line of the batch, then the records of all, and the bytes. */
static void
many_cost_one_sync_of_records_and_one_of_bytes(void **state)
{
	struct world *w = set_up(state);
	struct wave wave;
	unsigned before;
	size_t i;

	world_open(w);
	before = syncs_made;
	assert_int_equal(wave_begin(&wave, w->store, WAVE), ERR_OK);
	assert_int_equal(syncs_made - before, 3);
	for (i = 0; i < WAVE; i++)
		assert_int_equal(wave_make(&wave, i), ERR_OK);
	assert_int_equal(syncs_made - before, 3);
	assert_int_equal(wave_end(&wave), ERR_OK);
	known_are_those_that_are_there(w->store, 0);
	(void)world_tear_down(state);
}

int
main(void)
{
	static const struct CMUnitTest all[] = {
		cmocka_unit_test(
		    changes_and_records_outlive_the_process_together),
		cmocka_unit_test(what_is_new_is_made_together),
		cmocka_unit_test(what_has_to_be_synced_first_is_made_alone),
		cmocka_unit_test(what_was_foretold_and_not_made_is_not_known),
		cmocka_unit_test(nor_if_a_power_cut_takes_what_others_made),
		cmocka_unit_test(
		    nor_is_what_came_before_it_if_a_power_cut_takes_that),
		cmocka_unit_test(it_is_made_all_the_same_and_known),
		cmocka_unit_test(
		    what_is_found_otherwise_is_known_as_it_was_found),
		cmocka_unit_test(so_it_is_if_the_process_dies),
		cmocka_unit_test(what_is_freed_without_a_commit_is_not_known),
		cmocka_unit_test(
		    many_cost_one_sync_of_records_and_one_of_bytes),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
