/* SPDX-License-Identifier: MIT */
/*
 * multipart/mixed of application/http: each part is a request, whose body goes
 * on byte by byte.  A malformed part is an item that failed, and the next is
 * read; a malformed boundary ends the whole, for nothing can be found behind
 * it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "http/fields.h"
#include "http/scan.h"
#include "wire/batch_impl.h"
#include "wire/boundary_split.h"

/* The most bytes of all lines in front of a part's body, and header fields. */
#define MAX_HEAD ((size_t)65536)
#define MAX_FIELDS ((size_t)256)

#define NO_BODY "a body means nothing to its method"

enum stage {
	STAGE_FIELDS, /* the part's own: Content-Type, Content-ID */
	STAGE_REQUEST, /* the request line: PUT /a HTTP/1.1 */
	STAGE_HEADERS, /* of the request */
	STAGE_BODY,
	STAGE_BAD, /* the part is malformed; the rest of it is passed over */
};

struct batch_parts {
	struct boundary_split split;
	enum stage stage;
	struct batch_place at;
	uint64_t n_parts;
	struct arena arena; /* for the strings of one part */
	struct batch_item item;
	struct header *fields; /* in the arena */
	size_t n_fields;
	bool is_http; /* its Content-Type is application/http */
	bool has_length; /* it has a Content-Length: */
	uint64_t length;
	size_t head; /* bytes in front of the body */
	struct buf line; /* the one that is not whole yet */
	struct buf body; /* empty while in_big */
	uint64_t n_body; /* bytes of the body that came */
	bool in_big; /* the body goes to p->big */
	struct ostream *big; /* where to; NULL: nobody wants it */
	struct sha256_ctx sha; /* of a body that goes there */
	struct err bad; /* of STAGE_BAD */
};

static enum err_code
wrong(struct batch_parts *s, const char *why)
{
	(void)batch_bad(&s->bad, ERR_BAD_BODY, &s->at, "", "%s", why);
	s->stage = STAGE_BAD;
	return ERR_OK;
}

/* ---- lines */

static enum err_code
take_id(struct batch_parser *p, struct str value, struct err *err)
{
	struct batch_parts *s = p->parts;
	struct str id = value;
	struct str rest = value;
	size_t i;

	if (s->item.id.ptr)
		return wrong(s, "two Content-IDs");
	if (scan_angles(&rest, &id) && rest.len)
		return wrong(s, "a malformed Content-ID");
	if (!id.len || id.len > p->limits->id_bytes) {
		(void)batch_bad(&s->bad, ERR_BAD_BODY, &s->at, "",
		    "a Content-ID of %zu bytes; the limit idBytes is %" PRIu64,
		    id.len, p->limits->id_bytes);
		s->stage = STAGE_BAD;
		return ERR_OK;
	}
	for (i = 0; i < id.len; i++)
		if ((unsigned char)id.ptr[i] < ' ' || id.ptr[i] == '\x7f')
			return wrong(s, "a control character in Content-ID");
	return arena_str(&s->arena, id, &s->item.id) ? ERR_OK : err_nomem(err);
}

static bool
is_http(struct str value)
{
	struct str type = str_trim(str_head(value, str_find(value, ';')));

	return str_eq_nocase(type, STR("application/http"));
}

static bool
is_as_it_is(struct str coding)
{
	return str_eq_nocase(coding, STR("binary")) ||
	    str_eq_nocase(coding, STR("8bit")) ||
	    str_eq_nocase(coding, STR("7bit"));
}

/* Takes a MIME field of the part; others mean nothing here (RFC 2045 s9). */
static enum err_code
take_part_field(struct batch_parser *p, const struct header *h, struct err *err)
{
	struct batch_parts *s = p->parts;

	if (str_eq_nocase(h->name, STR("content-id")))
		return take_id(p, h->value, err);
	if (str_eq_nocase(h->name, STR("content-type"))) {
		if (s->is_http || !is_http(h->value))
			return wrong(s, "its type is not application/http");
		s->is_http = true;
	}
	if (str_eq_nocase(h->name, STR("content-transfer-encoding")) &&
	    !is_as_it_is(h->value))
		return wrong(s,
		    "a Content-Transfer-Encoding; send the bytes as they are");
	return ERR_OK;
}

static enum err_code
take_length(struct batch_parts *s, struct str value)
{
	uint64_t n;

	if (!str_to_u64(value, &n) || (s->has_length && n != s->length))
		return wrong(s, "a malformed Content-Length");
	s->has_length = true;
	s->length = n;
	return ERR_OK;
}

