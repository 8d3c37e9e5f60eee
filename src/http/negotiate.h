/* SPDX-License-Identifier: MIT */
/* Accept, Accept-Encoding (RFC 9110 s12.5) and Prefer (RFC 7240, RFC 8144). */
#ifndef SHEAF_HTTP_NEGOTIATE_H
#define SHEAF_HTTP_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * The index of the offer ("application/json") that Accept prefers, the first
 * of equals; an absent or malformed header prefers the first.  -1: none is
 * acceptable.
 */
int accept_media(struct str accept, const struct str *offers, size_t n);

/*
 * The same for content codings ("zstd", "gzip"); offers are in our order of
 * preference.  -1: send it without a coding, which is always possible.  "*"
 * stands for all codings that the header does not name.
 */
int accept_coding(struct str accept, const struct str *offers, size_t n);

struct preferences {
	bool minimal; /* return=minimal */
	bool representation; /* return=representation */
	bool depth_noroot; /* RFC 8144 s3 */
	bool respond_async; /* RFC 7240 s4.1 */
	bool has_wait; /* a wait was given (RFC 7240 s4.3) */
	uint64_t wait; /* seconds */
	/* continue-on-error (OData 4.01 Protocol s8.2.8.3); no value: true. */
	bool has_continue, continue_on_error;
};

/* Unknown and malformed preferences are ignored (RFC 7240 s2). */
struct preferences prefer_parse(struct str prefer);

#endif
