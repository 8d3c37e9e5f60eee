/* SPDX-License-Identifier: MIT */
#include "server/response.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/date.h"
#include "http/status.h"

/*
 * A file up to this is read into memory and leaves with its header in one
 * system call; above, sendfile() saves the copy.
 */
#define SMALL_CONTENT ((size_t)16 * 1024)

/*
 * A compressed body is sent in smaller portions: 64 KiB of it are half of
 * 10,000 members, and what is sent only at the end takes a slow link another 5
 * ms.
 */
#define CODED_ENOUGH ((size_t)16 * 1024)

static struct response *
response_of(struct reply *r)
{
	return CONTAINER_OF(r, struct response, base);
}

/* ---- the reply, as methods see it */

enum err_code
response_add(struct response *a, struct str name, struct str value)
{
	size_t size = sizeof(struct response_header) + name.len + value.len + 2;
	struct response_header *h = arena_alloc(a->spec.arena, size);
	char *text;

	if (!h)
		return ERR_NOMEM;
	text = (char *)(h + 1); /* all zero */
	h->name = str_of(text, name.len);
	h->value = str_of(text + name.len + 1, value.len);
	memcpy(text, name.ptr, name.len);
	if (value.len)
		memcpy(text + name.len + 1, value.ptr, value.len);
	*a->last = h;
	a->last = &h->next;
	return ERR_OK;
}

static enum err_code
response_header(struct reply *r, struct str name, struct str value)
{
	struct response *a = response_of(r);

	if (str_eq_nocase(name, STR("Content-Encoding")))
		a->coded = true;
	return response_add(a, name, value);
}

static bool
may_be_coded(const struct response *a, unsigned status)
{
	return a->spec.negotiate && !a->coded && status != 206 &&
	    !response_has(a, STR("Content-Range"));
}

static struct ostream *
open_spool(struct body_out *o)
{
	struct response *a = CONTAINER_OF(o, struct response, out);
	struct spool_spec spool = a->spec.spool;

	if (o->coding != CODING_IDENTITY)
		spool.enough = CODED_ENOUGH;
	if (spool_new(&spool, &a->spool, NULL))
		return NULL;
	a->source = a->spool;
	return spool_stream(a->spool);
}

/* What is small lies ready where it was written, which no lock guards. */
static enum err_code
response_stream(struct reply *r, unsigned status, struct ostream **out)
{
	struct response *a = response_of(r);

	a->kind = RESPONSE_STREAM;
	a->negotiated = may_be_coded(a, status);
	*out = body_out_init(&a->out, open_spool,
	    a->negotiated ? a->spec.coding : CODING_IDENTITY);
	return ERR_OK;
}

static enum err_code
response_content(struct reply *r, unsigned status, struct content *c,
    const struct segment *segs, size_t n)
{
	struct response *a = response_of(r);

	(void)status;
	a->kind = RESPONSE_CONTENT;
	a->content = c;
	a->segs = segs;
	a->n_segs = n;
	return ERR_OK;
}

static enum err_code
response_empty(struct reply *r, unsigned status)
{
	(void)status;
	response_of(r)->kind = RESPONSE_EMPTY;
	return ERR_OK;
}

static void
response_forget(struct reply *r)
{
	struct response *a = response_of(r);

	a->headers = NULL;
	a->last = &a->headers;
	a->coded = false;
}

static const struct reply_ops response_ops = {
	.header = response_header,
	.stream = response_stream,
	.content = response_content,
	.empty = response_empty,
	.forget = response_forget,
};

struct reply *
response_init(struct response *a, const struct response_spec *spec)
{
	a->spec = *spec;
	a->last = &a->headers;
	reply_init(&a->base, &response_ops);
	return &a->base;
}

void
response_finish(struct response *a)
{
	body_out_done(&a->out);
	spool_close(a->spool);
	a->spool = NULL;
}

void
response_done(struct response *a)
{
	spool_abandon(a->source);
	a->source = NULL;
	content_free(a->content);
	a->content = NULL;
}

bool
response_has(const struct response *a, struct str name)
{
	const struct response_header *h;

	for (h = a->headers; h; h = h->next)
		if (str_eq_nocase(h->name, name))
			return true;
	return false;
}

enum coding
response_coding(const struct response *a)
{
	return a->out.decided ? a->out.coding : CODING_IDENTITY;
}

/* ---- where the bytes come from */

static enum spool_state
read_segment(struct response_source *s, const struct segment *seg, char *out,
    size_t max, size_t *got)
{
	uint64_t left;

	left = (seg->text.ptr ? seg->text.len : seg->length) - s->seg_at;
	if (max > left)
		max = (size_t)left;
	*got = max;
	if (seg->text.ptr)
		memcpy(out, seg->text.ptr + s->seg_at, max);
	else if (content_read(s->content, seg->offset + s->seg_at, out, max,
		     got, NULL) ||
	    *got < max)
		return SPOOL_FAILED; /* the file has become shorter */
	s->seg_at += *got;
	return SPOOL_READ;
}

