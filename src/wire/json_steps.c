/* SPDX-License-Identifier: MIT */
/* The grammar of JSON (RFC 8259 s2), as a step from each state. */
#include "wire/json_split_impl.h"

static const char *
open_container(struct json_split *s, const char *p, char c)
{
	if (s->depth == s->limits.depth)
		return split_fail(s, p, ERR_TOO_LARGE,
		    "arrays and objects nested over %u deep", s->limits.depth);
	if (!split_begin(s, p, c == '[' ? SPLIT_ARRAY : SPLIT_OBJECT))
		return p;
	s->open[s->depth++] = c;
	s->state = c == '[' ? AT_FIRST : AT_FIRST_NAME;
	return p + 1;
}

static const char *
close_container(struct json_split *s, const char *p)
{
	s->depth--;
	if (s->inside) {
		(void)split_end(s, p + 1);
		return p + 1;
	}
	(void)split_leave(s);
	s->state = AT_NEXT;
	return p + 1;
}

/* Begins a string; one that is plain to its end is passed over in one go. */
static const char *
open_string(struct json_split *s, const char *p, const char *end)
{
	const char *q;

	if (!split_begin(s, p, SPLIT_STRING))
		return p;
	s->is_name = false;
	s->chars = (struct json_chars){ 0 };
	s->state = IN_STRING;
	if (s->decoded)
		return p + 1;
	q = json_skip_plain(p + 1, end);
	if (q == end || *q != '"')
		return q;
	(void)split_end(s, q + 1);
	return q + 1;
}

/* Ends a name, whose characters are in the frame. */
static void
end_name(struct json_split *s, const char *p)
{
	if (!split_is_outer(s) || split_note_name(s, p))
		s->state = AT_COLON;
}

static const char *
open_name(struct json_split *s, const char *p, const char *end)
{
	const char *q = json_skip_plain(p + 1, end);
	bool whole = q < end && *q == '"';

	s->is_name = true;
	s->chars = (struct json_chars){ 0 };
	s->decoded = NULL;
	s->state = IN_STRING;
	if (split_is_outer(s)) {
		s->decoded = &split_innermost(s)->name;
		s->decoded->max = SPLIT_MAX_NAME;
		buf_clear(s->decoded);
		/* So that the name's ptr is not NULL, even if it is empty. */
		if (!s->decoded->cap && !buf_room(s->decoded, 1))
			whole = false;
		buf_put(s->decoded, str_of(p + 1, (size_t)(q - p - 1)));
	}
	if (!whole)
		return q;
	end_name(s, q + 1);
	return q + 1;
}

static const char *
open_literal(
    struct json_split *s, const char *p, enum split_kind kind, const char *rest)
{
	if (!split_begin(s, p, kind))
		return p;
	s->literal = rest;
	s->state = IN_LITERAL;
	return p + 1;
}

static const char *
open_number(struct json_split *s, const char *p)
{
	if (!split_begin(s, p, SPLIT_NUMBER))
		return p;
	s->number = JSON_NUMBER_START;
	s->state = IN_NUMBER;
	return p;
}

typedef const char *
step_fn(struct json_split *s, const char *p, const char *end);

/* Fails at p, where something else stands than what was wanted. */
static const char *
unexpected(struct json_split *s, const char *p, const char *wanted)
{
	unsigned char c = (unsigned char)*p;

	if (c > ' ' && c < 0x7f)
		return split_fail(
		    s, p, ERR_BAD_ANSWER, "'%c' where %s should be", c, wanted);
	return split_fail(
	    s, p, ERR_BAD_ANSWER, "byte 0x%02x where %s should be", c, wanted);
}

static const char *
open_value(
    struct json_split *s, const char *p, const char *end, const char *wanted)
{
	s->has_input = true;
	switch (*p) {
	case '{':
	case '[':
		return open_container(s, p, *p);
	case '"':
		return open_string(s, p, end);
	case 't':
		return open_literal(s, p, SPLIT_BOOL, "rue");
	case 'f':
		return open_literal(s, p, SPLIT_BOOL, "alse");
	case 'n':
		return open_literal(s, p, SPLIT_NULL, "ull");
	default:
		if (*p == '-' || ascii_is_digit(*p))
			return open_number(s, p);
		return unexpected(s, p, wanted);
	}
}

/* skip_space() where there is some. */
static const char *
skip_some(struct json_split *s, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '\n') {
			s->line++;
			s->line_start = split_offset(s, p) + 1;
			s->wide = 0;
		} else if (*p != ' ' && *p != '\t' && *p != '\r') {
			return p;
		}
	}
	return NULL;
}

/* Skips white space; NULL when nothing else comes before the end. */
static inline const char *
skip_space(struct json_split *s, const char *p, const char *end)
{
	if (*p == ' ' && p + 1 < end) /* as most write it */
		p++;
	return (unsigned char)*p > ' ' ? p : skip_some(s, p, end);
}

