/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a query: what is read, written again with every byte escaped,
 * is read as the same; whoever is refused is told why.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "http/query.h"

#define PARAMS 3

static enum err_code
read_all(struct arena *a, struct str query, struct query_param *params)
{
	static const struct str names[PARAMS] = { STR_INIT("dryRun"),
		STR_INIT("after"), STR_INIT("a") };
	struct err err = { 0 };
	enum err_code rc;
	size_t i;

	for (i = 0; i < PARAMS; i++)
		params[i] = (struct query_param){ .name = names[i] };
	rc = query_read(a, query, params, PARAMS, &err);
	MUST(!rc || (rc == ERR_BAD_REQUEST && err.tell[0]));
	return rc;
}

static void
write_escaped(struct buf *b, struct str s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		buf_printf(b, "%%%02X", (unsigned char)s.ptr[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query_param was[PARAMS], again[PARAMS];
	struct arena a = { 0 };
	struct buf b = { 0 };
	size_t i;

	if (!read_all(&a, fuzz_str(data, size), was)) {
		for (i = 0; i < PARAMS; i++) {
			if (!was[i].given)
				continue;
			buf_putc(&b, '&');
			write_escaped(&b, was[i].name);
			buf_putc(&b, '=');
			write_escaped(&b, was[i].value);
		}
		MUST(!read_all(&a, buf_str(&b), again));
		for (i = 0; i < PARAMS; i++)
			MUST(was[i].given == again[i].given &&
			    str_eq(was[i].value, again[i].value));
	}
	buf_done(&b);
	arena_done(&a);
	return 0;
}
