/* SPDX-License-Identifier: MIT */
#include "wire/results.h"

#include <assert.h>
#include <stdlib.h>

#include "wire/batch_type.h"
#include "wire/escape.h"
#include "wire/json_load.h"
#include "wire/json_split.h"
#include "wire/results_impl.h"

/* Seconds to wait, for a 429 or 503 that names none (RFC 9110 s10.2.3). */
#define DEFAULT_WAIT 1

/* A body that nests deeper is not put into the answer as JSON. */
#define MAX_BODY_DEPTH 48

static const struct results_form *const forms[FORM_COUNT] = {
	[FORM_XML] = &results_xml,
	[FORM_JSON] = &results_json,
	[FORM_NDJSON] = &results_ndjson,
};

int64_t
results_wait(const struct result *res)
{
	unsigned status = res->outcome.status;

	if (res->retry_after >= 0 && outcome_is_failure(&res->outcome))
		return res->retry_after;
	return status == 429 || status == 503 ? DEFAULT_WAIT : -1;
}

bool
result_is_retryable(const struct result *res)
{
	const struct outcome *o = &res->outcome;

	if (!outcome_is_failure(o))
		return false;
	return res->not_attempted || o->why == ERR_KEY_IN_USE ||
	    status_is_retryable(o->status);
}

/* Counts a result.  A 429 or 503 that names no wait counts with one, too. */
static void
results_count(struct results_summary *s, const struct result *res)
{
	int64_t wait = results_wait(res);

	s->sum.total++;
	if (outcome_is_failure(&res->outcome))
		s->sum.failed++;
	else
		s->sum.success++;
	if (result_is_retryable(res))
		s->sum.retryable++;
	s->replayed += res->replayed;
	s->not_attempted += res->not_attempted;
	if (wait > s->retry_after)
		s->retry_after = wait;
}

enum err_code
results_new(const struct results_spec *spec, struct ostream *to,
    struct results **out, struct err *err)
{
	const struct multistatus_spec m = { spec->form, spec->prefix, false };
	struct results *r = calloc(1, sizeof(*r));

	assert(spec->form < FORM_COUNT);
	if (!r)
		return err_nomem(err);
	r->form = forms[spec->form];
	r->minimal = spec->minimal;
	r->sum.retry_after = -1;
	r->sum.dry_run = spec->dry_run;
	buf_put(&r->batch_id, spec->batch_id);
	if (buf_failed(&r->batch_id) ||
	    multistatus_new(&m, to, &r->sink, NULL)) {
		results_free(r);
		return err_nomem(err);
	}
	r->m = CONTAINER_OF(r->sink, struct multistatus, base);
	r->form->begin(r);
	*out = r;
	return ERR_OK;
}

void
results_free(struct results *r)
{
	if (!r)
		return;
	multistatus_free(r->sink);
	buf_done(&r->batch_id);
	buf_done(&r->text);
	name_set_done(&r->hrefs);
	free(r);
}

static enum err_code
stick(struct results *r, enum err_code rc)
{
	if (!r->failed)
		r->failed = rc;
	return r->failed;
}

enum err_code
results_put(struct results *r, const struct result *res)
{
	if (r->failed)
		return r->failed;
	results_count(&r->sum, res);
	r->m->sum = r->sum.sum;
	if (r->minimal && !outcome_is_failure(&res->outcome))
		return ERR_OK;
	r->form->put(r, res);
	r->any = true;
	return stick(r, pusher_flow(&r->m->push));
}

/* Sends on what was put, for clients that read along. */
static enum err_code
results_flush(struct results *r)
{
	enum err_code rc = r->failed ? r->failed : pusher_flush(&r->m->push);

	return stick(r, rc ? rc : ostream_flush(r->m->push.to));
}

enum err_code
results_progress(struct results *r, uint64_t done, uint64_t total)
{
	if (!r->failed && r->form->progress)
		r->form->progress(r, done, total);
	return results_flush(r);
}

enum err_code
results_end(struct results *r, const struct err *failed)
{
	if (r->failed)
		return r->failed;
	r->form->end(r, failed && failed->code ? failed : NULL);
	return stick(r, pusher_flush(&r->m->push));
}

const struct results_summary *
results_sum(const struct results *r)
{
	return &r->sum;
}

/* ---- what a body is */

static enum err_code
take_nothing(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	(void)arg;
	(void)v;
	(void)bytes;
	(void)err;
	return ERR_OK;
}

/*
 * Whether the body can go into the answer as it is: JSON that does no harm to
 * readers of the answer, with no name twice and no number too large.
 */
static enum err_code
is_plain_json(struct str body, bool *is)
{
	static const struct split_limits limits = { SIZE_MAX, MAX_BODY_DEPTH };
	static const struct split_events events = { .take = take_nothing };
	struct json_split *s;
	const char *why;
	json_t *v = NULL;
	enum err_code rc = json_split_new(&limits, &events, NULL, &s, NULL);

	*is = false;
	if (rc)
		return rc;
	rc = json_split_feed(s, body, NULL);
	if (!rc)
		rc = json_split_end(s, NULL);
	if (!rc && !json_split_has_bom(s))
		rc = json_load_value(body, &v, &why, NULL);
	json_split_free(s);
	*is = v != NULL;
	json_decref(v);
	return rc == ERR_NOMEM ? rc : ERR_OK;
}

static size_t
count_replacements(struct str s)
{
	static const char mark[] = "\xef\xbf\xbd";
	size_t n = 0;
	size_t i;

	for (i = 0; i + 3 <= s.len; i++)
		n += !memcmp(s.ptr + i, mark, 3);
	return n;
}

/* Whether a JSON string can hold it: nothing of it has to be replaced. */
static enum err_code
is_plain_text(struct results *r, struct str body, bool *is)
{
	*is = false;
	if (body.len && memchr(body.ptr, '\0', body.len))
		return ERR_OK;
	buf_clear(&r->text);
	json_put_chars(&r->text, body);
	if (buf_failed(&r->text))
		return ERR_NOMEM;
	*is = count_replacements(buf_str(&r->text)) == count_replacements(body);
	return ERR_OK;
}

enum err_code
results_body_form(
    struct results *r, const struct result *res, enum body_form *form)
{
	struct str type = batch_type_of(res->body_type);
	bool is_json = batch_type_is_json(type);
	enum err_code rc = ERR_OK;
	bool is = false;

	*form = BODY_JSON;
	if (is_json)
		rc = is_plain_json(res->body, &is);
	if (rc || is)
		return rc;
	*form = is_json ? BODY_JSON_AS_TEXT : BODY_TEXT;
	if (is_json || batch_type_is_text(type))
		rc = is_plain_text(r, res->body, &is);
	if (!rc && !is)
		*form = BODY_BYTES;
	return rc;
}
