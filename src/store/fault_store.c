/* SPDX-License-Identifier: MIT */
#include "store/stores.h"

#include <stdlib.h>

#include "store/fault_impl.h"
#include "store/members.h"

enum err_code
fault_call(struct fault_store *f, struct rpath path, struct err *err)
{
	bool fails = false;
	enum err_code code;

	(void)pthread_mutex_lock(&f->lock);
	if (f->left && (f->anywhere || rpath_eq(rpath_of_buf(&f->path), path)))
		fails = !--f->left;
	f->fired |= fails;
	code = f->code;
	(void)pthread_mutex_unlock(&f->lock);
	return fails
	    ? err_set(err, code, "told to fail at '%.*s'", STR_ARG(path.s))
	    : ERR_OK;
}

void
fault_store_fail(
    struct store *s, unsigned nth, enum err_code code, const struct rpath *path)
{
	struct fault_store *f = fault_of(s);

	(void)pthread_mutex_lock(&f->lock);
	f->left = nth;
	f->code = code;
	f->fired = false;
	f->anywhere = !path;
	buf_clear(&f->path);
	if (path && !rpath_is_root(*path))
		buf_put(&f->path, path->s);
	(void)pthread_mutex_unlock(&f->lock);
}

bool
fault_store_fired(struct store *s)
{
	struct fault_store *f = fault_of(s);
	bool fired;

	(void)pthread_mutex_lock(&f->lock);
	fired = f->fired;
	(void)pthread_mutex_unlock(&f->lock);
	return fired;
}

void
fault_store_spoil(struct store *s, enum err_code code, const struct rpath *path)
{
	struct fault_store *f = fault_of(s);

	(void)pthread_mutex_lock(&f->lock);
	f->spoiled = code;
	buf_clear(&f->spoiled_path);
	if (path && !rpath_is_root(*path))
		buf_put(&f->spoiled_path, path->s);
	(void)pthread_mutex_unlock(&f->lock);
}

static enum err_code
fault_stat(
    struct store *s, struct rpath path, struct resource *out, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_stat(f->inner, path, out, err);
}

struct fault_trip {
	struct fault_store *f;
	const struct walk *how;
};

static enum err_code
spoiled(struct fault_store *f, struct rpath path)
{
	enum err_code code;

	(void)pthread_mutex_lock(&f->lock);
	code = rpath_eq(rpath_of_buf(&f->spoiled_path), path) ? f->spoiled
							      : ERR_OK;
	(void)pthread_mutex_unlock(&f->lock);
	return code;
}

static enum err_code
fault_visit(void *arg, const struct member *m, bool *prune)
{
	const struct fault_trip *t = arg;
	struct member bad = *m;
	struct err why = { 0 };
	enum err_code rc;

	bad.failed = spoiled(t->f, m->path);
	if (!bad.failed)
		return t->how->visit(t->how->arg, m, prune);
	(void)err_set(&why, bad.failed, "spoiled");
	bad.err = &why;
	rc = t->how->visit(t->how->arg, &bad, prune);
	*prune = true;
	return rc;
}

static enum err_code
fault_walk(
    struct store *s, struct rpath root, const struct walk *w, struct err *err)
{
	struct fault_store *f = fault_of(s);
	struct fault_trip t = { f, w };
	struct walk ours = *w;
	enum err_code rc = fault_call(f, root, err);

	ours.visit = fault_visit;
	ours.arg = &t;
	return rc ? rc : store_walk(f->inner, root, &ours, err);
}

/* ---- changes made at once */

static enum err_code
fault_resolve(struct store *s, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_resolve(f->inner, path, a, out, err);
}

/* The inner store's claim does: it knows the way to that. */
static enum err_code
fault_claim(struct store *s, struct rpath root, struct store_claim **out,
    struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, root, err);

	return rc ? rc : store_claim(f->inner, root, out, err);
}

/* For the inner store, which knows only its own uploads. */
static void
trade_uploads(struct edit *edits, size_t n, struct upload **theirs)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct upload *was = edits[i].file;

		if (edits[i].kind != EDIT_FILE)
			continue;
		edits[i].file = theirs[i];
		theirs[i] = was;
	}
}

static enum err_code
fault_apply(struct store *s, struct store_claim *c, struct edit *edits,
    size_t n, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, RPATH_ROOT, err);
	struct upload **theirs;
	size_t i;

	if (rc)
		return rc;
	theirs = calloc(n, sizeof(*theirs));
	if (!theirs)
		return err_nomem(err);
	for (i = 0; i < n; i++)
		if (edits[i].kind == EDIT_FILE)
			theirs[i] = fault_upload_inner(edits[i].file);
	trade_uploads(edits, n, theirs);
	rc = store_apply(f->inner, c, edits, n, err);
	trade_uploads(edits, n, theirs);
	free(theirs);
	return rc;
}

/* ---- changes */

static enum err_code
fault_may_make(struct store *s, struct rpath path, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_may_make(f->inner, path, err);
}

static enum err_code
fault_mkcol(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_mkcol(f->inner, path, g, b, err);
}

