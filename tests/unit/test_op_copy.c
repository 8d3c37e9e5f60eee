/* SPDX-License-Identifier: MIT */
/* COPY and MOVE: what they leave behind, and what they say of it. */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/op_test.h"
#include "store/stores.h"

typedef enum err_code transfer_fn(const struct op *op, const struct transfer *t,
    struct sink *out, bool *created, struct err *err);

static struct transfer
transfer(const char *from, const char *to)
{
	return (struct transfer){
		.from = at(from),
		.to = at(to),
		.overwrite = true,
	};
}

static void
overlapping_paths_are_refused_untouched(void **state)
{
	static transfer_fn *const fns[] = { op_copy, op_move };
	static const char *const pairs[][2] = {
		{ "/a", "/a" },
		{ "/a", "/a/b" },
		{ "/a", "/a/b/new" },
		{ "/a/b", "/a" },
		{ "/a/b/c", "/a" },
		{ "/", "/x" },
		{ "/a", "/" },
	};
	struct op_test t;
	size_t f, i;

	(void)state;
	op_test_init(&t, "/a/ /a/b/ /a/b/c=1");
	for (f = 0; f < ARRAY_LEN(fns); f++) {
		for (i = 0; i < ARRAY_LEN(pairs); i++) {
			struct transfer tr = transfer(pairs[i][0], pairs[i][1]);
			bool created;

			assert_int_equal(fns[f](&t.op, &tr, op_test_sink(&t),
					     &created, NULL),
			    ERR_SELF);
			assert_tree(t.deny.inner, "/a/ /a/b/ /a/b/c=1");
		}
	}
	op_test_done(&t);
}

static void
both_do_the_same_to_the_destination(void **state)
{
	static const struct {
		const char *what;
		const char *from, *to;
		bool overwrite;
		enum err_code rc;
		bool created;
		const char *dst; /* of /a or /n */
	} cases[] = {
		{ "a file to nowhere", "/f", "/n", true, ERR_OK, true, "/n=1" },
		{ "a tree to nowhere", "/s", "/n", false, ERR_OK, true,
		    "/n/ /n/k/ /n/k/z=3 /n/x=2" },
		{ "a file over a file", "/f", "/a/x", true, ERR_OK, false,
		    "/a/ /a/k=6 /a/old/ /a/old/y=5 /a/x=1" },
		{ "no overwriting", "/f", "/a/x", false, ERR_PRECONDITION,
		    false, "/a/ /a/k=6 /a/old/ /a/old/y=5 /a/x=4" },
		{ "a file over a collection", "/f", "/a", true, ERR_OK, false,
		    "/a=1" },
		{ "a tree over a tree: no merge", "/s", "/a", true, ERR_OK,
		    false, "/a/ /a/k/ /a/k/z=3 /a/x=2" },
		{ "a tree over a file", "/s", "/a/x", true, ERR_OK, false,
		    "/a/ /a/k=6 /a/old/ /a/old/y=5 /a/x/ /a/x/k/ /a/x/k/z=3 "
		    "/a/x/x=2" },
		{ "no parent", "/f", "/none/n", true, ERR_NO_PARENT, false,
		    "" },
		{ "no source", "/none", "/n", true, ERR_NOT_FOUND, false, "" },
	};
	enum { COPY, MOVE, MOVE_SLOWLY, HOWS };
	size_t i;
	int how;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases) * HOWS; i++) {
		struct op_test t;
		struct transfer tr =
		    transfer(cases[i / HOWS].from, cases[i / HOWS].to);
		struct buf got = { 0 };
		struct str top;
		bool created = false;
		enum err_code rc;

		how = (int)(i % HOWS);
		op_test_init(&t,
		    "/a/ /a/k=6 /a/old/ /a/old/y=5 /a/x=4 /f=1 "
		    "/s/ /s/k/ /s/k/z=3 /s/x=2");
		t.deny.no_rename = how == MOVE_SLOWLY;
		tr.overwrite = cases[i / HOWS].overwrite;
		rc = (how == COPY ? op_copy : op_move)(
		    &t.op, &tr, op_test_sink(&t), &created, NULL);
		assert_int_equal(rc, cases[i / HOWS].rc);
		assert_int_equal(t.out.n, 0);
		assert_int_equal(t.out.ended, rc == ERR_OK);
		assert_int_equal(created, cases[i / HOWS].created);
		top = str_head(tr.to.s, 2);
		tree_put(
		    t.deny.inner, str_eq(top, STR("/a")) ? "/a" : "/n", &got);
		assert_str_equal(
		    buf_str(&got), str_from_c(cases[i / HOWS].dst));
		buf_clear(&got);
		if (rc == ERR_OK)
			tree_put(t.deny.inner, cases[i / HOWS].from, &got);
		assert_int_equal(got.len == 0, how != COPY || rc != ERR_OK);
		buf_done(&got);
		op_test_done(&t);
	}
}

