/* SPDX-License-Identifier: MIT */
#include "wire/json_split.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/json_split_impl.h"

#define MOST_DEPTH 1024U

uint64_t
split_offset(const struct json_split *s, const char *p)
{
	return s->offset + (uint64_t)(p - s->chunk);
}

static uint64_t
column_of(const struct json_split *s, const char *p)
{
	return split_offset(s, p) - s->line_start - s->wide + 1;
}

const char *
split_fail(struct json_split *s, const char *p, enum err_code code,
    const char *what, ...)
{
	char text[128];
	va_list args;

	va_start(args, what);
	(void)vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	(void)err_tell(&s->err, code, "line %llu, column %llu: %s",
	    (unsigned long long)s->line, (unsigned long long)column_of(s, p),
	    text);
	return p;
}

static bool
event_failed(
    struct json_split *s, const struct split_value *v, enum err_code rc)
{
	char told[sizeof(s->err.tell)];

	s->err.code = rc;
	memcpy(told, s->err.tell, sizeof(told));
	if (!str_starts(str_from_c(told), STR("line ")))
		(void)err_tell(&s->err, rc, "line %llu, column %llu: %s",
		    (unsigned long long)v->line, (unsigned long long)v->column,
		    told[0] ? told : err_text(rc));
	return false;
}

/*
 * Looks at what an event about v, or a call that is not about the bytes,
 * returned.  These write their err to s->err: another struct err would have to
 * be cleared for each.
 */
static bool
passed(struct json_split *s, const struct split_value *v, enum err_code rc)
{
	if (rc)
		return event_failed(s, v, rc);
	if (s->err.code) /* it wrote a failure, and then returned none */
		s->err = (struct err){ 0 };
	return true;
}

struct frame *
split_innermost(struct json_split *s)
{
	return &s->frames[s->entered - 1];
}

bool
split_is_outer(const struct json_split *s)
{
	return !s->inside && s->depth == s->entered;
}

static bool
tell_begin(struct json_split *s)
{
	enum err_code rc = ERR_OK;

	if (s->entered && split_innermost(s)->twice) {
		rc = s->events->twice ? s->events->twice(s->arg, &s->v, &s->err)
				      : err_tell(&s->err, ERR_BAD_ANSWER,
					    "a name stands twice in an object");
		split_innermost(s)->twice = false;
	}
	s->way = SPLIT_PASS;
	if (!rc && s->events->begin)
		rc = s->events->begin(s->arg, &s->v, &s->way, &s->err);
	return passed(s, &s->v, rc);
}

static bool
enter(struct json_split *s, const char *p)
{
	struct frame *f = &s->frames[s->entered];

	if (s->entered == SPLIT_MAX_ENTERED) {
		(void)split_fail(s, p, ERR_TOO_LARGE,
		    "lists nested over %d deep", SPLIT_MAX_ENTERED);
		return false;
	}
	f->v = s->v;
	f->count = 0;
	f->twice = false;
	name_set_clear(&f->names);
	s->entered++;
	s->inside = false;
	return true;
}

bool
split_begin(struct json_split *s, const char *p, enum split_kind kind)
{
	s->decoded = NULL;
	if (!split_is_outer(s))
		return true;
	s->v = (struct split_value){
		.kind = kind,
		.depth = s->depth,
		.line = s->line,
		.column = column_of(s, p),
		.offset = split_offset(s, p),
	};
	if (s->entered) {
		s->v.index = split_innermost(s)->count++;
		if (s->open[s->depth - 1] == '{')
			s->v.name = buf_str(&split_innermost(s)->name);
	}
	s->inside = true;
	if (!tell_begin(s))
		return false;
	if (s->way == SPLIT_ENTER && kind >= SPLIT_ARRAY)
		return enter(s, p);
	if (s->way == SPLIT_TEXT && kind == SPLIT_STRING) {
		buf_clear(&s->text);
		s->decoded = &s->text;
	}
	s->tried = s->way == SPLIT_TRY;
	if (s->tried)
		s->way = SPLIT_TAKE;
	if (s->way == SPLIT_TAKE) {
		buf_clear(&s->taken);
		s->run = p;
	}
	return true;
}

