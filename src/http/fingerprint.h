/* SPDX-License-Identifier: MIT */
/*
 * A fingerprint of something that was asked for: a SHA-256 over its parts, in
 * order, and last over the hash of its body, which may come before the parts.
 * Two requests with the same fingerprint are taken for the same request.
 */
#ifndef SHEAF_HTTP_FINGERPRINT_H
#define SHEAF_HTTP_FINGERPRINT_H

#include <nettle/sha2.h>

#include "base/ostream.h"
#include "base/str.h"

#define FINGERPRINT_SIZE SHA256_DIGEST_SIZE

struct fingerprint {
	struct ostream base;
	struct ostream *to; /* where the body is handed on; or NULL */
	struct sha256_ctx sha256; /* of the parts */
	struct sha256_ctx body; /* of what came through the stream */
	bool has_body; /* a byte of it has come */
};

void fingerprint_init(struct fingerprint *f);

/*
 * Adds a part.  Its length is hashed first, so that what stands in one part
 * cannot be taken for the end of it and the next.
 */
void fingerprint_part(struct fingerprint *f, struct str part);

/*
 * The stream that takes the body, hashes it, and hands it on to `to`, if that
 * is not NULL.  A body of no bytes is the same as none.
 */
struct ostream *fingerprint_stream(struct fingerprint *f, struct ostream *to);

/* Adds, as the last part, a body of which only the SHA-256 is known. */
void fingerprint_body(struct fingerprint *f, struct str sum);

/* The SHA-256 of bytes, for that. */
struct str fingerprint_sum(struct str bytes, char out[FINGERPRINT_SIZE]);

/* The fingerprint of all that was added; nothing may be added afterwards. */
struct str fingerprint_end(struct fingerprint *f, char out[FINGERPRINT_SIZE]);

#endif
