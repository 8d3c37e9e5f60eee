/* SPDX-License-Identifier: MIT */
/*
 * A method around another: what was done under the request's Idempotency-Key
 * is answered from the record, and what was not is done, and remembered.
 *
 * The record is made by the change itself (guard.record), so that there is
 * never one without the other.  What was answered is added to it afterwards;
 * where a crash took that, the answer is made of what the change left there.
 */
#include "base/clock.h"
#include "dav/keys.h"
#include "dav/methods.h"
#include "http/fields.h"
#include "http/fingerprint.h"

#define DAY (86400 * NSEC_PER_SEC)

/* Most bytes of an answer's body that are remembered with it. */
#define BODY_MAX ((size_t)64 * 1024)

/* A reply that hands an answer on, and keeps it. */
struct said {
	struct reply base;
	struct reply *to;
	struct buf headers; /* lines "Name: value" */
	struct buf body;
	struct ostream stream; /* what the method writes to */
	struct ostream *out;
	bool ended;
};

struct keyed {
	const struct method_ops *plain;
	void *state; /* the plain method's */
	struct ostream *body; /* likewise */
	struct reply *reply; /* the request's own */
	struct said said;
	struct str key; /* the store's */
	bool taken, begun, known;
	struct record record;
	struct recalled was; /* where known or x->begun */
	struct fingerprint print;
	char digest[FINGERPRINT_SIZE];
};

/* ---- the answer, on its way */

static struct said *
from_reply(struct reply *r)
{
	return CONTAINER_OF(r, struct said, base);
}

static enum err_code
said_header(struct reply *base, struct str name, struct str value)
{
	struct said *s = from_reply(base);

	buf_put(&s->headers, name);
	BUF_LIT(&s->headers, ": ");
	buf_put(&s->headers, value);
	buf_putc(&s->headers, '\n');
	return reply_header(s->to, name, value);
}

static enum err_code
said_write(struct ostream *o, struct str bytes)
{
	struct said *s = CONTAINER_OF(o, struct said, stream);
	enum err_code rc = ostream_write(s->out, bytes);

	if (rc)
		o->err = s->out->err;
	else
		buf_put(&s->body, bytes);
	return rc;
}

static enum err_code
said_flush(struct ostream *o)
{
	struct said *s = CONTAINER_OF(o, struct said, stream);
	enum err_code rc = ostream_flush(s->out);

	if (rc)
		o->err = s->out->err;
	return rc;
}

/*
 * A client that has the whole answer may ask again at once: so the end is sent
 * only when the answer is remembered and the key is free.
 */
static enum err_code
said_end(struct ostream *o)
{
	CONTAINER_OF(o, struct said, stream)->ended = true;
	return ERR_OK;
}

static enum err_code
said_stream(struct reply *base, unsigned status, struct ostream **out)
{
	static const struct ostream_ops ops = {
		.name = "said",
		.write = said_write,
		.flush = said_flush,
		.end = said_end,
	};
	struct said *s = from_reply(base);

	ostream_init(&s->stream, &ops);
	s->body.max = BODY_MAX;
	*out = &s->stream;
	return reply_stream(s->to, status, &s->out);
}

static enum err_code
said_content(struct reply *base, unsigned status, struct content *c,
    const struct segment *segs, size_t n)
{
	return reply_content(from_reply(base)->to, status, c, segs, n);
}

static enum err_code
said_empty(struct reply *base, unsigned status)
{
	return reply_empty(from_reply(base)->to, status);
}

static void
said_forget(struct reply *base)
{
	buf_clear(&from_reply(base)->headers);
	reply_forget(from_reply(base)->to);
}

static void
said_init(struct said *s, struct reply *to)
{
	static const struct reply_ops ops = {
		.header = said_header,
		.stream = said_stream,
		.content = said_content,
		.empty = said_empty,
		.forget = said_forget,
	};

	s->to = to;
	reply_init(&s->base, &ops);
}

/* ---- remembering, and answering again */

/*
 * Whether answer_anew() would give the same answer, so that it need not be
 * remembered.
 */
static bool
goes_without_saying(const struct exchange *x, const struct said *s)
{
	struct str headers = buf_str(&s->headers);

	return x->req->method == METHOD_PUT &&
	    (s->base.status == 201 || s->base.status == 204) && !s->body.len &&
	    str_starts(headers, STR("ETag: ")) &&
	    str_find(headers, '\n') + 1 == headers.len;
}

