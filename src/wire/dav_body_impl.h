/* SPDX-License-Identifier: MIT */
/* What the readers of request bodies have in common; for wire/ alone. */
#ifndef SHEAF_WIRE_DAV_BODY_IMPL_H
#define SHEAF_WIRE_DAV_BODY_IMPL_H

#include "wire/dav_body.h"
#include "wire/xml.h"

/* Properties that one body may name. */
#define BODY_MAX_PROPS ((size_t)1000)

/*
 * The base of every reader, placed first in it.  While the bytes are those of
 * the memo, there is no parser.  It is made, and is handed all of them, when
 * others come, unless those have other text in one place: then this is `text`,
 * and the reader says in takes_text() whether it knows where that belongs.
 */
struct dav_body {
	struct ostream stream;
	struct xml_limits limits;
	const struct xml_events *events;
	struct xml *xml; /* NULL before the first bytes, and once it failed */
	struct body_memo *memo; /* or NULL */
	size_t same; /* bytes that came and are the memo's */
	struct str instead; /* of those these came, in the arena; or empty */
	struct str text; /* what is other in them */
	/* Whether it knows what `was` is the text of; optional. */
	bool (*takes_text)(struct dav_body *b, struct str was);
	struct arena *arena;
	void (*done)(struct dav_body *b); /* of the reader's own; optional */
	bool empty;
};

void dav_body_init(struct dav_body *b, const struct xml_limits *limits,
    const struct xml_events *events, struct body_memo *memo, struct arena *a,
    void (*done)(struct dav_body *));

/*
 * Ends the document; b->empty tells whether there was one.  *known: it was that
 * of the memo, but for b->text if there is any, and there have been no events.
 */
enum err_code
dav_body_finish(struct dav_body *b, bool *known, struct err *err) MUST_USE;

/*
 * Where what came of the body is to be kept, before dav_body_known() says that
 * it is there; NULL: nowhere.
 */
struct arena *dav_body_keeps(struct dav_body *b);
void dav_body_known(struct dav_body *b);

/* Whether text is all that is between a ">" and a "<", in one place: *at. */
bool dav_body_text_once(struct str in, struct str text, size_t *at);

/* A name that lives in the arena. */
bool
arena_name(struct arena *a, struct prop_name n, struct prop_name *out) MUST_USE;

/*
 * Room for one more in an array in an arena that holds n: *items, moved when
 * it was full.  ERR_TOO_LARGE past BODY_MAX_PROPS.
 */
enum err_code body_room(struct arena *a, void **items, size_t n, size_t size,
    struct err *err) MUST_USE;

/* The element's name is DAV: and local. */
static inline bool
is_dav(const struct xml_name *n, struct str local)
{
	return str_eq(n->name.ns, DAV_NS) && str_eq(n->name.local, local);
}

#endif
