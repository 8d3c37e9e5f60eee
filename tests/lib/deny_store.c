/* SPDX-License-Identifier: MIT */
#include "lib/deny_store.h"

#include "lib/test.h"
#include "store/stores.h"

static struct deny_store *
from_store(struct store *s)
{
	return CONTAINER_OF(s, struct deny_store, base);
}

static enum err_code
denied(const struct deny_store *d, struct rpath path, unsigned what,
    struct err *err)
{
	size_t i;

	for (i = 0; i < d->n && !d->off; i++)
		if ((d->rows[i].what & what) &&
		    str_eq(str_from_c(d->rows[i].path), path.s))
			return err_set(err, d->rows[i].code, "denied");
	return ERR_OK;
}

static enum err_code
deny_stat(
    struct store *s, struct rpath path, struct resource *out, struct err *err)
{
	struct deny_store *d = from_store(s);
	enum err_code rc = denied(d, path, DENY_STAT, err);

	if (!rc)
		rc = store_stat(d->inner, path, out, err);
	if (d->looked)
		d->looked(d, path);
	return rc;
}

struct trip {
	struct deny_store *d;
	const struct walk *walk;
	char broken[128]; /* the collection that broke off */
};

static bool
is_unseen(struct trip *t, const struct member *m)
{
	struct rpath p = rpath_parent(m->path);
	struct rpath child = m->path;

	for (; !rpath_eq(p, child); child = p, p = rpath_parent(p))
		if (denied(t->d, p, DENY_LIST | DENY_STAT, NULL))
			return true;
	return false;
}

/* The collection of m comes again when its listing breaks off. */
static enum err_code
break_off(struct trip *t, const struct member *m, bool *broken)
{
	struct rpath dir = rpath_parent(m->path);
	struct err why = { 0 };
	struct member again = { .path = dir, .err = &why };
	bool prune;

	*broken = false;
	again.failed = denied(t->d, dir, DENY_LIST_ON, &why);
	again.res.collection = true;
	if (!again.failed || rpath_eq(dir, m->path))
		return ERR_OK;
	if (!t->broken[0]) { /* the first gets through */
		assert_true(dir.s.len < sizeof(t->broken));
		memcpy(t->broken, dir.s.ptr, dir.s.len);
		return ERR_OK;
	}
	*broken = true;
	if (t->broken[0] == '!')
		return ERR_OK;
	t->broken[0] = '!';
	return t->walk->visit(t->walk->arg, &again, &prune);
}

static enum err_code
deny_visit(void *arg, const struct member *m, bool *prune)
{
	struct trip *t = arg;
	struct member bad = *m;
	struct err why = { 0 };
	enum err_code rc;
	bool broken;

	if (is_unseen(t, m))
		return ERR_OK;
	rc = break_off(t, m, &broken);
	if (rc || broken)
		return rc;
	bad.failed = denied(t->d, m->path, DENY_STAT, &why);
	if (bad.failed)
		bad.res = (struct resource){ .collection = m->res.collection };
	else if (m->res.collection && t->walk->depth != DEPTH_0)
		bad.failed = denied(t->d, m->path, DENY_LIST, &why);
	bad.err = bad.failed ? &why : m->err;
	return t->walk->visit(t->walk->arg, &bad, prune);
}

static enum err_code
deny_walk(
    struct store *s, struct rpath root, const struct walk *w, struct err *err)
{
	struct trip t = { from_store(s), w, "" };
	struct walk ours = *w;
	enum err_code rc = denied(t.d, root, DENY_STAT, err);

	ours.visit = deny_visit;
	ours.arg = &t;
	return rc ? rc : store_walk(t.d->inner, root, &ours, err);
}

static enum err_code
deny_open(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	struct deny_store *d = from_store(s);
	enum err_code rc = denied(d, path, DENY_COPY_FROM | DENY_STAT, err);

	return rc ? rc : store_open(d->inner, path, out, err);
}

static enum err_code
deny_upload(struct store *s, struct rpath path, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	return store_upload(from_store(s)->inner, path, spec, out, err);
}

static enum err_code
deny_may_make(struct store *s, struct rpath path, struct err *err)
{
	return store_may_make(from_store(s)->inner, path, err);
}

static enum err_code
deny_mkcol(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	return store_mkcol(from_store(s)->inner, path, g, b, err);
}

static enum err_code
deny_remove(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct deny_store *d = from_store(s);
	struct resource res;
	enum err_code rc;

	rc = denied(d, path, DENY_REMOVE, err);
	if (rc && store_stat(d->inner, path, &res, NULL) == ERR_NOT_FOUND)
		rc = ERR_NOT_FOUND;
	return rc ? rc : store_remove(d->inner, path, g, b, err);
}

