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
	bool some; /* a summary was there: */
	struct summary sum;
	bool counts[COUNT_NAMES]; /* which of its numbers it gave */
	bool flagged, flag; /* "errors" was there, and its value */
};

void json_claims_read(struct json_claims *c, const json_t *summary);

/*
 * Whether the items that were counted are not those that are claimed.  Where
 * all items are failures, successes may have been left out (Prefer:
 * return=minimal, RFC 7240 s4.2): then the claimed numbers must still add up.
 * "retryable" is for the server to say, and is not compared.
 */
bool json_claims_contradict(
    const struct json_claims *c, const struct summary *counted);

#endif
