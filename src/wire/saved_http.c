/* SPDX-License-Identifier: MIT */
/*
 * Raw HTTP responses.  A header that is followed by another is that of an
 * answer on the way to the last: 100 Continue, a redirect, a proxy's 200 to
 * CONNECT, a 401 that was answered; it is dropped.
 */
#include <stdlib.h>

#include "http/scan.h"
#include "wire/json_status.h"
#include "wire/saved_body.h"
#include "wire/saved_impl.h"

#define MOST_HEAD ((size_t)256 * 1024)

#define BEGINNING STR("HTTP/")

struct http_saved {
	struct saved_form base;
	struct buf head; /* the header as it was saved */
	struct arena arena; /* for its fields */
	struct answer_head answer;
	bool has_head; /* the header is whole */
	bool begun; /* begin() was called for the answer */
	struct buf next; /* bytes that may be the beginning of another header */
	struct saved_body body;
};

static enum err_code
put_body(void *arg, struct str bytes, struct err *err)
{
	const struct http_saved *h = arg;

	return h->base.events->body(h->base.arg, bytes, err);
}

/* Takes a line off the front; returns it without its end. */
static struct str
cut_line(struct str *rest)
{
	size_t n = str_find(*rest, '\n');
	struct str line = str_head(*rest, n);

	*rest = str_skip(*rest, n + 1);
	if (str_ends(line, STR("\r")))
		line.len--;
	return line;
}

/* The length of the header, with its empty line; 0: it is not whole. */
static size_t
head_length(struct str s)
{
	size_t from = 0;

	for (;;) {
		size_t n = str_find(str_skip(s, from), '\n');
		size_t at = from + n;

		if (at >= s.len)
			return 0;
		if (!n || (n == 1 && s.ptr[from] == '\r'))
			return at + 1;
		from = at + 1;
	}
}

/* Joins folded lines (obs-fold, RFC 9112 s5.2) to the line before. */
static void
unfold(struct buf *head)
{
	size_t i;

	for (i = 1; i + 1 < head->len; i++) {
		char next = head->ptr[i + 1];

		if (head->ptr[i] != '\n' || (next != ' ' && next != '\t'))
			continue;
		head->ptr[i] = ' ';
		if (head->ptr[i - 1] == '\r')
			head->ptr[i - 1] = ' ';
	}
}

static enum err_code
parse_fields(struct http_saved *h, struct str rest, struct err *err)
{
	struct header *fields;
	size_t most = 0;
	size_t i;

	for (i = 0; i < rest.len; i++)
		most += rest.ptr[i] == '\n';
	fields = arena_array(&h->arena, most, sizeof(*fields));
	if (!fields)
		return err_nomem(err);
	h->answer.fields.v = fields;
	while (rest.len) {
		struct str line = cut_line(&rest);
		size_t colon = str_find(line, ':');

		if (colon == line.len || !scan_is_token(str_head(line, colon)))
			continue; /* nothing that anybody would look for */
		fields[h->answer.fields.n++] = (struct header){
			str_head(line, colon),
			str_trim(str_skip(line, colon + 1)),
		};
	}
	if (headers_one(&h->answer.fields, STR("content-type"),
		&h->answer.content_type, NULL))
		h->answer.content_type = STR(""); /* two that differ */
	return ERR_OK;
}

static enum err_code
parse_head(struct http_saved *h, struct err *err)
{
	struct str rest, line;

	unfold(&h->head);
	rest = buf_str(&h->head);
	line = cut_line(&rest);
	arena_clear(&h->arena);
	h->answer = (struct answer_head){ 0 };
	if (!status_line_read(line, &h->answer.status))
		return err_tell(err, ERR_BAD_ANSWER,
		    "line 1, column 1: no status line of HTTP");
	return parse_fields(h, rest, err);
}

/* Takes what belongs to a header. */
static enum err_code
feed_head(struct http_saved *h, struct str *bytes, struct err *err)
{
	size_t before = h->head.len;
	size_t n;

	buf_put(&h->head, *bytes);
	if (buf_failed(&h->head))
		return err_nomem(err);
	n = head_length(buf_str(&h->head));
	if ((n ? n : h->head.len) > MOST_HEAD)
		return err_tell(err, ERR_TOO_LARGE,
		    "line 1, column 1: a header of over %zu bytes", MOST_HEAD);
	if (!n) {
		*bytes = STR("");
		return ERR_OK;
	}
	*bytes = str_skip(*bytes, n - before);
	h->head.len = n;
	h->has_head = true;
	return parse_head(h, err);
}

