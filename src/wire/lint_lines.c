/* SPDX-License-Identifier: MIT */
/*
 * S301: lines of JSON, and JSON text sequences (RFC 7464).  A line that cannot
 * be read is said to be so, and the next one is read all the same.
 */
#include <stdlib.h>

#include "wire/json_found.h"
#include "wire/json_split.h"
#include "wire/lint_items.h"

#define RS '\x1e' /* RFC 7464 s2.2 */

struct lint_lines {
	struct lint_form base;
	struct json_split *split;
	struct lint_items items;
	char between; /* what parts lines: '\n', or RFC 7464's separator */
	bool failed; /* the line is bad; the rest of it is passed over */
	bool summed; /* the last line was a summary */
	struct lint_place last; /* where the last line began */
};

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	(void)arg;
	(void)v;
	(void)err;
	*way = SPLIT_TAKE;
	return ERR_OK;
}

/* Whether it is a "result" of ours, or a line of others with a status. */
static bool
is_item(const json_t *line)
{
	struct str type = json_text(json_object_get(line, "type"));
	struct json_found f = { 0 };

	if (str_eq(type, STR("result")))
		return true;
	if (str_eq(type, STR("start")) || str_eq(type, STR("progress")))
		return false;
	json_find(line, &f);
	return f.by[ITEM_STATUS] != NULL || f.status;
}

static bool
is_summary(const json_t *line)
{
	return str_eq(
		   json_text(json_object_get(line, "type")), STR("summary")) ||
	    json_is_object(json_object_get(line, "summary"));
}

static enum err_code
judge_line(
    struct lint_lines *ls, const json_t *line, const struct lint_taken *t)
{
	bool after = ls->summed;

	ls->summed = false;
	if (is_summary(line)) {
		ls->summed = true;
		return lint_summary(&ls->items, t);
	}
	if (after)
		LINT_SAY(
		    ls->base.l, S301, &t->at, "a line follows the summary");
	return is_item(line) ? lint_item(&ls->items, line, t) : ERR_OK;
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct lint_lines *ls = arg;
	const struct lint_taken t = { .bytes = bytes,
		.at = { v->line, v->column, STR("") },
		.index = ls->items.total };
	json_t *line;
	enum err_code rc = lint_load(ls->base.l, &t, &line);

	ls->last = t.at;
	if (!rc && line)
		rc = judge_line(ls, line, &t);
	json_decref(line);
	return rc ? err_nomem(err) : ERR_OK;
}

/* Says what is wrong with a line; the next one is read all the same. */
static enum err_code
say_fault(struct lint_lines *ls, enum err_code rc, const struct err *err)
{
	struct lint *l = ls->base.l;

	if (!rc || rc == ERR_NOMEM)
		return rc;
	ls->failed = true;
	ls->summed = false;
	if (rc == ERR_TOO_LARGE) {
		l->report.stopped = true;
		l->report.err = *err;
	} else {
		lint_say_json_fault(l, err);
	}
	return ERR_OK;
}

static enum err_code
end_line(struct lint_lines *ls)
{
	struct err err = { 0 };
	enum err_code rc = ERR_OK;

	if (!ls->failed && json_split_has_input(ls->split))
		rc = say_fault(ls, json_split_end(ls->split, &err), &err);
	json_split_next(ls->split);
	ls->failed = false;
	return rc;
}

static enum err_code
lines_feed(struct lint_form *f, struct str bytes)
{
	struct lint_lines *ls = CONTAINER_OF(f, struct lint_lines, base);
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc && !f->l->report.stopped) {
		size_t end = str_find(bytes, ls->between);
		struct str line = str_head(bytes, end);
		struct err err = { 0 };

		if (end < bytes.len && ls->between == '\n')
			line = str_head(bytes, end + 1);
		if (!ls->failed)
			rc = say_fault(
			    ls, json_split_feed(ls->split, line, &err), &err);
		if (!rc && end < bytes.len)
			rc = end_line(ls);
		bytes = str_skip(bytes, end + 1);
	}
	return rc;
}

static enum err_code
lines_end(struct lint_form *f, bool cut)
{
	struct lint_lines *ls = CONTAINER_OF(f, struct lint_lines, base);
	struct lint *l = f->l;
	enum err_code rc = l->report.stopped ? ERR_OK : end_line(ls);

	if (rc)
		return rc;
	if (!ls->summed && !l->report.stopped)
		LINT_SAY(l, S301, ls->last.line ? &ls->last : NULL,
		    "the last line is no summary%s",
		    cut ? ": the stream was cut short" : "");
	return lint_items_end(&ls->items, ls->summed);
}

static void
lines_free(struct lint_form *f)
{
	struct lint_lines *ls = CONTAINER_OF(f, struct lint_lines, base);

	json_split_free(ls->split);
	lint_items_done(&ls->items);
	free(ls);
}

static const struct lint_form_ops lines_ops = {
	.feed = lines_feed,
	.end = lines_end,
	.free = lines_free,
};

static const struct split_events events = {
	.begin = on_begin,
	.take = on_take,
};

enum err_code
lint_lines_new(struct lint *l, bool seq, struct lint_form **out)
{
	struct lint_lines *ls = calloc(1, sizeof(*ls));
	const struct split_limits limits = { l->limits.item, l->limits.depth };
	enum err_code rc;

	if (!ls)
		return ERR_NOMEM;
	ls->base = (struct lint_form){ &lines_ops, l };
	ls->between = seq ? RS : '\n';
	rc = lint_items_begin(&ls->items, l);
	ls->items.is_lines = true;
	if (!rc)
		rc = json_split_new(&limits, &events, ls, &ls->split, NULL);
	if (rc) {
		lines_free(&ls->base);
		return ERR_NOMEM;
	}
	*out = &ls->base;
	return ERR_OK;
}
