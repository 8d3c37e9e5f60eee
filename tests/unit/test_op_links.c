/* SPDX-License-Identifier: MIT */
/*
 * Symbolic links in a directory: what an operation does to a tree it does not
 * do to what a link in it leads to.
 */
#include "lib/test.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/op_test.h"
#include "lib/tmpdir.h"
#include "store/stores.h"

struct linked {
	struct op_test t;
	struct tmpdir tmp;
};

/* "/s/link" leads to "/other". */
static void
linked_init(struct linked *l)
{
	struct dir_store_spec spec = { .relaxed = true };
	struct buf name = { 0 };

	*l = (struct linked){ 0 };
	tmpdir_make(&l->tmp);
	op_test_init(&l->t, "");
	store_close(l->t.deny.inner);
	spec.dir = l->tmp.path;
	assert_int_equal(dir_store_open(&spec, &l->t.deny.inner, NULL), ERR_OK);
	tree_make(l->t.deny.inner,
	    "/other/ /other/a=1 /other/k/ /other/k/b=2 /s/ /s/x=3");
	buf_printf(&name, "%s/s/link%c", l->tmp.path, 0);
	assert_int_equal(symlink("../other", name.ptr), 0);
	buf_done(&name);
}

static void
linked_done(struct linked *l)
{
	op_test_done(&l->t);
	tmpdir_remove(&l->tmp);
}

static void
delete_takes_the_link_alone(void **state)
{
	static const struct {
		const char *root, *left;
	} cases[] = {
		{ "/s", "/other/ /other/a=1 /other/k/ /other/k/b=2" },
		{ "/s/link",
		    "/other/ /other/a=1 /other/k/ /other/k/b=2 /s/ /s/x=3" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct linked l;

		linked_init(&l);
		assert_int_equal(op_delete(&l.t.op, at(cases[i].root), NULL,
				     op_test_sink(&l.t), NULL),
		    ERR_OK);
		assert_str_equal(op_test_said(&l.t), STR(""));
		assert_tree(l.t.deny.inner, cases[i].left);
		linked_done(&l);
	}
}

static void
a_slow_move_leaves_what_a_link_leads_to(void **state)
{
	static const struct transfer t = {
		.from = { STR_INIT("/s") },
		.to = { STR_INIT("/n") },
		.overwrite = true,
	};
	struct linked l;
	bool created;

	(void)state;
	linked_init(&l);
	l.t.deny.no_rename = true;
	assert_int_equal(
	    op_move(&l.t.op, &t, op_test_sink(&l.t), &created, NULL), ERR_OK);
	assert_str_equal(op_test_said(&l.t), STR(""));
	assert_tree(l.t.deny.inner,
	    "/n/ /n/link/ /n/link/a=1 /n/link/k/ /n/link/k/b=2 /n/x=3 "
	    "/other/ /other/a=1 /other/k/ /other/k/b=2");
	linked_done(&l);
}

static void
a_link_to_what_could_not_be_moved_stays(void **state)
{
	static const struct transfer t = {
		.from = { STR_INIT("/s") },
		.to = { STR_INIT("/n") },
		.overwrite = true,
	};
	struct linked l;
	bool created;

	(void)state;
	linked_init(&l);
	l.t.deny.no_rename = true;
	deny(&l.t.deny, "/s/link/k/b", DENY_COPY_FROM, ERR_FORBIDDEN);
	assert_int_equal(
	    op_move(&l.t.op, &t, op_test_sink(&l.t), &created, NULL), ERR_OK);
	assert_str_equal(op_test_said(&l.t), STR("/s/link/k/b 403"));
	assert_tree(l.t.deny.inner,
	    "/n/ /n/link/ /n/link/a=1 /n/link/k/ /n/x=3 "
	    "/other/ /other/a=1 /other/k/ /other/k/b=2 "
	    "/s/ /s/link/ /s/link/a=1 /s/link/k/ /s/link/k/b=2");
	linked_done(&l);
}

static void
a_copy_removes_nothing_through_a_link(void **state)
{
	static const struct transfer t = {
		.from = { STR_INIT("/n") },
		.to = { STR_INIT("/s") },
		.overwrite = true,
	};
	struct linked l;
	bool created;

	(void)state;
	linked_init(&l);
	tree_make(l.t.deny.inner, "/n/ /n/link/ /n/link/new=4");
	assert_int_equal(
	    op_copy(&l.t.op, &t, op_test_sink(&l.t), &created, NULL), ERR_OK);
	assert_tree(l.t.deny.inner,
	    "/n/ /n/link/ /n/link/new=4 "
	    "/other/ /other/a=1 /other/k/ /other/k/b=2 /other/new=4 "
	    "/s/ /s/link/ /s/link/a=1 /s/link/k/ /s/link/k/b=2 "
	    "/s/link/new=4");
	linked_done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delete_takes_the_link_alone),
		cmocka_unit_test(a_slow_move_leaves_what_a_link_leads_to),
		cmocka_unit_test(a_link_to_what_could_not_be_moved_stays),
		cmocka_unit_test(a_copy_removes_nothing_through_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
