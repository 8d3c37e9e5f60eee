/* SPDX-License-Identifier: MIT */
/*
 * Splits a batch that somebody wants to send into its operations, as its bytes
 * come, and in the memory of one operation whatever its length:
 *
 *   - JSON: an object with "operations" (docs/bulk-api.md) or with "requests"
 *     (OData's $batch), or a bare array of operations;
 *   - lines of JSON, and JSON text sequences: an operation each, and in front
 *     of them perhaps one {"batch": {...}};
 *   - lines of an Elasticsearch _bulk request, an action and its source;
 *   - a retry file that `sheaf batch` wrote (docs/retry-file.md).
 *
 * Which it is, its first line says.  Operations are handed on as the bytes they
 * are; batch_edit.h reads them.
 */
#ifndef SHEAF_WIRE_BATCH_SOURCE_H
#define SHEAF_WIRE_BATCH_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/batch_edit.h"

/* Most bytes of one operation. */
#define BATCH_SOURCE_ITEM ((size_t)64 << 20)

enum batch_shape {
	SHAPE_OPERATIONS, /* {"operations": [...]} -> {"results": [...]} */
	SHAPE_REQUESTS, /* {"requests": [...]} -> {"responses": [...]} */
	SHAPE_ACTIONS, /* _bulk -> {"items": [...]} */
};

/* Shapes by name: "operations", "requests", "actions"; false: none of them. */
const char *batch_shape_name(enum batch_shape s);
bool batch_shape_find(struct str name, enum batch_shape *out);

/* A line without white space at its ends and RFC 7464's separator in front. */
struct str batch_line_trim(struct str line);

/* What stands beside the operations. */
struct batch_source_head {
	enum batch_shape shape;
	bool retry; /* it is a retry file */
	struct str user, url; /* that the retry file names */
	int64_t time; /* when it was written, in seconds since 1970 */
	/*
	 * What else stands there, as members of an object in one line:
	 * "\"mode\":\"atomic\",\"defaults\":{}".  Without operations, dryRun
	 * and failOnErrors; may be empty.
	 */
	struct str members;
	struct str mode; /* as it was written, or empty */
	bool dry_run;
	uint64_t fail_on_errors; /* 0: not given */
};

struct batch_source_item {
	uint64_t index; /* from 0 */
	uint64_t line; /* where it begins, from 1 */
	/* Where it stands in the input, to be found there again. */
	uint64_t offset;
	size_t size;
	struct str bytes; /* size of them, for batch_source_item_read() */
};

/*
 * One operation, from whatever form of source.  Everything is in the arena or
 * borrowed from the item's bytes.
 */
struct batch_operation {
	struct str text; /* the operation, or the action line */
	struct str source; /* the line behind the action, or empty */
	struct batch_edit e;
	/* What a retry file says of it. */
	struct str key;
	struct str fate;
	uint64_t status;
	int64_t retry_after; /* -1: not said */
};

/* Reads the bytes of an item.  ERR_BAD_BODY with err->tell; ERR_NOMEM. */
enum err_code
batch_source_item_read(struct arena *a, const struct batch_source_head *h,
    struct str bytes, struct batch_operation *out, struct err *err) MUST_USE;

/*
 * Append what a request has in front of its operations and behind them.
 * dry_run and fail_on_errors (0: none) are the request's own.  lines: each
 * operation is a line, and nothing comes behind them; else the caller puts
 * commas between them.
 */
void batch_lead_put(struct buf *b, const struct batch_source_head *h,
    bool dry_run, uint64_t fail_on_errors, bool lines);
void
batch_tail_put(struct buf *b, const struct batch_source_head *h, bool lines);

/*
 * Makes the JSON in b, from a place on, one line: a line break in JSON is white
 * space and nothing else.
 */
void batch_flatten(struct buf *b, size_t from);

/* Appends what stands beside the operations, for "batch" of a retry file. */
void batch_head_put(struct buf *b, const struct batch_source_head *h);

struct batch_source;

struct batch_source_events {
	/* An item, borrowed for the call.  A failure ends the reading. */
	enum err_code (*item)(
	    void *arg, const struct batch_source_item *item, struct err *err);
	void *arg;
};

enum err_code batch_source_new(const struct batch_source_events *events,
    struct batch_source **out, struct err *err) MUST_USE;

/*
 * Reads on.  ERR_BAD_BODY: it is none of these forms, or malformed;
 * ERR_TOO_LARGE; what item() returned.  err->tell begins with the line.  A
 * failure sticks.
 */
enum err_code batch_source_feed(
    struct batch_source *s, struct str bytes, struct err *err) MUST_USE;

/* After the last byte.  ERR_BAD_BODY: it is cut short, or has no operations. */
enum err_code
batch_source_end(struct batch_source *s, struct err *err) MUST_USE;

/* All of it is known at the end; shape and retry with the first item. */
const struct batch_source_head *batch_source_head(const struct batch_source *s);

void batch_source_free(struct batch_source *s); /* NULL is fine */

#endif
