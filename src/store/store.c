/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <assert.h>

#include "store/impl.h"

struct store *
store_init(struct store *s, const struct store_ops *ops)
{
	assert(ops->name);
	assert(ops->stat && ops->walk && ops->open && ops->upload);
	assert(ops->may_make && ops->mkcol && ops->remove && ops->copy &&
	    ops->rename);
	assert(ops->allows && ops->lock && ops->lock_refresh);
	assert(ops->unlock && ops->locks && ops->locks_below);
	assert(ops->patch && ops->props && ops->space && ops->close);
	assert(ops->resolve && ops->claim && ops->stage && ops->apply);
	assert(!ops->copy_members == !ops->remove_members);
	s->ops = ops;
	return s;
}

void
content_init(struct content *c, const struct content_ops *ops)
{
	assert(ops->read && ops->free);
	c->ops = ops;
}

void
upload_init(
    struct upload *u, const struct upload_ops *ops, struct ostream *stream)
{
	assert(ops->commit && ops->free);
	assert(stream);
	u->ops = ops;
	u->stream = stream;
}

enum err_code
guard_ask(const struct guard *g, const struct guarded *at, struct err *err)
{
	return guard_asks(g) ? g->check(g->arg, at, err) : ERR_OK;
}

/*
 * Neither may be within the other: what gives way at `to` would take `from`
 * with it.
 */
static enum err_code
check_apart(struct rpath from, struct rpath to, struct err *err)
{
	if (!rpath_covers(from, to) && !rpath_covers(to, from))
		return ERR_OK;
	return err_set(err, ERR_SELF, "'%.*s' and '%.*s' overlap",
	    STR_ARG(from.s), STR_ARG(to.s));
}

enum err_code
store_stat(
    struct store *s, struct rpath path, struct resource *out, struct err *err)
{
	return s->ops->stat(s, path, out, err);
}

enum err_code
store_walk(
    struct store *s, struct rpath root, const struct walk *w, struct err *err)
{
	enum err_code rc;

	assert(w->visit);
	rc = s->ops->walk(s, root, w, err);
	if (rc && err && err->code != rc)
		(void)err_set(err, rc, "walk of '%.*s' ended: %s",
		    STR_ARG(root.s), err_text(rc));
	return rc;
}

bool
store_walk_is_quick(struct store *s, struct rpath root)
{
	return s->ops->walk_is_quick && s->ops->walk_is_quick(s, root);
}

enum err_code
store_open(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	return s->ops->open(s, path, out, err);
}

const struct resource *
content_resource(const struct content *c)
{
	return &c->res;
}

enum err_code
content_read(struct content *c, uint64_t offset, char *out, size_t max,
    size_t *got, struct err *err)
{
	return c->ops->read(c, offset, out, max, got, err);
}

struct str
content_bytes(struct content *c)
{
	return c->ops->bytes ? c->ops->bytes(c) : (struct str){ 0 };
}

int
content_take_fd(struct content *c)
{
	return c->ops->take_fd ? c->ops->take_fd(c) : -1;
}

void
content_free(struct content *c)
{
	if (c)
		c->ops->free(c);
}

enum err_code
store_upload(struct store *s, struct rpath path, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	static const struct upload_spec none = { 0 };

	if (rpath_is_root(path))
		return err_set(err, ERR_IS_COLLECTION, "'/'");
	return s->ops->upload(s, path, spec ? spec : &none, out, err);
}

struct ostream *
upload_stream(struct upload *u)
{
	return u->stream;
}

void
upload_expect(struct upload *u, const struct record *r, struct store_batch *b)
{
	if (u->ops->expect && r && b)
		u->ops->expect(u, r, b);
}

enum err_code
upload_commit(struct upload *u, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	const struct err *failed = &u->stream->err;

	if (failed->code) {
		if (err)
			*err = *failed;
		return failed->code;
	}
	return u->ops->commit(u, g, b, out, created, err);
}

bool
upload_joins(struct upload *u, int64_t *patience)
{
	return u->ops->joins && u->ops->joins(u, patience);
}

void
upload_commit_all(struct commit *v, size_t n)
{
	if (n && v[0].upload->ops->commit_all)
		v[0].upload->ops->commit_all(v, n);
}

bool
upload_commit_at_once(struct upload *u, const struct guard *g,
    struct resource *out, bool *created, enum err_code *rc, struct err *err)
{
	return u->ops->commit_at_once && !u->stream->err.code &&
	    u->ops->commit_at_once(u, g, out, created, rc, err);
}

enum err_code
upload_settle(struct upload *u, struct resource *out, struct err *err)
{
	const struct err *failed = &u->stream->err;

	assert(u->ops->settle);
	if (failed->code) {
		if (err)
			*err = *failed;
		return failed->code;
	}
	return u->ops->settle(u, out, err);
}

enum err_code
upload_open(struct upload *u, struct content **out, struct err *err)
{
	assert(u->ops->open);
	return u->ops->open(u, out, err);
}

void
upload_free(struct upload *u)
{
	if (u)
		u->ops->free(u);
}

enum err_code
store_may_make(struct store *s, struct rpath path, struct err *err)
{
	return rpath_is_root(path) ? ERR_OK : s->ops->may_make(s, path, err);
}

enum err_code
store_mkcol(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	if (rpath_is_root(path))
		return err_set(err, ERR_EXISTS, "'/'");
	return s->ops->mkcol(s, path, g, b, err);
}

enum err_code
store_remove(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	if (rpath_is_root(path))
		return err_set(err, ERR_FORBIDDEN, "remove '/'");
	return s->ops->remove(s, path, g, b, err);
}

