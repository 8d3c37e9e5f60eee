/* SPDX-License-Identifier: MIT */
/*
 * What a 207 in JSON says of itself as a whole, and whether its items agree;
 * for the readers in wire/ alone.
 */
#ifndef SHEAF_WIRE_JSON_CLAIMS_H
#define SHEAF_WIRE_JSON_CLAIMS_H

#include <jansson.h>

#include "outcome/tally.h"
#include "wire/json_names.h"

/* All zero is an answer that says nothing. */
struct json_claims {
	bool some; /* a summary was there */
	struct summary sum;
	bool counts[COUNT_NAMES]; /* which of its numbers */
	bool flagged, flag; /* "errors": true or false */
};

void json_claims_read(struct json_claims *c, const json_t *summary);

/*
 * Whether the items, counted, are not what is claimed.  Successes may be left
 * out where there are failures only (Prefer: return=minimal, RFC 7240 s4.2):
 * then what is claimed must still come out even.  "retryable" is the server's
 * word, and is compared with nothing.
 */
bool json_claims_contradict(
    const struct json_claims *c, const struct summary *counted);

#endif
