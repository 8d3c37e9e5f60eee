/* SPDX-License-Identifier: MIT */
/* Writes what the public linter finds (include/sheaf/lint.h). */
#include <stdlib.h>

#include "outcome/public.h"
#include "sheaf/lint.h"
#include "wire/lint_output.h"

/* Bytes that are kept before they are written. */
#define KEPT ((size_t)16 * 1024)

struct sheaf_lint_output {
	enum sheaf_lint_form form;
	sheaf_write_fn *write;
	void *arg;
	struct buf out;
	struct arena arena; /* of from */
	struct lint_source from;
	bool some; /* a finding has been written; of any answer */
	uint64_t written[LINT_COUNT]; /* of the answer in hand */
	struct lint_totals totals;
	enum sheaf_result failed;
	bool ended;
};

enum sheaf_result
sheaf_lint_output_new(enum sheaf_lint_form form, sheaf_write_fn *write,
    void *arg, struct sheaf_lint_output **out)
{
	struct sheaf_lint_output *o;

	*out = NULL;
	if (!write || form < SHEAF_LINT_TEXT || form > SHEAF_LINT_SARIF)
		return SHEAF_INVALID;
	o = calloc(1, sizeof(*o));
	if (!o)
		return SHEAF_NOMEM;
	o->form = form;
	o->write = write;
	o->arg = arg;
	if (form == SHEAF_LINT_SARIF)
		lint_put_sarif_begin(&o->out);
	if (buf_failed(&o->out)) {
		sheaf_lint_output_free(o);
		return SHEAF_NOMEM;
	}
	*out = o;
	return SHEAF_OK;
}

void
sheaf_lint_output_free(struct sheaf_lint_output *output)
{
	if (!output)
		return;
	buf_done(&output->out);
	arena_done(&output->arena);
	free(output);
}

enum sheaf_result
sheaf_lint_output_source(
    struct sheaf_lint_output *output, const struct sheaf_lint_source *source)
{
	struct sheaf_lint_source s = SHEAF_LINT_SOURCE_INIT;
	struct lint_source *from = &output->from;

	if (output->ended || !public_struct(source, &s, sizeof(s)))
		return SHEAF_INVALID;
	arena_clear(&output->arena);
	*from = (struct lint_source){ .is_url = s.is_url, .line = s.line };
	memset(output->written, 0, sizeof(output->written));
	if (!arena_str(&output->arena, str_from_c(s.file), &from->file) ||
	    !arena_str(&output->arena, str_from_c(s.answer), &from->answer)) {
		*from = (struct lint_source){ 0 };
		return SHEAF_NOMEM;
	}
	return SHEAF_OK;
}

/* The first failure sticks. */
static void
fail(struct sheaf_lint_output *o, enum sheaf_result why)
{
	if (!o->failed)
		o->failed = why;
}

static void
flush(struct sheaf_lint_output *o)
{
	if (buf_failed(&o->out))
		fail(o, SHEAF_NOMEM);
	if (!o->failed && o->out.len &&
	    o->write(o->arg, o->out.ptr, o->out.len))
		fail(o, SHEAF_STOPPED);
	buf_clear(&o->out);
}

static void
put(struct sheaf_lint_output *o, const struct lint_finding *f)
{
	switch (o->form) {
	case SHEAF_LINT_TEXT:
		lint_put_text(&o->out, &o->from, f);
		break;
	case SHEAF_LINT_JSON:
		lint_put_json(&o->out, &o->from, f);
		break;
	case SHEAF_LINT_SARIF:
		lint_put_sarif(&o->out, !o->some, &o->from, f);
		break;
	}
	o->some = true;
	if (o->out.len >= KEPT || buf_failed(&o->out))
		flush(o);
}

void
sheaf_lint_output_finding(void *output, const struct sheaf_finding *finding)
{
	struct sheaf_lint_output *o = output;
	struct lint_finding f = {
		.rule = LINT_COUNT,
		.severity = finding->severity == SHEAF_ERROR ? LINT_ERROR
							     : LINT_WARNING,
		.line = finding->line,
		.column = finding->column,
		.found = str_from_c(finding->found),
		.todo = str_from_c(finding->todo),
		.source = finding->source ? finding->source : "",
	};

	if (finding->pointer)
		f.pointer = str_from_c(finding->pointer);
	if (finding->rule)
		f.rule = lint_rule_find(str_from_c(finding->rule->id));
	if (f.rule == LINT_COUNT || o->ended) {
		fail(o, SHEAF_INVALID);
		return;
	}
	o->written[f.rule]++;
	if (!o->failed)
		put(o, &f);
}

enum sheaf_result
sheaf_lint_output_report(
    struct sheaf_lint_output *output, const struct sheaf_lint_report *report)
{
	struct lint_totals *t = &output->totals;
	size_t i;

	if (output->ended)
		return SHEAF_INVALID;
	t->answers++;
	t->items += report->items;
	t->errors += report->errors;
	t->warnings += report->warnings;
	for (i = 0; i < LINT_COUNT && i < report->n_of_rule; i++) {
		uint64_t all = report->of_rule[i];

		if (output->form == SHEAF_LINT_TEXT && all > output->written[i])
			lint_put_more(&output->out, &output->from,
			    (enum lint_rule)i, all - output->written[i]);
		output->written[i] = 0;
	}
	flush(output);
	return output->failed;
}

enum sheaf_result
sheaf_lint_output_end(struct sheaf_lint_output *output, bool complete)
{
	if (output->ended)
		return SHEAF_INVALID;
	output->ended = true;
	if (output->form == SHEAF_LINT_JSON)
		lint_put_json_summary(&output->out, &output->totals);
	if (output->form == SHEAF_LINT_SARIF)
		lint_put_sarif_end(&output->out, complete);
	flush(output);
	return output->failed;
}
