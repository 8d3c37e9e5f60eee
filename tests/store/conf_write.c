/* SPDX-License-Identifier: MIT */
/* Conformance: uploads, collections, removal, guards. */
#include "store/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/commits.h"

static void
an_upload_is_seen_only_after_its_commit(void **state)
{
	struct store *s = *state;
	struct resource r, now;
	struct upload *u;
	bool created = false;

	assert_ok(store_upload(s, at("/f"), NULL, &u, err));
	assert_ok(ostream_write(upload_stream(u), STR("hello")));
	must_lack(s, "/f");
	assert_string_equal(walk_text(s, "/", DEPTH_1, WALK_DOWN), "/\n");
	assert_ok(upload_commit(u, NULL, NULL, &r, &created, err));
	upload_free(u);
	assert_true(created);
	assert_int_equal(r.length, 5);
	now = must_stat(s, "/f");
	assert_str_equal(resource_etag(&r), resource_etag(&now));
	must_have(s, "/f", "hello");
}

static void
an_upload_given_up_leaves_no_trace(void **state)
{
	struct store *s = *state;
	struct upload *u;

	must_put(s, "/f", "old");
	assert_ok(store_upload(s, at("/f"), NULL, &u, err));
	assert_ok(ostream_write(upload_stream(u), STR("new")));
	upload_free(u);
	must_have(s, "/f", "old");
	assert_ok(store_upload(s, at("/g"), NULL, &u, err));
	assert_ok(ostream_write(upload_stream(u), STR("new")));
	upload_free(u);
	must_lack(s, "/g");
	assert_string_equal(walk_text(s, "/", DEPTH_1, WALK_DOWN), "/\n/f\n");
}

static void
a_put_replaces_the_bytes_and_the_etag(void **state)
{
	struct store *s = *state;
	struct resource before, after;
	bool created = true;

	must_put(s, "/f", "one");
	before = must_stat(s, "/f");
	assert_ok(put(s, "/f", STR("two"), NULL, &created, err));
	assert_false(created);
	must_have(s, "/f", "two");
	after = must_stat(s, "/f");
	assert_false(str_eq(resource_etag(&before), resource_etag(&after)));
}

static void
puts_of_one_size_never_share_an_etag(void **state)
{
	enum { ROUNDS = 50 };
	struct store *s = *state;
	struct resource seen[ROUNDS];
	size_t i, j;

	for (i = 0; i < ROUNDS; i++) {
		must_put(s, "/f", i % 2 ? "one" : "two");
		seen[i] = must_stat(s, "/f");
		for (j = 0; j < i; j++)
			assert_false(str_eq(
			    resource_etag(&seen[i]), resource_etag(&seen[j])));
	}
}

static void
an_empty_file_is_a_file(void **state)
{
	struct store *s = *state;

	must_put(s, "/f", "");
	must_have(s, "/f", "");
	assert_false(must_stat(s, "/f").collection);
}

static void
large_content_comes_back_as_it_was(void **state)
{
	const size_t len = (size_t)3 << 20;
	char *bytes = malloc(len + 1);
	struct store *s = *state;
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < len; i++)
		bytes[i] = (char)('a' + (i * 7 + i / 4096) % 26);
	bytes[len] = '\0';
	must_put(s, "/f", bytes);
	must_have(s, "/f", bytes);
	free(bytes);
}

static void
the_clients_time_of_change_is_kept(void **state)
{
	const struct upload_spec spec = {
		.has_modified = true,
		.modified = INT64_C(1000000000) * 1000000000,
	};
	struct store *s = *state;
	struct upload *u;

	assert_ok(store_upload(s, at("/f"), &spec, &u, err));
	assert_ok(upload_commit(u, NULL, NULL, NULL, NULL, err));
	upload_free(u);
	assert_int_equal(must_stat(s, "/f").modified, spec.modified);
}

