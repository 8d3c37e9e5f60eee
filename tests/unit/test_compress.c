/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "server/body_out.h"
#include "server/compress.h"

static const enum coding codings[] = { CODING_ZSTD, CODING_GZIP };

/* What was coded, as far as it can be decoded by now. */
static void
decode(enum coding c, struct str in, struct buf *out)
{
	size_t room = 1 << 20;
	char *to = buf_room(out, room);

	assert_non_null(to);
	if (c == CODING_GZIP) {
		z_stream z = { 0 };

		assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
		z.next_in = (Bytef *)(uintptr_t)in.ptr;
		z.avail_in = (uInt)in.len;
		z.next_out = (Bytef *)to;
		z.avail_out = (uInt)room;
		(void)inflate(&z, Z_SYNC_FLUSH);
		out->len += room - z.avail_out;
		(void)inflateEnd(&z);
	} else {
		ZSTD_DStream *d = ZSTD_createDStream();
		ZSTD_inBuffer from = { in.ptr, in.len, 0 };
		ZSTD_outBuffer into = { to, room, 0 };

		while (from.pos < from.size &&
		    !ZSTD_isError(ZSTD_decompressStream(d, &into, &from)))
			;
		out->len += into.pos;
		(void)ZSTD_freeDStream(d);
	}
}

static void
put_lines(struct buf *b, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		buf_printf(b, "<D:href>/folder/a-name-%06u</D:href>\n", i);
}

static void
what_was_coded_decodes_to_the_same_and_is_smaller(void **state)
{
	struct buf text = { 0 };
	size_t i;

	(void)state;
	put_lines(&text, 5000);
	for (i = 0; i < ARRAY_LEN(codings); i++) {
		struct buf coded = { 0 }, plain = { 0 };
		struct compress *c;
		struct buf_ostream to;
		size_t at;

		assert_int_equal(compress_new(codings[i],
				     buf_ostream_init(&to, &coded), &c, NULL),
		    ERR_OK);
		for (at = 0; at < text.len; at += 1000)
			assert_int_equal(
			    ostream_write(compress_stream(c),
				str_head(str_skip(buf_str(&text), at), 1000)),
			    ERR_OK);
		assert_int_equal(ostream_end(compress_stream(c)), ERR_OK);
		compress_free(c);
		decode(codings[i], buf_str(&coded), &plain);
		assert_str_equal(buf_str(&plain), buf_str(&text));
		assert_true(coded.len * 8 < text.len);
		buf_done(&coded);
		buf_done(&plain);
	}
	buf_done(&text);
}

/* Of a folder that was filled in one go, at about 20 µs a file. */
static void
put_member(struct buf *b, unsigned i, uint64_t *seed, uint64_t *time)
{
	uint64_t born;

	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	*time += 18000 + (*seed >> 52);
	born = *time - 8000 - (*seed >> 34 & 0xfff);
	buf_printf(b,
	    "<D:response><D:href>/flat/f%05u.bin</D:href><D:propstat><D:prop>"
	    "<D:resourcetype/><D:getcontentlength>1024</D:getcontentlength>"
	    "<D:getlastmodified>Sat, 21 Nov 2026 18:03:23 GMT"
	    "</D:getlastmodified><D:getetag>\"%x-400-%llx-%llx\""
	    "</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status>"
	    "</D:propstat></D:response>\n",
	    i, 0xf7cd1f + i, (unsigned long long)*time,
	    (unsigned long long)((born ^ born >> 32) & UINT32_MAX));
}

static void
ten_thousand_members_are_less_than_150_kb(void **state)
{
	struct buf text = { 0 };
	uint64_t seed = 6, time = UINT64_C(0x18ea21788da1a103);
	unsigned i;

	(void)state;
	for (i = 0; i < 10000; i++)
		put_member(&text, i, &seed, &time);
	assert_true(text.len > 3 * 1000 * 1000);
	for (i = 0; i < ARRAY_LEN(codings); i++) {
		struct buf coded = { 0 };
		struct compress *c;
		struct buf_ostream to;

		assert_int_equal(compress_new(codings[i],
				     buf_ostream_init(&to, &coded), &c, NULL),
		    ERR_OK);
		assert_int_equal(
		    ostream_write(compress_stream(c), buf_str(&text)), ERR_OK);
		assert_int_equal(ostream_end(compress_stream(c)), ERR_OK);
		compress_free(c);
		assert_true(coded.len < 150 * 1000);
		buf_done(&coded);
	}
	buf_done(&text);
}

