/* SPDX-License-Identifier: MIT */
/*
 * The contract of a store: a tree of collections and files with properties.
 *
 * It is written so that a database can implement it.  No caller may assume
 * files, one machine, or that a path is a key: a resource is known by its id,
 * and a path may lead to another resource the next time it is asked.
 *
 * Each function below acts on one resource (or renames one tree) and is
 * atomic: it is done wholly or not at all, and a reader sees the state before
 * or after.  What spans many resources is the caller's loop (dav/), because
 * its parts succeed and fail one by one.
 *
 * Unless said otherwise every function returns ERR_OK or fails with one of:
 *   ERR_NOT_FOUND    nothing is mapped there (or it is not ours to serve: a
 *                    device, a link out of the tree, the store's own state)
 *   ERR_FORBIDDEN, ERR_READ_ONLY, ERR_IN_USE, ERR_IO, ERR_NO_FDS, ERR_OS
 *                    the system refused this resource; others may still do
 *   ERR_NOMEM        the operation cannot go on
 * and leaves its results untouched.  All functions may be called by any number
 * of threads at once.  One conformance suite (tests/store) runs on every
 * implementation.
 *
 * Many changes made at once, all or none, are in store/apply.h.
 */
#ifndef SHEAF_STORE_STORE_H
#define SHEAF_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/ostream.h"
#include "http/method.h"
#include "http/path.h"
#include "outcome/prop.h"
#include "store/lock.h"

struct content;
struct store;
struct record;
struct upload;
struct upload_spec;

/*
 * Identifies a resource for as long as it exists, across renames; never given
 * to another one.  Opaque bytes.  DAV:resource-id (RFC 5842 s3.1) is made of
 * it.
 */
struct resource_id {
	unsigned char bytes[16];
};

#define ETAG_MAX 64

struct resource {
	bool collection;
	bool has_props; /* false: it surely has no dead property */
	uint64_t length; /* bytes; 0 for a collection */
	int64_t modified; /* ns since 1970 */
	int64_t created; /* ns since 1970 */
	struct resource_id id;
	unsigned etag_len;
	/*
	 * A strong entity tag with its quotes (RFC 9110 s8.8.3), or, where
	 * etag_len is 0, none.  It changes whenever the bytes do, and is never
	 * used again for other bytes.  Collections have none.
	 */
	char etag[ETAG_MAX];
};

static inline struct str
resource_etag(const struct resource *r)
{
	return str_of(r->etag, r->etag_len);
}

/* The state that a change replaces. */
struct guarded {
	const struct resource *now; /* NULL: nothing is mapped */
	const struct lock *locks; /* those that cover the path */
	size_t n_locks;
	const struct resource *from; /* of a copy or rename: its source */
};

/*
 * What a request shows to be let through: a condition (If-Match and its kin,
 * If) and the tokens of locks.  The store asks at the last moment, when no
 * other change to that path can come between: what is known to speak against
 * the change (ERR_EXISTS, ERR_NO_PARENT) is said first, then what check()
 * returns, then ERR_LOCKED.  Whatever is said, nothing has changed.  check()
 * may be NULL; it must not call the store.  A guard of NULL has no condition
 * and no token.
 */
struct guard {
	enum err_code (*check)(
	    void *arg, const struct guarded *at, struct err *err);
	void *arg;
	const struct lock_tokens *tokens; /* NULL: none */
	const struct record
	    *record; /* remembered with the change; may be NULL */
	/*
	 * Of store_rename() alone: ERR_BUSY where it would wait, for a disk or
	 * for what others are changing, or take the place of anything.
	 */
	bool at_once;
};

/* Asks the condition of g, if there is one. */
enum err_code guard_ask(
    const struct guard *g, const struct guarded *at, struct err *err) MUST_USE;

/*
 * Changes that become durable together.  A change is durable when its function
 * returns; made with a batch, it may be only when store_batch_end() has.  What
 * a change replaces is never gone for good before the change is durable.  Any
 * number of threads may make changes with one batch.
 */
struct store_batch;

/*
 * root: everything that is changed with it is there or below it.  *out may be
 * NULL: a store need not tell a batch from none.
 */
enum err_code store_batch_begin(struct store *s, struct rpath root,
    struct store_batch **out, struct err *err) MUST_USE;

/*
 * To be said at once, where many changes are sure to come: else the first few
 * are made durable one by one, which costs less where they are all.  NULL is
 * fine.
 */
void store_batch_many(struct store_batch *b);

/*
 * Makes the batch's changes durable, and frees it.  After a failure some of
 * them may be lost in a power cut.  NULL is fine.
 */
