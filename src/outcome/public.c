/* SPDX-License-Identifier: MIT */
/*
 * The public functions (include/sheaf/) that hand out what this floor and
 * those below it know.  Thin: what they say is what the server itself goes by.
 */
#include <assert.h>

#include "base/attr.h"
#include "http/status.h"
#include "outcome/tally.h"
#include "sheaf/status.h"
#include "sheaf/version.h"

const char *
sheaf_version(void)
{
	return SHEAF_VERSION;
}

enum sheaf_status_class
sheaf_status_class(unsigned status)
{
	static const enum sheaf_status_class by_digit[] = {
		SHEAF_STATUS_INVALID,
		SHEAF_STATUS_INFORMATIONAL,
		SHEAF_STATUS_SUCCESS,
		SHEAF_STATUS_REDIRECTION,
		SHEAF_STATUS_CLIENT_ERROR,
		SHEAF_STATUS_SERVER_ERROR,
	};
	unsigned digit = status / 100;

	return digit < ARRAY_LEN(by_digit) ? by_digit[digit]
					   : SHEAF_STATUS_INVALID;
}

const char *
sheaf_status_reason(unsigned status)
{
	struct str reason = status_reason(status);

	assert(reason.ptr[reason.len] == '\0'); /* the table is of literals */
	return reason.ptr;
}

bool
sheaf_status_is_retryable(unsigned status)
{
	return status_is_retryable(status);
}
