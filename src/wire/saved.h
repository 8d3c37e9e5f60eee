/* SPDX-License-Identifier: MIT */
/*
 * Reads answers that somebody saved: the bare body, a raw HTTP response (status
 * line, header, body, as `curl -i` writes it; with 100 Continue and redirects
 * in front; chunked or not), or an HTTP archive (HAR 1.2), of which the
 * entries with status 207 are taken.  A body may be in chunks and in gzip as
 * its header says, or have been decoded already.  Told apart by the first
 * bytes; read as the bytes come.
 */
#ifndef SHEAF_WIRE_SAVED_H
#define SHEAF_WIRE_SAVED_H

#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "http/headers.h"

/* An answer without its body.  What is empty is not known. */
struct answer_head {
	unsigned status; /* 0: not known, the body alone was saved */
	struct str method; /* of the request (HAR) */
	struct str url; /* of the request, absolute (HAR) */
	struct headers fields;
	struct str content_type; /* of fields; empty where there is none */
};

/*
 * For each answer begin(), body() any number of times, end().  Of raw responses
 * one behind another those are left out that have no body and are no 207: 100
 * Continue, redirects, a proxy's answer to CONNECT.
 */
struct saved_events {
	/* Everything is borrowed for the call. */
	enum err_code (*begin)(
	    void *arg, const struct answer_head *h, struct err *err);
	enum err_code (*body)(void *arg, struct str bytes, struct err *err);
	/*
	 * cut: less than Content-Length or the last chunk promised, or than the
	 * archive says there was; or it cannot be decoded.
	 */
	enum err_code (*end)(void *arg, bool cut, struct err *err);
};

struct saved;

enum err_code saved_new(const struct saved_events *events, void *arg,
    struct saved **out, struct err *err) MUST_USE;
struct ostream *saved_stream(struct saved *s);

/*
 * After the last byte.  ERR_BAD_ANSWER: no answer was found (an archive
 * without a 207, a response without a header's end).  ERR_CUT_SHORT,
 * ERR_BAD_ANSWER, ERR_TOO_LARGE: an archive ends too early, is malformed, or
 * has too much in an entry; the answers before that have been given.  Else what
 * an event returned, or ERR_NOMEM.
 */
enum err_code saved_end(struct saved *s, struct err *err) MUST_USE;
void saved_free(struct saved *s); /* NULL is fine */

#endif
