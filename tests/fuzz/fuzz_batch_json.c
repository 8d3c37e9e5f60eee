/* SPDX-License-Identifier: MIT */
#include "fuzz_batch.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= 1 << 14)
		fuzz_batch(BATCH_JSON, fuzz_str(data, size));
	return 0;
}
