/* SPDX-License-Identifier: MIT */
/* PUT (RFC 9110 s9.3.4, RFC 4918 s9.7): streamed into the store. */
#include <assert.h>

#include "dav/methods.h"
#include "dav/receive.h"
#include "store/commits.h"

struct putting {
	struct precondition pre;
	bool soon; /* see comes_soon() */
	struct receiving in;
};

/* Fails where what is at the path cannot be a file. */
static enum err_code
check_target(struct exchange *x, const struct resource **now,
    struct resource *res, struct err *err)
{
	struct putting *p = x->state;
	const struct op op = exchange_op(x);
	enum err_code rc = op_may(&op, ACCESS_WRITE, x->req->path, err);

	*now = NULL;
	if (rc)
		return rc;
	/* Nothing has to be asked that the store will not see for itself. */
	if (p->soon ||
	    (!x->req->slash && !precondition_guard(&p->pre, x->req->path)))
		return ERR_OK;
	rc = stat_or_null(x, res, now, err);
	if (rc)
		return rc;
	if (*now && res->collection)
		return err_set(err, ERR_IS_COLLECTION, "PUT");
	if (x->req->slash)
		return err_tell(err, ERR_BAD_PATH,
		    "a URL that ends in a slash is a collection's: MKCOL");
	return ERR_OK;
}

/* Asks conditions and locks.  Both are asked again when all bytes are there. */
static enum err_code
check_state(struct exchange *x, const struct resource *now, struct err *err)
{
	struct putting *p = x->state;
	const struct guard g = { .tokens = &p->pre.tokens };
	enum err_code rc = precondition_check(&p->pre, now, err);

	return rc
	    ? rc
	    : store_allows(x->store, x->req->path, TOUCH_CONTENT, &g, err);
}

/*
 * Whether a refusal may as well come when all of the body is there, from the
 * store alone.  That is so where the client does not wait before it sends the
 * body, and there is no condition that should be told first; and for an item of
 * a batch, whose body is there already.
 */
static bool
comes_soon(struct exchange *x)
{
	struct putting *p = x->state;
	const struct headers *h = &x->req->headers;

	if (!x->req->has_length || x->req->slash || (x->record && !x->batch) ||
	    headers_has(h, STR("Expect")) || digest_is_sent(h))
		return false;
	return x->batch ||
	    (!precondition_guard(&p->pre, x->req->path) &&
		check_state(x, NULL, NULL) == ERR_OK);
}

/*
 * All this is asked before a byte of the body comes.  Conditions and locks come
 * after whatever else speaks against the PUT (RFC 9110 s13.2.1).
 */
static enum err_code
put_begin(struct exchange *x, struct err *err)
{
	struct putting *p = ARENA_NEW(x->arena, struct putting);
	const struct resource *now;
	struct resource res;
	enum err_code rc;

	if (!p)
		return err_nomem(err);
	x->state = p;
	x->slow = true; /* it syncs to disk */
	rc = receive_check(x, err);
	if (!rc)
		rc = precondition_parse(&p->pre, x, err);
	if (!rc) {
		p->soon = comes_soon(x);
		/* What is to be foretold needs a file before the commit. */
		p->in.spec.soon = p->soon && !x->record;
		p->in.spec.batched =
		    x->batch && !precondition_wants_nothing(&p->pre);
		rc = check_target(x, &now, &res, err);
	}
	if (!rc)
		rc = receive_open(&p->in, x, x->req->path, err);
	if (!rc && !p->soon)
		rc = check_state(x, now, err);
	if (!rc)
		upload_expect(p->in.upload, x->record, x->batch);
	return rc ? rc : receive_body(&p->in, x, err);
}

/*
 * Drops the times that Windows' client keeps in properties: they are true of
 * the bytes that it sent, not of those that take their place, and it sets them
 * anew after its own PUT.  To us they are dead properties, so failing to drop
 * them is no failure.
 */
