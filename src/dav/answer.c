/* SPDX-License-Identifier: MIT */
#include "dav/answer.h"

#include "base/buf.h"
#include "dav/methods.h"
#include "wire/listing.h"
#include "wire/multistatus.h"

#define EARLY 16 /* responses of a long answer that wait for no more */

/*
 * In our order of preference; a client that accepts none of them gets the
 * first.
 */
static const struct {
	struct str media_type;
	enum form form;
} forms[] = {
	{ STR_INIT("application/xml"), FORM_XML },
	{ STR_INIT("text/xml"), FORM_XML },
	{ STR_INIT("application/json"), FORM_JSON },
	{ STR_INIT("application/x-ndjson"), FORM_NDJSON },
};

/*
 * A 207 tells what was done already: too late for a 406.  And WebDAV clients
 * are known to send an Accept that does not name XML.
 */
static enum err_code
choose_form(struct exchange *x, enum form *out, struct err *err)
{
	struct str offers[ARRAY_LEN(forms)];
	struct str accept;
	enum err_code rc;
	size_t i;
	int chosen;

	rc = headers_list(
	    &x->req->headers, STR("Accept"), x->arena, &accept, err);
	if (rc)
		return rc;
	for (i = 0; i < ARRAY_LEN(forms); i++)
		offers[i] = forms[i].media_type;
	chosen = accept_media(accept, offers, ARRAY_LEN(offers));
	*out = forms[chosen < 0 ? 0 : chosen].form;
	return ERR_OK;
}

static void
put_preference(struct buf *b, struct str preference)
{
	if (b->len)
		BUF_LIT(b, ", ");
	buf_put(b, preference);
}

static void
say_preferences(struct answer *a)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	if (a->kind != ANSWER_ALL)
		return;
	if (a->prefer.minimal)
		put_preference(&b, STR("return=minimal"));
	if (a->prefer.depth_noroot)
		put_preference(&b, STR("depth-noroot"));
	if (b.len || buf_failed(&b))
		(void)buf_header(a->x->reply, STR("Preference-Applied"), &b);
}

static enum err_code
start_page(struct answer *a)
{
	struct reply *r = a->x->reply;
	enum err_code rc;

	(void)reply_header(
	    r, STR("Content-Type"), STR("text/html; charset=utf-8"));
	(void)reply_header(r, STR("Cache-Control"), STR("no-cache"));
	(void)reply_header(r, STR("X-Content-Type-Options"), STR("nosniff"));
	/* Our own page has styles and no scripts. */
	(void)reply_header(r, STR("Content-Security-Policy"),
	    STR("default-src 'none'; style-src 'unsafe-inline'"));
	rc = reply_stream(r, 200, &a->to);
	if (rc)
		return rc;
	a->started = true;
	return listing_new(
	    a->x->req->origin.prefix, a->x->req->path, a->to, &a->writer, NULL);
}

/* A reply that takes outcomes has its own form for them. */
static enum err_code
start_outcomes(struct answer *a)
{
	struct reply *r = a->x->reply;
	enum err_code rc;

	say_preferences(a);
	if (a->says_path)
		canonical_header(a->x, a->collection);
	rc = reply_outcomes(r, 207, &a->writer);
	if (!rc)
		a->started = true;
	return rc;
}

static enum err_code
start_multistatus(struct answer *a)
{
	struct reply *r = a->x->reply;
	struct multistatus_spec spec = {
		.prefix = a->x->req->origin.prefix,
		.minimal = a->prefer.minimal,
	};
	enum err_code rc;

	rc = choose_form(a->x, &spec.form, NULL);
	if (rc)
		return rc;
	(void)reply_header(r, STR("Content-Type"), form_media_type(spec.form));
	(void)reply_header(r, STR("Vary"), STR("Accept, Prefer"));
	(void)reply_header(r, STR("Cache-Control"), STR("no-store"));
	say_preferences(a);
	if (a->says_path)
		canonical_header(a->x, a->collection);
	rc = reply_stream(r, 207, &a->to);
	if (rc)
		return rc;
	a->started = true;
	return multistatus_new(&spec, a->to, &a->writer, NULL);
}

