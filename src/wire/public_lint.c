/* SPDX-License-Identifier: MIT */
/* The public linter (include/sheaf/lint.h) over wire/lint.h. */
#include "sheaf/lint.h"

#include <stdlib.h>

#include "outcome/public.h"
#include "wire/lint_request.h"
#include "wire/public_outcome.h"

struct sheaf_lint {
	struct lint *lint;
	sheaf_finding_fn *found;
	void *arg;
	struct answer_head head;
	struct reader_limits limits;
	struct arena kept; /* what the options said */
	struct arena arena; /* the finding in hand */
	bool nomem;
	struct sheaf_lint_report report;
	uint64_t of_rule[LINT_COUNT];
	bool ended;
};

/* Our table of rules in the public form. */
static const struct sheaf_rule rules[LINT_COUNT] = {
#define RULE(id, severity, also, title, source, why, help) \
	[LINT_##id] = { #id, SHEAF_##severity, also, title, source, why, help },
#include "wire/lint_rules.def"
#undef RULE
};

const struct sheaf_rule *
sheaf_rule_at(size_t i)
{
	return i < ARRAY_LEN(rules) ? &rules[i] : NULL;
}

const struct sheaf_rule *
sheaf_rule_find(const char *id)
{
	return sheaf_rule_at((size_t)lint_rule_find(str_from_c(id)));
}

static void
on_found(void *arg, const struct lint_finding *f)
{
	struct sheaf_lint *l = arg;
	struct sheaf_finding out = {
		.rule = &rules[f->rule],
		.severity =
		    f->severity == LINT_ERROR ? SHEAF_ERROR : SHEAF_WARNING,
		.line = f->line,
		.column = f->column,
		.source = f->source ? f->source : "",
	};

	if (!l->found)
		return;
	arena_clear(&l->arena);
	if (f->pointer.ptr)
		out.pointer = public_text(&l->arena, f->pointer);
	out.found = public_text(&l->arena, f->found);
	out.todo = public_text(&l->arena, f->todo);
	if (!out.found || !out.todo || (f->pointer.ptr && !out.pointer))
		l->nomem = true;
	else
		l->found(l->arg, &out);
}

static bool
copy(struct arena *a, const char *from, struct str *to)
{
	return arena_str(a, str_from_c(from), to);
}

static bool
copy_head(struct sheaf_lint *l, const struct sheaf_lint_options *o)
{
	struct answer_head *h = &l->head;
	struct header *v = arena_array(&l->kept, o->n_fields, sizeof(*v));
	size_t i;

	if (!v || !copy(&l->kept, o->method, &h->method) ||
	    !copy(&l->kept, o->url, &h->url))
		return false;
	for (i = 0; i < o->n_fields; i++)
		if (!copy(&l->kept, o->fields[i].name, &v[i].name) ||
		    !copy(&l->kept, o->fields[i].value, &v[i].value))
			return false;
	h->status = o->status;
	h->fields = (struct headers){ .v = v, .n = o->n_fields };
	if (headers_one(
		&h->fields, STR("content-type"), &h->content_type, NULL))
		h->content_type = STR("");
	return true;
}

static enum sheaf_result
begin(struct sheaf_lint *l, const struct sheaf_lint_options *o)
{
	struct lint_spec spec = {
		.limits = &l->limits,
		.per_rule = o->per_rule,
		.found = on_found,
		.arg = l,
	};

	if (!copy_head(l, o))
		return SHEAF_NOMEM;
	if (o->request) {
		enum err_code rc = lint_request_read(&l->kept,
		    str_of(o->request, o->n_request), &spec.operations,
		    &spec.n_operations, NULL);

		if (rc)
			return public_result(rc);
	}
	spec.head = o->has_header ? &l->head : NULL;
	spec.method = l->head.method;
	spec.url = l->head.url;
	l->limits = reader_default_limits;
	l->limits.bytes = o->max_bytes;
	if (o->max_item_bytes)
		l->limits.item = (size_t)o->max_item_bytes;
	if (o->max_depth)
		l->limits.depth = o->max_depth;
	if (lint_new(&spec, &l->lint, NULL) || l->nomem)
		return SHEAF_NOMEM;
	return SHEAF_OK;
}

enum sheaf_result
sheaf_lint_new(const struct sheaf_lint_options *options,
    sheaf_finding_fn *found, void *arg, struct sheaf_lint **out)
{
	struct sheaf_lint_options o = SHEAF_LINT_OPTIONS_INIT;
	struct sheaf_lint *l;
	enum sheaf_result rc;

	*out = NULL;
	if (options && !public_struct(options, &o, sizeof(o)))
		return SHEAF_INVALID;
	l = calloc(1, sizeof(*l));
	if (!l)
		return SHEAF_NOMEM;
	l->found = found;
	l->arg = arg;
	rc = begin(l, &o);
	if (rc)
		sheaf_lint_free(l);
	else
		*out = l;
	return rc;
}

void
sheaf_lint_free(struct sheaf_lint *lint)
{
	if (!lint)
		return;
	lint_free(lint->lint);
	arena_done(&lint->arena);
	arena_done(&lint->kept);
	free(lint);
}

enum sheaf_result
sheaf_lint_feed(struct sheaf_lint *lint, const void *bytes, size_t n)
{
	if (lint->ended)
		return SHEAF_INVALID;
	if (ostream_write(lint_stream(lint->lint), str_of(bytes, n)) ||
	    lint->nomem)
		return SHEAF_NOMEM;
	return SHEAF_OK;
}

enum sheaf_result
sheaf_lint_end(
    struct sheaf_lint *lint, bool cut, const struct sheaf_lint_report **out)
{
	struct sheaf_lint_report *r = &lint->report;
	struct lint_report report;

	if (out)
		*out = NULL;
	if (lint->ended)
		return SHEAF_INVALID;
	lint->ended = true;
	if (lint_end(lint->lint, cut, &report, NULL) || lint->nomem)
		return SHEAF_NOMEM;
	r->form = public_form(report.shape);
	r->items = report.items;
	r->errors = report.errors;
	r->warnings = report.warnings;
	r->stopped = report.stopped;
	r->gave_up = report.once_gave_up;
	memcpy(lint->of_rule, report.of_rule, sizeof(lint->of_rule));
	r->of_rule = lint->of_rule;
	r->n_of_rule = LINT_COUNT;
	if (out)
		*out = r;
	if (report.err.code == ERR_TOO_LARGE)
		return SHEAF_TOO_LARGE;
	return report.errors ? SHEAF_MALFORMED : SHEAF_OK;
}
