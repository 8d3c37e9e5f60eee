/* SPDX-License-Identifier: MIT */
/*
 * X115: the live properties whose values have a form (RFC 4918 s15).  For
 * wire/lint*.c alone.
 */
#ifndef SHEAF_WIRE_LINT_LIVE_H
#define SHEAF_WIRE_LINT_LIVE_H

#include "base/str.h"

enum live {
	LIVE_ETAG,
	LIVE_MODIFIED,
	LIVE_CREATED,
	LIVE_LENGTH,
	LIVE_COUNT /* none of them */
};

/* The property by its local name in DAV:; LIVE_COUNT: it is none of these. */
enum live lint_live_find(struct str local);
const char *lint_live_name(enum live p);

/*
 * What is wrong with the value, to stand behind "which is": NULL if nothing.
 * An empty value has no form: names alone may have been asked for.
 */
const char *lint_live_problem(enum live p, struct str value);

#endif
