/* SPDX-License-Identifier: MIT */
#include "base/str.h"

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool
str_starts(struct str s, struct str prefix)
{
	return str_eq(str_head(s, prefix.len), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	    str_eq(str_skip(s, s.len - suffix.len), suffix);
}

bool
str_starts_nocase(struct str s, struct str prefix)
{
	size_t i;

	if (s.len < prefix.len)
		return false;
	for (i = 0; i < prefix.len; i++)
		if (s.ptr[i] != prefix.ptr[i] &&
		    ascii_lower(s.ptr[i]) != ascii_lower(prefix.ptr[i]))
			return false;
	return true;
}

struct str
str_skip(struct str s, size_t from)
{
	if (from >= s.len)
		return (struct str){ 0 };
	return str_of(s.ptr + from, s.len - from);
}

struct str
str_head(struct str s, size_t n)
{
	return str_of(s.ptr, n < s.len ? n : s.len);
}

struct str
str_copy(char **at, struct str s)
{
	struct str copy = str_of(*at, s.len);

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

size_t
str_find(struct str s, char c)
{
	const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}

size_t
str_rfind(struct str s, char c)
{
	const char *at = s.len ? memrchr(s.ptr, c, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}

static bool
is_ows(char c)
{
	return c == ' ' || c == '\t';
}

struct str
str_trim(struct str s)
{
	while (s.len && is_ows(s.ptr[0]))
		s = str_skip(s, 1);
	while (s.len && is_ows(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool
str_cut(struct str *rest, char c, struct str *piece)
{
	size_t at;

	if (!rest->ptr)
		return false;
	at = str_find(*rest, c);
	*piece = str_head(*rest, at);
	/* NULL, not merely empty, says that nothing follows the last c. */
	if (at == rest->len)
		*rest = (struct str){ 0 };
	else
		*rest = str_of(rest->ptr + at + 1, rest->len - at - 1);
	return true;
}

bool
str_to_u64(struct str s, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	if (!s.len)
		return false;
	for (i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.ptr[i]) ||
		    __builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s.ptr[i] - '0'), &n))
			return false;
	}
	*out = n;
	return true;
}

uint64_t
str_hash(struct str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
	return h;
}

int
ascii_hex(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
