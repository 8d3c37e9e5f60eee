/* SPDX-License-Identifier: MIT */
#include "dav/file_reply.h"

#include <sys/random.h>

#include "base/clock.h"
#include "dav/methods.h"
#include "http/condition.h"
#include "http/date.h"
#include "http/mime.h"
#include "http/range.h"

/*
 * Types that a browser runs scripts of.  What somebody has uploaded must not
 * act with the rights of whoever looks at it, so they come in a sandbox; not
 * all types do, because a sandbox keeps browsers from showing PDF.
 */
static const struct str active_types[] = {
	STR_INIT("text/html"),
	STR_INIT("application/xhtml+xml"),
	STR_INIT("image/svg+xml"),
	STR_INIT("text/xml"),
	STR_INIT("application/xml"),
	STR_INIT("application/xslt+xml"),
	STR_INIT("application/mathml+xml"),
	STR_INIT("multipart/related"),
	STR_INIT("message/rfc822"),
};

static bool
is_active(struct str type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(active_types); i++)
		if (str_eq_nocase(type, active_types[i]))
			return true;
	return str_ends(type, STR("+xml"));
}

static struct str
type_of(const struct exchange *x)
{
	return mime_type(x->set->mime, rpath_name(x->req->path));
}

void
file_reply_validators(struct exchange *x, const struct resource *res)
{
	struct date_memo date = { 0 };
	int64_t modified = res->modified;
	int64_t now = clock_now();

	/* Never in the future (RFC 9110 s8.8.2.1); X-OC-Mtime can be. */
	if (modified > now)
		modified = now;
	(void)reply_header(x->reply, STR("Last-Modified"),
	    date_http(&date, clock_seconds(modified)));
	if (res->etag_len)
		(void)reply_header(x->reply, STR("ETag"), resource_etag(res));
	/* To be kept, but asked for again: a PUT may come at any time. */
	(void)reply_header(x->reply, STR("Cache-Control"), STR("no-cache"));
	canonical_header(x, false);
}

static void
say_about(struct exchange *x, const struct resource *res, struct str type)
{
	struct reply *r = x->reply;

	file_reply_validators(x, res);
	(void)reply_header(r, STR("Content-Type"), type);
	(void)reply_header(r, STR("Accept-Ranges"), STR("bytes"));
	(void)reply_header(r, STR("X-Content-Type-Options"), STR("nosniff"));
	if (is_active(type_of(x)))
		(void)reply_header(
		    r, STR("Content-Security-Policy"), STR("sandbox"));
}

static void
put_range(struct buf *b, const struct byte_range *range, uint64_t length)
{
	BUF_LIT(b, "bytes ");
	buf_put_u64(b, range->offset);
	buf_putc(b, '-');
	buf_put_u64(b, range->offset + range->length - 1);
	buf_putc(b, '/');
	buf_put_u64(b, length);
}

/* Which ranges to send; none for the whole. */
static enum err_code
find_ranges(struct exchange *x, const struct resource *res,
    struct ranges *ranges, struct err *err)
{
	const struct headers *h = &x->req->headers;
	const struct validators now = { true, resource_etag(res),
		clock_seconds(res->modified) };
	struct str header;
	enum err_code rc;

	ranges->n = 0;
	/* Only GET has ranges (RFC 9110 s14.2). */
	if (x->req->method != METHOD_GET || !headers_has(h, STR("Range")))
		return ERR_OK;
	rc = headers_one(h, STR("Range"), &header, err);
	if (rc || !if_range_holds(h, &now))
		return rc;
	return ranges_parse(header, res->length, ranges, err);
}

static void
say_range(struct exchange *x, const struct byte_range *range, uint64_t length)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (range) {
		put_range(&b, range, length);
	} else { /* none of those asked for */
		BUF_LIT(&b, "bytes */");
		buf_put_u64(&b, length);
	}
	(void)buf_header(x->reply, STR("Content-Range"), &b);
}

