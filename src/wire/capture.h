/* SPDX-License-Identifier: MIT */
/*
 * One property element, recorded as it is parsed, so that it can be kept and
 * sent again (RFC 4918 s4.3, s4.4): either its text alone, or, when it has
 * attributes or children, the whole element, serialised so that it stands on
 * its own: a prefix that was declared outside is declared on it.  Prefixes,
 * attributes, white space and the order of everything are kept; comments and
 * processing instructions are dropped, CDATA sections become text.
 *
 * A prefix that occurs only in text or attribute values (a QName in content)
 * is kept where its declaration is inside the property.
 */
#ifndef SHEAF_WIRE_CAPTURE_H
#define SHEAF_WIRE_CAPTURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "wire/xml.h"

/* Declarations in scope at one place, and prefixes taken from outside. */
#define CAPTURE_MAX_DECLS 256
#define CAPTURE_MAX_HOISTED 64

struct capture_decl {
	size_t at; /* of the prefix in capture.prefixes */
	size_t len;
	unsigned depth; /* of the element it is on */
};

struct capture {
	unsigned depth; /* of the property's element in the document */
	/*
	 * The whole element is needed, text is not enough; who wants it in any
	 * case sets it after capture_begin().
	 */
	bool whole;
	bool tag_open; /* the last start tag has no '>' yet */
	struct buf text; /* what came so far, not escaped; until `whole` */
	struct buf head; /* "<p:name" and its own declarations */
	struct buf hoisted; /* the declarations taken from outside */
	struct buf rest; /* everything behind them */
	struct buf prefixes; /* the strings of decls and outer */
	struct buf decls; /* struct capture_decl, of the elements within */
	struct buf outer; /* the same, of prefixes taken from outside */
};

/* All zero is a capture that can begin.  Releases its memory. */
void capture_done(struct capture *c);

/*
 * Begins with the property's own element.  lang: the xml:lang in scope around
 * it; empty: none.  ERR_TOO_LARGE, ERR_NOMEM.  Then come all events within it.
 */
enum err_code capture_begin(struct capture *c, const struct xml_element *e,
    struct str lang, struct err *err) MUST_USE;

enum err_code capture_open(
    struct capture *c, const struct xml_element *e, struct err *err) MUST_USE;
void capture_text(struct capture *c, struct str text);
void
capture_close(struct capture *c, const struct xml_name *name, unsigned depth);

/*
 * After the close of its own element: sets p->form to PROP_TEXT or PROP_XML
 * and p->value to what was recorded, in the arena.
 */
enum err_code capture_end(struct capture *c, struct arena *a, struct prop *p,
    struct err *err) MUST_USE;

#endif
