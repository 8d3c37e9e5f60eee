/* SPDX-License-Identifier: MIT */
/* What remote.c and remote_request.c share. */
#ifndef SHEAF_CLIENT_REMOTE_IMPL_H
#define SHEAF_CLIENT_REMOTE_IMPL_H

#include "client/members.h"
#include "client/remote.h"

/* Makes the header of the request, in the arena.  ERR_NOMEM. */
enum err_code remote_fields(struct arena *a, const struct remote_spec *spec,
    struct headers *out, struct err *err) MUST_USE;

#endif
