/* SPDX-License-Identifier: MIT */
/*
 * One operation of a batch as somebody wrote it (docs/bulk-api.md, or a request
 * of OData's $batch), to be sent again: it is read for what the sender has to
 * know, and written with a few changes.  All else stays as it was, byte for
 * byte, its body above all.
 */
#ifndef SHEAF_WIRE_BATCH_EDIT_H
#define SHEAF_WIRE_BATCH_EDIT_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/json_members.h"

/* ifMatch, ifNoneMatch, url and destination may refer to another operation. */
#define EDIT_REFS 4

struct batch_edit {
	struct str id, op, method, url, destination; /* empty: there is none */
	struct str key; /* idempotencyKey */
	struct str group; /* atomicityGroup */
	const struct str *depends_on;
	size_t n_depends_on;
	struct str refs[EDIT_REFS]; /* the ids, which stand behind a '$' */
	size_t n_refs;
	struct json_members members;
};

/*
 * Reads an operation; *out borrows text.  ERR_BAD_BODY, with err->tell: it is
 * no object, or a member that we need has the wrong type.
 */
enum err_code batch_edit_read(struct arena *a, struct str text,
    struct batch_edit *out, struct err *err) MUST_USE;

/* What is known of an operation that was sent before. */
struct edit_known {
	bool done; /* nobody has to wait for it any more */
	struct str etag, href; /* of what it wrote; empty: not told */
};

struct edit_changes {
	struct str id, key; /* new ones; empty: as they are */
	/*
	 * What is known of the operation with this id (or the group); false:
	 * nothing, it is sent along.  NULL: nothing of any.
	 */
	bool (*known)(void *arg, struct str id, struct edit_known *out);
	void *arg;
};

/*
 * Appends the operation with its changes.  An operation that is done is left
 * out of dependsOn, and "$id" of it is replaced by its entity tag or location.
 * ERR_NOT_FOUND: its answer did not tell that; err->tell names it.
 */
enum err_code batch_edit_put(struct buf *b, const struct batch_edit *e,
    const struct edit_changes *c, struct err *err) MUST_USE;

/*
 * The action line of an Elasticsearch or OpenSearch _bulk request: op is its
 * one member ("index", "create", "update", "delete"), id its _id.
 */
enum err_code batch_action_read(struct arena *a, struct str text,
    struct batch_edit *out, struct err *err) MUST_USE;

/* Whether a line with the document (its source) follows the action. */
bool batch_action_has_source(const struct batch_edit *e);

#endif
