/* SPDX-License-Identifier: MIT */
/* Input: the length of a body, a newline, the value of a Range header. */
#include "fuzz.h"

#include "base/buf.h"
#include "http/range.h"

static void
check_ranges(const struct ranges *r, uint64_t length)
{
	size_t i, k;

	MUST(r->n <= RANGES_MAX);
	for (i = 0; i < r->n; i++) {
		const struct byte_range *x = &r->v[i];

		MUST(x->length > 0 && x->length <= length);
		MUST(x->offset <= length - x->length);
		for (k = 0; k < i; k++) {
			const struct byte_range *y = &r->v[k];

			/* one byte at least lies between any two */
			MUST(x->offset > y->offset + y->length ||
			    y->offset > x->offset + x->length);
		}
	}
}

/* Asked for as it came out, it comes out again. */
static void
check_again(const struct ranges *r, uint64_t length)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct ranges again;
	size_t i;

	BUF_LIT(&b, "bytes=");
	for (i = 0; i < r->n; i++) {
		buf_put_u64(&b, r->v[i].offset);
		buf_putc(&b, '-');
		buf_put_u64(&b, r->v[i].offset + r->v[i].length - 1);
		buf_putc(&b, ',');
	}
	MUST(!ranges_parse(buf_str(&b), length, &again, NULL));
	MUST(again.n == r->n);
	for (i = 0; i < r->n; i++)
		MUST(again.v[i].offset == r->v[i].offset &&
		    again.v[i].length == r->v[i].length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size);
	uint64_t length = 0;
	struct ranges r = { 0 };
	struct err err = { 0 };
	enum err_code rc;

	if (!str_to_u64(fuzz_line(&input), &length))
		return 0;
	rc = ranges_parse(input, length, &r, &err);
	MUST(rc == err.code && (!rc || rc == ERR_RANGE));
	MUST(!rc || !r.n);
	check_ranges(&r, length);
	if (r.n)
		check_again(&r, length);
	return 0;
}