static enum err_code
start(struct answer *a)
{
	enum err_code rc;

	if (a->kind == ANSWER_PAGE)
		rc = start_page(a);
	else if (reply_wants_outcomes(a->x->reply))
		rc = start_outcomes(a);
	else
		rc = start_multistatus(a);
	if (rc)
		return rc;
	tee_add(&a->tee, a->writer, TEE_MUST);
	tee_add(&a->tee, &a->tally.base, TEE_MAY);
	if (a->x->failures.line)
		tee_add(&a->tee,
		    failure_log_init(&a->log, method_name(a->x->req->method),
			a->x->failures),
		    TEE_FAILURES);
	return ERR_OK;
}

/*
 * What a writer leaves out for Prefer: return=minimal (RFC 8144 s2.1) must not
 * come back because there is none: properties that are not there.
 */
static enum err_code
put_minimal(struct answer *a, const struct outcome *o)
{
	struct propstat kept[8];
	struct outcome less = *o;
	size_t i;

	if (o->n_propstats > ARRAY_LEN(kept))
		return sink_put(&a->tee.base, o);
	less.propstats = kept;
	less.n_propstats = 0;
	for (i = 0; i < o->n_propstats; i++)
		if (o->propstats[i].status != 404)
			kept[less.n_propstats++] = o->propstats[i];
	return sink_put(&a->tee.base, &less);
}

static enum err_code
answer_put(struct sink *s, const struct outcome *o)
{
	struct answer *a = CONTAINER_OF(s, struct answer, base);
	enum err_code rc = a->started ? ERR_OK : start(a);

	if (rc)
		return rc;
	if (!a->to && a->prefer.minimal)
		return put_minimal(a, o);
	rc = sink_put(&a->tee.base, o);
	if (!rc && a->to && a->is_long && a->tally.sum.total == EARLY)
		rc = multistatus_flush(a->writer);
	return rc;
}

/* After a line for each, how many there were. */
static void
log_total(const struct answer *a)
{
	const struct request *req = a->x->req;
	struct buf b CLEANUP(buf_done) = { 0 };

	if (a->tally.sum.failed < 2 || !a->x->failures.line)
		return;
	buf_put(&b, method_name(req->method));
	buf_putc(&b, ' ');
	href_put(&b, STR(""), req->path, a->collection || req->slash);
	BUF_LIT(&b, ": ");
	buf_put_u64(&b, a->tally.sum.failed);
	BUF_LIT(&b, " failed in all");
	if (!buf_failed(&b))
		a->x->failures.line(a->x->failures.arg, buf_str(&b));
}

static enum err_code
answer_end(struct sink *s)
{
	struct answer *a = CONTAINER_OF(s, struct answer, base);
	enum err_code rc = ERR_OK;

	if (!a->started && a->kind == ANSWER_FAILURES)
		return ERR_OK;
	if (!a->started)
		rc = start(a);
	if (!rc)
		rc = sink_end(&a->tee.base);
	log_total(a);
	a->x->failed += a->tally.sum.failed;
	return rc || !a->to ? rc : ostream_end(a->to);
}

enum err_code
answer_init(struct answer *a, struct exchange *x, enum answer_kind kind,
    struct err *err)
{
	static const struct sink_ops ops = {
		.name = "answer",
		.put = answer_put,
		.end = answer_end,
	};
	struct str prefer;
	enum err_code rc;

	*a = (struct answer){ .x = x, .kind = kind };
	sink_init(&a->base, &ops);
	(void)tee_init(&a->tee);
	(void)tally_init(&a->tally);
	rc = headers_list(
	    &x->req->headers, STR("Prefer"), x->arena, &prefer, err);
	if (!rc)
		a->prefer = prefer_parse(prefer);
	return rc;
}

void
answer_done(struct answer *a)
{
	if (a->kind == ANSWER_PAGE)
		listing_free(a->writer);
	else if (a->to) /* else it is the reply's */
		multistatus_free(a->writer);
	failure_log_done(&a->log);
	*a = (struct answer){ 0 };
}
