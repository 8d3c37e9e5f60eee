/* SPDX-License-Identifier: MIT */
/*
 * How a body is written in JSON, by its Content-Type; the same in a batch and
 * in its answer, so that what was read can be sent back as it came.
 */
#ifndef SHEAF_WIRE_BATCH_TYPE_H
#define SHEAF_WIRE_BATCH_TYPE_H

#include <stdbool.h>

#include "base/str.h"

/* The media type without its parameters. */
struct str batch_type_of(struct str content_type);

/* Whether it is application/json or ends in +json: the body is a JSON value. */
bool batch_type_is_json(struct str type);

/* Whether it is text, XML and the like included: the body is a string. */
bool batch_type_is_text(struct str type);

#endif