static const char *
step_start(struct json_split *s, const char *p, const char *end)
{
	(void)end;
	if (*p != '\xef') {
		s->state = AT_VALUE;
		return p;
	}
	s->has_bom = true;
	s->literal = "\xbb\xbf";
	s->state = AT_MARK;
	return p + 1;
}

static const char *
step_mark(struct json_split *s, const char *p, const char *end)
{
	(void)end;
	if (*p != *s->literal++)
		return unexpected(s, p, "a byte order mark");
	if (!*s->literal) {
		s->wide = 3;
		s->state = AT_VALUE;
	}
	return p + 1;
}

static const char *
step_value(struct json_split *s, const char *p, const char *end)
{
	const char *q = skip_space(s, p, end);

	return q ? open_value(s, q, end, "a value") : end;
}

static const char *
step_first(struct json_split *s, const char *p, const char *end)
{
	const char *q = skip_space(s, p, end);

	if (q && *q == ']')
		return close_container(s, q);
	return q ? open_value(s, q, end, "a value or ']'") : end;
}

static const char *
step_first_name(struct json_split *s, const char *p, const char *end)
{
	const char *q = skip_space(s, p, end);

	if (!q)
		return end;
	if (*q == '}')
		return close_container(s, q);
	return *q == '"' ? open_name(s, q, end)
			 : unexpected(s, q, "a name in quotes or '}'");
}

static const char *
step_name(struct json_split *s, const char *p, const char *end)
{
	const char *q = skip_space(s, p, end);

	if (!q)
		return end;
	return *q == '"' ? open_name(s, q, end)
			 : unexpected(s, q, "a name in quotes");
}

static const char *
step_colon(struct json_split *s, const char *p, const char *end)
{
	const char *q = skip_space(s, p, end);

	if (!q)
		return end;
	if (*q != ':')
		return unexpected(s, q, "':'");
	s->state = AT_VALUE;
	return q + 1;
}

static const char *
step_next(struct json_split *s, const char *p, const char *end)
{
	const char *q = skip_space(s, p, end);
	bool array;

	if (!q)
		return end;
	if (!s->depth)
		return split_fail(s, q, ERR_BAD_ANSWER,
		    "something follows the end of the JSON text");
	array = s->open[s->depth - 1] == '[';
	if (*q == ',') {
		s->state = array ? AT_VALUE : AT_NAME;
		return q + 1;
	}
	if (*q == (array ? ']' : '}'))
		return close_container(s, q);
	return unexpected(s, q, array ? "',' or ']'" : "',' or '}'");
}

static const char *
step_string(struct json_split *s, const char *p, const char *end)
{
	const char *wrong = NULL;
	struct str bytes = str_head(
	    str_of(p, (size_t)(end - p)), s->decoded ? TEXT_PIECE : SIZE_MAX);
	const char *q = json_chars_scan(&s->chars, bytes, s->decoded, &wrong);

	s->wide += s->chars.wide;
	s->chars.wide = 0;
	if (wrong)
		return split_fail(s, q, ERR_BAD_ANSWER, "%s", wrong);
	if (s->decoded == &s->text && s->text.len >= TEXT_PIECE &&
	    !split_text(s))
		return q;
	if (!s->chars.ended)
		return q;
	if (s->is_name)
		end_name(s, q);
	else
		(void)split_end(s, q);
	return q;
}

static const char *
step_number(struct json_split *s, const char *p, const char *end)
{
	while (p < end && json_number_step(&s->number, *p))
		p++;
	if (p == end)
		return p;
	if (!json_number_whole(s->number))
		return unexpected(s, p, "a digit");
	(void)split_end(s, p);
	return p;
}

static const char *
step_literal(struct json_split *s, const char *p, const char *end)
{
	(void)end;
	if (*p != *s->literal)
		return unexpected(s, p, "the rest of true, false or null");
	if (!*++s->literal)
		(void)split_end(s, p + 1);
	return p + 1;
}

static step_fn *const steps[STATES] = {
	[AT_START] = step_start,
	[AT_MARK] = step_mark,
	[AT_VALUE] = step_value,
	[AT_FIRST] = step_first,
	[AT_FIRST_NAME] = step_first_name,
	[AT_NAME] = step_name,
	[AT_COLON] = step_colon,
	[AT_NEXT] = step_next,
	[IN_STRING] = step_string,
	[IN_NUMBER] = step_number,
	[IN_LITERAL] = step_literal,
};

/* Each step takes at least one byte, or changes the state, or fails. */
const char *
split_steps(struct json_split *s, const char *p, const char *end)
{
	while (p < end && !s->err.code)
		p = steps[s->state](s, p, end);
	return p;
}
