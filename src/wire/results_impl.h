/* SPDX-License-Identifier: MIT */
/* What the writers of the answer to a batch have in common; for wire/ alone. */
#ifndef SHEAF_WIRE_RESULTS_IMPL_H
#define SHEAF_WIRE_RESULTS_IMPL_H

#include "wire/multistatus_impl.h"
#include "wire/results.h"

/*
 * A form of the document.  The functions append to m->push.out and need not
 * check: its failure sticks.  Those that a form has no use for are NULL.
 */
struct results_form {
	void (*begin)(struct results *r);
	void (*put)(struct results *r, const struct result *res);
	void (*progress)(struct results *r, uint64_t done, uint64_t total);
	void (*end)(struct results *r, const struct err *failed);
};

extern const struct results_form results_json;
extern const struct results_form results_ndjson;
extern const struct results_form results_xml;

struct results {
	const struct results_form *form;
	struct sink *sink; /* the base of m; nothing is put into it */
	struct multistatus *m; /* for its buffer, prefix and names */
	struct buf batch_id;
	struct buf text; /* scratch */
	bool minimal;
	bool any; /* results were written */
	struct results_summary sum;
	enum err_code failed;
	struct name_set hrefs; /* XML: those that were written */
};

/* Seconds to wait before it is sent again; negative: not said. */
int64_t results_wait(const struct result *res);

/* How a body is written: as a JSON value, a string, or base64. */
enum body_form { BODY_JSON, BODY_TEXT, BODY_JSON_AS_TEXT, BODY_BYTES };

/* ERR_NOMEM. */
enum err_code results_body_form(
    struct results *r, const struct result *res, enum body_form *form) MUST_USE;

#endif