static void
a_new_member_needs_a_parent_collection(void **state)
{
	static const char *const orphans[] = { "/no/f", "/f/f", "/no/no/f" };
	struct store *s = *state;
	size_t i;

	must_put(s, "/f", "x");
	must_put(s, "/g", "x");
	for (i = 0; i < ARRAY_LEN(orphans); i++) {
		struct rpath path = at(orphans[i]);
		bool created;

		assert_fails(put(s, orphans[i], STR("x"), NULL, NULL, err),
		    ERR_NO_PARENT);
		assert_fails(
		    store_mkcol(s, path, NULL, NULL, err), ERR_NO_PARENT);
		assert_fails(store_copy(s, at("/g"), path, REPLACE_YES, NULL,
				 NULL, NULL, &created, err),
		    ERR_NO_PARENT);
		assert_fails(store_rename(s, at("/g"), path, REPLACE_YES, NULL,
				 NULL, &created, err),
		    ERR_NO_PARENT);
	}
	must_have(s, "/g", "x");
}

static void
a_parent_may_go_before_the_commit(void **state)
{
	struct store *s = *state;
	struct upload *u;

	must_mkcol(s, "/d");
	assert_ok(store_upload(s, at("/d/f"), NULL, &u, err));
	assert_ok(ostream_write(upload_stream(u), STR("x")));
	assert_ok(store_remove(s, at("/d"), NULL, NULL, err));
	assert_fails(
	    upload_commit(u, NULL, NULL, NULL, NULL, err), ERR_NO_PARENT);
	upload_free(u);
	must_lack(s, "/d");
}

static void
a_parent_may_be_replaced_before_the_commit(void **state)
{
	struct store *s = *state;
	struct upload *u;

	must_mkcol(s, "/d");
	assert_ok(store_upload(s, at("/d/f"), NULL, &u, err));
	assert_ok(ostream_write(upload_stream(u), STR("x")));
	assert_ok(store_rename(
	    s, at("/d"), at("/e"), REPLACE_NO, NULL, NULL, NULL, err));
	must_mkcol(s, "/d");
	assert_ok(upload_commit(u, NULL, NULL, NULL, NULL, err));
	upload_free(u);
	must_have(s, "/d/f", "x");
	must_lack(s, "/e/f");
}

static void
a_file_does_not_replace_a_collection(void **state)
{
	struct store *s = *state;
	struct upload *u;

	must_mkcol(s, "/d");
	assert_fails(
	    put(s, "/d", STR("x"), NULL, NULL, err), ERR_IS_COLLECTION);
	assert_fails(put(s, "/", STR("x"), NULL, NULL, err), ERR_IS_COLLECTION);
	assert_ok(store_upload(s, at("/late"), NULL, &u, err));
	must_mkcol(s, "/late");
	assert_fails(
	    upload_commit(u, NULL, NULL, NULL, NULL, err), ERR_IS_COLLECTION);
	upload_free(u);
	assert_true(must_stat(s, "/late").collection);
}

static void
mkcol_makes_what_was_not_there(void **state)
{
	struct store *s = *state;

	must_mkcol(s, "/d");
	must_mkcol(s, "/d/e");
	assert_true(must_stat(s, "/d/e").collection);
	must_put(s, "/f", "x");
	assert_fails(store_mkcol(s, at("/d"), NULL, NULL, err), ERR_EXISTS);
	assert_fails(store_mkcol(s, at("/f"), NULL, NULL, err), ERR_EXISTS);
	assert_fails(store_mkcol(s, at("/"), NULL, NULL, err), ERR_EXISTS);
}

