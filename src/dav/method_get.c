/* SPDX-License-Identifier: MIT */
/* GET and HEAD (RFC 9110 s9.3.1, s9.3.2, RFC 4918 s9.4). */
#include "dav/answer.h"
#include "dav/file_reply.h"
#include "dav/methods.h"

struct getting {
	struct precondition pre;
	struct content *content; /* NULL: a collection, or handed on */
};

static enum err_code
get_begin(struct exchange *x, struct err *err)
{
	struct getting *g = ARENA_NEW(x->arena, struct getting);
	const struct op op = exchange_op(x);
	enum err_code rc;

	if (!g)
		return err_nomem(err);
	x->state = g;
	rc = precondition_parse(&g->pre, x, err);
	if (!rc)
		rc = op_may(&op, ACCESS_READ, x->req->path, err);
	if (!rc)
		rc = store_open(x->store, x->req->path, &g->content, err);
	if (rc != ERR_IS_COLLECTION)
		return rc;
	x->slow = true; /* a listing */
	return ERR_OK;
}

static enum err_code
get_file(struct exchange *x, struct err *err)
{
	struct getting *g = x->state;
	struct content *content = g->content;
	enum err_code rc;

	rc = precondition_check(&g->pre, content_resource(content), err);
	if (rc == ERR_NOT_MODIFIED)
		file_reply_validators(x, content_resource(content));
	if (rc)
		return rc;
	g->content = NULL;
	return file_reply(x, content, err);
}

/*
 * Relative links in the page need the slash, and so do clients that build
 * members' URLs; all others of our methods take a collection without it.
 */
static enum err_code
redirect_to_slash(struct exchange *x)
{
	(void)reply_header(x->reply, STR("Cache-Control"), STR("no-cache"));
	(void)path_header(x, STR("Location"), x->req->path, true);
	return reply_empty(x->reply, 301);
}

static enum err_code
get_listing(struct exchange *x, struct err *err)
{
	static const struct prop_name names[] = {
		{ STR_INIT("DAV:"), STR_INIT("resourcetype") },
		{ STR_INIT("DAV:"), STR_INIT("getcontentlength") },
		{ STR_INIT("DAV:"), STR_INIT("getlastmodified") },
	};
	static const struct propfind_body what = {
		.kind = PROPFIND_SOME,
		.names = names,
		.n_names = ARRAY_LEN(names),
	};
	const struct propfind q = { .what = &what, .depth = DEPTH_1 };
	const struct op op = exchange_op(x);
	struct answer answer CLEANUP(answer_done) = { 0 };
	enum err_code rc;

	rc = answer_init(&answer, x, ANSWER_PAGE, err);
	if (rc)
		return rc;
	return op_propfind(&op, x->req->path, &q, &answer.base, err);
}

/* What a 304 has in common with the page (RFC 9110 s15.4.5). */
static void
listing_unchanged(struct exchange *x)
{
	struct reply *r = x->reply;

	(void)reply_header(r, STR("Cache-Control"), STR("no-cache"));
	(void)reply_header(r, STR("Vary"), STR("Accept-Encoding"));
}

static enum err_code
get_collection(struct exchange *x, struct err *err)
{
	struct getting *g = x->state;
	struct resource res;
	enum err_code rc = store_stat(x->store, x->req->path, &res, err);

	if (rc)
		return rc;
	/* Conditions are for what would succeed (RFC 9110 s13.2.1). */
	if (!x->req->slash)
		return redirect_to_slash(x);
	/* The date of a collection does not change with its members' sizes. */
	g->pre.conditions.has_modified_since = false;
	rc = precondition_check(&g->pre, &res, err);
	if (rc == ERR_NOT_MODIFIED)
		listing_unchanged(x);
	if (rc)
		return rc;
	return get_listing(x, err);
}

static enum err_code
get_run(struct exchange *x, struct err *err)
{
	struct getting *g = x->state;

	return g->content ? get_file(x, err) : get_collection(x, err);
}

static void
get_end(struct exchange *x)
{
	struct getting *g = x->state;

	if (g)
		content_free(g->content);
}

const struct method_ops method_get = {
	.begin = get_begin,
	.run = get_run,
	.end = get_end,
};
