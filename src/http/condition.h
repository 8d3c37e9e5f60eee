/* SPDX-License-Identifier: MIT */
/*
 * Conditional requests (RFC 9110 s13): entity tags, and the order in which the
 * conditions are asked.  A malformed If-Match or If-None-Match is
 * ERR_BAD_HEADER, never ignored; dates that are none are ignored, as RFC 9110
 * demands (docs/design/malformed-conditions.md).
 */
#ifndef SHEAF_HTTP_CONDITION_H
#define SHEAF_HTTP_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "http/headers.h"

struct etag {
	/*
	 * With its quotes, without W/; empty: there is none, and none matches.
	 */
	struct str opaque;
	bool weak;
};

/* One entity tag; false when it is not one. */
bool etag_parse(struct str s, struct etag *out) MUST_USE;

/*
 * Takes the tag at the start of *rest off it; false when there is none.
 * spaces: the tag may hold some, which RFC 2616 allowed and RFC 4918 uses.
 */
bool etag_take(struct str *rest, bool spaces, struct etag *out) MUST_USE;

/* Strong comparison (RFC 9110 s8.8.3.2): the same, and neither is weak. */
bool etag_same_strong(const struct etag *a, const struct etag *b);

/* What If-Match and If-None-Match say. */
struct etag_list {
	bool present;
	bool any; /* "*" */
	const struct etag *v;
	size_t n;
};

struct conditions {
	struct etag_list match; /* If-Match */
	struct etag_list none_match; /* If-None-Match */
	bool has_modified_since, has_unmodified_since;
	int64_t modified_since, unmodified_since; /* seconds since 1970 */
};

/*
 * Reads all four headers.  A list without a tag is malformed, too; a date that
 * is none is as good as absent (RFC 9110 s13.1.3, s13.1.4).  read: GET or HEAD,
 * the only ones for which If-Modified-Since means something.
 */
enum err_code conditions_parse(const struct headers *h, bool read,
    struct arena *a, struct conditions *out, struct err *err) MUST_USE;

/* The state of the resource that conditions are checked against. */
struct validators {
	bool exists;
	struct str etag; /* with quotes, strong; empty: it has none */
	int64_t modified; /* seconds since 1970 */
};

/*
 * Checks them in the order of RFC 9110 s13.2.2: ERR_OK, ERR_NOT_MODIFIED (only
 * if `read`) or ERR_PRECONDITION.  A resource that does not exist has no date:
 * conditions on dates hold for it.
 */
enum err_code conditions_check(const struct conditions *c, bool read,
    const struct validators *now, struct err *err) MUST_USE;

/*
 * If-Range (s13.1.5): whether the Range is to be obeyed.  A date must be that
 * of the last change, to the second, and at least a minute old: a file may
 * have changed twice in one second (s8.8.2.2).  What is neither a tag nor a
 * date matches nothing: the whole is sent, which is never wrong.
 */
bool if_range_holds(const struct headers *h, const struct validators *now);

#endif
