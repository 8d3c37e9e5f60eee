/* SPDX-License-Identifier: MIT */
/* What the readers of request bodies have in common; for wire/ alone. */
#ifndef SHEAF_WIRE_DAV_BODY_IMPL_H
#define SHEAF_WIRE_DAV_BODY_IMPL_H

#include "wire/dav_body.h"
#include "wire/xml.h"

/* Properties that one body may name. */
#define BODY_MAX_PROPS ((size_t)1000)

/* The base of every reader, placed first in it. */
struct dav_body {
	struct ostream stream;
	struct xml *xml; /* NULL once it failed */
	struct arena *arena;
	void (*done)(struct dav_body *b); /* of the reader's own; optional */
	bool empty;
};

/* What the stream of a reader does with bytes. */
enum err_code
dav_body_parse(struct dav_body *b, struct str bytes, struct err *err) MUST_USE;

/* On failure b is left for the caller to free(). */
enum err_code dav_body_init(struct dav_body *b, const struct xml_limits *limits,
    const struct xml_events *events, struct arena *a,
    void (*done)(struct dav_body *), struct err *err) MUST_USE;

/* Ends the document; b->empty tells whether there was one. */
enum err_code dav_body_finish(struct dav_body *b, struct err *err) MUST_USE;

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
