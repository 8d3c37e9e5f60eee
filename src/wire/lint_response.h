/* SPDX-License-Identifier: MIT */
/*
 * X104 to X115: what is noted of a response while its elements come, and judged
 * when it ends.  For wire/lint*.c alone.
 */
#ifndef SHEAF_WIRE_LINT_RESPONSE_H
#define SHEAF_WIRE_LINT_RESPONSE_H

#include "wire/lint_impl.h"
#include "wire/lint_live.h"

/* What was noted of a propstat, until its status is known. */
struct propstat_seen {
	struct lint_place at;
	unsigned n_prop, n_status, status;
	uint64_t properties;
	bool collection;
	const char *wrong[LIVE_COUNT]; /* lint_live_problem() */
	struct lint_place wrong_at[LIVE_COUNT];
};

struct response_seen {
	struct lint_place at;
	unsigned n_href, n_status, n_propstat, status;
	struct lint_place href_at;
	struct buf href; /* the first */
	bool target; /* it is the request's URL */
	bool collection; /* a resourcetype says so */
	bool located; /* it has a location */
	unsigned redirect; /* the first 3xx that needs a location; or 0 */
	struct lint_place redirect_at;
	unsigned n_empty; /* propstats without properties */
	struct lint_place empty_at;
	bool empty_failed; /* the empty one has a failing status */
	unsigned good, bad; /* the last status of a propstat of each kind */
	struct once properties;
};

/* Notes a status of a response, or of a propstat in it. */
void lint_note_status(
    struct response_seen *r, unsigned status, const struct lint_place *at);

void lint_end_propstat(
    struct lint *l, struct response_seen *r, const struct propstat_seen *ps);

/* *failures: counts those that DELETE, COPY and MOVE tell of. */
void lint_end_response(
    struct lint *l, const struct response_seen *r, uint64_t *failures);

/* Whether the method's 207 names what failed, and nothing else. */
bool lint_names_failures(const struct lint *l);

#endif
