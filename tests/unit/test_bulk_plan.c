/* SPDX-License-Identifier: MIT */
/* Who waits for whom in a batch. */
#include "lib/test.h"

#include <stdio.h>

#include "lib/alloc_fail.h"
#include "lib/plan_try.h"

/* Who is begun together, when all of those are done before more are begun. */
static void
put_waves(const struct plan_try *t, struct buf *out)
{
	struct plan_unit u, wave[PLAN_TRY_MAX];
	struct plan *p;
	size_t i, n;

	assert_int_equal(plan_new(t->items, t->n, &p, NULL), ERR_OK);
	while (!plan_is_empty(p)) {
		for (n = 0; plan_peek(p, &u); n++) {
			plan_take(p);
			wave[n] = u;
			if (out->len)
				buf_putc(out, n ? ' ' : '|');
			buf_put_u64(out, u.first);
			if (u.n > 1)
				buf_printf(out, "-%zu", u.first + u.n - 1);
		}
		assert_true(n);
		for (i = 0; i < n; i++)
			plan_done(p, &wave[i]);
	}
	plan_free(p);
}

static void
only_those_wait_that_mind_each_other(void **state)
{
	static const struct {
		const char *what, *items, *waves;
	} cases[] = {
		{ "different files", "w/a\nw/b\nw/c", "0 1 2" },
		{ "the same file", "w/a\nw/a\nw/a", "0|1|2" },
		{ "those who only read", "r/a\nr/a\nr/", "0 1 2" },
		{ "readers, then a writer", "r/a\nr/a\nw/a\nr/a", "0 1|2|3" },
		{ "a collection and its members", "w/d\nw/d/1\nw/d/2",
		    "0|1 2" },
		{ "members and their collection", "w/d/1\nw/d/2\nw/d",
		    "0 1|2" },
		{ "a listing waits for members", "w/d/1\nr/d\nw/d/2", "0|1|2" },
		{ "a name that begins alike", "w/d\nw/d2\nw/d/x", "0 1|2" },
		{ "the root is above all", "w/a\nw/\nw/b", "0|1|2" },
		{ "a move touches two", "w/a w/b\nw/a/x\nw/b/x\nw/c",
		    "0 3|1 2" },
		{ "a copy reads one", "r/a w/b\nr/a w/c\nw/a", "0 1|2" },
		{ "one that depends", "w/a\nw/b +0\nw/c +1", "0|1|2" },
		{ "a group is one", "w/a\nw/b &\nw/b/x\nw/c", "0-1 3|2" },
		{ "on one of a group", "w/a\nw/b &\nw/c +0", "0-1|2" },
		{ "a group that waits", "w/a/1\nw/x\nw/a &\nw/y", "0 3|1-2" },
		{ "a group and itself", "w/a\nw/a/b & +0\nw/a &", "0-2" },
	};
	static struct plan_try t;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = { 0 };

		plan_try_read(&t, str_from_c(cases[i].items));
		put_waves(&t, &b);
		if (!str_eq(buf_str(&b), str_from_c(cases[i].waves)))
			print_error("%s:\n", cases[i].what);
		assert_str_equal(buf_str(&b), str_from_c(cases[i].waves));
		buf_done(&b);
	}
}

static uint32_t
next(uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695041;
	return (uint32_t)(*random >> 33);
}

static void
put_path(struct buf *b, uint64_t *random)
{
	uint32_t depth = next(random) % 4, i;

	for (i = 0; i < depth; i++)
		buf_printf(b, "/%c", 'a' + (int)(next(random) % 3));
	if (!depth)
		buf_putc(b, '/');
}

static void
put_items(struct buf *b, uint64_t *random)
{
	uint32_t i, k, n = 1 + next(random) % 40;

	for (i = 0; i < n; i++) {
		for (k = next(random) % 3; k; k--) {
			buf_putc(b, next(random) % 3 ? 'w' : 'r');
			put_path(b, random);
			buf_putc(b, ' ');
		}
		if (i && next(random) % 4 == 0)
			buf_printf(b, "+%u ", next(random) % i);
		if (i && next(random) % 6 == 0)
			buf_putc(b, '&');
		buf_putc(b, '\n');
	}
}

static void
any_items_run_as_the_words_have_it(void **state)
{
	static struct plan_try t;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < 1000; seed++) {
		struct buf b = { 0 };
		uint64_t random = seed;
		const char *wrong;

		put_items(&b, &random);
		plan_try_read(&t, buf_str(&b));
		wrong = plan_try_run(&t, seed);
		if (wrong)
			print_error("seed %llu: %s\n%.*s",
			    (unsigned long long)seed, wrong, (int)b.len, b.ptr);
		assert_null(wrong);
		buf_done(&b);
	}
}

#define MANY ((size_t)1000)

static void
a_thousand_items_are_looked_at_no_more_often_than_each_by_each(void **state)
{
	static struct plan_item items[MANY];
	static struct plan_touch touches[MANY];
	static char paths[MANY][400];
	int shape;

	(void)state;
	for (shape = 0; shape < 4; shape++) {
		struct plan_unit u;
		struct plan *p;
		size_t i, k, n;

		for (i = 0; i < MANY; i++) {
			n = (size_t)snprintf(paths[i], sizeof(paths[i]), "/%zu",
			    shape == 1 ? 0 : i);
			for (k = 0; shape == 2 && k < 90; k++)
				n += (size_t)snprintf(
				    paths[i] + n, 4, "/%zu", k % 10);
			if (shape == 3 && i % 2)
				n = 1;
			touches[i] =
			    (struct plan_touch){ { str_of(paths[i], n) },
				    shape != 3 || !(i % 2) };
			items[i] = (struct plan_item){ .touches = &touches[i],
				.n_touches = 1 };
		}
		assert_int_equal(plan_new(items, MANY, &p, NULL), ERR_OK);
		for (n = 0; plan_peek(p, &u); n++) {
			plan_take(p);
			plan_done(p, &u);
		}
		assert_int_equal(n, MANY);
		/* And with the names of its path, which are 64 at most. */
		assert_in_range(plan_looks(p), MANY, MANY * (MANY + 65));
		plan_free(p);
	}
}

static void
a_plan_there_is_no_memory_for_is_none(void **state)
{
	static struct plan_try t;
	struct buf b = { 0 };
	uint64_t random = 7;
	unsigned long n;
	enum err_code rc;
	struct plan *p = NULL;

	(void)state;
	put_items(&b, &random);
	plan_try_read(&t, buf_str(&b));
	for (n = 1;; n++) {
		alloc_fail_at(n);
		rc = plan_new(t.items, t.n, &p, NULL);
		if (!alloc_fail_stop())
			break;
		assert_int_equal(rc, ERR_NOMEM);
	}
	assert_int_equal(rc, ERR_OK);
	assert_true(n > 4);
	plan_free(p);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_those_wait_that_mind_each_other),
		cmocka_unit_test(any_items_run_as_the_words_have_it),
		cmocka_unit_test(
		    a_thousand_items_are_looked_at_no_more_often_than_each_by_each),
		cmocka_unit_test(a_plan_there_is_no_memory_for_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
