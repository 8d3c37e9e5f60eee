/* SPDX-License-Identifier: MIT */
/*
 * Sinks that turn outcomes into the bytes of a 207, in one of three forms.
 * Memory does not grow with the number of outcomes: bytes are pushed on in
 * pieces of some KiB as they come.
 */
#ifndef SHEAF_WIRE_MULTISTATUS_H
#define SHEAF_WIRE_MULTISTATUS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "base/str.h"
#include "outcome/sink.h"

enum form {
	FORM_XML, /* DAV:multistatus (RFC 4918 s13) */
	FORM_JSON, /* {"results": [...], "summary": {...}} */
	FORM_NDJSON, /* lines of {"type": "start"|"result"|"summary"} */
	FORM_COUNT
};

/* "application/xml; charset=utf-8" and so on. */
struct str form_media_type(enum form f);

struct multistatus_spec {
	enum form form;
	struct str prefix; /* of every href: struct origin's; copied */
	/*
	 * Prefer: return=minimal.  Properties that are not there (404) are
	 * left out, but not the response they were in (RFC 8144 s2.1).  JSON
	 * also leaves out what succeeded and has no properties to show.
	 */
	bool minimal;
};

/*
 * The sink writes to `to`, which must outlive it, and ends the document in its
 * end(), but not `to`.  Ended with nothing put, the document is whole and
 * empty.  Whatever bytes a path or value holds, the document is well-formed.
 *
 * What others told (struct told) is written as it was: its href, its DAV:error,
 * the sentences.  What a form has no place for goes into elements or members
 * that its readers ignore.  A status that was not read, or has over three
 * digits, is written as 502, which is what a gateway says of an answer that it
 * cannot read, and marked as ours.
 * In XML an item that has no href gets urn:sheaf:item:N.
 */
enum err_code multistatus_new(const struct multistatus_spec *spec,
    struct ostream *to, struct sink **out, struct err *err) MUST_USE;

void multistatus_free(struct sink *s); /* NULL is fine */

/* Sends on what was put so far. */
enum err_code multistatus_flush(struct sink *s);

#endif
