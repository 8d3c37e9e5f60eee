/* SPDX-License-Identifier: MIT */
/*
 * POST /.sheaf/bulk: what is asked for is found out in bulk_ask.c, before the
 * body; then the body goes to the batch piece by piece, or to a job.
 */
#include "base/clock.h"
#include "bulk/bulk_ask.h"
#include "bulk/endpoints_impl.h"
#include "bulk/feed.h"

/* Bytes of the body that are gathered for a worker. */
#define PIECE ((size_t)64 * 1024)

struct posting {
	struct exchange *x;
	struct bulk_ask ask;
	char id[BULK_ID_SIZE];
	struct ostream body; /* takes what libmicrohttpd has read */
	struct buf pending; /* of it: not yet parsed */
	struct feed feed;
	struct ostream *to;
	struct results *results;
	struct job *job;
};

/* ---- the answer */

static void
put_preference(struct buf *b, bool applied, struct str preference)
{
	if (!applied)
		return;
	if (b->len)
		BUF_LIT(b, ", ");
	buf_put(b, preference);
}

static void
say_preferences(const struct posting *p)
{
	const struct preferences *prefer = &p->ask.prefer;
	struct buf b CLEANUP(buf_done) = { 0 };

	put_preference(&b, p->job != NULL, STR("respond-async"));
	put_preference(&b, prefer->minimal && !p->job, STR("return=minimal"));
	put_preference(
	    &b, prefer->representation, STR("return=representation"));
	put_preference(&b, prefer->has_continue,
	    prefer->continue_on_error ? STR("continue-on-error=true")
				      : STR("continue-on-error=false"));
	put_preference(&b, p->ask.budget_is_asked && !p->job, STR("wait="));
	if (p->ask.budget_is_asked && !p->job)
		buf_put_u64(&b, (uint64_t)(p->ask.budget / NSEC_PER_SEC));
	if (b.len && !buf_failed(&b))
		(void)reply_header(
		    p->x->reply, STR("Preference-Applied"), buf_str(&b));
}

static enum err_code
start(void *arg, unsigned status, struct results **out, struct err *err)
{
	struct posting *p = arg;
	struct exchange *x = p->x;
	const struct results_spec spec = {
		.form = p->ask.form,
		.prefix = x->req->origin.prefix,
		.batch_id = str_from_c(p->id),
		.minimal = p->ask.prefer.minimal,
		.dry_run = feed_is_dry(&p->feed),
	};
	enum err_code rc;

	if (status == 207 && x->service->always_200)
		status = 200;
	(void)reply_header(
	    x->reply, STR("Content-Type"), form_media_type(p->ask.form));
	(void)reply_header(x->reply, STR("Vary"), STR("Accept, Prefer"));
	(void)reply_header(x->reply, STR("Cache-Control"), STR("no-store"));
	say_preferences(p);
	rc = reply_stream(x->reply, status, &p->to);
	if (!rc)
		rc = results_new(&spec, p->to, &p->results, err);
	*out = p->results;
	return rc;
}

/* ---- the body */

static enum err_code
take_body(struct ostream *o, struct str bytes)
{
	struct posting *p = CONTAINER_OF(o, struct posting, body);

	buf_put(&p->pending, bytes);
	p->x->full = p->pending.len >= PIECE;
	return buf_failed(&p->pending);
}

static enum err_code
read_pending(struct posting *p, struct err *err)
{
	enum err_code rc = feed_write(&p->feed, buf_str(&p->pending), err);

	buf_clear(&p->pending);
	p->x->full = false;
	return rc;
}

static enum err_code
bulk_piece(struct exchange *x, struct err *err)
{
	return read_pending(x->state, err);
}

/* ---- */

static enum err_code
begin_batch(struct posting *p, struct err *err)
{
	static const struct ostream_ops body_ops = { .name = "a batch",
		.write = take_body };
	const struct bulk_ask *a = &p->ask;
	const struct feed_spec spec = {
		.env = p->x->service->env,
		.form = a->batch,
		.boundary = a->boundary,
		.run = {
			.batch_id = str_from_c(p->id),
			.caller = p->x->req->caller,
			.origin = p->x->req->origin,
			.key = a->key,
			.dry_run = a->dry_run,
			.representation = a->prefer.representation,
			.stop_on_error = a->stop_on_error,
			.hrefs_once = a->form == FORM_XML,
			.budget = a->budget,
			.start = start,
			.arg = p,
		},
	};

	ostream_init(&p->body, &body_ops);
	p->x->body = &p->body;
	return feed_init(&p->feed, &spec, err);
}

static enum err_code
begin_job(struct posting *p, struct err *err)
{
	const struct bulk_ask *a = &p->ask;
	const struct job_spec spec = {
		.user = p->x->req->caller.user,
		.origin = p->x->req->origin,
		.form = a->batch,
		.boundary = a->boundary,
		.key = a->key,
		.dry_run = a->dry_run,
		.representation = a->prefer.representation,
		.stop_on_error = a->stop_on_error,
	};
	enum err_code rc = job_new(p->x->service->jobs, &spec, &p->job, err);

	if (!rc)
		p->x->body = job_body(p->job);
	return rc;
}

static enum err_code
bulk_begin(struct exchange *x, struct err *err)
{
	struct posting *p = ARENA_NEW(x->arena, struct posting);
	enum err_code rc;

	if (!p)
		return err_nomem(err);
	p->x = x;
	x->state = p;
	x->slow = true;
	rc = bulk_ask_read(&p->ask, x, err);
	if (rc)
		return rc;
	if (p->ask.async)
		return begin_job(p, err);
	rc = bulk_id_make(p->id, err);
	return rc ? rc : begin_batch(p, err);
}

static enum err_code
reply_job(struct posting *p, struct err *err)
{
	struct exchange *x = p->x;
	struct buf b CLEANUP(buf_done) = { 0 };
	struct job_status now;
	enum err_code rc = jobs_look(x->service->jobs, x->req->caller.user,
	    str_from_c(p->id), &now, err);

	if (rc)
		return rc;
	batch_path_put(&b, x->req->origin.prefix, str_from_c(p->id), false);
	if (buf_failed(&b))
		return err_nomem(err);
	(void)reply_header(x->reply, STR("Location"), buf_str(&b));
	return endpoint_reply_job(x, 202, &now, err);
}

static enum err_code
answer_job(struct posting *p, struct err *err)
{
	enum err_code rc = job_submit(p->job, p->id, err);

	if (rc)
		return rc;
	say_preferences(p);
	p->job = NULL; /* it goes its own way, whatever becomes of the answer */
	rc = reply_job(p, err);
	return rc ? err_tell(err, rc, "the batch was taken in as %s", p->id)
		  : ERR_OK;
}

static enum err_code
bulk_run(struct exchange *x, struct err *err)
{
	struct posting *p = x->state;
	enum err_code rc;

	if (p->job)
		return answer_job(p, err);
	rc = read_pending(p, err);
	if (!rc)
		rc = feed_end(&p->feed, err);
	/*
	 * The key is given back before the answer ends: a client that has all
	 * of that may use it again.
	 */
	feed_done(&p->feed);
	return rc ? rc : ostream_end(p->to);
}

static void
bulk_end(struct exchange *x)
{
	struct posting *p = x->state;

	if (!p)
		return;
	feed_done(&p->feed);
	results_free(p->results);
	buf_done(&p->pending);
	job_free(p->job);
}

const struct method_ops endpoint_bulk = {
	.begin = bulk_begin,
	.piece = bulk_piece,
	.run = bulk_run,
	.end = bulk_end,
};
