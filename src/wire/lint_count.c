/* SPDX-License-Identifier: MIT */
#include "wire/lint_count.h"

#include <inttypes.h>
#include <stdlib.h>

/* Of an id a line and a status are remembered, packed into one number. */
#define STATUS_BITS 10

static uint64_t
pack(uint64_t line, unsigned status)
{
	return line << STATUS_BITS | status;
}

static unsigned
status_in(uint64_t packed)
{
	return (unsigned)(packed & ((1u << STATUS_BITS) - 1));
}

/* ---- the operations that were asked for */

static struct lint_operation_seen *
answered_new(size_t n)
{
	return calloc(n, sizeof(struct lint_operation_seen));
}

enum err_code
lint_items_begin(struct lint_items *its, struct lint *l)
{
	size_t n = l->spec.n_operations;
	uint64_t *seen;
	size_t i;

	*its = (struct lint_items){ .l = l };
	if (!n)
		return ERR_OK;
	its->answered = answered_new(n);
	if (!its->answered)
		return ERR_NOMEM;
	for (i = 0; i < n; i++)
		if (once_put(&its->operations, l->spec.operations[i].id, i,
			SIZE_MAX, &seen))
			return ERR_NOMEM;
	return ERR_OK;
}

void
lint_items_done(struct lint_items *its)
{
	buf_done(&its->at);
	buf_done(&its->summary);
	buf_done(&its->summary_pointer);
	buf_done(&its->flag_pointer);
	buf_done(&its->pointer);
	once_done(&its->operations);
	free(its->waiting);
	free(its->answered);
}

/* ---- as they come */

void
lint_count(struct lint_items *its, unsigned status, bool retryable,
    bool says_retryable, const struct lint_taken *t)
{
	its->l->report.items++;
	its->total++;
	if (status >= 200 && status < 400) {
		its->success++;
	} else if (!its->has_no_status) {
		if (status >= 400 && !its->failure.line) {
			its->failure = t->at;
			its->failure.pointer = STR("");
			its->failure_index = t->index;
		}
		its->failed++;
		if (status != 424)
			its->other_failures++;
	}
	if (retryable)
		its->retryable++;
	its->says_retryable = its->says_retryable || says_retryable;
}

static void
note_answer(struct lint_items *its, struct str id, unsigned status,
    const struct lint_place *at)
{
	uint64_t hash[2];
	const uint64_t *index;

	once_hash(id, hash);
	index = once_find(&its->operations, hash);
	if (!index) {
		LINT_SAY(its->l, J205, at, "the id '%.*s' was not asked for",
		    LINT_SHOW(id));
		return;
	}
	its->answered[*index] = (struct lint_operation_seen){
		.status = status ? status : 1,
		.line = at->line,
		.column = at->column,
	};
}

enum err_code
lint_count_id(struct lint_items *its, struct str id, unsigned status,
    const struct lint_place *at)
{
	uint64_t *seen;
	enum err_code rc =
	    lint_remember(its->l, id, pack(at->line, status), &seen);

	if (rc)
		return rc;
	if (seen)
		LINT_SAY(its->l, J205, at,
		    "the id '%.*s' stood in line %" PRIu64 " already",
		    LINT_SHOW(id), *seen >> STATUS_BITS);
	if (its->answered)
		note_answer(its, id, status, at);
	return ERR_OK;
}

/* ---- what waits for the end */

static enum err_code
wait_for_end(struct lint_items *its, const struct lint_waiting *w)
{
	if (its->n_waiting == LINT_MAX_ONCE) {
		its->l->report.once_gave_up = true;
		return ERR_OK;
	}
	if (its->n_waiting == its->cap_waiting) {
		size_t cap = its->cap_waiting ? its->cap_waiting * 2 : 16;
		struct lint_waiting *more =
		    reallocarray(its->waiting, cap, sizeof(*more));

		if (!more)
			return ERR_NOMEM;
		its->waiting = more;
		its->cap_waiting = cap;
	}
	its->waiting[its->n_waiting++] = *w;
	return ERR_OK;
}

enum err_code
lint_count_cause(struct lint_items *its, struct str id,
    const struct lint_place *at, uint64_t index)
{
	struct lint_waiting w = { .rule = LINT_J208,
		.status = 424,
		.line = at->line,
		.column = at->column,
		.index = index };
	const uint64_t *seen;

	once_hash(id, w.hash);
	seen = once_find(&its->l->seen, w.hash);
	if (!seen)
		return wait_for_end(its, &w);
	if (status_in(*seen) < 400)
		LINT_SAY(its->l, J208, at,
		    "the item is 424 because of '%.*s', which did not fail",
		    LINT_SHOW(id));
	return ERR_OK;
}

enum err_code
lint_count_orphan(struct lint_items *its, const struct lint_taken *t)
{
	const struct lint_waiting w = { .rule = LINT_J208,
		.line = t->at.line,
		.column = t->at.column,
		.index = t->index };

	return wait_for_end(its, &w);
}

enum err_code
lint_count_hintless(
    struct lint_items *its, unsigned status, const struct lint_taken *t)
{
	const struct lint_waiting w = { .rule = LINT_J209,
		.status = status,
		.line = t->at.line,
		.column = t->at.column,
		.index = t->index };

