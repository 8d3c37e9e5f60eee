/* SPDX-License-Identifier: MIT */
/* Properties that have no transaction yet: none is lost, and all are seen. */
#include "store/state_world.h"

#include <stdio.h>
#include <stdlib.h>

#define MANY 5000 /* more than there are slots */
#define LONG ((size_t)300) /* more than fits into one */

static int64_t
rows(struct state_world *w)
{
	return raw_int(w, "SELECT count(*) FROM props");
}

static int64_t
lines(struct state_world *w)
{
	return raw_int(w, "SELECT count(*) FROM journal");
}

static struct prop_change
change_of(const char *name, const char *value)
{
	return (struct prop_change){
		.remove = !value,
		.prop = { .name = { STR("urn:t"), str_from_c(name) },
		    .form = value ? PROP_TEXT : PROP_EMPTY,
		    .value = str_from_c(value ? value : "") },
	};
}

/* "a=1 b=2 " */
static void
check_all(struct state_world *w, unsigned n, const char *want)
{
	struct arena a = { 0 };
	struct buf got = { 0 };
	const struct prop *props;
	size_t n_props, i;

	assert_ok(state_props(w->state, id(n), &a, &props, &n_props, err));
	for (i = 0; i < n_props; i++)
		buf_printf(&got, "%.*s=%.*s ", STR_ARG(props[i].name.local),
		    STR_ARG(props[i].value));
	assert_str_equal(buf_str(&got), str_from_c(want));
	arena_done(&a);
	buf_done(&got);
}

static void
a_small_change_has_no_transaction_and_is_seen(void **state)
{
	struct state_world *w = *state;
	bool has = false;
	uint64_t inode, born;

	memcpy(&inode, id(0)->bytes, sizeof(inode));
	memcpy(&born, id(0)->bytes + sizeof(inode), sizeof(born));
	assert_false(state_may_have_props(w->state, id(0)));
	assert_false(state_may_have_props_by_inode(w->state, inode));
	assert_false(state_may_have_props_since(w->state, born));
	set_prop(w, 0, "1");
	assert_int_equal(rows(w), 0);
	assert_true(state_may_have_props(w->state, id(0)));
	assert_true(state_may_have_props_by_inode(w->state, inode));
	assert_false(state_may_have_props_by_inode(w->state, inode + 1));
	assert_true(state_may_have_props_since(w->state, born - 1));
	assert_true(state_may_have_props_since(w->state, born));
	assert_false(state_may_have_props_since(w->state, born + 1));
	check_prop(w, 0, "1");
	assert_int_equal(rows(w), 1);
	assert_ok(state_sync(w->state, err)); /* or it would come before */
	set_prop(w, 1, "2");
	assert_int_equal(rows(w), 1);
	assert_ok(state_has_props(w->state, id(1), &has, err));
	assert_true(has);
	assert_int_equal(rows(w), 2);
	assert_int_equal(lines(w), 2);
}

static void
a_crash_takes_none_of_them(void **state)
{
	struct state_world *w = *state;

	set_prop(w, 0, "1");
	set_prop(w, 1, "2");
	set_prop(w, 0, "3");
	assert_int_equal(rows(w), 0);
	state_world_crash(w);
	assert_int_equal(rows(w), 2);
	assert_int_equal(lines(w), 3);
	check_prop(w, 0, "3");
	check_prop(w, 1, "2");
	state_world_crash(w);
	assert_int_equal(lines(w), 3);
}

static void
several_changes_of_one_are_made_in_order(void **state)
{
	struct state_world *w = *state;
	const struct prop_change first[] = {
		change_of("a", "1"),
		change_of("b", "2"),
		change_of("c", ""),
	};
	const struct prop_change second[] = {
		change_of("b", "3"),
		change_of("b", NULL),
		change_of("c", NULL),
		change_of("c", "4"),
		change_of("none", NULL),
	};

	assert_ok(patch_props(w->state, id(0), first, ARRAY_LEN(first), err));
	check_all(w, 0, "a=1 b=2 c= ");
	assert_ok(patch_props(w->state, id(0), second, ARRAY_LEN(second), err));
	check_all(w, 0, "a=1 c=4 ");
}

