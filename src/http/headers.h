/* SPDX-License-Identifier: MIT */
/*
 * The header fields of one request, in the order they came.  Names and values
 * are borrowed and live as long as the request.
 */
#ifndef SHEAF_HTTP_HEADERS_H
#define SHEAF_HTTP_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	/*
	 * The bit of each name (headers_name()), and perhaps others; 0: not
	 * known.  Most questions are about fields that are not there, and with
	 * this need not look at each.
	 */
	uint64_t names;
};

/*
 * The bit of a name, by its length, its first and its last letter.  Never 0.
 * The factor 24 best tells the names that we ask for from those that clients
 * send: by the first letter alone each Content-Length was taken for a digest.
 */
static inline uint64_t
headers_name(struct str name)
{
	unsigned ends = 0;

	if (name.len)
		ends = ((unsigned char)name.ptr[0] | 0x20U) +
		    ((unsigned char)name.ptr[name.len - 1] | 0x20U);
	return UINT64_C(1) << ((name.len * 24 + ends) & 63);
}

/* False: the field is not there. */
static inline bool
headers_may_have(const struct headers *h, struct str name)
{
	return !h->names || (h->names & headers_name(name));
}

/* How many fields of this name there are. */
size_t headers_count(const struct headers *h, struct str name);

/* Whether there is one, even with an empty value. */
static inline bool
headers_has(const struct headers *h, struct str name)
{
	return headers_may_have(h, name) && headers_count(h, name);
}

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
