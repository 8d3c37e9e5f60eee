/* SPDX-License-Identifier: MIT */
#include "wire/public_answer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "outcome/public.h"
#include "wire/public_outcome.h"

struct sheaf_answer {
	struct arena arena; /* what is kept */
	enum sheaf_keep keep;
	size_t most;
	uint64_t most_bytes, bytes;
	struct sheaf_outcome *items;
	size_t n, room;
	struct sheaf_reading reading;
};

struct sheaf_answer *
answer_new(const struct sheaf_reader_options *o)
{
	struct sheaf_answer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->keep = o->keep;
	a->most = o->max_kept;
	a->most_bytes = o->max_kept_bytes;
	return a;
}

void
sheaf_answer_free(struct sheaf_answer *answer)
{
	if (!answer)
		return;
	arena_done(&answer->arena);
	free(answer->items);
	free(answer);
}

static bool
answer_grow(struct sheaf_answer *a)
{
	size_t room = a->room ? a->room * 2 : 8;
	struct sheaf_outcome *items;

	if (a->n < a->room)
		return true;
	items = reallocarray(a->items, room, sizeof(*items));
	if (!items)
		return false;
	a->items = items;
	a->room = room;
	return true;
}

static enum err_code
keep(struct sheaf_answer *a, const struct outcome *o)
{
	size_t weight = public_weight(o);

	if (a->n >= a->most || weight > a->most_bytes - a->bytes) {
		a->reading.not_kept++;
		return ERR_OK;
	}
	if (!answer_grow(a) || !public_outcome(&a->arena, o, &a->items[a->n]))
		return ERR_NOMEM;
	a->bytes += weight;
	a->n++;
	return ERR_OK;
}

enum err_code
answer_take(struct sheaf_answer *a, const struct outcome *o)
{
	struct sheaf_summary *sum = &a->reading.summary;
	bool failed = public_is_failure(o);

	sum->total++;
	if (failed)
		sum->failed++;
	else
		sum->success++;
	if (failed && status_is_retryable(o->status))
		sum->retryable++;
	if (a->keep == SHEAF_KEEP_ALL ||
	    (failed && a->keep == SHEAF_KEEP_FAILURES))
		return keep(a, o);
	return ERR_OK;
}

static const char *
message(struct sheaf_answer *a, enum err_code rc, const struct reading *end)
{
	const struct sheaf_summary *sum = &a->reading.summary;
	struct buf b CLEANUP(buf_done) = { 0 };
	const struct err *err = &end->err;

	if (rc)
		return sheaf_result_text(public_result(rc));
	if (end->end && (err->tell[0] || err->why[0]))
		return public_text(
		    &a->arena, str_from_c(err->tell[0] ? err->tell : err->why));
	if (end->end)
		return err_text(end->end);
	if (end->contradicts)
		BUF_LIT(&b, "what it says of itself is not what its items say");
	else if (sum->failed)
		buf_printf(&b, "%" PRIu64 " of %" PRIu64 " items failed",
		    sum->failed, sum->total);
	return buf_failed(&b) ? NULL : public_text(&a->arena, buf_str(&b));
}

static enum sheaf_result
judge(const struct sheaf_answer *a, const struct reading *end)
{
	if (end->end)
		return public_result(end->end);
	if (end->contradicts)
		return SHEAF_CONTRADICTS;
	return a->reading.summary.failed ? SHEAF_PARTIAL : SHEAF_OK;
}

static void
fill(struct sheaf_reading *r, const struct reading *end)
{
	r->form = public_form(end->shape);
	r->bytes = end->bytes;
	r->line = end->line;
	r->column = end->column;
	r->claims = end->claims;
	r->claimed =
	    (struct sheaf_summary){ end->claimed.total, end->claimed.success,
		    end->claimed.failed, end->claimed.retryable };
}

enum sheaf_result
answer_end(struct sheaf_answer *a, enum err_code rc, const struct reading *end)
{
	struct sheaf_reading *r = &a->reading;

	if (rc == ERR_NOMEM)
		return SHEAF_NOMEM;
	r->description = "";
	r->sync_token = "";
	r->result = rc ? public_result(rc) : judge(a, end);
	r->message = message(a, rc, end);
	if (!rc) {
		fill(r, end);
		r->description =
		    public_text(&a->arena, str_from_c(end->description));
		r->sync_token =
		    public_text(&a->arena, str_from_c(end->sync_token));
	}
	if (!r->message || !r->description || !r->sync_token)
		return SHEAF_NOMEM;
	return r->result;
}

const struct sheaf_reading *
sheaf_answer_reading(const struct sheaf_answer *answer)
{
	return &answer->reading;
}

size_t
sheaf_answer_count(const struct sheaf_answer *answer)
{
	return answer ? answer->n : 0;
}

const struct sheaf_outcome *
sheaf_answer_item(const struct sheaf_answer *answer, size_t i)
{
	return answer && i < answer->n ? &answer->items[i] : NULL;
}