/* Made before the first header is set, so that nothing fails after it. */
struct body {
	unsigned status;
	struct str type;
	struct segment *segs;
	size_t n;
};

static enum err_code
make_whole(struct exchange *x, struct byte_range range, struct body *out)
{
	out->segs = ARENA_NEW(x->arena, struct segment);
	if (!out->segs)
		return ERR_NOMEM;
	out->segs->offset = range.offset;
	out->segs->length = range.length;
	out->n = range.length ? 1 : 0;
	return ERR_OK;
}

/*
 * Random, so that no file can be made to hold it and pass off its bytes for
 * another part.
 */
static enum err_code
put_boundary(struct buf *b)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return ERR_OS;
	BUF_LIT(b, "sheaf-");
	buf_put_hex(b, random[0]);
	buf_put_hex(b, random[1]);
	return buf_failed(b);
}

/* The text before one part, or after the last. */
static enum err_code
part_text(struct exchange *x, struct str boundary,
    const struct byte_range *range, uint64_t length, struct segment *seg)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	BUF_LIT(&b, "\r\n--");
	buf_put(&b, boundary);
	if (range) {
		BUF_LIT(&b, "\r\nContent-Type: ");
		buf_put(&b, type_of(x));
		BUF_LIT(&b, "\r\nContent-Range: ");
		put_range(&b, range, length);
		BUF_LIT(&b, "\r\n\r\n");
	} else {
		BUF_LIT(&b, "--\r\n");
	}
	if (buf_failed(&b) || !arena_str(x->arena, buf_str(&b), &seg->text))
		return ERR_NOMEM;
	return ERR_OK;
}

static enum err_code
make_segments(struct exchange *x, struct str boundary,
    const struct ranges *ranges, uint64_t length, struct segment *segs)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < ranges->n && !rc; i++) {
		rc =
		    part_text(x, boundary, &ranges->v[i], length, &segs[2 * i]);
		segs[2 * i + 1] = (struct segment){
			.offset = ranges->v[i].offset,
			.length = ranges->v[i].length,
		};
	}
	return rc ? rc : part_text(x, boundary, NULL, length, &segs[2 * i]);
}

/* A multipart/byteranges body (RFC 9110 s14.6). */
static enum err_code
make_parts(struct exchange *x, const struct ranges *ranges, uint64_t length,
    struct body *out)
{
	struct str prefix = STR("multipart/byteranges; boundary=");
	struct buf type CLEANUP(buf_done) = { 0 };
	enum err_code rc;

	out->n = 2 * ranges->n + 1;
	out->segs = arena_array(x->arena, out->n, sizeof(*out->segs));
	if (!out->segs)
		return ERR_NOMEM;
	buf_put(&type, prefix);
	rc = put_boundary(&type);
	if (rc)
		return rc;
	if (!arena_str(x->arena, buf_str(&type), &out->type))
		return ERR_NOMEM;
	return make_segments(
	    x, str_skip(out->type, prefix.len), ranges, length, out->segs);
}

static enum err_code
make_body(struct exchange *x, const struct ranges *ranges, uint64_t length,
    struct body *out)
{
	out->status = ranges->n ? 206 : 200;
	out->type = type_of(x);
	if (ranges->n > 1)
		return make_parts(x, ranges, length, out);
	return make_whole(x,
	    ranges->n ? ranges->v[0] : (struct byte_range){ 0, length }, out);
}

enum err_code
file_reply(struct exchange *x, struct content *content, struct err *err)
{
	const struct resource *res = content_resource(content);
	struct body body = { 0 };
	struct ranges ranges;
	enum err_code rc;

	rc = find_ranges(x, res, &ranges, err);
	if (rc == ERR_RANGE)
		say_range(x, NULL, res->length);
	if (!rc)
		rc = make_body(x, &ranges, res->length, &body);
	if (rc) {
		content_free(content);
		return rc;
	}
	say_about(x, res, body.type);
	if (ranges.n == 1)
		say_range(x, &ranges.v[0], res->length);
	return reply_content(x->reply, body.status, content, body.segs, body.n);
}
