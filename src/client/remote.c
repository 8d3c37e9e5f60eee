/* SPDX-License-Identifier: MIT */
#include "client/remote.h"

#include <stdlib.h>

#include "base/clock.h"
#include "client/remote_impl.h"
#include "http/fields.h"
#include "outcome/retry.h"

/* So many bytes are kept of a body that is no 207. */
#define BODY_MAX ((size_t)256 << 10)

enum body_use { BODY_DROP, BODY_KEEP, BODY_READ };

struct remote {
	struct client *client;
	struct remote_spec spec; /* its strings are in the arena */
	struct headers narrower; /* to ask again with, once; or none */
	struct arena arena;
	struct url url; /* of the answer: redirects may have led there */
	struct members members;
	struct reader *reader;
	enum body_use use;
	struct buf body;
	struct str content_type;
	struct str lock_token; /* of the answer to LOCK */
	struct evidence e;
};

static void
remote_free(struct remote *r)
{
	reader_free(r->reader);
	members_done(&r->members);
	buf_done(&r->body);
	arena_done(&r->arena);
	free(r);
}

static void
say(struct remote *r, const char *what, struct str value)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (!r->spec.note)
		return;
	buf_put(&b, str_from_c(what));
	buf_put(&b, value);
	r->spec.note(r->spec.arg, buf_str(&b));
}

/* ---- the head */

/* The value of a field; empty: there is none, or several that differ. */
static struct str
field(struct remote *r, const struct answer_head *h, struct str name)
{
	struct str value = { 0 }, kept = { 0 };

	if (headers_one(&h->fields, name, &value, NULL)) {
		say(r,
		    "an answer has this header field more than once: ", name);
		return kept;
	}
	if (!arena_str(&r->arena, value, &kept))
		r->e.rc = ERR_NOMEM;
	return kept;
}

static void
take_retry_after(struct remote *r, const struct answer_head *h)
{
	struct str value = field(r, h, STR("Retry-After"));

	r->e.wait = -1;
	if (value.len && !retry_after_parse(value, clock_now(), &r->e.wait)) {
		r->e.wait = -1;
		say(r, "Retry-After is neither seconds nor a date: ", value);
	}
}

static void
take_location(struct remote *r, const struct answer_head *h)
{
	struct str value = field(r, h, STR("Location"));

	/* A value that is no URL is not shown as one. */
	if (value.len &&
	    url_resolve(&r->arena, &r->url, value, &r->e.location, NULL))
		r->e.location = (struct str){ 0 };
}

static void
take_lock_token(struct remote *r, const struct answer_head *h)
{
	struct str token;

	if (lock_token_parse(&h->fields, &token, NULL))
		return;
	if (!arena_str(&r->arena, token, &r->lock_token))
		r->e.rc = ERR_NOMEM;
}

/* Keeps the URL that was answered: hrefs are relative to it. */
static enum err_code
take_url(struct remote *r, const struct answer_head *h, struct err *err)
{
	struct str kept;

	if (!h->url.len)
		return ERR_OK;
	if (!arena_str(&r->arena, h->url, &kept))
		return err_nomem(err);
	/* One that cannot be read leaves r->url as it was. */
	(void)!url_parse(kept, &r->url, NULL);
	return ERR_OK;
}

static enum err_code
begin_reading(struct remote *r, struct err *err)
{
	const struct remote_spec *spec = &r->spec;
	struct reader_spec rs = { .content_type = r->content_type };
	struct members *m = &r->members;
	enum err_code rc;

	m->rules = method_rules(r->e.method);
	m->target = r->url;
	m->asked = spec->asked;
	m->n_asked = spec->n_asked;
	m->next = spec->members;
	m->kept = &r->arena;
	rc = members_init(m, err);
	if (!rc)
		rc = reader_new(&rs, &m->base, &r->reader, err);
	if (!rc)
		r->use = BODY_READ;
	return rc;
}