	return wait_for_end(its, &w);
}

/* ---- the end */

static struct lint_place
item_place(
    struct lint_items *its, uint64_t line, uint64_t column, uint64_t index)
{
	struct lint_place at = { .line = line, .column = column };
	struct buf *b = &its->pointer;

	buf_clear(b);
	buf_put(b, buf_str(&its->at));
	if (!its->is_map && !its->is_lines) {
		buf_putc(b, '/');
		buf_put_u64(b, index);
	}
	its->no_memory = its->no_memory || buf_failed(b);
	at.pointer = b->ptr ? buf_str(b) : STR("");
	return at;
}

static void
judge_dependency(struct lint_items *its, const struct lint_waiting *w,
    const struct lint_place *at)
{
	uint64_t *seen;

	if (!w->status) { /* it names no cause */
		if (!its->other_failures)
			LINT_SAY(its->l, J208, at,
			    "the item is 424, and no other failed");
		return;
	}
	seen = once_find(&its->l->seen, w->hash);
	if (!seen)
		LINT_SAY(its->l, J208, at,
		    "the item is 424 because of an id that is not there");
	else if (status_in(*seen) < 400)
		LINT_SAY(its->l, J208, at,
		    "the item is 424 because of one that did not fail");
}

static void
judge_waiting(struct lint_items *its, bool hint)
{
	size_t i;

	for (i = 0; i < its->n_waiting; i++) {
		const struct lint_waiting *w = &its->waiting[i];
		const struct lint_place at =
		    item_place(its, w->line, w->column, w->index);

		if (w->rule == LINT_J208)
			judge_dependency(its, w, &at);
		else if (!hint)
			LINT_WARN(its->l, J209, &at,
			    "the item is %u and does not say when to try "
			    "again",
			    w->status);
	}
}

static bool
has_failed(const struct lint_operation_seen *o)
{
	return o->status >= 400;
}

/* Collects the groups that have an operation that failed. */
static enum err_code
find_groups(const struct lint_items *its, struct once *groups)
{
	const struct lint_spec *spec = &its->l->spec;
	uint64_t *seen;
	size_t i;

	for (i = 0; i < spec->n_operations; i++)
		if (spec->operations[i].group.len &&
		    has_failed(&its->answered[i]) &&
		    once_put(
			groups, spec->operations[i].group, i, SIZE_MAX, &seen))
			return ERR_NOMEM;
	return ERR_OK;
}

static bool
name_failed(
    const struct lint_items *its, const struct once *groups, struct str name)
{
	const uint64_t *index;
	uint64_t hash[2];

	once_hash(name, hash);
	index = once_find(&its->operations, hash);
	if (index)
		return has_failed(&its->answered[*index]);
	return once_find(groups, hash) != NULL;
}

static void
judge_operation(struct lint_items *its, const struct once *groups, size_t index)
{
	const struct lint_operation *o = &its->l->spec.operations[index];
	const struct lint_operation_seen *a = &its->answered[index];
	const struct lint_place at = { a->line, a->column, { 0 } };
	size_t k;

	if (a->status < 200 || a->status >= 400)
		return;
	for (k = 0; k < o->n_depends_on; k++)
		if (name_failed(its, groups, o->depends_on[k]))
			LINT_SAY(its->l, J208, &at,
			    "'%.*s' is %u although '%.*s', on which it "
			    "depends, failed",
			    LINT_SHOW(o->id), a->status,
			    LINT_SHOW(o->depends_on[k]));
}

static enum err_code
judge_operations(struct lint_items *its, bool whole)
{
	const struct lint_spec *spec = &its->l->spec;
	struct once groups = { 0 };
	enum err_code rc;
	size_t i;

	if (!its->answered)
		return ERR_OK;
	rc = find_groups(its, &groups);
	for (i = 0; !rc && i < spec->n_operations; i++) {
		if (its->answered[i].status)
			judge_operation(its, &groups, i);
		else if (whole && !lint_items_minimal(its))
			LINT_SAY(its->l, J205, NULL,
			    "the operation '%.*s' is not answered",
			    LINT_SHOW(spec->operations[i].id));
	}
	once_done(&groups);
	return rc;
}

enum err_code
lint_items_end(struct lint_items *its, bool whole)
{
	enum err_code rc;
	bool hint;

	if (its->l->status == 200 && its->failure.line) {
		const struct lint_place at = item_place(its, its->failure.line,
		    its->failure.column, its->failure_index);

		LINT_SAY(its->l, J207, &at,
		    "the answer is 200, and %" PRIu64 " of %" PRIu64
		    " items failed",
		    its->failed, its->total);
	}
	if (whole) {
		lint_judge_summary(its, &hint);
		lint_judge_flag(its);
		judge_waiting(its, hint);
		if (its->with_id && its->without_id)
			LINT_SAY(its->l, J205, NULL,
			    "%" PRIu64 " of %" PRIu64 " items have no id",
			    its->without_id, its->total);
	}
	rc = judge_operations(its, whole);
	return its->no_memory ? ERR_NOMEM : rc;
}
