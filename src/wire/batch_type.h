/* SPDX-License-Identifier: MIT */
/*
 * What a Content-Type says of how a body stands in JSON, in a batch and in its
 * answer alike: what was read can be sent back as it came.
 */
#ifndef SHEAF_WIRE_BATCH_TYPE_H
#define SHEAF_WIRE_BATCH_TYPE_H

#include <stdbool.h>

#include "base/str.h"

/* The media type without its parameters. */
struct str batch_type_of(struct str content_type);

/* application/json, and whatever ends in +json: the body is the JSON value. */
bool batch_type_is_json(struct str type);

/* text and what is known to be text, such as XML: the body is a string. */
bool batch_type_is_text(struct str type);

#endif
