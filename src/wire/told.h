/* SPDX-License-Identifier: MIT */
/*
 * What the XML form has no element for, and our writer and reader say among
 * themselves: in elements of our namespace, which anybody else ignores
 * (RFC 4918 s17), and in hrefs of items that have none.  For wire/ alone.
 */
#ifndef SHEAF_WIRE_TOLD_H
#define SHEAF_WIRE_TOLD_H

#include "base/str.h"

#define SHEAF_NS STR("urn:sheaf:")

/* Followed by the number of the item: no two have the same (s14.24). */
#define TOLD_MADE_UP_HREF STR("urn:sheaf:item:")

static inline bool
told_is_made_up(struct str href)
{
	return str_starts(href, TOLD_MADE_UP_HREF);
}

#endif
