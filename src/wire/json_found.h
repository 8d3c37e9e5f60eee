/* SPDX-License-Identifier: MIT */
/* The members of an object that have a meaning (json_names.def). */
#ifndef SHEAF_WIRE_JSON_FOUND_H
#define SHEAF_WIRE_JSON_FOUND_H

#include <jansson.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "wire/json_names.h"

struct json_found {
	/* Never null values; the most believed of several names. */
	const json_t *by[ITEM_NAMES];
	unsigned rank[ITEM_NAMES];
	const json_t *list; /* an array that is named like a list of items */
	/*
	 * 0: none could be read.  Between names that disagree a failure is
	 * believed.
	 */
	unsigned status;
	unsigned status_rank;
};

/* What there is in an object; of anything else nothing. */
void json_find(const json_t *object, struct json_found *out);

/* Adds what is not there yet. */
void json_find_more(const json_t *object, struct json_found *f);

/* A string, or the empty one. */
struct str json_text(const json_t *v);

/* A sentence in a string, in an error object, or in the first of an array. */
struct str json_sentence(const json_t *v);

/*
 * A string, or a number as it is written; empty for all else.  ERR_NOMEM.
 */
enum err_code json_scalar(struct arena *a, const json_t *v, struct str *out,
    struct err *err) MUST_USE;

/* Whether it is there and is not null, false, 0, "", [] or {}. */
bool json_says_something(const json_t *v);

/*
 * The value of a header field: of {"Name": "value"}, {"Name": ["value"]} or
 * [{"name": ..., "value": ...}].
 */
const json_t *json_header(const json_t *headers, struct str name);

#endif