static enum err_code
on_head(void *arg, const struct answer_head *h, struct err *err)
{
	struct remote *r = arg;
	bool lock = str_eq(r->e.method, STR("LOCK"));
	enum err_code rc = take_url(r, h, err);

	if (rc)
		return rc;
	r->e.status = h->status;
	if (!arena_str(&r->arena, h->content_type, &r->content_type))
		return err_nomem(err);
	r->e.etag = field(r, h, STR("ETag"));
	take_retry_after(r, h);
	take_location(r, h);
	if (lock)
		take_lock_token(r, h);
	if (r->e.rc)
		return err_nomem(err);
	if (r->spec.head)
		r->spec.head(r->spec.arg, h);
	if (h->status == 207)
		return begin_reading(r, err);
	if (h->status >= 400 || (lock && h->status >= 200))
		r->use = BODY_KEEP;
	return ERR_OK;
}

/* ---- the body */

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct remote *r = arg;

	(void)err;
	/* A failure sticks; reader_end() and buf_failed() give it. */
	if (r->use == BODY_READ)
		(void)ostream_write(reader_stream(r->reader), bytes);
	else if (r->use == BODY_KEEP && r->body.len < BODY_MAX)
		buf_put(&r->body, str_head(bytes, BODY_MAX - r->body.len));
	return ERR_OK;
}

static void
on_progress(void *arg, uint64_t sent, uint64_t received)
{
	struct remote *r = arg;

	if (r->spec.progress)
		r->spec.progress(r->spec.arg, sent, received);
}

/* ---- the end */

static enum err_code
end_reading(struct remote *r, bool cut, struct err *err)
{
	enum err_code rc;

	rc = reader_end(r->reader, cut, &r->e.reading, err);
	if (!rc)
		rc = members_finish(&r->members, err);
	r->e.m = r->members.m;
	r->e.was_read = !rc;
	return rc;
}

/*
 * Finds the lock that was asked for among those in the body: the one with the
 * token in the header, or that was to be refreshed; else the only one.
 */
static enum err_code
find_lock(struct remote *r, struct told_lock *out, struct err *err)
{
	const struct told_lock *locks = NULL;
	size_t i, n = 0;
	struct str token =
	    r->lock_token.len ? r->lock_token : r->spec.lock_token;
	enum err_code rc =
	    locks_read(&r->arena, buf_str(&r->body), &locks, &n, err);

	*out = (struct told_lock){ .token = r->lock_token };
	if (rc == ERR_NOMEM)
		return rc;
	if (rc && r->body.len)
		say(r, "the body of the answer to LOCK is malformed",
		    (struct str){ 0 });
	for (i = 0; !rc && i < n; i++)
		if (str_eq(locks[i].token, token) || (!token.len && n == 1))
			*out = locks[i];
	return ERR_OK;
}

static enum err_code
take_lock(struct remote *r, struct err *err)
{
	struct told_lock lock;
	enum err_code rc = find_lock(r, &lock, err);

	r->e.has_lock = !rc && lock.token.len > 0;
	if (r->e.has_lock && r->spec.lock)
		r->spec.lock(r->spec.arg, &lock);
	return rc;
}

/* Reads the body of a failure, and makes the href in it absolute. */
static enum err_code
take_said(struct remote *r, struct err *err)
{
	struct str href;
	enum err_code rc = error_read(
	    &r->arena, r->content_type, buf_str(&r->body), &r->e.said, err);

	if (!rc && r->e.said.href.len &&
	    !url_resolve(&r->arena, &r->url, r->e.said.href, &href, NULL))
		r->e.said.href = href;
	return rc;
}

static enum err_code
take_body(struct remote *r, bool cut, struct err *err)
{
	if (r->use == BODY_READ)
		return end_reading(r, cut, err);
	if (r->spec.members && sink_end(r->spec.members))
		return r->spec.members->failed;
	if (r->use == BODY_DROP)
		return ERR_OK;
	if (buf_failed(&r->body))
		return err_nomem(err);
	return r->e.status < 300 ? take_lock(r, err) : take_said(r, err);
}

