/* SPDX-License-Identifier: MIT */
#include "wire/batch_source.h"

#include <stdlib.h>

#include "http/date.h"
#include "wire/escape.h"
#include "wire/json_split.h"

/*
 * Bytes of the first line that decide the form; a longer one is a document's.
 */
#define SNIFF_MAX ((size_t)8 << 20)

#define MOST_DEPTH 128U

enum source_form { SOURCE_UNSEEN, SOURCE_DOCUMENT, SOURCE_LINES };

struct batch_source {
	const struct batch_source_events *events;
	enum source_form form;
	struct buf held; /* what came of the line that is not whole yet */
	struct json_split *split; /* of a document */
	bool listed; /* the document's operations have come */
	uint64_t offset; /* of what is fed, or of held, in the input */
	uint64_t line; /* the current one, from 1 */
	uint64_t began; /* the line that the current item began in */
	uint64_t n; /* items so far */
	bool begun; /* the first line has been read */
	/* Bytes of an action at the front of held that waits for its source. */
	size_t action;
	struct buf members; /* of head.members */
	struct arena kept; /* for the other strings of head */
	struct batch_source_head head;
	struct err err;
};

/* ---- failures */

static enum err_code
fail(struct batch_source *s, enum err_code rc, const struct err *err)
{
	const char *tell = err->tell;

	s->err = *err;
	s->err.code = rc;
	if (rc == ERR_BAD_ANSWER || rc == ERR_CUT_SHORT)
		s->err.code = ERR_BAD_BODY;
	/* Of one line alone its reader says "line 1"; we know which it is. */
	if (s->form == SOURCE_LINES &&
	    str_starts(str_from_c(tell), STR("line 1, ")))
		tell += STR("line 1, ").len;
	if (!str_starts(str_from_c(tell), STR("line ")))
		(void)err_tell(&s->err, s->err.code, "line %llu: %s",
		    (unsigned long long)s->line, *tell ? tell : err_text(rc));
	return s->err.code;
}

static enum err_code
report(const struct batch_source *s, struct err *err)
{
	if (s->err.code && err)
		*err = s->err;
	return s->err.code;
}

static enum err_code
give(
    struct batch_source *s, const struct batch_source_item *at, struct err *err)
{
	struct batch_source_item item = *at;

	item.index = s->n++;
	return s->events->item(s->events->arg, &item, err);
}

/* ---- beside the operations */

static enum err_code
take_text(struct batch_source *s, struct str name, const struct json_member *m,
    struct str *out, struct err *err)
{
	if (m->kind != SPLIT_STRING)
		return err_tell(err, ERR_BAD_BODY,
		    "the member \"%.*s\" is no text", STR_ARG(name));
	return json_string_read(&s->kept, m->value, out, err);
}

static enum err_code
take_beside(struct batch_source *s, struct str name,
    const struct json_member *m, struct err *err)
{
	struct batch_source_head *h = &s->head;
	size_t i;

	if (str_eq(name, STR("dryRun"))) {
		/* "true" in quotes must not pass for false, and be run. */
		if (m->kind != SPLIT_BOOL)
			return err_tell(err, ERR_BAD_BODY,
			    "\"dryRun\" is neither true nor false");
		h->dry_run = str_eq(m->value, STR("true"));
		return ERR_OK;
	}
	if (str_eq(name, STR("failOnErrors"))) {
		if (!str_to_u64(m->value, &h->fail_on_errors))
			return err_tell(err, ERR_BAD_BODY,
			    "\"failOnErrors\" is no whole number");
		return ERR_OK;
	}
	if (str_eq(name, STR("mode")) && take_text(s, name, m, &h->mode, err))
		return err ? err->code : ERR_BAD_BODY;
	if (s->members.len)
		buf_putc(&s->members, ',');
	json_put_string(&s->members, name);
	buf_putc(&s->members, ':');
	/* On one line: a line break in JSON is white space and nothing else. */
	for (i = 0; i < m->value.len; i++)
		buf_putc(&s->members,
		    m->value.ptr[i] == '\n' || m->value.ptr[i] == '\r'
			? ' '
			: m->value.ptr[i]);
	return buf_failed(&s->members) ? err_nomem(err) : ERR_OK;
}

