/* SPDX-License-Identifier: MIT */
#include "wire/json_document.h"

#include <inttypes.h>

#include "wire/json_found.h"
#include "wire/json_load.h"

/* A member in json_document.held; its key and its bytes follow it there. */
struct held {
	size_t key_len, len;
	uint64_t line, column;
};

void
json_document_done(struct json_document *d)
{
	json_items_done(&d->items);
	buf_done(&d->held);
}

void
json_document_note(
    struct json_document *d, enum err_code code, const struct err *err)
{
	if (d->bad.code)
		return;
	d->bad = *err;
	d->bad.code = code;
}

static enum err_code
put_unread(struct json_document *d, const struct item_place *at,
    const char *why, struct err *err)
{
	struct err bad = { 0 };

	(void)err_tell(&bad, ERR_BAD_ANSWER,
	    "line %" PRIu64 ", column %" PRIu64 ": %s", at->line, at->column,
	    why);
	json_document_note(d, ERR_BAD_ANSWER, &bad);
	return json_item_put_unread(&d->items, at, str_from_c(why), err);
}

static enum err_code
put_bytes(struct json_document *d, struct str bytes,
    const struct item_place *at, struct err *err)
{
	struct item_place with_bytes = *at;
	const char *why = NULL;
	json_t *item;
	enum err_code rc = json_load_value(bytes, &item, &why, err);

	if (rc)
		return rc;
	if (!item)
		return put_unread(d, at, why, err);
	with_bytes.bytes = bytes;
	rc = json_item_put(&d->items, item, &with_bytes, err);
	json_decref(item);
	return rc;
}

static struct item_place
place_of(const struct split_value *v)
{
	return (struct item_place){ .key = v->name,
		.index = v->index,
		.line = v->line,
		.column = v->column };
}

/* Puts the members that were held: they have turned out to be the items. */
static enum err_code
put_held(struct json_document *d, struct err *err)
{
	struct str rest = buf_str(&d->held);
	enum err_code rc = ERR_OK;
	struct held h;

	while (rest.len && !rc) {
		struct item_place at = { 0 };
		struct str bytes;

		memcpy(&h, rest.ptr, sizeof(h));
		rest = str_skip(rest, sizeof(h));
		at.key = str_head(rest, h.key_len);
		at.line = h.line;
		at.column = h.column;
		bytes = str_head(str_skip(rest, h.key_len), h.len);
		rest = str_skip(rest, h.key_len + h.len);
		rc = put_bytes(d, bytes, &at, err);
	}
	buf_done(&d->held);
	return rc;
}

/* Decides whether the members are the items, by what has come so far. */
static enum err_code
decide(struct json_document *d, struct err *err)
{
	if (d->is_map || d->no_map)
		return ERR_OK;
	d->is_map = d->has_status && !d->has_list;
	d->no_map = !d->is_map;
	if (d->is_map)
		return put_held(d, err);
	buf_done(&d->held);
	return ERR_OK;
}

enum err_code
json_document_flush(struct json_document *d, struct err *err)
{
	return decide(d, err);
}

/* Takes a member of the document that may be an item, if it is a map. */
static enum err_code
take_member(struct json_document *d, const struct split_value *v,
    struct str bytes, struct err *err)
{
	const struct held h = { v->name.len, bytes.len, v->line, v->column };
	const struct item_place at = place_of(v);
	const char *why = NULL;
	json_t *member;
	enum err_code rc;

	if (d->is_map)
		return put_bytes(d, bytes, &at, err);
	rc = json_load_value(bytes, &member, &why, err);
	if (rc)
		return rc;
	d->has_status = d->has_status || json_item_has_status(member);
	json_decref(member);
	buf_put(&d->held, str_of((const char *)&h, sizeof(h)));
	buf_put(&d->held, v->name);
	buf_put(&d->held, bytes);
	if (buf_failed(&d->held))
		return err_nomem(err);
	return d->held.len > d->reader->limits.item ? decide(d, err) : ERR_OK;
}

/* Copies text and a NUL; what is too long is cut between characters. */
static void
copy_text(char *to, size_t room, struct str text)
{
	size_t n = text.len < room ? text.len : room - 1;

	while (n < text.len && n && (text.ptr[n] & '\xc0') == '\x80')
		n--;
	memcpy(to, text.ptr, n);
	to[n] = '\0';
}

