/* SPDX-License-Identifier: MIT */
#include "lib/lint_run.h"

static void
note(void *arg, const struct lint_finding *f)
{
	struct lint_run *r = arg;

	buf_printf(&r->said, "%s %c %llu:%llu", lint_rules[f->rule].id,
	    f->severity == LINT_ERROR ? 'E' : 'W', (unsigned long long)f->line,
	    (unsigned long long)f->column);
	if (f->pointer.len)
		buf_printf(&r->said, " %.*s", STR_ARG(f->pointer));
	buf_putc(&r->said, '\n');
	buf_put(&r->sentences, f->found);
	buf_putc(&r->sentences, '\n');
}

static enum err_code
feed(struct lint_run *r, struct lint *l, struct str body, struct err *err)
{
	size_t step = r->step ? r->step : body.len + 1;

	while (body.len) {
		(void)ostream_write(lint_stream(l), str_head(body, step));
		body = str_skip(body, step);
	}
	return lint_end(l, false, &r->report, err);
}

enum err_code
lint_run_body(
    struct lint_run *r, const struct answer_head *head, struct str body)
{
	const struct lint_spec spec = {
		.head = head,
		.method = r->method,
		.url = r->url,
		.operations = r->operations,
		.n_operations = r->n_operations,
		.per_rule = r->per_rule,
		.found = note,
		.arg = r,
	};
	struct err err = { 0 };
	struct lint *l;
	enum err_code rc;

	buf_clear(&r->said);
	buf_clear(&r->sentences);
	rc = lint_new(&spec, &l, &err);
	if (rc)
		return rc;
	rc = feed(r, l, body, &err);
	lint_free(l);
	return rc;
}

/* Takes the line at the front of *rest, without its end. */
static struct str
take_line(struct str *rest)
{
	struct str line;

	if (!str_cut(rest, '\n', &line))
		return STR("");
	return line.len && line.ptr[line.len - 1] == '\r'
	    ? str_head(line, line.len - 1)
	    : line;
}

enum err_code
lint_run_file(struct lint_run *r, struct str bytes)
{
	struct header fields[LINT_RUN_FIELDS];
	struct answer_head head = { .fields = { .v = fields, .n = 0 } };
	struct str line;
	uint64_t status = 0;

	if (!str_starts(bytes, STR("HTTP/")))
		return lint_run_body(r, NULL, bytes);
	line = take_line(&bytes);
	if (str_to_u64(
		str_head(str_skip(line, str_find(line, ' ') + 1), 3), &status))
		head.status = (unsigned)status;
	while (
	    (line = take_line(&bytes)).len && head.fields.n < LINT_RUN_FIELDS) {
		size_t colon = str_find(line, ':');
		struct header *h = &fields[head.fields.n++];

		h->name = str_head(line, colon);
		h->value = str_trim(str_skip(line, colon + 1));
		if (str_eq_nocase(h->name, STR("Content-Type")))
			head.content_type = h->value;
	}
	return lint_run_body(r, &head, bytes);
}

void
lint_run_done(struct lint_run *r)
{
	buf_done(&r->said);
	buf_done(&r->sentences);
}