/* "201", the header lines, an empty line, the body. */
static void
remember(struct exchange *x, const struct keyed *k)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (goes_without_saying(x, &k->said))
		return;
	buf_put_u64(&b, k->said.base.status);
	buf_putc(&b, '\n');
	buf_put(&b, buf_str(&k->said.headers));
	buf_putc(&b, '\n');
	buf_put(&b, buf_str(&k->said.body));
	if (buf_failed(&b) || buf_failed(&k->said.headers) ||
	    buf_failed(&k->said.body))
		buf_clear(&b);
	/* The change is made, whether its answer can be remembered or not. */
	(void)!store_remember(
	    x->store, &k->record, buf_str(&b), x->batch, NULL);
}

static enum err_code
answer_body(struct exchange *x, unsigned status, struct str body)
{
	struct ostream *to;
	enum err_code rc;

	if (!body.len)
		return reply_empty(x->reply, status);
	rc = reply_stream(x->reply, status, &to);
	if (rc)
		return rc;
	(void)ostream_write(to, body);
	return ostream_end(to);
}

/* What the change left there says enough where no answer was remembered. */
static enum err_code
answer_anew(struct exchange *x, const struct recalled *was)
{
	enum method m = x->req->method;
	bool content = m == METHOD_PUT || m == METHOD_POST || m == METHOD_PATCH;

	if (m == METHOD_POST)
		(void)path_header(x, STR("Location"), was->path, false);
	if (content && was->etag.len)
		(void)reply_header(x->reply, STR("ETag"), was->etag);
	return reply_done(x, was->created ? 201 : 204);
}

static enum err_code
answer_again(struct exchange *x, const struct recalled *was, struct err *err)
{
	struct str rest = was->result, line;
	uint64_t status;

	(void)reply_header(x->reply, STR("Idempotency-Replayed"), STR("true"));
	if (!rest.len)
		return answer_anew(x, was);
	if (!str_cut(&rest, '\n', &line) || !str_to_u64(line, &status) ||
	    status < 200 || status > 399)
		return err_set(err, ERR_INTERNAL, "what was remembered");
	while (str_cut(&rest, '\n', &line) && line.len) {
		size_t colon = str_find(line, ':');

		(void)reply_header(x->reply, str_head(line, colon),
		    str_trim(str_skip(line, colon + 1)));
	}
	return answer_body(x, (unsigned)status, rest);
}

/* ---- the method */

/* What makes two requests with a key the same, beside target and body. */
static const struct str matters[] = {
	STR_INIT("Content-Encoding"),
	STR_INIT("Content-Type"),
	STR_INIT("Depth"),
	STR_INIT("If"),
	STR_INIT("If-Match"),
	STR_INIT("If-None-Match"),
	STR_INIT("If-Unmodified-Since"),
	STR_INIT("Overwrite"),
	STR_INIT("Slug"),
	STR_INIT("X-OC-MTime"),
};

/*
 * The destination is the same however it is written: with a host or without.
 * One that is missing, or wrong, adds nothing: the method will tell.
 */
static enum err_code
print_destination(const struct request *req, struct arena *a,
    struct fingerprint *f, struct err *err)
{
	struct rpath to;
	bool slash;
	enum err_code rc = destination_parse(
	    &req->headers, &req->origin, a, &to, &slash, NULL);

	if (rc)
		return rc == ERR_NOMEM ? err_nomem(err) : ERR_OK;
	fingerprint_part(f, to.s);
	fingerprint_part(f, slash ? STR("/") : STR(""));
	return ERR_OK;
}

enum err_code
keyed_print(const struct request *req, struct arena *a, struct fingerprint *f,
    struct err *err)
{
	struct str value;
	enum err_code rc = ERR_OK;
	size_t i;

	fingerprint_init(f);
	fingerprint_part(f, req->method_name);
	fingerprint_part(f, req->path.s);
	fingerprint_part(f, req->slash ? STR("/") : STR(""));
	for (i = 0; i < ARRAY_LEN(matters) && !rc; i++) {
		rc = headers_list(&req->headers, matters[i], a, &value, err);
		if (!rc)
			fingerprint_part(f, value);
	}
	return rc ? rc : print_destination(req, a, f, err);
}

static enum err_code
store_key(struct exchange *x, struct str *out, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct str key;
	enum err_code rc = idempotency_key_parse(&x->req->headers, &key, err);

	if (rc)
		return rc;
	key_put(&b, x->req->caller.user, key);
	if (buf_failed(&b) || !arena_str(x->arena, buf_str(&b), out))
		return err_nomem(err);
	return ERR_OK;
}

