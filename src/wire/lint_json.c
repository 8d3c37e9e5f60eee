/* SPDX-License-Identifier: MIT */
/* J201, J202: a document of JSON, in which the items are looked for. */
#include <stdlib.h>

#include "wire/json_found.h"
#include "wire/json_names.h"
#include "wire/json_split.h"
#include "wire/json_status.h"
#include "wire/lint_items.h"

/* Most objects around the items: {"data": {"results": [...]}}. */
#define WRAPS_MAX 4

struct lint_json {
	struct lint_form base;
	struct json_split *split;
	struct lint_items items;
	unsigned list; /* the depth of items while in their list; else 0 */
	unsigned frame; /* the depth of the members beside the list */
	bool listed; /* there is a list of items, or a map */
	bool mapped; /* the document may be a map itself */
	struct buf pointer;
};

static struct lint_place
place_of(struct lint_json *j, const struct split_value *v)
{
	buf_clear(&j->pointer);
	json_split_pointer(j->split, &j->pointer);
	return (struct lint_place){ v->line, v->column,
		j->pointer.len ? buf_str(&j->pointer) : STR("") };
}

/* ---- J202: where the items are */

static void
begin_list(struct lint_json *j, const struct split_value *v)
{
	struct buf *at = &j->items.at;

	buf_clear(at);
	json_split_pointer(j->split, at);
	j->list = v->depth + 1;
	j->listed = true;
	j->items.is_map = v->kind == SPLIT_OBJECT;
	j->items.has_no_status = str_eq(v->name, STR("atomic:results"));
	j->items.text_status =
	    str_eq(v->name, STR("Operations")) || str_eq(v->name, STR("entry"));
}

static bool
is_container(const struct split_value *v)
{
	return v->kind == SPLIT_ARRAY || v->kind == SPLIT_OBJECT;
}

static enum split_way
begin_root(struct lint_json *j, const struct split_value *v)
{
	if (v->kind == SPLIT_ARRAY)
		begin_list(j, v);
	j->frame = 1;
	return is_container(v) ? SPLIT_ENTER : SPLIT_TAKE;
}

/* What is to be done with a member of an object around the items. */
static enum split_way
begin_member(struct lint_json *j, const struct split_value *v)
{
	enum doc_name name = doc_name_of(v->name);

	if (name == DOC_LIST && is_container(v) && !j->listed) {
		begin_list(j, v);
		return SPLIT_ENTER;
	}
	if (name == DOC_WRAP && v->kind == SPLIT_OBJECT && !j->listed &&
	    j->frame < WRAPS_MAX) {
		j->frame = v->depth + 1;
		return SPLIT_ENTER;
	}
	return SPLIT_TAKE;
}

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	struct lint_json *j = arg;

	*way = SPLIT_TAKE;
	if (!v->depth)
		*way = begin_root(j, v);
	else if (v->depth != j->list && v->depth == j->frame)
		*way = begin_member(j, v);
	return buf_failed(&j->items.at) ? err_nomem(err) : ERR_OK;
}

static enum err_code
on_end(void *arg, const struct split_value *v, struct err *err)
{
	struct lint_json *j = arg;

	(void)err;
	if (v->depth + 1 == j->list)
		j->list = 0;
	else if (v->depth + 1 == j->frame && j->frame > 1)
		j->frame--;
	return ERR_OK;
}

/* ---- what is in it */

/* A member of the document that is an item, where it is a map of them. */
static bool
is_map_item(struct lint_json *j, const struct split_value *v, const json_t *o)
{
	struct json_found f = { 0 };

	if (j->listed || v->depth != 1 || !json_is_object(o) ||
	    doc_name_of(v->name))
		return false;
	json_find(o, &f);
	return f.status != 0;
}

