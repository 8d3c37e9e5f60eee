/* SPDX-License-Identifier: MIT */
/*
 * Reads a 207 that somebody else wrote, in bounded memory and as its bytes
 * come: DAV:multistatus (RFC 4918 s13), JSON in any shape that is known, lines
 * of JSON (NDJSON), and JSON text sequences (RFC 7464).  Each resource becomes
 * an outcome with a `told`, put into a sink as soon as it is whole.
 *
 * A JSON document holds its items in one of these ways:
 *   - an array named results, responses, items, Operations (SCIM, RFC 7644
 *     s3.7), atomic:results (JSON:API), or the document itself an array;
 *   - such a member, or the document itself, as a map from ids to items;
 *   - items wrapped in an object of one member that names the operation
 *     (Elasticsearch _bulk: {"index": {"_id": ..., "status": 201}}).
 * An item's status is an integer, a string of digits, a status line ("HTTP/1.1
 * 423 Locked", "423 Locked"), or an object with a code in it.  Members are
 * found under their usual names (wire/json_names.def or the like): href, url,
 * uri, path, location; id, Content-ID, bulkId, _id; error, message, detail.
 */
#ifndef SHEAF_WIRE_READER_H
#define SHEAF_WIRE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "base/str.h"
#include "outcome/sink.h"
#include "outcome/tally.h"

enum shape {
	SHAPE_UNKNOWN,
	SHAPE_XML,
	SHAPE_JSON,
	SHAPE_NDJSON,
	SHAPE_JSON_SEQ,
};

struct reader_limits {
	uint64_t bytes; /* of the whole; 0: any number */
	size_t item; /* bytes of one item as it is sent */
	unsigned depth; /* of elements, or of arrays and objects */
};

/* Any number of bytes, 4 MiB an item, 64 deep. */
extern const struct reader_limits reader_default_limits;

struct reader_spec {
	/*
	 * The Content-Type of the answer.  Where it is empty, or is neither XML
	 * nor JSON, the first bytes decide.
	 */
	struct str content_type;
	const struct reader_limits *limits; /* NULL: the default; borrowed */
};

/* How an answer ended, and what it says of itself. */
struct reading {
	enum shape shape;
	/*
	 * ERR_OK: it is whole.  ERR_CUT_SHORT: it ended too early, or has no
	 * summary where its form demands one.  ERR_BAD_ANSWER: malformed, or
	 * no 207 at all.  ERR_TOO_LARGE: over a limit.  err.tell has line and
	 * column in front ("line 3, column 14: ...").
	 */
	enum err_code end;
	struct err err;
	uint64_t bytes; /* that were read */
	uint64_t line, column; /* where it ended, both from 1 */
	struct summary read; /* what was put into the sink */
	bool claims; /* a summary stood in it, which says: */
	struct summary claimed;
	/*
	 * It contradicts itself: the summary is not what its items come to, or
	 * it says that something failed (Elasticsearch's "errors") and no item
	 * did.
	 */
	bool contradicts;
	/*
	 * DAV:responsedescription of the whole (RFC 4918 s14.15); cut at 511.
	 */
	char description[512];
	/*
	 * DAV:sync-token (RFC 6578 s6.2); empty where there is none or too
	 * long.
	 */
	char sync_token[512];
};

struct reader;

/* The sink must outlive it.  ERR_NOMEM. */
enum err_code reader_new(const struct reader_spec *spec, struct sink *to,
    struct reader **out, struct err *err) MUST_USE;

/*
 * Where the bytes go.  A failure sticks to the stream (ERR_BAD_ANSWER,
 * ERR_TOO_LARGE, ERR_NOMEM, or the sink's) and what follows is dropped: a
 * caller may go on writing.
 */
struct ostream *reader_stream(struct reader *r);

/*
 * After the last byte, also where the stream failed or the connection broke
 * (cut: the transport knows that bytes are missing).  Ends the sink unless it
 * failed, and says how the answer ended; every item that was whole has been
 * put.  Fails only for what is no fault of the answer: ERR_NOMEM, the sink's
 * failure.
 */
enum err_code reader_end(
    struct reader *r, bool cut, struct reading *out, struct err *err) MUST_USE;

void reader_free(struct reader *r); /* NULL is fine */

#endif
