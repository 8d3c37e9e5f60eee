/* SPDX-License-Identifier: MIT */
/* Conformance: each operation with its nth allocation failing. */
#include "store/suite.h"

#include "lib/alloc_fail.h"

static enum err_code
do_stat(struct store *s)
{
	struct resource r;

	return store_stat(s, at("/d/f"), &r, NULL);
}

static enum err_code
pass(void *arg, const struct member *m, bool *prune)
{
	(void)arg;
	(void)m;
	(void)prune;
	return ERR_OK;
}

static enum err_code
do_walk(struct store *s)
{
	const struct walk w = { DEPTH_INFINITY, WALK_DOWN, pass, NULL };

	return store_walk(s, at("/"), &w, NULL);
}

static enum err_code
do_open(struct store *s)
{
	struct content *c;
	enum err_code rc = store_open(s, at("/d/f"), &c, NULL);

	if (!rc)
		content_free(c);
	return rc;
}

static enum err_code
do_put_new(struct store *s)
{
	return put(s, "/d/new", STR("new"), NULL, NULL, NULL);
}

static enum err_code
do_put_over(struct store *s)
{
	return put(s, "/d/f", STR("new"), NULL, NULL, NULL);
}

static enum err_code
do_mkcol(struct store *s)
{
	return store_mkcol(s, at("/d/c"), NULL, NULL);
}

static enum err_code
do_copy(struct store *s)
{
	return store_copy(
	    s, at("/d/f"), at("/g"), REPLACE_YES, NULL, NULL, NULL, NULL, NULL);
}

static enum err_code
do_copy_dir(struct store *s)
{
	return store_copy(
	    s, at("/d"), at("/g"), REPLACE_YES, NULL, NULL, NULL, NULL, NULL);
}

static enum err_code
do_rename(struct store *s)
{
	return store_rename(
	    s, at("/d"), at("/g"), REPLACE_YES, NULL, NULL, NULL);
}

static enum err_code
do_patch(struct store *s)
{
	const struct prop_change c[] = {
		{ .prop = { .name = { STR("urn:t"), STR("p") },
		      .form = PROP_TEXT,
		      .value = STR("new") } },
		{ .prop = { .name = { STR("urn:t"), STR("q") },
		      .form = PROP_TEXT,
		      .value = STR("new") } },
	};

	return store_patch(s, at("/d/f"), c, ARRAY_LEN(c), NULL, NULL);
}

static enum err_code
do_props(struct store *s)
{
	struct arena a = { 0 };
	struct resource r = { 0 };
	const struct prop *props;
	size_t n;
	enum err_code rc = store_stat(s, at("/d/f"), &r, NULL);

	if (!rc)
		rc = store_props(s, &r, &a, &props, &n, NULL);
	arena_done(&a);
	return rc;
}

static enum err_code
do_space(struct store *s)
{
	struct space space;

	return store_space(s, at("/d"), &space, NULL);
}

static enum err_code
do_remove(struct store *s)
{
	return store_remove(s, at("/d/f"), NULL, NULL, NULL);
}

/* In an order in which each finds what it needs. */
static const struct {
	const char *what;
	enum err_code (*act)(struct store *s);
} operations[] = {
	{ "stat", do_stat },
	{ "walk", do_walk },
	{ "open", do_open },
	{ "props", do_props },
	{ "space", do_space },
	{ "put new", do_put_new },
	{ "put over", do_put_over },
	{ "mkcol", do_mkcol },
	{ "patch", do_patch },
	{ "copy", do_copy },
	{ "copy dir", do_copy_dir },
	{ "remove", do_remove },
	{ "rename", do_rename },
};

static enum err_code
picture_one(void *arg, const struct member *m, bool *prune)
{
	struct buf *b = arg;

	(void)prune;
	/* Not the time of a collection: making an upload touches it. */
	buf_printf(b, "%.*s %d %d %.*s\n", STR_ARG(m->path.s),
	    m->res.collection, m->res.has_props,
	    STR_ARG(resource_etag(&m->res)));
	return ERR_OK;
}

/* All there is, with etags. */
static void
take_picture(struct store *s, struct buf *out)
{
	const struct walk w = { DEPTH_INFINITY, WALK_UP, picture_one, out };

	buf_clear(out);
	assert_ok(store_walk(s, at("/"), &w, err));
	assert_int_equal(buf_failed(out), ERR_OK);
	assert_non_null(out->ptr);
}

static void
an_operation_without_memory_changes_nothing(void **state)
{
	struct store *s = *state;
	struct buf before = { 0 };
	struct buf after = { 0 };
	size_t i;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "old");
	must_put(s, "/g", "g");
	must_set_prop(s, "/d/f", "p", "old");
	for (i = 0; i < ARRAY_LEN(operations); i++) {
		unsigned long n;

		take_picture(s, &before);
		for (n = 1;; n++) {
			enum err_code rc;

			alloc_fail_at(n);
			rc = operations[i].act(s);
			if (!alloc_fail_stop()) {
				if (rc)
					fail_msg("%s: %s", operations[i].what,
					    err_name(rc));
				break;
			}
			if (rc != ERR_NOMEM)
				fail_msg("%s, allocation %lu: %s",
				    operations[i].what, n, err_name(rc));
			take_picture(s, &after);
			assert_str_equal(buf_str(&after), buf_str(&before));
		}
	}
	buf_done(&before);
	buf_done(&after);
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(an_operation_without_memory_changes_nothing),
};

const struct tests alloc_tests = { rows, ARRAY_LEN(rows) };