/* Copies the value, up to p, to the buffer: its chunk will be gone. */
static bool
keep_taken(struct json_split *s, const char *p)
{
	size_t n = (size_t)(p - s->run);

	if (n > s->limits.take - s->taken.len) {
		s->way = SPLIT_PASS;
		if (s->tried)
			return true;
		(void)split_fail(s, p, ERR_TOO_LARGE,
		    "a value of over %zu bytes", s->limits.take);
		return false;
	}
	buf_put(&s->taken, str_of(s->run, n));
	s->run = p;
	if (buf_failed(&s->taken))
		(void)err_nomem(&s->err);
	return !s->err.code;
}

/*
 * Hands on the whole value, which ends before p; without a copy where all of it
 * is in the chunk.
 */
static bool
deliver_taken(struct json_split *s, const char *p)
{
	struct str bytes = str_of(s->run, (size_t)(p - s->run));

	if (s->taken.len || bytes.len > s->limits.take) {
		if (!keep_taken(s, p))
			return false;
		if (s->way == SPLIT_PASS)
			return true;
		bytes = buf_str(&s->taken);
	}
	s->run = NULL;
	return !s->events->take ||
	    passed(s, &s->v, s->events->take(s->arg, &s->v, bytes, &s->err));
}

bool
split_text(struct json_split *s)
{
	struct str piece = buf_str(&s->text);
	enum err_code rc = buf_failed(&s->text);

	if (!rc && piece.len && s->events->text)
		rc = s->events->text(s->arg, &s->v, piece, &s->err);
	buf_clear(&s->text);
	return passed(s, &s->v, rc);
}

static bool
tell_end(struct json_split *s, const struct split_value *v)
{
	return !s->events->end ||
	    passed(s, v, s->events->end(s->arg, v, &s->err));
}

bool
split_end(struct json_split *s, const char *p)
{
	bool ok = true;

	s->state = AT_NEXT;
	if (!s->inside || s->depth != s->v.depth)
		return true;
	if (s->way == SPLIT_TAKE)
		ok = deliver_taken(s, p);
	else if (s->way == SPLIT_TEXT && s->v.kind == SPLIT_STRING)
		ok = split_text(s) && tell_end(s, &s->v);
	s->inside = false;
	return ok;
}

bool
split_note_name(struct json_split *s, const char *p)
{
	struct frame *f = split_innermost(s);
	enum err_code rc;

	if (buf_failed(&f->name) == ERR_TOO_LARGE)
		(void)split_fail(s, p, ERR_TOO_LARGE,
		    "a name of over %zu bytes", SPLIT_MAX_NAME);
	else if (f->names.n == SPLIT_MAX_NAMES)
		(void)split_fail(s, p, ERR_TOO_LARGE,
		    "over %zu names in an object", SPLIT_MAX_NAMES);
	else if (buf_failed(&f->name))
		(void)err_nomem(&s->err);
	else if (memchr(f->name.ptr, '\0', f->name.len))
		(void)split_fail(s, p, ERR_BAD_ANSWER, "a NUL in a name");
	if (s->err.code)
		return false;
	rc = name_set_add(&f->names, buf_str(&f->name), &f->twice, &s->err);
	return passed(s, &f->v, rc);
}

bool
split_leave(struct json_split *s)
{
	bool ok = tell_end(s, &split_innermost(s)->v);

	s->entered--;
	return ok;
}

/* Ends a text that is a number, which has no last byte of its own. */
static void
end_number(struct json_split *s)
{
	const char *p = s->chunk;

	if (s->state == IN_NUMBER && !s->depth && json_number_whole(s->number))
		(void)split_end(s, p);
}

/* Hands on what came of a SPLIT_TEXT string that is cut short. */
static bool
give_rest(struct json_split *s)
{
	return !s->inside || s->way != SPLIT_TEXT ||
	    s->v.kind != SPLIT_STRING || split_text(s);
}

