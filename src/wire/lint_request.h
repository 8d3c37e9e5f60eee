/* SPDX-License-Identifier: MIT */
/*
 * The bulk request that an answer is held against: its operations' ids, and
 * what they depend on.
 */
#ifndef SHEAF_WIRE_LINT_REQUEST_H
#define SHEAF_WIRE_LINT_REQUEST_H

#include "base/arena.h"
#include "wire/lint.h"

/*
 * From {"operations": [...]}, an array named like a list of items
 * (json_names.def) or the document itself, or lines of JSON, an operation
 * each.  An operation without an id is called by its index.  All in the
 * arena.  ERR_BAD_REQUEST, with a sentence in err, for what is nothing of
 * that; ERR_NOMEM.
 */
enum err_code lint_request_read(struct arena *a, struct str bytes,
    const struct lint_operation **out, size_t *n, struct err *err) MUST_USE;

#endif
