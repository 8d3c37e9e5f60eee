/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "store/draft_impl.h"
#include "store/members.h"

static enum err_code
draft_op_stat(
    struct store *s, struct rpath path, struct resource *out, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft_spot spot;
	enum err_code rc =
	    draft_find_mapped(draft_of(s), &a, path, DRAFT_FOLLOW, &spot, err);

	if (!rc)
		*out = spot.res;
	return rc;
}

static enum err_code
draft_op_may_make(struct store *s, struct rpath path, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = draft_of(s);
	struct draft_spot spot;
	enum err_code rc = draft_find(d, &a, path, DRAFT_FOLLOW, &spot, err);

	return rc ? rc : draft_may_make(d, &a, &spot, err);
}

/* ---- locks cannot be made or changed */

static enum err_code
no_locks(struct err *err)
{
	return err_tell(err, ERR_NOT_IMPLEMENTED,
	    "locks cannot be made, refreshed or removed together with other "
	    "changes");
}

static enum err_code
draft_op_lock(struct store *s, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	(void)s;
	(void)path;
	(void)spec;
	(void)g;
	(void)a;
	(void)out;
	(void)created;
	return no_locks(err);
}

static enum err_code
draft_op_refresh(struct store *s, struct rpath path,
    const struct lock_tokens *t, int64_t timeout, const struct guard *g,
    struct arena *a, struct lock *out, struct err *err)
{
	(void)s;
	(void)path;
	(void)t;
	(void)timeout;
	(void)g;
	(void)a;
	(void)out;
	return no_locks(err);
}

static enum err_code
draft_op_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	(void)s;
	(void)path;
	(void)t;
	(void)g;
	return no_locks(err);
}

/* ---- the whole */

static enum err_code
draft_op_resolve(struct store *s, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err)
{
	struct arena own CLEANUP(arena_done) = { 0 };
	struct draft_spot spot;
	enum err_code rc =
	    draft_find(draft_of(s), &own, path, DRAFT_FOLLOW, &spot, err);

	if (rc)
		return rc;
	return arena_str(a, spot.path.s, &out->s) ? ERR_OK : err_nomem(err);
}

static void
draft_op_close(struct store *s)
{
	struct draft *d = draft_of(s);

	draft_forget(d);
	draft_node_unref(d, d->root);
	free(d->table);
	free(d);
}

static const struct store_ops draft_ops = {
	.name = "draft",
	.stat = draft_op_stat,
	.walk = draft_op_walk,
	.open = draft_op_open,
	.upload = draft_op_upload,
	.may_make = draft_op_may_make,
	.mkcol = draft_op_mkcol,
	.remove = draft_op_remove,
	.copy = draft_op_copy,
	.rename = draft_op_rename,
	.allows = draft_op_allows,
	.lock = draft_op_lock,
	.lock_refresh = draft_op_refresh,
	.unlock = draft_op_unlock,
	.locks = draft_op_locks,
	.locks_below = draft_op_locks_below,
	.patch = draft_op_patch,
	.props = draft_op_props,
	.space = draft_op_space,
	.recall = draft_op_recall,
	.remember = draft_op_remember,
	.resolve = draft_op_resolve,
	.claim = draft_op_claim,
	.claim_end = draft_op_claim_end,
	.stage = draft_op_stage,
	.apply = draft_op_apply,
	.close = draft_op_close,
};

enum err_code
draft_new(struct store *base, const struct draft_spec *spec, struct store **out,
    struct err *err)
{
	struct draft *d = calloc(1, sizeof(*d));

	if (!d)
		return err_nomem(err);
	d->under = base;
	d->spec = *spec;
	d->root = draft_node_through(RPATH_ROOT);
	if (!d->root) {
		free(d);
		return err_nomem(err);
	}
	if (getrandom(&d->mark, sizeof(d->mark), 0) !=
	    (ssize_t)sizeof(d->mark)) {
		enum err_code rc = err_os(err, "getrandom");

		draft_node_unref(d, d->root);
		free(d);
		return rc;
	}
	d->base.has_links = store_has_links(base);
	d->base.changers = store_changers(base);
	*out = store_init(&d->base, &draft_ops);
	return ERR_OK;
}

enum err_code
draft_apply(struct store *draft, struct store_claim *c, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct draft *d = draft_of(draft);
	struct edit *edits;
	size_t n;
	enum err_code rc;

	assert(!d->spec.dry);
	rc = draft_edits(d, &a, &edits, &n, err);
	if (!rc)
		rc = store_apply(d->under, c, edits, n, err);
	draft_forget(d);
	return rc;
}
