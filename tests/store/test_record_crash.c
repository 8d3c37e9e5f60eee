/* SPDX-License-Identifier: MIT */
/*
 * Records of a directory store that dies.
 *
 * A child makes a series of changes, each with a record, and ends at its first,
 * second, third... step, until it gets through.  The next start must know just
 * as many of them, from the first on, as the tree has seen: a record without
 * its change, or a change without its record, would be done never, or twice.
 *
 * Then changes that a power cut takes back are taken back by hand.
 */
#include "store/steps.h"
#include "store/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum what { PUT, MKCOL, REMOVE, RENAME, COPY, PATCH, SETTLE };

struct deed {
	enum what what;
	const char *path;
	const char *to;
};

/* Most are about what an earlier one has made, moved, or taken away. */
static const struct deed deeds[] = {
	{ PUT, "/a", NULL },
	{ PUT, "/a", NULL },
	{ MKCOL, "/d", NULL },
	{ PATCH, "/a", NULL },
	{ RENAME, "/a", "/d/a" },
	{ PUT, "/a", NULL },
	{ RENAME, "/d", "/e" },
	{ COPY, "/e/a", "/e/b" },
	{ COPY, "/a", "/e/b" },
	{ MKCOL, "/d", NULL },
	{ SETTLE, NULL, NULL },
	{ COPY, "/e", "/d" },
	{ REMOVE, "/e/a", NULL },
	{ PUT, "/e/a", NULL },
	{ REMOVE, "/e/a", NULL },
	{ RENAME, "/e/b", "/a" },
	{ RENAME, "/e", "/d" },
	{ REMOVE, "/d", NULL },
	{ MKCOL, "/d", NULL },
	{ REMOVE, "/d", NULL },
	{ PUT, "/a", NULL },
};

#define DEEDS ARRAY_LEN(deeds)
#define MAX_STEPS 1000

static const char *
key_of(size_t i)
{
	static char key[32];

	(void)snprintf(key, sizeof(key), "key %zu", i);
	return key;
}

static enum err_code
patch(struct store *s, const char *path, const struct guard *g,
    struct store_batch *b)
{
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = STR("v") },
	};

	return store_patch(s, at(path), &c, 1, g, b, NULL);
}

/* Its bytes say which it was. */
static enum err_code
put_nth(struct store *s, const char *path, size_t nth, const struct guard *g,
    struct store_batch *b)
{
	struct upload *u = NULL;
	char bytes[32];
	enum err_code rc;

	(void)snprintf(bytes, sizeof(bytes), "%zu", nth);
	rc = store_upload(s, at(path), NULL, &u, NULL);
	if (!rc)
		rc = ostream_write(upload_stream(u), str_from_c(bytes));
	if (!rc)
		rc = upload_commit(u, g, b, NULL, NULL, NULL);
	upload_free(u);
	return rc;
}

/* In a batch, all of them are one; each ends before the next without. */
static enum err_code
do_nth(struct store *s, size_t nth, struct store_batch *b)
{
	const struct deed *d = &deeds[nth];
	const struct record r = {
		.key = str_from_c(key_of(nth)),
		.print = STR("print"),
		.expires = clock_now() + 3600 * NSEC_PER_SEC,
	};
	const struct guard g = { .record = &r };

	switch (d->what) {
	case PUT:
		return put_nth(s, d->path, nth, &g, b);
	case MKCOL:
		return store_mkcol(s, at(d->path), &g, b, NULL);
	case REMOVE:
		return store_remove(s, at(d->path), &g, b, NULL);
	case RENAME:
		return store_rename(
		    s, at(d->path), at(d->to), REPLACE_YES, &g, b, NULL, NULL);
	case COPY:
		return store_copy(s, at(d->path), at(d->to), REPLACE_YES, &g, b,
		    NULL, NULL, NULL);
	case PATCH:
		return patch(s, d->path, &g, b);
	case SETTLE: /* the result of the one before */
		return store_remember(s,
		    &(struct record){ .key = str_from_c(key_of(nth - 1)),
			.print = STR("print"),
			.expires = r.expires },
		    STR("result"), b, NULL);
	}
	return ERR_INTERNAL;
}

