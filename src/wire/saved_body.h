/* SPDX-License-Identifier: MIT */
/*
 * The body of a raw HTTP response, as it was saved: in chunks or not, in gzip
 * or zlib or not, whatever its header says of that (`curl -i` writes bodies
 * decoded under the header they came with).  For saved.c alone.
 */
#ifndef SHEAF_WIRE_SAVED_BODY_H
#define SHEAF_WIRE_SAVED_BODY_H

#include <zlib.h>

#include "wire/saved.h"

enum framing {
	FRAMING_PLAIN = 0,
	FRAMING_MAYBE, /* said to be in chunks; its first line tells */
	FRAMING_SIZE, /* of chunks: the line with the size */
	FRAMING_DATA,
	FRAMING_DATA_END, /* the line break behind the data */
	FRAMING_TRAILER,
	FRAMING_OVER, /* all that was announced has come */
};

enum coding {
	CODING_NONE = 0,
	CODING_MAYBE, /* said to be compressed; its first bytes tell */
	CODING_ON,
	CODING_OVER, /* the compressed stream has ended */
};

/* All zero is a body without an end of its own. */
struct saved_body {
	enum err_code (*out)(void *arg, struct str bytes, struct err *err);
	void *arg;
	enum framing framing;
	enum coding coding;
	bool has_length; /* Content-Length */
	uint64_t length; /* that is still to come of it, or of a chunk */
	bool broken; /* not what it claims to be; the rest is dropped */
	struct buf held; /* until its framing or coding is known */
	struct buf line; /* of a chunk */
	z_stream z;
	bool z_open;
};

void saved_body_done(struct saved_body *b);

/* For the next body, by its header. */
void saved_body_begin(struct saved_body *b, const struct headers *fields);

/*
 * Takes what belongs to it off the front of *bytes and hands it on, decoded.
 * Where its end is known it may leave some.  What out() returned, or ERR_NOMEM.
 */
enum err_code saved_body_feed(
    struct saved_body *b, struct str *bytes, struct err *err) MUST_USE;

/* No more will come.  *cut: something is missing, or was not what it seemed. */
enum err_code
saved_body_end(struct saved_body *b, bool *cut, struct err *err) MUST_USE;

#endif
