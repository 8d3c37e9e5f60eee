/* SPDX-License-Identifier: MIT */
/*
 * JSON, lines of JSON (NDJSON), and JSON text sequences (RFC 7464): where one
 * text ends and the next begins.  What is in a text is json_document.c's.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "wire/json_document.h"
#include "wire/reader_impl.h"

/* What begins each text of a sequence. */
#define RECORD '\x1e'

struct json_reader {
	struct reader_form base;
	struct json_split *split;
	struct json_document document;
	bool skipping; /* the rest of a text that is dropped */
};

static struct json_reader *
json_reader_of(const struct reader_form *f)
{
	return CONTAINER_OF(
	    (struct reader_form *)(uintptr_t)f, struct json_reader, base);
}

/* Whether a failure is not the answer's: then nothing may be put any more. */
static bool
is_ours(const struct json_reader *j, enum err_code rc)
{
	return rc == ERR_NOMEM || j->base.reader->to->failed;
}

/* After a failure nothing more will come: what is held is put now. */
static enum err_code
flush_after(struct json_reader *j, enum err_code rc, struct err *err)
{
	enum err_code flushed;

	if (is_ours(j, rc))
		return rc;
	flushed = json_document_flush(&j->document, rc ? NULL : err);
	return flushed ? flushed : rc;
}

/* A line ends. */
static enum err_code
end_line(struct json_reader *j, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (json_split_has_input(j->split))
		rc = json_split_end(j->split, err);
	if (rc == ERR_CUT_SHORT) {
		struct split_place at = json_split_place(j->split);

		return err_tell(err, ERR_BAD_ANSWER,
		    "line %" PRIu64 ", column %" PRIu64
		    ": the line ends inside a JSON text",
		    at.line, at.column);
	}
	if (!rc)
		json_split_next(j->split);
	return rc;
}

static enum err_code
feed_lines(struct json_reader *j, struct str bytes, struct err *err)
{
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc) {
		size_t n = str_find(bytes, '\n');

		rc = json_split_feed(j->split, str_head(bytes, n), err);
		if (!rc && n < bytes.len)
			rc = end_line(j, err);
		if (!rc && n < bytes.len)
			json_split_skip(j->split, STR("\n"));
		bytes = str_skip(bytes, n + 1);
	}
	return rc;
}

/*
 * Drops a malformed text of a sequence: the next one may be good (RFC 7464
 * s2.1).
 */
static enum err_code
drop_text(struct json_reader *j, enum err_code rc, const struct err *e)
{
	if (is_ours(j, rc))
		return rc;
	json_document_note(
	    &j->document, rc == ERR_CUT_SHORT ? ERR_BAD_ANSWER : rc, e);
	j->skipping = true;
	return ERR_OK;
}

/* Feeds bytes of one text; what follows a failure is skipped. */
static enum err_code
feed_text(struct json_reader *j, struct str bytes, struct err *err)
{
	uint64_t before = json_split_place(j->split).offset;
	struct err e = { 0 };
	enum err_code rc;

	if (!j->skipping) {
		rc = json_split_feed(j->split, bytes, &e);
		if (!rc)
			return ERR_OK;
		rc = drop_text(j, rc, &e);
		if (rc) {
			*err = e;
			return rc;
		}
		bytes = str_skip(bytes,
		    (size_t)(json_split_place(j->split).offset - before));
	}
	json_split_skip(j->split, bytes);
	return ERR_OK;
}

/* A record separator. */
static enum err_code
next_text(struct json_reader *j, struct err *err)
{
	struct err e = { 0 };
	enum err_code rc = ERR_OK;

	if (!j->skipping && json_split_has_input(j->split))
		rc = json_split_end(j->split, &e);
	if (rc)
		rc = drop_text(j, rc, &e);
	if (rc) {
		*err = e;
		return rc;
	}
	json_split_next(j->split);
	json_split_skip(j->split, STR("\x1e"));
	j->skipping = false;
	return ERR_OK;
}

static enum err_code
feed_sequence(struct json_reader *j, struct str bytes, struct err *err)
{
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc) {
		size_t n = str_find(bytes, RECORD);

		rc = feed_text(j, str_head(bytes, n), err);
		if (!rc && n < bytes.len)
			rc = next_text(j, err);
		bytes = str_skip(bytes, n + 1);
	}
	return rc;
}

static enum err_code
json_feed(struct reader_form *f, struct str bytes, struct err *err)
{
	struct json_reader *j = json_reader_of(f);
	struct err e = { 0 };
	enum err_code rc;

	if (f->reader->reading.shape == SHAPE_NDJSON)
		rc = feed_lines(j, bytes, &e);
	else if (f->reader->reading.shape == SHAPE_JSON_SEQ)
		rc = feed_sequence(j, bytes, &e);
	else
		rc = json_split_feed(j->split, bytes, &e);
	if (!rc)
		return ERR_OK;
	rc = flush_after(j, rc, &e);
	if (err)
		*err = e;
	return rc;
}

/* The last text, which nothing but the end of the answer ends. */
static enum err_code
end_text(struct json_reader *j, struct err *err)
{
	bool single = j->base.reader->reading.shape == SHAPE_JSON;

	if (j->skipping || (!single && !json_split_has_input(j->split)))
		return ERR_OK;
	return json_split_end(j->split, err);
}

static enum err_code
json_end_form(struct reader_form *f, struct err *err)
{
	struct json_reader *j = json_reader_of(f);
	struct err e = { 0 };
	enum err_code rc = flush_after(j, end_text(j, &e), &e);

	if (!is_ours(j, rc))
		rc = json_document_judge(
		    &j->document, rc, json_split_place(j->split), &e);
	if (rc && err)
		*err = e;
	return rc;
}

static void
json_place(const struct reader_form *f, uint64_t *line, uint64_t *column)
{
	struct split_place at = json_split_place(json_reader_of(f)->split);

	*line = at.line;
	*column = at.column;
}

static void
json_free(struct reader_form *f)
{
	struct json_reader *j = json_reader_of(f);

	json_split_free(j->split);
	json_document_done(&j->document);
	free(j);
}

static const struct reader_form_ops json_ops = {
	.name = "JSON",
	.feed = json_feed,
	.end = json_end_form,
	.place = json_place,
	.free = json_free,
};

enum err_code
reader_json_new(struct reader *r, struct reader_form **out, struct err *err)
{
	const struct split_limits limits = {
		.take = r->limits.item,
		.depth = r->limits.depth,
	};
	struct json_reader *j = calloc(1, sizeof(*j));
	enum err_code rc;

	if (!j)
		return err_nomem(err);
	reader_form_init(&j->base, &json_ops, r);
	j->document.reader = r;
	j->document.items.reader = r;
	j->document.lines = r->reading.shape != SHAPE_JSON;
	rc = json_split_new(
	    &limits, &json_document_events, &j->document, &j->split, err);
	if (rc) {
		free(j);
		return rc;
	}
	*out = &j->base;
	return ERR_OK;
}
