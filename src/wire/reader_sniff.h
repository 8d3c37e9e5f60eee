/* SPDX-License-Identifier: MIT */
/*
 * Finds out which shape an answer has: by its Content-Type or, where that does
 * not say, by its first bytes.  For wire/ alone.
 */
#ifndef SHEAF_WIRE_READER_SNIFF_H
#define SHEAF_WIRE_READER_SNIFF_H

#include "wire/reader.h"

/*
 * The shape that a Content-Type names, parameters or not, in upper or lower
 * case.  SHAPE_UNKNOWN: it is empty, or neither XML nor JSON.
 */
enum shape shape_of_type(struct str content_type);

/* Whether it is RFC 9457's: an error, and no 207 whatever the status was. */
bool type_is_problem(struct str content_type);

/* All zero is one that has seen nothing. */
struct sniffer {
	size_t at; /* how many bytes were looked at */
	bool began; /* the document's first byte was found */
	bool several_lines; /* the first object has a newline in it */
	bool in_string, escaped; /* where we are in the first object */
	unsigned depth;
	bool object_ended; /* the first object is over */
};

/*
 * Looks at held, which is all that came so far, from where it was left.  True:
 * *out is the shape, SHAPE_UNKNOWN for what is neither XML nor JSON.  False:
 * more is needed; never if `last`.
 *
 * One object on one line with another behind it is NDJSON, any other object
 * JSON, so an object may have to be held until it ends.
 */
bool
sniff(struct sniffer *s, struct str held, bool last, enum shape *out) MUST_USE;

#endif
