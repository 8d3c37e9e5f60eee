/* SPDX-License-Identifier: MIT */
/*
 * Text for XML, HTML and JSON, whatever bytes it is made of.  What the form
 * cannot carry (bytes that are not UTF-8, surrogates, U+FFFE, U+FFFF, and in
 * XML the control characters) becomes U+FFFD, one for each byte, so that the
 * document is well-formed all the same.
 */
#ifndef SHEAF_WIRE_ESCAPE_H
#define SHEAF_WIRE_ESCAPE_H

#include "base/buf.h"
#include "base/str.h"

/* Character data: & < > and CR, which a parser would take for a newline. */
void xml_put_text(struct buf *b, struct str s);

/*
 * An attribute value between quotes of either kind, and text in HTML: also
 * both quotes, tab and newline, which a parser would make spaces of.
 */
void xml_put_attr(struct buf *b, struct str s);

/* A JSON string with its quotes. */
void json_put_string(struct buf *b, struct str s);

/* The same without the quotes, so that a string can be made of pieces. */
void json_put_chars(struct buf *b, struct str s);

#endif
