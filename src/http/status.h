/* SPDX-License-Identifier: MIT */
/* Status codes (RFC 9110 s15 and the IANA registry). */
#ifndef SHEAF_HTTP_STATUS_H
#define SHEAF_HTTP_STATUS_H

#include <stdbool.h>

#include "base/str.h"

/*
 * The registered reason phrase; for a status that is not registered that of its
 * class's x00.
 */
struct str status_reason(unsigned status);

bool status_is_registered(unsigned status);

/* Whether it says that the request was not carried out. */
static inline bool
status_failed(unsigned status)
{
	return status >= 400;
}

/*
 * The status of a status line (RFC 9112 s4): "HTTP/1.1 423 Locked".  Of any
 * version, and also where version or reason phrase are missing ("HTTP/2 423",
 * "423 Locked"), with any white space.  0: there are no three digits where they
 * should be, or they are 000.  *reason: the phrase, maybe empty.
 */
unsigned status_line_parse(struct str line, struct str *reason);

#endif
