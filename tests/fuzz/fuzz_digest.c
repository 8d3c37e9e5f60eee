/* SPDX-License-Identifier: MIT */
/* Input: header fields, a line each, an empty line, and a body. */
#include "fuzz.h"

#include <nettle/base64.h>
#include <nettle/sha2.h>

#include "http/digest.h"

/* Writes the body in pieces of uneven size; nothing of it may be lost. */
static enum err_code
check_body(const struct headers *h, struct str body, bool *checked)
{
	struct arena a = { 0 };
	struct buf b CLEANUP(buf_done) = { 0 };
	struct buf_ostream to;
	struct digest_check *d = NULL;
	struct err err = { 0 };
	enum err_code rc =
	    digest_check_new(h, &a, buf_ostream_init(&to, &b), &d, &err);
	size_t at, step = 1;

	MUST(rc == err.code && (!rc || rc == ERR_BAD_HEADER));
	MUST(!rc || !d);
	*checked = d != NULL;
	if (d) {
		struct ostream *s = digest_check_stream(d);

		for (at = 0; at < body.len; at += step, step = step * 3 % 67)
			MUST(!ostream_write(
			    s, str_head(str_skip(body, at), step)));
		MUST(!ostream_end(s));
		rc = digest_check_end(d, &err);
		MUST(rc == err.code && (!rc || rc == ERR_BAD_DIGEST));
		MUST(str_eq(buf_str(&b), body));
	}
	arena_done(&a);
	return rc;
}

/* The right digest is right, and is not for one bit of another body. */
static void
check_right(struct str body)
{
	char value[] = "x=:AA==:, sha-256=:"
		       "01234567890123456789012345678901234567890123:;p";
	struct header field = { STR("Content-Digest"), { 0 } };
	struct headers h = { .v = &field, .n = 1 };
	struct buf other CLEANUP(buf_done) = { 0 };
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	bool checked;

	sha256_init(&ctx);
	sha256_update(&ctx, body.len, (const uint8_t *)body.ptr);
	sha256_digest(&ctx, sizeof(digest), digest);
	base64_encode_raw(value + 19, sizeof(digest), digest);
	field.value = str_from_c(value);
	MUST(!check_body(&h, body, &checked) && checked);
	buf_put(&other, body);
	if (other.len)
		other.ptr[other.len / 2] ^= 1;
	else
		buf_putc(&other, 'x');
	MUST(check_body(&h, buf_str(&other), &checked) == ERR_BAD_DIGEST);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size);
	struct header fields[8];
	struct headers h = fuzz_headers(&input, fields, ARRAY_LEN(fields));
	bool checked;

	(void)check_body(&h, input, &checked);
	check_right(input);
	return 0;
}
