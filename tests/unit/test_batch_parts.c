/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "lib/alloc_fail.h"
#include "lib/batch_run.h"

static const size_t step_sizes[] = { 0, 1, 7 };

#define PART "--b\r\nContent-Type: application/http\r\n\r\n"
#define END "\r\n--b--\r\n"
#define ALL "independent 0\n"

struct row {
	const char *text;
	const char *said; /* and, where it fails, what is told */
	enum err_code rc;
	const char *tell;
};

static void
check(const struct row *row, struct batch_run *r)
{
	size_t i;

	r->form = BATCH_MULTIPART;
	r->boundary = "b";
	for (i = 0; i < ARRAY_LEN(step_sizes); i++) {
		enum err_code rc =
		    batch_run(r, str_from_c(row->text), step_sizes[i]);

		if (rc != row->rc)
			fail_msg("%s: %d %s", row->text, (int)rc, r->err.tell);
		assert_str_equal(buf_str(&r->said), str_from_c(row->said));
		if (rc)
			assert_string_equal(r->err.tell, row->tell);
	}
}

static void
check_all(const struct row *rows, size_t n)
{
	struct batch_run r = { 0 };
	size_t i;

	for (i = 0; i < n; i++)
		check(&rows[i], &r);
	batch_run_done(&r);
}

static void
each_part_is_a_request(void **state)
{
	static const struct row rows[] = {
		{ PART "GET /a HTTP/1.1\r\n\r\n" END,
		    "0 0 method=GET url=/a\n" ALL, 0, NULL },
		{ "--b\r\nContent-ID: <x@y>\r\n"
		  "content-type:application/http; msgtype=request\r\n"
		  "Content-Transfer-Encoding: binary\r\nX-Other: 1\r\n\r\n"
		  "PUT /a HTTP/1.1\r\nContent-Type:  text/plain \r\n"
		  "Content-Length: 6\r\nIdempotency-Key: \"k\"\r\n\r\n"
		  "a\r\nb\n\r" END,
		    "0 x@y method=PUT url=/a key=k "
		    "Content-Type:text/plain Idempotency-Key:\"k\" "
		    "body()=a\r\nb\n\r\n" ALL,
		    0, NULL },
		/* one CRLF for the empty line and the boundary */
		{ PART "DELETE /a HTTP/1.1\r\n" END,
		    "0 0 method=DELETE url=/a\n" ALL, 0, NULL },
		{ "hello\r\n" PART "GET /a HTTP/1.1\r\n\r\n\r\n--b  \r\n"
		  "Content-Type: application/http\r\n\r\n"
		  "\r\nGET /b HTTP/1.0\r\n\r\n" END "bye\r\n--b\r\n",
		    "0 0 method=GET url=/a\n1 1 method=GET url=/b\n" ALL, 0,
		    NULL },
		/* what only looks like a boundary */
		{ PART "PUT /a HTTP/1.1\r\n\r\n"
		       "\r\n--\r\n--bc\r\n--b-\r\n--b x\n--b\r\r\n-\r\n\r\n--b"
		       "--",
		    "0 0 method=PUT url=/a body()="
		    "\r\n--\r\n--bc\r\n--b-\r\n--b x\n--b\r\r\n-\r\n\n" ALL,
		    0, NULL },
		{ PART "PUT /a HTTP/1.1\r\n\r\n" END,
		    "0 0 method=PUT url=/a\n" ALL, 0, NULL },
		{ PART "GET http://h/a?b HTTP/1.1\r\n\r\n" END,
		    "0 0 method=GET url=http://h/a?b\n" ALL, 0, NULL },
	};

	(void)state;
	check_all(rows, ARRAY_LEN(rows));
}

#define GOOD "\r\n" PART "GET /z HTTP/1.1\r\n\r\n" END
#define Z "1 1 method=GET url=/z\n" ALL
#define BAD(text, why)                                            \
	{                                                         \
		text GOOD, "0 0 bad part 1: " why "\n" Z, 0, NULL \
	}

