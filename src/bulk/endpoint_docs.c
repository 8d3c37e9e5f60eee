/* SPDX-License-Identifier: MIT */
/* What tells programs about the bulk API. */
#include "bulk/embedded.h"
#include "bulk/endpoints_impl.h"
#include "http/query.h"
#include "wire/bulk_docs.h"

#define JSON STR("application/json")

static enum err_code
docs_begin(struct exchange *x, struct err *err)
{
	return query_read(x->arena, x->req->query, NULL, 0, err);
}

static enum err_code
capabilities_run(struct exchange *x, struct err *err)
{
	const struct bulk_service *s = x->service;
	struct buf b CLEANUP(buf_done) = { 0 };
	const struct capabilities c = {
		.version = s->version,
		.prefix = x->req->origin.prefix,
		.limits = s->env->limits,
		.idempotency_ttl = s->env->set->idempotency_ttl,
		.always_200 = s->always_200,
		.has_jobs = s->jobs != NULL,
	};

	capabilities_put(&b, &c);
	return endpoint_reply(x, 200, JSON, &b, err);
}

const struct method_ops endpoint_capabilities = {
	.begin = docs_begin,
	.run = capabilities_run,
};

static enum err_code
reply_file(
    struct exchange *x, struct str type, struct str file, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	buf_put(&b, file);
	return endpoint_reply(x, 200, type, &b, err);
}

static enum err_code
openapi_run(struct exchange *x, struct err *err)
{
	return reply_file(x, JSON, embedded_openapi_json, err);
}

const struct method_ops endpoint_openapi = {
	.begin = docs_begin,
	.run = openapi_run,
};

static enum err_code
request_schema_run(struct exchange *x, struct err *err)
{
	return reply_file(x, STR("application/schema+json"),
	    embedded_request_schema_json, err);
}

const struct method_ops endpoint_request_schema = {
	.begin = docs_begin,
	.run = request_schema_run,
};

static enum err_code
answer_schema_run(struct exchange *x, struct err *err)
{
	return reply_file(x, STR("application/schema+json"),
	    embedded_answer_schema_json, err);
}

const struct method_ops endpoint_answer_schema = {
	.begin = docs_begin,
	.run = answer_schema_run,
};