static enum err_code
send_request(struct remote *r, struct headers fields, struct err *err);

/*
 * sabre/dav, which Nextcloud and others are made of, wants each resource that
 * If names to have the lock, where RFC 4918 s10.4.2 has one of them do.  412
 * says that nothing was done, and what is asked now holds in fewer cases, so
 * nothing can be done that was not asked for.
 */
static bool
ask_narrower(struct remote *r, const struct call_end *end)
{
	struct headers fields = r->narrower;

	r->narrower = (struct headers){ 0 };
	if (!fields.n || end->rc || end->status != 412 || end->uncertain_before)
		return false;
	/* Where it cannot be asked, there is an answer all the same. */
	if (send_request(r, fields, NULL))
		return false;
	buf_clear(&r->body);
	r->use = BODY_DROP;
	return true;
}

static void
on_done(void *arg, const struct call_end *end)
{
	struct remote *r = arg;
	struct buf text CLEANUP(buf_done) = { 0 };
	struct err err = end->err;
	struct verdict v;
	enum err_code rc;

	if (ask_narrower(r, end))
		return;
	rc = take_body(r, end->rc != ERR_OK, &err);
	r->e.rc = end->rc ? end->rc : rc;
	if (rc && !end->rc && !err.why[0])
		(void)err_set(&err, rc, "%s", err_text(rc));
	r->e.err = &err;
	r->e.attempts = end->attempts;
	r->e.uncertain_before = end->uncertain_before;
	r->e.status = end->status;
	judge(&r->e, &text, &v);
	r->spec.done(r->spec.arg, &v);
	remote_free(r);
}

/* ---- the start */

static enum err_code
keep_spec(struct remote *r, const struct remote_spec *from, struct err *err)
{
	struct remote_spec *to = &r->spec;
	enum err_code rc;

	*to = *from;
	if (!arena_str(&r->arena, from->url, &to->url) ||
	    !arena_str(&r->arena, from->destination, &to->destination) ||
	    !arena_str(&r->arena, from->lock_token, &to->lock_token) ||
	    !arena_str(&r->arena, from->body, &to->body) ||
	    !arena_str(&r->arena, str_from_c(from->method), &r->e.method))
		return err_nomem(err);
	to->method = r->e.method.ptr;
	rc = url_parse(to->url, &r->url, err);
	if (!rc && to->destination.len)
		rc = url_parse(to->destination, &r->members.destination, err);
	return rc;
}

static enum err_code
send_request(struct remote *r, struct headers fields, struct err *err)
{
	static const struct call_events events = {
		.head = on_head,
		.body = on_body,
		.progress = on_progress,
		.done = on_done,
	};

	return client_call(r->client,
	    &(struct call_spec){
		.method = r->spec.method,
		.url = r->spec.url,
		.fields = fields.v,
		.n_fields = fields.n,
		.body = r->spec.body,
		.file = r->spec.file,
		.once = r->spec.once,
		.follows = r->spec.follows,
		.events = &events,
		.arg = r,
	    },
	    err);
}

static enum err_code
begin(struct remote *r, const struct remote_spec *from, struct err *err)
{
	struct headers fields = { 0 };
	enum err_code rc = keep_spec(r, from, err);

	if (!rc)
		rc = remote_fields(&r->arena, from, IF_ANY, &fields, err);
	if (!rc && remote_has_choice(from))
		rc = remote_fields(
		    &r->arena, from, IF_TARGET, &r->narrower, err);
	return rc ? rc : send_request(r, fields, err);
}

enum err_code
remote_start(struct client *c, const struct remote_spec *spec, struct err *err)
{
	struct remote *r = calloc(1, sizeof(*r));
	enum err_code rc;

	if (!r)
		return err_nomem(err);
	r->client = c;
	r->e.wait = -1;
	rc = begin(r, spec, err);
	if (rc)
		remote_free(r);
	return rc;
}
