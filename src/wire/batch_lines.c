/* SPDX-License-Identifier: MIT */
/*
 * An operation a line, or, in a JSON text sequence (RFC 7464), one behind each
 * record separator.  The first text may be the head, {"batch": {...}}.  A
 * malformed line is an item that failed, and the next is read.  But where it
 * may have been the head the whole is refused: nothing has been run yet, and
 * what was to be atomic must not be run line by line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/batch_impl.h"

#define RECORD_SEPARATOR '\x1e'

/* The depth of the text, and of a member of it. */
enum { AT_TEXT, AT_MEMBER };

struct batch_lines {
	struct json_split *split;
	struct batch_maker maker;
	char end; /* ends a text: '\n', RECORD_SEPARATOR; '\0': not known */
	uint64_t from; /* where the text begins */
	uint64_t n_texts; /* that are over, whole or malformed */
	bool is_head; /* its first member is "batch" */
	bool is_item; /* it is an operation, perhaps a bad one */
	bool failed; /* the rest of the text is passed over */
	struct err bad; /* what was wrong with it */
};

static enum err_code
begin_text(struct batch_parser *p, const struct split_value *v,
    enum split_way *way, struct err *err)
{
	struct batch_lines *l = p->lines;
	const struct batch_place at = { PLACE_LINE, v->line };

	batch_maker_begin(&l->maker, p, &l->maker.own, at);
	l->from = v->offset;
	*way = SPLIT_ENTER;
	if (v->kind == SPLIT_OBJECT)
		return ERR_OK;
	l->is_item = true; /* as little as it is */
	return batch_bad(err, ERR_BAD_BODY, &at, "", "no object");
}

static enum err_code
begin_member(struct batch_parser *p, const struct split_value *v,
    enum split_way *way, struct err *err)
{
	struct batch_lines *l = p->lines;
	bool is_batch = str_eq(v->name, STR("batch"));
	const char *wrong = NULL;

	*way = SPLIT_TAKE;
	if (is_batch && !l->n_texts && !v->index)
		l->is_head = true;
	else if (!l->is_head)
		l->is_item = true;
	if (l->is_head && !is_batch)
		wrong = "an operation has a line of its own";
	else if (l->is_item && is_batch)
		wrong = "only the first line can be this, and nothing else";
	else if (l->is_item && !batch_maker_expects(&l->maker, v->name))
		wrong = "there is no such member";
	if (!wrong)
		return ERR_OK;
	return batch_bad(err, ERR_BAD_BODY, &l->maker.at,
	    batch_below(v->name, (struct str){ 0 }).text, "%s", wrong);
}

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	struct batch_parser *p = arg;

	(void)err;
	if (v->depth == AT_TEXT)
		return begin_text(p, v, way, &p->lines->bad);
	return begin_member(p, v, way, &p->lines->bad);
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct batch_parser *p = arg;
	struct batch_lines *l = p->lines;
	enum err_code rc;

	(void)err;
	if (l->is_head)
		return batch_head_load(
		    p, &l->maker.at, "/batch", bytes, &l->bad);
	rc = batch_maker_fits(
	    &l->maker, p, v->offset + bytes.len - l->from, &l->bad);
	return rc ? rc : batch_maker_member(&l->maker, p, v, bytes, &l->bad);
}

static enum err_code
on_end(void *arg, const struct split_value *v, struct err *err)
{
	struct batch_parser *p = arg;
	struct batch_lines *l = p->lines;
	enum err_code rc;

	(void)err;
	(void)v;
	if (l->is_head)
		return ERR_OK;
	l->is_item = true; /* {} */
	rc = batch_maker_end(&l->maker, p, &l->bad);
	if (!rc)
		rc = batch_body_settle(
		    p, l->maker.arena, &l->maker.item, &l->maker.at, &l->bad);
	return rc;
}

static enum err_code
on_twice(void *arg, const struct split_value *v, struct err *err)
{
	struct batch_lines *l = ((struct batch_parser *)arg)->lines;

	(void)err;
	return batch_bad(&l->bad, ERR_BAD_BODY, &l->maker.at,
	    batch_below(v->name, (struct str){ 0 }).text, "stands twice");
}

static const struct split_events events = {
	.begin = on_begin,
	.take = on_take,
	.end = on_end,
	.twice = on_twice,
};

static enum err_code
lines_new(struct batch_parser *p, struct err *err)
{
	struct batch_lines *l = calloc(1, sizeof(*l));

	if (!l)
		return err_nomem(err);
	p->lines = l;
	return batch_split_new(p, &events, &l->split, err);
}

