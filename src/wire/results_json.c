/* SPDX-License-Identifier: MIT */
/*
 * {"batchId": ..., "results": [...], "summary": {...}}, or an object a line.
 * Written as it comes, so the summary stands last.
 */
#include "http/href.h"
#include "http/status.h"
#include "wire/base64.h"
#include "wire/escape.h"
#include "wire/json_multistatus.h"
#include "wire/problem.h"
#include "wire/results_impl.h"

static struct buf *
out_of(struct results *r)
{
	return &r->m->push.out;
}

static void
put_name(struct buf *b, const char *name)
{
	BUF_LIT(b, ",\"");
	buf_put(b, str_from_c(name));
	BUF_LIT(b, "\":");
}

static void
put_text(struct buf *b, const char *name, struct str text)
{
	if (!text.len)
		return;
	put_name(b, name);
	json_put_string(b, text);
}

static void
put_flag(struct buf *b, const char *name, bool is)
{
	if (!is)
		return;
	put_name(b, name);
	BUF_LIT(b, "true");
}

static void
put_count(struct buf *b, const char *name, uint64_t n)
{
	put_name(b, name);
	buf_put_u64(b, n);
}

/* Writes the href; where no path could be made, the url as it was sent. */
static void
put_href(struct results *r, const struct outcome *o, struct str url)
{
	struct buf *b = out_of(r);

	if (!o->path.s.len) {
		put_text(b, "href", url);
		return;
	}
	put_name(b, "href");
	buf_putc(b, '"');
	multistatus_put_href(r->m, o);
	buf_putc(b, '"');
}

static void
put_problem(struct results *r, const struct outcome *o)
{
	const struct cause cause = multistatus_cause(r->m, o);

	put_name(out_of(r), "problem");
	problem_put(out_of(r), o->why, o->status, STR(""), &cause);
}

static void
put_failure(struct results *r, const struct result *res)
{
	const struct outcome *o = &res->outcome;
	struct buf *b = out_of(r);
	int64_t wait = results_wait(res);

	json_put_sentence(b, o->status, outcome_text(o));
	put_name(b, "retryable");
	buf_put(b, result_is_retryable(res) ? STR("true") : STR("false"));
	if (wait >= 0)
		put_count(b, "retryAfter", (uint64_t)wait);
	put_text(b, "causedBy", res->caused_by);
	put_problem(r, o);
}

static void
put_headers(struct buf *b, const struct headers *h)
{
	size_t i, k;

	if (!h->n)
		return;
	put_name(b, "headers");
	for (i = 0; i < h->n; i++) {
		buf_put(b, i ? STR(",\"") : STR("{\""));
		for (k = 0; k < h->v[i].name.len; k++)
			buf_putc(b, ascii_lower(h->v[i].name.ptr[k]));
		BUF_LIT(b, "\":");
		json_put_string(b, h->v[i].value);
	}
	buf_putc(b, '}');
}

/* Writes a JSON value in one line: in JSON a line break is white space. */
static void
put_json(struct buf *b, struct str json)
{
	size_t i;

	for (i = 0; i < json.len; i++)
		buf_putc(b,
		    json.ptr[i] == '\n' || json.ptr[i] == '\r' ? ' '
							       : json.ptr[i]);
}

static void
put_body(struct results *r, const struct result *res)
{
	struct buf *b = out_of(r);
	enum body_form form;

	if (results_body_form(r, res, &form)) {
		b->failed = ERR_NOMEM;
		return;
	}
	put_name(b, "body");
	switch (form) {
	case BODY_JSON:
		put_json(b, res->body);
		break;
	case BODY_TEXT:
		json_put_string(b, res->body);
		break;
	case BODY_JSON_AS_TEXT:
		json_put_string(b, res->body);
		BUF_LIT(b, ",\"encoding\":\"text\"");
		break;
	case BODY_BYTES:
		buf_putc(b, '"');
		base64_put(b, res->body);
		BUF_LIT(b, "\",\"encoding\":\"base64\"");
		break;
	}
}

static void
put_member(struct results *r, const struct outcome *o)
{
	struct buf *b = out_of(r);

	BUF_LIT(b, "{\"status\":");
	buf_put_u64(b, o->status);
	put_href(r, o, STR(""));
	if (outcome_is_failure(o)) {
		json_put_sentence(b, o->status, outcome_text(o));
		put_problem(r, o);
	}
	if (o->n_propstats)
		json_put_propstats(r->m, o);
	buf_putc(b, '}');
	(void)pusher_flow(&r->m->push); /* it sticks */
}

