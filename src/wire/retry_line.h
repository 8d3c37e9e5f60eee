/* SPDX-License-Identifier: MIT */
/*
 * The lines of a retry file (docs/retry-file.md): what was asked for and not
 * proven done, in the words of the bulk API, so that `sheaf retry`, `sheaf
 * batch` and other programs can ask for it again.
 */
#ifndef SHEAF_WIRE_RETRY_LINE_H
#define SHEAF_WIRE_RETRY_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define RETRY_FILE_VERSION 1

/* Most bytes of one line. */
#define RETRY_LINE_MAX ((size_t)8 << 20)

/* The first line. */
struct retry_header {
	struct str command; /* "put" */
	struct str user; /* the name it was done as, or empty */
	int64_t time; /* seconds since 1970 */
	/*
	 * Of `sheaf batch`, written and not read here: where its operations go,
	 * in which shape, and what stands beside them, as JSON.
	 */
	struct str url, shape, batch;
};

/* Any other line; what is empty was not given. */
struct retry_line {
	struct str id;
	struct str member_of; /* the id of a later line that waits for it */
	struct str op; /* an op of the bulk API; or */
	struct str method; /* a method that has no op: LOCK, UNLOCK */
	struct str url, destination; /* absolute, encoded, without a user */
	struct str file; /* the local one */
	struct str if_match, if_none_match, lock_token;
	struct str body, content_type;
	bool keep; /* "overwrite": false */
	bool recursive;
	/* What became of it. */
	struct str fate; /* "failed", "partial", "unknown", "left" */
	unsigned status; /* 0: none */
	struct str error;
	int64_t retry_after; /* seconds; -1: not said */
	/* Of `sheaf batch`, written and not read here; these two are JSON. */
	struct str operation, source;
	struct str key;
};

/* Append a line, with its newline. */
void retry_header_put(struct buf *b, const struct retry_header *h);
void retry_line_put(struct buf *b, const struct retry_line *l);

/* Whether a line is the first of a retry file. */
bool retry_header_is(struct str line);

/*
 * ERR_BAD_BODY with a sentence in err: the file's version is not known, or the
 * line is malformed.
 */
enum err_code retry_header_parse(struct arena *a, struct str line,
    struct retry_header *out, struct err *err) MUST_USE;

/*
 * Everything in the arena.  ERR_BAD_BODY: no object, a member of the wrong
 * type, none or both of op and method, no url.  Members that are not known are
 * passed over.
 */
enum err_code retry_line_parse(struct arena *a, struct str line,
    struct retry_line *out, struct err *err) MUST_USE;

#endif
