/* SPDX-License-Identifier: MIT */
/* J204: the summary, compared with the items that were counted. */
#include <inttypes.h>

#include "wire/json_found.h"
#include "wire/lint_count.h"

static enum err_code
keep(struct buf *b, struct str s)
{
	buf_clear(b);
	buf_put(b, s);
	return buf_failed(b);
}

/* Of several summaries the last counts. */
enum err_code
lint_summary(struct lint_items *its, const struct lint_taken *t)
{
	enum err_code rc = keep(&its->summary, t->bytes);

	if (!rc)
		rc = keep(&its->summary_pointer, t->at.pointer);
	its->summary_at = t->at;
	return rc;
}

enum err_code
lint_errors_flag(struct lint_items *its, bool flag, const struct lint_taken *t)
{
	its->has_flag = true;
	its->flag = flag;
	its->flag_at = t->at;
	return keep(&its->flag_pointer, t->at.pointer);
}

static struct lint_place
flag_place(const struct lint_items *its)
{
	struct lint_place at = its->flag_at;

	at.pointer = buf_str(&its->flag_pointer);
	return at;
}

void
lint_judge_flag(struct lint_items *its)
{
	const struct lint_place at = flag_place(its);

	if (its->has_flag && its->flag != (its->failed > 0))
		LINT_SAY(its->l, J204, &at,
		    "it says that there are %serrors, and %" PRIu64
		    " items failed",
		    its->flag ? "" : "no ", its->failed);
}

bool
lint_items_minimal(const struct lint_items *its)
{
	enum lint_minimal m = its->l->minimal;

	return m == MINIMAL_YES || (m == MINIMAL_UNKNOWN && !its->success);
}

static struct lint_place
summary_place(struct lint_items *its, const char *name)
{
	struct lint_place at = its->summary_at;
	struct buf *b = &its->pointer;

	buf_clear(b);
	buf_put(b, buf_str(&its->summary_pointer));
	if (its->summary_inside)
		BUF_LIT(b, "/summary");
	buf_putc(b, '/');
	buf_put(b, str_from_c(name));
	if (buf_failed(b)) {
		its->no_memory = true;
		return at;
	}
	lint_locate(buf_str(&its->summary),
	    str_skip(buf_str(b), its->summary_pointer.len), &at);
	at.pointer = buf_str(b);
	return at;
}

/* Compares one of the summary's numbers with what was counted. */
static void
judge_count(struct lint_items *its, const char *name, uint64_t said)
{
	uint64_t counted = 0;
	struct lint_place at;

	switch (count_name_of(str_from_c(name))) {
	case COUNT_TOTAL:
		counted = lint_items_minimal(its) ? said : its->total;
		break;
	case COUNT_SUCCESS:
		counted = lint_items_minimal(its) ? said : its->success;
		break;
	case COUNT_FAILED:
		counted = its->failed;
		break;
	case COUNT_RETRYABLE:
		counted = its->says_retryable ? its->retryable : said;
		break;
	case COUNT_NONE:
	case COUNT_NAMES:
		return;
	}
	if (said == counted)
		return;
	at = summary_place(its, name);
	LINT_SAY(its->l, J204, &at,
	    "the summary says %s is %" PRIu64 ", and counting gives %" PRIu64,
	    name, said, counted);
}

/* Judges what must hold even where items may have been left out. */
static void
judge_sum(struct lint_items *its, const json_t *summary)
{
	const json_t *total = json_object_get(summary, "total");
	const json_t *success = json_object_get(summary, "success");
	const json_t *failed = json_object_get(summary, "failed");
	json_int_t sum = json_integer_value(success) +
	    json_integer_value(failed) +
	    json_integer_value(json_object_get(summary, "pending"));
	struct lint_place at;

	if (!lint_items_minimal(its) || !json_is_integer(total) ||
	    !json_is_integer(success) || !json_is_integer(failed) ||
	    sum == json_integer_value(total))
		return;
	at = summary_place(its, "total");
	LINT_SAY(its->l, J204, &at,
	    "the summary's total is not its success and failed together");
}

static bool
judge_hint(struct lint_items *its, json_t *summary)
{
	const char *name;
	json_t *v;

	json_object_foreach(summary, name, v)
	{
		struct lint_place at;

		if (item_name_of(str_from_c(name), NULL) != ITEM_RETRY_AFTER ||
		    json_is_null(v))
			continue;
		at = summary_place(its, name);
		if (!(json_is_integer(v) && json_integer_value(v) >= 0) &&
		    !(json_is_string(v) && lint_is_retry_after(json_text(v))))
			LINT_SAY(its->l, H006, &at,
			    "Retry-After of the summary is neither whole "
			    "seconds nor an HTTP date");
		return true;
	}
	return false;
}

void
lint_judge_summary(struct lint_items *its, bool *hint)
{
	struct str bytes = buf_str(&its->summary);
	json_t *whole = bytes.len
	    ? json_loadb(bytes.ptr, bytes.len, JSON_ALLOW_NUL, NULL)
	    : NULL;
	json_t *summary = json_object_get(whole, "summary");
	const char *name;
	json_t *v;

	*hint = its->l->has_retry_after;
	its->summary_inside = json_is_object(summary);
	if (!its->summary_inside)
		summary = whole;
	json_object_foreach(
	    summary, name, v) if (json_is_integer(v) && !its->has_no_status)
	    judge_count(its, name, (uint64_t)json_integer_value(v));
	judge_sum(its, summary);
	*hint = judge_hint(its, summary) || *hint;
	json_decref(whole);
}
