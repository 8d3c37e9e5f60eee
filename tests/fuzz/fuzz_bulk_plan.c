/* SPDX-License-Identifier: MIT */
/* Input: items of a batch, as lib/plan_try.h has them. */
#include "fuzz.h"

#include "lib/plan_try.h"

static struct plan_try items;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = fuzz_str(data, size);
	const char *wrong;

	plan_try_read(&items, text);
	wrong = plan_try_run(&items, str_hash(text));
	if (wrong)
		(void)fprintf(stderr, "%s\n", wrong);
	MUST(!wrong);
	return 0;
}
