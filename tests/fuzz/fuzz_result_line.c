/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a line of a job's results, which a crash may have cut: what is
 * taken for a result has its braces, and is handed on as it stands.
 */
#include "fuzz.h"

#include "wire/bulk_docs.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str line = fuzz_str(data, size);
	struct result_line r = { 0 };
	struct buf b = { 0 };

	if (result_line_read(line, &r)) {
		MUST(str_starts(line, STR("{\"type\":\"result\",")));
		MUST(str_ends(line, r.item) && str_ends(r.item, STR("}")));
		batch_results_item(&b, &r, false);
		MUST(str_ends(buf_str(&b), r.item));
		buf_done(&b);
	}
	return 0;
}