static void
put_members(struct results *r, const struct result *res)
{
	struct buf *b = out_of(r);
	size_t i;

	if (!res->n_members)
		return;
	put_name(b, "members");
	buf_putc(b, '[');
	for (i = 0; i < res->n_members; i++) {
		if (i)
			buf_putc(b, ',');
		put_member(r, &res->members[i]);
	}
	buf_putc(b, ']');
}

/* The members of an item, without the braces. */
static void
put_item(struct results *r, const struct result *res)
{
	const struct outcome *o = &res->outcome;
	struct buf *b = out_of(r);

	BUF_LIT(b, "\"id\":");
	json_put_string(b, res->id);
	put_count(b, "index", res->index);
	put_count(b, "status", o->status);
	put_href(r, o, res->url);
	put_flag(b, "partial", res->partial);
	put_flag(b, "replayed", res->replayed);
	put_flag(b, "notAttempted", res->not_attempted);
	if (outcome_is_failure(o))
		put_failure(r, res);
	else
		put_text(b, "message", outcome_text(o));
	put_headers(b, &res->headers);
	if (res->has_body && !res->body_omitted)
		put_body(r, res);
	put_flag(b, "bodyOmitted", res->body_omitted);
	if (o->n_propstats)
		json_put_propstats(r->m, o);
	put_members(r, res);
	if (res->members_omitted)
		put_count(b, "membersOmitted", res->members_omitted);
}

static void
put_summary(struct results *r)
{
	const struct results_summary *s = &r->sum;
	struct buf *b = out_of(r);

	BUF_LIT(b, "\"total\":");
	buf_put_u64(b, s->sum.total);
	put_count(b, "success", s->sum.success);
	put_count(b, "failed", s->sum.failed);
	put_count(b, "retryable", s->sum.retryable);
	put_count(b, "replayed", s->replayed);
	put_count(b, "notAttempted", s->not_attempted);
	if (s->retry_after >= 0)
		put_count(b, "retryAfter", (uint64_t)s->retry_after);
	put_name(b, "dryRun");
	buf_put(b, s->dry_run ? STR("true") : STR("false"));
}

/* Writes why the batch could not be read to its end. */
static void
put_end_failure(struct results *r, const struct err *failed)
{
	struct outcome o = {
		.status = err_status(failed->code),
		.why = failed->code,
		.tell = str_from_c(failed->tell),
	};

	json_put_sentence(out_of(r), o.status, outcome_text(&o));
	put_problem(r, &o);
}

static void
json_form_begin(struct results *r)
{
	struct buf *b = out_of(r);

	BUF_LIT(b, "{\"batchId\":");
	json_put_string(b, buf_str(&r->batch_id));
	BUF_LIT(b, ",\"results\":[\n");
}

static void
json_form_put(struct results *r, const struct result *res)
{
	struct buf *b = out_of(r);

	if (r->any)
		BUF_LIT(b, ",\n");
	buf_putc(b, '{');
	put_item(r, res);
	buf_putc(b, '}');
}

static void
json_form_end(struct results *r, const struct err *failed)
{
	struct buf *b = out_of(r);

	BUF_LIT(b, "\n],\"summary\":{");
	put_summary(r);
	buf_putc(b, '}');
	if (failed)
		put_end_failure(r, failed);
	BUF_LIT(b, "}\n");
}

const struct results_form results_json = {
	.begin = json_form_begin,
	.put = json_form_put,
	.end = json_form_end,
};

static void
lines_begin(struct results *r)
{
	struct buf *b = out_of(r);

	BUF_LIT(b, "{\"type\":\"start\"");
	put_text(b, "batchId", buf_str(&r->batch_id));
	put_flag(b, "dryRun", r->sum.dry_run);
	BUF_LIT(b, "}\n");
}

static void
lines_put(struct results *r, const struct result *res)
{
	struct buf *b = out_of(r);

	BUF_LIT(b, "{\"type\":\"result\",");
	put_item(r, res);
	BUF_LIT(b, "}\n");
}

static void
lines_progress(struct results *r, uint64_t done, uint64_t total)
{
	struct buf *b = out_of(r);

	BUF_LIT(b, "{\"type\":\"progress\"");
	put_count(b, "done", done);
	if (total)
		put_count(b, "total", total);
	BUF_LIT(b, "}\n");
}

static void
lines_end(struct results *r, const struct err *failed)
{
	struct buf *b = out_of(r);

	BUF_LIT(b, "{\"type\":\"summary\",");
	put_summary(r);
	if (failed)
		put_end_failure(r, failed);
	BUF_LIT(b, "}\n");
}

const struct results_form results_ndjson = {
	.begin = lines_begin,
	.put = lines_put,
	.progress = lines_progress,
	.end = lines_end,
};
