/* SPDX-License-Identifier: MIT */
/*
 * How what others told (struct told) is written again; docs/design/reading.md
 * has the reasons.  What the XML form has no element for goes into elements of
 * our namespace, which all others ignore (RFC 4918 s17).  For wire/ alone.
 */
#ifndef SHEAF_WIRE_TOLD_H
#define SHEAF_WIRE_TOLD_H

#include "outcome/outcome.h"

#define SHEAF_NS STR("urn:sheaf:")

/*
 * The href of an item that has none, followed by its number: no two have the
 * same (s14.24).
 */
#define TOLD_MADE_UP_HREF STR("urn:sheaf:item:")

static inline bool
told_is_made_up(struct str href)
{
	return str_starts(href, TOLD_MADE_UP_HREF);
}

/*
 * A status that was not read is written as 502, which is what a gateway says of
 * an answer that it cannot read, and as ours: "unknown" stands beside it, and a
 * reader makes it 0 again.
 */
#define TOLD_UNREAD_STATUS 502u
#define TOLD_UNREAD_TEXT STR("its status could not be read")

static inline bool
told_is_unread(unsigned status)
{
	return status == 0 || status > 999;
}

static inline unsigned
told_written_status(unsigned status)
{
	return told_is_unread(status) ? TOLD_UNREAD_STATUS : status;
}

#endif
