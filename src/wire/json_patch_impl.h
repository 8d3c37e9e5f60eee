/* SPDX-License-Identifier: MIT */
/* The two kinds of patch, on documents in memory; for wire/ alone. */
#ifndef SHEAF_WIRE_JSON_PATCH_IMPL_H
#define SHEAF_WIRE_JSON_PATCH_IMPL_H

#include <jansson.h>

#include "wire/json_patch.h"

/* What a patch has cost so far: JSON_PATCH_WORK, and bytes of copies. */
struct patch_work {
	uint64_t done; /* values copied, compared or moved: JSON_PATCH_WORK */
	uint64_t copied; /* bytes that the copies will be, at least */
	uint64_t max_copied; /* 0: no limit */
};

/* Each changes *doc, and puts another value there where it has to. */
enum err_code
json_merge(json_t **doc, const json_t *patch, struct err *err) MUST_USE;
enum err_code json_steps(json_t **doc, const json_t *patch,
    struct patch_work *work, struct err *err) MUST_USE;

#endif