static enum err_code
take_all_beside(
    struct batch_source *s, const struct json_members *m, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < m->n; i++)
		rc = take_beside(s, m->v[i].name, &m->v[i], err);
	return rc;
}

/* ---- a document */

/* The shape of a document whose operations are in a member of that name. */
static bool
find_list(struct str name, enum batch_shape *shape)
{
	return batch_shape_find(name, shape) && *shape != SHAPE_ACTIONS;
}

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	struct batch_source *s = arg;
	bool bare = v->depth == 0 && v->kind == SPLIT_ARRAY;
	enum batch_shape shape;

	*way = SPLIT_TAKE;
	if (v->depth == 0 && v->kind != SPLIT_OBJECT && !bare)
		return err_tell(err, ERR_BAD_BODY,
		    "a batch is an object, a list, or lines");
	if (v->depth == 0)
		*way = SPLIT_ENTER;
	if (bare)
		s->listed = true;
	if (v->depth != 1 || !v->name.ptr || !find_list(v->name, &shape))
		return ERR_OK;
	if (s->listed || v->kind != SPLIT_ARRAY)
		return err_tell(err, ERR_BAD_BODY,
		    "\"%.*s\" is no list, or the second one", STR_ARG(v->name));
	s->head.shape = shape;
	s->listed = true;
	*way = SPLIT_ENTER;
	return ERR_OK;
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct batch_source *s = arg;
	const struct json_member m = { v->name, bytes, v->kind };
	const struct batch_source_item item = { .line = v->line,
		.offset = v->offset,
		.size = bytes.len,
		.bytes = bytes };

	s->line = v->line;
	if (v->name.ptr)
		return take_beside(s, v->name, &m, err);
	return give(s, &item, err);
}

static enum err_code
begin_document(struct batch_source *s, struct err *err)
{
	static const struct split_events events = { .begin = on_begin,
		.take = on_take };
	static const struct split_limits limits = { BATCH_SOURCE_ITEM,
		MOST_DEPTH };

	s->form = SOURCE_DOCUMENT;
	return json_split_new(&limits, &events, s, &s->split, err);
}

/* ---- lines */

static enum err_code
read_retry_header(
    struct batch_source *s, const struct json_members *m, struct err *err)
{
	struct str command = { 0 }, shape, time;
	struct json_members head = { 0 };
	const struct json_member *batch = json_member_find(m, "batch");
	uint64_t version = 0;
	enum err_code rc = json_member_number(m, "version", &version, err);

	if (!rc && version != 1)
		rc = err_tell(err, ERR_BAD_BODY,
		    "a retry file of a version that this sheaf does not know");
	if (!rc)
		rc = json_member_text(&s->kept, m, "command", &command, err);
	if (!rc && !str_eq(command, STR("batch")))
		rc = err_tell(err, ERR_BAD_BODY,
		    "this is the retry file of sheaf %.*s: sheaf retry reads "
		    "it",
		    (int)(command.len < 40 ? command.len : 40), command.ptr);
	if (!rc)
		rc = json_member_text(&s->kept, m, "user", &s->head.user, err);
	if (!rc)
		rc = json_member_text(&s->kept, m, "url", &s->head.url, err);
	if (!rc)
		rc = json_member_text(&s->kept, m, "time", &time, err);
	if (!rc && !date_parse_rfc3339(time, &s->head.time))
		s->head.time = 0;
	if (!rc)
		rc = json_member_text(&s->kept, m, "shape", &shape, err);
	if (!rc && !batch_shape_find(shape, &s->head.shape))
		rc = err_tell(err, ERR_BAD_BODY, "its shape is not known");
	if (!rc && batch)
		rc = json_members_read(&s->kept, batch->value, &head, err);
	s->head.retry = !rc;
	return rc ? rc : take_all_beside(s, &head, err);
}

