/* SPDX-License-Identifier: MIT */
/* Walks of a draft: what cannot be listed, and what changes meanwhile. */
#include <stdio.h>
#include <stdlib.h>

#include "store/draft.h"
#include "store/stores.h"
#include "store/suite.h"

struct world {
	struct store *base; /* a fault store */
	struct store *s; /* the draft */
};

static void
begin(struct world *w)
{
	const struct draft_spec spec = { .max_changed = 1000 };

	store_close(w->s);
	assert_ok(draft_new(w->base, &spec, &w->s, err));
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct store *inner;
	int i;

	assert_non_null(w);
	assert_ok(mem_store_new(&inner, err));
	assert_ok(fault_store_new(inner, &w->base, err));
	must_mkcol(w->base, "/d");
	for (i = 0; i < 20; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/d/f%d", i);
		must_put(w->base, path, "x");
	}
	begin(w);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	store_close(w->s);
	store_close(w->base);
	free(w);
	return 0;
}

static enum err_code
note_failed(void *arg, const struct member *m, bool *prune)
{
	struct buf *b = arg;

	(void)prune;
	if (m->failed)
		buf_printf(
		    b, "%.*s %s;", STR_ARG(m->path.s), err_name(m->failed));
	return ERR_OK;
}

static void
what_the_base_cannot_list_is_said_once(void **state)
{
	static const enum walk_order orders[] = { WALK_DOWN, WALK_UP };
	struct world *w = *state;
	const struct rpath d = at("/d");
	size_t i;

	must_put(w->s, "/d/new", "x");
	fault_store_spoil(w->base, ERR_FORBIDDEN, &d);
	for (i = 0; i < ARRAY_LEN(orders); i++) {
		struct buf b CLEANUP(buf_done) = { 0 };
		const struct walk walk = {
			.depth = DEPTH_INFINITY,
			.order = orders[i],
			.visit = note_failed,
			.arg = &b,
		};

		assert_ok(store_walk(w->s, at("/"), &walk, err));
		assert_str_equal(buf_str(&b), STR("/d FORBIDDEN;"));
	}
	fault_store_spoil(w->base, ERR_OK, NULL);
}

/* ---- members that change under a walk */

struct touching {
	struct store *s;
	size_t visits;
	bool put;
};

static enum err_code
touch_all(void *arg, const struct member *m, bool *prune)
{
	struct touching *t = arg;
	int i;

	(void)prune;
	t->visits++;
	if (m->res.collection || t->put)
		return ERR_OK;
	t->put = true;
	for (i = 0; i < 20; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/d/f%d", i);
		must_put(t->s, path, "new");
	}
	return ERR_OK;
}

static void
members_that_change_under_a_walk_come_once(void **state)
{
	static const enum walk_order orders[] = { WALK_DOWN, WALK_UP };
	struct world *w = *state;
	size_t i, k;

	for (k = 0; k < 2; k++)
		for (i = 0; i < ARRAY_LEN(orders); i++) {
			struct touching t = { .s = w->s };
			const struct walk walk = {
				.depth = DEPTH_INFINITY,
				.order = orders[i],
				.visit = touch_all,
				.arg = &t,
			};

			begin(w);
			t.s = w->s;
			if (k) /* the collection has a node before it begins */
				must_put(w->s, "/d/f7", "node");
			assert_ok(store_walk(w->s, at("/"), &walk, err));
			assert_int_equal(t.visits, 22);
		}
}

int
main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		ROW(what_the_base_cannot_list_is_said_once),
		ROW(members_that_change_under_a_walk_come_once),
	};
#undef ROW

	return cmocka_run_group_tests(tests, NULL, NULL);
}
