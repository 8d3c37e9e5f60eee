/* SPDX-License-Identifier: MIT */
/* Batches that run asynchronously, as their clients see them. */
#include "bulk/endpoints_impl.h"
#include "http/negotiate.h"
#include "http/query.h"

#define JSON STR("application/json")
#define NDJSON STR("application/x-ndjson")

static struct str
user_of(const struct exchange *x)
{
	return x->req->caller.user;
}

static enum err_code
find_job(struct exchange *x, struct job_status *out, struct err *err)
{
	if (!x->service->jobs)
		return err_set(err, ERR_NOT_FOUND, "there are no jobs");
	return jobs_look(
	    x->service->jobs, user_of(x), endpoint_id(x), out, err);
}

static struct batch_state
state_of(const struct exchange *x, const struct job_status *now)
{
	return (struct batch_state){
		.id = str_from_c(now->id),
		.state = job_state_name(now->state),
		.prefix = x->req->origin.prefix,
		.has_results = true,
		.ended = job_state_is_last(now->state),
		.sum = now->sum,
		.total = now->total,
		.created_at = now->created,
		.ended_at = now->ended,
		.error = str_from_c(now->error),
	};
}

enum err_code
endpoint_reply_job(struct exchange *x, unsigned status,
    const struct job_status *now, struct err *err)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct buf link CLEANUP(buf_done) = { 0 };
	const struct batch_state s = state_of(x, now);

	BUF_LIT(&link, "<");
	batch_path_put(&link, s.prefix, s.id, false);
	BUF_LIT(&link, ">; rel=\"monitor\"");
	if (buf_failed(&link))
		return err_nomem(err);
	(void)reply_header(x->reply, STR("Link"), buf_str(&link));
	if (!s.ended)
		(void)reply_header(x->reply, STR("Retry-After"), STR("1"));
	batch_state_put(&b, &s);
	return endpoint_reply(x, status, JSON, &b, err);
}

/* ---- its state */

static enum err_code
plain_begin(struct exchange *x, struct err *err)
{
	x->slow = true; /* the lock is held over a sync to disk, at times */
	return query_read(x->arena, x->req->query, NULL, 0, err);
}

static enum err_code
batch_run(struct exchange *x, struct err *err)
{
	struct job_status now;
	enum err_code rc = find_job(x, &now, err);

	return rc ? rc : endpoint_reply_job(x, 200, &now, err);
}

const struct method_ops endpoint_batch = {
	.begin = plain_begin,
	.run = batch_run,
};

/* One that is over stays as it is, so that this can be sent again. */
static enum err_code
cancel_run(struct exchange *x, struct err *err)
{
	struct job_status now;
	enum err_code rc = find_job(x, &now, err);

	if (!rc)
		rc = jobs_cancel(
		    x->service->jobs, user_of(x), endpoint_id(x), err);
	return rc ? rc : batch_run(x, err);
}

const struct method_ops endpoint_batch_cancel = {
	.begin = plain_begin,
	.run = cancel_run,
};

/* ---- its results */

struct showing {
	bool ndjson, failed;
	int64_t after;
	/* While it is written: */
	struct ostream *to;
	struct buf b;
	bool some;
};

static enum err_code
read_params(struct exchange *x, struct showing *s, struct err *err)
{
	struct query_param params[] = { { .name = STR("status") },
		{ .name = STR("after") } };
	uint64_t after;
	enum err_code rc =
	    query_read(x->arena, x->req->query, params, ARRAY_LEN(params), err);

	if (rc)
		return rc;
	s->after = -1;
	if (params[0].given && !str_eq(params[0].value, STR("failed")))
		return err_tell(err, ERR_BAD_REQUEST,
		    "status=failed is the only one there is");
	s->failed = params[0].given;
	if (params[1].given &&
	    (!str_to_u64(params[1].value, &after) || after > INT64_MAX))
		return err_tell(
		    err, ERR_BAD_REQUEST, "after= is the index of a result");
	if (params[1].given)
		s->after = (int64_t)after;
	return ERR_OK;
}

static enum err_code
results_begin(struct exchange *x, struct err *err)
{
	static const struct str offers[] = { STR_INIT("application/json"),
		STR_INIT("application/x-ndjson") };
	struct showing *s = ARENA_NEW(x->arena, struct showing);
	struct str accept;
	enum err_code rc;
	int chosen;

	if (!s)
		return err_nomem(err);
	x->slow = true;
	rc = headers_list(
	    &x->req->headers, STR("Accept"), x->arena, &accept, err);
	if (rc)
		return rc;
	chosen = accept_media(accept, offers, ARRAY_LEN(offers));
	if (chosen < 0)
		return err_tell(err, ERR_NOT_ACCEPTABLE,
		    "results are application/json or application/x-ndjson");
	s->ndjson = chosen == 1;
	x->state = s;
	return read_params(x, s, err);
}

static enum err_code
push(struct showing *s)
{
	enum err_code rc = buf_failed(&s->b);

	if (!rc)
		rc = ostream_write(s->to, buf_str(&s->b));
	buf_clear(&s->b);
	return rc;
}

static enum err_code
put_line(void *arg, const struct result_line *r, struct str line)
{
	struct showing *s = arg;

	if (s->ndjson) {
		buf_put(&s->b, line);
		buf_putc(&s->b, '\n');
	} else {
		batch_results_item(&s->b, r, !s->some);
	}
	s->some = true;
	return push(s);
}

static enum err_code
show(struct exchange *x, struct showing *s, const struct job_status *now,
    struct err *err)
{
	const struct job_reader reader = { put_line, s };
	const struct batch_state state = state_of(x, now);
	enum err_code rc;

	if (!s->ndjson)
		batch_results_begin(&s->b, state.id, state.state);
	rc = jobs_results(x->service->jobs, user_of(x), endpoint_id(x),
	    s->after, s->failed, &reader, err);
	if (!rc && s->ndjson)
		batch_results_line(&s->b, &state);
	else if (!rc)
		batch_results_end(&s->b, &state);
	if (!rc)
		rc = push(s);
	return rc ? rc : ostream_end(s->to);
}

static enum err_code
results_run(struct exchange *x, struct err *err)
{
	struct showing *s = x->state;
	struct reply *r = x->reply;
	struct job_status now;
	enum err_code rc = find_job(x, &now, err);

	if (rc)
		return rc;
	if (!job_state_is_last(now.state))
		(void)reply_header(r, STR("Retry-After"), STR("1"));
	(void)reply_header(r, STR("Content-Type"), s->ndjson ? NDJSON : JSON);
	(void)reply_header(r, STR("Cache-Control"), STR("no-store"));
	(void)reply_header(r, STR("Vary"), STR("Accept"));
	rc = reply_stream(r, x->service->always_200 ? 200 : 207, &s->to);
	return rc ? rc : show(x, s, &now, err);
}

static void
results_end_showing(struct exchange *x)
{
	struct showing *s = x->state;

	if (s)
		buf_done(&s->b);
}

const struct method_ops endpoint_batch_results = {
	.begin = results_begin,
	.run = results_run,
	.end = results_end_showing,
};
