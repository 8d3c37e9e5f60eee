/* SPDX-License-Identifier: MIT */
#include "bulk/endpoints_impl.h"

static const struct endpoint {
	struct str path;
	struct str method;
	const struct method_ops *ops;
} endpoints[] = {
#define ENDPOINT(path, method, ops) \
	{ STR_INIT(path), STR_INIT(method), &(ops) },
#include "bulk/endpoints.def"
#undef ENDPOINT
};

#define ID STR("{id}")

/* *id: what stands for {id}, where there is one. */
static bool
matches(struct str pattern, struct str path, struct str *id)
{
	struct str want, have;

	while (str_cut(&pattern, '/', &want)) {
		if (!str_cut(&path, '/', &have))
			return false;
		if (str_eq(want, ID))
			*id = have;
		else if (!str_eq(want, have))
			return false;
	}
	return !path.len;
}

static bool
takes(const struct endpoint *e, struct str method)
{
	return str_eq(e->method, method) ||
	    (str_eq(method, STR("HEAD")) && str_eq(e->method, STR("GET")));
}

struct str
endpoint_id(const struct exchange *x)
{
	struct str id = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(endpoints); i++)
		if (matches(endpoints[i].path, x->req->path.s, &id))
			break;
	return id;
}

/* ---- what is asked of every endpoint */

static void
put_allowed(struct buf *b, struct str path)
{
	struct str id;
	size_t i;

	for (i = 0; i < ARRAY_LEN(endpoints); i++) {
		const struct endpoint *e = &endpoints[i];

		if (!matches(e->path, path, &id))
			continue;
		if (str_eq(e->method, STR("GET")))
			BUF_LIT(b, "GET, HEAD");
		else
			buf_put(b, e->method);
		BUF_LIT(b, ", ");
	}
	BUF_LIT(b, "OPTIONS");
}

static enum err_code
find_allowed(struct exchange *x, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	put_allowed(&b, x->req->path.s);
	if (buf_failed(&b) || !arena_str(x->arena, buf_str(&b), &x->allow))
		return err_nomem(err);
	return ERR_OK;
}

static enum err_code
options_run(struct exchange *x, struct err *err)
{
	(void)err;
	(void)reply_header(x->reply, STR("Allow"), x->allow);
	(void)reply_header(x->reply, STR("Cache-Control"), STR("no-store"));
	return reply_empty(x->reply, 200);
}

static const struct method_ops endpoint_options = {
	.begin = find_allowed,
	.run = options_run,
};

static enum err_code
refused_begin(struct exchange *x, struct err *err)
{
	enum err_code rc = find_allowed(x, err);

	return rc
	    ? rc
	    : err_tell(err, ERR_METHOD, "only %.*s here", STR_ARG(x->allow));
}

static enum err_code
refused_run(struct exchange *x, struct err *err)
{
	(void)x;
	return err_set(err, ERR_METHOD, "not to be run");
}

static const struct method_ops endpoint_refused = {
	.begin = refused_begin,
	.run = refused_run,
};

/* ---- */

const struct method_ops *
bulk_endpoint(const struct request *req)
{
	const struct method_ops *found = NULL;
	struct str id;
	size_t i;

	/* All but a few requests end here. */
	if (!str_starts(req->path.s, STR("/.sheaf/")))
		return NULL;
	for (i = 0; i < ARRAY_LEN(endpoints); i++) {
		if (!matches(endpoints[i].path, req->path.s, &id))
			continue;
		if (takes(&endpoints[i], req->method_name))
			return endpoints[i].ops;
		found = &endpoint_refused;
	}
	if (found && str_eq(req->method_name, STR("OPTIONS")))
		return &endpoint_options;
	return found;
}

enum err_code
endpoint_reply(struct exchange *x, unsigned status, struct str type,
    const struct buf *body, struct err *err)
{
	struct ostream *to;
	enum err_code rc;

	if (buf_failed(body))
		return err_nomem(err);
	(void)reply_header(x->reply, STR("Content-Type"), type);
	(void)reply_header(x->reply, STR("Cache-Control"), STR("no-store"));
	rc = reply_stream(x->reply, status, &to);
	if (rc)
		return rc;
	(void)ostream_write(to, buf_str(body));
	return ostream_end(to);
}
