/* SPDX-License-Identifier: MIT */
/*
 * A LOCK body: the owner that is kept is namespace-well-formed on its own, in
 * bounds, and sent again is kept as the same bytes.  Half of the inputs are put
 * where the owner stands, so that the fuzzer need not find its way there.
 */
#include "fuzz.h"

#include "lib/xml_check.h"
#include "wire/dav_body.h"

#define INFO                                                  \
	"<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:shared/>" \
	"</D:lockscope><D:locktype><D:write/></D:locktype>"
#define INFO_END "</D:lockinfo>"

static const struct xml_limits limits = { .bytes = 65536, .depth = 32 };

static enum err_code
read_body(struct str bytes, struct arena *a, struct lockinfo_body *out)
{
	struct dav_body *b;
	struct err err = { 0 };
	enum err_code rc;

	MUST(!lockinfo_body_new(&limits, NULL, a, &b, &err));
	(void)ostream_write(dav_body_stream(b), bytes);
	rc = lockinfo_body_end(b, out, &err);
	MUST(rc == err.code);
	MUST(!rc || err.tell[0]);
	dav_body_free(b);
	return rc;
}

static void
check_owner(struct str owner)
{
	struct buf body CLEANUP(buf_done) = { 0 };
	struct arena a = { 0 };
	struct lockinfo_body got;

	MUST(owner.len <= LOCKINFO_MAX_OWNER);
	MUST(!xml_problem(owner));
	BUF_LIT(&body, INFO);
	buf_put(&body, owner);
	BUF_LIT(&body, INFO_END);
	MUST(!read_body(buf_str(&body), &a, &got));
	MUST(got.shared && !got.empty);
	MUST(str_eq(got.owner, owner));
	arena_done(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf body CLEANUP(buf_done) = { 0 };
	struct arena a = { 0 };
	struct lockinfo_body got;
	bool inside = size && data[0] == '(';
	enum err_code rc;

	if (inside)
		BUF_LIT(&body,
		    INFO "<D:owner xmlns:a='urn:a' xmlns='urn:d' "
			 "xml:lang=''>");
	buf_put(&body, str_skip(fuzz_str(data, size), inside ? 1 : 0));
	if (inside)
		BUF_LIT(&body, "</D:owner>" INFO_END);
	rc = read_body(buf_str(&body), &a, &got);
	MUST(rc || got.empty == !body.len);
	if (!rc && got.owner.len)
		check_owner(got.owner);
	arena_done(&a);
	return 0;
}
