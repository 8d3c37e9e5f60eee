/* SPDX-License-Identifier: MIT */
/*
 * Writes the answer to a bulk request: an item for each operation, and the
 * summary (docs/bulk-api.md), in one of three forms.  It is to operations what
 * multistatus.h is to resources.  Memory does not grow with the results.
 */
#ifndef SHEAF_WIRE_RESULTS_H
#define SHEAF_WIRE_RESULTS_H

#include <stdint.h>

#include "base/attr.h"
#include "http/headers.h"
#include "outcome/outcome.h"
#include "outcome/tally.h"
#include "wire/multistatus.h"

/* What became of one operation.  Borrowed for the call. */
struct result {
	uint64_t index;
	struct str id;
	/*
	 * What became of the operation's target.  status is never 207: where
	 * members failed it is the worst of theirs.  told is NULL.  Where no
	 * path could be made of the url, path is empty and url is what was
	 * sent.
	 */
	struct outcome outcome;
	struct str url;
	bool partial; /* some of its members failed */
	bool replayed; /* answered from the record, not run */
	bool not_attempted; /* never begun: failOnErrors, the time budget */
	int64_t retry_after; /* seconds; negative: none */
	struct str caused_by; /* of a 424: the id of what failed; or empty */
	struct headers headers; /* for programs: etag, location, content-type */
	bool has_body;
	struct str body, body_type;
	bool body_omitted; /* it is left out, being over the limit */
	/* Failed members of a recursive operation; or those PROPFIND found. */
	const struct outcome *members;
	size_t n_members;
	uint64_t members_omitted; /* how many more there were */
	bool members_are_found; /* by PROPFIND, and so not failures */
};

struct results_summary {
	struct summary sum;
	uint64_t replayed, not_attempted;
	int64_t retry_after; /* the longest; negative: none */
	bool dry_run;
};

/* Whether it is worth sending again as it was; what "retryable" says. */
bool result_is_retryable(const struct result *r);

struct results_spec {
	enum form form;
	struct str prefix; /* of hrefs; copied */
	struct str batch_id; /* copied */
	bool minimal; /* Prefer: return=minimal: only failures */
	bool dry_run;
};

struct results;

/*
 * Writes to `to`, which must outlive it.  A JSON body goes in as JSON, UTF-8
 * text as a string, all else in base64 with "encoding".
 */
enum err_code results_new(const struct results_spec *spec, struct ostream *to,
    struct results **out, struct err *err) MUST_USE;

/* Puts a result; in JSON and XML in request order.  A failure sticks. */
enum err_code results_put(struct results *r, const struct result *res);

/*
 * Flushes, and in NDJSON says so far with a line of {"type":"progress"}.
 * total: 0 where it is not known.
 */
enum err_code
results_progress(struct results *r, uint64_t done, uint64_t total);

/*
 * Writes the summary of all that was put.  failed: why the batch could not be
 * read to its end, which is written beside the summary; NULL: it was read.
 */
enum err_code results_end(struct results *r, const struct err *failed) MUST_USE;

const struct results_summary *results_sum(const struct results *r);

void results_free(struct results *r); /* NULL is fine */

#endif
