/* SPDX-License-Identifier: MIT */
/*
 * A small XML document as a tree in an arena: the value of a property, the body
 * of an answer to LOCK, a DAV:error.  For what is known to be small; a 207 is
 * read as it comes, by wire/reader.h.
 */
#ifndef SHEAF_WIRE_XML_TREE_H
#define SHEAF_WIRE_XML_TREE_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "outcome/prop.h"

struct xml_node {
	struct prop_name name;
	struct str text; /* directly in it, without white space at its ends */
	struct xml_node *child; /* the first element in it */
	struct xml_node *next; /* the next beside it */
};

/*
 * Reads a document into the arena.  ERR_BAD_BODY, ERR_TOO_LARGE (over 1 MiB or
 * 64 deep), ERR_NOMEM.
 */
enum err_code xml_tree_read(struct arena *a, struct str document,
    struct xml_node **root, struct err *err) MUST_USE;

/* The first child of DAV: with this local name, or NULL; n may be NULL. */
const struct xml_node *
xml_tree_dav(const struct xml_node *n, const char *local);

/* Whether it is the element of DAV: with this local name. */
bool xml_node_is_dav(const struct xml_node *n, const char *local);

#endif
