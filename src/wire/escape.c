/* SPDX-License-Identifier: MIT */
#include "wire/escape.h"

/* What a byte is to an escaper. */
enum kind {
	KEEP = 0, /* stands for itself */
	MULTI, /* begins a UTF-8 sequence, or is in the wrong place */
	BAD, /* cannot be carried */
	AMP,
	LT,
	GT,
	QUOT,
	APOS,
	TAB,
	NL,
	CR,
	BACKSLASH,
	JSON_QUOTE,
	JSON_TAB,
	JSON_NL,
	JSON_CR,
	JSON_CTRL /* \u00XX */
};

static const struct str with[] = {
	[KEEP] = { NULL, 0 },
	[MULTI] = { NULL, 0 },
	[BAD] = STR_INIT("\xef\xbf\xbd"),
	[AMP] = STR_INIT("&amp;"),
	[LT] = STR_INIT("&lt;"),
	[GT] = STR_INIT("&gt;"),
	[QUOT] = STR_INIT("&quot;"),
	[APOS] = STR_INIT("&#39;"),
	[TAB] = STR_INIT("&#9;"),
	[NL] = STR_INIT("&#10;"),
	[CR] = STR_INIT("&#13;"),
	[BACKSLASH] = STR_INIT("\\\\"),
	[JSON_QUOTE] = STR_INIT("\\\""),
	[JSON_TAB] = STR_INIT("\\t"),
	[JSON_NL] = STR_INIT("\\n"),
	[JSON_CR] = STR_INIT("\\r"),
	[JSON_CTRL] = { NULL, 0 },
};

#define X8(k) (k), (k), (k), (k), (k), (k), (k), (k)
#define X64(k) X8(k), X8(k), X8(k), X8(k), X8(k), X8(k), X8(k), X8(k)

/* The bytes from 0x00 to 0x1f, but for tab, newline and carriage return. */
#define CONTROLS(bad, tab, nl, cr)                                     \
	X8(bad), (bad), (tab), (nl), (bad), (bad), (cr), (bad), (bad), \
	    X8(bad), X8(bad)

/* From 0x20: space ! " # $ % & ' and then, from 0x38: 8 9 : ; < = > ? */
#define MARKS(quot, amp, apos, lt, gt)                                 \
	KEEP, KEEP, (quot), KEEP, KEEP, KEEP, (amp), (apos), X8(KEEP), \
	    X8(KEEP), KEEP, KEEP, KEEP, KEEP, (lt), KEEP, (gt), KEEP

/* From 0x40 to 0x7f, where only the backslash is special to anybody. */
#define LETTERS(backslash)                                                 \
	X8(KEEP), X8(KEEP), X8(KEEP), KEEP, KEEP, KEEP, KEEP, (backslash), \
	    KEEP, KEEP, KEEP, X8(KEEP), X8(KEEP), X8(KEEP), X8(KEEP)

static const unsigned char xml_text[256] = { CONTROLS(BAD, KEEP, KEEP, CR),
	MARKS(KEEP, AMP, KEEP, LT, GT), LETTERS(KEEP), X64(MULTI), X64(MULTI) };

static const unsigned char xml_attr[256] = { CONTROLS(BAD, TAB, NL, CR),
	MARKS(QUOT, AMP, APOS, LT, GT), LETTERS(KEEP), X64(MULTI), X64(MULTI) };

static const unsigned char json[256] = { CONTROLS(JSON_CTRL, JSON_TAB, JSON_NL,
					     JSON_CR),
	MARKS(JSON_QUOTE, KEEP, KEEP, KEEP, KEEP), LETTERS(BACKSLASH),
	X64(MULTI), X64(MULTI) };

static bool
continues(struct str s, size_t from, size_t n)
{
	size_t i;

	if (s.len - from < n)
		return false;
	for (i = 0; i < n; i++)
		if (((unsigned char)s.ptr[from + i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Of the sequence at s.ptr[at], a byte over 0x7f; 0: invalid. */
static size_t
utf8_length(struct str s, size_t at)
{
	unsigned char lead = (unsigned char)s.ptr[at];
	unsigned char next;

	if (lead < 0xc2 || lead > 0xf4 || at + 1 >= s.len)
		return 0;
	if (lead < 0xe0)
		return continues(s, at + 1, 1) ? 2 : 0;
	next = (unsigned char)s.ptr[at + 1];
	if (lead < 0xf0) {
		bool ok = continues(s, at + 1, 2) &&
		    (lead != 0xe0 || next >= 0xa0) && /* else overlong */
		    (lead != 0xed || next < 0xa0) && /* else a surrogate */
		    (lead != 0xef || next != 0xbf ||
			(unsigned char)s.ptr[at + 2] < 0xbe); /* U+FFFE, FFFF */

		return ok ? 3 : 0;
	}
	if (!continues(s, at + 1, 3) || (lead == 0xf0 && next < 0x90) ||
	    (lead == 0xf4 && next > 0x8f))
		return 0;
	return 4;
}

static void
put_special(struct buf *b, unsigned char kind, char c)
{
	if (kind == JSON_CTRL)
		buf_printf(b, "\\u%04x", (unsigned)(unsigned char)c);
	else
		buf_put(b, with[kind]);
}

/*
 * How many bytes from `at` on stand for themselves.  Eight at a time, with one
 * branch for all of them: this decides what a long listing costs.
 */
static size_t
plain_run(struct str s, size_t at, const unsigned char *kinds)
{
	const unsigned char *p = (const unsigned char *)s.ptr + at;
	size_t n = s.len - at;
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		if (kinds[p[i]] | kinds[p[i + 1]] | kinds[p[i + 2]] |
		    kinds[p[i + 3]] | kinds[p[i + 4]] | kinds[p[i + 5]] |
		    kinds[p[i + 6]] | kinds[p[i + 7]])
			break;
	while (i < n && !kinds[p[i]])
		i++;
	return i;
}

/* Copies runs: most text has nothing to escape. */
static void
put_escaped(struct buf *b, struct str s, const unsigned char *kinds)
{
	size_t from = 0;
	size_t at;

	if (!s.len)
		return;
	at = plain_run(s, 0, kinds);
	while (at < s.len) {
		unsigned char kind = kinds[(unsigned char)s.ptr[at]];
		size_t n = kind == MULTI ? utf8_length(s, at) : 0;

		if (!n) {
			buf_put(b, str_of(s.ptr + from, at - from));
			put_special(b, kind == MULTI ? BAD : kind, s.ptr[at]);
			from = at + 1;
			n = 1;
		}
		at += n;
		at += plain_run(s, at, kinds);
	}
	if (from < at)
		buf_put(b, str_of(s.ptr + from, at - from));
}

void
xml_put_text(struct buf *b, struct str s)
{
	put_escaped(b, s, xml_text);
}

void
xml_put_attr(struct buf *b, struct str s)
{
	put_escaped(b, s, xml_attr);
}

void
json_put_chars(struct buf *b, struct str s)
{
	put_escaped(b, s, json);
}

void
json_put_string(struct buf *b, struct str s)
{
	buf_putc(b, '"');
	put_escaped(b, s, json);
	buf_putc(b, '"');
}
