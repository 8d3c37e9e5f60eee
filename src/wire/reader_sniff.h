/* SPDX-License-Identifier: MIT */
/*
 * Which shape an answer has: by its Content-Type, or where that does not say,
 * by its first bytes.  For wire/ alone.
 */
#ifndef SHEAF_WIRE_READER_SNIFF_H
#define SHEAF_WIRE_READER_SNIFF_H

#include "wire/reader.h"

/*
 * Of a Content-Type, with or without parameters; names match in any case.
 * SHAPE_UNKNOWN: it is empty, or neither XML nor JSON.
 */
enum shape shape_of_type(struct str content_type);

/* Whether it is RFC 9457's: an error, and no 207 whatever the status was. */
bool type_is_problem(struct str content_type);

/* All zero is one that has seen nothing. */
struct sniffer {
	size_t at; /* bytes that were looked at */
	bool began; /* behind what may stand in front of a document */
	bool several_lines; /* the first object has a newline in it */
	bool in_string, escaped;
	unsigned depth;
	bool object_ended;
};

/*
 * held: all that came so far, in which the sniffer goes on from where it was.
 * True: *out says, SHAPE_UNKNOWN for what is neither XML nor JSON.  False: more
 * is needed; never if `last`.
 *
 * One object on one line with another behind it is NDJSON, any other object
 * JSON, so an object may have to be held until it ends.
 */
bool
sniff(struct sniffer *s, struct str held, bool last, enum shape *out) MUST_USE;

#endif
