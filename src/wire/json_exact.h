/* SPDX-License-Identifier: MIT */
/* Reads and writes JSON without any loss.  For wire/ alone. */
#ifndef SHEAF_WIRE_JSON_EXACT_H
#define SHEAF_WIRE_JSON_EXACT_H

#include <jansson.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Loads a JSON text.  Fails with `code`, and the reason in err->tell, where it
 * is not JSON, nests deeper than `depth`, has a name twice in an object, a NUL,
 * or a number that a double or a 64 bit integer would change (0.1 is read and
 * written as 0.1).  ERR_NOMEM.
 */
enum err_code json_exact_load(struct str text, unsigned depth,
    enum err_code code, json_t **out, struct err *err) MUST_USE;

/* Appends v; indent: spaces a level, 0: all in one line. */
void json_exact_put(struct buf *b, const json_t *v, unsigned indent);

#endif
