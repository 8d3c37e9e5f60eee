/* SPDX-License-Identifier: MIT */
/* Uploads behind many new ones, which are taken for new, and share what they
 * open. */
#include "store/steps.h"
#include "store/together.h"

enum { PLAIN = 2 }; /* the first without properties */

static void
begin_after_new(struct store *s, struct commit *v)
{
	joint_build(s);
	joint_put_new(s, '0');
	joint_early = true;
	assert_ok(joint_begin(s, v));
	joint_early = false;
	syncs_made = early_names = 0;
}

void
what_was_taken_for_new_is_replaced_beside_the_others(void **state)
{
	struct world *w = *state;
	struct commit v[N] = { { 0 } };
	size_t i;

	begin_after_new(w->store, v);
	upload_commit_all(v, N);
	for (i = PLAIN; i < N; i++) {
		assert_true(v[i].done && !v[i].rc);
		assert_int_equal(v[i].created, !joint_files[i].old);
	}
	assert_false(v[1].done); /* there is more to do */
	assert_int_equal(syncs_made, N + 1 + 3);
	assert_int_equal(early_names, 0);
	assert_ok(upload_commit(v[1].upload, NULL, NULL, NULL, NULL, err));
	for (i = 0; i < N; i++)
		must_have(w->store, joint_files[i].path, "new");
	must_have_props(w->store, "/f", "p=f;");
	joint_end(v);
}

void
who_has_the_collection_of_one_that_fails_is_durable(void **state)
{
	struct world *w = *state;
	struct commit v[N] = { { 0 } };

	begin_after_new(w->store, v);
	must_mkcol(w->store, "/d/1");
	syncs_made = 0;
	upload_commit_all(v + PLAIN, N - PLAIN);
	assert_int_equal(v[4].rc, ERR_IS_COLLECTION);
	assert_true(v[5].done && !v[5].rc);
	/* The bytes, the lines, two folders. */
	assert_int_equal(syncs_made, N - PLAIN + 1 + 2);
	joint_end(v);
}

/* Its time is set anew when its bytes are on the disk already. */
void
what_is_newer_than_what_came_meanwhile_is_synced_again(void **state)
{
	struct world *w = *state;
	struct commit v[N] = { { 0 } };
	struct resource was;

	begin_after_new(w->store, v);
	must_put(w->store, "/c/1", "between");
	joint_put_new(w->store, 'g');
	assert_ok(store_stat(w->store, at("/c/1"), &was, err));
	syncs_made = 0;
	upload_commit_all(v + PLAIN, N - PLAIN);
	assert_true(v[PLAIN].done && !v[PLAIN].rc);
	assert_true(v[PLAIN].res.modified > was.modified);
	assert_int_equal(syncs_made, N - PLAIN + 1 + 2 + 1);
	joint_end(v);
}
