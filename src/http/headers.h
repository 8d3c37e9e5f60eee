/* SPDX-License-Identifier: MIT */
/*
 * The header fields of one request, in the order they came.  Names and values
 * are borrowed and live as long as the request.
 */
#ifndef SHEAF_HTTP_HEADERS_H
#define SHEAF_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct header {
	struct str name;
	struct str value; /* without white space at its ends */
};

struct headers {
	const struct header *v;
	size_t n;
};

/* Whether the field stands in it, even with an empty value. */
bool headers_has(const struct headers *h, struct str name);

/*
 * A field that may stand once: its value, or the empty string when it is
 * absent.  ERR_BAD_HEADER when it stands more than once with different values.
 */
enum err_code headers_one(const struct headers *h, struct str name,
    struct str *out, struct err *err) MUST_USE;

/*
 * A list field: the values of all its lines joined by ", " (RFC 9110 s5.3),
 * or the empty string.  Allocates only when there are several.
 */
enum err_code headers_list(const struct headers *h, struct str name,
    struct arena *a, struct str *out, struct err *err) MUST_USE;

#endif
