/* SPDX-License-Identifier: MIT */
/*
 * One DAV:response (RFC 4918 s14.24) that somebody else sent, put together from
 * its parts, and what it means.  docs/design/reading.md says why.  For wire/
 * alone.
 */
#ifndef SHEAF_WIRE_XML_RESPONSE_H
#define SHEAF_WIRE_XML_RESPONSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "outcome/outcome.h"

/* Properties in one response. */
#define RESPONSE_MAX_PROPS ((size_t)65536)

/* A status, which may be there more than once, or unreadable. */
struct said {
	bool any;
	unsigned status; /* 0: it cannot be read, or there are two */
	struct str reason;
};

/* All zero is one that can begin. */
struct xml_response {
	size_t max; /* bytes of all that is kept; 0: any number */
	struct arena arena; /* of all strings */
	size_t kept;

	struct told told; /* href: set for each outcome that is put */
	bool unknown; /* our writer says that it could not read the status */
	struct said status;
	struct str tell;
	struct buf hrefs; /* struct str */
	struct buf sets; /* struct propstat, without props */
	struct buf props; /* struct prop, of all sets in order */

	/* The propstat that is being read. */
	struct said set_status;
	bool set_unknown;
	struct propstat set;
};

void xml_response_done(struct xml_response *r);

void xml_response_begin(struct xml_response *r, uint64_t line, uint64_t column);

/* What comes into it.  ERR_TOO_LARGE, ERR_NOMEM. */
enum err_code
xml_response_href(struct xml_response *r, struct str href, struct err *err);
enum err_code xml_response_status(
    struct xml_response *r, struct said *to, struct str line, struct err *err);
void xml_response_set_begin(struct xml_response *r);
enum err_code xml_response_set_end(struct xml_response *r, struct err *err);

/* Adds a property; *out, which has its name, is for the caller to fill now. */
enum err_code xml_response_prop(struct xml_response *r, struct prop_name name,
    struct prop **out, struct err *err) MUST_USE;

/* Counts bytes that the caller has put into the arena.  ERR_TOO_LARGE. */
enum err_code xml_response_keep(
    struct xml_response *r, size_t bytes, struct err *err) MUST_USE;

/*
 * Puts an outcome for each href, or one if there is none; ends at the first
 * failure of put(), and returns it.
 */
enum err_code xml_response_end(struct xml_response *r,
    enum err_code (*put)(void *arg, const struct outcome *o, struct err *err),
    void *arg, struct err *err) MUST_USE;

#endif
