/* SPDX-License-Identifier: MIT */
#include "server/compress.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "http/negotiate.h"

/*
 * What is compressed leaves as fast as it is made, so it must cost little: a
 * listing shrinks to a 25th at the lowest level, and hardly more at the
 * highest.  Members of a listing resemble the few before them, and much of a
 * compressed listing says how far back a match lies.  So a small window makes
 * it smaller: for 10,000 members gzip made 147 kB with a window of 4 KiB, and
 * 177 kB with one of 32; zstd made 123 kB with 32 KiB, and 145 kB with 128, in
 * a third of the memory.
 *
 * deflateTune(): the first match found will do, unless one that begins a byte
 * later is longer.
 */
#define GZIP_LEVEL 1
#define GZIP_WINDOW (12 + 16) /* 16: with the header of gzip */
#define GZIP_MEMORY 7
#define GZIP_GOOD 4
#define GZIP_LAZY 16
#define GZIP_NICE 258
#define GZIP_CHAIN 1
#define ZSTD_LEVEL 1
#define ZSTD_WINDOW 15
#define ZSTD_MATCH 5

/*
 * After so many bytes the compressed bytes are flushed, once: they are the
 * first that the client gets.  Otherwise the reader is woken only when much has
 * been written, which takes 20 times more with a coding.
 */
#define FIRST_PART ((size_t)64 * 1024)

struct compress {
	struct ostream base;
	struct ostream *to;
	size_t first; /* bytes of the first part that are to come */
	ZSTD_CCtx *zstd; /* NULL: gzip */
	z_stream z;
	char out[16 * 1024];
};

/* The names of the codings we offer, in our order of preference. */
static const struct str names[] = { STR_INIT("zstd"), STR_INIT("gzip") };
static const enum coding codings[] = { CODING_ZSTD, CODING_GZIP };

struct str
coding_name(enum coding c)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(codings); i++)
		if (codings[i] == c)
			return names[i];
	return STR("");
}

enum coding
coding_choose(struct str accept_encoding)
{
	int i = accept_coding(accept_encoding, names, ARRAY_LEN(names));

	return i < 0 ? CODING_IDENTITY : codings[i];
}

/* ---- gzip */

static enum err_code
pass_gzip(struct compress *c, struct str bytes, int flush)
{
	enum err_code rc = ERR_OK;

	/* zlib promises not to write there; its type does not. */
	c->z.next_in = (Bytef *)(uintptr_t)bytes.ptr;
	c->z.avail_in = (uInt)bytes.len;
	do {
		c->z.next_out = (Bytef *)c->out;
		c->z.avail_out = sizeof(c->out);
		if (deflate(&c->z, flush) == Z_STREAM_ERROR)
			return ERR_INTERNAL;
		rc = ostream_write(
		    c->to, str_of(c->out, sizeof(c->out) - c->z.avail_out));
	} while (!rc && !c->z.avail_out);
	return rc;
}

/* ---- zstd */

static enum err_code
pass_zstd(struct compress *c, struct str bytes, ZSTD_EndDirective what)
{
	ZSTD_inBuffer in = { bytes.ptr, bytes.len, 0 };
	enum err_code rc;
	size_t left;

	do {
		ZSTD_outBuffer out = { c->out, sizeof(c->out), 0 };

		left = ZSTD_compressStream2(c->zstd, &out, &in, what);
		if (ZSTD_isError(left))
			return ERR_INTERNAL;
		rc = ostream_write(c->to, str_of(c->out, out.pos));
	} while (
	    !rc && (what == ZSTD_e_continue ? in.pos < in.size : left > 0));
	return rc;
}

/* ---- the stream */

static enum err_code
pass(struct compress *c, struct str bytes, ZSTD_EndDirective what)
{
	static const int flushes[] = {
		[ZSTD_e_continue] = Z_NO_FLUSH,
		[ZSTD_e_flush] = Z_SYNC_FLUSH,
		[ZSTD_e_end] = Z_FINISH,
	};

	if (c->zstd)
		return pass_zstd(c, bytes, what);
	return pass_gzip(c, bytes, flushes[what]);
}

static enum err_code
compress_flush(struct ostream *o)
{
	struct compress *c = CONTAINER_OF(o, struct compress, base);
	enum err_code rc = pass(c, (struct str){ 0 }, ZSTD_e_flush);

	return rc ? rc : ostream_flush(c->to);
}

static enum err_code
compress_write(struct ostream *o, struct str bytes)
{
	struct compress *c = CONTAINER_OF(o, struct compress, base);
	bool waits = c->first > 0;
	enum err_code rc = ERR_OK;

	c->first -= c->first < bytes.len ? c->first : bytes.len;
	/* In pieces that fit every type on the way. */
	for (; bytes.len && !rc; bytes = str_skip(bytes, INT32_MAX))
		rc = pass(c, str_head(bytes, INT32_MAX), ZSTD_e_continue);
	return !rc && waits && !c->first ? compress_flush(o) : rc;
}

static enum err_code
compress_end(struct ostream *o)
{
	struct compress *c = CONTAINER_OF(o, struct compress, base);
	enum err_code rc = pass(c, (struct str){ 0 }, ZSTD_e_end);

	return rc ? rc : ostream_end(c->to);
}

static const struct ostream_ops compress_ops = {
	.name = "compressor",
	.write = compress_write,
	.flush = compress_flush,
	.end = compress_end,
};

static bool
open_zstd(struct compress *c)
{
	c->zstd = ZSTD_createCCtx();
	return c->zstd &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(
		c->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(
		c->zstd, ZSTD_c_windowLog, ZSTD_WINDOW)) &&
	    !ZSTD_isError(
		ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_minMatch, ZSTD_MATCH));
}

static bool
open_gzip(struct compress *c)
{
	return deflateInit2(&c->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW,
		   GZIP_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK &&
	    deflateTune(&c->z, GZIP_GOOD, GZIP_LAZY, GZIP_NICE, GZIP_CHAIN) ==
	    Z_OK;
}

enum err_code
compress_new(enum coding coding, struct ostream *to, struct compress **out,
    struct err *err)
{
	struct compress *c = calloc(1, sizeof(*c));

	if (!c)
		return err_nomem(err);
	ostream_init(&c->base, &compress_ops);
	c->to = to;
	c->first = FIRST_PART;
	if (coding == CODING_ZSTD ? !open_zstd(c) : !open_gzip(c)) {
		compress_free(c);
		return err_nomem(err);
	}
	*out = c;
	return ERR_OK;
}

struct ostream *
compress_stream(struct compress *c)
{
	return &c->base;
}

void
compress_free(struct compress *c)
{
	if (!c)
		return;
	if (c->zstd)
		(void)ZSTD_freeCCtx(c->zstd);
	else
		(void)deflateEnd(&c->z);
	free(c);
}
