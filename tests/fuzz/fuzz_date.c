/* SPDX-License-Identifier: MIT */
/* Input: a date in any of the forms we read. */
#include "fuzz.h"

#include "base/buf.h"
#include "http/date.h"

#define FIRST INT64_C(-62167219200)
#define LAST INT64_C(253402300799)

static void
check_round_trip(int64_t seconds)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	int64_t back;

	date_put_http(&b, seconds);
	MUST(date_parse_http(buf_str(&b), &back) && back == seconds);
	buf_clear(&b);
	date_put_rfc3339(&b, seconds);
	MUST(date_parse_rfc3339(buf_str(&b), &back) && back == seconds);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size);
	int64_t s = 42, t = 42;
	bool http = date_parse_http(input, &s);
	bool rfc3339 = date_parse_rfc3339(input, &t);

	MUST(!http || !rfc3339);
	MUST(http || s == 42);
	MUST(rfc3339 || t == 42);
	/* a leap second or an offset may lead out of the ten thousand years */
	if (http && s >= FIRST && s <= LAST)
		check_round_trip(s);
	if (rfc3339 && t >= FIRST && t <= LAST)
		check_round_trip(t);
	MUST(s >= FIRST && s <= LAST + 1);
	MUST(t >= FIRST - 86400 && t <= LAST + 1 + 86400);
	return 0;
}
