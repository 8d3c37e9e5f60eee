/* SPDX-License-Identifier: MIT */
/*
 * The sink between the reader of a 207 and the caller's sink of members.  It
 * makes each href absolute, sees whether it is one that was asked for, and
 * notes what judge() needs.
 */
#ifndef SHEAF_CLIENT_MEMBERS_H
#define SHEAF_CLIENT_MEMBERS_H

#include "client/judge.h"
#include "outcome/sink.h"

struct members {
	struct sink base;
	unsigned rules; /* enum method_rule */
	struct url target; /* hrefs are relative to it */
	struct url destination; /* host empty: there is none */
	const struct prop_name *asked; /* borrowed */
	size_t n_asked;
	bool *seen; /* which of `asked` were mentioned */
	struct sink *next; /* gets the members; may be NULL */
	struct arena *kept; /* for what m points to */
	struct arena item; /* of the resource in hand */
	struct mentioned m;
};

/*
 * Set rules, target, destination, asked, next and kept before.  ERR_NOMEM.
 */
enum err_code members_init(struct members *s, struct err *err) MUST_USE;
void members_done(struct members *s);

/* Called after the last resource: fills in m.unasked.  ERR_NOMEM. */
enum err_code members_finish(struct members *s, struct err *err) MUST_USE;

#endif
