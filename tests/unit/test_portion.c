/* SPDX-License-Identifier: MIT */
/*
 * COPY and DELETE of trees by several threads, which take the files of a
 * collection together: they leave and say what one thread does, in its order.
 */
#include "lib/test.h"

#include <stdio.h>

#include "base/crew.h"
#include "lib/alloc_fail.h"
#include "lib/locks.h"
#include "lib/op_test.h"
#include "lib/tmpdir.h"
#include "store/stores.h"

#define FOLDERS 24
#define FILES 5

/* As the directory store, but that nothing can be done at a smaller price. */
static void
copy_none(struct store *s, const struct member_files *m, bool itself,
    struct rpath to, const struct guard *g, struct store_batch *b,
    bool *done_itself, bool *done)
{
	(void)s, (void)m, (void)itself, (void)to, (void)g, (void)b;
	(void)done_itself, (void)done;
}

static void
remove_none(struct store *s, const struct member_files *m, bool itself,
    const struct guard *g, struct store_batch *b, bool *done_itself, bool *done)
{
	(void)s, (void)m, (void)itself, (void)g, (void)b;
	(void)done_itself, (void)done;
}

static void
take_together(struct store *s, struct store_ops *ops, unsigned helpers)
{
	*ops = *s->ops;
	ops->copy_members = copy_none;
	ops->remove_members = remove_none;
	s->ops = ops;
	s->helpers.max = helpers;
}

#define DEEP 20 /* collections in one: more than a portion takes */

/* root/deep/0/a root/deep/0/in/... */
static void
make_deep(struct store *s, const char *root)
{
	struct buf text = { 0 };
	unsigned i, k;

	buf_printf(&text, "%s/deep/", root);
	for (i = 0; i < DEEP; i++) {
		buf_printf(
		    &text, " %s/deep/%u/ %s/deep/%u/a=%u", root, i, root, i, i);
		buf_printf(&text, " %s/deep/%u/in/", root, i);
		for (k = 0; k < FILES; k++)
			buf_printf(
			    &text, " %s/deep/%u/in/f%u=%u", root, i, k, k);
		buf_printf(&text, " %s/deep/%u/z=%u", root, i, i);
	}
	buf_putc(&text, '\0');
	tree_make(s, text.ptr);
	buf_done(&text);
}

#define WIDE 130 /* files of one collection: the same */

/* root/wide/x/y/f0... */
static void
make_wide(struct store *s, const char *root)
{
	struct buf text = { 0 };
	unsigned i;

	buf_printf(&text, "%s/wide/ %s/wide/x/ %s/wide/x/y/", root, root, root);
	for (i = 0; i < WIDE; i++)
		buf_printf(&text, " %s/wide/x/y/f%u=%u", root, i, i);
	buf_putc(&text, '\0');
	tree_make(s, text.ptr);
	buf_done(&text);
}

/* root/0/ root/0/a=... root/0/in/..., every third collection within another. */
static void
make(struct store *s, const char *root, unsigned folders)
{
	struct buf text = { 0 };
	unsigned i, k;

	buf_printf(&text, "%s/", root);
	for (i = 0; i < folders; i++) {
		char in[32];

		(void)snprintf(in, sizeof(in), "%u%s", i, i % 3 ? "" : "/in");
		buf_printf(&text, " %s/%u/ %s/%u/first=1", root, i, root, i);
		if (i % 3 == 0)
			buf_printf(&text, " %s/%s/", root, in);
		for (k = 0; k < FILES; k++)
			buf_printf(&text, " %s/%s/f%u=%u%u", root, in, k, i, k);
		buf_printf(&text, " %s/%u/last=2", root, i);
	}
	buf_putc(&text, '\0');
	tree_make(s, text.ptr);
	buf_done(&text);
	if (folders == FOLDERS) {
		make_deep(s, root);
		make_wide(s, root);
	}
}