static void
a_shallow_copy_has_no_members(void **state)
{
	struct op_test t;
	struct transfer tr = transfer("/s", "/a");
	bool created;

	(void)state;
	op_test_init(&t, "/a/ /a/o/ /a/o/p=1 /a/x=2 /s/ /s/x=3");
	tr.shallow = true;
	assert_int_equal(
	    op_copy(&t.op, &tr, op_test_sink(&t), &created, NULL), ERR_OK);
	assert_int_equal(t.out.n, 0);
	assert_false(created);
	assert_tree(t.deny.inner, "/a/ /s/ /s/x=3");
	op_test_done(&t);
}

struct refusal {
	const char *path;
	unsigned what;
	enum err_code code;
};

static void
a_copy_names_what_it_could_not_do(void **state)
{
	static const struct {
		const char *what;
		struct refusal denied[2];
		const char *said;
		const char *dst;
	} cases[] = {
		{ "an unreadable member leaves no twin, and the old one",
		    { { "/s/x", DENY_COPY_FROM, ERR_FORBIDDEN } }, "/s/x 403",
		    "/a/ /a/k/ /a/k/z=3 /a/x=4" },
		{ "the destination is the cause",
		    { { "/a/x", DENY_COPY_TO, ERR_NO_SPACE } }, "/a/x 507",
		    "/a/ /a/k/ /a/k/z=3 /a/x=4" },
		{ "members of a failed collection are left out, unsaid",
		    { { "/a/k", DENY_COPY_TO, ERR_FORBIDDEN } }, "/a/k/ 403",
		    "/a/ /a/k=6 /a/x=2" },
		{ "an unlisted collection is not made an empty one",
		    { { "/s/k", DENY_LIST, ERR_FORBIDDEN } }, "/s/k/ 403",
		    "/a/ /a/k=6 /a/x=2" },
		{ "an old member that does not go",
		    { { "/a/old/y", DENY_REMOVE, ERR_FORBIDDEN } },
		    "/a/old/y 403",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/old/y=5 /a/x=2" },
		{ "one of each",
		    { { "/s/x", DENY_COPY_FROM, ERR_IO },
			{ "/a/old", DENY_REMOVE, ERR_IN_USE } },
		    "/s/x 500 /a/old/ 403",
		    "/a/ /a/k/ /a/k/z=3 /a/old/ /a/x=4" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct op_test t;
		struct transfer tr = transfer("/s", "/a");
		struct buf got = { 0 };
		bool created;

		op_test_init(&t,
		    "/a/ /a/k=6 /a/old/ /a/old/y=5 /a/x=4 "
		    "/s/ /s/k/ /s/k/z=3 /s/x=2");
		for (k = 0; k < 2 && cases[i].denied[k].path; k++)
			deny(&t.deny, cases[i].denied[k].path,
			    cases[i].denied[k].what, cases[i].denied[k].code);
		assert_int_equal(
		    op_copy(&t.op, &tr, op_test_sink(&t), &created, NULL),
		    ERR_OK);
		assert_str_equal(op_test_said(&t), str_from_c(cases[i].said));
		tree_put(t.deny.inner, "/a", &got);
		assert_str_equal(buf_str(&got), str_from_c(cases[i].dst));
		buf_done(&got);
		op_test_done(&t);
	}
}

static void
a_root_that_fails_is_an_error_and_nothing_is_done(void **state)
{
	static const struct refusal denied[] = {
		{ "/s", DENY_COPY_FROM, ERR_FORBIDDEN },
		{ "/s", DENY_LIST, ERR_FORBIDDEN },
		{ "/s", DENY_STAT, ERR_FORBIDDEN },
		{ "/n", DENY_COPY_TO, ERR_NO_SPACE },
	};
	static transfer_fn *const fns[] = { op_copy, op_move };
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(denied); i++) {
		const struct refusal *d = &denied[i / 2];
		struct op_test t;
		struct transfer tr = transfer("/s", "/n");
		struct err err = { 0 };
		bool created;

		op_test_init(&t, "/s/ /s/x=1");
		t.deny.no_rename = true;
		deny(&t.deny, d->path, d->what, d->code);
		assert_int_equal(
		    fns[i % 2](&t.op, &tr, op_test_sink(&t), &created, &err),
		    d->code);
		assert_int_equal(err.code, d->code);
		assert_int_equal(t.out.n, 0);
		assert_tree(t.deny.inner, "/s/ /s/x=1");
		op_test_done(&t);
	}
}

static void
a_move_member_by_member_loses_none(void **state)
{
	static const struct {
		const char *what;
		struct refusal denied[2];
		const char *said;
		const char *left;
	} cases[] = {
		{ "all goes well", { { 0 } }, "",
		    "/n/ /n/k/ /n/k/e/ /n/k/z=3 /n/x=2" },
		{ "a member that cannot be copied stays",
		    { { "/s/k/z", DENY_COPY_FROM, ERR_FORBIDDEN } },
		    "/s/k/z 403",
		    "/n/ /n/k/ /n/k/e/ /n/x=2 /s/ /s/k/ /s/k/z=3" },
		{ "one that cannot be removed is in both places",
		    { { "/s/x", DENY_REMOVE, ERR_FORBIDDEN } }, "/s/x 403",
		    "/n/ /n/k/ /n/k/e/ /n/k/z=3 /n/x=2 /s/ /s/x=2" },
		{ "what was left out keeps even its empty collections",
		    { { "/n/k", DENY_COPY_TO, ERR_NO_SPACE } }, "/n/k/ 507",
		    "/n/ /n/x=2 /s/ /s/k/ /s/k/e/ /s/k/z=3" },
		{ "a collection that cannot be listed stays",
		    { { "/s/k", DENY_LIST, ERR_IO } }, "/s/k/ 500",
		    "/n/ /n/x=2 /s/ /s/k/ /s/k/e/ /s/k/z=3" },
		{ "the root alone stays", { { "/s", DENY_REMOVE, ERR_IN_USE } },
		    "/s/ 403", "/n/ /n/k/ /n/k/e/ /n/k/z=3 /n/x=2 /s/" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct op_test t;
		struct transfer tr = transfer("/s", "/n");
		bool created = false;

		op_test_init(&t, "/s/ /s/k/ /s/k/e/ /s/k/z=3 /s/x=2");
		t.deny.no_rename = true;
		for (k = 0; k < 2 && cases[i].denied[k].path; k++)
			deny(&t.deny, cases[i].denied[k].path,
			    cases[i].denied[k].what, cases[i].denied[k].code);
		assert_int_equal(
		    op_move(&t.op, &tr, op_test_sink(&t), &created, NULL),
		    ERR_OK);
		assert_true(created);
		assert_str_equal(op_test_said(&t), str_from_c(cases[i].said));
		assert_tree(t.deny.inner, cases[i].left);
		op_test_done(&t);
	}
}

static void
change_x(struct deny_store *d, struct rpath from)
{
	if (str_eq(from.s, STR("/s/x")))
		tree_make(d->inner, "/s/x=newer");
}

static void
add_y(struct deny_store *d, struct rpath from)
{
	if (str_eq(from.s, STR("/s")))
		tree_make(d->inner, "/s/k/ /s/y=late");
}

static void
what_changes_during_a_move_is_kept(void **state)
{
	static const struct {
		void (*copied)(struct deny_store *d, struct rpath from);
		const char *tree, *said, *left;
	} cases[] = {
		{ change_x, "/s/ /s/x=old", "/s/x 503",
		    "/n/ /n/x=old /s/ /s/x=newer" },
		{ add_y, "/s/", "", "/n/ /n/k/ /n/y=late" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct op_test t;
		struct transfer tr = transfer("/s", "/n");
		bool created;

		op_test_init(&t, cases[i].tree);
		t.deny.no_rename = true;
		t.deny.copied = cases[i].copied;
		assert_int_equal(
		    op_move(&t.op, &tr, op_test_sink(&t), &created, NULL),
		    ERR_OK);
		assert_str_equal(op_test_said(&t), str_from_c(cases[i].said));
		assert_tree(t.deny.inner, cases[i].left);
		op_test_done(&t);
	}
}

static void
a_listing_that_breaks_off_removes_nothing_unseen(void **state)
{
	static transfer_fn *const fns[] = { op_copy, op_move };
	static const char *const left[] = {
		"/a/ /a/k/ /a/k/p=1 /a/k/q=7 /s/ /s/k/ /s/k/p=1 /s/k/q=2",
		"/a/ /a/k/ /a/k/p=1 /a/k/q=7 /s/ /s/k/ /s/k/q=2",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(fns); i++) {
		struct op_test t;
		struct transfer tr = transfer("/s", "/a");
		bool created;

		op_test_init(
		    &t, "/a/ /a/k/ /a/k/q=7 /s/ /s/k/ /s/k/p=1 /s/k/q=2");
		t.deny.no_rename = true;
		deny(&t.deny, "/s/k", DENY_LIST_ON, ERR_IO);
		assert_int_equal(
		    fns[i](&t.op, &tr, op_test_sink(&t), &created, NULL),
		    ERR_OK);
		assert_str_equal(op_test_said(&t), STR("/s/k/ 500"));
		assert_tree(t.deny.inner, left[i]);
		op_test_done(&t);
	}
}

/* A member that a slow MOVE says nothing of is where it should be. */
static void
is_truthful(struct op_test *t, transfer_fn *fn, enum err_code rc)
{
	struct resource res;
	bool there =
	    store_stat(t->deny.inner, at("/a/k/z"), &res, NULL) == ERR_OK;
	bool gone =
	    store_stat(t->deny.inner, at("/s"), &res, NULL) == ERR_NOT_FOUND;
	bool merged =
	    store_stat(t->deny.inner, at("/a/old"), &res, NULL) == ERR_OK;

	if (rc == ERR_OK && !t->out.n) {
		assert_true(there);
		assert_false(merged);
		assert_int_equal(gone, fn == op_move);
	}
	if (gone) /* nothing is lost */
		assert_true(there);
}

#define TREE "/a/ /a/old/ /a/old/y=5 /a/x=4 /s/ /s/k/ /s/k/z=3 /s/x=2"

static void
every_failing_call_of_the_store_is_told(void **state)
{
	static transfer_fn *const fns[] = { op_copy, op_move };
	static const enum err_code codes[] = { ERR_IO, ERR_NOMEM };
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		transfer_fn *fn = fns[i % 2];
		unsigned n;
		bool fired;

		for (n = 1, fired = true; fired; n++) {
			struct op_test t;
			struct store *faulty;
			struct transfer tr = transfer("/s", "/a");
			bool created;
			enum err_code rc;

			op_test_init(&t, TREE);
			t.deny.no_rename = i < 4;
			assert_int_equal(
			    fault_store_new(t.store, &faulty, NULL), ERR_OK);
			t.store = t.op.store = faulty;
			fault_store_fail(faulty, n, codes[i / 2 % 2], NULL);
			rc = fn(&t.op, &tr, op_test_sink(&t), &created, NULL);
			fired = fault_store_fired(faulty);
			assert_true(fired || (!rc && !t.out.n));
			is_truthful(&t, fn, rc);
			op_test_done(&t);
		}
		assert_true(n > 2);
	}
}

static void
every_failing_allocation_is_survived_and_told(void **state)
{
	static transfer_fn *const fns[] = { op_copy, op_move };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(fns); i++) {
		unsigned long n;
		bool fired;

		for (n = 1, fired = true; fired; n++) {
			struct op_test t;
			struct transfer tr = transfer("/s", "/a");
			bool created;
			enum err_code rc;

			op_test_init(&t, TREE);
			t.deny.no_rename = true;
			deny(&t.deny, "/s/k", DENY_LIST, ERR_FORBIDDEN);
			(void)op_test_sink(&t);
			alloc_fail_at(n);
			rc = fns[i](&t.op, &tr, &t.out.base, &created, NULL);
			fired = alloc_fail_stop();
			if (!fired)
				assert_int_equal(rc, ERR_OK);
			is_truthful(&t, fns[i], rc);
			op_test_done(&t);
		}
		assert_true(n > 10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlapping_paths_are_refused_untouched),
		cmocka_unit_test(both_do_the_same_to_the_destination),
		cmocka_unit_test(a_shallow_copy_has_no_members),
		cmocka_unit_test(a_copy_names_what_it_could_not_do),
		cmocka_unit_test(
		    a_root_that_fails_is_an_error_and_nothing_is_done),
		cmocka_unit_test(a_move_member_by_member_loses_none),
		cmocka_unit_test(what_changes_during_a_move_is_kept),
		cmocka_unit_test(
		    a_listing_that_breaks_off_removes_nothing_unseen),
		cmocka_unit_test(every_failing_call_of_the_store_is_told),
		cmocka_unit_test(every_failing_allocation_is_survived_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
