/* SPDX-License-Identifier: MIT */
/* Methods, and what is known of each without asking the resource. */
#ifndef SHEAF_HTTP_METHOD_H
#define SHEAF_HTTP_METHOD_H

#include <stdbool.h>

#include "base/str.h"

enum method {
	METHOD_NONE = 0, /* none we know */
#define METHOD(id, name, flags, depth) METHOD_##id,
#include "http/method.def"
#undef METHOD
	METHOD_COUNT
};

enum method_flag {
	METHOD_WRITES = 1 << 0, /* not safe (RFC 9110 s9.2.1) */
	METHOD_IDEMPOTENT = 1 << 1, /* RFC 9110 s9.2.2 */
	METHOD_DESTINATION = 1 << 2, /* needs a Destination header */
	METHOD_ON_FILE = 1 << 3, /* in Allow of a plain resource */
	METHOD_ON_COLLECTION = 1 << 4, /* in Allow of a collection */
	METHOD_ON_NULL = 1 << 5, /* in Allow of an unmapped URL */
};

/* Depths, as sent and as walked. */
enum depth { DEPTH_0 = 0, DEPTH_1 = 1, DEPTH_INFINITY = 2 };

/* Case matters (RFC 9110 s9.1). */
enum method method_from(struct str name);
struct str method_name(enum method m);
unsigned method_flags(enum method m);

/* What an absent Depth header means for it. */
enum depth method_default_depth(enum method m);

#endif