static void
what_speaks_against_a_name_is_said_without_making_it(void **state)
{
	struct store *s = *state;
	char path[258];

	must_put(s, "/f", "x");
	must_mkcol(s, "/d");
	assert_ok(store_may_make(s, at("/new"), err));
	assert_ok(store_may_make(s, at("/d/new"), err));
	assert_ok(store_may_make(s, at("/d"), err));
	assert_ok(store_may_make(s, at("/f"), err));
	assert_ok(store_may_make(s, at("/"), err));
	assert_fails(store_may_make(s, at("/no/f"), err), ERR_NO_PARENT);
	assert_fails(store_may_make(s, at("/f/f"), err), ERR_NO_PARENT);
	memset(path, 'n', sizeof(path));
	path[0] = '/';
	path[257] = '\0';
	assert_fails(store_may_make(s, at(path), err), ERR_NAME_TOO_LONG);
	assert_string_equal(
	    walk_text(s, "/", DEPTH_INFINITY, WALK_DOWN), "/\n/d/\n/f\n");
}

static void
remove_takes_files_and_empty_collections(void **state)
{
	struct store *s = *state;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "x");
	assert_fails(store_remove(s, at("/d"), NULL, NULL, err), ERR_NOT_EMPTY);
	assert_ok(store_remove(s, at("/d/f"), NULL, NULL, err));
	must_lack(s, "/d/f");
	assert_ok(store_remove(s, at("/d"), NULL, NULL, err));
	must_lack(s, "/d");
	assert_fails(store_remove(s, at("/"), NULL, NULL, err), ERR_FORBIDDEN);
}

static void
names_are_bytes(void **state)
{
	static const char *const names[] = { " ", "a b", "%41", "a&b", "<x>",
		"\"q\"", "it's", "new\nline", "tab\t", "\x01", "\xc3\xa9",
		"e\xcc\x81", "\xff\xfe", "#?;=", "...", "back\\slash", "-rf",
		"*" };
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		char path[32];
		char line[32];

		(void)snprintf(path, sizeof(path), "/%s", names[i]);
		(void)snprintf(line, sizeof(line), "/%s\n", names[i]);
		must_put(s, path, names[i]);
		must_have(s, path, names[i]);
		assert_string_equal(
		    walk_text(s, path, DEPTH_0, WALK_DOWN), line);
		assert_non_null(
		    strstr(walk_text(s, "/", DEPTH_1, WALK_DOWN), line));
		assert_ok(store_remove(s, at(path), NULL, NULL, err));
		must_lack(s, path);
	}
}

static void
a_name_of_255_bytes_fits_and_no_longer_one(void **state)
{
	struct store *s = *state;
	char path[258];
	struct rpath p;

	memset(path, 'n', sizeof(path));
	path[0] = '/';
	path[256] = '\0';
	must_put(s, path, "x");
	must_have(s, path, "x");
	path[256] = 'n';
	path[257] = '\0';
	p = at(path);
	must_lack(s, path);
	assert_fails(
	    put(s, path, STR("x"), NULL, NULL, err), ERR_NAME_TOO_LONG);
	assert_fails(store_mkcol(s, p, NULL, NULL, err), ERR_NAME_TOO_LONG);
	must_put(s, "/f", "x");
	assert_fails(store_copy(s, at("/f"), p, REPLACE_YES, NULL, NULL, NULL,
			 NULL, err),
	    ERR_NAME_TOO_LONG);
	assert_fails(
	    store_rename(s, at("/f"), p, REPLACE_YES, NULL, NULL, NULL, err),
	    ERR_NAME_TOO_LONG);
	must_have(s, "/f", "x");
}

/* ---- guards */

static enum err_code
do_put(struct store *s, const char *path, const struct guard *g)
{
	return put(s, path, STR("new"), g, NULL, NULL);
}

static enum err_code
do_mkcol(struct store *s, const char *path, const struct guard *g)
{
	return store_mkcol(s, at(path), g, NULL, NULL);
}

static enum err_code
do_remove(struct store *s, const char *path, const struct guard *g)
{
	return store_remove(s, at(path), g, NULL, NULL);
}

static enum err_code
do_copy(struct store *s, const char *path, const struct guard *g)
{
	return store_copy(
	    s, at("/src"), at(path), REPLACE_YES, g, NULL, NULL, NULL, NULL);
}

