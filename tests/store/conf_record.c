/* SPDX-License-Identifier: MIT */
/* Conformance: records, and the changes that they are about. */
#include "store/suite.h"

#include <stdio.h>

#include "base/clock.h"
#include "lib/alloc_fail.h"

#define HOUR (3600 * NSEC_PER_SEC)

static struct record
record(const char *key)
{
	return (struct record){
		.key = str_from_c(key),
		.print = STR("print"),
		.expires = clock_now() + HOUR,
	};
}

static struct guard
keyed(const struct record *r)
{
	return (struct guard){ .record = r };
}

static void
must_not_recall(struct store *s, const char *key)
{
	struct arena a = { 0 };
	struct recalled r;
	bool found = true;

	assert_ok(store_recall(s, str_from_c(key), &a, &r, &found, err));
	assert_false(found);
	arena_done(&a);
}

/* As "path etag result", with "+" before what was created, "~" if begun. */
static void
must_recall(struct store *s, const char *key, const char *path, bool created,
    const char *etag_of, const char *result)
{
	struct arena a = { 0 };
	struct recalled r = { 0 };
	bool found = false;

	assert_ok(store_recall(s, str_from_c(key), &a, &r, &found, err));
	if (!found)
		fail_msg("nothing is known of '%s'", key);
	assert_str_equal(r.print, STR("print"));
	assert_str_equal(r.path.s, str_from_c(path));
	assert_int_equal(r.created, created);
	assert_false(r.begun);
	assert_str_equal(r.result, str_from_c(result));
	if (etag_of) {
		const struct resource now = must_stat(s, etag_of);

		assert_str_equal(r.etag, resource_etag(&now));
	} else {
		assert_str_equal(r.etag, STR(""));
	}
	arena_done(&a);
}

static bool
is_begun(struct store *s, const char *key)
{
	struct arena a = { 0 };
	struct recalled r = { 0 };
	bool found = false;

	assert_ok(store_recall(s, str_from_c(key), &a, &r, &found, err));
	assert_true(found);
	arena_done(&a);
	return r.begun;
}

static enum err_code
patch(struct store *s, const char *path, const struct guard *g, struct err *err)
{
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = STR("v") },
	};

	return store_patch(s, at(path), &c, 1, g, NULL, err);
}

static void
what_was_never_done_is_not_known(void **state)
{
	must_not_recall(*state, "key");
}

static void
a_change_is_remembered_with_what_it_made(void **state)
{
	struct store *s = *state;
	const struct record r[] = { record("put"), record("over"),
		record("mkcol"), record("copy"), record("move"),
		record("remove"), record("patch"), record("copy collection") };
	struct guard g[ARRAY_LEN(r)];
	size_t i;

	for (i = 0; i < ARRAY_LEN(r); i++)
		g[i] = keyed(&r[i]);
	assert_ok(put(s, "/f", STR("1"), &g[0], NULL, err));
	must_recall(s, "put", "/f", true, "/f", "");
	assert_ok(put(s, "/f", STR("2"), &g[1], NULL, err));
	must_recall(s, "over", "/f", false, "/f", "");
	assert_ok(store_mkcol(s, at("/d"), &g[2], NULL, err));
	must_recall(s, "mkcol", "/d", true, NULL, "");
	assert_ok(store_copy(s, at("/f"), at("/d/g"), REPLACE_YES, &g[3], NULL,
	    NULL, NULL, err));
	must_recall(s, "copy", "/d/g", true, "/d/g", "");
	assert_ok(store_rename(
	    s, at("/d/g"), at("/f"), REPLACE_YES, &g[4], NULL, NULL, err));
	must_recall(s, "move", "/f", false, "/f", "");
	assert_ok(patch(s, "/f", &g[6], err));
	must_recall(s, "patch", "/f", false, "/f", "");
	assert_ok(store_remove(s, at("/f"), &g[5], NULL, err));
	must_recall(s, "remove", "/f", false, NULL, "");
	must_mkcol(s, "/e");
	assert_ok(store_copy(
	    s, at("/d"), at("/e"), REPLACE_YES, &g[7], NULL, NULL, NULL, err));
	must_recall(s, "copy collection", "/e", false, NULL, "");
}

