/* SPDX-License-Identifier: MIT */
#include "store/stores.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/mem_impl.h"

void
mem_set_bytes(struct mem_store *m, struct mem_node *n, struct mem_blob *blob)
{
	struct mem_blob *old = n->blob;
	int len = snprintf(n->res.etag, sizeof(n->res.etag), "\"m%llx\"",
	    (unsigned long long)++m->last_version);

	assert(len > 0 && len < ETAG_MAX);
	n->res.etag_len = (unsigned)len;
	n->res.length = blob ? blob->len : 0;
	n->blob = mem_blob_ref(blob);
	mem_blob_unref(old);
}

/*
 * A record of g's, if it has one, for a change at path: to be kept when that is
 * made.
 */
static enum err_code
mem_record_of(const struct guard *g, struct rpath path, struct mem_record **out,
    struct err *err)
{
	return mem_record_new(g ? g->record : NULL, path, out, err);
}

/* The change at n (NULL: it is gone) is made. */
static void
keep_record(struct mem_store *m, struct mem_record **r, bool created,
    const struct mem_node *n)
{
	const struct resource now =
	    n ? mem_node_stat(n) : (struct resource){ .collection = true };

	mem_record_keep(&m->records, r, created, &now);
}

static enum err_code
mem_stat(
    struct store *s, struct rpath path, struct resource *out, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	struct mem_node *n;
	enum err_code rc = mem_tree_find(&m->tree, path, &n, err);

	if (rc)
		return rc;
	*out = mem_node_stat(n);
	return ERR_OK;
}

/* ---- contents */

struct mem_content {
	struct content base;
	struct mem_store *m;
	struct mem_blob *blob;
};

static enum err_code
mem_content_read(struct content *c, uint64_t offset, char *out, size_t max,
    size_t *got, struct err *err)
{
	const struct mem_content *mc =
	    CONTAINER_OF(c, struct mem_content, base);
	size_t len = mc->blob ? mc->blob->len : 0;
	size_t n = offset < len ? len - (size_t)offset : 0;

	(void)err;
	if (n > max)
		n = max;
	if (n)
		memcpy(out, mc->blob->bytes + offset, n);
	*got = n;
	return ERR_OK;
}

static void
mem_content_free(struct content *c)
{
	struct mem_content *mc = CONTAINER_OF(c, struct mem_content, base);
	struct mem_store *m = mem_enter(&mc->m->base);

	mem_blob_unref(mc->blob);
	mem_leave(m);
	free(mc);
}

static const struct content_ops mem_content_ops = {
	.read = mem_content_read,
	.free = mem_content_free,
};

enum err_code
mem_content_new(struct mem_store *m, const struct mem_node *n,
    struct content **out, struct err *err)
{
	struct mem_content *mc = calloc(1, sizeof(*mc));

	if (!mc)
		return err_nomem(err);
	content_init(&mc->base, &mem_content_ops);
	mc->base.res = mem_node_stat(n);
	mc->blob = mem_blob_ref(n->blob);
	mc->m = m;
	*out = &mc->base;
	return ERR_OK;
}

static enum err_code
mem_open(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	struct mem_node *n;
	enum err_code rc = mem_tree_find(&m->tree, path, &n, err);

	if (rc)
		return rc;
	if (n->res.collection)
		return err_set(
		    err, ERR_IS_COLLECTION, "'%.*s'", STR_ARG(path.s));
	return mem_content_new(m, n, out, err);
}

/* ---- uploads */

/* The node at path, NULL: nothing; and whether a file may be made there. */
static enum err_code
check_target(struct mem_store *m, struct rpath path, struct mem_node **now,
    struct err *err)
{
	enum err_code rc = mem_tree_may_make(&m->tree, path, err);

	if (rc)
		return rc;
	if (mem_tree_find(&m->tree, path, now, NULL))
		*now = NULL;
	return ERR_OK;
}

static enum err_code
check_file(struct mem_store *m, struct rpath path, struct mem_node **now,
    struct err *err)
{
	enum err_code rc = check_target(m, path, now, err);

