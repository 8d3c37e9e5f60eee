/* SPDX-License-Identifier: MIT */
/* PATCH (RFC 5789) of JSON: RFC 7396 and RFC 6902. */
#include "dav/methods.h"
#include "dav/receive.h"
#include "http/digest.h"
#include "http/mime.h"
#include "http/negotiate.h"
#include "wire/json_patch.h"

#define PATCH_MAX ((size_t)4 << 20) /* bytes of a patch */
#define DOCUMENT_MAX ((size_t)16 << 20) /* of what it is applied to */
#define TRIES 5

struct patching {
	struct precondition pre;
	enum json_patch_form form;
	struct buf patch;
	struct buf_ostream to_patch;
	struct digest_check *digest;
	struct buf was, now; /* the document */
	struct resource read; /* whose bytes was has */
	bool changed; /* since it was read */
	const struct guard *asked; /* the request's own; may be NULL */
	struct guard guard;
};

static enum err_code
read_type(struct exchange *x, enum json_patch_form *out, struct err *err)
{
	struct str type;
	enum err_code rc =
	    headers_one(&x->req->headers, STR("Content-Type"), &type, err);

	if (rc || json_patch_form_of(type, out))
		return rc;
	(void)accept_patch_header(x->reply); /* RFC 5789 s2.2 */
	return err_tell(err, ERR_MEDIA_TYPE,
	    "a patch is application/merge-patch+json or "
	    "application/json-patch+json");
}

static enum err_code
check_target(struct exchange *x, struct err *err)
{
	struct patching *p = x->state;
	const struct guard tokens = { .tokens = &p->pre.tokens };
	const struct op op = exchange_op(x);
	struct resource res;
	enum err_code rc = op_may(&op, ACCESS_WRITE, x->req->path, err);

	if (!rc)
		rc = store_stat(x->store, x->req->path, &res, err);
	if (!rc && res.collection)
		rc = err_set(err, ERR_IS_COLLECTION, "PATCH");
	if (!rc && x->req->slash)
		rc = err_tell(err, ERR_BAD_PATH,
		    "a URL that ends in a slash is a collection's");
	if (!rc)
		rc = precondition_check(&p->pre, &res, err);
	return rc
	    ? rc
	    : store_allows(x->store, x->req->path, TOUCH_CONTENT, &tokens, err);
}

static enum err_code
open_body(struct exchange *x, struct err *err)
{
	struct patching *p = x->state;
	struct ostream *to;
	enum err_code rc;

	if (x->req->has_length && x->req->length > PATCH_MAX)
		return err_tell(err, ERR_TOO_LARGE,
		    "a patch may have %zu bytes", PATCH_MAX);
	p->patch.max = PATCH_MAX;
	to = buf_ostream_init(&p->to_patch, &p->patch);
	rc = digest_check_new(&x->req->headers, x->arena, to, &p->digest, err);
	x->body = p->digest ? digest_check_stream(p->digest) : to;
	return rc;
}

static enum err_code
patch_begin(struct exchange *x, struct err *err)
{
	struct patching *p = ARENA_NEW(x->arena, struct patching);
	enum err_code rc;

	if (!p)
		return err_nomem(err);
	x->state = p;
	x->slow = true;
	rc = receive_check(x, err);
	if (!rc)
		rc = precondition_parse(&p->pre, x, err);
	if (!rc)
		rc = check_target(x, err);
	if (!rc)
		rc = read_type(x, &p->form, err);
	return rc ? rc : open_body(x, err);
}

static enum err_code
read_document(struct exchange *x, struct err *err)
{
	struct patching *p = x->state;
	struct content *c;
	size_t got = 0;
	char *to;
	enum err_code rc = store_open(x->store, x->req->path, &c, err);

	if (rc)
		return rc;
	p->read = *content_resource(c);
	buf_clear(&p->was);
	if (p->read.length > DOCUMENT_MAX) {
		content_free(c);
		return err_tell(err, ERR_TOO_LARGE,
		    "what is patched may have %zu bytes", DOCUMENT_MAX);
	}
	to = buf_room(&p->was, (size_t)p->read.length + 1);
	rc = to ? content_read(c, 0, to, (size_t)p->read.length, &got, err)
		: err_nomem(err);
	if (!rc)
		p->was.len = got;
	content_free(c);
	return rc;
}