/* Reads the first line; *head: it is no operation but a head. */
static enum err_code
read_first(struct batch_source *s, struct str line, bool *head, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct json_members m, inside;
	const struct json_member *batch;
	struct str type;
	enum err_code rc = json_members_read(&a, line, &m, err);

	*head = false;
	if (rc)
		return rc;
	batch = json_member_find(&m, "batch");
	if (m.n == 1 && batch && batch->kind == SPLIT_OBJECT) {
		*head = true;
		rc = json_members_read(&s->kept, batch->value, &inside, err);
		return rc ? rc : take_all_beside(s, &inside, err);
	}
	if (json_member_find(&m, "type") &&
	    !json_member_text(&a, &m, "type", &type, NULL) &&
	    str_eq(type, STR("sheaf-retry"))) {
		*head = true;
		return read_retry_header(s, &m, err);
	}
	if (m.n == 1 && m.v[0].kind == SPLIT_OBJECT)
		s->head.shape = SHAPE_ACTIONS;
	return ERR_OK;
}

/* Hands on n bytes of held, without the white space around them. */
static enum err_code
give_line(struct batch_source *s, size_t from, size_t n, struct err *err)
{
	struct str bytes = str_head(str_skip(buf_str(&s->held), from), n);
	struct str line = batch_line_trim(bytes);
	const struct batch_source_item item = { .line = s->began,
		.offset = s->offset + (uint64_t)(line.ptr - s->held.ptr),
		.size = line.len,
		.bytes = line };

	return give(s, &item, err);
}

/*
 * Takes a line of held, n bytes from `at` on.  *keep in: the line before, from
 * start on, is an action, whose source this is.  *keep out: this one is an
 * action, and stays until its source has come.
 */
static enum err_code
take_line(struct batch_source *s, size_t start, size_t at, size_t n, bool *keep,
    struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct str line =
	    batch_line_trim(str_head(str_skip(buf_str(&s->held), at), n));
	struct batch_edit e;
	bool head = false;
	enum err_code rc = ERR_OK;

	if (*keep) {
		*keep = false;
		return give_line(s, start, at + n - start, err);
	}
	if (!line.len)
		return ERR_OK;
	s->began = s->line;
	if (!s->begun)
		rc = read_first(s, line, &head, err);
	s->begun = true;
	if (rc || head)
		return rc;
	if (s->head.shape == SHAPE_ACTIONS && !s->head.retry) {
		rc = batch_action_read(&a, line, &e, err);
		*keep = !rc && batch_action_has_source(&e);
	}
	return rc || *keep ? rc : give_line(s, start, n, err);
}

/* Takes all whole lines out of held; the rest moves to its front. */
static enum err_code
take_lines(struct batch_source *s, struct err *err)
{
	size_t start = 0, at = s->action;
	bool keep = at > 0;
	enum err_code rc = ERR_OK;

	while (!rc) {
		struct str rest = str_skip(buf_str(&s->held), at);
		size_t end = str_find(rest, '\n');

		if (end == rest.len)
			break;
		rc = take_line(s, start, at, end, &keep, err);
		s->line += !rc;
		at += end + 1;
		if (!keep)
			start = at;
	}
	s->action = keep ? at - start : 0;
	if (start && !rc) {
		memmove(s->held.ptr, s->held.ptr + start, s->held.len - start);
		s->held.len -= start;
		s->offset += start;
	}
	return rc;
}

static enum err_code
feed_lines(struct batch_source *s, struct str bytes, struct err *err)
{
	enum err_code rc;

	buf_put(&s->held, bytes);
	if (buf_failed(&s->held))
		return err_nomem(err);
	rc = take_lines(s, err);
	if (!rc && s->held.len > BATCH_SOURCE_ITEM)
		return err_tell(err, ERR_TOO_LARGE,
		    "an operation of over %zu bytes", BATCH_SOURCE_ITEM);
	return rc;
}

/* ---- which of them */

struct sniffing {
	bool list; /* a member that is a list of operations */
};

static enum err_code
sniff_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	struct sniffing *x = arg;
	enum batch_shape shape;

	(void)err;
	if (!v->depth && v->kind == SPLIT_OBJECT)
		*way = SPLIT_ENTER;
	if (v->depth == 1 && v->name.ptr && find_list(v->name, &shape))
		x->list = true;
	return ERR_OK;
}

