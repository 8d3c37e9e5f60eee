/* SPDX-License-Identifier: MIT */
/* Conformance: each operation with its nth allocation failing. */
#include "store/apply_suite.h"
#include "store/lock_suite.h"

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
	const struct walk w = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = pass,
		.arg = NULL,
	};

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
	return store_mkcol(s, at("/d/c"), NULL, NULL, NULL);
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
	    s, at("/d"), at("/g"), REPLACE_YES, NULL, NULL, NULL, NULL);
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

	return store_patch(s, at("/d/f"), c, ARRAY_LEN(c), NULL, NULL, NULL);
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

static enum err_code
do_apply(struct store *s)
{
	struct edits l = { .store = s };
	struct upload *u = NULL;
	struct store_claim *c = NULL;
	enum err_code rc = store_stage(s, at("/"), NULL, &u, NULL);

	if (!rc)
		rc = upload_settle(u, NULL, NULL);
	if (!rc)
		rc = store_claim(s, at("/"), &c, NULL);
	if (!rc) {
		edit_mkcol(&l, "/n");
		l.v[l.n++] = (struct edit){
			.kind = EDIT_FILE, .to = at("/n/f"), .file = u
		};
		edit_move(&l, "/g", "/n/g");
		edit_props(&l, "/n/g", "new");
		rc = store_apply(s, c, l.v, l.n, NULL);
	}
	store_claim_end(c);
	upload_free(u);
	return rc;
}

/* ---- locks */

static struct token of_new, of_file; /* the locks that there are */

static enum err_code
lock_it(struct store *s, const char *path, struct token *out)
{
	const struct lock_spec spec = {
		.owner = STR("Ann"),
		.user = STR("ann"),
		.timeout = HOUR,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock l;
	enum err_code rc =
	    store_lock(s, at(path), &spec, NULL, &a, &l, NULL, NULL);

	if (!rc)
		memcpy(out->text, l.token.ptr, l.token.len);
	return rc;
}

static enum err_code
do_lock_new(struct store *s)
{
	return lock_it(s, "/d/n", &of_new);
}

static enum err_code
do_lock_file(struct store *s)
{
	return lock_it(s, "/d/f", &of_file);
}

static enum err_code
do_allows(struct store *s)
{
	struct shown h;

	return store_allows(
	    s, at("/d/f"), TOUCH_NAME, show(&h, "ann", &of_file, NULL), NULL);
}

static enum err_code
do_locks(struct store *s)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *l;
	size_t n;

	return store_locks(s, at("/d/f"), &a, &l, &n, NULL);
}

static enum err_code
do_refresh(struct store *s)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct shown h;
	struct lock l;

	(void)show(&h, "ann", &of_file, NULL);
	return store_lock_refresh(
	    s, at("/d/f"), &h.tokens, 2 * HOUR, NULL, &a, &l, NULL);
}

static enum err_code
do_put_locked(struct store *s)
{
	struct shown h;

	return put(
	    s, "/d/f", STR("new"), show(&h, "ann", &of_file, NULL), NULL, NULL);
}

static enum err_code
do_copy_locked(struct store *s)
{
	struct shown h;

	return store_copy(s, at("/d/f"), at("/d/n"), REPLACE_YES,
	    show(&h, "ann", &of_new, NULL), NULL, NULL, NULL, NULL);
}

static enum err_code
do_rename_locked(struct store *s)
{
	struct shown h;

	return store_rename(s, at("/d"), at("/g"), REPLACE_YES,
	    show(&h, "ann", &of_file, &of_new), NULL, NULL, NULL);
}

static enum err_code
do_lock_moved(struct store *s)
{
	return lock_it(s, "/g/f", &of_file);
}

static enum err_code
do_remove_locked(struct store *s)
{
	struct shown h;

	return store_remove(
	    s, at("/g/f"), show(&h, "ann", &of_file, NULL), NULL, NULL);
}

static enum err_code
do_lock_removed(struct store *s)
{
	return lock_it(s, "/g/f", &of_file);
}

static enum err_code
do_unlock(struct store *s)
{
	struct shown h;

	(void)show(&h, "ann", &of_file, NULL);
	return store_unlock(s, at("/g/f"), &h.tokens, NULL, NULL);
}

