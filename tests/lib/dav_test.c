/* SPDX-License-Identifier: MIT */
#include "lib/dav_test.h"

#include "base/clock.h"
#include "bulk/endpoints.h"
#include "dav/keys.h"
#include "lib/alloc_fail.h"
#include "lib/test.h"

#define HEADERS_MAX 16

void
dav_test_init(struct dav_test *t, const char *text)
{
	*t = (struct dav_test){
		.set = { .max_xml = 1 << 20,
		    .max_depth = 64,
		    .lock_timeout = 3600 * NSEC_PER_SEC },
		.origin = { STR("http"), STR("example.org"), STR("") },
	};
	t->store = deny_store_init(&t->deny);
	(void)reply_mem_init(&t->reply);
	tree_make(t->deny.inner, text);
}

void
dav_test_done(struct dav_test *t)
{
	store_close(t->store);
	arena_done(&t->arena);
	reply_mem_done(&t->reply);
	buf_done(&t->log);
}

static void
log_line(void *arg, struct str line)
{
	struct dav_test *t = arg;

	buf_put(&t->log, line);
	buf_putc(&t->log, '\n');
}

static size_t
split_headers(const char *text, struct header *out)
{
	struct str rest = str_from_c(text);
	struct str line;
	size_t n = 0;

	while (rest.len && str_cut(&rest, '\n', &line)) {
		size_t colon = str_find(line, ':');

		if (!line.len)
			continue;
		assert_true(n < HEADERS_MAX && colon < line.len);
		out[n].name = str_head(line, colon);
		out[n++].value = str_trim(str_skip(line, colon + 1));
	}
	return n;
}

/* In pieces, as from a network. */
static enum err_code
send_body(const struct dav_test *t, struct exchange *x,
    const struct method_ops *ops, struct str body, struct err *err)
{
	size_t slice = t->slice ? t->slice : body.len / 2 + 1;
	enum err_code rc = ERR_OK;

	if (!x->body)
		return err_set(err, ERR_MEDIA_TYPE, "body");
	while (body.len && !rc) {
		if (ostream_write(x->body, str_head(body, slice))) {
			*err = x->body->err;
			return err->code;
		}
		body = str_skip(body, slice);
		if (x->full && ops->piece)
			rc = ops->piece(x, err);
		assert_true(rc || !x->full);
	}
	return rc;
}

static const struct method_ops *
ops_of(const struct dav_test *t, struct exchange *x)
{
	const struct method_ops *ops =
	    t->service ? bulk_endpoint(x->req) : NULL;

	if (!ops)
		return keyed_method(x->req, dav_method(x->req->method));
	x->service = t->service;
	return ops;
}

static enum err_code
exchange_run(
    struct dav_test *t, struct exchange *x, const char *body, struct err *err)
{
	const struct method_ops *ops = ops_of(t, x);
	struct str bytes = body ? str_from_c(body) : (struct str){ 0 };
	enum err_code rc = ops->begin(x, err);

	t->has_body_stream = x->body != NULL;
	t->slow = x->slow;
	if (t->gone_after)
		bytes = str_head(bytes, t->gone_after);
	if (!rc && body)
		rc = send_body(t, x, ops, bytes, err);
	if (!rc && !t->gone_after)
		rc = ops->run(x, err);
	if (rc && !x->reply->status) {
		err->code = rc;
		(void)!dav_fail(x, err);
	}
	if (ops->end)
		ops->end(x);
	return rc;
}

static void
check_reply(const struct dav_test *t)
{
	static const char *const once[] = { "Content-Type", "Cache-Control",
		"ETag", "Allow", "Vary", "Location", "Content-Location",
		"Content-Range" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(once); i++)
		assert_true(
		    reply_mem_count(&t->reply, str_from_c(once[i])) <= 1);
	if (t->reply.base.status == 207 && t->reply.ended && !t->outcomes) {
		assert_true(t->reply.body.len);
		assert_true(dav_header(t, "Content-Type").len);
		assert_str_equal(
		    dav_header(t, "Cache-Control"), STR("no-store"));
		assert_int_equal(dav_header(t, "Location").len, 0);
	}
}

unsigned
dav_send(struct dav_test *t, const char *method, const char *target,
    const char *headers, const char *body)
{
	struct header list[HEADERS_MAX];
	struct request req = {
		.method = method_from(str_from_c(method)),
		.method_name = str_from_c(method),
		.origin = t->origin,
		.caller = { t->user },
		.has_body = body != NULL,
		.has_length = body != NULL,
		.length = body ? strlen(body) : 0,
	};
	struct str path, query = str_from_c(target);
	struct err err = { 0 };
	struct exchange x = {
		.req = &req,
		.store = t->store,
		.set = &t->set,
		.failures = { log_line, t },
		.arena = &t->arena,
		.keys = t->keys,
	};

	arena_clear(&t->arena);
	buf_clear(&t->log);
	reply_mem_done(&t->reply);
	x.reply = reply_mem_init_with(&t->reply, t->outcomes);
	req.headers =
	    (struct headers){ .v = list, .n = split_headers(headers, list) };
	assert_true(str_cut(&query, '?', &path));
	req.query = query;
	assert_int_equal(
	    href_decode_path(&t->arena, path, &req.path, &req.slash, NULL),
	    ERR_OK);
	if (headers_has(&req.headers, STR("Transfer-Encoding")))
		req.has_length = false;
	t->alloc_failed = false;
	if (t->fail_alloc)
		alloc_fail_at(t->fail_alloc);
	t->ran = exchange_run(t, &x, body, &err);
	if (t->fail_alloc && !t->fails_on)
		t->alloc_failed = alloc_fail_stop();
	t->fail_alloc = 0;
	check_reply(t);
	return t->reply.ended ? t->reply.base.status : 0;
}

struct str
dav_header(const struct dav_test *t, const char *name)
{
	return reply_mem_header(&t->reply, str_from_c(name));
}

struct str
dav_body(const struct dav_test *t)
{
	return buf_str(&t->reply.body);
}

bool
dav_says(const struct dav_test *t, const char *text)
{
	struct str body = dav_body(t);

	return body.len && memmem(body.ptr, body.len, text, strlen(text));
}

unsigned
dav_count(const struct dav_test *t, const char *text)
{
	struct str rest = dav_body(t);
	unsigned n = 0;

	for (;;) {
		const char *at = rest.len
		    ? memmem(rest.ptr, rest.len, text, strlen(text))
		    : NULL;

		if (!at)
			return n;
		rest = str_skip(rest, (size_t)(at - rest.ptr) + 1);
		n++;
	}
}