static enum err_code
do_all(struct store *s, size_t n, bool batched)
{
	struct store_batch *b = NULL;
	enum err_code rc = ERR_OK;
	size_t i;

	if (batched)
		rc = store_batch_begin(s, at("/"), &b, NULL);
	if (batched)
		store_batch_many(b);
	for (i = 0; i < n && !rc; i++)
		rc = do_nth(s, i, b);
	return rc ? rc : store_batch_end(s, b, NULL);
}

/* ---- what there is */

static void
tell_file(struct store *s, const char *path, struct buf *out)
{
	struct arena a = { 0 };
	struct resource r = must_stat(s, path);
	const struct prop *props;
	struct content *c;
	char bytes[64];
	size_t got, n;

	assert_ok(store_props(s, &r, &a, &props, &n, err));
	buf_printf(out, " %zu props", n);
	arena_done(&a);
	if (r.collection)
		return;
	assert_ok(store_open(s, at(path), &c, err));
	assert_ok(content_read(c, 0, bytes, sizeof(bytes), &got, err));
	content_free(c);
	buf_printf(out, " '%.*s'", (int)got, bytes);
}

static char *
tell(struct store *s)
{
	char *paths = strdup(walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN));
	char *rest = paths;
	char *path;
	struct buf out = { 0 };

	assert_non_null(paths);
	while ((path = strsep(&rest, "\n")) && *path) {
		size_t len = strlen(path);

		buf_put(&out, str_from_c(path));
		if (len > 1 && path[len - 1] == '/')
			path[len - 1] = '\0';
		tell_file(s, path, &out);
		buf_putc(&out, '\n');
	}
	free(paths);
	buf_putc(&out, '\0');
	assert_int_equal(buf_failed(&out), ERR_OK);
	return out.ptr;
}

static bool
is_known(struct store *s, size_t nth)
{
	struct arena a = { 0 };
	struct recalled r = { 0 };
	bool found = false;

	assert_ok(
	    store_recall(s, str_from_c(key_of(nth)), &a, &r, &found, err));
	if (found && deeds[nth].what == PUT)
		assert_str_equal(r.path.s, str_from_c(deeds[nth].path));
	arena_done(&a);
	return found;
}

/* Deeds from the first that are known; fails where one is after a gap. */
static size_t
count_known(struct store *s, unsigned step)
{
	size_t n = 0;
	size_t i;

	while (n < DEEDS && (deeds[n].what == SETTLE || is_known(s, n)))
		n++;
	for (i = n; i < DEEDS; i++)
		if (deeds[i].what != SETTLE && is_known(s, i))
			fail_msg(
			    "step %u: %zu is known, %zu is not", step, i, n);
	return n;
}

/* ---- a process that dies */

/* The tree after the first n of them, in text; the caller's. */
static char *pictures[DEEDS + 1];

static void
take_pictures(void)
{
	size_t i;

	for (i = 0; i <= DEEDS; i++) {
		void *state;
		struct world *w;

		(void)world_set_up(&state);
		w = state;
		assert_int_equal(do_all(w->store, i, false), ERR_OK);
		assert_true(count_known(w->store, 0) >= i);
		pictures[i] = tell(w->store);
		(void)world_tear_down(&state);
	}
}