static void
a_change_that_was_not_made_is_not_remembered(void **state)
{
	struct store *s = *state;
	const struct record r = record("key");
	struct probe p = { .say = ERR_PRECONDITION };
	struct guard no = probe_guard(&p);
	const struct guard g = keyed(&r);

	no.record = &r;
	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	assert_fails(
	    put(s, "/new", STR("1"), &no, NULL, err), ERR_PRECONDITION);
	assert_fails(store_mkcol(s, at("/d"), &g, NULL, err), ERR_EXISTS);
	assert_fails(store_remove(s, at("/d"), &g, NULL, err), ERR_NOT_EMPTY);
	assert_fails(store_remove(s, at("/x"), &g, NULL, err), ERR_NOT_FOUND);
	assert_fails(store_rename(s, at("/d"), at("/x/y"), REPLACE_YES, &g,
			 NULL, NULL, err),
	    ERR_NO_PARENT);
	assert_fails(store_copy(s, at("/d/f"), at("/d"), REPLACE_NO, &g, NULL,
			 NULL, NULL, err),
	    ERR_SELF);
	assert_fails(patch(s, "/x", &g, err), ERR_NOT_FOUND);
	must_not_recall(s, "key");
}

static void
what_was_remembered_before_outlives_a_change_that_fails(void **state)
{
	struct store *s = *state;
	const struct record r = record("key");
	const struct guard g = keyed(&r);

	assert_ok(put(s, "/f", STR("1"), &g, NULL, err));
	assert_ok(store_remember(s, &r, STR("done"), NULL, err));
	assert_fails(store_mkcol(s, at("/f"), &g, NULL, err), ERR_EXISTS);
	must_recall(s, "key", "/f", true, "/f", "done");
}

static void
a_later_change_with_the_same_key_takes_the_place_of_the_first(void **state)
{
	struct store *s = *state;
	const struct record r = record("key");
	const struct guard g = keyed(&r);

	assert_ok(put(s, "/f", STR("1"), &g, NULL, err));
	assert_ok(store_remember(s, &r, STR("done"), NULL, err));
	assert_ok(store_mkcol(s, at("/d"), &g, NULL, err));
	must_recall(s, "key", "/d", true, NULL, "");
	assert_ok(store_remember(s, &r, STR("again"), NULL, err));
	must_recall(s, "key", "/d", true, NULL, "again");
}

static void
a_result_is_kept_beside_what_the_change_left(void **state)
{
	struct store *s = *state;
	const struct record r = record("key");
	const struct guard g = keyed(&r);

	assert_ok(put(s, "/f", STR("1"), &g, NULL, err));
	assert_ok(store_remember(s, &r, STR("first"), NULL, err));
	assert_ok(store_remember(s, &r, STR("second"), NULL, err));
	must_recall(s, "key", "/f", true, "/f", "second");
}

static void
a_result_without_a_change_is_remembered_alone(void **state)
{
	struct store *s = *state;
	const struct record r = record("key");

	assert_ok(store_remember(s, &r, STR("result"), NULL, err));
	must_recall(s, "key", "", false, NULL, "result");
	assert_ok(store_remember(s, &r, STR(""), NULL, err));
	must_recall(s, "key", "", false, NULL, "");
}

static void
what_is_begun_says_so_until_all_is_done(void **state)
{
	struct store *s = *state;
	struct record r = record("key");
	const struct guard g = keyed(&r);

	r.begins = true;
	must_mkcol(s, "/d");
	assert_ok(store_copy(
	    s, at("/d"), at("/e"), REPLACE_NO, &g, NULL, NULL, NULL, err));
	assert_true(is_begun(s, "key"));
	assert_ok(store_remember(s, &r, STR("done"), NULL, err));
	must_recall(s, "key", "/e", true, NULL, "done");
}

static void
a_record_that_has_expired_is_forgotten(void **state)
{
	struct store *s = *state;
	struct record r = record("key");
	const struct guard g = keyed(&r);

	r.expires = clock_now() - 1;
	assert_ok(put(s, "/f", STR("1"), &g, NULL, err));
	must_not_recall(s, "key");
	r.expires = clock_now() + HOUR;
	/* What is over is no change of this result's. */
	assert_ok(store_remember(s, &r, STR("alone"), NULL, err));
	must_recall(s, "key", "", false, NULL, "alone");
}

static void
another_fingerprint_is_another_record(void **state)
{
	struct store *s = *state;
	struct record r = record("key");
	const struct guard g = keyed(&r);

	r.print = STR("other");
	assert_ok(put(s, "/f", STR("1"), &g, NULL, err));
	r.print = STR("print");
	assert_ok(store_remember(s, &r, STR("alone"), NULL, err));
	must_recall(s, "key", "", false, NULL, "alone");
}

