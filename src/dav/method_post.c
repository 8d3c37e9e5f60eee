/* SPDX-License-Identifier: MIT */
/* POST to a collection (RFC 5995): a new member, which the server names. */
#include <sys/random.h>

#include "dav/keys.h"
#include "dav/methods.h"
#include "dav/receive.h"
#include "http/fields.h"
#include "http/scan.h"

/* So that what is added to it still fits into a name. */
#define STEM_MAX ((size_t)120)

struct posting {
	struct precondition pre;
	struct receiving in;
	struct rpath path; /* of the member */
	struct str taken; /* its name, in x->keys; empty: it is not */
	struct guard guard;
	const struct guard *asked; /* the request's own; may be NULL */
};

/* The type is told by the name, so the name is to tell the type. */
static const struct {
	struct str type, extension;
} extensions[] = {
	{ STR_INIT("application/json"), STR_INIT(".json") },
	{ STR_INIT("application/pdf"), STR_INIT(".pdf") },
	{ STR_INIT("application/xml"), STR_INIT(".xml") },
	{ STR_INIT("image/jpeg"), STR_INIT(".jpg") },
	{ STR_INIT("image/png"), STR_INIT(".png") },
	{ STR_INIT("text/calendar"), STR_INIT(".ics") },
	{ STR_INIT("text/csv"), STR_INIT(".csv") },
	{ STR_INIT("text/html"), STR_INIT(".html") },
	{ STR_INIT("text/markdown"), STR_INIT(".md") },
	{ STR_INIT("text/plain"), STR_INIT(".txt") },
	{ STR_INIT("text/vcard"), STR_INIT(".vcf") },
	{ STR_INIT("text/xml"), STR_INIT(".xml") },
};

static struct str
media_type(const struct request *req)
{
	struct str type = { 0 };

	if (headers_one(&req->headers, STR("Content-Type"), &type, NULL))
		return (struct str){ 0 };
	return str_trim(str_head(type, str_find(type, ';')));
}

static struct str
extension_of(const struct request *req)
{
	struct str type = media_type(req);
	size_t i;

	for (i = 0; i < ARRAY_LEN(extensions); i++)
		if (str_eq_nocase(type, extensions[i].type))
			return extensions[i].extension;
	return STR("");
}

/*
 * A page of another site can have a browser send a POST without asking first,
 * as it cannot with WebDAV's methods; a browser says whose page it is.  And
 * what a form sends is a form, not a file's content.
 */
static enum err_code
check_sender(const struct exchange *x, struct err *err)
{
	const struct request *req = x->req;
	struct str type = media_type(req), from;
	size_t at;
	enum err_code rc =
	    headers_one(&req->headers, STR("Origin"), &from, err);

	if (rc)
		return rc;
	at = str_find(from, ':') + strlen("://");
	if (from.len &&
	    !str_eq_nocase(str_skip(from, at), req->origin.authority))
		return err_tell(err, ERR_FORBIDDEN,
		    "a page of another site may not add to a collection");
	if (str_eq_nocase(type, STR("multipart/form-data")) ||
	    str_eq_nocase(type, STR("application/x-www-form-urlencoded")))
		return err_tell(err, ERR_MEDIA_TYPE,
		    "the body becomes the member as it is: send its content, "
		    "not a form");
	return ERR_OK;
}

/* ---- its name */

/* 16 characters that no other has. */
static enum err_code
put_tag(struct buf *b, struct err *err)
{
	unsigned char bits[8];
	size_t i;

	if (getrandom(bits, sizeof(bits), 0) != sizeof(bits))
		return err_os(err, "getrandom");
	for (i = 0; i < sizeof(bits); i++) {
		buf_put_hex(b, bits[i] >> 4);
		buf_put_hex(b, bits[i] & 15);
	}
	return ERR_OK;
}