static void
those_with_and_without_a_transaction_keep_their_order(void **state)
{
	struct state_world *w = *state;
	char value[LONG + 1];
	struct prop_change big;

	memset(value, 'x', LONG);
	value[LONG] = '\0';
	big = change_of("p", value);
	set_prop(w, 0, "1");
	assert_ok(patch_props(w->state, id(0), &big, 1, err));
	assert_int_equal(lines(w), 2);
	check_prop(w, 0, value);
	set_prop(w, 0, "2");
	state_world_crash(w);
	check_prop(w, 0, "2");
	set_prop(w, 0, "3");
	assert_ok(patch_props(w->state, id(0), &big, 1, err));
	state_world_crash(w);
	check_prop(w, 0, value);
	assert_int_equal(lines(w), 5);
}

/* What is of a resource that goes, or is copied, is there by then. */
static void
who_copies_or_drops_them_finds_them_all(void **state)
{
	struct state_world *w = *state;
	const struct change copy = { .kind = CHANGE_WRITE,
		.path = at("/b"),
		.made = id(1),
		.props_of = id(0) };
	const struct change gone = {
		.kind = CHANGE_REMOVE, .path = at("/p"), .gone = id(0)
	};
	uint64_t intent;

	set_prop(w, 0, "1");
	assert_ok(state_change_begin(w->state, &copy, true, &intent, err));
	state_change_end(w->state, intent, true);
	check_prop(w, 1, "1");
	set_prop(w, 0, "2");
	assert_ok(state_change_begin(w->state, &gone, true, &intent, err));
	state_change_end(w->state, intent, true);
	check_prop(w, 0, "");
	check_prop(w, 1, "1");
	state_world_crash(w);
	check_prop(w, 0, "");
	check_prop(w, 1, "1");
}

static void
there_may_be_more_than_slots(void **state)
{
	struct state_world *w = *state;
	char value[20] = "";
	int i;

	for (i = 0; i < MANY; i++) {
		(void)snprintf(value, sizeof(value), "%d", i);
		set_prop(w, (unsigned)i % 3, value);
		if (i % 1999 == 0)
			check_prop(w, (unsigned)i % 3, value);
	}
	check_prop(w, (MANY - 1) % 3, value);
	state_world_crash(w);
	assert_int_equal(lines(w), MANY);
	assert_int_equal(rows(w), 3);
	check_prop(w, (MANY - 1) % 3, value);
}

/* The last bytes are counted as well where they have no transaction. */
static void
a_resource_has_so_many_bytes_of_them_and_no_more(void **state)
{
	struct state_world *w = *state;
	const size_t half = STORE_PROPS_MAX / 2 - 1000;
	char *value = malloc(half + 1);
	struct prop_change big;
	char name[20];
	int i;
	enum err_code rc = ERR_OK;

	assert_non_null(value);
	memset(value, 'x', half);
	value[half] = '\0';
	big = change_of("a", value);
	assert_ok(patch_props(w->state, id(0), &big, 1, err));
	big = change_of("b", value);
	assert_ok(patch_props(w->state, id(0), &big, 1, err));
	for (i = 0; !rc; i++) {
		struct prop_change c = change_of(name, "0123456789");

		(void)snprintf(name, sizeof(name), "n%d", i);
		c.prop.name.local = str_from_c(name);
		rc = patch_props(w->state, id(0), &c, 1, NULL);
	}
	assert_int_equal(rc, ERR_TOO_LARGE);
	assert_in_range(i, 50, 200);
	assert_in_range(raw_int(w,
			    "SELECT total(length(ns) + length(local) +"
			    " length(value)) FROM props"),
	    STORE_PROPS_MAX - 30, STORE_PROPS_MAX);
	free(value);
}

int
main(void)
{
#define BOTH(test) STATE_TEST(test), STRICT_TEST(test)
	static const struct CMUnitTest tests[] = {
		BOTH(a_small_change_has_no_transaction_and_is_seen),
		BOTH(a_crash_takes_none_of_them),
		BOTH(several_changes_of_one_are_made_in_order),
		BOTH(those_with_and_without_a_transaction_keep_their_order),
		BOTH(who_copies_or_drops_them_finds_them_all),
		BOTH(there_may_be_more_than_slots),
		BOTH(a_resource_has_so_many_bytes_of_them_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
