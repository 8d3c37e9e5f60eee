/* SPDX-License-Identifier: MIT */
/* Commits of one batch, which wait for its end (dir_run.c). */
#include "store/together.h"

#include <stdio.h>

static struct store_batch *
batch_of(struct store *s, struct commit *v, size_t n)
{
	struct store_batch *b = NULL;
	size_t i;

	assert_ok(store_batch_begin(s, at("/"), &b, err));
	store_batch_many(b);
	for (i = 0; i < n; i++)
		v[i].batch = b;
	return b;
}

static void
end_of_batch(struct store *s, struct commit *v)
{
	size_t i;

	for (i = 0; i < N; i++)
		if (!v[i].done)
			v[i].rc = upload_commit(v[i].upload, v[i].guard,
			    v[i].batch, &v[i].res, &v[i].created, v[i].err);
	joint_end(v);
	assert_ok(store_batch_end(s, v[0].batch, err));
}

/* So that the store takes what comes next for new, too. */
static void
make_some(struct store *s)
{
	char path[16];
	unsigned i;

	for (i = 0; i < IN_A_ROW; i++) {
		(void)snprintf(path, sizeof(path), "/some%u", i);
		must_put(s, path, "some");
	}
}

void
uploads_of_a_batch_are_made_together(void **state)
{
	const struct world *w = *state;
	int likely; /* that all are new */
	size_t i;

	joint_build(w->store);
	for (likely = 0; likely < 2; likely++) {
		struct commit v[N] = { { 0 } };

		for (i = 0; i < N; i++)
			if (!joint_files[i].old && likely)
				assert_ok(store_remove(w->store,
				    at(joint_files[i].path), NULL, NULL, err));
		if (likely)
			make_some(w->store);
		assert_ok(joint_begin(w->store, v));
		(void)batch_of(w->store, v, N);
		upload_commit_all(v, N);
		for (i = 0; i < N; i++) /* else the bytes come first */
			if (!joint_files[i].old || (!w->strict && !likely))
				assert_true(v[i].done);
		end_of_batch(w->store, v);
		for (i = 0; i < N; i++) {
			assert_int_equal(v[i].rc, ERR_OK);
			assert_int_equal(v[i].created, !joint_files[i].old);
			assert_int_equal(v[i].res.length, 3);
			must_have(w->store, joint_files[i].path, "new");
		}
		must_have_props(w->store, "/f", "p=f;");
	}
}

static enum err_code
refuse(void *arg, const struct guarded *now, struct err *said)
{
	(void)arg, (void)now;
	return err_set(said, ERR_PRECONDITION, "refused");
}

/* A guard, a name that is not for clients, and a claim: each by itself. */
void
what_speaks_against_one_of_a_batch_stops_no_other(void **state)
{
	const struct world *w = *state;
	const struct upload_spec spec = { .length = 3, .soon = true };
	const struct guard no = { .check = refuse };
	static const char *const paths[N] = { "/d/1", "/d/2", "/d/.sheaf-tmp-1",
		"/d/3", "/d/none/4", "/d/5" };
	struct commit v[N] = { { 0 } };
	struct err why[N] = { { 0 } };
	size_t i;

	joint_build(w->store);
	make_some(w->store);
	for (i = 0; i < N; i++) {
		assert_ok(store_upload(
		    w->store, at(paths[i]), &spec, &v[i].upload, err));
		assert_ok(
		    ostream_write(upload_stream(v[i].upload), STR("new")));
		v[i].err = &why[i];
	}
	v[1].guard = &no;
	(void)batch_of(w->store, v, N);
	upload_commit_all(v, N);
	for (i = 0; i < N; i++)
		assert_int_equal(v[i].done, i != 1 && i != 2 && i != 4);
	end_of_batch(w->store, v);
	for (i = 0; i < N; i++)
		if (v[i].rc)
			must_lack(w->store, paths[i]);
		else
			must_have(w->store, paths[i], "new");
	assert_int_equal(v[1].rc, ERR_PRECONDITION);
	assert_int_equal(v[2].rc, ERR_BAD_NAME);
	assert_int_equal(v[4].rc, ERR_NO_PARENT);
	assert_int_equal(count_entries(w, "/d"), 3);
}