/* Takes a member of the document whose name has a meaning. */
static enum err_code
take_named(struct json_document *d, enum doc_name what, struct str bytes,
    struct err *err)
{
	struct reading *r = &d->reader->reading;
	const char *why = NULL;
	json_t *v;
	enum err_code rc = json_load_value(bytes, &v, &why, err);

	if (rc || !v)
		return rc;
	if (what == DOC_SUMMARY && json_is_object(v))
		json_claims_read(&d->claims, v);
	if (what == DOC_ERRORS) {
		d->claims.flagged = true;
		d->claims.flag = json_is_true(v);
	}
	if (what == DOC_DESCRIPTION)
		copy_text(r->description, sizeof(r->description), json_text(v));
	if (what == DOC_SYNC_TOKEN &&
	    json_string_length(v) < sizeof(r->sync_token))
		copy_text(r->sync_token, sizeof(r->sync_token), json_text(v));
	json_decref(v);
	return ERR_OK;
}

static enum err_code
put_line(struct json_document *d, const json_t *line,
    const struct split_value *v, struct err *err)
{
	const struct item_place at = {
		.index = d->n_lines++,
		.line = v->line,
		.column = v->column,
	};
	struct err bad = { 0 };

	if (d->has_summary) {
		(void)err_tell(&bad, ERR_BAD_ANSWER,
		    "line %" PRIu64 ", column %" PRIu64
		    ": an item behind the summary",
		    v->line, v->column);
		json_document_note(d, ERR_BAD_ANSWER, &bad);
	}
	return json_item_put(&d->items, line, &at, err);
}

/* The lines that our form has beside items (bulk-api.md, "Answer"). */
enum line { LINE_ITEM, LINE_RESULT, LINE_START, LINE_PROGRESS, LINE_SUMMARY };

static enum line
line_of(const json_t *v)
{
	static const struct {
		struct str type;
		enum line line;
	} lines[] = {
		{ STR_INIT("result"), LINE_RESULT },
		{ STR_INIT("start"), LINE_START },
		{ STR_INIT("progress"), LINE_PROGRESS },
		{ STR_INIT("summary"), LINE_SUMMARY },
	};
	struct str type = json_text(json_object_get(v, "type"));
	size_t i;

	for (i = 0; i < ARRAY_LEN(lines); i++)
		if (str_eq(type, lines[i].type))
			return lines[i].line;
	return LINE_ITEM;
}

static enum err_code
take_parsed_line(struct json_document *d, const json_t *v,
    const struct split_value *at, struct err *err)
{
	const json_t *summary = json_object_get(v, "summary");

	switch (line_of(v)) {
	case LINE_START:
	case LINE_PROGRESS:
		d->ours = true;
		return ERR_OK;
	case LINE_SUMMARY:
		d->ours = true;
		d->has_summary = true;
		json_claims_read(&d->claims, v);
		return ERR_OK;
	case LINE_RESULT:
		d->ours = true;
		return put_line(d, v, at, err);
	case LINE_ITEM:
		break;
	}
	if (json_is_object(summary) && json_object_size(v) == 1) {
		json_claims_read(&d->claims, summary);
		return ERR_OK;
	}
	return put_line(d, v, at, err);
}

static enum err_code
take_line(struct json_document *d, const struct split_value *v,
    struct str bytes, struct err *err)
{
	const struct item_place at = {
		.index = d->n_lines,
		.line = v->line,
		.column = v->column,
	};
	const char *why = NULL;
	json_t *line;
	enum err_code rc = json_load_value(bytes, &line, &why, err);

	if (rc)
		return rc;
	if (!line) {
		d->n_lines++;
		return put_unread(d, &at, why, err);
	}
	rc = take_parsed_line(d, line, v, err);
	json_decref(line);
	return rc;
}

static enum split_way
enter(struct json_document *d, const struct split_value *v, enum level level)
{
	if (v->depth < SPLIT_MAX_ENTERED)
		d->levels[v->depth] = level;
	return SPLIT_ENTER;
}

