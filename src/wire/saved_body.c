/* SPDX-License-Identifier: MIT */
#include "wire/saved_body.h"

/* Most bytes of a line between chunks: digits, and perhaps an extension. */
#define MOST_LINE ((size_t)256)

#define PIECE ((size_t)4096)

/* How many bytes tell whether a body is compressed. */
#define SIGNATURE ((size_t)2)

/* inflateInit2(): the largest window, and a header of gzip or zlib. */
#define ANY_HEADER (15 + 32)

void
saved_body_done(struct saved_body *b)
{
	if (b->z_open)
		(void)inflateEnd(&b->z);
	b->z_open = false;
	buf_done(&b->held);
	buf_done(&b->line);
}

/* Whether a list field has this member. */
static bool
lists(const struct headers *h, struct str name, struct str member)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		struct str rest = h->v[i].value;
		struct str one;

		if (!str_eq_nocase(h->v[i].name, name))
			continue;
		while (str_cut(&rest, ',', &one))
			if (str_eq_nocase(str_trim(one), member))
				return true;
	}
	return false;
}

static bool
is_coded(const struct headers *h)
{
	static const struct str codings[] = { STR_INIT("gzip"),
		STR_INIT("x-gzip"), STR_INIT("deflate") };
	size_t i;

	for (i = 0; i < ARRAY_LEN(codings); i++)
		if (lists(h, STR("content-encoding"), codings[i]))
			return true;
	return false;
}

void
saved_body_begin(struct saved_body *b, const struct headers *fields)
{
	struct str length;

	saved_body_done(b);
	*b = (struct saved_body){ .out = b->out, .arg = b->arg };
	if (is_coded(fields))
		b->coding = CODING_MAYBE;
	if (lists(fields, STR("transfer-encoding"), STR("chunked"))) {
		b->framing = FRAMING_MAYBE;
	} else {
		/* Of two that differ neither is believed. */
		b->has_length = !headers_one(fields, STR("content-length"),
				    &length, NULL) &&
		    str_to_u64(length, &b->length);
		if (b->has_length && !b->length)
			b->framing = FRAMING_OVER;
	}
}

/* Decompresses bytes; damage sets b->broken. */
static enum err_code
inflate_all(struct saved_body *b, struct str bytes, struct err *err)
{
	unsigned char piece[PIECE];
	enum err_code rc = ERR_OK;
	int z = Z_OK;

	b->z.next_in = (z_const Bytef *)(uintptr_t)bytes.ptr;
	b->z.avail_in = (uInt)bytes.len;
	while (!rc && z == Z_OK) {
		b->z.next_out = piece;
		b->z.avail_out = sizeof(piece);
		z = inflate(&b->z, Z_NO_FLUSH);
		if (z == Z_MEM_ERROR)
			return err_nomem(err);
		if (b->z.avail_out < sizeof(piece))
			rc = b->out(b->arg,
			    str_of((const char *)piece,
				sizeof(piece) - b->z.avail_out),
			    err);
	}
	if (z == Z_STREAM_END)
		b->coding = CODING_OVER;
	else if (z != Z_OK && z != Z_BUF_ERROR)
		b->broken = true;
	return rc;
}

/* The same, in pieces that zlib can count in 32 bits. */
static enum err_code
inflate_some(struct saved_body *b, struct str bytes, struct err *err)
{
	const size_t most = (size_t)1 << 30;
	enum err_code rc = ERR_OK;

	while (bytes.len && !rc && !b->broken && b->coding == CODING_ON) {
		rc = inflate_all(b, str_head(bytes, most), err);
		bytes = str_skip(bytes, most);
	}
	return rc;
}

/* Whether it is gzip (RFC 1952) or zlib (RFC 1950), by the first two bytes. */
static bool
is_compressed(struct str s)
{
	unsigned char first = (unsigned char)s.ptr[0];
	unsigned char second = (unsigned char)s.ptr[1];

	return (first == 0x1f && second == 0x8b) ||
	    ((first & 0x8f) == 0x08 && (first * 256 + second) % 31 == 0);
}

static enum err_code
decode_held(struct saved_body *b, struct err *err)
{
	struct str held = buf_str(&b->held);

	if (held.len >= SIGNATURE && is_compressed(held)) {
		if (inflateInit2(&b->z, ANY_HEADER) != Z_OK)
			return err_nomem(err);
		b->z_open = true;
		b->coding = CODING_ON;
		return inflate_some(b, held, err);
	}
	b->coding = CODING_NONE;
	b->has_length = false; /* it is that of the compressed bytes */
	return held.len ? b->out(b->arg, held, err) : ERR_OK;
}

/* Takes bytes of the body, without what is around chunks. */
static enum err_code
decode(struct saved_body *b, struct str bytes, struct err *err)
{
	if (!bytes.len || b->broken || b->coding == CODING_OVER)
		return ERR_OK;
	if (b->coding == CODING_ON)
		return inflate_some(b, bytes, err);
	if (b->coding == CODING_NONE)
		return b->out(b->arg, bytes, err);
	buf_put(&b->held, bytes);
	if (buf_failed(&b->held))
		return err_nomem(err);
	return b->held.len < SIGNATURE ? ERR_OK : decode_held(b, err);
}

/* "1a3; name=value" */
static bool
read_size(struct str line, uint64_t *size)
{
	struct str digits = str_trim(str_head(line, str_find(line, ';')));
	size_t i;

	*size = 0;
	if (!digits.len || digits.len > 15)
		return false;
	for (i = 0; i < digits.len; i++) {
		int v = ascii_hex(digits.ptr[i]);

		if (v < 0)
			return false;
		*size = *size << 4 | (unsigned)v;
	}
	return true;
}

