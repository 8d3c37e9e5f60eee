/* SPDX-License-Identifier: MIT */
/* What the readers of request bodies have in common; for wire/ alone. */
#ifndef SHEAF_WIRE_DAV_BODY_IMPL_H
#define SHEAF_WIRE_DAV_BODY_IMPL_H

#include "wire/dav_body.h"
#include "wire/xml.h"

/* Properties that one body may name. */
#define BODY_MAX_PROPS ((size_t)1000)

/*
 * The base of every reader, placed first in it.  As long as the bytes are those
 * of the memo there is no parser.  When others come it is made, and handed all
 * bytes so far.  But where a body differs only in one text, that becomes
 * `text`, if the reader's takes_text() knows where it belongs.
 */
struct dav_body {
	struct ostream stream;
	struct xml_limits limits;
	const struct xml_events *events;
	struct xml *xml; /* NULL before the first bytes, and once it failed */
	struct body_memo *memo; /* or NULL */
	size_t same; /* how many bytes of the memo have come */
	/* The body that came in place of the memo's, in the arena; or empty. */
	struct str instead;
	struct str text; /* in which it differs */
	/* Optional: whether it knows which element has the text `was`. */
	bool (*takes_text)(struct dav_body *b, struct str was);
	struct arena *arena; /* borrowed; for what is read */
	void (*done)(struct dav_body *b); /* optional; frees the reader's own */
	bool empty; /* at the end: there was no body */
};

void dav_body_init(struct dav_body *b, const struct xml_limits *limits,
    const struct xml_events *events, struct body_memo *memo, struct arena *a,
    void (*done)(struct dav_body *));

/*
 * Ends the document; sets b->empty.  *known: it was the memo's, but for b->text
 * if that is not empty, and so there were no events.
 */
enum err_code
dav_body_finish(struct dav_body *b, bool *known, struct err *err) MUST_USE;

/*
 * To remember what was read: the arena for a copy of it, which is emptied; or
 * NULL, where it is not to be remembered.  dav_body_known() says that the memo
 * has the copy.
 */
struct arena *dav_body_keeps(struct dav_body *b);
void dav_body_known(struct dav_body *b);

/* Whether text is all that stands between a ">" and a "<" in just one place. */
bool dav_body_text_once(struct str in, struct str text, size_t *at);

/* Copies a name to the arena; false when memory ran out. */
bool
arena_name(struct arena *a, struct prop_name n, struct prop_name *out) MUST_USE;

/*
 * Makes room for one more item in an array in an arena that holds n; moves
 * *items when it is full.  ERR_TOO_LARGE past BODY_MAX_PROPS.
 */
enum err_code body_room(struct arena *a, void **items, size_t n, size_t size,
    struct err *err) MUST_USE;

/* Whether the element is the one of DAV: with this local name. */
static inline bool
is_dav(const struct xml_name *n, struct str local)
{
	return str_eq(n->name.ns, DAV_NS) && str_eq(n->name.local, local);
}

#endif