/* Ends the answer, or drops a header that begins none. */
static enum err_code
end_answer(struct http_saved *h, struct err *err)
{
	enum err_code rc = ERR_OK;
	bool cut = false;

	if (h->begun)
		rc = saved_body_end(&h->body, &cut, err);
	if (h->begun && !rc)
		rc = h->base.events->end(h->base.arg, cut, err);
	h->begun = false;
	h->has_head = false;
	buf_clear(&h->head);
	return rc;
}

static enum err_code
begin_answer(struct http_saved *h, struct err *err)
{
	h->begun = true;
	saved_body_begin(&h->body, &h->answer.fields);
	return h->base.events->begin(h->base.arg, &h->answer, err);
}

/* Another header begins. */
static enum err_code
next_answer(struct http_saved *h, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct str begun = buf_str(&h->next);

	if (!h->begun && h->answer.status == 207) /* without a body */
		rc = begin_answer(h, err);
	if (!rc)
		rc = end_answer(h, err);
	if (!rc)
		rc = feed_head(h, &begun, err);
	buf_clear(&h->next);
	return rc;
}

/* What came is no header, so it is body, perhaps more than was announced. */
static enum err_code
go_on(struct http_saved *h, struct err *err)
{
	struct str bytes = buf_str(&h->next);
	enum err_code rc = ERR_OK;

	if (!h->begun)
		rc = begin_answer(h, err);
	if (h->body.framing == FRAMING_OVER) {
		h->body.framing = FRAMING_PLAIN;
		h->body.has_length = false;
	}
	if (!rc)
		rc = saved_body_feed(&h->body, &bytes, err);
	buf_clear(&h->next);
	return rc;
}

/* Takes a byte behind a header, or behind a body that is over. */
static enum err_code
feed_between(struct http_saved *h, struct str *bytes, struct err *err)
{
	char c = bytes->ptr[0];

	*bytes = str_skip(*bytes, 1);
	if (h->begun && !h->next.len && (c == '\r' || c == '\n'))
		return ERR_OK;
	buf_putc(&h->next, c);
	if (buf_failed(&h->next))
		return err_nomem(err);
	if (str_eq(buf_str(&h->next), BEGINNING))
		return next_answer(h, err);
	if (str_starts(BEGINNING, buf_str(&h->next)))
		return ERR_OK;
	return go_on(h, err);
}

static struct http_saved *
http_saved_of(struct saved_form *f)
{
	return CONTAINER_OF(f, struct http_saved, base);
}

static enum err_code
http_feed(struct saved_form *f, struct str bytes, struct err *err)
{
	struct http_saved *h = http_saved_of(f);
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc) {
		if (!h->has_head)
			rc = feed_head(h, &bytes, err);
		else if (!h->begun || h->body.framing == FRAMING_OVER)
			rc = feed_between(h, &bytes, err);
		else
			rc = saved_body_feed(&h->body, &bytes, err);
	}
	return rc;
}

static enum err_code
http_end(struct saved_form *f, struct err *err)
{
	struct http_saved *h = http_saved_of(f);
	enum err_code rc = ERR_OK;

	if (!h->has_head)
		return err_tell(err, ERR_BAD_ANSWER,
		    "it ends inside the header of the response");
	if (h->next.len)
		rc = go_on(h, err);
	if (!rc && !h->begun)
		rc = begin_answer(h, err);
	return rc ? rc : end_answer(h, err);
}

static void
http_free(struct saved_form *f)
{
	struct http_saved *h = http_saved_of(f);

	buf_done(&h->head);
	buf_done(&h->next);
	arena_done(&h->arena);
	saved_body_done(&h->body);
	free(h);
}

static const struct saved_form_ops http_ops = {
	.name = "HTTP response",
	.feed = http_feed,
	.end = http_end,
	.free = http_free,
};

enum err_code
saved_http_new(const struct saved_events *events, void *arg,
    struct saved_form **out, struct err *err)
{
	struct http_saved *h = calloc(1, sizeof(*h));

	if (!h)
		return err_nomem(err);
	h->base = (struct saved_form){ &http_ops, events, arg };
	h->body.out = put_body;
	h->body.arg = h;
	*out = &h->base;
	return ERR_OK;
}
