/* SPDX-License-Identifier: MIT */
/* Content types by file name, from the system's table (/etc/mime.types). */
#ifndef SHEAF_HTTP_MIME_H
#define SHEAF_HTTP_MIME_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct mime;

/* Reads a table in the format of mime.types(5). */
enum err_code
mime_open(const char *file, struct mime **out, struct err *err) MUST_USE;

/*
 * The type for a file name by its extension (ASCII case does not matter), or
 * "application/octet-stream".  Text types come with no charset.  m may be
 * NULL: a table with nothing in it.
 */
struct str mime_type(const struct mime *m, struct str name);

void mime_free(struct mime *m); /* NULL is fine */

#endif
