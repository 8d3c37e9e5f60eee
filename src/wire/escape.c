/* SPDX-License-Identifier: MIT */
#include "wire/escape.h"

#include "base/sixteen.h"

/* What is to be done with a byte: from AMP on, how it is escaped. */
enum kind {
	KEEP = 0, /* is copied */
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

/*
 * The length of the sequence that begins at s.ptr[at], over 0x7f; 0: invalid.
 */
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

/* Marks those of sixteen bytes that may have to be escaped. */
static ALWAYS_INLINE sixteen
special_in_text(sixteen w)
{
	return (w < sixteen_times(' ')) | (w == sixteen_times('&')) |
	    (w == sixteen_times('<')) | (w == sixteen_times('>'));
}

static ALWAYS_INLINE sixteen
special_in_attr(sixteen w)
{
	return special_in_text(w) | (w == sixteen_times('"')) |
	    (w == sixteen_times('\''));
}

static ALWAYS_INLINE sixteen
special_in_json(sixteen w)
{
	return (w < sixteen_times(' ')) | (w == sixteen_times('"')) |
	    (w == sixteen_times('\\'));
}

/* One for each form, a constant where it is used, so that all is inlined. */
struct escaper {
	const unsigned char *kinds;
	sixteen (*special)(sixteen w);
};

static const struct escaper text_escaper = { xml_text, special_in_text };
static const struct escaper attr_escaper = { xml_attr, special_in_attr };
static const struct escaper json_escaper = { json, special_in_json };

/* Copies up to the first byte that is not KEEP; returns how many. */
static ALWAYS_INLINE size_t
copy_plain(char *at, struct str s, const struct escaper *e)
{
	size_t i = sixteen_copy(at, s, e->special);

	for (; i < s.len && !e->kinds[(unsigned char)s.ptr[i]]; i++)
		at[i] = s.ptr[i];
	return i;
}

/* How much of s, from its first byte on, is sequences of UTF-8 over 0x7f. */
static size_t
multi_run(struct str s)
{
	size_t n, at = 0;

	do {
		n = at < s.len && s.ptr[at] & '\x80' ? utf8_length(s, at) : 0;
		at += n;
	} while (n);
	return at;
}

/* Writes the bytes that are not KEEP at the front of s; returns the rest. */
static struct str
put_specials(struct buf *b, struct str s, const unsigned char *kinds)
{
	while (s.len && kinds[(unsigned char)s.ptr[0]]) {
		unsigned char kind = kinds[(unsigned char)s.ptr[0]];
		size_t n = multi_run(s);

		buf_put(b, str_head(s, n));
		if (!n)
			put_special(b, kind == MULTI ? BAD : kind, s.ptr[0]);
		s = str_skip(s, n ? n : 1);
	}
	return s;
}

/* Most text has nothing to escape, and is copied in one go. */
static ALWAYS_INLINE void
put_escaped(struct buf *b, struct str s, const struct escaper *e)
{
	while (s.len) {
		char *at = buf_room(b, s.len);
		size_t n;

		if (!at)
			return;
		n = copy_plain(at, s, e);
		b->len += n;
		if (n == s.len)
			return;
		s = put_specials(b, str_skip(s, n), e->kinds);
	}
}

void
xml_put_text(struct buf *b, struct str s)
{
	put_escaped(b, s, &text_escaper);
}

void
xml_put_attr(struct buf *b, struct str s)
{
	put_escaped(b, s, &attr_escaper);
}

void
json_put_chars(struct buf *b, struct str s)
{
	put_escaped(b, s, &json_escaper);
}

void
json_put_string(struct buf *b, struct str s)
{
	buf_putc(b, '"');
	put_escaped(b, s, &json_escaper);
	buf_putc(b, '"');
}
