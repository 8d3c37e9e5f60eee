/* SPDX-License-Identifier: MIT */
/* Finds the members of an object that have a meaning (json_names.def). */
#ifndef SHEAF_WIRE_JSON_FOUND_H
#define SHEAF_WIRE_JSON_FOUND_H

#include <jansson.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "wire/json_names.h"

struct json_found {
	/* By meaning; NULL: not there, or null.  The lowest rank wins. */
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

/* Finds them; nothing in what is no object. */
void json_find(const json_t *object, struct json_found *out);

/* Adds what another object has, where it is believed more or is missing. */
void json_find_more(const json_t *object, struct json_found *f);

/* The text of a string; of anything else the empty one. */
struct str json_text(const json_t *v);

/* A sentence: a string, or one in an error object or the first of an array. */
struct str json_sentence(const json_t *v);

/*
 * *out: a string, or a number as it is written; empty for all else.  ERR_NOMEM.
 */
enum err_code json_scalar(struct arena *a, const json_t *v, struct str *out,
    struct err *err) MUST_USE;

/* Whether v is not NULL, and not null, false, 0, "", [] or {}. */
bool json_says_something(const json_t *v);

/*
 * The value of a header field: of {"Name": "value"}, {"Name": ["value"]} or
 * [{"name": ..., "value": ...}].
 */
const json_t *json_header(const json_t *headers, struct str name);

#endif