struct trial {
	const char *what;
	bool copies, onto; /* onto what is there */
	struct {
		const char *path;
		unsigned what;
	} denied[6];
	const char *locked[3]; /* by us, but for the first */
	const char *gone[2]; /* when it is to be taken */
};

static const struct trial trials[] = {
	{ "all goes", .copies = false },
	{ "files and a collection stay", false, false,
	    .denied = { { "/d/1/f2", DENY_REMOVE },
		{ "/d/9/in/f0", DENY_REMOVE }, { "/d/9/in/f3", DENY_REMOVE },
		{ "/d/10", DENY_REMOVE }, { "/d/12/in", DENY_REMOVE } } },
	{ "some cannot be listed", false, false,
	    .denied = { { "/d/3/in", DENY_LIST }, { "/d/4", DENY_LIST },
		{ "/d/5", DENY_LIST_ON }, { "/d/7/f1", DENY_REMOVE } } },
	{ "all comes", .copies = true },
	{ "files cannot be read or written", true, false,
	    .denied = { { "/d/0/first", DENY_COPY_FROM },
		{ "/to/8/f4", DENY_COPY_TO }, { "/d/9/in/f0", DENY_COPY_FROM },
		{ "/to/23/last", DENY_COPY_TO } } },
	{ "collections cannot be made", true, false,
	    .denied = { { "/to/3", DENY_COPY_TO }, { "/to/6/in", DENY_COPY_TO },
		{ "/d/7", DENY_COPY_FROM }, { "/to/8", DENY_COPY_TO },
		{ "/d/3/in", DENY_LIST } } },
	{ "some cannot be listed or asked about", true, false,
	    .denied = { { "/d/3/in", DENY_LIST }, { "/d/4", DENY_LIST_ON },
		{ "/d/5/f1", DENY_STAT }, { "/d/6", DENY_STAT } } },
	{ "collections below others cannot be made", true, false,
	    .denied = { { "/to/deep/3/in", DENY_COPY_TO },
		{ "/to/deep/5", DENY_COPY_TO }, { "/d/deep/7", DENY_COPY_FROM },
		{ "/to/deep/11/a", DENY_COPY_TO },
		{ "/d/deep/16/in", DENY_LIST },
		{ "/to/deep/18", DENY_COPY_TO } } },
	{ "nothing below one", true, false,
	    .denied = { { "/to/deep", DENY_COPY_TO } } },
	{ "one with many below it cannot be made", true, false,
	    .denied = { { "/to/wide/x", DENY_COPY_TO } } },
	{ "its root stays", false, false, .denied = { { "/d", DENY_REMOVE } } },
	{ "some are locked", false, false,
	    .locked = { "/d/1/f2", "/d/9/in", "/d/deep/3/in/f1" } },
	{ "it comes where some are locked", true, true,
	    .locked = { "/to/7", "/to/9/first", "/to/3" } },
	{ "some go meanwhile", false, false,
	    .gone = { "/d/1/f2", "/d/deep/3/in/f1" } },
	{ "some are no more there", true, false,
	    .gone = { "/d/1/f2", "/d/deep/3/in/f1" } },
	{ "over what is there", true, true,
	    .denied = { { "/to/3", DENY_COPY_TO }, { "/to/more", DENY_REMOVE },
		{ "/to/7/f1", DENY_COPY_TO }, { "/d/9/in", DENY_LIST } } },
};

static enum err_code
operate(struct op_test *t, const struct trial *trial)
{
	const struct transfer tr = {
		.from = at("/d"),
		.to = at("/to"),
		.overwrite = true,
	};
	bool created;

	return trial->copies
	    ? op_copy(&t->op, &tr, op_test_sink(t), &created, NULL)
	    : op_delete(&t->op, at("/d"), NULL, op_test_sink(t), NULL);
}

/* ---- what goes when it is to be taken */

static const struct trial *now;
static const struct store_ops *real;
static struct store *below;

static void
let_go(struct rpath path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(now->gone) && now->gone[i]; i++)
		if (rpath_eq(path, at(now->gone[i])))
			(void)!store_remove(below, path, NULL, NULL, NULL);
}