/*
 * Collects a line, up to its LF, which is taken too.  False: it is not whole
 * yet, or too long, or b->line has failed.
 */
static bool
take_line(struct saved_body *b, struct str *bytes, struct str *line)
{
	size_t n = str_find(*bytes, '\n');

	buf_put(&b->line, str_head(*bytes, n));
	if (b->line.len > MOST_LINE)
		b->broken = true;
	if (n == bytes->len || b->broken || buf_failed(&b->line)) {
		*bytes = STR("");
		return false;
	}
	*bytes = str_skip(*bytes, n + 1);
	*line = buf_str(&b->line);
	if (str_ends(*line, STR("\r")))
		line->len--;
	return true;
}

static void
take_size(struct saved_body *b, struct str *bytes)
{
	struct str line;

	if (!take_line(b, bytes, &line))
		return;
	if (!read_size(line, &b->length))
		b->broken = true;
	else
		b->framing = b->length ? FRAMING_DATA : FRAMING_TRAILER;
	buf_clear(&b->line);
}

static void
take_data_end(struct saved_body *b, struct str *bytes)
{
	struct str line;

	if (!take_line(b, bytes, &line))
		return;
	b->broken = line.len > 0;
	b->framing = FRAMING_SIZE;
	buf_clear(&b->line);
}

static void
take_trailer(struct saved_body *b, struct str *bytes)
{
	struct str line;

	if (!take_line(b, bytes, &line))
		return;
	if (!line.len)
		b->framing = FRAMING_OVER;
	buf_clear(&b->line);
}

/* Takes bytes of a chunk, or of a body without chunks. */
static enum err_code
take_data(struct saved_body *b, struct str *bytes, struct err *err)
{
	struct str piece = *bytes;

	/*
	 * No more than that: whether the length counts depends on the coding.
	 */
	if (b->coding == CODING_MAYBE)
		piece = str_head(piece, SIGNATURE - b->held.len);
	if (b->framing == FRAMING_DATA || b->has_length) {
		if (b->length < piece.len)
			piece = str_head(piece, (size_t)b->length);
		b->length -= piece.len;
		if (!b->length)
			b->framing = b->framing == FRAMING_DATA
			    ? FRAMING_DATA_END
			    : FRAMING_OVER;
	}
	*bytes = str_skip(*bytes, piece.len);
	return decode(b, piece, err);
}

/*
 * Finds out whether a body is in chunks, as its header says: it is if its first
 * line is a size.  Until that line is whole it is held in b->line.
 */
static enum err_code
/* NOLINTNEXTLINE(misc-no-recursion): once, for what was held */
tell_framing(
    struct saved_body *b, struct str *bytes, bool last, struct err *err)
{
	struct buf held CLEANUP(buf_done) = { 0 };
	struct str line, rest;
	enum err_code rc;
	uint64_t size;

	buf_put(&b->line, *bytes);
	if (buf_failed(&b->line))
		return err_nomem(err);
	rest = buf_str(&b->line);
	line = str_head(rest, str_find(rest, '\n'));
	if (line.len == rest.len && rest.len < MOST_LINE && !last) {
		*bytes = STR("");
		return ERR_OK;
	}
	if (str_ends(line, STR("\r")))
		line.len--;
	b->framing = read_size(line, &size) ? FRAMING_SIZE : FRAMING_PLAIN;
	held = b->line;
	b->line = (struct buf){ 0 };
	rc = saved_body_feed(b, &rest, err);
	/* What was not taken is from these bytes: earlier ones had no LF. */
	*bytes = str_skip(*bytes, bytes->len - rest.len);
	return rc;
}

/* Takes at least one byte off *bytes. */
static enum err_code
/* NOLINTNEXTLINE(misc-no-recursion): once, for what was held */
step(struct saved_body *b, struct str *bytes, struct err *err)
{
	switch (b->framing) {
	case FRAMING_MAYBE:
		return tell_framing(b, bytes, false, err);
	case FRAMING_PLAIN:
	case FRAMING_DATA:
		return take_data(b, bytes, err);
	case FRAMING_SIZE:
		take_size(b, bytes);
		break;
	case FRAMING_DATA_END:
		take_data_end(b, bytes);
		break;
	case FRAMING_TRAILER:
		take_trailer(b, bytes);
		break;
	case FRAMING_OVER:
		break;
	}
	return buf_failed(&b->line) ? err_nomem(err) : ERR_OK;
}

enum err_code
/* NOLINTNEXTLINE(misc-no-recursion): once, for what was held */
saved_body_feed(struct saved_body *b, struct str *bytes, struct err *err)
{
	enum err_code rc = ERR_OK;

	while (bytes->len && !rc && !b->broken && b->framing != FRAMING_OVER)
		rc = step(b, bytes, err);
	if (b->broken)
		*bytes = STR("");
	return rc;
}

enum err_code
saved_body_end(struct saved_body *b, bool *cut, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct str none = STR("");

	if (b->framing == FRAMING_MAYBE)
		rc = tell_framing(b, &none, true, err);
	if (!rc && b->coding == CODING_MAYBE)
		rc = decode_held(b, err);
	*cut = b->broken || b->coding == CODING_ON ||
	    (b->has_length && b->length > 0) ||
	    (b->framing != FRAMING_PLAIN && b->framing != FRAMING_OVER);
	return rc;
}
