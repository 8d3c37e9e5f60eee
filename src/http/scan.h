/* SPDX-License-Identifier: MIT */
/*
 * Pieces of the grammar that header fields share (RFC 9110 s5.6).  Nothing
 * here allocates; results point into the input.
 */
#ifndef SHEAF_HTTP_SCAN_H
#define SHEAF_HTTP_SCAN_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/str.h"

/* 1*tchar (s5.6.2) */
bool scan_is_token(struct str s);

/* type "/" subtype (s8.3.1), and so a media range as well: '*' is a tchar. */
bool scan_is_media_type(struct str s);

/*
 * Takes off *rest all up to the next c that is not in a quoted string, and c
 * with it; *piece is what stood before c, trimmed.  False when nothing was
 * left.
 */
bool scan_cut(struct str *rest, char c, struct str *piece);

/*
 * The same for lists (s5.6.1): empty members are passed over, as a recipient
 * must.
 */
bool scan_member(struct str *rest, struct str *piece);

/*
 * Splits "name = value" at the sign; both are trimmed.  False: there is no
 * sign; then *name is all of it and *value empty.
 */
bool scan_pair(struct str s, struct str *name, struct str *value);

/*
 * Takes the quotes off a quoted string that has no escapes in it; a token is
 * left as it is.  False for anything else: no value we look for needs escapes.
 */
bool scan_unquote(struct str *s) MUST_USE;

/*
 * Takes "<...>" off the start of *rest: what is inside, which is not empty and
 * has no white space, controls, quotes or angles.  No white space is trimmed.
 * False, with *rest as it was, where there is none.
 */
bool scan_angles(struct str *rest, struct str *inside) MUST_USE;

/* scheme ":" something (RFC 3986 s4.3), which is what a state token is. */
bool scan_is_absolute_uri(struct str s);

#endif
