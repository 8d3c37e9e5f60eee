/* SPDX-License-Identifier: MIT */
#include "dav/receive.h"

#include "http/fields.h"

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

enum err_code
receive_check(struct exchange *x, struct err *err)
{
	const struct request *req = x->req;
	struct str coding;
	enum err_code rc;

	if (headers_has(&req->headers, STR("Content-Range")))
		return err_tell(
		    err, ERR_BAD_HEADER, "Content-Range is not supported here");
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

enum err_code
receive_open(
    struct receiving *r, struct exchange *x, struct rpath path, struct err *err)
{
	enum err_code rc;

	if (x->req->has_length)
		r->spec.length = x->req->length;
	rc = oc_mtime_parse(
	    &x->req->headers, &r->spec.has_modified, &r->spec.modified, err);
	if (rc)
		return rc;
	r->spec.keyed = x->record != NULL;
	return store_upload(x->store, path, &r->spec, &r->upload, err);
}

enum err_code
receive_body(struct receiving *r, struct exchange *x, struct err *err)
{
	struct ostream *to = upload_stream(r->upload);
	enum err_code rc;

	rc = digest_check_new(&x->req->headers, x->arena, to, &r->digest, err);
	if (rc)
		return rc;
	if (r->digest)
		to = digest_check_stream(r->digest);
	if (x->set->max_upload)
		to = limit_init(&r->limit, to, x->set->max_upload);
	x->body = to;
	return ERR_OK;
}

enum err_code
receive_end(struct receiving *r, struct exchange *x, struct err *err)
{
	if (x->body->err.code) {
		*err = x->body->err;
		return err->code;
	}
	return r->digest ? digest_check_end(r->digest, err) : ERR_OK;
}

void
receive_done(struct receiving *r)
{
	upload_free(r->upload);
	r->upload = NULL;
}