/* Enters the array or object that holds the items. */
static enum split_way
enter_items(struct json_document *d, const struct split_value *v)
{
	if (v->kind != SPLIT_ARRAY && v->kind != SPLIT_OBJECT)
		return SPLIT_PASS;
	d->has_list = true;
	return enter(d, v, v->kind == SPLIT_ARRAY ? LEVEL_LIST : LEVEL_MAP);
}

/* What is to be done with a member of the document. */
static enum split_way
way_of_member(struct json_document *d, const struct split_value *v)
{
	switch (doc_name_of(v->name)) {
	case DOC_LIST:
		return enter_items(d, v);
	case DOC_WRAP:
		if (v->kind == SPLIT_OBJECT)
			return enter(d, v, LEVEL_DOCUMENT);
		return v->kind == SPLIT_ARRAY ? enter_items(d, v) : SPLIT_PASS;
	case DOC_ERRORS:
		return v->kind == SPLIT_BOOL ? SPLIT_TAKE : enter_items(d, v);
	case DOC_SUMMARY:
		return v->kind == SPLIT_OBJECT ? SPLIT_TAKE : SPLIT_PASS;
	case DOC_DESCRIPTION:
	case DOC_SYNC_TOKEN:
		return v->kind == SPLIT_STRING ? SPLIT_TRY : SPLIT_PASS;
	case DOC_RESERVED:
		return SPLIT_PASS;
	case DOC_NONE:
		break;
	}
	if (v->kind != SPLIT_OBJECT || v->depth != 1 || d->no_map)
		return SPLIT_PASS;
	return d->is_map ? SPLIT_TAKE : SPLIT_TRY;
}

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	struct json_document *d = arg;

	if (!v->depth) {
		if (d->lines)
			*way = SPLIT_TAKE;
		else if (v->kind == SPLIT_OBJECT)
			*way = enter(d, v, LEVEL_DOCUMENT);
		else if (v->kind == SPLIT_ARRAY)
			*way = enter_items(d, v);
		else
			return err_tell(err, ERR_BAD_ANSWER,
			    "neither an object nor an array");
		return ERR_OK;
	}
	if (d->levels[v->depth - 1] == LEVEL_DOCUMENT)
		*way = way_of_member(d, v);
	else
		*way = v->kind == SPLIT_ARRAY ? enter(d, v, LEVEL_LIST)
					      : SPLIT_TAKE;
	return ERR_OK;
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct json_document *d = arg;
	const struct item_place at = place_of(v);
	enum doc_name what;

	if (!v->depth)
		return take_line(d, v, bytes, err);
	if (d->levels[v->depth - 1] != LEVEL_DOCUMENT)
		return put_bytes(d, bytes, &at, err);
	what = doc_name_of(v->name);
	return what == DOC_NONE ? take_member(d, v, bytes, err)
				: take_named(d, what, bytes, err);
}

/* Both members are put: nobody knows which of them is meant. */
static enum err_code
on_twice(void *arg, const struct split_value *v, struct err *err)
{
	struct json_document *d = arg;
	struct err bad = { 0 };

	(void)err;
	(void)err_tell(&bad, ERR_BAD_ANSWER,
	    "line %" PRIu64 ", column %" PRIu64
	    ": a name stands twice in an object",
	    v->line, v->column);
	json_document_note(d, ERR_BAD_ANSWER, &bad);
	return ERR_OK;
}

const struct split_events json_document_events = {
	.begin = on_begin,
	.take = on_take,
	.twice = on_twice,
};

enum err_code
json_document_judge(struct json_document *d, enum err_code rc,
    struct split_place at, struct err *err)
{
	struct reading *r = &d->reader->reading;

	r->claims = d->claims.some;
	r->claimed = d->claims.sum;
	if (d->bad.code) { /* this says more than that it was cut short */
		*err = d->bad;
		return d->bad.code;
	}
	if (rc)
		return rc;
	r->contradicts = json_claims_contradict(&d->claims, &d->items.counted);
	if (d->ours && !d->has_summary)
		return err_tell(err, ERR_CUT_SHORT,
		    "line %" PRIu64 ", column %" PRIu64
		    ": it ends without its summary, so more may have been done",
		    at.line, at.column);
	if (!d->lines && !d->has_list && !d->is_map)
		return err_tell(err, ERR_BAD_ANSWER,
		    "line 1, column 1: there is no list of items in it");
	return ERR_OK;
}
