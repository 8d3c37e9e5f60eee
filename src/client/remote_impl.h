/* SPDX-License-Identifier: MIT */
/* What remote.c and remote_request.c share. */
#ifndef SHEAF_CLIENT_REMOTE_IMPL_H
#define SHEAF_CLIENT_REMOTE_IMPL_H

#include "client/members.h"
#include "client/remote.h"

/* Of which resources If says that they have the lock. */
enum if_of {
	IF_ANY, /* one of those that it may be of */
	IF_TARGET,
};

/* Makes the header of the request, in the arena.  ERR_NOMEM. */
enum err_code remote_fields(struct arena *a, const struct remote_spec *spec,
    enum if_of of, struct headers *out, struct err *err) MUST_USE;

/* Whether IF_ANY says something else than IF_TARGET. */
bool remote_has_choice(const struct remote_spec *spec);

#endif
