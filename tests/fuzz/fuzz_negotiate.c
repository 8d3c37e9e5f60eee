/* SPDX-License-Identifier: MIT */
/* Input: one header value, taken as each of the three fields. */
#include "fuzz.h"

#include "base/buf.h"
#include "http/negotiate.h"

typedef int choose_fn(struct str accept, const struct str *offers, size_t n);

/*
 * What is chosen of several is acceptable alone; where nothing is, nothing is
 * alone.  An empty member in front changes nothing.
 */
static void
check(choose_fn *choose, struct str s, const struct str *offers, size_t n)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	int chosen = choose(s, offers, n);
	size_t i;

	MUST(chosen >= -1 && chosen < (int)n);
	if (chosen >= 0)
		MUST(choose(s, &offers[chosen], 1) == 0);
	for (i = 0; i < n; i++)
		MUST(chosen >= 0 || choose(s, &offers[i], 1) < 0);
	BUF_LIT(&b, " ,");
	buf_put(&b, s);
	MUST(choose(buf_str(&b), offers, n) == chosen);
}

static void
check_prefer(struct str s)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct preferences p = prefer_parse(s), q;

	MUST(!p.minimal || !p.representation);
	/* the first of two counts */
	BUF_LIT(&b, "return=minimal,");
	buf_put(&b, s);
	q = prefer_parse(buf_str(&b));
	MUST(q.minimal && !q.representation);
	MUST(q.depth_noroot == p.depth_noroot);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str media[] = { STR_INIT("application/xml"),
		STR_INIT("application/json"), STR_INIT("text/html") };
	static const struct str codings[] = { STR_INIT("zstd"),
		STR_INIT("gzip") };
	struct str input = fuzz_str(data, size);

	check(accept_media, input, media, ARRAY_LEN(media));
	check(accept_coding, input, codings, ARRAY_LEN(codings));
	check_prefer(input);
	return 0;
}
