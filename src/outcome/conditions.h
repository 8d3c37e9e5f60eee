/* SPDX-License-Identifier: MIT */
/*
 * The conditions that a DAV:error can name, as far as RFCs define them:
 * preconditions that were not met, and postconditions that the server could not
 * keep; with words for people.  The table is conditions.def.
 */
#ifndef SHEAF_OUTCOME_CONDITIONS_H
#define SHEAF_OUTCOME_CONDITIONS_H

#include <stddef.h>

#include "outcome/prop.h"

#define CALDAV_NS STR("urn:ietf:params:xml:ns:caldav")
#define CARDDAV_NS STR("urn:ietf:params:xml:ns:carddav")

/* Strings are static, and the sentences have no full stop. */
struct condition {
	struct prop_name name;
	const char *source; /* "RFC 4918 s16" */
	const char *means; /* "it is locked, and ..." */
	const char *todo; /* "wait until it is unlocked, or ..." */
};

/* Sorted by namespace and name. */
extern const struct condition condition_rows[];
extern const size_t n_condition_rows;

/*
 * Finds a condition by its name, in which case matters; NULL where no RFC that
 * we know defines it.
 */
const struct condition *condition_find(struct prop_name name);

#endif
