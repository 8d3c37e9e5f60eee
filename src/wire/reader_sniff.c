/* SPDX-License-Identifier: MIT */
#include "wire/reader_sniff.h"

#define RS '\x1e' /* RFC 7464 s2.2 */

static const struct {
	struct str type;
	enum shape shape;
} types[] = {
	{ STR_INIT("application/xml"), SHAPE_XML },
	{ STR_INIT("text/xml"), SHAPE_XML },
	{ STR_INIT("application/json"), SHAPE_JSON },
	{ STR_INIT("text/json"), SHAPE_JSON },
	{ STR_INIT("application/x-ndjson"), SHAPE_NDJSON },
	{ STR_INIT("application/ndjson"), SHAPE_NDJSON },
	{ STR_INIT("application/jsonl"), SHAPE_NDJSON },
	{ STR_INIT("application/x-jsonl"), SHAPE_NDJSON },
	{ STR_INIT("application/jsonlines"), SHAPE_NDJSON },
	{ STR_INIT("application/x-jsonlines"), SHAPE_NDJSON },
	{ STR_INIT("application/json-seq"), SHAPE_JSON_SEQ },
};

static const struct {
	struct str suffix;
	enum shape shape;
} suffixes[] = {
	{ STR_INIT("+xml"), SHAPE_XML },
	{ STR_INIT("+json"), SHAPE_JSON },
	{ STR_INIT("+json-seq"), SHAPE_JSON_SEQ },
};

/* "Text/XML; charset=utf-8" as "Text/XML" */
static struct str
essence(struct str content_type)
{
	return str_trim(str_head(content_type, str_find(content_type, ';')));
}

enum shape
shape_of_type(struct str content_type)
{
	struct str type = essence(content_type);
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq_nocase(type, types[i].type))
			return types[i].shape;
	for (i = 0; i < ARRAY_LEN(suffixes); i++) {
		size_t len = suffixes[i].suffix.len;

		if (type.len > len &&
		    str_eq_nocase(
			str_skip(type, type.len - len), suffixes[i].suffix))
			return suffixes[i].shape;
	}
	return SHAPE_UNKNOWN;
}

bool
type_is_problem(struct str content_type)
{
	struct str type = essence(content_type);

	return str_eq_nocase(type, STR("application/problem+json")) ||
	    str_eq_nocase(type, STR("application/problem+xml"));
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Whether it is UTF-16, with or without its mark: only XML may be that. */
static bool
is_utf16(struct str held)
{
	return str_starts(held, STR("\xff\xfe")) ||
	    str_starts(held, STR("\xfe\xff")) || str_starts(held, STR("\0<")) ||
	    str_starts(held, STR("<\0"));
}

/*
 * Goes behind a byte order mark and white space.  False: there is nothing
 * behind them yet.
 */
static bool
find_begin(struct sniffer *s, struct str held, bool last)
{
	const struct str mark = STR("\xef\xbb\xbf");

	if (held.len < mark.len && !last)
		return false;
	if (!s->at && str_starts(held, mark))
		s->at = mark.len;
	while (s->at < held.len && is_space(held.ptr[s->at]))
		s->at++;
	s->began = s->at < held.len;
	return s->began;
}

/* Takes a byte of the first object, to find out where it ends. */
static void
look_at(struct sniffer *s, char c)
{
	if (s->escaped) {
		s->escaped = false;
	} else if (s->in_string) {
		s->escaped = c == '\\';
		s->in_string = c != '"';
	} else if (c == '"') {
		s->in_string = true;
	} else if (c == '{' || c == '[') {
		s->depth++;
	} else if ((c == '}' || c == ']') && s->depth) {
		s->object_ended = --s->depth == 0;
	} else if (c == '\n' || c == '\r') {
		s->several_lines = true;
	}
}

/* Whether it is the first line of our own NDJSON: more may be yet to come. */
static bool
is_start_line(struct str held)
{
	size_t brace = str_find(held, '{');

	return str_starts(str_skip(held, brace), STR("{\"type\":\"start\""));
}

static bool
sniff_object(struct sniffer *s, struct str held, bool last, enum shape *out)
{
	*out = SHAPE_JSON;
	while (s->at < held.len && !s->object_ended && !s->several_lines)
		look_at(s, held.ptr[s->at++]);
	if (s->several_lines)
		return true;
	while (s->at < held.len && is_space(held.ptr[s->at]))
		s->at++;
	if (s->at < held.len && held.ptr[s->at] == '{')
		*out = SHAPE_NDJSON;
	if (s->at == held.len && last && is_start_line(held))
		*out = SHAPE_NDJSON;
	return s->at < held.len || last;
}

bool
sniff(struct sniffer *s, struct str held, bool last, enum shape *out)
{
	*out = SHAPE_UNKNOWN;
	if (is_utf16(held)) {
		*out = SHAPE_XML;
		return true;
	}
	if (!s->began && !find_begin(s, held, last))
		return last;
	if (s->depth || s->object_ended || held.ptr[s->at] == '{')
		return sniff_object(s, held, last, out);
	if (held.ptr[s->at] == '<')
		*out = SHAPE_XML;
	if (held.ptr[s->at] == '[')
		*out = SHAPE_JSON;
	if (held.ptr[s->at] == RS)
		*out = SHAPE_JSON_SEQ;
	return true;
}
