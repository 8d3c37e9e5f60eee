/* SPDX-License-Identifier: MIT */
#include "client/bulk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "http/headers.h"
#include "outcome/retry.h"

/* So many bytes are read of a body that is no list of items. */
#define SAID_MAX ((size_t)64 << 10)

struct bulk {
	struct bulk_spec spec;
	struct arena arena;
	struct reader *reader;
	struct str content_type;
	struct buf said; /* the first SAID_MAX bytes of the body */
	struct bulk_reply r;
};

static void
bulk_free(struct bulk *b)
{
	reader_free(b->reader);
	buf_done(&b->said);
	arena_done(&b->arena);
	free(b);
}

static bool
is_json(struct str type)
{
	struct str media = str_trim(str_head(type, str_find(type, ';')));

	return str_eq_nocase(media, STR("application/json")) ||
	    str_eq_nocase(media, STR("application/x-ndjson")) ||
	    str_eq_nocase(media, STR("application/jsonl")) ||
	    (media.len > 5 &&
		str_eq_nocase(str_skip(media, media.len - 5), STR("+json")));
}

/*
 * A refusal may have items as well (422 of an atomic batch): they are looked
 * for in all JSON but problem details, which have none.
 */
static bool
may_have_items(const struct answer_head *h)
{
	if (h->status < 200 || h->status == 413)
		return false;
	if (h->status < 300)
		return true;
	return is_json(h->content_type) &&
	    !str_starts_nocase(
		h->content_type, STR("application/problem+json"));
}

static enum err_code
on_head(void *arg, const struct answer_head *h, struct err *err)
{
	struct bulk *b = arg;
	struct reader_spec rs = { 0 };
	struct str value = { 0 };

	b->r.status = h->status;
	if (!arena_str(&b->arena, h->content_type, &b->content_type))
		return err_nomem(err);
	if (headers_one(&h->fields, STR("Retry-After"), &value, NULL) ||
	    !value.len || !retry_after_parse(value, clock_now(), &b->r.wait))
		b->r.wait = -1;
	if (!may_have_items(h))
		return ERR_OK;
	rs.content_type = b->content_type;
	return reader_new(&rs, &b->spec.match->base, &b->reader, err);
}

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct bulk *b = arg;

	(void)err;
	if (b->said.len < SAID_MAX)
		buf_put(&b->said, str_head(bytes, SAID_MAX - b->said.len));
	/* A failure sticks; reader_end() gives it. */
	if (b->reader)
		(void)ostream_write(reader_stream(b->reader), bytes);
	return ERR_OK;
}

static void
on_progress(void *arg, uint64_t sent, uint64_t received)
{
	struct bulk *b = arg;

	if (b->spec.progress)
		b->spec.progress(b->spec.arg, sent, received);
}

static void
on_done(void *arg, const struct call_end *end)
{
	struct bulk *b = arg;
	enum err_code rc = ERR_OK;

	b->r.rc = end->rc;
	b->r.err = end->err;
	b->r.status = end->status;
	b->r.sent = end->sent;
	if (b->reader)
		rc = reader_end(
		    b->reader, end->rc != ERR_OK, &b->r.reading, &b->r.err);
	b->r.was_read = b->reader && !rc;
	if (!rc && buf_failed(&b->said))
		rc = err_nomem(&b->r.err);
	if (!rc && b->r.status >= 300)
		rc = error_read(&b->arena, b->content_type, buf_str(&b->said),
		    &b->r.said, &b->r.err);
	if (rc && !b->r.rc)
		b->r.rc = rc;
	b->spec.done(b->spec.arg, &b->r);
	bulk_free(b);
}

static enum err_code
start(struct bulk *b, struct client *c, struct err *err)
{
	static const struct call_events events = {
		.head = on_head,
		.body = on_body,
		.progress = on_progress,
		.done = on_done,
	};
	const struct bulk_spec *s = &b->spec;
	const struct header fields[] = {
		{ STR("Content-Type"), s->content_type },
		{ STR("Accept"), STR("application/json") },
		{ STR("Idempotency-Key"), s->key },
	};

	return client_call(c,
	    &(struct call_spec){
		.method = "POST",
		.url = s->url,
		.fields = fields,
		.n_fields = s->key.len ? 3 : 2,
		.body = s->body,
		.keyed = s->keyed,
		.once = true, /* the caller decides what is sent again */
		.follows = s->follows,
		.events = &events,
		.arg = b,
	    },
	    err);
}

enum err_code
bulk_start(struct client *c, const struct bulk_spec *spec, struct err *err)
{
	struct bulk *b = calloc(1, sizeof(*b));
	enum err_code rc;

	if (!b)
		return err_nomem(err);
	b->spec = *spec;
	b->r.wait = -1;
	rc = start(b, c, err);
	if (rc)
		bulk_free(b);
	return rc;
}