/* As the header of a single request is read. */
static enum err_code
take_key(struct batch_parser *p, const struct header *h)
{
	struct batch_parts *s = p->parts;
	struct str *key = &s->item.idempotency_key;
	const struct headers one = { .v = h, .n = 1 };
	struct err why = { 0 };

	if (key->ptr)
		return wrong(s, "two Idempotency-Keys");
	if (idempotency_key_parse(&one, key, &why))
		return wrong(s, why.tell);
	if (key->len <= p->limits->key_bytes)
		return ERR_OK;
	(void)batch_bad(&s->bad, ERR_BAD_BODY, &s->at, "",
	    "an Idempotency-Key of %zu bytes; the limit keyBytes is %" PRIu64,
	    key->len, p->limits->key_bytes);
	s->stage = STAGE_BAD;
	return ERR_OK;
}

static bool
grow_fields(struct batch_parts *s)
{
	if (!s->fields)
		s->fields =
		    arena_array(&s->arena, MAX_FIELDS, sizeof(*s->fields));
	return s->fields != NULL;
}

/* Takes a header of the request; Content-Length is only checked here. */
static enum err_code
take_header(struct batch_parser *p, const struct header *h, struct err *err)
{
	struct batch_parts *s = p->parts;
	struct header *to;

	if (str_eq_nocase(h->name, STR("content-length")))
		return take_length(s, h->value);
	if (batch_header_wrong(h)) {
		(void)batch_bad(&s->bad, ERR_BAD_BODY, &s->at, "",
		    "%.*s belongs to the request that carries the batch, or "
		    "is malformed",
		    STR_ARG(str_head(h->name, 40)));
		s->stage = STAGE_BAD;
		return ERR_OK;
	}
	if (s->n_fields == MAX_FIELDS)
		return wrong(s, "too many header fields");
	if (!grow_fields(s))
		return err_nomem(err);
	to = &s->fields[s->n_fields];
	if (!arena_str(&s->arena, h->name, &to->name) ||
	    !arena_str(&s->arena, h->value, &to->value))
		return err_nomem(err);
	s->item.headers =
	    (struct headers){ .v = s->fields, .n = ++s->n_fields };
	if (str_eq_nocase(to->name, STR("idempotency-key")))
		return take_key(p, to);
	return ERR_OK;
}

static enum err_code
take_field(struct batch_parser *p, struct str line, struct err *err)
{
	struct batch_parts *s = p->parts;
	size_t colon = str_find(line, ':');
	const struct header h = { str_head(line, colon),
		str_trim(str_skip(line, colon + 1)) };

	if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
		return wrong(
		    s, "a header field that is folded into several lines");
	if (colon == line.len || !scan_is_token(h.name))
		return wrong(s, "a malformed header field");
	return s->stage == STAGE_FIELDS ? take_part_field(p, &h, err)
					: take_header(p, &h, err);
}

/* application/http holds messages of HTTP/1 (RFC 9112 s10.2). */
static bool
is_version(struct str s)
{
	return str_eq(s, STR("HTTP/1.1")) || str_eq(s, STR("HTTP/1.0"));
}

static enum err_code
take_request(struct batch_parts *s, struct str line, struct err *err)
{
	size_t a = str_find(line, ' ');
	size_t b = str_rfind(line, ' ');
	struct str version = str_skip(line, b + 1);
	struct str method = str_head(line, a);
	struct str url;

	if (b == line.len || a == b)
		return wrong(s, "no request line like \"PUT /a HTTP/1.1\"");
	url = str_of(line.ptr + a + 1, b - a - 1);
	if (!url.len || !scan_is_token(method) ||
	    str_find(url, ' ') != url.len || !is_version(version))
		return wrong(s, "no request line like \"PUT /a HTTP/1.1\"");
	s->stage = STAGE_HEADERS;
	if (!arena_str(&s->arena, method, &s->item.method) ||
	    !arena_str(&s->arena, url, &s->item.url))
		return err_nomem(err);
	return ERR_OK;
}

static enum err_code
take_empty_line(struct batch_parts *s)
{
	if (s->stage == STAGE_REQUEST)
		return ERR_OK; /* to be passed over: RFC 9112 s2.2 */
	if (s->stage == STAGE_HEADERS)
		s->stage = STAGE_BODY;
	else if (!s->is_http)
		return wrong(s, "its type is not application/http");
	else
		s->stage = STAGE_REQUEST;
	return ERR_OK;
}

