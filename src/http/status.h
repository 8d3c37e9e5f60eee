/* SPDX-License-Identifier: MIT */
/* Status codes (RFC 9110 s15 and the IANA registry). */
#ifndef SHEAF_HTTP_STATUS_H
#define SHEAF_HTTP_STATUS_H

#include <stdbool.h>

#include "base/str.h"

/* The registered reason phrase, or for others that of their class. */
struct str status_reason(unsigned status);

bool status_is_registered(unsigned status);

/* Whether it says that what was asked for was not done. */
static inline bool
status_failed(unsigned status)
{
	return status >= 400;
}

#endif