static enum err_code
do_rename(struct store *s, const char *path, const struct guard *g)
{
	return store_rename(
	    s, at("/src"), at(path), REPLACE_YES, g, NULL, NULL, NULL);
}

static enum err_code
do_patch(struct store *s, const char *path, const struct guard *g)
{
	const struct prop_change c = {
		.prop = { .name = { STR("urn:t"), STR("p") },
		    .form = PROP_TEXT,
		    .value = STR("v") },
	};

	return store_patch(s, at(path), &c, 1, g, NULL, NULL);
}

static const struct change {
	const char *what;
	enum err_code (*act)(
	    struct store *s, const char *path, const struct guard *g);
	bool on_nothing, on_file;
} changes[] = {
	{ "upload", do_put, true, true },
	{ "mkcol", do_mkcol, true, false },
	{ "remove", do_remove, false, true },
	{ "copy", do_copy, true, true },
	{ "rename", do_rename, true, true },
	{ "patch", do_patch, false, true },
};

static void
check_refusal(
    struct store *s, const struct change *c, const char *path, bool mapped)
{
	struct probe p = { .say = ERR_PRECONDITION };
	struct guard g = probe_guard(&p);

	if (c->act(s, path, &g) != ERR_PRECONDITION)
		fail_msg("%s went past its guard", c->what);
	assert_int_equal(p.asked, 1);
	assert_int_equal(p.mapped, mapped);
	must_have(s, "/src", "source");
	must_have_props(s, "/src", "");
	if (!mapped)
		must_lack(s, path);
	else
		must_have(s, path, "old");
}

static void
a_guard_that_refuses_leaves_everything_as_it_was(void **state)
{
	struct store *s = *state;
	size_t i;

	must_put(s, "/src", "source");
	must_put(s, "/f", "old");
	for (i = 0; i < ARRAY_LEN(changes); i++) {
		if (changes[i].on_nothing)
			check_refusal(s, &changes[i], "/new", false);
		if (changes[i].on_file)
			check_refusal(s, &changes[i], "/f", true);
	}
	must_have_props(s, "/f", "");
}

static void
a_guard_sees_what_is_replaced(void **state)
{
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(changes); i++) {
		struct probe p = { .say = ERR_OK };
		struct guard g = probe_guard(&p);
		struct resource was;

		if (!changes[i].on_file)
			continue;
		must_put(s, "/src", "source");
		must_put(s, "/f", "old");
		was = must_stat(s, "/f");
		assert_int_equal(changes[i].act(s, "/f", &g), ERR_OK);
		assert_int_equal(p.asked, 1);
		assert_true(p.mapped);
		assert_str_equal(resource_etag(&p.now), resource_etag(&was));
		assert_memory_equal(&p.now.id, &was.id, sizeof(was.id));
	}
}

static void
a_guard_sees_that_nothing_is_replaced(void **state)
{
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(changes); i++) {
		struct probe p = { .say = ERR_OK };
		struct guard g = probe_guard(&p);

		if (!changes[i].on_nothing)
			continue;
		must_put(s, "/src", "source");
		assert_int_equal(changes[i].act(s, "/new", &g), ERR_OK);
		assert_int_equal(p.asked, 1);
		assert_false(p.mapped);
		assert_ok(store_remove(s, at("/new"), NULL, NULL, err));
	}
}

static void
a_guard_sees_what_comes_from_elsewhere(void **state)
{
	struct store *s = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(changes); i++) {
		bool comes =
		    changes[i].act == do_copy || changes[i].act == do_rename;
		struct probe p = { .say = ERR_PRECONDITION };
		struct guard g = probe_guard(&p);
		struct resource source;

		must_put(s, "/src", "source");
		must_put(s, "/f", "old");
		source = must_stat(s, "/src");
		if (!changes[i].on_file)
			continue;
		assert_int_equal(changes[i].act(s, "/f", &g), ERR_PRECONDITION);
		assert_int_equal(p.comes, comes);
		if (comes)
			assert_str_equal(
			    resource_etag(&p.from), resource_etag(&source));
	}
}