enum err_code store_batch_end(
    struct store *s, struct store_batch *b, struct err *err) MUST_USE;

/*
 * Makes durable what was written to uploads so far, and what will be remembered
 * of them (upload_expect()), in one go, so that upload_commit() with b need not
 * do it for each that replaces something or has a record.  It is worth while
 * before many of them; nothing goes wrong without it.
 */
enum err_code store_batch_flush(
    struct store *s, struct store_batch *b, struct err *err) MUST_USE;

/* ---- records: what was done, and under which key it was asked for */

/* Most bytes of a key, and of a fingerprint. */
#define RECORD_KEY_MAX ((size_t)600)
#define RECORD_PRINT_MAX ((size_t)64)

/*
 * In a guard, it is remembered if the change is made, and only then: after a
 * crash it is there exactly if the change is.  It takes the place of one with
 * the same key.  Callers see to it that a key is used for one change at a time.
 */
struct record {
	struct str key; /* opaque; whoever makes it keeps users apart */
	struct str print; /* a fingerprint of what was asked */
	int64_t expires; /* ns since 1970 */
	/*
	 * The change is the first of several: when all are made there is a
	 * store_remember().  Else it is the whole, or the last.
	 */
	bool begins;
	bool unused; /* it is known that the key was never used */
};

struct recalled {
	struct str print;
	bool begun; /* the rest of it may be missing: see record.begins */
	bool created; /* of the change: nothing was mapped there before */
	struct rpath path; /* of what it made, or changed */
	struct str etag; /* that it had then; empty: it has none */
	struct str result; /* as store_remember() got it; empty: it did not */
};

/* Into the arena.  *found: there is one, and it has not expired. */
enum err_code store_recall(struct store *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err) MUST_USE;

/* *any is false: no key that begins with this one and a slash was ever used. */
enum err_code store_recall_any(
    struct store *s, struct str key, bool *any, struct err *err) MUST_USE;

/*
 * Remembers that all of it is done, and the result (opaque), beside what the
 * change has left there; with b, durable when b is.  r->begins does not count.
 * A record for which there was no change is made, with only a result.
 */
enum err_code store_remember(struct store *s, const struct record *r,
    struct str result, struct store_batch *b, struct err *err) MUST_USE;

/* ---- paths */

/*
 * The path that leads to the same resource and is the same for all that do
 * (free of links), into the arena; of what is not mapped, the nearest
 * collection's with the rest.  The root of locks, too, goes by it.
 */
enum err_code store_resolve(struct store *s, struct rpath path, struct arena *a,
    struct rpath *out, struct err *err) MUST_USE;

/* false: each resource has one path only, and that is free of links. */
bool store_has_links(const struct store *s);

enum replace {
	REPLACE_NO, /* ERR_EXISTS where something is mapped */
	REPLACE_YES, /* it and everything below it gives way, atomically */
};

/* ---- reading */

enum err_code store_stat(struct store *s, struct rpath path,
    struct resource *out, struct err *err) MUST_USE;

/*
 * One resource met by a walk.  failed: it is there, but it (or, when res says
 * that it is a collection, its list of members) could not be read; err holds
 * the details, and res what is known (collection, or all zero).  Borrowed for
 * the call.
 */
struct member {
	struct rpath path;
	struct resource res;
	/*
	 * It is a collection by way of a link, or was reached through one: it
	 * has another place, and removing it here would remove it there.
	 */
	bool linked;
	bool maybe_locked; /* false: surely no lock covers it */
	enum err_code failed;
	const struct err *err;
};

enum walk_order {
	WALK_DOWN, /* a collection before its members */
	WALK_UP, /* after them */
	/*
	 * As WALK_DOWN, by who changes nothing and waits for no claim: if it
	 * takes less than ten seconds, it sees all of a store_apply() by
	 * another thread or nothing.
	 */
	WALK_LOOK,
};

struct walk {
	enum depth depth;
	enum walk_order order;
	/*
	 * Of a file no more is asked than that it is one: its res may be all
	 * zero, and nothing said of one that cannot be looked at.
	 */
	bool kinds_only;
	/*
	 * Of a WALK_LOOK with DEPTH_1: where it is not sure that all it tells
	 * is in memory, and little, it fails with ERR_BUSY before any visit.
	 */
	bool at_once;
	/*
	 * Called once for each resource, the root included.  What it returns
	 * but ERR_OK ends the walk, which fails with it.  Unless it is a
	 * WALK_UP it may set *prune to leave the members of this collection
	 * out.  It may call the store, and may remove the member it is given.
	 *
	 * A collection whose list of members could not be read comes with
	 * failed set: in its turn instead of the call without, or, when the
	 * reading broke off in the middle, once more.
	 */
	enum err_code (*visit)(void *arg, const struct member *m, bool *prune);
	void *arg;
};