static enum err_code
remove_late(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	let_go(path);
	return real->remove(s, path, g, b, err);
}

static enum err_code
copy_late(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	let_go(from);
	return real->copy(s, from, to, replace, g, b, out, created, err);
}

static void
take_late(struct op_test *t, const struct trial *trial, struct store_ops *ops)
{
	now = trial;
	real = t->store->ops;
	below = t->deny.inner;
	*ops = *real;
	ops->remove = remove_late;
	ops->copy = copy_late;
	t->store->ops = ops;
}

struct ours {
	struct token tokens[3];
	struct str shown[2];
	struct lock_tokens submitted;
};

static void
lock_some(struct op_test *t, const struct trial *trial, struct ours *o)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(trial->locked) && trial->locked[i]; i++) {
		o->tokens[i] = lock_at(
		    t->deny.inner, trial->locked[i], DEPTH_INFINITY, false, "");
		if (i)
			o->shown[i - 1] = str_from_c(o->tokens[i].text);
	}
	o->submitted =
	    (struct lock_tokens){ .v = o->shown, .n = i ? i - 1 : 0 };
	t->op.tokens = &o->submitted;
}

static void
begin(struct op_test *t, const struct trial *trial, unsigned folders)
{
	size_t i;

	op_test_init(t, "");
	make(t->deny.inner, "/d", folders);
	if (trial->onto)
		tree_make(t->deny.inner,
		    "/to/ /to/more/ /to/more/x=1 /to/3/ /to/3/old=2 /to/1=y "
		    "/to/7/ /to/7/f1/ /to/7/f1/in=4 /to/9/ /to/9/first=o");
	for (i = 0; i < ARRAY_LEN(trial->denied) && trial->denied[i].path; i++)
		deny(&t->deny, trial->denied[i].path, trial->denied[i].what,
		    ERR_FORBIDDEN);
}

/* helpers: -1: one after the other. */
static void
attempt(const struct trial *trial, int helpers, struct buf *out)
{
	struct store_ops late, ops;
	struct ours ours = { 0 };
	struct op_test t;

	begin(&t, trial, FOLDERS);
	lock_some(&t, trial, &ours);
	take_late(&t, trial, &late);
	if (helpers >= 0)
		take_together(t.store, &ops, (unsigned)helpers);
	assert_int_equal(operate(&t, trial), ERR_OK);
	assert_true(t.out.ended);
	buf_put(out, op_test_said(&t));
	buf_putc(out, '\n');
	tree_put(t.deny.inner, "/", out);
	op_test_done(&t);
}

static void
what_is_left_and_said_is_what_one_thread_leaves_and_says(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(trials); i++) {
		struct buf want = { 0 };
		int helpers;

		attempt(&trials[i], -1, &want);
		for (helpers = 0; helpers < 4; helpers++) {
			struct buf got = { 0 };

			attempt(&trials[i], helpers, &got);
			assert_str_equal(buf_str(&got), buf_str(&want));
			buf_done(&got);
		}
		buf_done(&want);
	}
}

static void
told_all(const struct op_test *t, const struct trial *trial)
{
	struct resource r;

	assert_true(t->out.ended);
	assert_int_equal(t->out.n, trial->copies ? 0 : 1);
	assert_int_equal(
	    store_stat(t->deny.inner, at("/d/1/f2"), &r, NULL), ERR_OK);
	assert_int_equal(
	    store_stat(t->deny.inner,
		at(trial->copies ? "/to/4/last" : "/d/1/f1"), &r, NULL),
	    trial->copies ? ERR_OK : ERR_NOT_FOUND);
}

