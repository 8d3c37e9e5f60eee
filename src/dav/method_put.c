/* SPDX-License-Identifier: MIT */
/* PUT (RFC 9110 s9.3.4, RFC 4918 s9.7): streamed into the store. */
#include "dav/methods.h"
#include "dav/receive.h"

struct putting {
	struct precondition pre;
	struct receiving in;
};

/* What is there may be no place for a file at all. */
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
	/* Nothing to ask that the store will not see for itself. */
	if (!x->req->slash && !precondition_guard(&p->pre, x->req->path))
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

/* Both will be asked again when the bytes are there. */
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
 * Whether what speaks against it is as well said when all of it is there, by
 * the store alone: nobody waits for a word before sending, and there is nothing
 * to ask first that should be told first.
 */
static bool
comes_soon(struct exchange *x)
{
	struct putting *p = x->state;
	const struct headers *h = &x->req->headers;

	return x->req->has_length && !x->req->slash && !x->batch &&
	    !x->record && !precondition_guard(&p->pre, x->req->path) &&
	    !headers_has(h, STR("Expect")) && !digest_is_sent(h) &&
	    check_state(x, NULL, NULL) == ERR_OK;
}

/*
 * All this before a byte of the body is asked for.  Conditions and locks come
 * after what speaks against the PUT anyway (RFC 9110 s13.2.1).
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
	if (!rc)
		rc = check_target(x, &now, &res, err);
	if (!rc) {
		p->in.spec.soon = comes_soon(x);
		rc = receive_open(&p->in, x, x->req->path, err);
	}
	if (!rc && !p->in.spec.soon)
		rc = check_state(x, now, err);
	if (!rc)
		upload_expect(p->in.upload, x->record, x->batch);
	return rc ? rc : receive_body(&p->in, x, err);
}

/*
 * What Windows' client keeps in properties is true of the bytes it sent, not
 * of those that take their place; it sets them again after its own PUT.  They
 * are dead to us otherwise, so failing to drop them is no failure.
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
put_run(struct exchange *x, struct err *err)
{
	struct putting *p = x->state;
	struct resource res;
	enum err_code rc;
	bool created;

	rc = receive_end(&p->in, x, err);
	if (!rc)
		rc = precondition_look(&p->pre, err);
	if (!rc)
		rc = upload_commit(p->in.upload,
		    precondition_guard(&p->pre, x->req->path), x->batch, &res,
		    &created, err);
	if (rc)
		return rc;
	if (res.has_props)
		drop_times(x);
	if (res.etag_len) /* stored as sent (RFC 9110 s9.3.4) */
		(void)reply_header(x->reply, STR("ETag"), resource_etag(&res));
	if (p->in.spec.has_modified)
		(void)reply_header(
		    x->reply, STR("X-OC-MTime"), STR("accepted"));
	return reply_done(x, created ? 201 : 204);
}

/* What is small, and synced by nobody, is done as soon as it is there. */
static bool
put_is_quick(struct exchange *x)
{
	const struct putting *p = x->state;

	return p->in.spec.soon && upload_is_quick(p->in.upload);
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
	.is_quick = put_is_quick,
	.run = put_run,
	.end = put_end,
};
