/* SPDX-License-Identifier: MIT */
/*
 * The precondition that was not met, as RFC 4918 s16 names it, and the resource
 * that is the cause, where the condition is one that tells it.
 */
#ifndef SHEAF_WIRE_CONDITION_H
#define SHEAF_WIRE_CONDITION_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/path.h"

/* An href to be: prefix is such as goes into the form without escaping. */
struct cause {
	struct str prefix;
	struct rpath path;
	bool collection; /* known to be one: its href ends in a slash */
};

/* Whether the condition of this failure is told with the resource. */
bool condition_has_cause(enum err_code why);

/* <D:NAME/>, with the href in it, or nothing where the failure has no name. */
void condition_put(struct buf *b, enum err_code why, const struct cause *c);

void cause_put_href(struct buf *b, const struct cause *c);

#endif
