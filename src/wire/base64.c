/* SPDX-License-Identifier: MIT */
#include "wire/base64.h"

#include <nettle/base64.h>

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the last `pad` are for padding. */
static bool
decode_group(const char *from, unsigned pad, char *to)
{
	unsigned bits = 0;
	unsigned i;

	for (i = 0; i < 4; i++) {
		int v = i < 4 - pad ? value_of(from[i]) : 0;

		if (v < 0)
			return false;
		bits = bits << 6 | (unsigned)v;
	}
	for (i = 0; i < 3 - pad; i++)
		to[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	return !(bits & ((1u << (8 * pad)) - 1));
}

bool
base64_decode(struct str text, char *room, size_t *n)
{
	unsigned pad = 0;
	size_t i;

	*n = 0;
	if (text.len % 4)
		return false;
	if (str_ends(text, STR("==")))
		pad = 2;
	else if (str_ends(text, STR("=")))
		pad = 1;
	for (i = 0; i < text.len; i += 4) {
		unsigned here = i + 4 == text.len ? pad : 0;

		if (!decode_group(text.ptr + i, here, room + *n))
			return false;
		*n += 3 - here;
	}
	return true;
}

void
base64_put(struct buf *b, struct str bytes)
{
	size_t n = BASE64_ENCODE_RAW_LENGTH(bytes.len);
	char *to = n ? buf_room(b, n) : NULL;

	if (!to)
		return;
	base64_encode_raw(to, bytes.len, (const uint8_t *)bytes.ptr);
	b->len += n;
}
