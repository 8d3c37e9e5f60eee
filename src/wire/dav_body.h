/* SPDX-License-Identifier: MIT */
/*
 * Reads the XML bodies of requests, as they arrive, in bounded memory: no
 * DOCTYPE, no entities but the five, namespaces required, limits on bytes,
 * depth, attributes and names.
 *
 * Failures, with the reason (and line and column) for the client:
 * ERR_BAD_BODY for what is malformed or means nothing, ERR_TOO_LARGE for a
 * limit.  They stick to the stream, so its bytes may go on coming; the body is
 * then dropped as it comes.
 */
#ifndef SHEAF_WIRE_DAV_BODY_H
#define SHEAF_WIRE_DAV_BODY_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/ostream.h"
#include "outcome/prop.h"

struct xml_limits {
	size_t bytes;
	unsigned depth;
};

struct xml;

/* A body that is being read; released with dav_body_free(). */
struct dav_body;

/* Where its bytes go. */
struct ostream *dav_body_stream(struct dav_body *b);

void dav_body_free(struct dav_body *b); /* NULL is fine */

/*
 * Remembers the last small body of a kind, with what was read from it: clients
 * send the same few all the time, and to parse one costs more than all the rest
 * of a PROPFIND of one file, or of a LOCK.  A body that differs from it in the
 * text of one element only is not parsed either, if that is plain text and the
 * reader knows which element it is.  A parser is kept here as well, since one
 * costs more to make than to use.
 *
 * All zero is an empty memo.  It serves one body at a time; what was read with
 * it lives until the next is read.
 */
struct body_memo {
	struct xml *xml; /* a parser for the next body, or NULL */
	struct buf bytes;
	struct xml_limits limits;
	/* The result beside this is what bytes mean under these limits. */
	bool known;
	bool plain; /* in bytes, all between ">" and "<" is text as it stands */
	struct arena arena; /* for the strings of the result */
};

void body_memo_done(struct body_memo *m);

/*
 * DAV:propfind (RFC 4918 s14.20).  An empty body is allprop.  names: for
 * PROPFIND_SOME those asked for, for PROPFIND_ALL those in DAV:include; each
 * once, in the order sent.  All in the arena.
 */
enum propfind_kind { PROPFIND_ALL = 0, PROPFIND_NAMES, PROPFIND_SOME };

struct propfind_body {
	enum propfind_kind kind;
	const struct prop_name *names;
	size_t n_names;
};

struct propfind_memo {
	struct body_memo base;
	struct propfind_body what;
};

/* memo may be NULL. */
enum err_code
propfind_body_new(const struct xml_limits *limits, struct propfind_memo *memo,
    struct arena *a, struct dav_body **out, struct err *err) MUST_USE;

/* Call once, after the last byte. */
enum err_code propfind_body_end(
    struct dav_body *b, struct propfind_body *out, struct err *err) MUST_USE;

/*
 * DAV:propertyupdate (RFC 4918 s14.19): the changes, in order, as the store
 * takes them: with namespace, mixed content, attributes and an xml:lang in
 * scope kept (s4.3, s4.4).  All in the arena.
 */
struct proppatch_body {
	const struct prop_change *changes;
	size_t n_changes;
};

struct proppatch_memo {
	struct body_memo base;
	struct proppatch_body what;
};

/* memo may be NULL. */
enum err_code
proppatch_body_new(const struct xml_limits *limits, struct proppatch_memo *memo,
    struct arena *a, struct dav_body **out, struct err *err) MUST_USE;

enum err_code proppatch_body_end(
    struct dav_body *b, struct proppatch_body *out, struct err *err) MUST_USE;

/*
 * DAV:lockinfo (RFC 4918 s14.11), or nothing at all: then empty is set, and the
 * request is a refresh (s9.10.2).  owner is the element as PROP_XML has it,
 * kept as a property's value is, in the arena; empty: there was none.
 *
 * Elements that we do not know are not there (s17), so a scope or type of
 * another kind is as bad as none: ERR_BAD_BODY.
 */
#define LOCKINFO_MAX_OWNER ((size_t)4096)

struct lockinfo_body {
	bool empty;
	bool shared; /* else exclusive */
	struct str owner;
};

struct lockinfo_memo {
	struct body_memo base;
	struct lockinfo_body what;
};

/* memo may be NULL. */
enum err_code
lockinfo_body_new(const struct xml_limits *limits, struct lockinfo_memo *memo,
    struct arena *a, struct dav_body **out, struct err *err) MUST_USE;

enum err_code lockinfo_body_end(
    struct dav_body *b, struct lockinfo_body *out, struct err *err) MUST_USE;

/* A memo for each kind of body. */
struct body_memos {
	struct propfind_memo propfind;
	struct proppatch_memo proppatch;
	struct lockinfo_memo lockinfo;
};

void body_memos_done(struct body_memos *m);

#endif
