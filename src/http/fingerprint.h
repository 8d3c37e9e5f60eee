/* SPDX-License-Identifier: MIT */
/*
 * What stands for something that was asked for: a SHA-256 over its parts, in
 * order.  Two requests with the same one are taken for the same request.
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
};

void fingerprint_init(struct fingerprint *f);

/* A part, which cannot be taken for another: its length comes first. */
void fingerprint_part(struct fingerprint *f, struct str part);

/*
 * A last part that comes in pieces, handed on to `to`; with NULL only hashed.
 */
struct ostream *fingerprint_stream(struct fingerprint *f, struct ostream *to);

/* Of all so far; nothing may come after it. */
struct str fingerprint_end(struct fingerprint *f, char out[FINGERPRINT_SIZE]);

#endif
