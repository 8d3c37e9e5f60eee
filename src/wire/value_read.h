/* SPDX-License-Identifier: MIT */
/*
 * Reads the value of a property that somebody else sent, element by element,
 * and finds its form:
 *
 *   PROP_TEXT	text alone; also a live property whose value is text by RFC
 *		4918 s15 or RFC 4331, whatever attributes it has (old servers
 *		give them some) and elements are in it
 *   PROP_NAMES	elements alone, which have no attributes and are empty: and
 *		DAV:resourcetype with none in it
 *   PROP_XML	all else
 *
 * The other forms are our own.  For wire/ alone.
 */
#ifndef SHEAF_WIRE_VALUE_READ_H
#define SHEAF_WIRE_VALUE_READ_H

#include "base/arena.h"
#include "wire/capture.h"
#include "wire/xml.h"

enum value_kind {
	VALUE_NONE = 0, /* none is being read */
	VALUE_PLAIN, /* a textual property: all text in it, elements or not */
	VALUE_TEXT, /* text, until an element comes */
	VALUE_WHOLE, /* the capture records it */
};

/* All zero is one that can begin. */
struct value_reader {
	enum value_kind kind;
	struct arena *arena; /* borrowed */
	struct prop_name name; /* of the property, in the arena */
	unsigned depth; /* of its element */
	unsigned inside; /* VALUE_PLAIN: how many elements are open in it */
	struct buf text; /* so far; not of VALUE_WHOLE */
	struct buf prefix; /* of its element */
	struct capture capture;
	bool only_kids; /* so far only empty elements and white space */
	struct buf kids; /* the names of those, struct prop_name */
};

void value_reader_done(struct value_reader *v);

/*
 * Begins with the property's element; name is its name, in the arena, where the
 * value will be.  All events belong to it until value_close() returns true.
 * ERR_TOO_LARGE, ERR_NOMEM.
 */
enum err_code
value_begin(struct value_reader *v, struct arena *a, struct prop_name name,
    const struct xml_element *e, struct err *err) MUST_USE;

/* The same, for PROP_XML whatever is in it. */
enum err_code value_begin_whole(struct value_reader *v, struct arena *a,
    const struct xml_element *e, struct err *err) MUST_USE;

enum err_code value_open(struct value_reader *v, const struct xml_element *e,
    struct err *err) MUST_USE;
void value_text(struct value_reader *v, struct str text);

/* Whether it was the element that it began with. */
bool value_close(struct value_reader *v, const struct xml_name *name,
    unsigned depth) MUST_USE;

/* Sets p->form and what belongs to it. */
enum err_code
value_end(struct value_reader *v, struct prop *p, struct err *err) MUST_USE;

#endif
