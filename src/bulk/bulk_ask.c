/* SPDX-License-Identifier: MIT */
#include "bulk/bulk_ask.h"

#include "base/clock.h"
#include "bulk/endpoints_impl.h"
#include "http/fields.h"
#include "http/query.h"

/* ---- the body */

static enum err_code
read_type(struct bulk_ask *a, struct exchange *x, struct err *err)
{
	const struct headers *h = &x->req->headers;
	struct str type, coding;
	enum err_code rc = headers_one(h, STR("Content-Type"), &type, err);

	if (!rc)
		rc = headers_one(h, STR("Content-Encoding"), &coding, err);
	if (rc)
		return rc;
	if (coding.len && !str_eq_nocase(coding, STR("identity")))
		return err_tell(err, ERR_MEDIA_TYPE,
		    "a batch is taken without Content-Encoding");
	if (!batch_form_of(type, &a->batch, &a->boundary))
		return err_tell(err, ERR_MEDIA_TYPE,
		    "a batch is application/json, application/x-ndjson, "
		    "application/jsonl, application/json-seq or "
		    "multipart/mixed with a boundary");
	return ERR_OK;
}

static enum err_code
check_length(const struct bulk_ask *a, struct exchange *x, struct err *err)
{
	uint64_t max = x->service->env->limits->json_bytes;

	if (!x->req->has_body)
		return err_tell(err, ERR_BAD_BODY, "there is no batch in it");
	if (a->batch == BATCH_JSON && x->req->length > max)
		return err_tell(err, ERR_TOO_LARGE,
		    "the batch is over jsonBytes, which is %llu here",
		    (unsigned long long)max);
	return ERR_OK;
}

/* ---- the answer */

/* In our order of preference. */
static const struct {
	struct str media_type;
	enum form form;
} forms[] = {
	{ STR_INIT("application/json"), FORM_JSON },
	{ STR_INIT("application/x-ndjson"), FORM_NDJSON },
	{ STR_INIT("application/xml"), FORM_XML },
	{ STR_INIT("text/xml"), FORM_XML },
};

/*
 * Of a stream nobody knows in time whether two operations have one url, so
 * there is no XML for it.
 */
static enum err_code
read_accept(struct bulk_ask *a, struct exchange *x, struct err *err)
{
	size_t n = a->batch == BATCH_JSON ? ARRAY_LEN(forms) : 2, i;
	struct str offers[ARRAY_LEN(forms)];
	struct str accept;
	enum err_code rc;
	int chosen;

	rc = headers_list(
	    &x->req->headers, STR("Accept"), x->arena, &accept, err);
	if (rc)
		return rc;
	for (i = 0; i < n; i++)
		offers[i] = forms[i].media_type;
	chosen = accept_media(accept, offers, n);
	if (chosen < 0)
		return err_tell(err, ERR_NOT_ACCEPTABLE,
		    "the answer is application/json, application/x-ndjson or, "
		    "to a JSON batch, application/xml");
	a->form = forms[chosen].form;
	return ERR_OK;
}

/*
 * A stream has as much time as its client takes to send it, unless that client
 * says how long it waits.
 */
static void
set_budget(struct bulk_ask *a, const struct batch_limits *l)
{
	uint64_t seconds = a->batch == BATCH_JSON ? l->budget : 0;

	if (a->prefer.has_wait && a->prefer.wait) {
		a->budget_is_asked = true;
		seconds = a->prefer.wait < l->budget_max ? a->prefer.wait
							 : l->budget_max;
	}
	a->budget = (int64_t)seconds * NSEC_PER_SEC;
}

static enum err_code
read_prefer(struct bulk_ask *a, struct exchange *x, struct err *err)
{
	struct str prefer;
	enum err_code rc = headers_list(
	    &x->req->headers, STR("Prefer"), x->arena, &prefer, err);

	if (rc)
		return rc;
	a->prefer = prefer_parse(prefer);
	a->async = a->prefer.respond_async && x->service->jobs;
	a->stop_on_error =
	    a->prefer.has_continue && !a->prefer.continue_on_error;
	set_budget(a, x->service->env->limits);
	return ERR_OK;
}

static enum err_code
read_params(struct bulk_ask *a, struct exchange *x, struct err *err)
{
	struct query_param dry = { .name = STR("dryRun") };
	enum err_code rc = query_read(x->arena, x->req->query, &dry, 1, err);

	if (rc)
		return rc;
	a->dry_run = str_eq(dry.value, STR("true"));
	if (dry.given && !a->dry_run && !str_eq(dry.value, STR("false")))
		return err_tell(
		    err, ERR_BAD_REQUEST, "dryRun is true or false");
	return ERR_OK;
}

enum err_code
bulk_ask_read(struct bulk_ask *a, struct exchange *x, struct err *err)
{
	enum err_code rc = read_type(a, x, err);

	if (!rc)
		rc = read_accept(a, x, err);
	if (!rc)
		rc = check_length(a, x, err);
	if (!rc)
		rc = read_prefer(a, x, err);
	if (!rc)
		rc = read_params(a, x, err);
	if (!rc)
		rc = idempotency_key_parse(&x->req->headers, &a->key, err);
	return rc;
}
