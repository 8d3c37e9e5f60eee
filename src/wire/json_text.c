/* SPDX-License-Identifier: MIT */
#include "wire/json_text.h"

#include <endian.h>

#include "base/attr.h"
#include "base/sixteen.h"

static const char lone[] = "half of a surrogate pair";

/* The length of the UTF-8 sequence that begins with this byte; 0: none does. */
static unsigned
sequence_length(unsigned char lead)
{
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Whether c may stand at place n (from 1) behind that lead. */
static bool
may_follow(unsigned char lead, unsigned n, unsigned char c)
{
	if ((c & 0xc0) != 0x80)
		return false;
	if (n > 1)
		return true;
	return !(lead == 0xe0 && c < 0xa0) && /* overlong */
	    !(lead == 0xed && c > 0x9f) && /* a surrogate */
	    !(lead == 0xf0 && c < 0x90) && /* overlong */
	    !(lead == 0xf4 && c > 0x8f); /* over U+10FFFF */
}

/* Takes a byte over 0x7f, or any byte within a sequence. */
static bool
wide_byte(struct json_chars *c, char byte, struct buf *to)
{
	unsigned char u = (unsigned char)byte;

	if (!c->n_part) {
		if (!sequence_length(u))
			return false;
	} else {
		if (!may_follow((unsigned char)c->part[0], c->n_part, u))
			return false;
		c->wide++;
	}
	c->part[c->n_part++] = byte;
	if (c->n_part < sequence_length((unsigned char)c->part[0]))
		return true;
	if (to)
		buf_put(to, str_of(c->part, c->n_part));
	c->n_part = 0;
	return true;
}

static void
put_utf8(struct buf *to, unsigned u)
{
	if (!to)
		return;
	if (u < 0x80) {
		buf_putc(to, (char)u);
		return;
	}
	if (u < 0x800) {
		buf_putc(to, (char)(0xc0 | u >> 6));
	} else {
		if (u < 0x10000) {
			buf_putc(to, (char)(0xe0 | u >> 12));
		} else {
			buf_putc(to, (char)(0xf0 | u >> 18));
			buf_putc(to, (char)(0x80 | (u >> 12 & 0x3f)));
		}
		buf_putc(to, (char)(0x80 | (u >> 6 & 0x3f)));
	}
	buf_putc(to, (char)(0x80 | (u & 0x3f)));
}

/* Takes the unit of a \uXXXX that is whole. */
static const char *
put_unit(struct json_chars *c, struct buf *to)
{
	bool low = c->unit >= 0xdc00 && c->unit < 0xe000;

	if (low != (c->high != 0))
		return lone;
	if (low) {
		put_utf8(to,
		    0x10000 + ((c->high - 0xd800) << 10) + (c->unit - 0xdc00));
		c->high = 0;
	} else if (c->unit >= 0xd800 && c->unit < 0xdc00) {
		c->high = c->unit;
	} else {
		put_utf8(to, c->unit);
	}
	return NULL;
}

/* Takes the byte behind a backslash. */
static const char *
escaped(struct json_chars *c, char byte, struct buf *to)
{
	static const char from[] = "\"\\/bfnrt";
	static const char means[] = "\"\\/\b\f\n\r\t";
	const char *at = byte ? strchr(from, byte) : NULL;

	if (byte == 'u') {
		c->escape = false;
		c->digits = 4;
		c->unit = 0;
		return NULL;
	}
	if (!at)
		return "an escape that there is not";
	if (c->high)
		return lone;
	c->escape = false;
	if (to)
		buf_putc(to, means[at - from]);
	return NULL;
}

static const char *
hex_digit(struct json_chars *c, char byte, struct buf *to)
{
	int v = ascii_hex(byte);

	if (v < 0)
		return "an escape with too few hexadecimal digits";
	c->unit = c->unit << 4 | (unsigned)v;
	return --c->digits ? NULL : put_unit(c, to);
}

/* Takes a byte that is not plain, or comes where none is. */
static const char *
special(struct json_chars *c, char byte, struct buf *to)
{
	if (c->digits)
		return hex_digit(c, byte, to);
	if (c->escape)
		return escaped(c, byte, to);
	if (c->n_part || byte & '\x80') {
		if (c->high)
			return lone;
		return wide_byte(c, byte, to) ? NULL : "not UTF-8";
	}
	if (byte == '\\') {
		c->escape = true;
		return NULL;
	}
	if (c->high)
		return lone;
	if (byte != '"')
		return "a control character in a string";
	c->ended = true;
	return NULL;
}

static bool
is_plain(char byte)
{
	return (signed char)byte >= ' ' && byte != '"' && byte != '\\';
}

/*
 * Marks those of sixteen bytes that are not plain.  Bytes over 0x7f are
 * negative, and so less than a space, as controls are.  XOR with 2 swaps '"'
 * and ' ', so that one comparison catches the quote, too, and not the space.
 */
static inline sixteen
special_among(const char *p)
{
	sixteen w = sixteen_at(p);

	return ((w ^ sixteen_times(2)) < sixteen_times(' ' + 1)) |
	    (w == sixteen_times('\\'));
}

/* The index of the first byte that is marked; 16: there is none. */
static inline size_t
first_among(sixteen found)
{
	uint64_t low, high;

	memcpy(&low, &found, sizeof(low));
	memcpy(&high, (const char *)&found + sizeof(low), sizeof(high));
	if (low)
		return (size_t)__builtin_ctzll(le64toh(low)) / 8;
	return high ? 8 + (size_t)__builtin_ctzll(le64toh(high)) / 8 : 16;
}

/* Skips sixty-four plain bytes at a time: in a long body most are plain. */
static const char *
skip_blocks(const char *p, const char *end)
{
	while (end - p >= 64 &&
	    first_among(special_among(p) | special_among(p + 16) |
		special_among(p + 32) | special_among(p + 48)) == 16)
		p += 64;
	return p;
}

const char *
json_skip_plain(const char *p, const char *end)
{
	bool is_long = false;

	while (end - p >= 16) {
		size_t n = first_among(special_among(p));

		p += n;
		if (n < 16)
			return p;
		if (!is_long)
			p = skip_blocks(p, end);
		is_long = true;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

const char *
json_chars_scan(
    struct json_chars *c, struct str bytes, struct buf *to, const char **wrong)
{
	const char *p = bytes.ptr;
	const char *end = p + bytes.len;

	while (p < end && !c->ended) {
		const char *from = p;

		if (!c->escape && !c->digits && !c->n_part && !c->high)
			p = json_skip_plain(p, end);
		if (to)
			buf_put(to, str_of(from, (size_t)(p - from)));
		if (p == end)
			break;
		*wrong = special(c, *p, to);
		if (*wrong)
			return p;
		p++;
	}
	return p;
}

/* The kinds of bytes in a number. */
enum { SIGN_MINUS, SIGN_PLUS, DIGIT_0, DIGIT, POINT, EXPONENT, NO_KIND };

static unsigned
kind_of(char c)
{
	if (c == '0')
		return DIGIT_0;
	if (ascii_is_digit(c))
		return DIGIT;
	if (c == '-')
		return SIGN_MINUS;
	if (c == '+')
		return SIGN_PLUS;
	if (c == '.')
		return POINT;
	return c == 'e' || c == 'E' ? EXPONENT : NO_KIND;
}

/* The state after a byte of each kind; JSON_NUMBER_START: none may come. */
static const enum json_number after[JSON_NUMBER_STATES][NO_KIND] = {
	[JSON_NUMBER_START] = { [SIGN_MINUS] = JSON_NUMBER_MINUS,
	    [DIGIT_0] = JSON_NUMBER_ZERO,
	    [DIGIT] = JSON_NUMBER_INT },
	[JSON_NUMBER_MINUS] = { [DIGIT_0] = JSON_NUMBER_ZERO,
	    [DIGIT] = JSON_NUMBER_INT },
	[JSON_NUMBER_ZERO] = { [POINT] = JSON_NUMBER_DOT,
	    [EXPONENT] = JSON_NUMBER_E },
	[JSON_NUMBER_INT] = { [DIGIT_0] = JSON_NUMBER_INT,
	    [DIGIT] = JSON_NUMBER_INT,
	    [POINT] = JSON_NUMBER_DOT,
	    [EXPONENT] = JSON_NUMBER_E },
	[JSON_NUMBER_DOT] = { [DIGIT_0] = JSON_NUMBER_FRACTION,
	    [DIGIT] = JSON_NUMBER_FRACTION },
	[JSON_NUMBER_FRACTION] = { [DIGIT_0] = JSON_NUMBER_FRACTION,
	    [DIGIT] = JSON_NUMBER_FRACTION,
	    [EXPONENT] = JSON_NUMBER_E },
	[JSON_NUMBER_E] = { [SIGN_MINUS] = JSON_NUMBER_SIGN,
	    [SIGN_PLUS] = JSON_NUMBER_SIGN,
	    [DIGIT_0] = JSON_NUMBER_EXPONENT,
	    [DIGIT] = JSON_NUMBER_EXPONENT },
	[JSON_NUMBER_SIGN] = { [DIGIT_0] = JSON_NUMBER_EXPONENT,
	    [DIGIT] = JSON_NUMBER_EXPONENT },
	[JSON_NUMBER_EXPONENT] = { [DIGIT_0] = JSON_NUMBER_EXPONENT,
	    [DIGIT] = JSON_NUMBER_EXPONENT },
};

bool
json_number_step(enum json_number *n, char c)
{
	unsigned kind = kind_of(c);
	enum json_number next =
	    kind == NO_KIND ? JSON_NUMBER_START : after[*n][kind];

	if (next == JSON_NUMBER_START)
		return false;
	*n = next;
	return true;
}

bool
json_number_whole(enum json_number n)
{
	return n == JSON_NUMBER_ZERO || n == JSON_NUMBER_INT ||
	    n == JSON_NUMBER_FRACTION || n == JSON_NUMBER_EXPONENT;
}
