/* SPDX-License-Identifier: MIT */
/* Files of docs/ that the program serves; tools/embed makes the other half. */
#ifndef SHEAF_BULK_EMBEDDED_H
#define SHEAF_BULK_EMBEDDED_H

#include "base/str.h"

extern const struct str embedded_openapi_json;
extern const struct str embedded_request_schema_json;
extern const struct str embedded_answer_schema_json;

#endif
