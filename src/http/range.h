/* SPDX-License-Identifier: MIT */
/* The Range header (RFC 9110 s14.2). */
#ifndef SHEAF_HTTP_RANGE_H
#define SHEAF_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#define RANGES_MAX 64

struct byte_range {
	uint64_t offset;
	uint64_t length; /* never 0 */
};

struct ranges {
	struct byte_range v[RANGES_MAX];
	size_t n; /* 0: send the whole */
};

/*
 * Which bytes of a body of `length` to send, in the order asked for,
 * overlapping and adjacent ones joined (s14.2).  n is 0 for an absent header,
 * another unit, a header that is not valid or has more than RANGES_MAX ranges:
 * those are ignored.  ERR_RANGE when it is valid and none can be satisfied.
 */
enum err_code ranges_parse(struct str header, uint64_t length,
    struct ranges *out, struct err *err) MUST_USE;

#endif
