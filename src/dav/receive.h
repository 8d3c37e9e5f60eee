/* SPDX-License-Identifier: MIT */
/* The content of a new or changed file, as PUT and POST take it. */
#ifndef SHEAF_DAV_RECEIVE_H
#define SHEAF_DAV_RECEIVE_H

#include "base/attr.h"
#include "dav/exchange.h"
#include "http/digest.h"

/* A stream that refuses bytes past a limit. */
struct limit {
	struct ostream base;
	struct ostream *to;
	uint64_t left;
	uint64_t max;
};

/* All zero is none. */
struct receiving {
	struct upload_spec spec;
	struct upload *upload;
	struct digest_check *digest; /* NULL: none was sent */
	struct limit limit;
};

/*
 * What cannot be stored as it is meant must not be stored as something else:
 * part of a resource (RFC 9110 s14.5 lets us refuse), or bytes whose coding we
 * could not tell when they are read again (s8.4).
 */
enum err_code receive_check(struct exchange *x, struct err *err) MUST_USE;

/* Begins an upload to path. */
enum err_code receive_open(struct receiving *r, struct exchange *x,
    struct rpath path, struct err *err) MUST_USE;

/* Makes it x->body; after this the body is asked for. */
enum err_code
receive_body(struct receiving *r, struct exchange *x, struct err *err) MUST_USE;

/* To be called when all of the body is there: whether it is what was meant. */
enum err_code
receive_end(struct receiving *r, struct exchange *x, struct err *err) MUST_USE;

void receive_done(struct receiving *r);

#endif
