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
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/*
 * *out: to be released with json_decref(); or NULL, with the reason in *why:
 * a name stands twice, a NUL in a string, a number that is too large.  Fails
 * only with ERR_NOMEM.
 */
enum err_code json_load_value(
    struct str bytes, json_t **out, const char **why, struct err *err) MUST_USE;

/*
 * What a string means, of which bytes are all, with its quotes: a part of them,
 * or of room where there are escapes.  Else as json_load_value().
 */
enum err_code json_load_text(struct str bytes, struct buf *room,
    struct str *out, const char **why, struct err *err) MUST_USE;

/*
 * An object, of which bytes are all, whose values are to be strings: each is
 * called for one member after the other, and its failure ends it.  value.ptr is
 * NULL where a value is none, and each must fail then.
 */
enum err_code json_load_texts(struct str bytes,
    enum err_code (*each)(void *arg, struct str name, struct str value),
    void *arg, const char **why, struct err *err) MUST_USE;

#endif
