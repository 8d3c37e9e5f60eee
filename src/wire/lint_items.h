/* SPDX-License-Identifier: MIT */
/*
 * J202 to S303: the items of a 207 in JSON, whatever the document around them
 * looks like.  For wire/lint*.c alone.
 */
#ifndef SHEAF_WIRE_LINT_ITEMS_H
#define SHEAF_WIRE_LINT_ITEMS_H

#include <jansson.h>

#include "wire/lint_impl.h"

/* A value that was taken out of the document whole. */
struct lint_taken {
	struct str bytes;
	struct lint_place at; /* of its first byte; its JSON pointer */
	uint64_t index; /* in its list */
	struct str key; /* in a map; ptr is NULL where it is none */
};

/* What waits for the end to be judged. */
struct lint_waiting {
	enum lint_rule rule;
	unsigned status; /* of the item */
	uint64_t hash[2]; /* J208: of the cause's id */
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
	bool has_no_status; /* JSON:API's atomic:results */
	bool text_status; /* SCIM's Operations (RFC 7644 s3.7); FHIR's entry */
	uint64_t total, success, failed, retryable;
	uint64_t with_id, without_id;
	bool says_retryable;
	uint64_t other_failures; /* but for 424 */
	struct lint_place failure; /* the first, without its pointer */
	uint64_t failure_index;
	struct lint_waiting *waiting;
	size_t n_waiting, cap_waiting;
	struct once operations; /* ids of the request: their index */
	struct lint_operation_seen *answered;
	/* The summary, as it was sent. */
	struct buf summary;
	struct lint_place summary_at;
	struct buf summary_pointer;
	bool summary_inside; /* a member of it, of a line */
	bool has_flag, flag; /* "errors": true */
	struct lint_place flag_at;
	struct buf flag_pointer;
	struct buf pointer; /* scratch */
	bool no_memory; /* for it */
};

enum err_code lint_items_begin(struct lint_items *its, struct lint *l) MUST_USE;
void lint_items_done(struct lint_items *its);

/*
 * J201 for a value that is JSON: a name twice, characters that are none.  *out
 * is to be released with json_decref(); NULL where it cannot be looked at.
 */
enum err_code
lint_load(struct lint *l, const struct lint_taken *t, json_t **out) MUST_USE;

enum err_code lint_item(struct lint_items *its, const json_t *item,
    const struct lint_taken *t) MUST_USE;

/* Judged when all items are known. */
enum err_code
lint_summary(struct lint_items *its, const struct lint_taken *t) MUST_USE;

/* {"errors": false}; said of the whole (Elasticsearch). */
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

/* S303 and S302, in one item. */
bool lint_has_stack_trace(const json_t *v);
const char *lint_bad_field(const json_t *headers, size_t *at);

#endif
