/* SPDX-License-Identifier: MIT */
#include "store/stores.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/impl.h"

struct fault_store {
	struct store base;
	struct store *inner;
	pthread_mutex_t lock; /* guards what follows */
	unsigned left; /* calls until the one that fails; 0: none will */
	enum err_code code;
	bool fired;
	bool anywhere; /* else only at path */
	struct buf path;
	enum err_code spoiled; /* what walks report of spoiled_path */
	struct buf spoiled_path;
};

static struct fault_store *
from_store(struct store *s)
{
	return CONTAINER_OF(s, struct fault_store, base);
}

/* Counts a call for path; what it is to fail with. */
static enum err_code
fault(struct fault_store *f, struct rpath path, struct err *err)
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
	struct fault_store *f = from_store(s);

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
	struct fault_store *f = from_store(s);
	bool fired;

	(void)pthread_mutex_lock(&f->lock);
	fired = f->fired;
	(void)pthread_mutex_unlock(&f->lock);
	return fired;
}

void
fault_store_spoil(struct store *s, enum err_code code, const struct rpath *path)
{
	struct fault_store *f = from_store(s);

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
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

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
	struct fault_store *f = from_store(s);
	struct fault_trip t = { f, w };
	struct walk ours = *w;
	enum err_code rc = fault(f, root, err);

	ours.visit = fault_visit;
	ours.arg = &t;
	return rc ? rc : store_walk(f->inner, root, &ours, err);
}

/* ---- contents */

struct fault_content {
	struct content base;
	struct content *inner;
	struct fault_store *f;
	struct rpath path; /* in bytes */
	char bytes[];
};

static enum err_code
fault_read(struct content *c, uint64_t offset, char *out, size_t max,
    size_t *got, struct err *err)
{
	struct fault_content *fc = CONTAINER_OF(c, struct fault_content, base);
	enum err_code rc = fault(fc->f, fc->path, err);

	return rc ? rc : content_read(fc->inner, offset, out, max, got, err);
}

static void
fault_content_free(struct content *c)
{
	struct fault_content *fc = CONTAINER_OF(c, struct fault_content, base);

	content_free(fc->inner);
	free(fc);
}

/* No fd: reads would get past us. */
static const struct content_ops fault_content_ops = {
	.read = fault_read,
	.free = fault_content_free,
};

static enum err_code
fault_open(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	struct fault_store *f = from_store(s);
	struct fault_content *fc;
	enum err_code rc = fault(f, path, err);

	if (rc)
		return rc;
	fc = calloc(1, sizeof(*fc) + path.s.len);
	if (!fc)
		return err_nomem(err);
	rc = store_open(f->inner, path, &fc->inner, err);
	if (rc) {
		free(fc);
		return rc;
	}
	memcpy(fc->bytes, path.s.ptr, path.s.len);
	fc->path.s = str_of(fc->bytes, path.s.len);
	fc->f = f;
	content_init(&fc->base, &fault_content_ops);
	fc->base.res = *content_resource(fc->inner);
	*out = &fc->base;
	return ERR_OK;
}

/* ---- uploads */

struct fault_upload {
	struct upload base;
	struct ostream stream;
	struct upload *inner;
	struct fault_store *f;
	struct rpath path; /* in bytes */
	char bytes[];
};

static enum err_code
fault_write(struct ostream *o, struct str bytes)
{
	struct fault_upload *u = CONTAINER_OF(o, struct fault_upload, stream);
	struct ostream *inner = upload_stream(u->inner);
	enum err_code rc = fault(u->f, u->path, &o->err);

	if (rc)
		return rc;
	rc = ostream_write(inner, bytes);
	if (rc)
		o->err = inner->err;
	return rc;
}

static const struct ostream_ops fault_stream_ops = {
	.name = "fault upload",
	.write = fault_write,
};

static enum err_code
fault_commit(struct upload *base, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	struct fault_upload *u = CONTAINER_OF(base, struct fault_upload, base);
	enum err_code rc = fault(u->f, u->path, err);

	return rc ? rc : upload_commit(u->inner, g, b, out, created, err);
}

