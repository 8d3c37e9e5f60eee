/* SPDX-License-Identifier: MIT */
/*
 * Whether to send a failed operation again, and when.  One table by status
 * (retry.def) serves the client, `sheaf explain`, `sheaf retry` and the users
 * of libsheaf.
 */
#ifndef SHEAF_OUTCOME_RETRY_H
#define SHEAF_OUTCOME_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

enum retry_advice {
	RETRY_NONE, /* it succeeded */
	/* 408, 425, 429, 502, 503, 504, if sending it twice does no harm. */
	RETRY_LATER,
	RETRY_WHEN_FREED, /* 423, 507: when somebody has unlocked, made room */
	RETRY_WITH_CAUSE, /* 424: with the operation it depends on */
	/* 400, 403, 404, 405 ...: the same again would fail again. */
	RETRY_AFTER_CHANGE,
	RETRY_NEVER, /* 409, 412: somebody else's work would be overwritten */
	RETRY_LOOK_FIRST, /* unknown: ask what is there before anything else */
	RETRY_ADVICE_COUNT
};

/*
 * Whether doing it twice is like doing it once, by the IANA registry: true for
 * GET HEAD OPTIONS TRACE PUT DELETE, PROPFIND PROPPATCH COPY MOVE MKCOL UNLOCK
 * REPORT SEARCH and so on.  Case matters (RFC 9110 s9.1); a method that is not
 * in the registry is not idempotent.
 */
bool method_is_idempotent(struct str method);

/*
 * What to do about an operation by its status: any number, of which one that is
 * not registered is taken for its class's x00.  method: empty where it is not
 * known, and then taken for idempotent.  keyed: it has an Idempotency-Key.
 */
enum retry_advice retry_advise(unsigned status, struct str method, bool keyed);

/* A sentence for people: "try again later". */
const char *retry_advice_text(enum retry_advice a);

/*
 * Reads a Retry-After (RFC 9110 s10.2.3), seconds or a date.  *ns: how long to
 * wait from `now` (clock_now()) on; 0 for a date in the past.  False for what
 * is neither: "1.5", "-1", "soon".
 */
bool retry_after_parse(struct str value, int64_t now, int64_t *ns) MUST_USE;

#define RETRY_BASE (INT64_C(500) * 1000 * 1000) /* ns */
#define RETRY_CAP (INT64_C(60) * 1000 * 1000 * 1000)
#define RETRY_ATTEMPTS 5

/*
 * How long to wait before attempt n (from 2), in ns: the larger of what the
 * server says (-1: nothing) and a random part of base * 2^(n-2), at most cap
 * (full jitter).  random: any 64 bits.
 */
int64_t retry_delay(unsigned attempt, int64_t retry_after, uint64_t random);

#endif
