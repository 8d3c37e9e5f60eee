/* SPDX-License-Identifier: MIT */
#include "base/plain.h"

#include "base/attr.h"

/*
 * The length of the UTF-8 character that s begins with, and *c: the character;
 * 0: s begins with none.
 */
static size_t
next_char(struct str s, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)s.ptr[0];
	size_t i,
	    n = first < 0x80 ? 1
	    : first < 0xc0   ? 0
	    : first < 0xe0   ? 2
	    : first < 0xf0   ? 3
	    : first < 0xf8   ? 4
			     : 0;

	if (!n || n > s.len)
		return 0;
	*c = n == 1 ? first : first & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		unsigned char more = (unsigned char)s.ptr[i];

		if ((more & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (more & 0x3fU);
	}
	if (*c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
		return 0;
	return n;
}

/* Controls, line and paragraph separators, and what turns the direction. */
static bool
is_dangerous(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = { { 0, 0x1f }, { 0x7f, 0x9f }, { 0x61c, 0x61c },
		{ 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
		{ 0xfff9, 0xfffb } };
	size_t i;

	for (i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

void
text_put_plain(struct buf *b, struct str s)
{
	while (s.len) {
		uint32_t c = 0;
		size_t n = next_char(s, &c);

		if (!n)
			buf_printf(b, "\\x%02x", (unsigned char)s.ptr[0]);
		else if (!is_dangerous(c))
			buf_put(b, str_head(s, n));
		else if (c < 0x80)
			buf_printf(b, "\\x%02x", c);
		else
			buf_printf(b, "\\u%04x", c);
		s = str_skip(s, n ? n : 1);
	}
}

void
text_put_count(struct buf *b, uint64_t n)
{
	char digits[27];
	size_t at = sizeof(digits), i = 0;

	do {
		if (i && i % 3 == 0)
			digits[--at] = ',';
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
		i++;
	} while (n);
	buf_put(b, str_of(digits + at, sizeof(digits) - at));
}
