/* SPDX-License-Identifier: MIT */
/*
 * Patches of JSON documents: merge patch (RFC 7396) and JSON Patch (RFC 6902).
 *
 * What a patch does not touch keeps its value: a number that cannot be held
 * exactly is refused, names keep their order, and a document that was indented
 * is so again.
 */
#ifndef SHEAF_WIRE_JSON_PATCH_H
#define SHEAF_WIRE_JSON_PATCH_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

enum json_patch_form { JSON_PATCH_MERGE, JSON_PATCH_STEPS };

/* By Content-Type; false: neither of them. */
bool
json_patch_form_of(struct str content_type, enum json_patch_form *out) MUST_USE;

/* The media types, for Accept-Patch (RFC 5789 s3.1). */
#define JSON_PATCH_TYPES \
	"application/merge-patch+json, application/json-patch+json"

/* How deep arrays and objects may nest in documents, patches and results. */
#define JSON_PATCH_DEPTH 128

/*
 * How many values one patch may copy, compare or move up in arrays: with few
 * bytes (copies of copies) it could ask for very many.
 */
#define JSON_PATCH_WORK ((uint64_t)50 * 1000 * 1000)

/*
 * Appends the patched document to `out`, whose max is the limit of its size.
 * If any step fails nothing is appended, though buf_failed(out) may be set.
 *
 * ERR_BAD_BODY: the patch is malformed; ERR_CONTENT: it does not apply, or doc
 * is no JSON that can be held; ERR_TOO_LARGE; ERR_NOMEM.  err->tell names the
 * step, its operation and its pointer: "operation 3 (remove /a/b): there is no
 * such member".
 */
enum err_code json_patch_apply(enum json_patch_form form, struct str doc,
    struct str patch, struct buf *out, struct err *err) MUST_USE;

#endif