static enum err_code
judge_member(struct lint_json *j, const struct split_value *v,
    const struct lint_taken *t, const json_t *value)
{
	enum doc_name name = doc_name_of(v->name);

	if (name == DOC_SUMMARY && json_is_object(value))
		return lint_summary(&j->items, t);
	if (name == DOC_ERRORS && json_is_boolean(value))
		return lint_errors_flag(&j->items, json_is_true(value), t);
	if (!is_map_item(j, v, value))
		return ERR_OK;
	j->mapped = true;
	j->items.is_map = true;
	return lint_item(&j->items, value, t);
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct lint_json *j = arg;
	struct lint_taken t = {
		.bytes = bytes, .at = place_of(j, v), .index = v->index
	};
	json_t *value;
	enum err_code rc;

	if (j->items.is_map || (!j->listed && v->name.ptr))
		t.key = v->name;
	rc = buf_failed(&j->pointer) ? ERR_NOMEM
				     : lint_load(j->base.l, &t, &value);
	if (rc)
		return err_nomem(err);
	if (!value)
		return ERR_OK;
	if (v->depth && v->depth == j->list)
		rc = lint_item(&j->items, value, &t);
	else if (v->depth)
		rc = judge_member(j, v, &t, value);
	json_decref(value);
	return rc ? err_nomem(err) : ERR_OK;
}

static enum err_code
on_twice(void *arg, const struct split_value *v, struct err *err)
{
	struct lint_json *j = arg;
	const struct lint_place at = place_of(j, v);

	LINT_SAY(j->base.l, J201, &at, "the name '%.*s' stands twice",
	    LINT_SHOW(v->name));
	return buf_failed(&j->pointer) ? err_nomem(err) : ERR_OK;
}

/* ---- the document */

static enum err_code
stop(struct lint_json *j, enum err_code rc, const struct err *err)
{
	struct lint *l = j->base.l;

	if (!rc || rc == ERR_NOMEM)
		return rc;
	l->report.stopped = true;
	if (rc == ERR_TOO_LARGE) {
		l->report.err = *err;
		return ERR_OK;
	}
	lint_say_json_fault(l, err);
	return ERR_OK;
}

static enum err_code
json_form_feed(struct lint_form *f, struct str bytes)
{
	struct lint_json *j = CONTAINER_OF(f, struct lint_json, base);
	struct err err = { 0 };

	return stop(j, json_split_feed(j->split, bytes, &err), &err);
}

static enum err_code
json_form_end(struct lint_form *f, bool cut)
{
	struct lint_json *j = CONTAINER_OF(f, struct lint_json, base);
	static const struct lint_place root = { 1, 1, STR_INIT("") };
	struct lint *l = f->l;
	struct err err = { 0 };
	enum err_code rc = ERR_OK;

	(void)cut; /* what is missing is seen */
	if (!l->report.stopped)
		rc = stop(j, json_split_end(j->split, &err), &err);
	if (rc)
		return rc;
	if (json_split_has_bom(j->split))
		LINT_SAY(l, J201, &root,
		    "the document begins with a byte order mark");
	if (!l->report.stopped && !j->listed && !j->mapped)
		LINT_SAY(l, J202, &root,
		    "there is no array of items, and no map of them");
	return lint_items_end(&j->items, !l->report.stopped);
}

static void
json_form_free(struct lint_form *f)
{
	struct lint_json *j = CONTAINER_OF(f, struct lint_json, base);

	json_split_free(j->split);
	lint_items_done(&j->items);
	buf_done(&j->pointer);
	free(j);
}

static const struct lint_form_ops json_ops = {
	.feed = json_form_feed,
	.end = json_form_end,
	.free = json_form_free,
};

static const struct split_events events = {
	.begin = on_begin,
	.take = on_take,
	.end = on_end,
	.twice = on_twice,
};

enum err_code
lint_json_new(struct lint *l, struct lint_form **out)
{
	struct lint_json *j = calloc(1, sizeof(*j));
	const struct split_limits limits = { l->limits.item, l->limits.depth };
	enum err_code rc;

	if (!j)
		return ERR_NOMEM;
	j->base = (struct lint_form){ &json_ops, l };
	rc = lint_items_begin(&j->items, l);
	if (!rc)
		rc = json_split_new(&limits, &events, j, &j->split, NULL);
	if (rc) {
		json_form_free(&j->base);
		return ERR_NOMEM;
	}
	*out = &j->base;
	return ERR_OK;
}