	if (rc)
		return rc;
	if (*now && (*now)->res.collection)
		return err_set(
		    err, ERR_IS_COLLECTION, "'%.*s'", STR_ARG(path.s));
	return ERR_OK;
}

/* A new resource with the bytes of u, in the place of old, if any. */
static enum err_code
put_bytes(struct mem_upload *u, struct mem_blob *blob,
    const struct mem_node *old, struct mem_node **out, struct err *err)
{
	struct mem_props *props = mem_props_ref(old ? old->props : NULL);
	struct mem_node *n;
	enum err_code rc = mem_tree_make(&u->m->tree, u->path, false, &n, err);

	if (rc) {
		mem_props_unref(props);
		return rc;
	}
	n->props = props;
	mem_set_bytes(u->m, n, blob);
	if (u->spec.has_modified)
		n->res.modified = u->spec.modified;
	*out = n;
	return ERR_OK;
}

enum err_code
mem_upload_blob(struct mem_upload *u, struct mem_blob **out, struct err *err)
{
	struct mem_blob *blob = calloc(1, sizeof(*blob));

	if (!blob)
		return err_nomem(err);
	*blob = (struct mem_blob){ 1, u->bytes.len, u->bytes.ptr };
	u->bytes = (struct buf){ 0 };
	*out = blob;
	return ERR_OK;
}

static enum err_code
mem_upload_commit(struct upload *base, const struct guard *g,
    struct store_batch *b, struct resource *out, bool *created, struct err *err)
{
	struct mem_upload *u = CONTAINER_OF(base, struct mem_upload, base);
	struct mem_blob *blob = NULL;
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_change(&u->m->base, u->path, false);
	struct mem_record *r CLEANUP(mem_record_done) = NULL;
	struct mem_node *now = NULL;
	struct mem_node *n;
	enum err_code rc = mem_upload_blob(u, &blob, err);
	bool existed;

	(void)b; /* memory is never durable */
	if (!rc)
		rc = check_file(m, u->path, &now, err);
	if (!rc)
		rc = mem_ask(m, u->path, now, TOUCH_CONTENT, g, err);
	existed = now != NULL;
	if (!rc)
		rc = mem_record_of(g, u->path, &r, err);
	if (!rc)
		rc = put_bytes(u, blob, now, &n, err);
	mem_blob_unref(blob);
	if (rc)
		return rc;
	keep_record(m, &r, !existed, n);
	if (out)
		*out = mem_node_stat(n);
	if (created)
		*created = !existed;
	return ERR_OK;
}

static void
mem_upload_free(struct upload *base)
{
	struct mem_upload *u = CONTAINER_OF(base, struct mem_upload, base);

	buf_done(&u->bytes);
	free(u);
}

static const struct upload_ops mem_upload_ops = {
	.commit = mem_upload_commit,
	.free = mem_upload_free,
};

static enum err_code
mem_upload(struct store *s, struct rpath path, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	struct mem_node *now;
	struct mem_upload *u;
	enum err_code rc = check_file(m, path, &now, err);

	if (rc)
		return rc;
	u = calloc(1, sizeof(*u) + path.s.len);
	if (!u)
		return err_nomem(err);
	memcpy(u->name, path.s.ptr, path.s.len);
	u->path.s = str_of(u->name, path.s.len);
	u->m = m;
	u->spec = *spec;
	upload_init(
	    &u->base, &mem_upload_ops, buf_ostream_init(&u->stream, &u->bytes));
	*out = &u->base;
	return ERR_OK;
}

/* ---- changes */

static enum err_code
mem_may_make(struct store *s, struct rpath path, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);

	return mem_tree_may_make(&m->tree, path, err);
}

static enum err_code
mem_mkcol(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_change(s, path, false);
	struct mem_record *r CLEANUP(mem_record_done) = NULL;
	struct mem_node *now;
	enum err_code rc = check_target(m, path, &now, err);

	(void)b;
	if (rc)
		return rc;
	if (now)
		return err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(path.s));
	rc = mem_ask(m, path, NULL, TOUCH_NAME, g, err);
	if (!rc)
		rc = mem_record_of(g, path, &r, err);
	if (!rc)
		rc = mem_tree_make(&m->tree, path, true, &now, err);
	if (!rc)
		keep_record(m, &r, true, now);
	return rc;
}

