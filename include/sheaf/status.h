/* SPDX-License-Identifier: MIT */
/*
 * HTTP status codes, as a 207 Multi-Status holds one for each resource (RFC
 * 4918 s13).  These are the tables the server itself answers from.
 *
 * All functions take any number, allocate nothing, and may be called by any
 * number of threads at once.
 */
#ifndef SHEAF_STATUS_H
#define SHEAF_STATUS_H

#include <stdbool.h>

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
 * Note that 207 is a success by its class, and says nothing about what it
 * holds: look at the status of each response in it.
 */
SHEAF_API enum sheaf_status_class sheaf_status_class(unsigned status);

/*
 * The registered reason phrase: "Locked" for 423.  A number that is not
 * registered has that of its class's x00, and one that is no status at all
 * "Unknown".  The string is constant and never NULL.
 */
SHEAF_API const char *sheaf_status_reason(unsigned status);

/*
 * Whether the same request, sent again later, may well succeed: 408, 423, 425,
 * 429, 502, 503 and 504.  This is what "retryable" counts in the summary of a
 * bulk answer.
 */
SHEAF_API bool sheaf_status_is_retryable(unsigned status);

SHEAF_END

#endif
