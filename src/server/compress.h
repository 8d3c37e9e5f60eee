/* SPDX-License-Identifier: MIT */
/*
 * Content codings of what is made here (not of files): an ostream in front of
 * another.  Its memory is bounded, some 300 KiB while it is open.
 */
#ifndef SHEAF_SERVER_COMPRESS_H
#define SHEAF_SERVER_COMPRESS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "base/str.h"

enum coding {
	CODING_IDENTITY,
	CODING_ZSTD,
	CODING_GZIP,
};

/* "zstd", "gzip"; empty for identity. */
struct str coding_name(enum coding c);

/* What Accept-Encoding asks for (RFC 9110 s12.5.3), joined as a list. */
enum coding coding_choose(struct str accept_encoding);

struct compress;

/*
 * c is not CODING_IDENTITY.  to is borrowed; a flush makes what was written
 * so far readable there and flushes it, and the end ends it.  Fails as `to`
 * does, or with ERR_NOMEM.
 */
enum err_code compress_new(enum coding c, struct ostream *to,
    struct compress **out, struct err *err) MUST_USE;

struct ostream *compress_stream(struct compress *c);

void compress_free(struct compress *c); /* NULL is fine */

#endif
