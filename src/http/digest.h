/* SPDX-License-Identifier: MIT */
/*
 * Content-Digest and Repr-Digest (RFC 9530): checked against the bytes of an
 * upload.  sha-256 and sha-512; other algorithms in them are ignored.
 */
#ifndef SHEAF_HTTP_DIGEST_H
#define SHEAF_HTTP_DIGEST_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "http/headers.h"

struct digest_check;

/* Whether either of the two headers was sent. */
bool digest_is_sent(const struct headers *h);

/*
 * Makes, in the arena, a check whose stream hands all it takes to `to` and
 * hashes it on the way.  *out is NULL when the headers hold no digest of an
 * algorithm that we know.  ERR_BAD_HEADER for a header that is not a dictionary
 * of byte sequences (RFC 8941).
 */
enum err_code digest_check_new(const struct headers *h, struct arena *a,
    struct ostream *to, struct digest_check **out, struct err *err) MUST_USE;

struct ostream *digest_check_stream(struct digest_check *d);

/* After the last byte: ERR_BAD_DIGEST when one does not match. */
enum err_code
digest_check_end(struct digest_check *d, struct err *err) MUST_USE;

#endif