static void
a_flush_makes_what_was_written_readable(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(codings); i++) {
		struct buf coded = { 0 }, plain = { 0 };
		struct compress *c;
		struct buf_ostream to;

		assert_int_equal(compress_new(codings[i],
				     buf_ostream_init(&to, &coded), &c, NULL),
		    ERR_OK);
		(void)ostream_write(compress_stream(c), STR("so far"));
		decode(codings[i], buf_str(&coded), &plain);
		assert_int_equal(plain.len, 0);
		assert_int_equal(ostream_flush(compress_stream(c)), ERR_OK);
		decode(codings[i], buf_str(&coded), &plain);
		assert_str_equal(buf_str(&plain), STR("so far"));
		compress_free(c);
		buf_done(&coded);
		buf_done(&plain);
	}
}

/* Or a client would wait for the first of a long answer. */
static void
the_first_part_is_readable_without_a_flush(void **state)
{
	struct buf text = { 0 };
	size_t i;

	(void)state;
	put_lines(&text, 2000); /* more than 64 KiB */
	for (i = 0; i < ARRAY_LEN(codings); i++) {
		struct buf coded = { 0 }, plain = { 0 };
		struct compress *c;
		struct buf_ostream to;
		size_t at;

		assert_int_equal(compress_new(codings[i],
				     buf_ostream_init(&to, &coded), &c, NULL),
		    ERR_OK);
		for (at = 0; at < 65000; at += 1000)
			assert_int_equal(
			    ostream_write(compress_stream(c),
				str_head(str_skip(buf_str(&text), at), 1000)),
			    ERR_OK);
		decode(codings[i], buf_str(&coded), &plain);
		assert_true(plain.len < at); /* some of it may wait */
		buf_clear(&plain);
		assert_int_equal(
		    ostream_write(compress_stream(c),
			str_head(str_skip(buf_str(&text), at), 1000)),
		    ERR_OK);
		decode(codings[i], buf_str(&coded), &plain);
		assert_str_equal(
		    buf_str(&plain), str_head(buf_str(&text), at + 1000));
		compress_free(c);
		buf_done(&coded);
		buf_done(&plain);
	}
	buf_done(&text);
}

static void
a_failure_behind_it_is_its_failure(void **state)
{
	struct buf text = { 0 };
	size_t i;

	(void)state;
	put_lines(&text, 5000);
	for (i = 0; i < ARRAY_LEN(codings); i++) {
		struct buf coded = { .max = 4 };
		struct compress *c;
		struct buf_ostream to;

		assert_int_equal(compress_new(codings[i],
				     buf_ostream_init(&to, &coded), &c, NULL),
		    ERR_OK);
		(void)ostream_write(compress_stream(c), buf_str(&text));
		assert_int_equal(
		    ostream_end(compress_stream(c)), ERR_TOO_LARGE);
		compress_free(c);
		buf_done(&coded);
	}
	buf_done(&text);
}

static void
no_memory_is_an_error(void **state)
{
	struct buf coded = { 0 };
	struct buf_ostream to;
	struct compress *c;

	(void)state;
	alloc_fail_at(1);
	assert_int_equal(
	    compress_new(CODING_GZIP, buf_ostream_init(&to, &coded), &c, NULL),
	    ERR_NOMEM);
	assert_true(alloc_fail_stop());
}

static void
the_coding_is_the_one_asked_for(void **state)
{
	static const struct {
		const char *accept;
		enum coding want;
	} cases[] = {
		{ "", CODING_IDENTITY },
		{ "gzip", CODING_GZIP },
		{ "gzip, zstd", CODING_ZSTD },
		{ "zstd;q=0, gzip", CODING_GZIP },
		{ "br", CODING_IDENTITY },
		{ "*", CODING_ZSTD },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    coding_choose(str_from_c(cases[i].accept)), cases[i].want);
	assert_str_equal(coding_name(CODING_GZIP), STR("gzip"));
	assert_str_equal(coding_name(CODING_IDENTITY), STR(""));
}

