/* SPDX-License-Identifier: MIT */
/*
 * HTTP status codes, as a 207 Multi-Status holds one for each resource (RFC
 * 4918 s13).  These are the tables that `sheaf serve` answers from.
 *
 * Memory: nothing is allocated; the strings are constant and never NULL.
 *
 * Threads: any number may call these functions at once.
 */
#ifndef SHEAF_STATUS_H
#define SHEAF_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include <sheaf/api.h>

SHEAF_BEGIN

/* The first digit of a status (RFC 9110 s15). */
enum sheaf_status_class {
	SHEAF_STATUS_INVALID = 0, /* not from 100 to 599 */
	SHEAF_STATUS_INFORMATIONAL = 1,
	SHEAF_STATUS_SUCCESS = 2,
	SHEAF_STATUS_REDIRECTION = 3,
	SHEAF_STATUS_CLIENT_ERROR = 4,
	SHEAF_STATUS_SERVER_ERROR = 5
};

/*
 * The class of a status.  Note that 207 is a success by its class, and says
 * nothing about what it holds: look at the status of each response in it.
 *
 * status: any number.
 * Returns: its class; SHEAF_STATUS_INVALID where it is not from 100 to 599.
 * RFC: RFC 9110 s15.
 */
SHEAF_API enum sheaf_status_class sheaf_status_class(uint32_t status);

/*
 * Whether a status is in the IANA registry.
 *
 * status: any number.
 * Returns: true for 423, false for 299 and 1000.
 * RFC: RFC 9110 s16.2.1.
 */
SHEAF_API bool sheaf_status_is_registered(uint32_t status);

/*
 * What to take a status for: itself where it is registered, else the x00 of its
 * class.
 *
 * status: any number.
 * Returns: 423 for 423, 400 for 499; 0 where it is not from 100 to 599.
 * RFC: RFC 9110 s15.
 */
SHEAF_API uint32_t sheaf_status_effective(uint32_t status);

/*
 * The registered reason phrase.
 *
 * status: any number.
 * Returns: "Locked" for 423; for a number that is not registered the phrase of
 * its class's x00, and for one that is no status at all "Unknown".
 * RFC: RFC 9110 s15 and s16.2.1.
 */
SHEAF_API const char *sheaf_status_reason(uint32_t status);

/*
 * Whether the same request, sent again later, may well succeed.  This is what
 * "retryable" counts in the summary of a bulk answer.  Whether it is also safe
 * to send it again depends on the method: sheaf_status_is_retryable_for().
 *
 * status: any number.
 * Returns: true for 408, 423, 425, 429, 502, 503 and 504.
 * RFC: RFC 9110 s15; RFC 4918 s11.3; RFC 6585 s4; RFC 8470 s5.2.
 */
SHEAF_API bool sheaf_status_is_retryable(uint32_t status);

/*
 * Whether a program may send this request again by itself, later: the status
 * is one that passes, and doing it twice is like doing it once.
 *
 * status: any number.
 * method: the HTTP method, upper case: "DELETE".  NULL or "": not known, and
 * taken for one that may be sent twice.  A method that is not in the registry
 * is taken for one that may not.
 * keyed: the request carries an Idempotency-Key, which makes any method safe.
 * Returns: true for 408, 425, 429, 502, 503 and 504 if the method is idempotent
 * or keyed.  423 and 507 are false: somebody has to unlock or make room first.
 * RFC: RFC 9110 s9.2.2.
 */
SHEAF_API bool
sheaf_status_is_retryable_for(uint32_t status, const char *method, bool keyed);

/*
 * Whether doing it twice is like doing it once, by the IANA registry of
 * methods.
 *
 * method: upper case, as it is sent; case matters.  NULL is no method.
 * Returns: true for PUT and PROPFIND, false for POST, LOCK and "put".
 * RFC: RFC 9110 s9.2.2 and s18.2.
 */
SHEAF_API bool sheaf_method_is_idempotent(const char *method);

SHEAF_END

#endif