static enum err_code
deny_copy(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	struct deny_store *d = from_store(s);
	enum err_code rc = denied(d, from, DENY_COPY_FROM, err);

	if (!rc)
		rc = denied(d, to, DENY_COPY_TO, err);
	if (!rc)
		rc = store_copy(
		    d->inner, from, to, replace, g, b, out, created, err);
	if (!rc && d->copied)
		d->copied(d, from);
	return rc;
}

static enum err_code
deny_rename(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    bool *created, struct err *err)
{
	struct deny_store *d = from_store(s);

	if (d->no_rename)
		return err_set(err, ERR_CROSS_DEVICE, "no renames here");
	return store_rename(d->inner, from, to, replace, g, b, created, err);
}

static enum err_code
deny_allows(struct store *s, struct rpath path, enum touch touch,
    const struct guard *g, struct err *err)
{
	return store_allows(from_store(s)->inner, path, touch, g, err);
}

static enum err_code
deny_lock(struct store *s, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	return store_lock(
	    from_store(s)->inner, path, spec, g, a, out, created, err);
}

static enum err_code
deny_lock_refresh(struct store *s, struct rpath path,
    const struct lock_tokens *t, int64_t timeout, const struct guard *g,
    struct arena *a, struct lock *out, struct err *err)
{
	return store_lock_refresh(
	    from_store(s)->inner, path, t, timeout, g, a, out, err);
}

static enum err_code
deny_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	return store_unlock(from_store(s)->inner, path, t, g, err);
}

static enum err_code
deny_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	return store_locks(from_store(s)->inner, path, a, out, n, err);
}

static enum err_code
deny_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	return store_locks_below(from_store(s)->inner, path, a, out, n, err);
}

static enum err_code
deny_patch(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	return store_patch(from_store(s)->inner, path, changes, n, g, b, err);
}

static enum err_code
deny_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	return store_props(from_store(s)->inner, r, a, out, n, err);
}

static enum err_code
deny_space(
    struct store *s, struct rpath path, struct space *out, struct err *err)
{
	return store_space(from_store(s)->inner, path, out, err);
}

static enum err_code
deny_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	return store_recall(from_store(s)->inner, key, a, out, found, err);
}

static enum err_code
deny_remember(struct store *s, const struct record *r, struct str result,
    struct store_batch *b, struct err *err)
{
	return store_remember(from_store(s)->inner, r, result, b, err);
}

static enum err_code
deny_resolve(struct store *s, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err)
{
	return store_resolve(from_store(s)->inner, path, a, out, err);
}

static enum err_code
deny_claim(struct store *s, struct rpath root, struct store_claim **out,
    struct err *err)
{
	return store_claim(from_store(s)->inner, root, out, err);
}

static enum err_code
deny_stage(struct store *s, struct rpath near, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	return store_stage(from_store(s)->inner, near, spec, out, err);
}

/* What would be refused alone is refused with all. */
static enum err_code
deny_apply(struct store *s, struct store_claim *c, struct edit *edits, size_t n,
    struct err *err)
{
	struct deny_store *d = from_store(s);
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < n; i++)
		if (edits[i].kind == EDIT_REMOVE)
			rc = denied(d, edits[i].path, DENY_REMOVE, err);
	return rc ? rc : store_apply(d->inner, c, edits, n, err);
}

static void
deny_close(struct store *s)
{
	store_close(from_store(s)->inner);
}

struct store *
deny_store_init(struct deny_store *d)
{
	static const struct store_ops ops = {
		.name = "deny",
		.stat = deny_stat,
		.walk = deny_walk,
		.open = deny_open,
		.upload = deny_upload,
		.may_make = deny_may_make,
		.mkcol = deny_mkcol,
		.remove = deny_remove,
		.copy = deny_copy,
		.rename = deny_rename,
		.allows = deny_allows,
		.lock = deny_lock,
		.lock_refresh = deny_lock_refresh,
		.unlock = deny_unlock,
		.locks = deny_locks,
		.locks_below = deny_locks_below,
		.patch = deny_patch,
		.props = deny_props,
		.space = deny_space,
		.recall = deny_recall,
		.remember = deny_remember,
		.resolve = deny_resolve,
		.claim = deny_claim,
		.stage = deny_stage,
		.apply = deny_apply,
		.close = deny_close,
	};

	*d = (struct deny_store){ 0 };
	assert_int_equal(mem_store_new(&d->inner, NULL), ERR_OK);
	return store_init(&d->base, &ops);
}

void
deny(struct deny_store *d, const char *path, unsigned what, enum err_code code)
{
	struct buf b = { .max = sizeof(d->rows[0].path) };

	assert_true(d->n < DENY_MAX);
	buf_put(&b, str_from_c(path));
	buf_putc(&b, '\0');
	assert_int_equal(buf_failed(&b), ERR_OK);
	memcpy(d->rows[d->n].path, b.ptr, b.len);
	d->rows[d->n].what = what;
	d->rows[d->n++].code = code;
	buf_done(&b);
}