/* ---- the front */

struct front {
	struct body_out b;
	struct buf coded;
	struct buf_ostream to;
};

static struct ostream *
open_front(struct body_out *b)
{
	struct front *f = CONTAINER_OF(b, struct front, b);

	return buf_ostream_init(&f->to, &f->coded);
}

static struct ostream *
open_nothing(struct body_out *b)
{
	(void)b;
	return NULL;
}

static void
a_body_is_coded_only_when_it_is_worth_it(void **state)
{
	static const struct {
		size_t written;
		bool flush;
		enum coding want;
		bool small;
	} cases[] = {
		{ 0, false, CODING_IDENTITY, true },
		{ 0, true, CODING_IDENTITY, true },
		{ BODY_OUT_SMALL, false, CODING_IDENTITY, true },
		{ BODY_OUT_SMALL + 1, false, CODING_GZIP, false },
		{ 10, true, CODING_GZIP, false },
	};
	char bytes[BODY_OUT_SMALL + 1];
	size_t i, at;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct front f = { 0 };
		struct body_out *b = &f.b;
		struct buf plain = { 0 };
		struct ostream *o = body_out_init(b, open_front, CODING_GZIP);

		/* So that a slow machine flushes no sooner than we say. */
		b->flushed = INT64_MAX;
		for (at = 0; at < cases[i].written; at++)
			(void)ostream_write(o, str_of(bytes, 1));
		if (cases[i].flush)
			assert_int_equal(ostream_flush(o), ERR_OK);
		assert_int_equal(ostream_end(o), ERR_OK);
		if (b->small) /* which it stays */
			assert_int_equal(ostream_flush(o), ERR_OK);
		assert_int_equal(b->coding, cases[i].want);
		assert_int_equal(b->small, cases[i].small);
		assert_int_equal(f.coded.len == 0, cases[i].small);
		if (b->small)
			buf_put(&plain, str_of(b->pending, b->pending_len));
		else
			decode(CODING_GZIP, buf_str(&f.coded), &plain);
		assert_str_equal(
		    buf_str(&plain), str_of(bytes, cases[i].written));
		body_out_done(b);
		buf_done(&f.coded);
		buf_done(&plain);
	}
}

static void
a_slow_producer_is_flushed(void **state)
{
	struct front f = { 0 };
	struct body_out *b = &f.b;
	struct buf plain = { 0 };
	struct ostream *o;

	(void)state;
	o = body_out_init(b, open_front, CODING_ZSTD);
	b->flushed = INT64_MAX;
	(void)ostream_write(o, STR("first "));
	assert_int_equal(f.coded.len, 0);
	b->flushed -= INT64_MAX; /* long ago */
	(void)ostream_write(o, STR("second"));
	decode(CODING_ZSTD, buf_str(&f.coded), &plain);
	assert_str_equal(buf_str(&plain), STR("first second"));
	body_out_done(b);
	buf_done(&f.coded);
	buf_done(&plain);
}

static void
a_body_that_goes_nowhere_fails(void **state)
{
	struct body_out b = { 0 };
	struct ostream *o = body_out_init(&b, open_nothing, CODING_GZIP);

	(void)state;
	(void)ostream_write(o, STR("x"));
	assert_int_equal(ostream_flush(o), ERR_NOMEM);
	assert_int_equal(ostream_end(o), ERR_NOMEM);
	assert_false(b.small);
	body_out_done(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_was_coded_decodes_to_the_same_and_is_smaller),
		cmocka_unit_test(ten_thousand_members_are_less_than_150_kb),
		cmocka_unit_test(a_flush_makes_what_was_written_readable),
		cmocka_unit_test(the_first_part_is_readable_without_a_flush),
		cmocka_unit_test(a_failure_behind_it_is_its_failure),
		cmocka_unit_test(no_memory_is_an_error),
		cmocka_unit_test(the_coding_is_the_one_asked_for),
		cmocka_unit_test(a_body_is_coded_only_when_it_is_worth_it),
		cmocka_unit_test(a_slow_producer_is_flushed),
		cmocka_unit_test(a_body_that_goes_nowhere_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
