/* SPDX-License-Identifier: MIT */
/*
 * Where outcomes go.  A sink takes them one at a time, in order, from one
 * thread at a time.
 *
 * The first failure sticks: later puts do nothing and return it again, so a
 * producer may stop checking without losing it.  A sink failing means that
 * nobody hears the answer any more; the producer should stop.
 */
#ifndef SHEAF_OUTCOME_SINK_H
#define SHEAF_OUTCOME_SINK_H

#include <assert.h>

#include "base/attr.h"
#include "base/err.h"
#include "outcome/outcome.h"

struct sink;

struct sink_ops {
	const char *name;
	enum err_code (*put)(struct sink *s, const struct outcome *o);
	/* Optional: no more will be put; called once, not after a failure. */
	enum err_code (*end)(struct sink *s);
};

/* The base of every sink, placed first in it. */
struct sink {
	const struct sink_ops *ops;
	enum err_code failed;
};

/* Asserts that the required functions are there. */
void sink_init(struct sink *s, const struct sink_ops *ops);

/* Inline, since a member of a listing goes through five sinks. */
static inline enum err_code
sink_put(struct sink *s, const struct outcome *o)
{
	assert(o->told ||
	    (o->status >= 200 && o->status <= 599 && o->status != 207));
	assert(o->told || (o->path.s.len && o->path.s.ptr[0] == '/'));
	if (!s->failed)
		s->failed = s->ops->put(s, o);
	return s->failed;
}

enum err_code sink_end(struct sink *s) MUST_USE;

#endif
