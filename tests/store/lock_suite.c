/* SPDX-License-Identifier: MIT */
#include "store/lock_suite.h"

void
must_make_tree(struct store *s)
{
	must_mkcol(s, "/d");
	must_put(s, "/d/f", "f");
	must_mkcol(s, "/d/c");
	must_put(s, "/d/c/g", "g");
	must_mkcol(s, "/e");
	must_put(s, "/file", "file");
}

enum err_code
try_lock(struct store *s, const char *path, enum depth depth, bool shared,
    const struct guard *g, bool *created, struct err *err)
{
	const struct lock_spec spec = {
		.shared = shared,
		.depth = depth,
		.timeout = HOUR,
	};
	struct arena a CLEANUP(arena_done) = { 0 };
	struct lock l;

	return store_lock(s, at(path), &spec, g, &a, &l, created, err);
}

enum err_code
unlock(struct store *s, const char *path, const char *user,
    const struct token *t, struct err *err)
{
	struct shown h;

	(void)show(&h, user, t, NULL);
	return store_unlock(s, at(path), &h.tokens, NULL, err);
}

static enum err_code
unlock_one(void *arg, const struct member *m, bool *prune)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct store *s = arg;
	const struct lock *l;
	size_t n, i;

	(void)prune;
	assert_ok(store_locks(s, m->path, &a, &l, &n, err));
	for (i = 0; i < n; i++) {
		const struct lock_tokens t = { l[i].user, &l[i].token, 1 };

		assert_ok(store_unlock(s, m->path, &t, NULL, err));
	}
	return ERR_OK;
}

void
must_unlock_all(struct store *s)
{
	const struct walk w = {
		.depth = DEPTH_INFINITY,
		.order = WALK_DOWN,
		.visit = unlock_one,
		.arg = s,
	};

	assert_ok(store_walk(s, at("/"), &w, err));
}
