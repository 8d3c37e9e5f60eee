/* SPDX-License-Identifier: MIT */
#include "dav/methods.h"

#include "http/negotiate.h"
#include "wire/error_body.h"

static const struct {
	struct str media_type;
	enum error_form form;
} forms[] = {
	{ STR_INIT("application/xml"), ERROR_XML },
	{ STR_INIT("text/xml"), ERROR_XML },
	{ STR_INIT("application/problem+json"), ERROR_PROBLEM },
	{ STR_INIT("application/json"), ERROR_PROBLEM },
	{ STR_INIT("application/x-ndjson"), ERROR_PROBLEM },
};

/*
 * That an Accept cannot be read is no reason to fail once more: such a client
 * gets XML, or, from an endpoint, whose clients know nothing else, JSON.
 */
static enum error_form
choose_form(const struct exchange *x)
{
	const size_t n = ARRAY_LEN(forms), first = x->service ? 2 : 0;
	struct str offers[ARRAY_LEN(forms)];
	struct str accept;
	size_t i;
	int chosen;

	if (headers_list(
		&x->req->headers, STR("Accept"), x->arena, &accept, NULL))
		return forms[first].form;
	for (i = 0; i < n; i++)
		offers[i] = forms[(first + i) % n].media_type;
	chosen = accept_media(accept, offers, n);
	return forms[(first + (chosen < 0 ? 0 : (size_t)chosen)) % n].form;
}

static void
say_headers(struct exchange *x, enum err_code code, enum error_form form)
{
	struct reply *r = x->reply;
	unsigned status = err_status(code);

	if (status == 405) /* RFC 9110 s15.5.6 */
		(void)allow_header(x);
	/* Nothing is known but that it will take a moment. */
	if (status == 503 || status == 429 || code == ERR_KEY_IN_USE)
		(void)reply_header(r, STR("Retry-After"), STR("1"));
	(void)reply_header(r, STR("Content-Type"), error_media_type(form));
	(void)reply_header(r, STR("Cache-Control"), STR("no-store"));
	(void)reply_header(r, STR("Vary"), STR("Accept"));
}

/*
 * The resource that is in the way, or the one asked for.  Of what is above that
 * the slash is certain; of the rest the store knows it.
 */
static struct cause
find_cause(const struct exchange *x, const struct err *err)
{
	struct cause c = { x->req->origin.prefix, x->req->path, false };
	struct resource res;

	if (!condition_has_cause(err->code))
		return c;
	if (err->about[0])
		c.path = (struct rpath){ str_from_c(err->about) };
	c.collection = rpath_is_ancestor(c.path, x->req->path) ||
	    (!store_stat(x->store, c.path, &res, NULL) && res.collection);
	return c;
}

enum err_code
dav_fail(struct exchange *x, const struct err *err)
{
	struct err known = *err;
	struct buf body CLEANUP(buf_done) = { 0 };
	enum error_form form = choose_form(x);
	struct cause cause;
	struct ostream *to;
	unsigned status;
	enum err_code rc;

	if (!known.code)
		known.code = ERR_INTERNAL;
	status = err_status(known.code);
	if (x->reply->failed)
		reply_forget(x->reply);
	if (status == 304)
		return reply_empty(x->reply, status);
	say_headers(x, known.code, form);
	cause = find_cause(x, &known);
	error_body_put(&body, form, &known, &cause);
	if (buf_failed(&body))
		return reply_empty(x->reply, status);
	rc = reply_stream(x->reply, status, &to);
	if (rc)
		return rc;
	(void)ostream_write(to, buf_str(&body));
	return ostream_end(to);
}