static void
every_failing_allocation_is_told(void **state)
{
	static const size_t of[] = { 1, 3 }; /* of trials */
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(of); i++) {
		unsigned long n;
		bool fired;

		for (n = 1, fired = true; fired; n++) {
			struct store_ops ops;
			struct op_test t;
			enum err_code rc;

			begin(&t, &trials[of[i]], 5);
			take_together(t.store, &ops, 1);
			alloc_fail_at(n);
			rc = operate(&t, &trials[of[i]]);
			fired = alloc_fail_stop();
			assert_true(rc == ERR_OK || (fired && rc == ERR_NOMEM));
			if (!rc) /* what failed was done again */
				told_all(&t, &trials[of[i]]);
			op_test_done(&t);
		}
		assert_true(n > 20);
	}
}

static enum err_code
remove_nothing(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	(void)s, (void)path, (void)g, (void)b;
	return err_set(err, ERR_FORBIDDEN, "it stays");
}

/* More than there is room for at once where they are noted. */
static void
all_that_stay_are_told_or_memory_ran_out(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct store_ops refusing, ops;
		struct op_test t;
		enum err_code rc;

		op_test_init(&t, "/d/");
		make_wide(t.deny.inner, "/d");
		refusing = *t.store->ops;
		refusing.remove = remove_nothing;
		t.store->ops = &refusing;
		take_together(t.store, &ops, 1);
		alloc_fail_at(n);
		rc = op_delete(&t.op, at("/d"), NULL, op_test_sink(&t), NULL);
		fired = alloc_fail_stop();
		assert_true(rc == ERR_OK || (fired && rc == ERR_NOMEM));
		if (!rc)
			assert_int_equal(t.out.n, WIDE);
		op_test_done(&t);
	}
	assert_true(n > 20);
}

/* Of a tree that is more than a portion takes. */
static void
what_is_divided_comes_or_memory_ran_out(void **state)
{
	static const struct trial copies = { .copies = true };
	struct resource r;
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct store_ops ops;
		struct op_test t;
		enum err_code rc;

		op_test_init(&t, "/d/");
		make_deep(t.deny.inner, "/d");
		take_together(t.store, &ops, 0);
		alloc_fail_at(n);
		rc = operate(&t, &copies);
		fired = alloc_fail_stop();
		assert_true(rc == ERR_OK || (fired && rc == ERR_NOMEM));
		if (!rc)
			assert_int_equal(store_stat(t.deny.inner,
					     at("/to/deep/0/z"), &r, NULL),
			    ERR_OK);
		op_test_done(&t);
	}
	assert_true(n > 20);
}

/* The nth call fails, or, if it is 0, none; what is there then. */
static bool
fail_call(const struct trial *trial, unsigned n, bool *said, struct buf *left)
{
	struct store_ops ops;
	struct store *faulty;
	struct op_test t;
	enum err_code rc;
	bool fired;

	begin(&t, trial, 7);
	assert_int_equal(fault_store_new(t.store, &faulty, NULL), ERR_OK);
	t.store = t.op.store = faulty;
	take_together(faulty, &ops, 1);
	fault_store_fail(faulty, n, ERR_IO, NULL);
	rc = operate(&t, trial);
	fired = fault_store_fired(faulty);
	*said = rc || t.out.n;
	tree_put(t.deny.inner, "/", left);
	op_test_done(&t);
	return fired;
}

/* What is not told was tried again, and is done. */
static void
every_failing_call_of_the_store_is_told(void **state)
{
	static const size_t of[] = { 0, 3 }; /* of trials */
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(of); i++) {
		struct buf want = { 0 };
		bool fired = true;
		bool said;
		unsigned n;

		assert_false(fail_call(&trials[of[i]], 0, &said, &want));
		assert_false(said);
		for (n = 1; fired; n++) {
			struct buf left = { 0 };

			fired = fail_call(&trials[of[i]], n, &said, &left);
			assert_true(fired || !said);
			if (!said)
				assert_str_equal(
				    buf_str(&left), buf_str(&want));
			buf_done(&left);
		}
		assert_true(n > 40);
		buf_done(&want);
	}
}

/* ---- a directory, which has its own way with files that are plain */

