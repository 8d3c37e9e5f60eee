/* SPDX-License-Identifier: MIT */
/* Input: the value of a Timeout header. */
#include "fuzz.h"

#include "http/fields.h"

static uint32_t
read_value(struct str value)
{
	struct header field = { STR("Timeout"), str_trim(value) };
	const struct headers h = { .v = &field, .n = 1 };
	struct arena a = { 0 };
	struct err err = { 0 };
	uint32_t seconds = 0;

	MUST(!timeout_parse(&h, &a, &seconds, &err));
	MUST(!err.code);
	arena_done(&a);
	return seconds;
}

/*
 * Never malformed, never nothing; written in the shortest form it is read as
 * the same, and a wish before all others is the one that counts.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = fuzz_str(data, size);
	uint32_t seconds = read_value(value);
	struct buf b CLEANUP(buf_done) = { 0 };

	MUST(seconds);
	buf_printf(&b, "Second-%lu", (unsigned long)seconds);
	MUST(!buf_failed(&b) && read_value(buf_str(&b)) == seconds);
	buf_clear(&b);
	BUF_LIT(&b, "Second-77, ");
	buf_put(&b, value);
	MUST(!buf_failed(&b) && read_value(buf_str(&b)) == 77);
	return 0;
}