static void
a_malformed_part_is_an_item_that_failed(void **state)
{
	static const struct row rows[] = {
		BAD("--b\r\n\r\nGET /a HTTP/1.1\r\n\r\n",
		    "its type is not application/http"),
		BAD("--b\r\nContent-Type: text/plain\r\n\r\nx",
		    "its type is not application/http"),
		BAD("--b\r\nContent-Type: application/http\r\n"
		    "Content-Transfer-Encoding: base64\r\n\r\nx",
		    "a Content-Transfer-Encoding; send the bytes as they are"),
		BAD("--b\r\nContent-Type: application/http\n\nx",
		    "a line that ends in LF alone"),
		BAD("--b\r\nContent-Type:\r\n application/http\r\n\r\nx",
		    "its type is not application/http"),
		BAD("--b\r\nX-A: b\r\n c\r\n\r\n",
		    "a header field that is folded into several lines"),
		BAD("--b\r\nX-A\r\n\r\n", "a malformed header field"),
		BAD("--b\r\nX-A : b\r\n\r\n", "a malformed header field"),
		BAD("--b\r\nX-A: b\rc\r\n\r\n", "a CR inside a line"),
		{ "--b\r\nContent-ID: <a>\r\nContent-ID: <b>\r\n\r\n" GOOD,
		    "0 a bad part 1: two Content-IDs\n" Z, 0, NULL },
		BAD("--b\r\nContent-ID: <a> b\r\n\r\n",
		    "a malformed Content-ID"),
		BAD("--b\r\nContent-ID: \r\n\r\n",
		    "a Content-ID of 0 bytes; the limit idBytes is 128"),
		BAD(PART "GET /a\r\n\r\n",
		    "no request line like \"PUT /a HTTP/1.1\""),
		BAD(PART "GET  HTTP/1.1\r\n\r\n",
		    "no request line like \"PUT /a HTTP/1.1\""),
		BAD(PART "GET /a b HTTP/1.1\r\n\r\n",
		    "no request line like \"PUT /a HTTP/1.1\""),
		BAD(PART "HTTP/1.1 200 OK\r\n\r\n",
		    "no request line like \"PUT /a HTTP/1.1\""),
		BAD(PART "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
		    "Host belongs to the request that carries the batch, or is "
		    "malformed"),
		BAD(PART "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
			 "\r\n1\r\nx\r\n0\r\n\r\n",
		    "Transfer-Encoding belongs to the request that carries the "
		    "batch, or is malformed"),
		BAD(PART "PUT /a HTTP/1.1\r\nA: b\r\n\tc\r\n\r\nx",
		    "a header field that is folded into several lines"),
		BAD(PART "PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nxy",
		    "its body is 2 bytes, and Content-Length says 3"),
		BAD(PART "PUT /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nxy",
		    "its body is 2 bytes, and Content-Length says 1"),
		BAD(PART "PUT /a HTTP/1.1\r\nContent-Length: -1\r\n\r\nxy",
		    "a malformed Content-Length"),
		BAD(PART "PUT /a HTTP/1.1\r\nContent-Length: 1\r\n"
			 "Content-Length: 2\r\n\r\nxy",
		    "a malformed Content-Length"),
		BAD(PART "PUT /a HTTP/1.1\r\nA: b",
		    "it ends before its header does"),
		BAD(PART, "it ends before its header does"),
		BAD("--b\r\n", "it ends before its header does"),
		BAD(PART "GET /a HTTP/1.1\r\n\r\nx",
		    "a body means nothing to its method"),
		BAD(PART "PUT /a HTTP/1.1\r\n\r\n0123456789abcdefg",
		    "a body over the limit inlinePart of 16"),
	};
	struct batch_limits limits = batch_limits_default;
	struct batch_run r = { .limits = &limits };
	size_t i;

	(void)state;
	limits.inline_part = 16;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], &r);
	batch_run_done(&r);
}