static enum err_code
take_line(struct batch_parser *p, struct str line, struct err *err)
{
	struct batch_parts *s = p->parts;

	if (!line.len || line.ptr[line.len - 1] != '\r')
		return wrong(s, "a line that ends in LF alone");
	line.len--;
	if (line.len && memchr(line.ptr, '\r', line.len))
		return wrong(s, "a CR inside a line");
	if (!line.len)
		return take_empty_line(s);
	if (s->stage == STAGE_REQUEST)
		return take_request(s, line, err);
	return take_field(p, line, err);
}

/* Takes up to one line off *bytes. */
static enum err_code
feed_head(struct batch_parser *p, struct str *bytes, struct err *err)
{
	struct batch_parts *s = p->parts;
	size_t n = str_find(*bytes, '\n');
	bool whole = n < bytes->len;
	enum err_code rc = ERR_OK;

	s->head += n + whole;
	if (s->head > MAX_HEAD)
		return wrong(s, "its header is over 65536 bytes");
	buf_put(&s->line, str_head(*bytes, n));
	*bytes = str_skip(*bytes, n + whole);
	if (buf_failed(&s->line))
		return err_nomem(err);
	if (!whole)
		return ERR_OK;
	rc = take_line(p, buf_str(&s->line), err);
	buf_clear(&s->line);
	return rc;
}

/* ---- bodies */

static enum err_code
give_id(struct batch_parser *p, struct err *err)
{
	struct batch_item *it = &p->parts->item;

	it->index = p->n_items;
	if (it->id.ptr)
		return ERR_OK;
	return batch_default_id(p, &p->parts->arena, it->index, &it->id)
	    ? err_nomem(err)
	    : ERR_OK;
}

static void
write_big(struct batch_parser *p, struct str bytes)
{
	struct batch_parts *s = p->parts;

	if (p->prints == BATCH_PRINTS_ALL)
		sha256_update(&s->sha, bytes.len, (const uint8_t *)bytes.ptr);
	/* A failure sticks to the stream, whose owner finds it in end(). */
	if (s->big)
		(void)ostream_write(s->big, bytes);
}

/* The body is too long to be kept: hands it on, to p->big, as it comes. */
static enum err_code
begin_big(struct batch_parser *p, struct err *err)
{
	struct batch_parts *s = p->parts;
	enum err_code rc;

	if (!batch_method_has_body(s->item.method))
		return wrong(s, NO_BODY);
	if (!p->big.begin) {
		(void)batch_bad(&s->bad, ERR_TOO_LARGE, &s->at, "",
		    "a body over the limit inlinePart of %" PRIu64,
		    p->limits->inline_part);
		s->stage = STAGE_BAD;
		return ERR_OK;
	}
	rc = batch_count_item(p, err);
	if (!rc)
		rc = give_id(p, err);
	if (!rc)
		rc = batch_print(p, &s->item, err);
	if (rc)
		return rc;
	s->item.has_body = true;
	p->n_items++;
	rc = p->big.begin(p->big.arg, &s->item, &s->big, err);
	s->in_big = !rc;
	sha256_init(&s->sha);
	if (!rc)
		write_big(p, buf_str(&s->body));
	buf_clear(&s->body);
	return rc;
}

static enum err_code
feed_body(struct batch_parser *p, struct str bytes, struct err *err)
{
	struct batch_parts *s = p->parts;
	enum err_code rc = ERR_OK;

	s->n_body += bytes.len;
	if (!s->in_big && s->n_body > p->limits->inline_part)
		rc = begin_big(p, err);
	if (rc || s->stage == STAGE_BAD)
		return rc;
	if (s->in_big) {
		write_big(p, bytes);
		return ERR_OK;
	}
	buf_put(&s->body, bytes);
	return buf_failed(&s->body) ? err_nomem(err) : ERR_OK;
}

/* ---- parts */

static enum err_code
on_begin(void *arg, struct err *err)
{
	struct batch_parser *p = arg;
	struct batch_parts *s = p->parts;

	(void)err;
	arena_clear(&s->arena);
	s->stage = STAGE_FIELDS;
	s->item = (struct batch_item){ 0 };
	s->fields = NULL;
	s->n_fields = s->head = 0;
	s->is_http = s->has_length = s->in_big = false;
	s->big = NULL;
	s->n_body = 0;
	buf_clear(&s->line);
	buf_clear(&s->body);
	s->bad = (struct err){ 0 };
	s->n_parts++;
	s->at = (struct batch_place){ PLACE_PART, s->n_parts };
	return ERR_OK;
}

