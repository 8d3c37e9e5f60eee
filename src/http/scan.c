/* SPDX-License-Identifier: MIT */
#include "http/scan.h"

static bool
is_tchar(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' ||
	    (c && strchr("!#$%&'*+.^_`|~", c));
}

bool
scan_is_token(struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_tchar(s.ptr[i]))
			return false;
	return s.len != 0;
}

bool
scan_is_media_type(struct str s)
{
	size_t slash = str_find(s, '/');

	return scan_is_token(str_head(s, slash)) &&
	    scan_is_token(str_skip(s, slash + 1));
}

/* Index of the first c outside quotes, or s.len. */
static size_t
find_unquoted(struct str s, char c)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (!quoted && s.ptr[i] == c)
			return i;
		if (quoted && s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			quoted = !quoted;
	}
	return s.len;
}

bool
scan_cut(struct str *rest, char c, struct str *piece)
{
	size_t at;

	if (!rest->ptr)
		return false;
	at = find_unquoted(*rest, c);
	*piece = str_trim(str_head(*rest, at));
	/* As in str_cut(): NULL says that nothing follows the last c. */
	if (at == rest->len)
		*rest = (struct str){ 0 };
	else
		*rest = str_of(rest->ptr + at + 1, rest->len - at - 1);
	return true;
}

bool
scan_member(struct str *rest, struct str *piece)
{
	while (scan_cut(rest, ',', piece))
		if (piece->len)
			return true;
	return false;
}

bool
scan_pair(struct str s, struct str *name, struct str *value)
{
	size_t sign = str_find(s, '=');

	*name = str_trim(str_head(s, sign));
	*value = str_trim(str_skip(s, sign + 1));
	return sign < s.len;
}

bool
scan_unquote(struct str *s)
{
	struct str inside;

	if (scan_is_token(*s))
		return true;
	if (s->len < 2 || s->ptr[0] != '"' || s->ptr[s->len - 1] != '"')
		return false;
	inside = str_of(s->ptr + 1, s->len - 2);
	if (str_find(inside, '"') < inside.len ||
	    str_find(inside, '\\') < inside.len)
		return false;
	*s = inside;
	return true;
}

bool
scan_angles(struct str *rest, struct str *inside)
{
	size_t end = str_find(*rest, '>');
	size_t i;

	if (end < 2 || end == rest->len || rest->ptr[0] != '<')
		return false;
	for (i = 1; i < end; i++) {
		unsigned char u = (unsigned char)rest->ptr[i];

		if (u <= ' ' || u == '<' || u == '"' || u == 0x7f)
			return false;
	}
	*inside = str_of(rest->ptr + 1, end - 1);
	*rest = str_skip(*rest, end + 1);
	return true;
}

bool
scan_is_absolute_uri(struct str s)
{
	size_t i, colon = str_find(s, ':');

	if (!colon || colon + 1 >= s.len || !ascii_is_alpha(s.ptr[0]))
		return false;
	for (i = 1; i < colon; i++)
		if (!ascii_is_alpha(s.ptr[i]) && !ascii_is_digit(s.ptr[i]) &&
		    s.ptr[i] != '+' && s.ptr[i] != '-' && s.ptr[i] != '.')
			return false;
	return true;
}