/*
 * Visits the root and its members.  Members that come or go meanwhile may be
 * visited or not; all others are, once.  Members are in no order.  Memory
 * grows with the depth of the tree, not with its number of members.  A
 * resource that is its own ancestor (links) is a member with ERR_LOOP.  A
 * WALK_UP, which is for removing, does not go through links: what
 * store_remove() takes away there is the link.
 * Fails only for the root, with what visit returned, or ERR_NOMEM.  What visit
 * wrote to *err is kept; so *err is to be initialised.
 */
enum err_code store_walk(struct store *s, struct rpath root,
    const struct walk *w, struct err *err) MUST_USE;

/* Whether one with at_once is worth trying: a guess, which costs nothing. */
bool store_walk_is_quick(struct store *s, struct rpath root);

/*
 * The bytes of a file as they are at this moment: a later PUT does not change
 * what is read.  ERR_IS_COLLECTION.
 */
struct content;

enum err_code store_open(struct store *s, struct rpath path,
    struct content **out, struct err *err) MUST_USE;

/* The resource that was opened: its etag and length go with these bytes. */
const struct resource *content_resource(const struct content *c);

/* *got is less than max only at the end. */
enum err_code content_read(struct content *c, uint64_t offset, char *out,
    size_t max, size_t *got, struct err *err) MUST_USE;

/* All of them, till it is freed, where they lie in memory; else none. */
struct str content_bytes(struct content *c);

/*
 * A descriptor for sendfile(), now the caller's: what is left is good to be
 * freed.  -1 where there is none and content_read() must do.
 */
int content_take_fd(struct content *c) MUST_USE;

void content_free(struct content *c); /* NULL is fine */

/* ---- writing */

/*
 * New bytes for path.  Nobody sees them until the commit; freed without one,
 * they leave no trace.  ERR_NO_PARENT, ERR_IS_COLLECTION, ERR_BAD_NAME,
 * ERR_NAME_TOO_LONG, ERR_NO_SPACE, ERR_QUOTA.
 */
struct upload;

struct upload_spec {
	uint64_t length; /* bytes that will come, 0: not known */
	bool has_modified;
	int64_t modified; /* ns since 1970, when the client gives it */
	bool keyed; /* it will be committed with a record, as far as is known */
	/*
	 * All of them will come at once, and the commit, alone, with them: what
	 * speaks against the upload it may say as well as this.
	 */
	bool soon;
	bool batched; /* store_batch_flush() is to find the bytes written */
};

enum err_code
store_upload(struct store *s, struct rpath path, const struct upload_spec *spec,
    struct upload **out, struct err *err) MUST_USE;

/* Where its bytes are written.  It need not be ended. */
struct ostream *upload_stream(struct upload *u);

/*
 * Says that the commit, with b, will have r in its guard; r is kept until then.
 * The next store_batch_flush() then makes the records of all such uploads
 * durable in one go, before their changes; else each commit does it for its
 * own.  While it does, they are neither written to, committed nor freed.
 */
void
upload_expect(struct upload *u, const struct record *r, struct store_batch *b);

/*
 * Makes what was written the content of path, durably, keeping the dead
 * properties of what it replaces.  *created: nothing was mapped there before.
 * out and created may be NULL.
 */
enum err_code
upload_commit(struct upload *u, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err) MUST_USE;

void upload_free(struct upload *u); /* NULL is fine */

/*
 * What speaks against a new resource at path, as far as that is known
 * without making one; that something is mapped there does not count.
 * ERR_NO_PARENT, ERR_BAD_NAME, ERR_NAME_TOO_LONG.
 */
enum err_code
store_may_make(struct store *s, struct rpath path, struct err *err) MUST_USE;

/* ERR_EXISTS, ERR_NO_PARENT, ERR_BAD_NAME, ERR_NAME_TOO_LONG, ERR_NO_SPACE. */
enum err_code store_mkcol(struct store *s, struct rpath path,
    const struct guard *g, struct store_batch *b, struct err *err) MUST_USE;

/*
 * Removes a file, or a collection that has no members (ERR_NOT_EMPTY), with
 * its dead properties.  The root: ERR_FORBIDDEN.
 */
enum err_code store_remove(struct store *s, struct rpath path,
    const struct guard *g, struct store_batch *b, struct err *err) MUST_USE;

/*
 * Copies one resource with its dead properties; of a collection only itself,
 * without its members.  g is asked about `to`.  REPLACE_YES on a collection by
 * a collection keeps its members.  ERR_SELF when the paths are the same or one
 * is below the other, by any name.  *created and out may be NULL.
 */
