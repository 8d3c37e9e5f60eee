/* SPDX-License-Identifier: MIT */
#include "dav/methods.h"

#include "store/commits.h"
#include "wire/json_patch.h"

static const struct method_ops *const methods[METHOD_COUNT] = {
	[METHOD_NONE] = &method_unknown,
	[METHOD_OPTIONS] = &method_options,
	[METHOD_GET] = &method_get,
	[METHOD_HEAD] = &method_get,
	[METHOD_PUT] = &method_put,
	[METHOD_POST] = &method_post,
	[METHOD_PATCH] = &method_patch,
	[METHOD_DELETE] = &method_delete,
	[METHOD_MKCOL] = &method_mkcol,
	[METHOD_COPY] = &method_copy,
	[METHOD_MOVE] = &method_copy,
	[METHOD_PROPFIND] = &method_propfind,
	[METHOD_PROPPATCH] = &method_proppatch,
	[METHOD_LOCK] = &method_lock,
	[METHOD_UNLOCK] = &method_unlock,
};

const struct method_ops *
dav_method(enum method m)
{
	return methods[m];
}

struct op
exchange_op(const struct exchange *x)
{
	return (struct op){
		.store = x->store,
		.caller = &x->req->caller,
		.set = x->set,
		.arena = x->arena,
		.batch = x->batch,
		.prefix = x->req->origin.prefix,
	};
}

/* Where it cannot be found out what is there, no method is ruled out. */
static unsigned
flags_here(const struct exchange *x)
{
	struct resource res;
	enum err_code rc = store_stat(x->store, x->req->path, &res, NULL);

	if (rc == ERR_NOT_FOUND)
		return METHOD_ON_NULL;
	if (rc)
		return METHOD_ON_COLLECTION | METHOD_ON_FILE | METHOD_ON_NULL;
	return res.collection ? METHOD_ON_COLLECTION : METHOD_ON_FILE;
}

bool
method_applies(const struct exchange *x, enum method m)
{
	return (flags_here(x) & method_flags(m)) != 0;
}

enum err_code
buf_header(struct reply *r, struct str name, const struct buf *value)
{
	if (buf_failed(value) && !r->failed)
		r->failed = buf_failed(value);
	return reply_header(r, name, buf_str(value));
}

enum err_code
allow_header(struct exchange *x)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	unsigned here;
	int m;

	if (x->allow.len)
		return reply_header(x->reply, STR("Allow"), x->allow);
	here = flags_here(x);
	for (m = METHOD_NONE + 1; m < METHOD_COUNT; m++) {
		if (!(method_flags((enum method)m) & here))
			continue;
		if (b.len)
			BUF_LIT(&b, ", ");
		buf_put(&b, method_name((enum method)m));
	}
	return buf_header(x->reply, STR("Allow"), &b);
}

enum err_code
accept_patch_header(struct reply *r)
{
	return reply_header(r, STR("Accept-Patch"), STR(JSON_PATCH_TYPES));
}

enum err_code
path_header(
    struct exchange *x, struct str name, struct rpath path, bool collection)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	href_put(&b, x->req->origin.prefix, path, collection);
	return buf_header(x->reply, name, &b);
}

void
canonical_header(struct exchange *x, bool collection)
{
	if (x->req->slash != collection && !rpath_is_root(x->req->path))
		(void)path_header(
		    x, STR("Content-Location"), x->req->path, collection);
}

enum err_code
reply_done(struct exchange *x, unsigned status)
{
	(void)reply_header(x->reply, STR("Cache-Control"), STR("no-store"));
	return reply_empty(x->reply, status);
}

enum err_code
stat_or_null(const struct exchange *x, struct resource *res,
    const struct resource **now, struct err *err)
{
	enum err_code rc = store_stat(x->store, x->req->path, res, err);

	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	*now = rc ? NULL : res;
	return ERR_OK;
}

/* Whether something is there: to make a file takes syncs of its own. */
static bool
is_there(const struct exchange *x)
{
	struct resource res;

	return store_stat(x->store, x->req->path, &res, NULL) == ERR_OK;
}

bool
lock_is_quick(struct exchange *x, bool known)
{
	struct rpath path = x->req->path;

	if (store_lock_is_quick(x->store, path, known, false))
		return true;
	return x->alone && x->alone(x) &&
	    store_lock_is_quick(x->store, path, known, true) &&
	    (known || is_there(x));
}