static int
run_child(struct world *w, unsigned stop_at, bool batched)
{
	int status = 0;
	pid_t pid;

	store_close(w->store);
	w->store = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		w->strict = true;
		world_open(w);
		steps_left = stop_at;
		_exit(do_all(w->store, DEEDS, batched) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* False: it got through. */
static bool
try_step(unsigned step, bool batched)
{
	void *state;
	struct world *w;
	char *now;
	size_t n;
	int end;

	(void)world_set_up(&state);
	w = state;
	end = run_child(w, step, batched);
	if (end && end != STOPPED)
		fail_msg("step %u: failed", step);
	world_open(w);
	n = count_known(w->store, step);
	now = tell(w->store);
	/* A result changes nothing in the tree. */
	if (strcmp(now, pictures[n]) != 0)
		fail_msg(
		    "step %u: %zu are known, and there is\n%s", step, n, now);
	free(now);
	(void)world_tear_down(&state);
	return end == STOPPED;
}

static void
try_all(bool batched)
{
	unsigned every = getenv("SHEAF_SANITIZED") ? 7 : 2;
	unsigned step = 1;

	while (try_step(step, batched)) {
		step += every;
		assert_true(step < MAX_STEPS);
	}
	assert_true(step > 50);
}

static void
changes_and_records_outlive_the_process_together(void **state)
{
	(void)state;
	try_all(false);
}

static void
so_they_do_in_a_batch(void **state)
{
	(void)state;
	try_all(true);
}

/* ---- a power cut */

/*
 * As a batch leaves it that has not ended: the first n deeds of the child, and
 * then perhaps somebody else's.
 */
static struct world *
leave_also(void **state, size_t n, const char *also)
{
	struct world *w;
	int status = 0;
	pid_t pid;

	(void)world_set_up(state);
	w = *state;
	store_close(w->store);
	w->store = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store_batch *b = NULL;
		size_t i;

		w->strict = true;
		world_open(w);
		if (store_batch_begin(w->store, at("/"), &b, NULL))
			_exit(1);
		store_batch_many(b);
		for (i = 0; i < n; i++)
			if (do_nth(w->store, i, b))
				_exit(1);
		_exit(
		    also && put(w->store, also, STR("else"), NULL, NULL, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return w;
}

static struct world *
leave(void **state, size_t n)
{
	return leave_also(state, n, NULL);
}

static void
what_a_power_cut_takes_is_not_remembered(void **state)
{
	struct world *w = leave(state, 1);

	assert_int_equal(unlink(real(w, "/a")), 0);
	world_open(w);
	assert_int_equal(count_known(w->store, 0), 0);
	(void)world_tear_down(state);
}

static void
nor_is_what_came_after_it(void **state)
{
	struct world *w = leave(state, 4);

	/* Neither of the two files, their properties, nor the collection. */
	assert_int_equal(unlink(real(w, "/a")), 0);
	assert_int_equal(rmdir(real(w, "/d")), 0);
	world_open(w);
	assert_int_equal(count_known(w->store, 0), 0);
	(void)world_tear_down(state);
}

static void
what_a_later_change_found_made_is_remembered_without_it(void **state)
{
	struct world *w = leave(state, 7);

	/* The last three are taken back: /d is at its place, /a in it. */
	assert_int_equal(rename(real(w, "/e"), real(w, "/d")), 0);
	assert_int_equal(rename(real(w, "/d/a"), real(w, "/a")), 0);
	world_open(w);
	assert_int_equal(count_known(w->store, 0), 4);
	(void)world_tear_down(state);
}

static void
nor_is_what_others_were_about_to_replace(void **state)
{
	struct world *w = leave_also(state, 1, "/a");

	assert_int_equal(unlink(real(w, "/a")), 0);
	world_open(w);
	assert_int_equal(count_known(w->store, 0), 0);
	(void)world_tear_down(state);
}

/* What others did after it, on the disk, shows that it was there. */
static void
what_somebody_else_has_replaced_since_is_remembered(void **state)
{
	struct world *w = leave(state, 3);

	w->strict = true;
	world_open(w);
	assert_int_equal(count_known(w->store, 0), 3);
	must_put(w->store, "/a", "else");
	store_close(w->store);
	world_open(w);
	assert_int_equal(count_known(w->store, 0), 3);
	(void)world_tear_down(state);
}

int
main(void)
{
	static const struct CMUnitTest all[] = {
		cmocka_unit_test(
		    changes_and_records_outlive_the_process_together),
		cmocka_unit_test(so_they_do_in_a_batch),
		cmocka_unit_test(what_a_power_cut_takes_is_not_remembered),
		cmocka_unit_test(nor_is_what_came_after_it),
		cmocka_unit_test(nor_is_what_others_were_about_to_replace),
		cmocka_unit_test(
		    what_a_later_change_found_made_is_remembered_without_it),
		cmocka_unit_test(
		    what_somebody_else_has_replaced_since_is_remembered),
	};
	int failed;
	size_t i;

	take_pictures();
	failed = cmocka_run_group_tests(all, NULL, NULL);
	for (i = 0; i <= DEEDS; i++)
		free(pictures[i]);
	return failed;
}