static void
a_malformed_boundary_ends_the_whole(void **state)
{
	static const struct row rows[] = {
		{ "", "", ERR_BAD_BODY,
		    "there is no line --b in it, which the boundary of "
		    "Content-Type asks for" },
		{ "--c\r\n\r\n--c--\r\n", "", ERR_BAD_BODY,
		    "there is no line --b in it, which the boundary of "
		    "Content-Type asks for" },
		{ " --b\r\n\r\n--bc\r\n", "", ERR_BAD_BODY,
		    "there is no line --b in it, which the boundary of "
		    "Content-Type asks for" },
		{ "--b\nContent-Type: application/http\n\n", "", ERR_BAD_BODY,
		    "the line of a boundary ends in LF alone; in multipart "
		    "lines end in CRLF" },
		{ "--b--\r\n", "", ERR_BAD_BODY,
		    "there are no operations in it" },
		{ PART "GET /a HTTP/1.1\r\n\r\n\r\n" PART
		       "PUT /b HTTP/1.1\r\n\r\nxy",
		    "0 0 method=GET url=/a\n", ERR_BAD_BODY,
		    "it is cut short: the last line is not --b--" },
		{ PART "GET /a HTTP/1.1\r\n\r\n\r\n--b\r\n",
		    "0 0 method=GET url=/a\n", ERR_BAD_BODY,
		    "it is cut short: the last line is not --b--" },
		{ PART "GET /a HTTP/1.1\r\n\r\n\r\n--b", "", ERR_BAD_BODY,
		    "it is cut short: the last line is not --b--" },
	};

	(void)state;
	check_all(rows, ARRAY_LEN(rows));
}

static void
a_boundary_has_to_be_one(void **state)
{
	struct batch_parser *p;
	struct err err;
	char much[71];

	(void)state;
	memset(much, 'x', sizeof(much));
	assert_int_equal(batch_parser_new(BATCH_MULTIPART, STR(""),
			     &batch_limits_default, NULL, &p, &err),
	    ERR_BAD_BODY);
	assert_int_equal(
	    batch_parser_new(BATCH_MULTIPART, str_of(much, sizeof(much)),
		&batch_limits_default, NULL, &p, &err),
	    ERR_BAD_BODY);
	assert_int_equal(batch_parser_new(BATCH_MULTIPART, STR("a\rb"),
			     &batch_limits_default, NULL, &p, &err),
	    ERR_BAD_BODY);
}

#define BIG "0123456789abcdefghi"

static void
a_long_part_goes_on_as_it_comes(void **state)
{
	static const struct row rows[] = {
		{ PART "GET /a HTTP/1.1\r\n\r\n\r\n" PART
		       "PUT /b HTTP/1.1\r\nA: b\r\n\r\n" BIG "\r\n" PART
		       "GET /c HTTP/1.1\r\n\r\n" END,
		    "0 0 method=GET url=/a\n"
		    "1 1 method=PUT url=/b A:b body()=\nbig whole 19\n"
		    "2 2 method=GET url=/c\n" ALL,
		    0, NULL },
		{ PART "PUT /b HTTP/1.1\r\nContent-Length: 20\r\n\r\n" BIG GOOD,
		    "0 0 method=PUT url=/b body()=\nbig cut 19\n" Z, 0, NULL },
		{ PART "PUT /b HTTP/1.1\r\n\r\n" BIG "\r\n--",
		    "0 0 method=PUT url=/b body()=\nbig cut 19\n", ERR_BAD_BODY,
		    "it is cut short: the last line is not --b--" },
	};
	struct batch_limits limits = batch_limits_default;
	struct batch_run r = { .limits = &limits, .big = true };
	size_t i;

	(void)state;
	limits.inline_part = 16;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], &r);
	batch_run_done(&r);
}

/* Counts what it is given. */
struct sink_of_bytes {
	struct ostream base;
	uint64_t n;
	bool ended;
};

static enum err_code
count_bytes(struct ostream *o, struct str bytes)
{
	CONTAINER_OF(o, struct sink_of_bytes, base)->n += bytes.len;
	return ERR_OK;
}

static const struct ostream_ops sink_of_bytes_ops = {
	.name = "sink of bytes",
	.write = count_bytes,
};

static enum err_code
begin_count(void *arg, const struct batch_item *item, struct ostream **to,
    struct err *err)
{
	struct sink_of_bytes *s = arg;

	(void)item;
	(void)err;
	ostream_init(&s->base, &sink_of_bytes_ops);
	*to = &s->base;
	return ERR_OK;
}

static enum err_code
end_count(void *arg, const struct err *bad, struct err *err)
{
	(void)err;
	((struct sink_of_bytes *)arg)->ended = !bad;
	return ERR_OK;
}

