/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include <stdlib.h>
#include <zlib.h>

#include "lib/alloc_fail.h"
#include "wire/saved.h"

/* What came, in words. */
struct log {
	struct buf text;
	enum err_code fail; /* what body() returns */
};

static enum err_code
on_begin(void *arg, const struct answer_head *h, struct err *err)
{
	struct log *l = arg;

	(void)err;
	buf_printf(&l->text, "<%u", h->status);
	if (h->method.len)
		buf_printf(&l->text, " %.*s", STR_ARG(h->method));
	if (h->url.len)
		buf_printf(&l->text, " %.*s", STR_ARG(h->url));
	if (h->content_type.len)
		buf_printf(&l->text, " %.*s", STR_ARG(h->content_type));
	buf_printf(&l->text, " +%zu>", h->fields.n);
	return ERR_OK;
}

static enum err_code
on_body(void *arg, struct str bytes, struct err *err)
{
	struct log *l = arg;

	(void)err;
	assert_true(bytes.len > 0);
	buf_put(&l->text, bytes);
	return l->fail;
}

static enum err_code
on_end(void *arg, bool cut, struct err *err)
{
	struct log *l = arg;

	(void)err;
	buf_put(&l->text, cut ? STR("<cut>") : STR("<end>"));
	return ERR_OK;
}

static const struct saved_events events = { on_begin, on_body, on_end };

static enum err_code
run(struct log *l, struct str text, size_t step, struct err *err)
{
	struct saved *s;
	enum err_code rc = saved_new(&events, l, &s, err);

	if (rc)
		return rc;
	while (text.len) {
		(void)ostream_write(saved_stream(s), str_head(text, step));
		text = str_skip(text, step);
	}
	rc = saved_end(s, err);
	saved_free(s);
	return rc;
}

static const size_t step_sizes[] = { SIZE_MAX, 1, 2, 3, 17 };

static void
assert_saved(struct str text, const char *want, enum err_code end)
{
	size_t k;

	for (k = 0; k < ARRAY_LEN(step_sizes); k++) {
		struct log l = { 0 };
		struct err err = { 0 };
		enum err_code rc = run(&l, text, step_sizes[k], &err);

		if (rc != end || !str_eq(buf_str(&l.text), str_from_c(want)))
			fail_msg("of %.*s\nby %zu came %s: %s\n%.*s\nwant\n%s",
			    STR_ARG(text), step_sizes[k], err_name(rc),
			    err.tell, STR_ARG(buf_str(&l.text)), want);
		buf_done(&l.text);
	}
}

#define S "HTTP/1.1 207 Multi-Status\r\n"

static void
what_was_saved_is_told_apart_and_given(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "<0 +0><end>" },
		{ "<a/>", "<0 +0><a/><end>" },
		{ "H", "<0 +0>H<end>" },
		{ "{\"results\":[]}", "<0 +0>{\"results\":[]}<end>" },
		{ "{\"lo", "<0 +0>{\"lo<end>" },
		{ "{ \"log2\":1}", "<0 +0>{ \"log2\":1}<end>" },
		{ "\x1e{}\n", "<0 +0>\x1e{}\n<end>" },
		/* headers */
		{ S "\r\n<a/>", "<207 +0><a/><end>" },
		{ S "Content-Type:  text/xml \r\nX: y\r\n\r\n<a/>",
		    "<207 text/xml +2><a/><end>" },
		{ "HTTP/2 207 \ncontent-type: a/b\n\n\n<a/>",
		    "<207 a/b +1>\n<a/><end>" },
		{ "HTTP/3 207\r\nA: b\r\n c\r\nD:e\r\n\r\n", "<207 +2><end>" },
		{ S "no field\r\n: none\r\nA B: x\r\nC: d\r\n\r\n",
		    "<207 +1><end>" },
		{ S "Content-Type: a/a\r\nContent-Type: b/b\r\n\r\n",
		    "<207 +2><end>" },
		/* what stands in front */
		{ "HTTP/1.1 100 Continue\r\n\r\n" S "\r\n<a/>",
		    "<207 +0><a/><end>" },
		{ "HTTP/1.1 200 Connection established\r\n\r\n"
		  "HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\n"
		  "HTTP/1.1 301 Moved\r\nLocation: /b\r\n\r\n" S "\r\n<a/>",
		    "<207 +0><a/><end>" },
		{ "HTTP/1.1 100 Continue\r\n\r\n", "<100 +0><end>" },
		/* several */
		{ S "\r\n" S "Content-Length: 4\r\n\r\n<a/>" S
		    "Content-Length: 4\r\n\r\n<b/>\r\n" S "\r\nHTT",
		    "<207 +0><end><207 +1><a/><end><207 +1><b/><end>"
		    "<207 +0>HTT<end>" },
		/* lengths */
		{ S "Content-Length: 4\r\n\r\n<a/>\n", "<207 +1><a/><end>" },
		{ S "Content-Length: 5\r\n\r\n<a/>", "<207 +1><a/><cut>" },
		{ S "Content-Length: 0\r\n\r\n", "<207 +1><end>" },
		{ S "Content-Length: 3\r\n\r\n<a/>", "<207 +1><a/><end>" },
		{ S "Content-Length: x\r\n\r\n<a/>", "<207 +1><a/><end>" },
		{ S "Content-Length: 9\r\nContent-Length: 8\r\n\r\n<a/>",
		    "<207 +2><a/><end>" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_saved(str_from_c(cases[i].text), cases[i].want, ERR_OK);
}

