/* SPDX-License-Identifier: MIT */
/*
 * Makes a json_t of the bytes of one value, which json_split.c has found to be
 * JSON.  jansson's own parser is not used: that of 2.14 leaves out bytes of a
 * string where memory runs out, and is slower.
 */
#ifndef SHEAF_WIRE_JSON_LOAD_H
#define SHEAF_WIRE_JSON_LOAD_H

#include <jansson.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/*
 * *out: a new reference; or NULL, with the reason in *why: a name stands twice,
 * a NUL in a string, a number that is too large.  Fails only with ERR_NOMEM.
 */
enum err_code json_load_value(
    struct str bytes, json_t **out, const char **why, struct err *err) MUST_USE;

/*
 * The text of a string; bytes are all of it, with its quotes.  *out is part of
 * them, or of room where there are escapes.  Fails as json_load_value().
 */
enum err_code json_load_text(struct str bytes, struct buf *room,
    struct str *out, const char **why, struct err *err) MUST_USE;

/*
 * Reads an object whose values are to be strings; bytes are all of it.  each()
 * is called for one member after the other; its failure ends the reading.
 * value.ptr is NULL where a value is no string, and then each() must fail.
 */
enum err_code json_load_texts(struct str bytes,
    enum err_code (*each)(void *arg, struct str name, struct str value),
    void *arg, const char **why, struct err *err) MUST_USE;

#endif