/* *out: it is an object that is whole on its line, and not itself a batch. */
static enum err_code
is_line(struct str line, bool *out, struct err *err)
{
	static const struct split_events events = { .begin = sniff_begin };
	static const struct split_limits limits = { 1, MOST_DEPTH };
	struct sniffing x = { 0 };
	struct json_split *split;
	enum err_code rc = json_split_new(&limits, &events, &x, &split, err);

	if (rc)
		return rc;
	rc = json_split_feed(split, line, NULL);
	if (!rc)
		rc = json_split_end(split, NULL);
	json_split_free(split);
	*out = rc != ERR_CUT_SHORT && !x.list;
	return rc == ERR_NOMEM ? err_nomem(err) : ERR_OK;
}

/* Finds out the form, once enough has come.  ended: no more will come. */
static enum err_code
sniff(struct batch_source *s, bool ended, struct err *err)
{
	struct str all = buf_str(&s->held), line;
	size_t white = 0, end;
	bool lines = false;
	enum err_code rc = ERR_OK;

	/* A byte order mark, which some editors write, becomes white space. */
	if (all.len < 3 && !ended)
		return ERR_OK;
	if (str_starts(all, STR("\xef\xbb\xbf")))
		memset(s->held.ptr, ' ', 3);
	while (white < all.len && strchr(" \t\r\n", all.ptr[white]))
		white++;
	line = str_skip(all, white);
	end = str_find(line, '\n');
	if (!line.len || (end == line.len && !ended && end <= SNIFF_MAX))
		return ERR_OK;
	if (line.ptr[0] == '\x1e')
		lines = true;
	else if (line.ptr[0] == '{' && end <= SNIFF_MAX)
		rc = is_line(str_head(line, end), &lines, err);
	if (rc)
		return rc;
	if (lines) {
		s->form = SOURCE_LINES;
		return take_lines(s, err);
	}
	rc = begin_document(s, err);
	if (!rc)
		rc = json_split_feed(s->split, all, err);
	buf_done(&s->held);
	return rc;
}

/* ---- in front */

enum err_code
batch_source_new(const struct batch_source_events *events,
    struct batch_source **out, struct err *err)
{
	struct batch_source *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem(err);
	s->events = events;
	s->line = 1;
	*out = s;
	return ERR_OK;
}

enum err_code
batch_source_feed(struct batch_source *s, struct str bytes, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = ERR_OK;

	if (s->err.code || !bytes.len)
		return report(s, err);
	if (s->form == SOURCE_DOCUMENT) {
		rc = json_split_feed(s->split, bytes, &why);
	} else if (s->form == SOURCE_LINES) {
		rc = feed_lines(s, bytes, &why);
	} else {
		buf_put(&s->held, bytes);
		rc = buf_failed(&s->held) ? err_nomem(&why)
					  : sniff(s, false, &why);
	}
	if (rc)
		(void)fail(s, rc, &why);
	return report(s, err);
}

static enum err_code
end_lines(struct batch_source *s, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (s->held.len > s->action)
		rc = feed_lines(s, STR("\n"), err);
	if (!rc && s->action)
		rc = err_tell(err, ERR_BAD_BODY,
		    "the source of the last action is missing");
	return rc;
}

enum err_code
batch_source_end(struct batch_source *s, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = ERR_OK;

	if (s->err.code)
		return report(s, err);
	if (s->form == SOURCE_UNSEEN)
		rc = sniff(s, true, &why);
	if (!rc && s->form == SOURCE_LINES)
		rc = end_lines(s, &why);
	if (!rc && s->form == SOURCE_DOCUMENT)
		rc = json_split_end(s->split, &why);
	if (!rc && s->form == SOURCE_DOCUMENT && !s->listed)
		rc = err_tell(&why, ERR_BAD_BODY,
		    "there is neither \"operations\" nor \"requests\" in it");
	if (!rc && !s->n)
		rc = err_tell(
		    &why, ERR_BAD_BODY, "there are no operations in it");
	if (rc)
		(void)fail(s, rc, &why);
	s->head.members = buf_str(&s->members);
	return report(s, err);
}

const struct batch_source_head *
batch_source_head(const struct batch_source *s)
{
	return &s->head;
}

void
batch_source_free(struct batch_source *s)
{
	if (!s)
		return;
	json_split_free(s->split);
	buf_done(&s->held);
	buf_done(&s->members);
	arena_done(&s->kept);
	free(s);
}