enum err_code
store_copy(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	enum err_code rc = check_apart(from, to, err);

	if (rc)
		return rc;
	return s->ops->copy(s, from, to, replace, g, b, out, created, err);
}

enum err_code
store_rename(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    bool *created, struct err *err)
{
	enum err_code rc = check_apart(from, to, err);

	if (rc)
		return rc;
	return s->ops->rename(s, from, to, replace, g, b, created, err);
}

enum err_code
store_allows(struct store *s, struct rpath path, enum touch touch,
    const struct guard *g, struct err *err)
{
	return s->ops->allows(s, path, touch, g, err);
}

enum err_code
store_lock(struct store *s, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	assert(spec->depth == DEPTH_0 || spec->depth == DEPTH_INFINITY);
	assert(spec->timeout >= 0);
	return s->ops->lock(s, path, spec, g, a, out, created, err);
}

enum err_code
store_lock_refresh(struct store *s, struct rpath path,
    const struct lock_tokens *t, int64_t timeout, const struct guard *g,
    struct arena *a, struct lock *out, struct err *err)
{
	assert(timeout >= 0);
	return s->ops->lock_refresh(s, path, t, timeout, g, a, out, err);
}

enum err_code
store_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	return s->ops->unlock(s, path, t, g, err);
}

bool
store_lock_is_quick(struct store *s, struct rpath path, bool known, bool alone)
{
	return s->ops->lock_is_quick &&
	    s->ops->lock_is_quick(s, path, known, alone);
}

enum err_code
store_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	return s->ops->locks(s, path, a, out, n, err);
}

enum err_code
store_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	return s->ops->locks_below(s, path, a, out, n, err);
}

enum err_code
store_patch(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		enum prop_form form = changes[i].prop.form;

		assert(changes[i].prop.name.local.len);
		assert(changes[i].remove
			? form == PROP_EMPTY
			: form == PROP_TEXT || form == PROP_XML);
	}
	return s->ops->patch(s, path, changes, n, g, b, err);
}

bool
store_patch_is_quick(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, bool alone)
{
	return s->ops->patch_is_quick &&
	    s->ops->patch_is_quick(s, path, changes, n, alone);
}

enum err_code
store_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	return s->ops->props(s, r, a, out, n, err);
}

enum err_code
store_space(
    struct store *s, struct rpath path, struct space *out, struct err *err)
{
	return s->ops->space(s, path, out, err);
}

enum err_code
store_batch_begin(struct store *s, struct rpath root, struct store_batch **out,
    struct err *err)
{
	*out = NULL;
	return s->ops->batch_begin ? s->ops->batch_begin(s, root, out, err)
				   : ERR_OK;
}

void
store_batch_many(struct store_batch *b)
{
	if (b)
		b->many = true;
}

enum err_code
store_batch_end(struct store *s, struct store_batch *b, struct err *err)
{
	return s->ops->batch_end ? s->ops->batch_end(s, b, err) : ERR_OK;
}

enum err_code
store_batch_flush(struct store *s, struct store_batch *b, struct err *err)
{
	return b && s->ops->batch_flush ? s->ops->batch_flush(s, b, err)
					: ERR_OK;
}

bool
store_has_links(const struct store *s)
{
	return s->has_links;
}

enum err_code
store_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	assert(key.len && key.len <= RECORD_KEY_MAX);
	*found = false;
	if (!s->ops->recall)
		return ERR_OK;
	return s->ops->recall(s, key, a, out, found, err);
}

enum err_code
store_recall_any(struct store *s, struct str key, bool *any, struct err *err)
{
	*any = true;
	return s->ops->recall_any ? s->ops->recall_any(s, key, any, err)
				  : ERR_OK;
}

enum err_code
store_remember(struct store *s, const struct record *r, struct str result,
    struct store_batch *b, struct err *err)
{
	assert(r->key.len && r->key.len <= RECORD_KEY_MAX);
	assert(r->print.len <= RECORD_PRINT_MAX);
	return s->ops->remember ? s->ops->remember(s, r, result, b, err)
				: err_set(err, ERR_NOT_IMPLEMENTED, "records");
}

enum err_code
store_resolve(struct store *s, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err)
{
	return s->ops->resolve(s, path, a, out, err);
}

static enum err_code
find_spot(
    struct store *s, struct store_spot *v, struct arena *a, struct err *err)
{
	struct resource res;

	if (store_resolve(s, v->path, a, &v->real, err) == ERR_NOMEM)
		return ERR_NOMEM;
	if (!v->real.s.len)
		v->real = v->path;
	v->collection = !store_stat(s, v->path, &res, NULL) && res.collection;
	return ERR_OK;
}

enum err_code
store_find_spots(struct store *s, struct store_spot *v, size_t n,
    struct arena *a, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	if (s->ops->find_spots)
		return s->ops->find_spots(s, v, n, a, err);
	for (i = 0; i < n && !rc; i++)
		if (v[i].path.s.len)
			rc = find_spot(s, &v[i], a, err);
	return rc;
}

enum err_code
store_claim(struct store *s, struct rpath root, struct store_claim **out,
    struct err *err)
{
	return s->ops->claim(s, root, out, err);
}

void
store_claim_end(struct store_claim *c)
{
	if (c)
		c->store->ops->claim_end(c->store, c);
}

enum err_code
store_stage(struct store *s, struct rpath near, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	static const struct upload_spec none = { 0 };

	return s->ops->stage(s, near, spec ? spec : &none, out, err);
}

enum err_code
store_apply(struct store *s, struct store_claim *c, struct edit *edits,
    size_t n, struct err *err)
{
	return n ? s->ops->apply(s, c, edits, n, err) : ERR_OK;
}

void
store_close(struct store *s)
{
	if (s)
		s->ops->close(s);
}
