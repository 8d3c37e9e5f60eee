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
	struct buf date CLEANUP(buf_done) = { 0 };
	int64_t modified = res->modified;
	int64_t now = clock_now();

	/* Never in the future (RFC 9110 s8.8.2.1); X-OC-Mtime can be. */
	date_put_http(&date, clock_seconds(modified < now ? modified : now));
	(void)buf_header(x->reply, STR("Last-Modified"), &date);
	if (res->etag_len)
		(void)reply_header(x->reply, STR("ETag"), resource_etag(res));
	/* To be kept, but asked for again: a PUT may come at any time. */
	(void)reply_header(x->reply, STR("Cache-Control"), STR("no-cache"));
}

static void
say_about(struct exchange *x, const struct resource *res)
{
	struct reply *r = x->reply;

	file_reply_validators(x, res);
	(void)reply_header(r, STR("Accept-Ranges"), STR("bytes"));
	(void)reply_header(r, STR("X-Content-Type-Options"), STR("nosniff"));
	if (is_active(type_of(x)))
		(void)reply_header(
		    r, STR("Content-Security-Policy"), STR("sandbox"));
	canonical_header(x, false);
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
	bool holds;

	ranges->n = 0;
	/* Only GET has ranges (RFC 9110 s14.2). */
	if (x->req->method != METHOD_GET || !headers_has(h, STR("Range")))
		return ERR_OK;
	rc = headers_one(h, STR("Range"), &header, err);
	if (!rc)
		rc = if_range_holds(h, &now, &holds, err);
	if (rc || !holds)
		return rc;
	return ranges_parse(header, res->length, ranges, err);
}

static enum err_code
no_such_range(struct exchange *x, uint64_t length, enum err_code rc)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	BUF_LIT(&b, "bytes */");
	buf_put_u64(&b, length);
	(void)buf_header(x->reply, STR("Content-Range"), &b);
	return rc;
}

static enum err_code
reply_one(struct exchange *x, struct content *content, unsigned status,
    struct byte_range range)
{
	struct segment *seg = ARENA_NEW(x->arena, struct segment);

	if (!seg) {
		content_free(content);
		return ERR_NOMEM;
	}
	*seg = (struct segment){
		.offset = range.offset,
		.length = range.length,
	};
	(void)reply_header(x->reply, STR("Content-Type"), type_of(x));
	return reply_content(
	    x->reply, status, content, seg, range.length ? 1 : 0);
}

static enum err_code
reply_range(struct exchange *x, struct content *content,
    const struct byte_range *range, uint64_t length)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	put_range(&b, range, length);
	(void)buf_header(x->reply, STR("Content-Range"), &b);
	return reply_one(x, content, 206, *range);
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

/* A multipart/byteranges body (RFC 9110 s14.6). */
static enum err_code
make_parts(struct exchange *x, struct str boundary, const struct ranges *ranges,
    uint64_t length, struct segment *segs)
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

static enum err_code
reply_parts(struct exchange *x, struct content *content,
    const struct ranges *ranges, uint64_t length)
{
	size_t n = 2 * ranges->n + 1;
	struct segment *segs = arena_array(x->arena, n, sizeof(*segs));
	struct buf boundary CLEANUP(buf_done) = { 0 };
	struct buf type CLEANUP(buf_done) = { 0 };
	enum err_code rc;

	rc = segs ? put_boundary(&boundary) : ERR_NOMEM;
	if (!rc)
		rc = make_parts(x, buf_str(&boundary), ranges, length, segs);
	if (rc) {
		content_free(content);
		return rc;
	}
	BUF_LIT(&type, "multipart/byteranges; boundary=");
	buf_put(&type, buf_str(&boundary));
	(void)buf_header(x->reply, STR("Content-Type"), &type);
	return reply_content(x->reply, 206, content, segs, n);
}

enum err_code
file_reply(struct exchange *x, struct content *content, struct err *err)
{
	const struct resource *res = content_resource(content);
	uint64_t length = res->length;
	struct ranges ranges;
	enum err_code rc;

	rc = find_ranges(x, res, &ranges, err);
	if (rc) {
		content_free(content);
		return rc == ERR_RANGE ? no_such_range(x, length, rc) : rc;
	}
	say_about(x, res);
	if (!ranges.n)
		return reply_one(
		    x, content, 200, (struct byte_range){ 0, length });
	if (ranges.n == 1)
		return reply_range(x, content, &ranges.v[0], length);
	return reply_parts(x, content, &ranges, length);
}