static enum err_code
on_data(void *arg, struct str bytes, struct err *err)
{
	struct batch_parser *p = arg;
	struct batch_parts *s = p->parts;
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc && s->stage < STAGE_BODY)
		rc = feed_head(p, &bytes, err);
	if (!rc && bytes.len && s->stage == STAGE_BODY)
		rc = feed_body(p, bytes, err);
	return rc;
}

/* Whether the part is whole, now that its boundary has come. */
static enum err_code
check_end(struct batch_parser *p)
{
	struct batch_parts *s = p->parts;

	/*
	 * Many send no empty line of their own, but only the boundary's CRLF.
	 */
	if (s->stage == STAGE_HEADERS && !s->line.len)
		s->stage = STAGE_BODY;
	if (s->stage < STAGE_BODY)
		return wrong(s, "it ends before its header does");
	if (s->stage == STAGE_BODY && s->has_length && s->length != s->n_body) {
		(void)batch_bad(&s->bad, ERR_BAD_BODY, &s->at, "",
		    "its body is %" PRIu64
		    " bytes, and Content-Length says %" PRIu64,
		    s->n_body, s->length);
		s->stage = STAGE_BAD;
	}
	/* Many write an empty line too many (RFC 9112 s2.2). */
	if (!batch_method_has_body(s->item.method) &&
	    str_eq(buf_str(&s->body), STR("\r\n")))
		s->n_body = s->body.len = 0;
	if (s->stage == STAGE_BODY && s->n_body &&
	    !batch_method_has_body(s->item.method))
		return wrong(s, NO_BODY);
	return ERR_OK;
}

static enum err_code
put_part(struct batch_parser *p, struct err *err)
{
	struct batch_parts *s = p->parts;
	enum err_code rc = batch_count_item(p, err);

	if (!rc)
		rc = give_id(p, err);
	if (!rc && s->stage == STAGE_BAD)
		s->item = (struct batch_item){
			.index = s->item.index, .id = s->item.id, .bad = &s->bad
		};
	if (rc)
		return rc;
	s->item.has_body = s->stage == STAGE_BODY && s->n_body;
	if (s->item.has_body)
		s->item.body = buf_str(&s->body);
	return batch_put(p, &s->item, s->head + s->body.len, err);
}

static enum err_code
on_end(void *arg, struct err *err)
{
	struct batch_parser *p = arg;
	struct batch_parts *s = p->parts;

	(void)check_end(p);
	if (!s->in_big)
		return put_part(p, err);
	batch_print_body(p, &s->sha);
	s->in_big = false;
	return p->big.end(
	    p->big.arg, s->stage == STAGE_BODY ? NULL : &s->bad, err);
}

static const struct boundary_events events = {
	.begin = on_begin,
	.data = on_data,
	.end = on_end,
};

static enum err_code
parts_new(struct batch_parser *p, struct err *err)
{
	p->parts = calloc(1, sizeof(*p->parts));
	if (!p->parts)
		return err_nomem(err);
	boundary_split_init(&p->parts->split, p->boundary, &events, p);
	return ERR_OK;
}

/* Tells the one who got half of a body that the rest will not come. */
static void
give_up_big(struct batch_parser *p)
{
	struct batch_parts *s = p->parts;

	if (!s || !s->in_big)
		return;
	s->in_big = false;
	(void)wrong(s, "its body was cut short");
	(void)p->big.end(p->big.arg, &s->bad, NULL);
}

static enum err_code
parts_feed(struct batch_parser *p, struct str bytes, struct err *err)
{
	enum err_code rc = p->parts ? ERR_OK : parts_new(p, err);

	if (!rc)
		rc = batch_count_bytes(p, bytes.len, err);
	if (!rc)
		rc = boundary_split_feed(&p->parts->split, bytes, err);
	if (rc)
		give_up_big(p);
	return rc;
}

static enum err_code
parts_end(struct batch_parser *p, struct err *err)
{
	enum err_code rc = p->parts ? ERR_OK : parts_new(p, err);

	if (!rc)
		rc = boundary_split_end(&p->parts->split, err);
	if (rc)
		give_up_big(p);
	return rc;
}

static void
parts_free(struct batch_parser *p)
{
	if (!p->parts)
		return;
	arena_done(&p->parts->arena);
	buf_done(&p->parts->line);
	buf_done(&p->parts->body);
	free(p->parts);
}

const struct batch_form_ops batch_parts_form = {
	.feed = parts_feed,
	.end = parts_end,
	.free = parts_free,
};