/* Where s may be cut so that no character of UTF-8 is. */
static size_t
whole(struct str s, size_t max)
{
	if (s.len <= max)
		return s.len;
	while (max && ((unsigned char)s.ptr[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/*
 * A name is not to hide a file or lead elsewhere, and should do in a URL, a
 * shell and on Windows.
 */
static void
put_stem(struct buf *b, struct str slug)
{
	size_t i;

	slug = str_head(slug, whole(slug, STEM_MAX));
	for (i = 0; i < slug.len; i++) {
		unsigned char c = (unsigned char)slug.ptr[i];
		bool fine = c >= 0x80 || ascii_is_alpha((char)c) ||
		    ascii_is_digit((char)c) || (c && strchr("-_.+@=", (char)c));

		if ((c == '.' || !fine) && !b->len)
			continue;
		if (fine || b->ptr[b->len - 1] != '-')
			buf_putc(b, fine ? (char)c : '-');
	}
	while (b->len && strchr("-.", b->ptr[b->len - 1]))
		b->len--;
}

/* The slug's own extension, if it has one, goes behind what is added. */
static enum err_code
put_name(struct buf *b, struct str slug, struct str extension, bool plain,
    struct err *err)
{
	struct buf stem CLEANUP(buf_done) = { 0 };
	enum err_code rc = ERR_OK;
	struct str s;
	size_t dot;

	put_stem(&stem, slug);
	s = buf_str(&stem);
	dot = s.len ? str_rfind(s, '.') : 0;
	if (dot < s.len)
		extension = str_skip(s, dot);
	buf_put(b, str_head(s, dot));
	if (s.len && !plain)
		buf_putc(b, '-');
	if (!s.len || !plain)
		rc = put_tag(b, err);
	buf_put(b, extension);
	if (!rc && (buf_failed(&stem) || buf_failed(b)))
		rc = err_nomem(err);
	return rc;
}

/* Whether it is free, and no other POST is about to take it. */
static enum err_code
take_name(struct exchange *x, struct rpath path, bool *taken, struct err *err)
{
	struct posting *p = x->state;
	struct buf key CLEANUP(buf_done) = { 0 };
	struct resource res;
	struct str kept;
	bool nomem = false;
	enum err_code rc = store_stat(x->store, path, &res, err);

	*taken = false;
	if (rc != ERR_NOT_FOUND)
		return rc;
	*taken = true;
	if (!x->keys)
		return ERR_OK;
	BUF_LIT(&key, "POST "); /* no key of a client begins so */
	buf_put(&key, path.s);
	if (buf_failed(&key) || !arena_str(x->arena, buf_str(&key), &kept))
		return err_nomem(err);
	*taken = keys_take(x->keys, kept, &nomem);
	if (*taken)
		p->taken = kept;
	return nomem ? err_nomem(err) : ERR_OK;
}

static enum err_code
choose_name(struct exchange *x, struct err *err)
{
	struct posting *p = x->state;
	struct str slug, extension = extension_of(x->req);
	enum err_code rc = slug_parse(&x->req->headers, x->arena, &slug, err);
	bool taken = false;
	unsigned i;

	for (i = 0; i < 8 && !rc && !taken; i++) {
		struct buf name CLEANUP(buf_done) = { 0 };

		rc = put_name(&name, slug, extension, !i, err);
		if (!rc)
			rc = rpath_join(x->arena, x->req->path, buf_str(&name),
			    &p->path, err);
		if (!rc)
			rc = take_name(x, p->path, &taken, err);
	}
	if (rc || taken)
		return rc;
	return err_tell(err, ERR_BUSY, "no free name was found");
}

/* ---- the method */

static enum err_code
is_new(void *arg, const struct guarded *at, struct err *err)
{
	const struct posting *p = arg;

	if (at->now)
		return err_tell(err, ERR_BUSY,
		    "another took the name of the new member: send it again");
	return guard_ask(p->asked, at, err);
}

static enum err_code
check_target(struct exchange *x, struct err *err)
{
	struct posting *p = x->state;
	const struct op op = exchange_op(x);
	struct resource res;
	enum err_code rc = store_stat(x->store, x->req->path, &res, err);

	if (rc)
		return rc;
	if (!res.collection)
		return err_tell(
		    err, ERR_METHOD, "POST is for collections: use PUT");
	rc = check_sender(x, err);
	if (!rc)
		rc = op_may(&op, ACCESS_WRITE, x->req->path, err);
	return rc ? rc : precondition_check(&p->pre, &res, err);
}

static enum err_code
post_begin(struct exchange *x, struct err *err)
{
	struct posting *p = ARENA_NEW(x->arena, struct posting);
	struct guard tokens;
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
		rc = choose_name(x, err);
	if (!rc)
		rc = receive_open(&p->in, x, p->path, err);
	tokens = (struct guard){ .tokens = &p->pre.tokens };
	if (!rc)
		rc = store_allows(
		    x->store, p->path, TOUCH_CONTENT, &tokens, err);
	return rc ? rc : receive_body(&p->in, x, err);
}

static enum err_code
post_run(struct exchange *x, struct err *err)
{
	struct posting *p = x->state;
	struct buf location CLEANUP(buf_done) = { 0 };
	struct resource res;
	enum err_code rc;

	rc = receive_end(&p->in, x, err);
	if (!rc)
		rc = precondition_look(&p->pre, err);
	if (rc)
		return rc;
	/* Before it is made, for that may not fail any more after it. */
	href_put(&location, x->req->origin.prefix, p->path, false);
	if (buf_failed(&location))
		return err_nomem(err);
	p->asked = precondition_guard(&p->pre, p->path);
	p->guard = (struct guard){
		.check = is_new,
		.arg = p,
		.tokens = &p->pre.tokens,
		.record = x->record,
	};
	rc = upload_commit(p->in.upload, &p->guard, x->batch, &res, NULL, err);
	if (rc)
		return rc;
	(void)reply_header(x->reply, STR("Location"), buf_str(&location));
	if (res.etag_len)
		(void)reply_header(x->reply, STR("ETag"), resource_etag(&res));
	if (p->in.spec.has_modified)
		(void)reply_header(
		    x->reply, STR("X-OC-MTime"), STR("accepted"));
	return reply_done(x, 201);
}

static void
post_end(struct exchange *x)
{
	struct posting *p = x->state;

	if (!p)
		return;
	receive_done(&p->in);
	if (p->taken.len)
		keys_give_back(x->keys, p->taken);
}

const struct method_ops method_post = {
	.begin = post_begin,
	.run = post_run,
	.end = post_end,
};
