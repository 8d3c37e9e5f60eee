/* SPDX-License-Identifier: MIT */
/* The two kinds of patch, on documents in memory; for wire/ alone. */
#ifndef SHEAF_WIRE_JSON_PATCH_IMPL_H
#define SHEAF_WIRE_JSON_PATCH_IMPL_H

#include <jansson.h>

#include "wire/json_patch.h"

/* What a patch has cost so far: JSON_PATCH_WORK, and bytes of copies. */
struct patch_work {
	uint64_t done;
	uint64_t copied; /* bytes that copies will be written as, at least */
	uint64_t max_copied; /* 0: any */
};

/* Each replaces *doc where it has to; what is wrong is told in *err. */
enum err_code
json_merge(json_t **doc, const json_t *patch, struct err *err) MUST_USE;
enum err_code json_steps(json_t **doc, const json_t *patch,
    struct patch_work *work, struct err *err) MUST_USE;

#endif
