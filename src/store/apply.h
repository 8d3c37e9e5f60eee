/* SPDX-License-Identifier: MIT */
/*
 * The second part of a store's contract: many changes made at once, all or
 * none, under a claim.  store/draft.h has the way to find them.
 */
#ifndef SHEAF_STORE_APPLY_H
#define SHEAF_STORE_APPLY_H

#include "store/store.h"

/*
 * A claim.  While it is held nobody else changes anything at root or below it;
 * reading goes on.  root is free of links.  Waits for changes that are under
 * way.
 */
struct store_claim;

enum err_code store_claim(struct store *s, struct rpath root,
    struct store_claim **out, struct err *err) MUST_USE;
void store_claim_end(struct store_claim *c); /* NULL is fine */

/*
 * New bytes that have no path yet: store_apply() gives them one, on the file
 * system of `near`, where something is mapped.  upload_commit() is not for
 * them.
 */
enum err_code
store_stage(struct store *s, struct rpath near, const struct upload_spec *spec,
    struct upload **out, struct err *err) MUST_USE;

/*
 * Ends the writing to what was staged.  *out, which may be NULL, is the
 * resource it will be once it is applied: id, length, times and entity tag.
 * Called again it says the same.
 */
enum err_code
upload_settle(struct upload *u, struct resource *out, struct err *err) MUST_USE;

/*
 * The bytes of what was staged, once it is settled: as store_open() gives those
 * of a file.
 */
enum err_code
upload_open(struct upload *u, struct content **out, struct err *err) MUST_USE;

enum edit_kind {
	/* What is at path is removed, with all below it. */
	EDIT_REMOVE,
	/*
	 * What is at path is moved to `to`, with all below it: ids, etags and
	 * properties stay.
	 */
	EDIT_MOVE,
	/* A new collection, or a new file in the place of any file, at `to`. */
	EDIT_MKCOL,
	EDIT_FILE,
	/*
	 * What is at `to` when all the others are done has these dead
	 * properties, and no others.  What is moved may have one, too.
	 */
	EDIT_PROPS,
	/*
	 * The locks rooted at path, or below it, go, whatever comes there: what
	 * was there was not simply replaced.
	 */
	EDIT_UNLOCK,
	/*
	 * Nothing changes; `record` is remembered with the other edits, as that
	 * of a change of `to`.  There may be several about one path, and about
	 * one that in the end did not change.
	 */
	EDIT_RECORD,
};

struct edit {
	enum edit_kind kind;
	struct rpath path; /* as it was before all of them */
	struct rpath to; /* as it is after all of them */
	struct upload *file; /* of EDIT_FILE: settled; its owner frees it */
	/* Of EDIT_MKCOL, EDIT_FILE and EDIT_PROPS. */
	const struct prop *props;
	size_t n_props;
	const struct record *record; /* remembered with all; may be NULL */
	/* Of EDIT_RECORD: what it recalls, with the entity tag of made. */
	bool created;
	struct str result;
	struct resource made; /* else a result: what is at `to` then */
};

/*
 * All of the edits or none, also for who reads through the store meanwhile, and
 * after a crash; durable when it returns.  c covers every path and `to`.  Every
 * path is free of links and is what its maker saw under the claim: conditions
 * and locks were asked there.  Locks rooted at or below what goes, go; where
 * something comes in its place, those at that path itself stay.  No path or
 * `to` stands twice, but that what goes from a path may be followed by what
 * comes there.  Parents stand before what comes into them.
 *
 * ERR_CROSS_DEVICE: an EDIT_MOVE crosses file systems.  ERR_NOT_FOUND,
 * ERR_NO_PARENT, ERR_EXISTS: somebody has been there past the store.  Whatever
 * it fails with, nothing has changed, unless the disk failed as well.  What was
 * staged for it is used up, whatever becomes of it.
 */
enum err_code store_apply(struct store *s, struct store_claim *c,
    struct edit *edits, size_t n, struct err *err) MUST_USE;

#endif