static void
drop_times(struct exchange *x)
{
	const struct putting *p = x->state;
	const struct guard g = { .tokens = &p->pre.tokens };
	static const struct prop_change changes[] = {
		{ true,
		    { .name = { STR_INIT("urn:schemas-microsoft-com:"),
			  STR_INIT("Win32LastModifiedTime") } } },
		{ true,
		    { .name = { STR_INIT("urn:schemas-microsoft-com:"),
			  STR_INIT("Win32LastAccessTime") } } },
	};

	(void)!store_patch(x->store, x->req->path, changes, ARRAY_LEN(changes),
	    &g, x->batch, NULL);
}

static enum err_code
check_whole(struct exchange *x, struct err *err)
{
	struct putting *p = x->state;
	enum err_code rc = receive_end(&p->in, x, err);

	return rc ? rc : precondition_look(&p->pre, err);
}

static enum err_code
say_stored(struct exchange *x, const struct resource *res, bool created)
{
	const struct putting *p = x->state;

	if (res->has_props)
		drop_times(x);
	if (res->etag_len) /* stored as sent (RFC 9110 s9.3.4) */
		(void)reply_header(x->reply, STR("ETag"), resource_etag(res));
	if (p->in.spec.has_modified)
		(void)reply_header(
		    x->reply, STR("X-OC-MTime"), STR("accepted"));
	return reply_done(x, created ? 201 : 204);
}

static enum err_code
put_run(struct exchange *x, struct err *err)
{
	struct putting *p = x->state;
	struct resource res;
	bool created;
	enum err_code rc = check_whole(x, err);

	if (!rc)
		rc = upload_commit(p->in.upload,
		    precondition_guard(&p->pre, x->req->path), x->batch, &res,
		    &created, err);
	return rc ? rc : say_stored(x, &res, created);
}

/* A PUT that comes soon has neither a guard nor a batch. */
static enum run_group
put_group(struct exchange *x, int64_t *patience)
{
	const struct putting *p = x->state;

	return p->in.spec.soon && upload_joins(p->in.upload, patience)
	    ? RUN_UPLOADS
	    : RUN_ALONE;
}

static void
put_run_all(struct exchange *const *x, enum err_code *rc,
    struct err *const *err, bool *ran, size_t n)
{
	struct commit *v = arena_array(x[0]->arena, n, sizeof(*v));
	size_t of[RUN_MOST];
	size_t i;
	size_t k = 0;

	assert(n <= RUN_MOST);
	for (i = 0; i < n && v; i++) {
		struct putting *p = x[i]->state;

		rc[i] = check_whole(x[i], err[i]);
		ran[i] = rc[i];
		if (ran[i])
			continue;
		v[k] = (struct commit){
			.upload = p->in.upload,
			.guard = precondition_guard(&p->pre, x[i]->req->path),
			.batch = x[i]->batch,
			.err = err[i],
		};
		of[k++] = i;
	}
	upload_commit_all(v, k);
	for (i = 0; i < k; i++) {
		ran[of[i]] = v[i].done;
		if (v[i].done)
			rc[of[i]] = v[i].rc
			    ? v[i].rc
			    : say_stored(x[of[i]], &v[i].res, v[i].created);
	}
}

/*
 * A small PUT that is not synced is done as soon as its bytes are there.  It
 * has no guard, or it would not come soon.
 */
static bool
put_at_once(struct exchange *x, enum err_code *rc, struct err *err)
{
	struct putting *p = x->state;
	struct resource res;
	bool created;

	if (!p->in.spec.soon || x->body->err.code ||
	    !upload_commit_at_once(p->in.upload, NULL, &res, &created, rc, err))
		return false;
	if (!*rc)
		*rc = say_stored(x, &res, created);
	return true;
}

static void
put_end(struct exchange *x)
{
	struct putting *p = x->state;

	if (p)
		receive_done(&p->in);
}

const struct method_ops method_put = {
	.begin = put_begin,
	.at_once = put_at_once,
	.group = put_group,
	.run_all = put_run_all,
	.run = put_run,
	.end = put_end,
};
