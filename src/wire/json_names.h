/* SPDX-License-Identifier: MIT */
/* What the name of a member means in somebody else's 207: json_names.def. */
#ifndef SHEAF_WIRE_JSON_NAMES_H
#define SHEAF_WIRE_JSON_NAMES_H

#include "base/str.h"

enum item_name {
	ITEM_NONE = 0,
	ITEM_STATUS,
	ITEM_CODE,
	ITEM_UNKNOWN,
	ITEM_HREF,
	ITEM_LOCATION,
	ITEM_ID,
	ITEM_INDEX,
	ITEM_OP,
	ITEM_ERROR,
	ITEM_PROBLEM,
	ITEM_TEXT,
	ITEM_TYPE,
	ITEM_HEADERS,
	ITEM_RETRY_AFTER,
	ITEM_CAUSED_BY,
	ITEM_PARTIAL,
	ITEM_REPLAYED,
	ITEM_MEMBERS,
	ITEM_PROPS,
	ITEM_PROP_ERRORS,
	ITEM_PROPSTATS,
	ITEM_DAV_ERROR,
	ITEM_BODY,
	ITEM_WRAP,
	ITEM_NAMES
};

enum doc_name {
	DOC_NONE = 0,
	DOC_LIST, /* the items, as an array or a map */
	DOC_WRAP, /* an object around all the rest */
	DOC_ERRORS, /* items that failed; or whether any did */
	DOC_SUMMARY,
	DOC_DESCRIPTION,
	DOC_SYNC_TOKEN,
	DOC_RESERVED, /* never an item */
};

enum count_name {
	COUNT_NONE = 0,
	COUNT_TOTAL,
	COUNT_SUCCESS,
	COUNT_FAILED,
	COUNT_RETRYABLE,
	COUNT_NAMES
};

/* *rank (may be NULL): of several names the one with the lowest is believed. */
enum item_name item_name_of(struct str name, unsigned *rank);
enum doc_name doc_name_of(struct str name);
enum count_name count_name_of(struct str name);

#endif
