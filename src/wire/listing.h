/* SPDX-License-Identifier: MIT */
/*
 * A sink that turns the outcomes of a PROPFIND with Depth: 1 into a page for a
 * browser: the members of one collection with size and date, escaped, links
 * encoded.  Members that could not be read stand in it with their status.
 * Rows come in the order of the outcomes, collections and files alike; memory
 * does not grow with their number.
 */
#ifndef SHEAF_WIRE_LISTING_H
#define SHEAF_WIRE_LISTING_H

#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "http/path.h"
#include "outcome/sink.h"

/* root is borrowed, prefix copied, to is as in wire/multistatus.h. */
enum err_code listing_new(struct str prefix, struct rpath root,
    struct ostream *to, struct sink **out, struct err *err) MUST_USE;

void listing_free(struct sink *s); /* NULL is fine */

#endif