/* A store that does not know says that there may be some. */
static void
keys_below_one_are_never_denied(void **state)
{
	struct store *s = *state;
	static const struct str used[] = { STR_INIT("k"), STR_INIT("k/"),
		STR_INIT("k0"), STR_INIT("kk/a"), STR_INIT("j/z") };
	bool any, knows;
	size_t i;

	assert_ok(store_recall_any(s, STR("k"), &any, err));
	knows = !any;
	for (i = 0; i < ARRAY_LEN(used); i++) {
		const struct record r = record(used[i].ptr);

		assert_ok(store_remember(s, &r, STR("x"), NULL, err));
		assert_ok(store_recall_any(s, STR("k"), &any, err));
		assert_true(any == !knows);
	}
	{
		struct record r = record("k/a");

		r.expires = clock_now() - 1;
		assert_ok(store_remember(s, &r, STR("x"), NULL, err));
	}
	assert_ok(store_recall_any(s, STR("k"), &any, err));
	assert_true(any);
}

static void
keys_are_told_apart_to_the_last_byte(void **state)
{
	struct store *s = *state;
	char key[RECORD_KEY_MAX + 1] = { 0 };
	struct record r;

	memset(key, 'k', RECORD_KEY_MAX);
	r = record(key);
	assert_ok(store_remember(s, &r, STR("long"), NULL, err));
	key[RECORD_KEY_MAX - 1] = 'x';
	must_not_recall(s, key);
	key[RECORD_KEY_MAX - 1] = '\0';
	must_not_recall(s, key);
	key[RECORD_KEY_MAX - 1] = 'k';
	must_recall(s, key, "", false, NULL, "long");
}

/* ---- without memory */

static enum err_code
do_put(struct store *s, const struct record *r)
{
	const struct guard g = keyed(r);

	return put(s, "/f", STR("new"), &g, NULL, NULL);
}

static enum err_code
do_mkcol(struct store *s, const struct record *r)
{
	const struct guard g = keyed(r);
	struct store_batch *b = NULL;
	enum err_code rc = store_batch_begin(s, at("/"), &b, NULL);
	enum err_code end;

	if (rc)
		return rc;
	store_batch_many(b);
	rc = store_mkcol(s, at("/d"), &g, b, NULL);
	end = store_batch_end(s, b, NULL);
	return rc ? rc : end;
}

static enum err_code
do_remember(struct store *s, const struct record *r)
{
	return store_remember(s, r, STR("result"), NULL, NULL);
}

static enum err_code
do_recall(struct store *s, const struct record *r)
{
	struct arena a = { 0 };
	struct recalled out;
	bool found;
	enum err_code rc = store_recall(s, r->key, &a, &out, &found, NULL);

	arena_done(&a);
	return rc;
}

static bool
is_known(struct store *s, const struct record *r)
{
	struct arena a = { 0 };
	struct recalled out;
	bool found = false;

	assert_ok(store_recall(s, r->key, &a, &out, &found, err));
	arena_done(&a);
	return found;
}

/* What some would only have saved time with, they do without. */
static void
what_fails_without_memory_is_not_remembered(void **state)
{
	static const struct {
		const char *what;
		enum err_code (*act)(struct store *s, const struct record *r);
	} rows[] = {
		{ "put", do_put },
		{ "mkcol in a batch", do_mkcol },
		{ "remember", do_remember },
		{ "recall", do_recall },
	};
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const struct record r = record(rows[i].what);
		bool recalls = rows[i].act == do_recall;
		unsigned long n = 0;
		bool fired = true;
		enum err_code rc = ERR_OK;

		if (recalls)
			assert_ok(store_remember(s, &r, STR("r"), NULL, err));
		while (fired) {
			alloc_fail_at(++n);
			rc = rows[i].act(s, &r);
			fired = alloc_fail_stop();
			if (!rc && fired && rows[i].act == do_mkcol)
				rc =
				    store_remove(s, at("/d"), NULL, NULL, NULL);
			if (rc &&
			    (rc != ERR_NOMEM ||
				(n == 1 && is_known(s, &r) != recalls)))
				fail_msg("%s, allocation %lu: %s", rows[i].what,
				    n, err_name(rc));
		}
		assert_int_equal(rc, ERR_OK);
		assert_true(is_known(s, &r));
	}
}

/* ---- in batches */

static struct store_batch *
begin(struct store *s, bool many)
{
	struct store_batch *b = NULL;

	assert_ok(store_batch_begin(s, at("/"), &b, err));
	if (many)
		store_batch_many(b);
	return b;
}

