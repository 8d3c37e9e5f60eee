/* SPDX-License-Identifier: MIT */
/*
 * The bytes of one value, which json_split.c has found to be JSON, as a json_t.
 * Not jansson's own parser: that of 2.14 leaves out bytes of a string where
 * memory runs out, and is slower.
 */
#ifndef SHEAF_WIRE_JSON_LOAD_H
#define SHEAF_WIRE_JSON_LOAD_H

#include <jansson.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/*
 * *out: to be released with json_decref(); or NULL, with the reason in *why:
 * a name stands twice, a NUL in a string, a number that is too large.  Fails
 * only with ERR_NOMEM.
 */
enum err_code json_load_value(
    struct str bytes, json_t **out, const char **why, struct err *err) MUST_USE;

#endif
