/* SPDX-License-Identifier: MIT */
/*
 * The JSON documents of the bulk API that are no batch: what the server can do,
 * and how a batch is getting on (docs/bulk-api.md).
 */
#ifndef SHEAF_WIRE_BULK_DOCS_H
#define SHEAF_WIRE_BULK_DOCS_H

#include <stdint.h>

#include "base/buf.h"
#include "wire/batch.h"
#include "wire/results.h"

struct capabilities {
	struct str version; /* of the program */
	struct str prefix; /* in front of all paths */
	const struct batch_limits *limits;
	int64_t idempotency_ttl; /* ns */
	bool always_200;
	bool has_jobs; /* batches can be asynchronous */
};

void capabilities_put(struct buf *b, const struct capabilities *c);

/* A batch that waits, is being carried out, or has ended. */
struct batch_state {
	struct str id;
	struct str state; /* "queued" and so on */
	struct str prefix;
	bool has_results; /* they can be fetched */
	bool ended;
	struct results_summary sum; /* of the results so far */
	uint64_t total; /* operations; 0: not known */
	int64_t created_at, ended_at; /* ns since 1970; 0: not yet */
	struct str error; /* why it ended before its end; or empty */
};

void batch_state_put(struct buf *b, const struct batch_state *s);

void batch_summary_put(struct buf *b, const struct batch_state *s);

/* Appends the path of a batch, or (results) of its results, for clients. */
void
batch_path_put(struct buf *b, struct str prefix, struct str id, bool results);

/* A result, as a line of a batch's results in NDJSON has it. */
struct result_line {
	uint64_t index;
	unsigned status;
	struct str item; /* as in a JSON answer, without the first brace */
};

/* False: it is not the line of a result, but the first one or the summary. */
bool result_line_read(struct str line, struct result_line *out) MUST_USE;

/* Append the JSON answer that those lines make, piece by piece. */
void batch_results_begin(struct buf *b, struct str id, struct str state);
void
batch_results_item(struct buf *b, const struct result_line *line, bool first);
void batch_results_end(struct buf *b, const struct batch_state *s);
/* Appends the last line in NDJSON: the summary, if the batch is over. */
void batch_results_line(struct buf *b, const struct batch_state *s);

#endif
