/* SPDX-License-Identifier: MIT */
/*
 * Writes a JSON object, member by member: for logs and other small documents,
 * so that no one else needs to know what JSON looks like.  Names are ASCII that
 * needs no escaping; values may be any bytes.
 */
#ifndef SHEAF_WIRE_JSON_OBJECT_H
#define SHEAF_WIRE_JSON_OBJECT_H

#include "base/buf.h"
#include "base/str.h"

struct json_object {
	struct buf *b; /* borrowed; failures stick to it */
	bool some; /* it has a member */
};

struct json_object json_begin(struct buf *b);
void json_put_text(struct json_object *o, const char *name, struct str value);

/* The same, but nothing where the value is empty. */
void
json_put_optional(struct json_object *o, const char *name, struct str value);
void json_put_number(struct json_object *o, const char *name, uint64_t value);
void json_put_true(struct json_object *o, const char *name);
void json_put_false(struct json_object *o, const char *name);

/* A date of RFC 3339; seconds since 1970. */
void json_put_date(struct json_object *o, const char *name, int64_t seconds);

/* A duration in milliseconds, to the microsecond. */
void json_put_ms(struct json_object *o, const char *name, int64_t nanoseconds);

/* What is JSON already. */
void json_put_raw(struct json_object *o, const char *name, struct str value);

/* An array of what is JSON already, with commas between. */
void json_put_array(struct json_object *o, const char *name, struct str items);

void json_end(struct json_object *o);

#endif