static enum err_code
mem_remove(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_change(s, path, false);
	struct mem_record *r CLEANUP(mem_record_done) = NULL;
	struct mem_node *now;
	enum err_code rc = mem_tree_find(&m->tree, path, &now, err);

	(void)b;
	if (rc)
		return rc;
	if (now->n_members)
		return err_set(err, ERR_NOT_EMPTY, "'%.*s'", STR_ARG(path.s));
	rc = mem_ask(m, path, now, TOUCH_NAME, g, err);
	if (!rc)
		rc = mem_record_of(g, path, &r, err);
	if (rc)
		return rc;
	mem_tree_remove(&m->tree, now);
	mem_locks_drop(&m->locks, path, true);
	keep_record(m, &r, false, NULL);
	return ERR_OK;
}

static bool
has_members(const struct mem_node *n)
{
	return n && n->n_members;
}

/* What copy and rename have in common: both ends, and whether it may be. */
static enum err_code
check_ends(struct mem_store *m, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct mem_node **src,
    struct mem_node **dst, struct err *err)
{
	enum err_code rc = mem_tree_find(&m->tree, from, src, err);

	if (!rc)
		rc = check_target(m, to, dst, err);
	if (rc)
		return rc;
	if (*dst && replace == REPLACE_NO)
		return err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(to.s));
	return mem_ask_guard(m, to, *dst, *src, g, err);
}

static enum err_code
mem_copy(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_change(s, to, true);
	struct mem_node *src;
	struct mem_node *dst;
	struct mem_node *n;
	struct mem_record *r CLEANUP(mem_record_done) = NULL;
	bool collection, keep, existed;
	enum err_code rc = check_ends(m, from, to, replace, g, &src, &dst, err);

	(void)b;
	if (rc)
		return rc;
	existed = dst != NULL;
	collection = src->res.collection;
	keep = existed && collection && dst->res.collection;
	n = dst;
	rc = mem_ask_locks(m, to, dst, TOUCH_CONTENT, g, err);
	if (!rc && !keep)
		rc = mem_ask_below(m, to, has_members(dst), g, err);
	if (!rc)
		rc = mem_record_of(g, to, &r, err);
	if (!rc && !keep)
		rc = mem_tree_make(&m->tree, to, collection, &n, err);
	if (rc)
		return rc;
	if (!keep)
		mem_locks_drop(&m->locks, to, false);
	mem_props_unref(n->props);
	n->props = mem_props_ref(src->props);
	if (!collection)
		mem_set_bytes(m, n, src->blob);
	keep_record(m, &r, !existed, n);
	if (out)
		*out = mem_node_stat(n);
	if (created)
		*created = !existed;
	return ERR_OK;
}

/* The locks of what leaves `from` and of what gives way at `to`. */
static enum err_code
ask_both(const struct mem_store *m, struct rpath from,
    const struct mem_node *src, struct rpath to, const struct mem_node *dst,
    const struct guard *g, struct err *err)
{
	enum err_code rc = mem_ask_locks(m, from, src, TOUCH_NAME, g, err);

	if (!rc)
		rc = mem_ask_locks(m, to, dst, TOUCH_NAME, g, err);
	if (!rc)
		rc = mem_ask_below(m, from, has_members(src), g, err);
	return rc ? rc
		  : mem_ask_below(
			m, to, has_members(src) || has_members(dst), g, err);
}

