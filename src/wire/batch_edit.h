/* SPDX-License-Identifier: MIT */
/*
 * One operation of a batch as somebody wrote it (docs/bulk-api.md, or a request
 * of OData's $batch): read for what its sender has to know, and written again
 * with what has to be different.  All else stays byte for byte what it was,
 * its body above all.
 */
#ifndef SHEAF_WIRE_BATCH_EDIT_H
#define SHEAF_WIRE_BATCH_EDIT_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/json_members.h"

/* ifMatch, ifNoneMatch, url and destination may refer to another. */
#define EDIT_REFS 4

struct batch_edit {
	struct str id, op, method, url, destination; /* empty: there is none */
	struct str key; /* idempotencyKey */
	struct str group; /* atomicityGroup */
	const struct str *depends_on;
	size_t n_depends_on;
	struct str refs[EDIT_REFS]; /* ids that stand behind a '$' */
	size_t n_refs;
	struct json_members members;
};

/*
 * text is borrowed.  ERR_BAD_BODY, with err->tell: it is no object, or a member
 * that is needed has the wrong type.
 */
enum err_code batch_edit_read(struct arena *a, struct str text,
    struct batch_edit *out, struct err *err) MUST_USE;

/* What is known of an operation that was sent before. */
struct edit_known {
	bool done; /* it need not be waited for */
	struct str etag, href; /* that it left; empty: not told */
};

struct edit_changes {
	struct str id, key; /* to be set; empty: as they are */
	/* What is known of an id (or a group); false: it is sent along. */
	bool (*known)(void *arg, struct str id, struct edit_known *out);
	void *arg;
};

/*
 * Appends it.  What it waited for and is done is left out of dependsOn, and
 * "$id" is replaced by what that one left.  ERR_NOT_FOUND: the answer did not
 * say that; err->tell names it.
 */
enum err_code batch_edit_put(struct buf *b, const struct batch_edit *e,
    const struct edit_changes *c, struct err *err) MUST_USE;

/*
 * The action line of an Elasticsearch or OpenSearch _bulk request: op is its
 * one member ("index", "create", "update", "delete"), id its _id.
 */
enum err_code batch_action_read(struct arena *a, struct str text,
    struct batch_edit *out, struct err *err) MUST_USE;

/* Whether a source line follows it. */
bool batch_action_has_source(const struct batch_edit *e);

#endif
