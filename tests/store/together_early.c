/* SPDX-License-Identifier: MIT */
/* Uploads whose files are made before somebody commits them together. */
#include "lib/descriptors.h"
#include "store/steps.h"
#include "store/together.h"

void
what_is_made_early_gets_its_name_when_it_is_committed(void **state)
{
	struct world *w = *state;
	struct commit v[N] = { { 0 } };
	size_t i, before;

	joint_build(w->store);
	before = open_descriptors();
	joint_early = true;
	assert_ok(joint_begin(w->store, v));
	joint_early = false;
	assert_int_equal(open_descriptors(), before + N);
	must_lack(w->store, "/new");
	must_have(w->store, "/f", "f");
	syncs_made = early_names = 0;
	joint_commit(v);
	assert_int_equal(syncs_made, N + 1 + 3);
	assert_int_equal(early_names, 0);
	for (i = 0; i < N; i++)
		must_have(w->store, joint_files[i].path, "new");
	must_have_props(w->store, "/f", "p=f;");
	joint_end(v);
	assert_int_equal(open_descriptors(), before);
}

static struct upload *
made_early(const struct world *w)
{
	const struct upload_spec spec = { .length = 3, .soon = true };
	struct upload *u = NULL;
	int64_t patience;

	assert_ok(store_upload(w->store, at("/f"), &spec, &u, err));
	assert_ok(ostream_write(upload_stream(u), STR("new")));
	assert_true(upload_joins(u, &patience));
	return u;
}

void
what_is_made_early_is_newer_than_what_it_replaces(void **state)
{
	const struct world *w = *state;
	struct upload *first = made_early(w), *second = made_early(w);
	struct resource was, is;

	assert_ok(upload_commit(second, NULL, NULL, &was, NULL, err));
	assert_ok(upload_commit(first, NULL, NULL, &is, NULL, err));
	assert_true(is.modified > was.modified);
	upload_free(first);
	upload_free(second);
	assert_ok(store_stat(w->store, at("/f"), &was, err));
	assert_true(is.modified == was.modified);
}

void
what_is_made_early_is_synced_beside_its_line_when_it_is_alone(void **state)
{
	const struct world *w = *state;
	struct upload *u = made_early(w);

	syncs_beside = early_names = 0;
	assert_ok(upload_commit(u, NULL, NULL, NULL, NULL, err));
	assert_int_equal(syncs_beside, 1);
	assert_int_equal(early_names, 0);
	upload_free(u);
	must_have(w->store, "/f", "new");
}
