/* SPDX-License-Identifier: MIT */
/*
 * Judges J202 to S303: the items of a 207 in JSON, whatever the document around
 * them looks like.  For wire/lint*.c alone.
 */
#ifndef SHEAF_WIRE_LINT_ITEMS_H
#define SHEAF_WIRE_LINT_ITEMS_H

#include <jansson.h>

#include "wire/lint_impl.h"

/* A value that was taken out of the document whole. */
struct lint_taken {
	struct str bytes;
	struct lint_place at; /* where its first byte is, and its pointer */
	uint64_t index; /* in its list */
	struct str key; /* its name in a map; ptr is NULL in a list */
};

/* Something that can only be judged at the end. */
struct lint_waiting {
	enum lint_rule rule;
	unsigned status; /* of the item; J208: 0: it names no cause */
	uint64_t hash[2]; /* J208: once_hash() of the cause's id */
	uint64_t line, column, index;
};

struct lint_operation_seen {
	unsigned status; /* 0: it was not answered */
	uint64_t line, column;
};

struct lint_items {
	struct lint *l;
	struct buf at; /* the pointer of the list or map */
	bool is_map, is_lines;
	bool has_no_status; /* items may be without: JSON:API atomic:results */
	bool text_status; /* SCIM's Operations (RFC 7644 s3.7); FHIR's entry */
	uint64_t total, success, failed, retryable;
	uint64_t with_id, without_id;
	bool says_retryable;
	uint64_t other_failures; /* those that are not 424 */
	struct lint_place failure; /* of the first, without its pointer */
	uint64_t failure_index;
	struct lint_waiting *waiting;
	size_t n_waiting, cap_waiting;
	struct once operations; /* the request's: from id to index */
	struct lint_operation_seen *answered; /* by that index */
	/* The summary, as it was sent. */
	struct buf summary;
	struct lint_place summary_at;
	struct buf summary_pointer;
	bool summary_inside; /* it is a member of the line */
	bool has_flag, flag; /* there was an "errors", and its value */
	struct lint_place flag_at;
	struct buf flag_pointer;
	struct buf pointer; /* scratch */
	bool no_memory; /* for that, so that all will fail */
};

enum err_code lint_items_begin(struct lint_items *its, struct lint *l) MUST_USE;
void lint_items_done(struct lint_items *its);

/*
 * Loads a value and judges J201: a name stands twice, a noncharacter.  *out is
 * a new reference; NULL where it cannot be loaded.
 */
enum err_code
lint_load(struct lint *l, const struct lint_taken *t, json_t **out) MUST_USE;

enum err_code lint_item(struct lint_items *its, const json_t *item,
    const struct lint_taken *t) MUST_USE;

/* Keeps the summary, to be judged when all items are known. */
enum err_code
lint_summary(struct lint_items *its, const struct lint_taken *t) MUST_USE;

/* Keeps {"errors": false}, which is said of the whole (Elasticsearch). */
enum err_code lint_errors_flag(
    struct lint_items *its, bool flag, const struct lint_taken *t) MUST_USE;

/* whole: the document was read to its end. */
enum err_code lint_items_end(struct lint_items *its, bool whole) MUST_USE;

/* Says where JSON is malformed; err is the splitter's. */
void lint_say_json_fault(struct lint *l, const struct err *err);

/*
 * Moves *at to the value that a JSON pointer, relative to the
 * JSON in bytes, is about; leaves it where there is none.
 */
void lint_locate(struct str bytes, struct str pointer, struct lint_place *at);

/* S303; and S302: the name of a field that may not be there, or NULL. */
bool lint_has_stack_trace(const json_t *v);
const char *lint_bad_field(const json_t *headers, size_t *at);

#endif
