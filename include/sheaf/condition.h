/* SPDX-License-Identifier: MIT */
/*
 * The precondition and postcondition elements that the RFCs define, which an
 * answer names in DAV:error (RFC 4918 s16): what each means, and what whoever
 * asked can do about it.
 *
 * Memory: nothing is allocated; everything handed out is constant.
 *
 * Threads: any number may call these functions at once.
 */
#ifndef SHEAF_CONDITION_H
#define SHEAF_CONDITION_H

#include <stddef.h>

#include <sheaf/api.h>

SHEAF_BEGIN

/* A condition element.  Members may be added at the end. */
struct sheaf_condition {
	const char *ns; /* "DAV:", "urn:ietf:params:xml:ns:caldav" ... */
	const char *name; /* "lock-token-submitted" */
	const char *rfc; /* "RFC 4918 s16" */
	const char *means; /* a sentence for people, without a full stop */
	const char *todo; /* what to do about it; likewise */
};

/*
 * Looks a condition up by its name.
 *
 * ns: the namespace; NULL or "" for none.
 * name: the local name; case matters.
 * Returns: the condition, or NULL where no RFC that we know defines it.
 * RFC: RFC 4918 s16.
 */
SHEAF_API const struct sheaf_condition *
sheaf_condition_find(const char *ns, const char *name);

/*
 * One condition of the table, sorted by namespace and name.
 *
 * i: from 0.
 * Returns: the condition, or NULL when there are no more.
 * RFC: RFC 4918 s16; RFC 3253; RFC 3648; RFC 3744; RFC 4791; RFC 6352; RFC
 * 6578.
 */
SHEAF_API const struct sheaf_condition *sheaf_condition_at(size_t i);

/*
 * The first condition in a DAV:error element, such as sheaf_outcome.error and
 * sheaf_propstat.error hold.
 *
 * error: the element, serialised; NULL or "" has none.
 * Returns: the condition, or NULL where it has none that is known, or where
 * the text is not well-formed.
 * Memory: what it needs to parse is released before it returns; NULL, too,
 * where there is none to be had.
 * RFC: RFC 4918 s14.5 and s16.
 */
SHEAF_API const struct sheaf_condition *sheaf_condition_in(const char *error);

SHEAF_END

#endif
