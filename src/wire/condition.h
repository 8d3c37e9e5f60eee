/* SPDX-License-Identifier: MIT */
/*
 * Writes the precondition that was not met, as RFC 4918 s16 names it, with the
 * resource that is the cause where the condition has room for it.
 */
#ifndef SHEAF_WIRE_CONDITION_H
#define SHEAF_WIRE_CONDITION_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/path.h"

/* The resource that is the cause; prefix needs no escaping. */
struct cause {
	struct str prefix;
	struct rpath path;
	bool collection; /* known to be one: its href ends in a slash */
};

/* Whether the condition of this failure names the resource. */
bool condition_has_cause(enum err_code why);

/* Appends <D:NAME/>, perhaps with the href; nothing if it has no condition. */
void condition_put(struct buf *b, enum err_code why, const struct cause *c);

void cause_put_href(struct buf *b, const struct cause *c);

#endif