static void
every_change_can_be_one_of_a_batch(void **state)
{
	struct store *s = *state;
	struct store_batch *b = begin(s, true);
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = STR("v") },
	};
	struct upload *u[2];
	bool created = false;

	assert_ok(store_mkcol(s, at("/d"), NULL, b, err));
	assert_ok(store_upload(s, at("/d/f"), NULL, &u[0], err));
	assert_ok(store_upload(s, at("/d/f"), NULL, &u[1], err));
	assert_ok(ostream_write(upload_stream(u[0]), STR("first")));
	assert_ok(ostream_write(upload_stream(u[1]), STR("second")));
	assert_ok(store_batch_flush(s, b, err));
	assert_ok(upload_commit(u[0], NULL, b, NULL, &created, err));
	assert_true(created);
	must_have(s, "/d/f", "first");
	assert_ok(store_patch(s, at("/d/f"), &c, 1, NULL, b, err));
	assert_ok(upload_commit(u[1], NULL, b, NULL, &created, err));
	assert_false(created);
	assert_ok(store_copy(
	    s, at("/d/f"), at("/g"), REPLACE_NO, NULL, b, NULL, NULL, err));
	assert_ok(store_rename(
	    s, at("/d"), at("/e"), REPLACE_NO, NULL, b, NULL, err));
	assert_ok(store_rename(
	    s, at("/g"), at("/e/f"), REPLACE_YES, NULL, b, NULL, err));
	assert_ok(store_batch_end(s, b, err));
	upload_free(u[0]);
	upload_free(u[1]);
	must_lack(s, "/d");
	must_lack(s, "/g");
	must_have(s, "/e/f", "second");
	must_have_props(s, "/e/f", "p=v;");
}

static void
records_of_a_batch_are_known_at_once_and_afterwards(void **state)
{
	struct store *s = *state;
	struct store_batch *b = begin(s, true);
	struct record r[] = { record("mkcol"), record("copy"),
		record("batch") };
	const struct guard g[] = { keyed(&r[0]), keyed(&r[1]) };
	int i;

	r[1].begins = true;
	assert_ok(store_mkcol(s, at("/d"), &g[0], b, err));
	assert_ok(store_remember(s, &r[0], STR("made"), b, err));
	assert_ok(store_copy(
	    s, at("/d"), at("/e"), REPLACE_NO, &g[1], b, NULL, NULL, err));
	assert_true(is_begun(s, "copy"));
	assert_ok(store_remember(s, &r[1], STR("copied"), b, err));
	assert_ok(store_remember(s, &r[2], STR("all"), b, err));
	for (i = 0; i < 2; i++) {
		must_recall(s, "mkcol", "/d", true, NULL, "made");
		must_recall(s, "copy", "/e", true, NULL, "copied");
		must_recall(s, "batch", "", false, NULL, "all");
		if (!i)
			assert_ok(store_batch_end(s, b, err));
	}
}

#define MANY 1100

static void
a_batch_may_hold_any_number_of_records(void **state)
{
	struct store *s = *state;
	struct store_batch *b = begin(s, true);
	char key[32], path[33];
	int i;

	for (i = 0; i < MANY; i++) {
		struct record r;
		struct guard g;

		(void)snprintf(key, sizeof(key), "%d", i);
		(void)snprintf(path, sizeof(path), "/%s", key);
		r = record(key);
		g = keyed(&r);
		assert_ok(store_mkcol(s, at(path), &g, b, err));
		if (i % 2)
			assert_ok(store_remember(s, &r, STR("r"), b, err));
	}
	for (i = 0; i < MANY; i++) {
		struct record r;

		(void)snprintf(key, sizeof(key), "alone %d", i);
		r = record(key);
		assert_ok(store_remember(s, &r, STR("r"), b, err));
	}
	assert_ok(store_batch_end(s, b, err));
	for (i = 0; i < MANY; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		(void)snprintf(path, sizeof(path), "/%s", key);
		must_recall(s, key, path, true, NULL, i % 2 ? "r" : "");
	}
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(what_was_never_done_is_not_known),
	cmocka_unit_test(a_change_is_remembered_with_what_it_made),
	cmocka_unit_test(a_change_that_was_not_made_is_not_remembered),
	cmocka_unit_test(
	    what_was_remembered_before_outlives_a_change_that_fails),
	cmocka_unit_test(
	    a_later_change_with_the_same_key_takes_the_place_of_the_first),
	cmocka_unit_test(a_result_is_kept_beside_what_the_change_left),
	cmocka_unit_test(a_result_without_a_change_is_remembered_alone),
	cmocka_unit_test(what_is_begun_says_so_until_all_is_done),
	cmocka_unit_test(a_record_that_has_expired_is_forgotten),
	cmocka_unit_test(another_fingerprint_is_another_record),
	cmocka_unit_test(keys_below_one_are_never_denied),
	cmocka_unit_test(keys_are_told_apart_to_the_last_byte),
	cmocka_unit_test(what_fails_without_memory_is_not_remembered),
	cmocka_unit_test(every_change_can_be_one_of_a_batch),
	cmocka_unit_test(records_of_a_batch_are_known_at_once_and_afterwards),
	cmocka_unit_test(a_batch_may_hold_any_number_of_records),
};

const struct tests record_tests = { rows, ARRAY_LEN(rows) };
