/* SPDX-License-Identifier: MIT */
/*
 * Finds the value that a JSON pointer (RFC 6901) names in a piece of JSON,
 * which was found good before; if it is not, nothing bad happens.
 */
#include "wire/lint_items.h"

struct walk {
	struct str rest;
	uint64_t line, column;
};

static void
step(struct walk *w, size_t n)
{
	for (; n && w->rest.len; n--) {
		unsigned char c = (unsigned char)*w->rest.ptr;

		if (c == '\n') {
			w->line++;
			w->column = 1;
		} else if ((c & 0xc0) != 0x80) {
			w->column++;
		}
		w->rest = str_skip(w->rest, 1);
	}
}

static char
head(const struct walk *w)
{
	return w->rest.len ? *w->rest.ptr : '\0';
}

static void
skip_space(struct walk *w)
{
	while (w->rest.len && strchr(" \t\r\n,:", *w->rest.ptr) && head(w))
		step(w, 1);
}

/* Behind the string that begins here; *inside is what is between the quotes. */
static void
skip_string(struct walk *w, struct str *inside)
{
	size_t n = 1;

	while (n < w->rest.len && w->rest.ptr[n] != '"')
		n += w->rest.ptr[n] == '\\' ? 2 : 1;
	if (n > w->rest.len)
		n = w->rest.len;
	*inside = str_skip(str_head(w->rest, n), 1);
	step(w, n + 1);
}

static void
skip_value(struct walk *w)
{
	size_t depth = 0;
	struct str inside;

	do {
		char c = head(w);

		if (c == '"') {
			skip_string(w, &inside);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		if ((c == '}' || c == ']') && depth)
			depth--;
		else if (!depth && strchr(",}] \t\r\n", c))
			return;
		step(w, 1);
	} while (w->rest.len && (depth || !strchr(",}] \t\r\n", head(w))));
}

/* Whether a name, as it is sent, is the one that a pointer's token names. */
static bool
name_is(struct str name, struct str token)
{
	size_t i = 0;

	while (token.len) {
		char c = *token.ptr;

		token = str_skip(token, 1);
		if (c == '~' && token.len) {
			c = *token.ptr == '1' ? '/' : '~';
			token = str_skip(token, 1);
		}
		if (i >= name.len || name.ptr[i] != c)
			return false;
		i++;
	}
	return i == name.len;
}

static bool
enter_object(struct walk *w, struct str token)
{
	struct str name;

	for (skip_space(w); head(w) == '"'; skip_space(w)) {
		skip_string(w, &name);
		skip_space(w);
		if (name_is(name, token))
			return true;
		skip_value(w);
	}
	return false;
}

static bool
enter_array(struct walk *w, struct str token)
{
	uint64_t n;

	if (!str_to_u64(token, &n))
		return false;
	for (skip_space(w); n && w->rest.len && head(w) != ']'; n--) {
		skip_value(w);
		skip_space(w);
	}
	return w->rest.len && head(w) != ']';
}

void
lint_locate(struct str bytes, struct str pointer, struct lint_place *at)
{
	struct walk w = { bytes, at->line, at->column };
	struct str token;

	pointer = str_skip(pointer, 1);
	if (!pointer.len)
		return;
	while (str_cut(&pointer, '/', &token)) {
		char c;

		skip_space(&w);
		c = head(&w);
		step(&w, 1);
		if (!(c == '{' ? enter_object(&w, token)
			       : c == '[' && enter_array(&w, token)))
			return;
	}
	at->line = w.line;
	at->column = w.column;
}
