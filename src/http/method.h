/* SPDX-License-Identifier: MIT */
/* HTTP methods, and what is known of each without asking the resource. */
#ifndef SHEAF_HTTP_METHOD_H
#define SHEAF_HTTP_METHOD_H

#include <stdbool.h>

#include "base/str.h"

enum method {
	METHOD_NONE = 0, /* not one that we know */
#define METHOD(id, name, flags, depth) METHOD_##id,
#include "http/method.def"
#undef METHOD
	METHOD_COUNT
};

/* Of what resources Allow names the method. */
enum method_flag {
	METHOD_ON_FILE = 1 << 0,
	METHOD_ON_COLLECTION = 1 << 1,
	METHOD_ON_NULL = 1 << 2, /* a URL at which there is nothing */
};

/* Depths, as sent and as walked. */
enum depth { DEPTH_0 = 0, DEPTH_1 = 1, DEPTH_INFINITY = 2 };

/* Case matters (RFC 9110 s9.1). */
enum method method_from(struct str name);
struct str method_name(enum method m);
unsigned method_flags(enum method m);

/* The depth that the method has where no Depth header was sent. */
enum depth method_default_depth(enum method m);

#endif
