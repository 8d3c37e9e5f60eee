/* SPDX-License-Identifier: MIT */
#include "bulk/capture.h"

#include <string.h>

static struct capture *
capture_of(struct reply *r)
{
	return CONTAINER_OF(r, struct capture, base);
}

/* The headers that tell a program that reads results something. */
static const struct str kept[] = {
	STR_INIT("accept-patch"),
	STR_INIT("allow"),
	STR_INIT("content-location"),
	STR_INIT("content-range"),
	STR_INIT("content-type"),
	STR_INIT("etag"),
	STR_INIT("last-modified"),
	STR_INIT("location"),
	STR_INIT("lock-token"),
};

bool
capture_name(struct str *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kept); i++)
		if (str_eq_nocase(*name, kept[i])) {
			*name = kept[i];
			return true;
		}
	return false;
}

static void
keep_header(struct capture *c, struct str name, struct str value)
{
	struct header *h = &c->headers[c->n_headers];

	if (c->n_headers < ARRAY_LEN(c->headers) &&
	    arena_str(c->arena, value, &h->value)) {
		h->name = name;
		c->n_headers++;
	}
}

/*
 * Never fails: most headers are set when the change has been made, which is not
 * to be called a failure because one of them was lost.
 */
static enum err_code
capture_put_header(struct reply *r, struct str name, struct str value)
{
	struct capture *c = capture_of(r);

	if (!capture_name(&name))
		return ERR_OK;
	if (!str_eq(name, STR("etag"))) {
		keep_header(c, name, value);
	} else if (value.len <= ETAG_MAX) {
		memcpy(c->etag, value.ptr, value.len);
		*c->etag_len = (unsigned)value.len;
	}
	return ERR_OK;
}

struct str
capture_header(const struct capture *c, struct str name)
{
	size_t i;

	for (i = 0; i < c->n_headers; i++)
		if (str_eq(c->headers[i].name, name))
			return c->headers[i].value;
	return (struct str){ 0 };
}

static void
capture_forget(struct reply *r)
{
	struct capture *c = capture_of(r);

	c->n_headers = 0;
	*c->etag_len = 0;
}

/* ---- a body */

static enum err_code
body_write(struct ostream *o, struct str bytes)
{
	struct capture *c = CONTAINER_OF(o, struct capture, stream);

	if (c->body_omitted || c->without_body)
		return ERR_OK;
	if (bytes.len > c->max - c->body->len) {
		c->body_omitted = true;
		buf_done(c->body);
		return ERR_OK;
	}
	buf_put(c->body, bytes);
	return buf_failed(c->body) ? err_nomem(&o->err) : ERR_OK;
}

static enum err_code
body_end(struct ostream *o)
{
	struct capture *c = CONTAINER_OF(o, struct capture, stream);

	c->ended = true;
	return ERR_OK;
}

static const struct ostream_ops body_ops = {
	.name = "body of a result",
	.write = body_write,
	.end = body_end,
};

static enum err_code
capture_stream(struct reply *r, unsigned status, struct ostream **out)
{
	struct capture *c = capture_of(r);

	(void)status;
	c->has_body = true;
	ostream_init(&c->stream, &body_ops);
	*out = &c->stream;
	return ERR_OK;
}

static enum err_code
read_piece(
    struct capture *c, struct content *content, uint64_t from, uint64_t length)
{
	while (length) {
		size_t max = length < 65536 ? (size_t)length : 65536;
		char *room = buf_room(c->body, max);
		enum err_code rc;
		size_t got;

		if (!room)
			return ERR_NOMEM;
		rc = content_read(content, from, room, max, &got, NULL);
		if (rc)
			return rc;
		if (!got)
			return ERR_IO;
		c->body->len += got;
		from += got;
		length -= got;
	}
	return ERR_OK;
}

enum err_code
capture_content(struct capture *c, struct content *content,
    const struct segment *segs, size_t n)
{
	enum err_code rc = ERR_OK;
	uint64_t total = 0;
	size_t i;

	c->has_body = true;
	for (i = 0; i < n; i++)
		total += segs[i].text.ptr ? segs[i].text.len : segs[i].length;
	c->body_omitted = total > c->max;
	for (i = 0; i < n && !rc && !c->body_omitted && !c->without_body; i++)
		if (segs[i].text.ptr)
			buf_put(c->body, segs[i].text);
		else
			rc = read_piece(
			    c, content, segs[i].offset, segs[i].length);
	if (!rc)
		rc = buf_failed(c->body);
	c->ended = !rc;
	return rc;
}

static enum err_code
capture_take_content(struct reply *r, unsigned status, struct content *content,
    const struct segment *segs, size_t n)
{
	enum err_code rc = capture_content(capture_of(r), content, segs, n);

	(void)status;
	content_free(content);
	return rc;
}

static enum err_code
capture_empty(struct reply *r, unsigned status)
{
	(void)status;
	capture_of(r)->ended = true;
	return ERR_OK;
}

/* ---- outcomes */

/* Whether a status tells more than another: a 424 tells least. */
static bool
is_worse(unsigned status, unsigned than)
{
	return than == 424 || (status != 424 && status > than);
}

/*
 * Keeps a member's outcome.  Where there is no memory for it, or it is over the
 * limit, it is only counted: the operation is not to end in the middle because
 * of it.
 */
static void
put_member(struct capture *c, const struct outcome *o)
{
	if (outcome_is_failure(o)) {
		c->n_failed++;
		if (!c->worst || is_worse(o->status, c->worst))
			c->worst = o->status;
	}
	if (c->members.n >= c->max_members ||
	    sink_put(&c->members.base, o) != ERR_OK)
		c->omitted++;
}

static enum err_code
outcomes_put(struct sink *s, const struct outcome *o)
{
	struct capture *c = CONTAINER_OF(s, struct capture, sink);

	if (!c->has_root && c->target.s.len && rpath_eq(o->path, c->target)) {
		c->has_root = outcome_copy(c->arena, o, &c->root);
		return c->has_root ? ERR_OK : ERR_NOMEM;
	}
	put_member(c, o);
	return ERR_OK;
}

static enum err_code
outcomes_end(struct sink *s)
{
	CONTAINER_OF(s, struct capture, sink)->ended = true;
	return ERR_OK;
}

static enum err_code
capture_outcomes(struct reply *r, unsigned status, struct sink **out)
{
	static const struct sink_ops ops = {
		.name = "outcomes of a result",
		.put = outcomes_put,
		.end = outcomes_end,
	};
	struct capture *c = capture_of(r);

	(void)status;
	sink_init(&c->sink, &ops);
	(void)collector_init(&c->members, c->arena);
	*out = &c->sink;
	return ERR_OK;
}

struct reply *
capture_init(struct capture *c)
{
	static const struct reply_ops ops = {
		.header = capture_put_header,
		.stream = capture_stream,
		.content = capture_take_content,
		.outcomes = capture_outcomes,
		.empty = capture_empty,
		.forget = capture_forget,
	};

	reply_init(&c->base, &ops);
	return &c->base;
}