static void
fault_upload_free(struct upload *base)
{
	struct fault_upload *u = CONTAINER_OF(base, struct fault_upload, base);

	upload_free(u->inner);
	free(u);
}

static const struct upload_ops fault_upload_ops = {
	.commit = fault_commit,
	.free = fault_upload_free,
};

static enum err_code
fault_upload(struct store *s, struct rpath path, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	struct fault_store *f = from_store(s);
	struct fault_upload *u;
	enum err_code rc = fault(f, path, err);

	if (rc)
		return rc;
	u = calloc(1, sizeof(*u) + path.s.len);
	if (!u)
		return err_nomem(err);
	rc = store_upload(f->inner, path, spec, &u->inner, err);
	if (rc) {
		free(u);
		return rc;
	}
	memcpy(u->bytes, path.s.ptr, path.s.len);
	u->path.s = str_of(u->bytes, path.s.len);
	u->f = f;
	ostream_init(&u->stream, &fault_stream_ops);
	upload_init(&u->base, &fault_upload_ops, &u->stream);
	*out = &u->base;
	return ERR_OK;
}

/* ---- changes */

static enum err_code
fault_mkcol(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc ? rc : store_mkcol(f->inner, path, g, b, err);
}

static enum err_code
fault_remove(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

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
	return fault(f, at_from ? from : to, err);
}

static enum err_code
fault_copy(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	struct fault_store *f = from_store(s);
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
	struct fault_store *f = from_store(s);
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
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc ? rc : store_allows(f->inner, path, touch, g, err);
}

static enum err_code
fault_lock(struct store *s, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc ? rc
		  : store_lock(f->inner, path, spec, g, a, out, created, err);
}

static enum err_code
fault_lock_refresh(struct store *s, struct rpath path,
    const struct lock_tokens *t, int64_t timeout, const struct guard *g,
    struct arena *a, struct lock *out, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc
	    ? rc
	    : store_lock_refresh(f->inner, path, t, timeout, g, a, out, err);
}

static enum err_code
fault_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc ? rc : store_unlock(f->inner, path, t, g, err);
}

static enum err_code
fault_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc ? rc : store_locks(f->inner, path, a, out, n, err);
}

static enum err_code
fault_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc ? rc : store_locks_below(f->inner, path, a, out, n, err);
}

/* ---- properties and the rest */

static enum err_code
fault_patch(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc ? rc : store_patch(f->inner, path, changes, n, g, b, err);
}

/* It is not told a path, so it counts only where all calls do. */
static enum err_code
fault_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	static const struct rpath nowhere = { { NULL, 0 } };
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, nowhere, err);

	return rc ? rc : store_props(f->inner, r, a, out, n, err);
}

static enum err_code
fault_space(
    struct store *s, struct rpath path, struct space *out, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, path, err);

	return rc ? rc : store_space(f->inner, path, out, err);
}

static void
fault_close(struct store *s)
{
	struct fault_store *f = from_store(s);

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
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, RPATH_ROOT, err);

	return rc ? rc : store_batch_begin(f->inner, root, out, err);
}

/* It is over, whatever became of it. */
static enum err_code
fault_batch_end(struct store *s, struct store_batch *b, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = store_batch_end(f->inner, b, err);

	return rc ? rc : fault(f, RPATH_ROOT, err);
}

static enum err_code
fault_batch_flush(struct store *s, struct store_batch *b, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, RPATH_ROOT, err);

	return rc ? rc : store_batch_flush(f->inner, b, err);
}

/* ---- records: of no path */

static enum err_code
fault_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, RPATH_ROOT, err);

	return rc ? rc : store_recall(f->inner, key, a, out, found, err);
}

static enum err_code
fault_remember(struct store *s, const struct record *r, struct str result,
    struct store_batch *b, struct err *err)
{
	struct fault_store *f = from_store(s);
	enum err_code rc = fault(f, RPATH_ROOT, err);

	return rc ? rc : store_remember(f->inner, r, result, b, err);
}

static const struct store_ops fault_ops = {
	.name = "fault",
	.stat = fault_stat,
	.walk = fault_walk,
	.open = fault_open,
	.upload = fault_upload,
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
	*out = store_init(&f->base, &fault_ops);
	return ERR_OK;
}