static uint64_t
segment_length(const struct segment *seg)
{
	return seg->text.ptr ? seg->text.len : seg->length;
}

enum spool_state
response_read(struct response_source *s, char *out, size_t max, size_t *got)
{
	if (s->cut)
		return SPOOL_FAILED;
	if (s->spool)
		return spool_read(s->spool, out, max, got);
	while (s->seg < s->n_segs &&
	    s->seg_at == segment_length(&s->segs[s->seg])) {
		s->seg++;
		s->seg_at = 0;
	}
	if (s->seg == s->n_segs)
		return SPOOL_END;
	return read_segment(s, &s->segs[s->seg], out, max, got);
}

void
response_source_done(struct response_source *s)
{
	spool_abandon(s->spool);
	content_free(s->content);
	*s = (struct response_source){ 0 };
}

/* The method has returned, or there is a spool. */
static void
take_stream(struct response *a, struct response_body *out)
{
	const struct body_out *small = &a->out;

	out->source.spool = a->source;
	a->source = NULL;
	if (out->source.spool) {
		out->known =
		    spool_ended(out->source.spool, &out->length, &out->bytes);
	} else if (small->small) {
		out->known = true;
		out->length = small->pending_len;
		out->bytes = str_of(small->pending, small->pending_len);
	}
	out->source.cut = !out->source.spool && !out->known;
	out->whole = out->known && out->bytes.len == out->length;
	if (!a->spec.head)
		return;
	/* HEAD: only the length is wanted, if it is known. */
	out->whole = false;
	out->bytes = (struct str){ 0 };
	response_source_done(&out->source);
}

/* Reads a small file into memory; leaves larger ones to sendfile(). */
static void
take_small(struct response *a, struct response_body *out)
{
	size_t got, at = 0, length = (size_t)out->length;
	char *bytes = arena_alloc(a->spec.arena, length ? length : 1);

	while (bytes && at < length) {
		if (response_read(&out->source, bytes + at, length - at,
			&got) != SPOOL_READ) {
			/*
			 * It could not be read: response_read() will fail, and
			 * cut the answer.
			 */
			out->source.seg = 0;
			out->source.seg_at = 0;
			return;
		}
		at += got;
	}
	if (!bytes)
		return;
	response_source_done(&out->source);
	out->bytes = str_of(bytes, length);
	out->whole = true;
}

/* What lies in memory is sent from there. */
static bool
take_bytes(const struct response *a, struct response_body *out)
{
	const struct segment *seg = a->segs;
	struct str all = { 0 };

	if (a->n_segs == 1 && !seg->text.ptr)
		all = content_bytes(out->source.content);
	if (!all.len)
		return false;
	assert(seg->offset <= all.len && seg->length <= all.len - seg->offset);
	out->bytes = str_of(all.ptr + seg->offset, (size_t)seg->length);
	out->whole = true;
	return true;
}

static void
take_content(struct response *a, struct response_body *out)
{
	size_t i;

	out->source = (struct response_source){
		.content = a->content,
		.segs = a->segs,
		.n_segs = a->n_segs,
	};
	a->content = NULL;
	out->known = true;
	for (i = 0; i < a->n_segs; i++)
		out->length += segment_length(&a->segs[i]);
	if (a->spec.head)
		return;
	if (take_bytes(a, out))
		return;
	if (out->length <= SMALL_CONTENT) {
		take_small(a, out);
	} else if (a->n_segs == 1 && !a->segs[0].text.ptr) {
		out->offset = a->segs[0].offset;
		out->fd = content_take_fd(out->source.content);
	}
}

void
response_take(struct response *a, struct response_body *out)
{
	*out = (struct response_body){ .fd = -1 };
	switch (a->kind) {
	case RESPONSE_NONE:
	case RESPONSE_EMPTY:
		out->known = out->whole = true;
		break;
	case RESPONSE_CONTENT:
		take_content(a, out);
		break;
	case RESPONSE_STREAM:
		take_stream(a, out);
		break;
	}
}

static void
put_header(struct buf *out, const struct response_header *h)
{
	buf_put(out, h->name);
	BUF_LIT(out, ": ");
	buf_put(out, h->value);
	BUF_LIT(out, "\r\n");
}

void
response_put_head(const struct response *a, struct buf *out)
{
	const struct response_header *h;

	buf_printf(out, "HTTP/1.1 %u %.*s\r\nDate: ", a->base.status,
	    STR_ARG(status_reason(a->base.status)));
	date_put_http(out, clock_seconds(clock_now()));
	BUF_LIT(out, "\r\n");
	for (h = a->headers; h; h = h->next)
		put_header(out, h);
}

void
response_serialize(struct response *a, struct buf *out)
{
	struct response_body body;

	response_take(a, &body);
	response_put_head(a, out);
	buf_printf(out, "Content-Length: %zu\r\nConnection: close\r\n\r\n",
	    body.bytes.len);
	buf_put(out, body.bytes);
	if (body.fd >= 0)
		(void)close(body.fd);
	response_source_done(&body.source);
}
