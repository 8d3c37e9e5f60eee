/* SPDX-License-Identifier: MIT */
/*
 * Reads the bulk request whose answer is checked: the ids of its operations,
 * and what they depend on.
 */
#ifndef SHEAF_WIRE_LINT_REQUEST_H
#define SHEAF_WIRE_LINT_REQUEST_H

#include "base/arena.h"
#include "wire/lint.h"

/*
 * Reads {"operations": [...]}, any array that is named like a list of items
 * (json_names.def), an array, or lines of JSON, an operation each.  An
 * operation without an id gets its index for one.  All in the arena.
 * ERR_BAD_REQUEST, with a sentence in err, for anything else; ERR_NOMEM.
 */
enum err_code lint_request_read(struct arena *a, struct str bytes,
    const struct lint_operation **out, size_t *n, struct err *err) MUST_USE;

#endif