static void
a_part_of_any_length_takes_no_memory(void **state)
{
	static char piece[1 << 16];
	struct sink_of_bytes sink = { 0 };
	const struct batch_big big = { begin_count, end_count, &sink };
	struct batch_parser *p;
	unsigned long allocations;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(piece); i++)
		piece[i] = "\r\n--a"[i % 5]; /* all but a boundary */
	assert_int_equal(batch_parser_new(BATCH_MULTIPART, STR("b"),
			     &batch_limits_default, &big, &p, NULL),
	    ERR_OK);
	assert_int_equal(
	    batch_parser_feed(p, STR(PART "PUT /a HTTP/1.1\r\n\r\n"), NULL),
	    ERR_OK);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    batch_parser_feed(p, str_of(piece, sizeof(piece)), NULL),
		    ERR_OK);
	alloc_fail_at(1000);
	for (; i < 500; i++)
		assert_int_equal(
		    batch_parser_feed(p, str_of(piece, sizeof(piece)), NULL),
		    ERR_OK);
	allocations = alloc_fail_count();
	(void)alloc_fail_stop();
	assert_int_equal(allocations, 0);
	assert_int_equal(batch_parser_feed(p, STR(END), NULL), ERR_OK);
	assert_int_equal(batch_parser_end(p, NULL), ERR_OK);
	assert_true(sink.ended);
	assert_int_equal(sink.n, 500 * sizeof(piece));
	batch_parser_free(p);
}

static void
the_print_takes_in_the_bodies(void **state)
{
	static const char *const texts[] = {
		PART "PUT /a HTTP/1.1\r\n\r\n1" END,
		PART "PUT /a HTTP/1.1\r\n\r\n2" END,
		PART "PUT /a HTTP/1.1\r\n\r\n" BIG "1" END,
		PART "PUT /a HTTP/1.1\r\n\r\n" BIG "2" END,
		PART "PUT /a HTTP/1.1\r\nA:b\r\n\r\n1" END,
	};
	struct batch_limits limits = batch_limits_default;
	struct batch_run r = { .form = BATCH_MULTIPART,
		.boundary = "b",
		.limits = &limits,
		.big = true };
	char prints[ARRAY_LEN(texts)][64];
	size_t i, k;

	(void)state;
	limits.inline_part = 16;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(
		    batch_run(&r, str_from_c(texts[i]), 5), ERR_OK);
		memcpy(prints[i], r.print.ptr, 64);
		for (k = 0; k < i; k++)
			assert_memory_not_equal(prints[i], prints[k], 64);
		assert_int_equal(
		    batch_run(&r, str_from_c(texts[i]), 0), ERR_OK);
		assert_memory_equal(prints[i], r.print.ptr, 64);
	}
	batch_run_done(&r);
}

static void
no_allocation_may_fail_unseen(void **state)
{
	static const char text[] =
	    PART "PUT /a HTTP/1.1\r\nA: b\r\n\r\nbody\r\n" PART
		 "x\r\n\r\n\r\n" PART "PUT /a HTTP/1.1\r\nA: b\r\n\r\n" BIG END;
	struct batch_limits limits = batch_limits_default;
	unsigned long n;
	bool fired = true;

	(void)state;
	limits.inline_part = 16;
	for (n = 1; fired; n++) {
		struct batch_run r = { .form = BATCH_MULTIPART,
			.boundary = "b",
			.limits = &limits,
			.big = true };
		enum err_code rc;

		assert_non_null(buf_room(&r.said, 4096));
		assert_non_null(buf_room(&r.print, 100));
		assert_non_null(buf_room(&r.body, 100));
		alloc_fail_at(n);
		rc = batch_run(&r, str_from_c(text), 0);
		fired = alloc_fail_stop();
		assert_int_equal(rc, fired ? ERR_NOMEM : ERR_OK);
		batch_run_done(&r);
	}
	assert_true(n > 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_part_is_a_request),
		cmocka_unit_test(a_malformed_part_is_an_item_that_failed),
		cmocka_unit_test(a_malformed_boundary_ends_the_whole),
		cmocka_unit_test(a_boundary_has_to_be_one),
		cmocka_unit_test(a_long_part_goes_on_as_it_comes),
		cmocka_unit_test(a_part_of_any_length_takes_no_memory),
		cmocka_unit_test(the_print_takes_in_the_bodies),
		cmocka_unit_test(no_allocation_may_fail_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
