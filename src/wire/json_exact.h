/* SPDX-License-Identifier: MIT */
/*
 * JSON in and out with nothing of its value lost on the way.  For wire/ alone.
 */
#ifndef SHEAF_WIRE_JSON_EXACT_H
#define SHEAF_WIRE_JSON_EXACT_H

#include <jansson.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Refuses, as `code` with the reason in err->tell, what is no JSON, nests
 * deeper, has a name twice in an object, a NUL, or a number that a double or a
 * 64 bit integer would change: 0.1 is one that stays 0.1.
 */
enum err_code json_exact_load(struct str text, unsigned depth,
    enum err_code code, json_t **out, struct err *err) MUST_USE;

/* Appends v; indent: spaces a level, 0: all in one line. */
void json_exact_put(struct buf *b, const json_t *v, unsigned indent);

#endif