#define T S "Transfer-Encoding: chunked\r\n\r\n"

static void
chunks_are_put_together_where_there_are_any(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ T "2\r\n<a\r\n2;x=y\r\n/>\r\n0\r\n\r\n",
		    "<207 +1><a/><end>" },
		{ T "2\n<a\n2\n/>\n0\n\n", "<207 +1><a/><end>" },
		{ T "2\r\n<a\r\n0\r\nTrailer: x\r\n\r\n", "<207 +1><a<end>" },
		{ T "0\r\n\r\n" S "\r\n<b/>",
		    "<207 +1><end><207 +0><b/><end>" },
		{ T "<a/>\n<b>", "<207 +1><a/>\n<b><end>" },
		{ T "<a/>", "<207 +1><a/><end>" },
		{ T "", "<207 +1><end>" },
		{ T "2\r\n<a\r\n", "<207 +1><a<cut>" },
		{ T "2\r\n<a\r\n0\r\n", "<207 +1><a<cut>" },
		{ T "9\r\n<a", "<207 +1><a<cut>" },
		{ T "2\r\n<abc\r\n0\r\n\r\n", "<207 +1><a<cut>" },
		{ T "2\r\n<a\r\nx\r\nb", "<207 +1><a<cut>" },
		{ T "f", "<207 +1><cut>" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_saved(str_from_c(cases[i].text), cases[i].want, ERR_OK);
}