static enum err_code
report(const struct json_split *s, struct err *err)
{
	if (s->err.code && err)
		*err = s->err;
	return s->err.code;
}

enum err_code
json_split_new(const struct split_limits *limits,
    const struct split_events *events, void *arg, struct json_split **out,
    struct err *err)
{
	struct json_split *s = calloc(1, sizeof(*s));

	if (!s)
		return err_nomem(err);
	s->limits = *limits;
	if (s->limits.depth > MOST_DEPTH)
		s->limits.depth = MOST_DEPTH;
	s->events = events;
	s->arg = arg;
	s->line = 1;
	s->chunk = "";
	s->open = calloc(s->limits.depth + 1, 1);
	if (!s->open) {
		free(s);
		return err_nomem(err);
	}
	*out = s;
	return ERR_OK;
}

enum err_code
json_split_feed(struct json_split *s, struct str bytes, struct err *err)
{
	const char *p = bytes.ptr;
	const char *end = p + bytes.len;

	if (s->err.code || !bytes.len)
		return report(s, err);
	s->chunk = p;
	if (s->inside && s->way == SPLIT_TAKE)
		s->run = p;
	p = split_steps(s, p, end);
	if (!s->err.code && s->inside && s->way == SPLIT_TAKE)
		(void)keep_taken(s, end);
	s->offset = split_offset(s, p);
	s->chunk = "";
	s->run = s->chunk;
	return report(s, err);
}

enum err_code
json_split_end(struct json_split *s, struct err *err)
{
	if (!s->err.code)
		end_number(s);
	if (s->err.code)
		return report(s, err);
	if (!s->has_input)
		(void)split_fail(
		    s, s->chunk, ERR_CUT_SHORT, "there is no JSON text");
	else if ((s->depth || s->state != AT_NEXT) && give_rest(s))
		(void)split_fail(
		    s, s->chunk, ERR_CUT_SHORT, "it ends inside the JSON text");
	return report(s, err);
}

void
json_split_next(struct json_split *s)
{
	s->err = (struct err){ 0 };
	s->state = s->offset ? AT_VALUE : AT_START;
	s->has_input = false;
	s->depth = 0;
	s->entered = 0;
	s->inside = false;
}

void
json_split_skip(struct json_split *s, struct str bytes)
{
	size_t i;

	for (i = 0; i < bytes.len; i++) {
		s->offset++;
		if ((bytes.ptr[i] & '\xc0') == '\x80')
			s->wide++;
		if (bytes.ptr[i] != '\n')
			continue;
		s->line++;
		s->line_start = s->offset;
		s->wide = 0;
	}
}

bool
json_split_has_input(const struct json_split *s)
{
	return s->has_input;
}

bool
json_split_has_bom(const struct json_split *s)
{
	return s->has_bom;
}

struct split_place
json_split_place(const struct json_split *s)
{
	return (
	    struct split_place){ s->line, column_of(s, s->chunk), s->offset };
}

static void
put_token(struct buf *out, const struct split_value *v)
{
	size_t i;

	buf_putc(out, '/');
	if (!v->name.ptr) {
		buf_put_u64(out, v->index);
		return;
	}
	for (i = 0; i < v->name.len; i++) {
		if (v->name.ptr[i] == '~')
			BUF_LIT(out, "~0");
		else if (v->name.ptr[i] == '/')
			BUF_LIT(out, "~1");
		else
			buf_putc(out, v->name.ptr[i]);
	}
}

void
json_split_pointer(const struct json_split *s, struct buf *out)
{
	unsigned i;

	for (i = 1; i < s->entered; i++)
		put_token(out, &s->frames[i].v);
	if (s->inside && s->entered)
		put_token(out, &s->v);
}

void
json_split_free(struct json_split *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < SPLIT_MAX_ENTERED; i++) {
		buf_done(&s->frames[i].name);
		name_set_done(&s->frames[i].names);
	}
	buf_done(&s->taken);
	buf_done(&s->text);
	free(s->open);
	free(s);
}
