/* SPDX-License-Identifier: MIT */
/*
 * Finds the items in a JSON document or in a line, and what is said of all of
 * them; for reader_json.c, which knows where texts begin and end.
 *
 * An item that JSON allows and we do not (a name twice, a NUL in a string, a
 * number that no computer holds) is put as one that could not be read, and the
 * rest is read on; the answer is malformed all the same.
 */
#ifndef SHEAF_WIRE_JSON_DOCUMENT_H
#define SHEAF_WIRE_JSON_DOCUMENT_H

#include "wire/json_claims.h"
#include "wire/json_item.h"
#include "wire/json_split.h"

/* What an array or object that is entered holds. */
enum level {
	LEVEL_DOCUMENT, /* a member with the items, and others */
	LEVEL_LIST, /* the items */
	LEVEL_MAP, /* the items, each under its id */
};

struct json_document {
	struct reader *reader;
	bool lines; /* each text is an item, or a typed line of ours */
	struct json_items items;
	struct json_claims claims;
	enum level levels[SPLIT_MAX_ENTERED]; /* by depth */

	bool has_list; /* a list of items, or a map under a name, was found */
	/*
	 * A document without a list may be a map itself: its members that are
	 * objects are items if one of them has a status.  They are held until
	 * that is decided: at the end, or when they become too many.
	 */
	bool is_map, no_map; /* it is, it is not; neither: not decided yet */
	bool has_status; /* one of the members that are held has one */
	struct buf held;

	/* If `lines`. */
	bool ours; /* a line is of our own form: a summary must come */
	bool has_summary;
	uint64_t n_lines; /* items so far */

	struct err bad; /* what was wrong with the first bad item */
};

extern const struct split_events json_document_events; /* arg: the document */

/* All zero but for reader and lines is one that can begin. */
void json_document_done(struct json_document *d);

/* No more will come: puts the members that are held, if they are items. */
enum err_code
json_document_flush(struct json_document *d, struct err *err) MUST_USE;

/* Remembers what was wrong with an item, if it is the first. */
void json_document_note(
    struct json_document *d, enum err_code code, const struct err *err);

/*
 * After the last byte, which was at `at`; rc and *err: what was wrong with the
 * last text, if anything.  Fills in what the reading says of claims, and
 * returns what is wrong with the whole.
 */
enum err_code json_document_judge(struct json_document *d, enum err_code rc,
    struct split_place at, struct err *err) MUST_USE;

#endif