static enum err_code
fault_remove(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_remove(f->inner, path, g, b, err);
}

/* A call for both paths, counted once. */
static enum err_code
fault_either(
    struct fault_store *f, struct rpath from, struct rpath to, struct err *err)
{
	bool at_from;

	(void)pthread_mutex_lock(&f->lock);
	at_from = rpath_eq(rpath_of_buf(&f->path), from);
	(void)pthread_mutex_unlock(&f->lock);
	return fault_call(f, at_from ? from : to, err);
}

static enum err_code
fault_copy(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_either(f, from, to, err);

	return rc
	    ? rc
	    : store_copy(f->inner, from, to, replace, g, b, out, created, err);
}

static enum err_code
fault_rename(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    bool *created, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_either(f, from, to, err);

	return rc
	    ? rc
	    : store_rename(f->inner, from, to, replace, g, b, created, err);
}

/* ---- locks */

static enum err_code
fault_allows(struct store *s, struct rpath path, enum touch touch,
    const struct guard *g, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_allows(f->inner, path, touch, g, err);
}

static enum err_code
fault_lock(struct store *s, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc
		  : store_lock(f->inner, path, spec, g, a, out, created, err);
}

static enum err_code
fault_lock_refresh(struct store *s, struct rpath path,
    const struct lock_tokens *t, int64_t timeout, const struct guard *g,
    struct arena *a, struct lock *out, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc
	    ? rc
	    : store_lock_refresh(f->inner, path, t, timeout, g, a, out, err);
}

static enum err_code
fault_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_unlock(f->inner, path, t, g, err);
}

static enum err_code
fault_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_locks(f->inner, path, a, out, n, err);
}

static enum err_code
fault_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_locks_below(f->inner, path, a, out, n, err);
}

/* ---- properties and the rest */

static enum err_code
fault_patch(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_patch(f->inner, path, changes, n, g, b, err);
}

/* It is not told a path, so it counts only where all calls do. */
static enum err_code
fault_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	static const struct rpath nowhere = { { NULL, 0 } };
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, nowhere, err);

	return rc ? rc : store_props(f->inner, r, a, out, n, err);
}

static enum err_code
fault_space(
    struct store *s, struct rpath path, struct space *out, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, path, err);

	return rc ? rc : store_space(f->inner, path, out, err);
}

static void
fault_close(struct store *s)
{
	struct fault_store *f = fault_of(s);

	store_close(f->inner);
	buf_done(&f->path);
	buf_done(&f->spoiled_path);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}

static enum err_code
fault_batch_begin(struct store *s, struct rpath root, struct store_batch **out,
    struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, RPATH_ROOT, err);

	return rc ? rc : store_batch_begin(f->inner, root, out, err);
}

/* It is over, whatever became of it. */
static enum err_code
fault_batch_end(struct store *s, struct store_batch *b, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = store_batch_end(f->inner, b, err);

	return rc ? rc : fault_call(f, RPATH_ROOT, err);
}

static enum err_code
fault_batch_flush(struct store *s, struct store_batch *b, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, RPATH_ROOT, err);

	return rc ? rc : store_batch_flush(f->inner, b, err);
}

/* ---- records: of no path */

static enum err_code
fault_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, RPATH_ROOT, err);

	return rc ? rc : store_recall(f->inner, key, a, out, found, err);
}

static enum err_code
fault_remember(struct store *s, const struct record *r, struct str result,
    struct store_batch *b, struct err *err)
{
	struct fault_store *f = fault_of(s);
	enum err_code rc = fault_call(f, RPATH_ROOT, err);

	return rc ? rc : store_remember(f->inner, r, result, b, err);
}

static const struct store_ops fault_ops = {
	.name = "fault",
	.stat = fault_stat,
	.walk = fault_walk,
	.open = fault_open,
	.upload = fault_upload,
	.may_make = fault_may_make,
	.mkcol = fault_mkcol,
	.remove = fault_remove,
	.copy = fault_copy,
	.rename = fault_rename,
	.allows = fault_allows,
	.lock = fault_lock,
	.lock_refresh = fault_lock_refresh,
	.unlock = fault_unlock,
	.locks = fault_locks,
	.locks_below = fault_locks_below,
	.patch = fault_patch,
	.props = fault_props,
	.space = fault_space,
	.batch_begin = fault_batch_begin,
	.batch_end = fault_batch_end,
	.batch_flush = fault_batch_flush,
	.recall = fault_recall,
	.remember = fault_remember,
	.resolve = fault_resolve,
	.claim = fault_claim,
	.stage = fault_stage,
	.apply = fault_apply,
	.close = fault_close,
};

enum err_code
fault_store_new(struct store *inner, struct store **out, struct err *err)
{
	struct fault_store *f = calloc(1, sizeof(*f));

	if (!f)
		return err_nomem(err);
	(void)pthread_mutex_init(&f->lock, NULL);
	f->inner = inner;
	f->base.has_links = store_has_links(inner);
	f->base.changers = store_changers(inner);
	*out = store_init(&f->base, &fault_ops);
	return ERR_OK;
}
