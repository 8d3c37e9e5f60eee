/* SPDX-License-Identifier: MIT */
/* Reads a status in any of the forms that others give it in JSON. */
#ifndef SHEAF_WIRE_JSON_STATUS_H
#define SHEAF_WIRE_JSON_STATUS_H

#include <stdbool.h>

#include <jansson.h>

#include "base/str.h"

/*
 * The status of 423, "423", "HTTP/1.1 423 Locked", "423 Locked", {"code": ...}
 * of these (older SCIM), the code of a google.rpc.Status, or the name of a
 * failing one ("NOT_FOUND"): 100..999.  False: v (may be NULL) is nothing of
 * that.  "ok" and "success" are no status.
 */
bool json_status_read(const json_t *v, unsigned *status);

/* The same of text: "423", "HTTP/1.1 423 Locked", "423 Locked". */
bool status_line_read(struct str line, unsigned *status);

#endif