/* window: as deflateInit2() has it. */
static void
compress_to(struct buf *to, struct str s, int window)
{
	z_stream z = { 0 };

	assert_int_equal(
	    deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
	z.next_in = (z_const Bytef *)(uintptr_t)s.ptr;
	z.avail_in = (uInt)s.len;
	z.next_out = (Bytef *)buf_room(to, 4096);
	z.avail_out = 4096;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	to->len += z.total_out;
	(void)deflateEnd(&z);
}

static void
compressed_bodies_are_decoded_where_they_are_compressed(void **state)
{
	static const struct {
		const char *coding;
		int window; /* 0: it is not */
		size_t missing;
		const char *want;
	} cases[] = {
		{ "gzip", 15 + 16, 0, "<207 +2><a><b/></a><end>" },
		{ "gzip", 15 + 16, 1, "<207 +2><a><b/></a><cut>" },
		{ "x-gzip, br", 15 + 16, 0, "<207 +2><a><b/></a><end>" },
		{ "deflate", 15, 0, "<207 +2><a><b/></a><end>" },
		{ "gzip", 0, 0, "<207 +2><a><b/></a><end>" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text = { 0 };
		struct buf body = { 0 };

		if (cases[i].window)
			compress_to(&body, STR("<a><b/></a>"), cases[i].window);
		else
			BUF_LIT(&body, "<a><b/></a>");
		/* As curl writes it: the length is that of other bytes. */
		buf_printf(&text,
		    S "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
		    cases[i].coding, cases[i].window ? body.len : (size_t)999);
		buf_put(&text,
		    str_head(buf_str(&body), body.len - cases[i].missing));
		assert_saved(buf_str(&text), cases[i].want, ERR_OK);
		buf_done(&text);
		buf_done(&body);
	}
}

static void
a_damaged_compression_is_cut_and_short_ones_are_no_compression(void **state)
{
	static const char damaged[] = S "Content-Encoding: gzip\r\n\r\n"
					"\x1f\x8b\x08\xff\xff\xff\xff";

	(void)state;
	assert_saved(
	    str_of(damaged, sizeof(damaged) - 1), "<207 +1><cut>", ERR_OK);
	assert_saved(
	    STR(S "Content-Encoding: gzip\r\n\r\n<"), "<207 +1><<end>", ERR_OK);
	assert_saved(
	    STR(S "Content-Encoding: gzip\r\n\r\n"), "<207 +1><end>", ERR_OK);
}

static void
what_is_no_response_is_refused(void **state)
{
	(void)state;
	assert_saved(STR("HTTP/1.1 207 Multi"), "", ERR_BAD_ANSWER);
	assert_saved(STR(S "Content-Length: 4\r\n"), "", ERR_BAD_ANSWER);
	assert_saved(STR("HTTP/1.1 x\r\n\r\n<a/>"), "", ERR_BAD_ANSWER);
}

#define LOG(entries) "{\"log\":{\"version\":\"1.2\",\"entries\":[" entries "]}}"
#define ENTRY(request, response) \
	"{\"time\":1,\"request\":{" request "},\"response\":{" response "}}"

static void
the_207s_of_an_archive_are_given(void **state)
{
	static const struct {
		const char *text, *want;
		enum err_code end;
	} cases[] = {
		{ "\xef\xbb\xbf " LOG(ENTRY(
		      "\"method\":\"PROPFIND\",\"url\":\"http://h/a\"",
		      "\"status\":207,\"headers\":[{\"name\":\"Content-Type\","
		      "\"value\":\"text/xml\"},{\"name\":\"X\",\"value\":\"\"}]"
		      ",\"content\":{\"size\":4,\"mimeType\":\"a/b\","
		      "\"text\":\"<a/>\"}")),
		    "<207 PROPFIND http://h/a text/xml +2><a/><end>", ERR_OK },
		{ LOG(ENTRY("",
		      "\"status\":200,\"content\":{\"text\":\"x\"}") "," ENTRY("",
		      "\"content\":{\"text\":\"PGEvPg==\","
		      "\"encoding\":\"base64\",\"mimeType\":\"a/b\"},"
		      "\"status\":207") "," ENTRY("",
		      "\"content\":{\"text\":\"\\u00e9\"},"
		      "\"status\":207")),
		    "<207 a/b +0><a/><end><207 +0>\xc3\xa9<end>", ERR_OK },
		/* what the browser had no more, or cut */
		{ LOG(ENTRY("", "\"status\":207,\"content\":{\"size\":9}")),
		    "<207 +0><cut>", ERR_OK },
		{ LOG(ENTRY("", "\"status\":207,\"content\":{\"size\":0}")),
		    "<207 +0><end>", ERR_OK },
		{ LOG(ENTRY("", "\"status\":207")), "<207 +0><cut>", ERR_OK },
		{ LOG(ENTRY("",
		      "\"status\":207,\"content\":{\"size\":5,"
		      "\"text\":\"<a/>\"}")),
		    "<207 +0><a/><cut>", ERR_OK },
		{ LOG(ENTRY("",
		      "\"status\":207,\"content\":{\"encoding\":"
		      "\"base64\",\"text\":\"!\"}")),
		    "<207 +0><cut>", ERR_OK },
		{ LOG(ENTRY("",
		      "\"status\":207,\"content\":{\"encoding\":"
		      "\"base64\",\"text\":\"PGE\"}")),
		    "<207 +0><a<cut>", ERR_OK },
		/* nothing to be had */
		{ LOG(""), "", ERR_BAD_ANSWER },
		{ "{\"log\":1}", "", ERR_BAD_ANSWER },
		{ LOG(ENTRY("", "\"status\":200")), "", ERR_BAD_ANSWER },
		{ LOG(ENTRY("", "\"status\":\"207\"")), "", ERR_BAD_ANSWER },
		{ LOG("207,[207],{\"response\":[]}"), "", ERR_BAD_ANSWER },
		{ LOG(ENTRY(
		      "", "\"status\":207,\"content\":{\"text\":\"a\"}")) "x",
		    "<207 +0>a<end>", ERR_BAD_ANSWER },
		/* cut in the middle */
		{ "{\"log\":{\"entries\":[" ENTRY("", "\"status\":207") ",{",
		    "<207 +0><cut>", ERR_CUT_SHORT },
		{ "{\"log\":{\"entries\":[{\"response\":{\"status\":207,"
		  "\"content\":{\"text\":\"<a/>\\n",
		    "<207 +0><a/>\n<cut>", ERR_CUT_SHORT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		assert_saved(
		    str_from_c(cases[i].text), cases[i].want, cases[i].end);
}

static void
an_answer_cut_anywhere_says_so(void **state)
{
	static const char *const texts[] = {
		S "Content-Length: 12\r\n\r\n<abcdefghi/>",
		T "5\r\n<abcd\r\n7\r\nefghi/>\r\n0\r\n\r\n",
	};
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++)
		for (n = strlen("HTTP/"); n < strlen(texts[i]); n++) {
			struct log l = { 0 };
			enum err_code rc =
			    run(&l, str_of(texts[i], n), 5, NULL);

			/* Cut before its body it may be one without. */
			if (n >
			    (size_t)(strstr(texts[i], "\r\n\r\n") - texts[i]) +
				4)
				assert_true(rc == ERR_OK &&
				    str_ends(buf_str(&l.text), STR("<cut>")));
			buf_done(&l.text);
		}
}

static void
what_an_event_says_ends_it(void **state)
{
	static const char *const texts[] = { "<a/>", S "\r\n<a/>",
		T "1\r\na\r\n",
		LOG(ENTRY("",
		    "\"status\":207,\"content\":{"
		    "\"text\":\"x\"}")) };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		struct log l = { .fail = ERR_QUOTA };

		assert_int_equal(
		    run(&l, str_from_c(texts[i]), 1, NULL), ERR_QUOTA);
		assert_false(str_ends(buf_str(&l.text), STR(">")) &&
		    !str_ends(buf_str(&l.text), STR("/>")) && i);
		buf_done(&l.text);
	}
}

static void
no_allocation_may_fail_unseen(void **state)
{
	static const char *const texts[] = { "<a/>", "HTTP/1",
		S "A: b\r\nContent-Length: 4\r\n\r\n<a/>" S "\r\n<b/>",
		T "5\r\n<abcd\r\n7\r\nefghi/>\r\n0\r\n\r\n",
		S "Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08",
		LOG(ENTRY("\"method\":\"GET\"",
		    "\"status\":207,\"headers\":[{\"name\":\"A\",\"value\":"
		    "\"b\"}],\"content\":{\"text\":\"x\"}")) };
	unsigned long n;
	bool fired;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++)
		for (n = 1, fired = true; fired; n++) {
			struct log l = { 0 };
			enum err_code rc;

			assert_non_null(buf_room(&l.text, 1024));
			alloc_fail_at(n);
			rc = run(&l, str_from_c(texts[i]), 3, NULL);
			fired = alloc_fail_stop();
			if (fired ? rc != ERR_NOMEM : rc == ERR_NOMEM)
				fail_msg("allocation %lu of %zu", n, i);
			buf_done(&l.text);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_is_told_apart_and_given),
		cmocka_unit_test(chunks_are_put_together_where_there_are_any),
		cmocka_unit_test(
		    compressed_bodies_are_decoded_where_they_are_compressed),
		cmocka_unit_test(
		    a_damaged_compression_is_cut_and_short_ones_are_no_compression),
		cmocka_unit_test(what_is_no_response_is_refused),
		cmocka_unit_test(the_207s_of_an_archive_are_given),
		cmocka_unit_test(an_answer_cut_anywhere_says_so),
		cmocka_unit_test(what_an_event_says_ends_it),
		cmocka_unit_test(no_allocation_may_fail_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
