/* SPDX-License-Identifier: MIT */
/* Input: the value of a Lock-Token header. */
#include "fuzz.h"

#include "http/fields.h"
#include "http/if.h"

/* What may be unlocked can stand in an If header as well, and means the same.
 */
static void
check_if_header(struct str value, struct str token)
{
	static const struct origin origin = {
		.scheme = STR_INIT("http"),
		.authority = STR_INIT("h"),
	};
	struct buf b CLEANUP(buf_done) = { 0 };
	struct header field = { STR("If"), { 0 } };
	const struct headers h = { .v = &field, .n = 1 };
	struct arena a = { 0 };
	struct if_header ifs;

	buf_putc(&b, '(');
	buf_put(&b, value);
	buf_putc(&b, ')');
	MUST(!buf_failed(&b));
	field.value = buf_str(&b);
	MUST(!if_parse(&h, &origin, &a, &ifs, NULL));
	MUST(ifs.n == 1 && ifs.v[0].n == 1 && !ifs.v[0].v[0].is_etag);
	MUST(str_eq(ifs.v[0].v[0].token, token));
	arena_done(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct header field = { STR("Lock-Token"),
		str_trim(fuzz_str(data, size)) };
	const struct headers h = { .v = &field, .n = 1 };
	struct str token = STR("none");
	struct err err = { 0 };
	enum err_code rc = lock_token_parse(&h, &token, &err);

	MUST(rc == err.code);
	if (rc) {
		MUST(rc == ERR_BAD_HEADER && err.tell[0]);
		MUST(str_eq(token, STR("none")));
	} else {
		MUST(token.len + 2 == field.value.len);
		check_if_header(field.value, token);
	}
	return 0;
}