/* Each by itself, whatever becomes of the others. */
static void
commits_made_together_are_what_they_are_alone(void **state)
{
	static const struct {
		const char *path, *bytes;
		enum err_code rc;
		bool created;
	} files[] = {
		{ "/new", "1", ERR_OK, true },
		{ "/f", "2", ERR_OK, false },
		{ "/no/f", "3", ERR_NO_PARENT, false },
		{ "/new", "4", ERR_OK, false },
		{ "/c/m", "5", ERR_OK, true },
		{ "/c/empty", "", ERR_OK, true },
	};
	struct store *s = *state;
	struct commit v[ARRAY_LEN(files)] = { { 0 } };
	struct err why[ARRAY_LEN(files)] = { { 0 } };
	size_t i;

	must_put(s, "/f", "old");
	must_set_prop(s, "/f", "p", "old");
	must_mkcol(s, "/c");
	must_mkcol(s, "/no");
	for (i = 0; i < ARRAY_LEN(files); i++) {
		struct str bytes = str_from_c(files[i].bytes);
		const struct upload_spec spec = {
			.length = bytes.len,
			.soon = true,
		};

		assert_ok(store_upload(
		    s, at(files[i].path), &spec, &v[i].upload, err));
		assert_ok(ostream_write(upload_stream(v[i].upload), bytes));
		v[i].err = &why[i];
	}
	assert_ok(store_remove(s, at("/no"), NULL, NULL, err));
	upload_commit_all(v, ARRAY_LEN(files));
	for (i = 0; i < ARRAY_LEN(files); i++) {
		if (!v[i].done) /* it is left to be done alone */
			v[i].rc = upload_commit(v[i].upload, NULL, NULL,
			    &v[i].res, &v[i].created, v[i].err);
		assert_int_equal(v[i].rc, files[i].rc);
		assert_int_equal(why[i].code, files[i].rc);
		assert_int_equal(v[i].created, files[i].created);
		upload_free(v[i].upload);
	}
	must_have(s, "/new", "4");
	must_have(s, "/f", "2");
	must_have_props(s, "/f", "p=old;");
	must_have(s, "/c/m", "5");
	must_have(s, "/c/empty", "");
	must_lack(s, "/no");
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(an_upload_is_seen_only_after_its_commit),
	cmocka_unit_test(an_upload_given_up_leaves_no_trace),
	cmocka_unit_test(a_put_replaces_the_bytes_and_the_etag),
	cmocka_unit_test(puts_of_one_size_never_share_an_etag),
	cmocka_unit_test(an_empty_file_is_a_file),
	cmocka_unit_test(large_content_comes_back_as_it_was),
	cmocka_unit_test(the_clients_time_of_change_is_kept),
	cmocka_unit_test(a_new_member_needs_a_parent_collection),
	cmocka_unit_test(a_parent_may_go_before_the_commit),
	cmocka_unit_test(a_parent_may_be_replaced_before_the_commit),
	cmocka_unit_test(a_file_does_not_replace_a_collection),
	cmocka_unit_test(mkcol_makes_what_was_not_there),
	cmocka_unit_test(what_speaks_against_a_name_is_said_without_making_it),
	cmocka_unit_test(remove_takes_files_and_empty_collections),
	cmocka_unit_test(names_are_bytes),
	cmocka_unit_test(a_name_of_255_bytes_fits_and_no_longer_one),
	cmocka_unit_test(a_guard_that_refuses_leaves_everything_as_it_was),
	cmocka_unit_test(a_guard_sees_what_is_replaced),
	cmocka_unit_test(a_guard_sees_that_nothing_is_replaced),
	cmocka_unit_test(a_guard_sees_what_comes_from_elsewhere),
	cmocka_unit_test(commits_made_together_are_what_they_are_alone),
};

const struct tests write_tests = { rows, ARRAY_LEN(rows) };
