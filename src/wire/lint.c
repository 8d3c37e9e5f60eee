/* SPDX-License-Identifier: MIT */
/* The frame of the linter: finds the shape of a body, and has it checked. */
#include "wire/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/lint_impl.h"

/* Most bytes that are held to find out the shape of a body. */
#define HELD_MAX ((size_t)64 * 1024)

#define BRIEF ((size_t)120)

struct str
lint_brief(struct str s)
{
	size_t n = BRIEF;

	if (s.len <= BRIEF)
		return s;
	while (n && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
		n--;
	return str_head(s, n);
}

void
lint_say(struct lint *l, enum lint_rule rule, enum lint_severity severity,
    const struct lint_place *at, const char *todo, const char *fmt, ...)
{
	const struct lint_rule_row *row = &lint_rules[rule];
	struct lint_finding f = { .rule = rule,
		.severity = severity,
		.todo = str_from_c(todo ? todo : row->help),
		.source = row->source };
	char found[LINT_SENTENCE];
	va_list args;

	if (severity == LINT_ERROR)
		l->report.errors++;
	else
		l->report.warnings++;
	if (l->report.of_rule[rule]++ >= l->spec.per_rule && l->spec.per_rule)
		return;
	va_start(args, fmt);
	(void)vsnprintf(found, sizeof(found), fmt, args);
	va_end(args);
	if (at) {
		f.line = at->line;
		f.column = at->column;
		f.pointer = at->pointer;
	}
	f.found = str_from_c(found);
	l->spec.found(l->spec.arg, &f);
}

enum err_code
lint_remember(struct lint *l, struct str key, uint64_t value, uint64_t **seen)
{
	enum err_code rc = once_put(&l->seen, key, value, LINT_MAX_ONCE, seen);

	if (rc != ERR_TOO_LARGE)
		return rc;
	l->report.once_gave_up = true;
	return ERR_OK;
}

static enum err_code
form_new(struct lint *l, enum shape shape)
{
	switch (shape) {
	case SHAPE_XML:
		return lint_xml_new(l, &l->form);
	case SHAPE_JSON:
		return lint_json_new(l, &l->form);
	case SHAPE_NDJSON:
	case SHAPE_JSON_SEQ:
		return lint_lines_new(l, shape == SHAPE_JSON_SEQ, &l->form);
	case SHAPE_UNKNOWN:
		break;
	}
	l->report.stopped = true;
	return ERR_OK;
}

/* The shape of the body by its first bytes; false: more are needed. */
static bool
shape_of_bytes(struct lint *l, bool last, enum shape *out)
{
	enum shape declared = shape_of_type(l->content_type);
	struct str held = buf_str(&l->held);
	bool known = sniff(&l->sniffer, held, last, out);
	bool object =
	    l->sniffer.depth || l->sniffer.object_ended || *out == SHAPE_JSON;

	if (known && *out == SHAPE_UNKNOWN)
		*out = declared;
	/* One line alone may be either. */
	if (l->sniffer.began && declared == SHAPE_NDJSON && object)
		*out = SHAPE_NDJSON;
	else if (!known && held.len > HELD_MAX)
		*out = SHAPE_JSON;
	else
		return known;
	return true;
}

static enum err_code
feed_form(struct lint *l, struct str bytes)
{
	if (!l->form || l->report.stopped)
		return ERR_OK;
	return l->form->ops->feed(l->form, bytes);
}

/* Begins to check the body, as soon as its shape is known. */
static enum err_code
begin_form(struct lint *l, bool last)
{
	enum err_code rc;

	if (!shape_of_bytes(l, last, &l->report.shape))
		return ERR_OK;
	lint_judge_type(l, l->report.shape);
	rc = form_new(l, l->report.shape);
	if (!rc)
		rc = feed_form(l, buf_str(&l->held));
	buf_done(&l->held);
	return rc;
}

static enum err_code
lint_write(struct ostream *o, struct str bytes)
{
	struct lint *l = CONTAINER_OF(o, struct lint, base);
	enum err_code rc;

	if (l->report.stopped)
		return ERR_OK;
	if (l->form) {
		rc = feed_form(l, bytes);
	} else {
		buf_put(&l->held, bytes);
		rc = buf_failed(&l->held);
		if (!rc)
			rc = begin_form(l, false);
	}
	return rc ? err_nomem(&o->err) : ERR_OK;
}

static const struct ostream_ops lint_ops = {
	.name = "lint",
	.write = lint_write,
};

/* What is known of the request, from the spec and from the head. */
static bool
know_request(struct lint *l, const struct lint_spec *spec)
{
	static const struct answer_head unknown;
	const struct answer_head *h = spec->head ? spec->head : &unknown;
	struct str url = spec->url.len ? spec->url : h->url;
	struct str method = spec->method.len ? spec->method : h->method;

	l->status = h->status;
	if (!arena_str(&l->a, method, &l->method) ||
	    !arena_str(&l->a, url, &url) ||
	    !arena_str(&l->a, h->content_type, &l->content_type))
		return false;
	if (url.len && url_parse(url, &l->url, NULL))
		l->url = (struct url){ 0 };
	return true;
}

enum err_code
lint_new(const struct lint_spec *spec, struct lint **out, struct err *err)
{
	struct lint *l = calloc(1, sizeof(*l));

	if (!l)
		return err_nomem(err);
	ostream_init(&l->base, &lint_ops);
	l->spec = *spec;
	l->spec.head = NULL;
	l->limits = spec->limits ? *spec->limits : reader_default_limits;
	if (!know_request(l, spec)) {
		lint_free(l);
		return err_nomem(err);
	}
	lint_judge_head(l, spec->head);
	*out = l;
	return ERR_OK;
}

struct ostream *
lint_stream(struct lint *l)
{
	return &l->base;
}

enum err_code
lint_end(struct lint *l, bool cut, struct lint_report *out, struct err *err)
{
	enum err_code rc = l->base.err.code;

	if (!rc && !l->form && !l->report.stopped) {
		if (str_trim(buf_str(&l->held)).len)
			rc = begin_form(l, true);
		else
			lint_judge_empty(l);
	}
	if (!rc && l->form)
		rc = l->form->ops->end(l->form, cut);
	if (rc)
		return err_nomem(err);
	*out = l->report;
	return ERR_OK;
}

void
lint_free(struct lint *l)
{
	if (!l)
		return;
	if (l->form)
		l->form->ops->free(l->form);
	buf_done(&l->held);
	once_done(&l->seen);
	arena_done(&l->a);
	free(l);
}