static enum err_code
mem_rename(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    bool *created, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_changes(s, from, to);
	struct mem_node *src;
	struct mem_node *dst;
	struct mem_record *r CLEANUP(mem_record_done) = NULL;
	bool existed;
	enum err_code rc = check_ends(m, from, to, replace, g, &src, &dst, err);

	(void)b;
	if (rc)
		return rc;
	existed = dst != NULL;
	rc = ask_both(m, from, src, to, dst, g, err);
	if (!rc)
		rc = mem_record_of(g, to, &r, err);
	if (!rc)
		rc = mem_tree_move(&m->tree, src, to, err);
	if (rc)
		return rc;
	mem_locks_drop(&m->locks, from, true);
	mem_locks_drop(&m->locks, to, false);
	keep_record(m, &r, !existed, src);
	if (created)
		*created = !existed;
	return ERR_OK;
}

/* ---- properties */

static enum err_code
mem_patch(struct store *s, struct rpath path, const struct prop_change *changes,
    size_t n, const struct guard *g, struct store_batch *b, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_change(s, path, false);
	struct mem_record *r CLEANUP(mem_record_done) = NULL;
	struct mem_props *set;
	struct mem_node *now;
	enum err_code rc = mem_tree_find(&m->tree, path, &now, err);

	(void)b;
	if (!rc)
		rc = mem_ask(m, path, now, TOUCH_CONTENT, g, err);
	if (!rc)
		rc = mem_record_of(g, path, &r, err);
	if (!rc)
		rc = mem_props_change(now->props, changes, n, &set, err);
	if (rc)
		return rc;
	mem_props_unref(now->props);
	now->props = set;
	keep_record(m, &r, false, now);
	return ERR_OK;
}

static enum err_code
mem_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	const struct mem_node *now = mem_tree_by_id(&m->tree, &r->id);

	return mem_props_list(now ? now->props : NULL, a, out, n, err);
}

static enum err_code
mem_space(
    struct store *s, struct rpath path, struct space *out, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	struct mem_node *now;
	enum err_code rc = mem_tree_find(&m->tree, path, &now, err);

	if (rc)
		return rc;
	*out = (struct space){ .used = 0, .available = UINT64_MAX };
	return ERR_OK;
}

/* ---- records */

static enum err_code
mem_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);

	return mem_records_recall(&m->records, key, a, out, found, err);
}

static enum err_code
mem_remember(struct store *s, const struct record *r, struct str result,
    struct store_batch *b, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);

	(void)b;
	return mem_records_remember(&m->records, r, result, err);
}

static void
mem_close(struct store *s)
{
	struct mem_store *m = CONTAINER_OF(s, struct mem_store, base);

	mem_locks_done(&m->locks);
	mem_records_done(&m->records);
	mem_tree_done(&m->tree);
	assert(!m->claims);
	(void)pthread_cond_destroy(&m->unclaimed);
	(void)pthread_mutex_destroy(&m->mutex);
	free(m);
}

static const struct store_ops mem_ops = {
	.name = "memory",
	.stat = mem_stat,
	.walk = mem_walk,
	.open = mem_open,
	.upload = mem_upload,
	.may_make = mem_may_make,
	.mkcol = mem_mkcol,
	.remove = mem_remove,
	.copy = mem_copy,
	.rename = mem_rename,
	.allows = mem_op_allows,
	.lock = mem_op_lock,
	.lock_refresh = mem_op_refresh,
	.unlock = mem_op_unlock,
	.locks = mem_op_locks,
	.locks_below = mem_op_locks_below,
	.patch = mem_patch,
	.props = mem_props,
	.space = mem_space,
	.resolve = mem_resolve,
	.claim = mem_claim,
	.claim_end = mem_claim_end,
	.stage = mem_stage,
	.apply = mem_apply,
	.recall = mem_recall,
	.remember = mem_remember,
	.close = mem_close,
};

enum err_code
mem_store_new(struct store **out, struct err *err)
{
	struct mem_store *m = calloc(1, sizeof(*m));
	enum err_code rc;

	if (!m)
		return err_nomem(err);
	rc = mem_tree_init(&m->tree, err);
	if (rc) {
		free(m);
		return rc;
	}
	(void)pthread_mutex_init(&m->mutex, NULL);
	(void)pthread_cond_init(&m->unclaimed, NULL);
	*out = store_init(&m->base, &mem_ops);
	return ERR_OK;
}
