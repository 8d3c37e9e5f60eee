/* SPDX-License-Identifier: MIT */
/*
 * Makes outcomes of the items of somebody else's 207 in JSON; for the readers
 * in wire/ alone.  json_names.def has the names of their members.
 *
 * An item without a status that can be read is put with 0, and so is one that
 * says it succeeded and has an error.  An item that has "members" is followed
 * by an outcome for each of them, which have no id; a list in a list, and one
 * in an item that has no status, give an outcome for each element.
 */
#ifndef SHEAF_WIRE_JSON_ITEM_H
#define SHEAF_WIRE_JSON_ITEM_H

#include <jansson.h>

#include "base/arena.h"
#include "base/attr.h"
#include "wire/reader_impl.h"

struct json_items {
	struct reader *reader;
	struct arena arena; /* for the current item */
	struct summary counted; /* of the items, without items' members */
};

/* All zero but for the reader is one that can begin. */
void json_items_done(struct json_items *its);

/* Where an item stands in the answer. */
struct item_place {
	struct str key; /* its name in a map; ptr is NULL in a list */
	uint64_t index; /* in a list; its id, if it has no name at all */
	uint64_t line, column;
	struct str bytes; /* as it was sent; empty for a member of an item */
};

/* Puts its outcomes.  Fails as reader_put() does, or with ERR_NOMEM. */
enum err_code json_item_put(struct json_items *its, const json_t *item,
    const struct item_place *at, struct err *err) MUST_USE;

/* Puts an item that could not be read, for the reason told. */
enum err_code json_item_put_unread(struct json_items *its,
    const struct item_place *at, struct str reason, struct err *err) MUST_USE;

/* Whether an object has a status that can be read: it is an item of a map. */
bool json_item_has_status(const json_t *item);

#endif