enum err_code store_copy(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err) MUST_USE;

/*
 * Renames a resource and everything below it; ids, etags and dead properties
 * stay.  g is asked about `to`.  ERR_CROSS_DEVICE: it cannot be done in one
 * step here, and the caller must copy and remove.  ERR_SELF as above.
 */
enum err_code store_rename(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    bool *created, struct err *err) MUST_USE;

/* ---- locks (RFC 4918 s6, s7; store/lock.h) */

/*
 * Every change above and below asks for the tokens of the locks that protect
 * what it touches (s7.4, s7.5): ERR_LOCKED, about the root of one whose token
 * its guard lacks.
 *   upload_commit, store_copy (`to`), store_patch: the path; where nothing is
 *       mapped there yet, the collection it is to be in as well.
 *   store_mkcol, store_remove, store_rename (`from` and `to`): both.
 *   store_rename: everything below, too; so does store_copy below `to`, unless
 *       a collection stays there.  When only locks below are in the way it is
 *       ERR_MEMBER_LOCKED.
 * A resource that goes takes the locks rooted at it, and below it, along; a
 * lock on what is replaced stays, and covers what comes (s7.6).
 */

/* What is about to be done to a resource. */
enum touch {
	TOUCH_CONTENT, /* its bytes or properties, and to make it */
	TOUCH_NAME, /* to remove or rename it */
};

/*
 * What a change of path would fail with, as far as g and locks go; locks below
 * it do not count.  Nothing is done; it may be different in a moment.
 */
enum err_code store_allows(struct store *s, struct rpath path, enum touch touch,
    const struct guard *g, struct err *err) MUST_USE;

struct lock_spec {
	bool shared;
	enum depth depth; /* DEPTH_0 or DEPTH_INFINITY */
	struct str owner; /* as struct lock has it */
	struct str user;
	int64_t timeout; /* ns from now */
};

/*
 * LOCK (s9.10.1).  Where nothing is mapped it makes an empty file in the same
 * step (s7.3), for which it needs what an upload needs; *created says so.  g is
 * asked, but a lock that covers path, or is within the scope of a deep one, is
 * no obstacle unless it conflicts: ERR_LOCK_CONFLICT, about its root, said
 * before what speaks against making the file.  *out is made in the arena.
 */
enum err_code store_lock(struct store *s, struct rpath path,
    const struct lock_spec *spec, const struct guard *g, struct arena *a,
    struct lock *out, bool *created, struct err *err) MUST_USE;

/*
 * Refresh (s9.10.2): the lock that covers path and whose token t holds gets a
 * new end.  ERR_LOCK_TOKEN when there is none.
 */
enum err_code store_lock_refresh(struct store *s, struct rpath path,
    const struct lock_tokens *t, int64_t timeout, const struct guard *g,
    struct arena *a, struct lock *out, struct err *err) MUST_USE;

/*
 * UNLOCK (s9.11): removes the lock that covers path and whose token t holds,
 * from all it covers.  ERR_LOCK_TOKEN when there is none; ERR_FORBIDDEN when
 * it is another user's.
 */
enum err_code
store_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err) MUST_USE;

/*
 * The locks that cover path, in no order, into the arena.  Nothing need be
 * mapped there.  Cheap where the store has no lock at all.
 */
enum err_code store_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;

/* Those rooted below path (not at it), in no order, into the arena. */
enum err_code
store_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;

/* ---- dead properties (RFC 4918 s4) */

/* Most bytes that the names and values of one resource's properties hold. */
#define STORE_PROPS_MAX ((size_t)1 << 20)

/*
 * All or none, in order.  ERR_NO_SPACE; ERR_TOO_LARGE: past STORE_PROPS_MAX.
 */
enum err_code store_patch(struct store *s, struct rpath path,
    const struct prop_change *changes, size_t n, const struct guard *g,
    struct store_batch *b, struct err *err) MUST_USE;

/*
 * Every dead property of a resource that store_stat(), store_walk() or
 * content_resource() gave, in order of name, into the arena.
 */
enum err_code
store_props(struct store *s, const struct resource *r, struct arena *a,
    const struct prop **out, size_t *n, struct err *err) MUST_USE;

/* ---- the rest */

struct space {
	uint64_t used; /* bytes */
	uint64_t available; /* bytes; UINT64_MAX: no limit known */
};

/* For DAV:quota-used-bytes and quota-available-bytes (RFC 4331) of path. */
enum err_code store_space(struct store *s, struct rpath path, struct space *out,
    struct err *err) MUST_USE;

void store_close(struct store *s); /* NULL is fine */

#endif