static enum err_code
take_key(struct exchange *x, struct keyed *k, struct err *err)
{
	bool nomem;

	if (!x->keys)
		return ERR_OK;
	k->taken = keys_take(x->keys, k->key, &nomem);
	if (k->taken)
		return ERR_OK;
	return nomem ? err_nomem(err)
		     : err_tell(err, ERR_KEY_IN_USE,
			   "a request with this Idempotency-Key is being "
			   "carried out; send it again to learn its outcome");
}

static void
give_back(struct exchange *x, struct keyed *k)
{
	if (k->taken)
		keys_give_back(x->keys, k->key);
	k->taken = false;
}

static enum err_code
recall(struct exchange *x, struct keyed *k, struct err *err)
{
	bool found;
	enum err_code rc =
	    store_recall(x->store, k->key, x->arena, &k->was, &found, err);

	if (rc || !found)
		return rc;
	k->known = !k->was.begun;
	if (k->was.begun)
		x->begun = &k->was;
	else
		give_back(x, k); /* what is done stays as it is */
	return ERR_OK;
}

/* The plain method's own exchange, as if there were no key. */
static void
enter(struct exchange *x, struct keyed *k)
{
	x->state = k->state;
	x->body = k->body;
	x->reply = &k->said.base;
}

static void
leave(struct exchange *x, struct keyed *k)
{
	k->state = x->state;
	k->body = x->body;
	x->state = k;
	x->reply = k->reply;
}

static enum err_code
begin_plain(struct exchange *x, struct keyed *k, struct err *err)
{
	int64_t ttl = x->set->idempotency_ttl;
	enum err_code rc;

	k->record = (struct record){
		.key = k->key,
		.print = str_of(k->digest, sizeof(k->digest)),
		.expires = clock_now() + (ttl ? ttl : DAY),
	};
	x->record = &k->record;
	k->begun = true;
	enter(x, k);
	rc = k->plain->begin(x, err);
	leave(x, k);
	if (!rc && k->body)
		x->body = fingerprint_stream(&k->print, k->body);
	return rc;
}

static enum err_code
keyed_begin(struct exchange *x, struct err *err)
{
	struct keyed *k = ARENA_NEW(x->arena, struct keyed);
	enum err_code rc;

	if (!k)
		return err_nomem(err);
	x->state = k;
	k->plain = dav_method(x->req->method);
	k->reply = x->reply;
	said_init(&k->said, x->reply);
	rc = store_key(x, &k->key, err);
	if (!rc)
		rc = keyed_print(x->req, x->arena, &k->print, err);
	if (!rc)
		rc = take_key(x, k, err);
	if (!rc)
		rc = recall(x, k, err);
	if (rc)
		return rc;
	x->slow = true; /* what is remembered is synced to disk */
	if (!k->known)
		return begin_plain(x, k, err);
	if (x->req->has_body) /* to see whether it is the same */
		x->body = fingerprint_stream(&k->print, NULL);
	return ERR_OK;
}

static enum err_code
keyed_run(struct exchange *x, struct err *err)
{
	struct keyed *k = x->state;
	struct str print = fingerprint_end(&k->print, k->digest);
	enum err_code rc;

	if ((k->known || x->begun) && !str_eq(print, k->was.print))
		return err_tell(err, ERR_KEY_REUSED,
		    "another request was carried out under this "
		    "Idempotency-Key: a new request needs a new key");
	if (k->known)
		return answer_again(x, &k->was, err);
	enter(x, k);
	rc = k->plain->run(x, err);
	leave(x, k);
	if (!rc && k->said.base.status < 400 && !x->failed)
		remember(x, k);
	give_back(x, k);
	if (!rc && k->said.ended)
		rc = ostream_end(k->said.out);
	return rc;
}

static void
keyed_end(struct exchange *x)
{
	struct keyed *k = x->state;

	if (!k)
		return;
	if (k->begun && k->plain->end) {
		enter(x, k);
		k->plain->end(x);
		leave(x, k);
	}
	give_back(x, k);
	buf_done(&k->said.headers);
	buf_done(&k->said.body);
}

const struct method_ops *
keyed_method(const struct request *req, const struct method_ops *plain)
{
	static const struct method_ops ops = {
		.begin = keyed_begin,
		.run = keyed_run,
		.end = keyed_end,
	};
	static const bool takes_key[METHOD_COUNT] = {
		[METHOD_PUT] = true,
		[METHOD_POST] = true,
		[METHOD_PATCH] = true,
		[METHOD_DELETE] = true,
		[METHOD_COPY] = true,
		[METHOD_MOVE] = true,
		[METHOD_MKCOL] = true,
		[METHOD_PROPPATCH] = true,
	};

	return takes_key[req->method] &&
		headers_has(&req->headers, STR("Idempotency-Key"))
	    ? &ops
	    : plain;
}
