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
	bool has_length; /* it has a Content-Length that counts */
	uint64_t length; /* bytes still to come, of it or of the chunk */
	bool broken; /* not what it claims to be; the rest is dropped */
	struct buf held; /* the first bytes, until the coding is known */
	/* What came of a line between chunks, or of the first line. */
	struct buf line;
	z_stream z;
	bool z_open; /* inflateEnd() is to be called */
};

void saved_body_done(struct saved_body *b);

/* Begins another body, as its header says. */
void saved_body_begin(struct saved_body *b, const struct headers *fields);

/*
 * Takes what belongs to the body off the front of *bytes, decodes it and hands
 * it on.  What comes behind its end is left in *bytes.  Returns what out()
 * returned, or ERR_NOMEM.
 */
enum err_code saved_body_feed(
    struct saved_body *b, struct str *bytes, struct err *err) MUST_USE;

/* No more will come.  *cut: something is missing, or was not what it seemed. */
enum err_code
saved_body_end(struct saved_body *b, bool *cut, struct err *err) MUST_USE;

#endif
