/* SPDX-License-Identifier: MIT */
/* PUT (RFC 9110 s9.3.4, RFC 4918 s9.7): streamed into the store. */
#include "dav/methods.h"
#include "http/digest.h"
#include "http/fields.h"

/* A stream that refuses bytes past a limit. */
struct limit {
	struct ostream base;
	struct ostream *to;
	uint64_t left;
	uint64_t max;
};

struct putting {
	struct precondition pre;
	struct upload_spec spec;
	struct upload *upload;
	struct digest_check *digest; /* NULL: none was sent */
	struct limit limit;
};

static enum err_code
too_large(uint64_t max, struct err *err)
{
	return err_tell(err, ERR_TOO_LARGE, "an upload may have %llu bytes",
	    (unsigned long long)max);
}

static enum err_code
limit_write(struct ostream *o, struct str bytes)
{
	struct limit *l = CONTAINER_OF(o, struct limit, base);
	enum err_code rc;

	if (bytes.len > l->left)
		return too_large(l->max, &o->err);
	l->left -= bytes.len;
	rc = ostream_write(l->to, bytes);
	if (rc)
		o->err = l->to->err;
	return rc;
}

static struct ostream *
limit_init(struct limit *l, struct ostream *to, uint64_t max)
{
	static const struct ostream_ops ops = {
		.name = "limit",
		.write = limit_write,
	};

	ostream_init(&l->base, &ops);
	l->to = to;
	l->left = l->max = max;
	return &l->base;
}

/*
 * What cannot be stored as it is meant must not be stored as something else:
 * part of a resource (RFC 9110 s14.5 lets us refuse), or bytes whose coding we
 * could not tell when they are read again (s8.4).
 */
static enum err_code
check_headers(struct exchange *x, struct err *err)
{
	const struct request *req = x->req;
	struct str coding;
	enum err_code rc;

	if (headers_has(&req->headers, STR("Content-Range")))
		return err_tell(err, ERR_BAD_HEADER,
		    "Content-Range is not supported in a PUT");
	rc = headers_list(
	    &req->headers, STR("Content-Encoding"), x->arena, &coding, err);
	if (rc)
		return rc;
	if (coding.len && !str_eq_nocase(coding, STR("identity"))) {
		(void)reply_header(
		    x->reply, STR("Accept-Encoding"), STR("identity"));
		return err_tell(err, ERR_MEDIA_TYPE,
		    "content is stored as sent: send it without coding");
	}
	if (x->set->max_upload && req->has_length &&
	    req->length > x->set->max_upload)
		return too_large(x->set->max_upload, err);
	return ERR_OK;
}

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

static enum err_code
open_upload(struct exchange *x, struct err *err)
{
	struct putting *p = x->state;
	enum err_code rc;

	if (x->req->has_length)
		p->spec.length = x->req->length;
	rc = oc_mtime_parse(
	    &x->req->headers, &p->spec.has_modified, &p->spec.modified, err);
	if (rc)
		return rc;
	return store_upload(x->store, x->req->path, &p->spec, &p->upload, err);
}

static enum err_code
open_body(struct exchange *x, struct err *err)
{
	struct putting *p = x->state;
	struct ostream *to = upload_stream(p->upload);
	enum err_code rc;

	rc = digest_check_new(&x->req->headers, x->arena, to, &p->digest, err);
	if (rc)
		return rc;
	if (p->digest)
		to = digest_check_stream(p->digest);
	if (x->set->max_upload)
		to = limit_init(&p->limit, to, x->set->max_upload);
	x->body = to;
	return ERR_OK;
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
	rc = check_headers(x, err);
	if (!rc)
		rc = precondition_parse(&p->pre, x, err);
	if (!rc)
		rc = check_target(x, &now, &res, err);
	if (!rc)
		rc = open_upload(x, err);
	if (!rc)
		rc = check_state(x, now, err);
	return rc ? rc : open_body(x, err);
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

	if (x->body->err.code) {
		*err = x->body->err;
		return err->code;
	}
	rc = p->digest ? digest_check_end(p->digest, err) : ERR_OK;
	if (!rc)
		rc = precondition_look(&p->pre, err);
	if (!rc)
		rc = upload_commit(p->upload,
		    precondition_guard(&p->pre, x->req->path), x->batch, &res,
		    &created, err);
	if (rc)
		return rc;
	if (res.has_props)
		drop_times(x);
	if (res.etag_len) /* stored as sent (RFC 9110 s9.3.4) */
		(void)reply_header(x->reply, STR("ETag"), resource_etag(&res));
	if (p->spec.has_modified)
		(void)reply_header(
		    x->reply, STR("X-OC-MTime"), STR("accepted"));
	return reply_done(x, created ? 201 : 204);
}

static void
put_end(struct exchange *x)
{
	struct putting *p = x->state;

	if (p)
		upload_free(p->upload);
}

const struct method_ops method_put = {
	.begin = put_begin,
	.run = put_run,
	.end = put_end,
};
