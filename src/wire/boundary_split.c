/* SPDX-License-Identifier: MIT */
#include "wire/boundary_split.h"

#include <assert.h>

/* Most bytes of white space behind a boundary (RFC 2046 s5.1.1: padding). */
#define MAX_PADDING 64

/*
 * Has the next bytes begin a line, as if a CRLF had just come: the first
 * boundary may stand at the very beginning, another right behind one.
 */
static void
begin_line(struct boundary_split *s)
{
	s->matched = s->made_up = 2;
	s->spaces = 0;
	s->hyphen = s->cr = false;
}

void
boundary_split_init(struct boundary_split *s, struct str boundary,
    const struct boundary_events *events, void *arg)
{
	assert(boundary.len && boundary.len <= BOUNDARY_MAX);
	*s = (struct boundary_split){ .events = events, .arg = arg };
	memcpy(s->line, "\r\n--", 4);
	memcpy(s->line + 4, boundary.ptr, boundary.len);
	s->n = boundary.len + 4;
	begin_line(s);
}

static enum err_code
give(struct boundary_split *s, struct str bytes, struct err *err)
{
	if (s->state != BOUNDARY_PART || !bytes.len)
		return ERR_OK;
	return s->events->data(s->arg, bytes, err);
}

/*
 * Hands on what looked like a boundary and is none.  A CR at its end may begin
 * a boundary; no byte before it can.
 */
static enum err_code
give_back(struct boundary_split *s, struct err *err)
{
	static const char padding[MAX_PADDING + 1] =
	    "                                                                ";
	enum err_code rc =
	    give(s, str_of(s->line + s->made_up, s->matched - s->made_up), err);

	if (!rc)
		rc = give(s, str_of(padding, s->spaces), err);
	if (!rc && s->hyphen)
		rc = give(s, STR("-"), err);
	s->matched = s->cr ? 1 : 0;
	s->made_up = s->spaces = 0;
	s->hyphen = s->cr = false;
	return rc;
}

static enum err_code
end_part(struct boundary_split *s, struct err *err)
{
	if (s->state != BOUNDARY_PART)
		return ERR_OK;
	return s->events->end(s->arg, err);
}

static enum err_code
begin_part(struct boundary_split *s, struct err *err)
{
	enum err_code rc = end_part(s, err);

	s->state = BOUNDARY_PART;
	begin_line(s);
	return rc ? rc : s->events->begin(s->arg, err);
}

static enum err_code
finish(struct boundary_split *s, struct err *err)
{
	enum err_code rc = end_part(s, err);

	s->state = BOUNDARY_EPILOGUE;
	return rc;
}

/* Takes a byte behind a whole boundary; *taken: it is part of that line. */
static enum err_code
line_byte(struct boundary_split *s, char c, bool *taken, struct err *err)
{
	*taken = true;
	if (s->cr && c == '\n')
		return begin_part(s, err);
	if (s->hyphen && c == '-')
		return finish(s, err);
	if (c == '\n' && !s->hyphen && !s->cr)
		return err_tell(err, ERR_BAD_BODY,
		    "the line of a boundary ends in LF alone; in multipart "
		    "lines end in CRLF");
	if (!s->cr && !s->hyphen) {
		if (c == ' ' && s->spaces < MAX_PADDING) {
			s->spaces++;
			return ERR_OK;
		}
		s->cr = c == '\r';
		s->hyphen = c == '-' && !s->spaces;
		if (s->cr || s->hyphen)
			return ERR_OK;
	}
	*taken = false;
	return give_back(s, err);
}

/* Hands on, in one piece, all up to where a boundary may begin. */
static enum err_code
give_plain(struct boundary_split *s, struct str *bytes, struct err *err)
{
	size_t n = str_find(*bytes, '\r');
	struct str plain = str_head(*bytes, n);

	*bytes = str_skip(*bytes, n);
	return give(s, plain, err);
}

static enum err_code
match_byte(struct boundary_split *s, struct str *bytes, struct err *err)
{
	if (bytes->ptr[0] != s->line[s->matched])
		return give_back(s, err);
	s->matched++;
	*bytes = str_skip(*bytes, 1);
	return ERR_OK;
}

enum err_code
boundary_split_feed(struct boundary_split *s, struct str bytes, struct err *err)
{
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc && s->state != BOUNDARY_EPILOGUE) {
		bool taken = false;

		if (s->matched == s->n) {
			rc = line_byte(s, bytes.ptr[0], &taken, err);
			bytes = str_skip(bytes, taken);
		} else if (s->matched || bytes.ptr[0] == '\r') {
			rc = match_byte(s, &bytes, err);
		} else {
			rc = give_plain(s, &bytes, err);
		}
	}
	return rc;
}

enum err_code
boundary_split_end(const struct boundary_split *s, struct err *err)
{
	const int n = (int)(s->n - 2);

	switch (s->state) {
	case BOUNDARY_PREAMBLE:
		return err_tell(err, ERR_BAD_BODY,
		    "there is no line %.*s in it, which the boundary of "
		    "Content-Type asks for",
		    n, s->line + 2);
	case BOUNDARY_PART:
		return err_tell(err, ERR_BAD_BODY,
		    "it is cut short: the last line is not %.*s--", n,
		    s->line + 2);
	case BOUNDARY_EPILOGUE:
		break;
	}
	return ERR_OK;
}