static void
set_prop(struct store *s, const char *path)
{
	const struct prop_change c = { .prop = {
					   .name = { STR("urn:x"),
					       STR("colour") },
					   .form = PROP_TEXT,
					   .value = STR("blue"),
				       } };

	assert_int_equal(
	    store_patch(s, at(path), &c, 1, NULL, NULL, NULL), ERR_OK);
}

static void
assert_prop(struct store *s, const char *path, bool want)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct prop *props;
	struct resource r;
	size_t n;

	assert_int_equal(store_stat(s, at(path), &r, NULL), ERR_OK);
	assert_int_equal(store_props(s, &r, &a, &props, &n, NULL), ERR_OK);
	assert_int_equal(n, want);
}

static void
lock_it(struct store *s, const char *path)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock_spec spec = { .timeout = INT64_C(3600000000000) };
	struct lock lock;
	bool created;

	assert_int_equal(
	    store_lock(s, at(path), &spec, NULL, &a, &lock, &created, NULL),
	    ERR_OK);
}

static void
assert_same(struct store *s, const char *a, const char *b)
{
	struct buf one = { 0 };
	struct buf two = { 0 };
	size_t i;

	tree_put(s, a, &one);
	tree_put(s, b, &two);
	assert_true(one.len > 1000);
	assert_int_equal(one.len, two.len);
	for (i = 0; i < one.len; i++)
		if (one.ptr[i] != two.ptr[i])
			assert_true(one.ptr[i] == 'd' && two.ptr[i] == 'e');
	buf_done(&one);
	buf_done(&two);
}

static void
a_directory_keeps_properties_and_locks(void **state)
{
	const struct transfer tr = { .from = at("/d"), .to = at("/e") };
	struct dir_store_spec spec = { .relaxed = true };
	struct tmpdir tmp;
	struct op_test t;
	bool created = false;

	(void)state;
	tmpdir_make(&tmp);
	spec.dir = tmp.path;
	op_test_init(&t, "");
	assert_int_equal(dir_store_open(&spec, &t.op.store, NULL), ERR_OK);
	t.op.store->helpers.max = 3;
	make(t.op.store, "/d", FOLDERS);
	set_prop(t.op.store, "/d/1/f2");
	set_prop(t.op.store, "/d/9/in");
	set_prop(t.op.store, "/d/deep/7/in");
	set_prop(t.op.store, "/d/deep/8/in/f3");
	assert_int_equal(
	    op_copy(&t.op, &tr, op_test_sink(&t), &created, NULL), ERR_OK);
	assert_true(created);
	assert_int_equal(t.out.n, 0);
	assert_same(t.op.store, "/d", "/e");
	assert_prop(t.op.store, "/e/1/f2", true);
	assert_prop(t.op.store, "/e/1/f3", false);
	assert_prop(t.op.store, "/e/9/in", true);
	assert_prop(t.op.store, "/e/9", false);
	assert_prop(t.op.store, "/e/deep/7/in", true);
	assert_prop(t.op.store, "/e/deep/8/in/f3", true);
	assert_prop(t.op.store, "/e/deep/8/in", false);
	lock_it(t.op.store, "/e/8/f3");
	lock_it(t.op.store, "/e/2/first");
	assert_int_equal(
	    op_delete(&t.op, at("/e"), NULL, op_test_sink(&t), NULL), ERR_OK);
	assert_int_equal(t.out.n, 2);
	assert_true(op_test_named(&t, at("/e/8/f3")));
	assert_true(op_test_named(&t, at("/e/2/first")));
	store_close(t.op.store);
	op_test_done(&t);
	tmpdir_remove(&tmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_left_and_said_is_what_one_thread_leaves_and_says),
		cmocka_unit_test(every_failing_allocation_is_told),
		cmocka_unit_test(all_that_stay_are_told_or_memory_ran_out),
		cmocka_unit_test(what_is_divided_comes_or_memory_ran_out),
		cmocka_unit_test(every_failing_call_of_the_store_is_told),
		cmocka_unit_test(a_directory_keeps_properties_and_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