/* ---- all of them */

struct operation {
	const char *what;
	enum err_code (*act)(struct store *s);
};

/* In an order in which each finds what it needs. */
static const struct operation operations[] = {
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
	{ "apply", do_apply },
};

static const struct operation of_locks[] = {
	{ "lock a new file", do_lock_new },
	{ "lock a file", do_lock_file },
	{ "allows", do_allows },
	{ "locks", do_locks },
	{ "refresh", do_refresh },
	{ "put on a lock", do_put_locked },
	{ "copy on a lock", do_copy_locked },
	{ "rename what is locked", do_rename_locked },
	{ "lock what was renamed", do_lock_moved },
	{ "remove what is locked", do_remove_locked },
	{ "lock what was removed", do_lock_removed },
	{ "unlock", do_unlock },
};

struct picture {
	struct store *store;
	struct buf *out;
};

static enum err_code
picture_one(void *arg, const struct member *m, bool *prune)
{
	const struct picture *p = arg;
	struct arena a CLEANUP(arena_done) = { 0 };
	struct buf *b = p->out;
	const struct lock *l;
	size_t n, i;

	(void)prune;
	/* Not the time of a collection: making an upload touches it. */
	buf_printf(b, "%.*s %d %d %.*s\n", STR_ARG(m->path.s),
	    m->res.collection, m->res.has_props,
	    STR_ARG(resource_etag(&m->res)));
	assert_ok(store_locks(p->store, m->path, &a, &l, &n, err));
	for (i = 0; i < n; i++)
		buf_printf(b, "  %.*s %lld\n", STR_ARG(l[i].token),
		    (long long)l[i].expires);
	return ERR_OK;
}

/* All there is, with etags and locks. */
static void
take_picture(struct store *s, struct buf *out)
{
	struct picture p = { s, out };
	const struct walk w = {
		.depth = DEPTH_INFINITY,
		.order = WALK_UP,
		.visit = picture_one,
		.arg = &p,
	};

	buf_clear(out);
	assert_ok(store_walk(s, at("/"), &w, err));
	assert_int_equal(buf_failed(out), ERR_OK);
	assert_non_null(out->ptr);
}

/* One by one, each with its nth allocation failing until it gets through. */
static void
check_operations(struct store *s, const struct operation *ops, size_t n_ops)
{
	struct buf before = { 0 };
	struct buf after = { 0 };
	size_t i;

	for (i = 0; i < n_ops; i++) {
		unsigned long n;

		take_picture(s, &before);
		for (n = 1;; n++) {
			enum err_code rc;

			alloc_fail_at(n);
			rc = ops[i].act(s);
			if (!alloc_fail_stop()) {
				if (rc)
					fail_msg("%s: %s", ops[i].what,
					    err_name(rc));
				break;
			}
			if (rc != ERR_NOMEM)
				fail_msg("%s, allocation %lu: %s", ops[i].what,
				    n, err_name(rc));
			take_picture(s, &after);
			assert_str_equal(buf_str(&after), buf_str(&before));
		}
	}
	buf_done(&before);
	buf_done(&after);
}

static void
an_operation_without_memory_changes_nothing(void **state)
{
	struct store *s = *state;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "old");
	must_put(s, "/g", "g");
	must_set_prop(s, "/d/f", "p", "old");
	check_operations(s, operations, ARRAY_LEN(operations));
}

static void
an_operation_on_locks_without_memory_changes_nothing(void **state)
{
	struct store *s = *state;

	must_mkcol(s, "/d");
	must_put(s, "/d/f", "old");
	must_mkcol(s, "/g");
	(void)lock_at(s, "/h", DEPTH_0, true, "");
	check_operations(s, of_locks, ARRAY_LEN(of_locks));
}

static const struct CMUnitTest rows[] = {
	cmocka_unit_test(an_operation_without_memory_changes_nothing),
};

const struct tests alloc_tests = { rows, ARRAY_LEN(rows) };

static const struct CMUnitTest lock_rows[] = {
	cmocka_unit_test(an_operation_on_locks_without_memory_changes_nothing),
};

const struct tests lock_alloc_tests = { lock_rows, ARRAY_LEN(lock_rows) };
