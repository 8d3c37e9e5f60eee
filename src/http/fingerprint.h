/* SPDX-License-Identifier: MIT */
/*
 * What stands for something that was asked for: a SHA-256 over its parts, in
 * order, and last that of its body, which may be known before them.  Two
 * requests with the same one are taken for the same request.
 */
#ifndef SHEAF_HTTP_FINGERPRINT_H
#define SHEAF_HTTP_FINGERPRINT_H

#include <nettle/sha2.h>

#include "base/ostream.h"
#include "base/str.h"

#define FINGERPRINT_SIZE SHA256_DIGEST_SIZE

struct fingerprint {
	struct ostream base;
	struct ostream *to; /* may be NULL */
	struct sha256_ctx sha256;
	struct sha256_ctx body; /* of what came through the stream */
	bool has_body;
};

void fingerprint_init(struct fingerprint *f);

/* A part, which cannot be taken for another: its length comes first. */
void fingerprint_part(struct fingerprint *f, struct str part);

/*
 * The body comes in pieces, handed on to `to`; with NULL only hashed.  No bytes
 * are no body.
 */
struct ostream *fingerprint_stream(struct fingerprint *f, struct ostream *to);

/* The same of a body whose SHA-256 is known. */
void fingerprint_body(struct fingerprint *f, struct str sum);
struct str fingerprint_sum(struct str bytes, char out[FINGERPRINT_SIZE]);

/* Of all so far; nothing may come after it. */
struct str fingerprint_end(struct fingerprint *f, char out[FINGERPRINT_SIZE]);

#endif
