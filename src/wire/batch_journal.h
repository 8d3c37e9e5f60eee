/* SPDX-License-Identifier: MIT */
/*
 * The lines of the journal that `sheaf batch` keeps (docs/retry-file.md): what
 * was sent, and what became of it.  Lines count only up to the last
 * {"type":"synced"}: what is behind that may not have reached the disk.
 */
#ifndef SHEAF_WIRE_BATCH_JOURNAL_H
#define SHEAF_WIRE_BATCH_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define JOURNAL_VERSION 1

/* Most bytes of a line. */
#define JOURNAL_LINE_MAX ((size_t)1 << 20)

enum journal_kind {
	JOURNAL_HEAD, /* the first line */
	JOURNAL_SENT, /* operations first..last are about to be sent */
	JOURNAL_BACK, /* they were refused together: none was begun */
	JOURNAL_ITEM, /* what became of one operation at last */
	JOURNAL_SYNCED, /* all lines before this one count */
	JOURNAL_OTHER, /* written by a newer sheaf: to be passed over */
};

/* What is empty was not there. */
struct journal_line {
	enum journal_kind kind;
	/* Of the head. */
	struct str url, endpoint, input, digest, key, user;
	bool ours; /* the server knows idempotency keys */
	uint64_t size; /* of the input */
	/* Of what was sent, both included. */
	uint64_t first, last;
	/* Of an item; offset and size say where it stands in the input. */
	uint64_t index, offset, status;
	struct str id, group, op, item_url, fate, blame, error, text, etag,
	    href;
	int64_t retry_after; /* -1: not said */
};

/* Appends a line with its end. */
void journal_put(struct buf *b, const struct journal_line *l);

/* Everything in the arena.  ERR_BAD_BODY with err->tell, ERR_NOMEM. */
enum err_code journal_parse(struct arena *a, struct str line,
    struct journal_line *out, struct err *err) MUST_USE;

#endif
