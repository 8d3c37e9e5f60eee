/* SPDX-License-Identifier: MIT */
/*
 * Expat behind limits: a push parser for XML that somebody else wrote.  No
 * DOCTYPE and so no entities but the five, namespaces required, caps on bytes,
 * depth, attributes and the length of names.  UTF-8 or UTF-16.
 *
 * Names keep the prefix they were written with, for wire/capture.h.
 */
#ifndef SHEAF_WIRE_XML_H
#define SHEAF_WIRE_XML_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "outcome/prop.h"
#include "wire/dav_body.h"

#define XML_NS STR("http://www.w3.org/XML/1998/namespace")

/* Most attributes of an element, and, counted apart, namespace declarations. */
#define XML_MAX_ATTRS 64

/* Most bytes of a local name, a prefix, a namespace name. */
#define XML_MAX_NAME 1024

struct xml_name {
	struct prop_name name;
	struct str prefix;
};

struct xml_attr {
	struct xml_name name;
	struct str value; /* normalised, not escaped */
};

/* xmlns:prefix="uri"; either may be empty. */
struct xml_decl {
	struct str prefix;
	struct str uri;
};

struct xml_element {
	struct xml_name name;
	unsigned depth; /* 0: the root */
	const struct xml_attr *attrs;
	size_t n_attrs;
	const struct xml_decl *decls; /* made on this element, in order */
	size_t n_decls;
};

/*
 * What is found; everything is borrowed for the call.  A failure ends the
 * parsing and is reported with line and column in front of err->tell.  text
 * and close are optional.
 */
struct xml_events {
	enum err_code (*open)(
	    void *arg, const struct xml_element *e, struct err *err);
	/* A run of text may come in any number of pieces. */
	enum err_code (*text)(void *arg, struct str text, struct err *err);
	/* depth as in the open() of the same element. */
	enum err_code (*close)(void *arg, const struct xml_name *name,
	    unsigned depth, struct err *err);
};

struct xml;

/* events and arg must outlive it.  limits->bytes: SIZE_MAX for any number. */
enum err_code
xml_new(const struct xml_limits *limits, const struct xml_events *events,
    void *arg, struct xml **out, struct err *err) MUST_USE;

/*
 * Begins another document with a parser whose last one is over, whole or not.
 * It keeps its memory, and the secret salt of its hash tables.
 */
void xml_renew(struct xml *x, const struct xml_limits *limits,
    const struct xml_events *events, void *arg);

/*
 * Reads on.  ERR_BAD_BODY, ERR_TOO_LARGE, ERR_NOMEM, or what an event returned;
 * not to be called again then.
 */
enum err_code
xml_feed(struct xml *x, struct str bytes, struct err *err) MUST_USE;

/* After the last byte. */
enum err_code xml_end(struct xml *x, struct err *err) MUST_USE;

/* Where in the document, both from 1; columns are characters. */
struct xml_place {
	uint64_t line, column;
};

/* The place of what the event, or the failure, is about. */
struct xml_place xml_place(const struct xml *x);

/* What was wrong with a document that failed with ERR_BAD_BODY. */
enum xml_fault {
	XML_FAULT_NONE, /* nothing, or what an event said */
	XML_FAULT_SYNTAX,
	XML_FAULT_CUT, /* it ends too early */
	XML_FAULT_DOCTYPE,
	XML_FAULT_ENTITY, /* that is none of the five */
	XML_FAULT_PREFIX, /* that is not declared */
};

enum xml_fault xml_fault(const struct xml *x);

/*
 * How many bytes come before what an event is about.  It may wrap around: only
 * the difference of two is of use.
 */
unsigned long xml_offset(const struct xml *x);

/* Whether the document was short, so that the parser holds little memory. */
bool xml_is_small(const struct xml *x);

/* How many bytes are kept because a tag or the like is not whole yet. */
size_t xml_pending(const struct xml *x);

void xml_free(struct xml *x); /* NULL is fine */

#endif