/* Notes why the text failed: l->bad, or what the splitter said. */
static enum err_code
note_failure(struct batch_parser *p, enum err_code rc, const struct err *said)
{
	struct batch_lines *l = p->lines;
	const struct batch_place_text line = batch_place_text(&l->maker.at);
	struct str at;

	if (rc == ERR_NOMEM || l->bad.code == ERR_NOMEM)
		return ERR_NOMEM;
	l->failed = true;
	if (l->bad.code)
		return ERR_OK;
	/* A message about depth begins with its place already. */
	at = rc == ERR_TOO_LARGE && !strstr(said->tell, "nested")
	    ? str_from_c(line.text)
	    : STR("");
	(void)batch_tell_split(p, rc, at, said, &l->bad);
	return ERR_OK;
}

static enum err_code
feed_text(struct batch_parser *p, struct str bytes, struct err *err)
{
	struct batch_lines *l = p->lines;
	struct err said = { 0 };
	enum err_code rc;
	uint64_t from;

	if (l->failed) {
		json_split_skip(l->split, bytes);
		return ERR_OK;
	}
	from = json_split_place(l->split).offset;
	rc = json_split_feed(l->split, bytes, &said);
	if (!rc)
		return ERR_OK;
	if (note_failure(p, rc, &said))
		return err_nomem(err);
	/* What is behind the failure still counts for lines and columns. */
	json_split_skip(l->split,
	    str_skip(
		bytes, (size_t)(json_split_place(l->split).offset - from)));
	return ERR_OK;
}

/* Puts an item that only says what was wrong. */
static enum err_code
put_bad(struct batch_parser *p, struct err *err)
{
	struct batch_lines *l = p->lines;
	struct batch_item item = {
		.index = p->n_items, .id = l->maker.item.id, .bad = &l->bad
	};

	if (!item.id.ptr &&
	    batch_default_id(p, l->maker.arena, item.index, &item.id))
		return err_nomem(err);
	return batch_put(p, &item, sizeof(item), err);
}

static enum err_code
put_text(struct batch_parser *p, struct err *err)
{
	struct batch_lines *l = p->lines;
	enum err_code rc;

	if (l->failed && !l->n_texts && !l->is_item) {
		*err = l->bad; /* the first text, which may be the head */
		return err->code;
	}
	if (l->is_head && !l->failed)
		return ERR_OK;
	rc = batch_count_item(p, err);
	if (rc)
		return rc;
	if (l->failed)
		return put_bad(p, err);
	return batch_put(p, &l->maker.item, l->maker.bytes, err);
}

/* Ends a text, puts its item if it has one, and begins the next. */
static enum err_code
finish_text(struct batch_parser *p, struct err *err)
{
	struct batch_lines *l = p->lines;
	struct err said = { 0 };
	enum err_code rc = ERR_OK;

	if (!l->failed && !json_split_has_input(l->split))
		return ERR_OK;
	if (!l->failed)
		rc = json_split_end(l->split, &said);
	if (rc && note_failure(p, rc, &said))
		return err_nomem(err);
	rc = put_text(p, err);
	l->n_texts++;
	l->is_head = l->is_item = l->failed = false;
	l->bad = (struct err){ 0 };
	batch_maker_begin(
	    &l->maker, p, &l->maker.own, (struct batch_place){ 0 });
	json_split_next(l->split);
	return rc;
}

/* Known by the first byte: no JSON has the separator in it. */
static void
find_end(struct batch_lines *l, struct str bytes)
{
	if (!l->end && bytes.len)
		l->end =
		    bytes.ptr[0] == RECORD_SEPARATOR ? RECORD_SEPARATOR : '\n';
}

static enum err_code
lines_feed(struct batch_parser *p, struct str bytes, struct err *err)
{
	enum err_code rc = p->lines ? ERR_OK : lines_new(p, err);

	if (!rc)
		rc = batch_count_bytes(p, bytes.len, err);
	if (rc)
		return rc;
	find_end(p->lines, bytes);
	while (bytes.len && !rc) {
		size_t n = str_find(bytes, p->lines->end);

		rc = feed_text(p, str_head(bytes, n), err);
		if (n == bytes.len)
			break;
		if (!rc)
			rc = finish_text(p, err);
		json_split_skip(
		    p->lines->split, str_head(str_skip(bytes, n), 1));
		bytes = str_skip(bytes, n + 1);
	}
	return rc;
}

/* A last text that is cut short fails: what it would have been is not known. */
static enum err_code
lines_end(struct batch_parser *p, struct err *err)
{
	struct batch_lines *l = p->lines;
	struct err said = { 0 };
	enum err_code rc;

	if (!l)
		return ERR_OK;
	if (!l->failed && json_split_has_input(l->split)) {
		rc = json_split_end(l->split, &said);
		if (rc == ERR_CUT_SHORT)
			return err_tell(err, ERR_BAD_BODY, "%s", said.tell);
	}
	return finish_text(p, err);
}

static void
lines_free(struct batch_parser *p)
{
	if (!p->lines)
		return;
	json_split_free(p->lines->split);
	batch_maker_done(&p->lines->maker);
	free(p->lines);
}

const struct batch_form_ops batch_lines_form = {
	.feed = lines_feed,
	.end = lines_end,
	.free = lines_free,
};