/* Between reading and writing nobody else may have written. */
static enum err_code
is_as_read(void *arg, const struct guarded *at, struct err *err)
{
	struct patching *p = arg;
	enum err_code rc = guard_ask(p->asked, at, err);

	if (rc)
		return rc;
	if (!at->now)
		return err_set(err, ERR_NOT_FOUND, "it was removed meanwhile");
	p->changed = !str_eq(resource_etag(at->now), resource_etag(&p->read)) ||
	    at->now->modified != p->read.modified ||
	    at->now->length != p->read.length;
	return p->changed ? err_tell(err, ERR_BUSY,
				"it was changed while it was being patched")
			  : ERR_OK;
}

static enum err_code
write_document(struct exchange *x, struct resource *res, struct err *err)
{
	struct patching *p = x->state;
	const struct upload_spec spec = { .length = p->now.len };
	struct upload *u;
	enum err_code rc = store_upload(x->store, x->req->path, &spec, &u, err);

	if (rc)
		return rc;
	p->asked = precondition_guard(&p->pre, x->req->path);
	p->guard = (struct guard){
		.check = is_as_read,
		.arg = p,
		.tokens = &p->pre.tokens,
		.record = x->record,
	};
	rc = ostream_write(upload_stream(u), buf_str(&p->now));
	if (rc && err)
		*err = upload_stream(u)->err;
	if (!rc)
		rc = upload_commit(u, &p->guard, x->batch, res, NULL, err);
	upload_free(u);
	return rc;
}

static enum err_code
patch_once(struct exchange *x, struct resource *res, struct err *err)
{
	struct patching *p = x->state;
	enum err_code rc = read_document(x, err);

	p->changed = false;
	buf_clear(&p->now);
	p->now.max = DOCUMENT_MAX;
	if (!rc)
		rc = json_patch_apply(p->form, buf_str(&p->was),
		    buf_str(&p->patch), &p->now, err);
	return rc ? rc : write_document(x, res, err);
}

static enum err_code
answer(struct exchange *x, const struct resource *res, struct err *err)
{
	const struct patching *p = x->state;
	struct reply *r = x->reply;
	struct str prefer;
	struct ostream *to;
	enum err_code rc = headers_list(
	    &x->req->headers, STR("Prefer"), x->arena, &prefer, err);

	if (rc)
		return rc;
	if (res->etag_len)
		(void)reply_header(r, STR("ETag"), resource_etag(res));
	if (!prefer_parse(prefer).representation)
		return reply_done(x, 204);
	(void)reply_header(
	    r, STR("Preference-Applied"), STR("return=representation"));
	(void)reply_header(r, STR("Content-Type"),
	    mime_type(x->set->mime, rpath_name(x->req->path)));
	(void)reply_header(r, STR("Cache-Control"), STR("no-store"));
	(void)path_header(x, STR("Content-Location"), x->req->path, false);
	rc = reply_stream(r, 200, &to);
	if (rc)
		return rc;
	(void)ostream_write(to, buf_str(&p->now));
	return ostream_end(to);
}

static enum err_code
patch_run(struct exchange *x, struct err *err)
{
	struct patching *p = x->state;
	struct resource res;
	enum err_code rc = ERR_OK;
	unsigned i;

	if (x->body->err.code) {
		*err = x->body->err;
		return err->code;
	}
	if (p->digest)
		rc = digest_check_end(p->digest, err);
	if (!rc)
		rc = precondition_look(&p->pre, err);
	if (rc)
		return rc;
	for (i = 0; i < TRIES; i++) {
		rc = patch_once(x, &res, err);
		if (!rc || !p->changed)
			break;
	}
	return rc ? rc : answer(x, &res, err);
}

static void
patch_end(struct exchange *x)
{
	struct patching *p = x->state;

	if (!p)
		return;
	buf_done(&p->patch);
	buf_done(&p->was);
	buf_done(&p->now);
}

const struct method_ops method_patch = {
	.begin = patch_begin,
	.run = patch_run,
	.end = patch_end,
};
