/* SPDX-License-Identifier: MIT */
/* The limits that a bulk endpoint tells (GET /.sheaf/capabilities). */
#ifndef SHEAF_WIRE_BULK_OFFER_H
#define SHEAF_WIRE_BULK_OFFER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* 0 and empty: not said.  Strings are in the arena. */
struct bulk_offer {
	uint64_t operations; /* in a JSON batch */
	uint64_t json_bytes; /* of one */
	uint64_t operation_bytes;
	uint64_t key_bytes;
	uint64_t groups, group_operations;
	uint64_t stream_operations; /* in lines of JSON; 0: it takes none */
	struct str endpoint; /* a path or URL to send batches to */
};

/*
 * Reads such a document.  ERR_BAD_BODY: it does not say how many operations the
 * endpoint takes.  ERR_NOMEM.
 */
enum err_code bulk_offer_read(struct arena *a, struct str text,
    struct bulk_offer *out, struct err *err) MUST_USE;

#endif
