/* SPDX-License-Identifier: MIT */
/*
 * Reads the members of a JSON object, one level deep: names unescaped, values
 * as the bytes they are, so that what is not understood can be written again as
 * it was.
 */
#ifndef SHEAF_WIRE_JSON_MEMBERS_H
#define SHEAF_WIRE_JSON_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "wire/json_split.h"

struct json_member {
	struct str name; /* in the arena */
	struct str value; /* part of the object's bytes */
	enum split_kind kind;
};

struct json_members {
	const struct json_member *v;
	size_t n;
};

/*
 * ERR_BAD_BODY: it is no JSON object, a name stands twice, or it is nested
 * deeper than 64; err->tell says where.  ERR_NOMEM.  *out is empty then.
 */
enum err_code json_members_read(struct arena *a, struct str object,
    struct json_members *out, struct err *err) MUST_USE;

/* The elements of an array likewise; their names are empty. */
enum err_code json_elements_read(struct arena *a, struct str array,
    struct json_members *out, struct err *err) MUST_USE;

/* The member of that name; NULL: there is none, or it is null. */
const struct json_member *
json_member_find(const struct json_members *m, const char *name);

/*
 * A string's text, in the arena; *out is empty where there is none.
 * ERR_BAD_BODY: it is no string, or has a NUL in it.
 */
enum err_code json_member_text(struct arena *a, const struct json_members *m,
    const char *name, struct str *out, struct err *err) MUST_USE;

/* A whole number from 0; *out is untouched where there is none. */
enum err_code json_member_number(const struct json_members *m, const char *name,
    uint64_t *out, struct err *err) MUST_USE;

bool json_member_is_true(const struct json_members *m, const char *name);

/* The text of a value that is a string.  ERR_BAD_BODY, ERR_NOMEM. */
enum err_code json_string_read(struct arena *a, struct str value,
    struct str *out, struct err *err) MUST_USE;

#endif
