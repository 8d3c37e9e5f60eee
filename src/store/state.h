/* SPDX-License-Identifier: MIT */
/*
 * What a directory store keeps beside the files, in SQLite: dead properties,
 * keyed by resource id; locks, keyed by path; the journal, a number for every
 * change; intents, the changes that a crash may have left half done; and
 * records, what was done under which key.
 *
 * One process at a time serves a state directory; others may look into it, and
 * take locks away (sheaf locks).  A reader does not wait for a writer, except
 * to read properties that were changed just before (state_props.c).
 *
 * Every function that changes something does all of it or nothing, and it is on
 * disk when the function returns, unless relaxed or said otherwise.  All who
 * wait for the disk at the same time share one sync.
 */
#ifndef SHEAF_STORE_STATE_H
#define SHEAF_STORE_STATE_H

#include "store/store.h"

struct state;

struct state_spec {
	int dir; /* the state directory, not kept */
	const char *path; /* its absolute path, for SQLite and for messages */
	bool relaxed;
};

/*
 * ERR_IN_USE: another process has it open.  ERR_FORBIDDEN, ERR_READ_ONLY...:
 * it cannot be written; the message names --state as the way out.
 */
/* See dir_store_prepare(). */
void state_prepare(void);

enum err_code state_open(const struct state_spec *spec, struct state **out,
    struct err *err) MUST_USE;

/*
 * Opens the state in dir beside the process that serves it, to look into it or
 * to take locks away: only for the functions about locks.  What the other
 * process does afterwards is seen late.
 */
enum err_code
state_look(struct rpath dir, struct state **out, struct err *err) MUST_USE;

void state_close(struct state *s); /* NULL is fine */

/* ---- changes of the tree: the journal and intents */

enum change_kind {
	CHANGE_WRITE = 1, /* a file's bytes, or the file itself, came to be */
	CHANGE_MKCOL, /* a collection came to be */
	CHANGE_REMOVE, /* a resource is gone */
	CHANGE_MOVE, /* path, and everything below it, is at `to` */
	CHANGE_PROPS, /* dead properties */
	CHANGE_TREE, /* anything at path or below it may have changed */
	/*
	 * As CHANGE_TREE, said beforehand of a batch, whose changes have lines
	 * of their own as well; or a change that was announced and not made
	 * after all.
	 */
	CHANGE_BATCH,
};

/* What is remembered of a change, if it is made (store.h). */
struct noted {
	const struct record *record;
	struct rpath path; /* as it was asked for */
	bool created;
	unsigned etag_len;
	char etag[ETAG_MAX];
};

/*
 * A change that is about to be made.  path and to are canonical: free of links.
 *
 * What follows to is what the state has to do with it; all of it may be left
 * out.  Where a part of it is there, the change is also an intent: what is
 * left to do once the change is in place is found again after a crash.
 */
struct change {
	enum change_kind kind;
	struct rpath path;
	struct rpath to; /* of a CHANGE_MOVE */
	/* What the change puts at path or, if it is a MOVE, at `to`. */
	const struct resource_id *made;
	/* What it takes away there; its properties go when it is in place. */
	const struct resource_id *gone;
	/*
	 * made gets a copy of the properties of this one, and no others, before
	 * the change is seen; taken back if it is not made after all.
	 */
	const struct resource_id *props_of;
	/*
	 * The locks rooted at path and below it (in a MOVE also those below
	 * `to`, but not at it) go when the change is in place.  Where something
	 * is made at path, those at it stay (RFC 4918 s7.6).
	 */
	bool drops_locks;
	/* There is an intent even if the state has nothing to do. */
	bool in_steps;
	/*
	 * The same, but only so that records of earlier changes to path can be
	 * told from those that a power cut took back.
	 */
	bool traced;
	/*
	 * Its line may get its number late: with the next transaction, or when
	 * state_journal_last() is asked.
	 */
	bool late;
	/* ERR_BUSY, and nothing is done, if it needs more than that. */
	bool at_once;
	const struct noted *note; /* NULL: nothing is remembered */
	struct str record; /* of an intent that was read back: its key */
	/* A lock that goes if the change is not made after all. */
	struct str lock_token;
};

/*
 * Writes the change into the journal, before anybody can see it.  *intent is
 * what state_change_end() wants, 0 if nothing will be left to do.  wait: until
 * it is on disk; else it is only written, which a power cut can undo.
 *
 * With a note, *intent is never 0.  The record is seen from then on, and taken
 * back if the change is not made after all.
 */
enum err_code state_change_begin(struct state *s, const struct change *c,
    bool wait, uint64_t *intent, struct err *err) MUST_USE;

/* Whether the state has nothing to do for the change but to write its line. */
bool state_change_is_line(const struct state *s, const struct change *c);

/* The same for many changes; where it fails none of them is begun. */
enum err_code
state_changes_begin(struct state *s, const struct change *const *changes,
    size_t n, bool wait, uint64_t *intents, struct err *err) MUST_USE;

/* The same, but the caller waits, with state_wait(*number). */
enum err_code
state_changes_write(struct state *s, const struct change *const *changes,
    size_t n, uint64_t *number, uint64_t *intents, struct err *err) MUST_USE;

/*
 * Does what is left to do: in_place says which.  It is seen at once, but not
 * on disk yet; a crash before that does it again.  A failure is for the log
 * only: the next start will do it.  Fine with 0.
 */
void state_change_end(struct state *s, uint64_t intent, bool in_place);

/*
 * As state_change_end(), for a change that is in place but may not be on the
 * disk for good: its record goes.
 */
void state_change_lost(struct state *s, uint64_t intent);

/* Whether locks go with the change that this intent is of. */
bool state_change_drops_locks(uint64_t intent);

/*
 * Says beforehand that a batch may change anything at path or below it: a line
 * that is on disk when it returns, and its number.
 */
enum err_code state_say(struct state *s, struct rpath path, uint64_t *seq,
    struct err *err) MUST_USE;

/* What a batch has left for its end. */
struct settled {
	const uint64_t *intents; /* of changes that are in place */
	size_t n_intents;
	const uint64_t *records; /* see state_remember() */
	size_t n_records;
	uint64_t said; /* what state_say() gave; 0: that line stays */
	bool lost; /* it could not be brought to the disk: no record stays */
};

/*
 * All of the batch is on disk: does what is left to do, and takes its line
 * back.  Waits for records alone.
 */
enum err_code state_settle(
    struct state *s, const struct settled *d, struct err *err) MUST_USE;

/*
 * After state_open(), what a crash left: calls visit for each intent, newest
 * first; it says whether the change is in place, and state_change_end() is
 * done with that.  What visit cannot see is left for the next start; an error
 * that stops (err.def), or ERR_NO_FDS, ends it.  A change that a later one has
 * overtaken is not visited: nothing is done about it but to forget it.
 */
enum err_code state_recover(struct state *s,
    enum err_code (*visit)(
	void *arg, const struct change *c, bool *in_place, struct err *err),
    void *arg, struct err *err) MUST_USE;

/*
 * The number of the last change; 0: there was none yet.  It is on disk, so that
 * no later change can get the same.
 */
enum err_code
state_journal_last(struct state *s, uint64_t *out, struct err *err) MUST_USE;

/* Waits until everything that was written before is on disk. */
enum err_code state_sync(struct state *s, struct err *err) MUST_USE;

/*
 * Waits until the change of that number is on disk.  Where a function gives
 * one out, others may see what it did, and come after it, before it is there:
 * a power cut takes them all.  0 needs no wait.
 */
enum err_code
state_wait(struct state *s, uint64_t number, struct err *err) MUST_USE;

/*
 * The same for who has other files to sync at the same time.  Gives the file to
 * sync; what came of it, an errno or 0, is to be said, and state_wait() then
 * waits no more.  -1: it is state_wait() that waits.
 */
struct state_sync {
	int64_t began;
	uint64_t upto;
};

int state_sync_begin(struct state *s, uint64_t number, struct state_sync *y);
void state_sync_end(struct state *s, const struct state_sync *y, int failed);

/*
 * For how many ns it pays to wait for one more who would share a sync: a small
 * part of what a sync takes, but no less than a client needs to come again; 0
 * where a sync is shorter than that.
 */
int64_t state_patience(const struct state *s);

/*
 * Whether a sync takes a millisecond or more.  A thread that must keep nobody
 * waiting then keeps away from what one may be under way of.
 */
bool state_sync_is_long(const struct state *s);

/* ---- dead properties */

/*
 * False: it has none.  True: it probably has.  A look at memory, cheap enough
 * for every member of every walk.
 */
bool state_may_have_props(const struct state *s, const struct resource_id *id);

/* The same for all ids that begin with this inode. */
bool state_may_have_props_by_inode(const struct state *s, uint64_t inode);

/* The same for all ids with this time of birth, or a later one. */
bool state_may_have_props_since(const struct state *s, uint64_t born);

/* The same for all resources together. */
bool state_may_have_any_props(const struct state *s);

/* The same for sure: looked up where memory says that there may be some. */
enum err_code state_has_props(struct state *s, const struct resource_id *id,
    bool *out, struct err *err) MUST_USE;

/* As store_props(). */
enum err_code
state_props(struct state *s, const struct resource_id *id, struct arena *a,
    const struct prop **out, size_t *n, struct err *err) MUST_USE;

/*
 * As store_patch(): all or none, in order, with the line of c in the journal;
 * about c->made.  This makes the whole change.  wait: the caller is to wait for
 * *number; else *intent is as in state_change_begin().
 */
enum err_code state_patch(struct state *s, const struct change *c,
    const struct prop_change *changes, size_t n, bool wait, uint64_t *intent,
    uint64_t *number, struct err *err) MUST_USE;

/*
 * Whether such a change of what is at path would take neither a transaction nor
 * a sync now; alone: as for locks, below.  That may differ in a moment.
 */
bool state_patch_is_quick(struct state *s, struct rpath path,
    const struct prop_change *changes, size_t n, bool alone);

/*
 * Gives c->made the properties of c->props_of, and no others; the rest as in
 * state_patch().
 */
enum err_code state_copy(struct state *s, const struct change *c, bool wait,
    uint64_t *intent, struct err *err) MUST_USE;

/*
 * Removes all properties of these n ids, without waiting for the disk.  A
 * caller may ignore a failure: what is left belongs to ids that are gone.
 */
enum err_code state_drop(
    struct state *s, const struct resource_id *ids, size_t n, struct err *err);

/* ---- records */

/* As store_recall(). */
enum err_code state_recall(struct state *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err) MUST_USE;

enum err_code state_recall_any(
    struct state *s, struct str key, bool *any, struct err *err) MUST_USE;

/*
 * As store_remember().  waits NULL: without a batch.  Else it does not wait for
 * the disk, and *waits is what state_settle() wants, or 0: until then the
 * record is seen, but a start after a crash forgets it.
 */
enum err_code state_remember(struct state *s, const struct record *r,
    struct str result, uint64_t *waits, struct err *err) MUST_USE;

/* ---- locks, by canonical path; those that are over are not seen */

/* False: there is none at all.  A look at memory. */
bool state_may_have_locks(const struct state *s);

/*
 * Whether a lock may be rooted at path or below it: true where that cannot be
 * told from memory.  Once false, it stays false under a claim to path.
 */
bool state_may_have_locks_from(struct state *s, struct rpath path);

/* The same for path, what is below it, and the collections it is in. */
bool state_may_have_locks_near(struct state *s, struct rpath path);

/*
 * Whether a lock may cover a member of the collection, or anything below: true
 * where that cannot be found out.
 */
bool state_may_have_locks_in(struct state *s, struct rpath collection);

/* The locks rooted at path, and the deep ones rooted above it. */
enum err_code
state_locks_covering(struct state *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;

/* The locks rooted at path, whatever their depth. */
enum err_code
state_locks_at(struct state *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err) MUST_USE;

/*
 * Calls visit for each lock rooted below root (not at it), in order of path.
 * Whatever visit returns but ERR_OK ends it.  The lock lives for the call.
 */
enum err_code state_locks_below(struct state *s, struct rpath root,
    enum err_code (*visit)(void *arg, const struct lock *l, struct err *err),
    void *arg, struct err *err) MUST_USE;

/* Each of the following is on the disk after state_wait(*number). */
enum err_code state_lock_add(struct state *s, const struct lock *l,
    uint64_t *number, struct err *err) MUST_USE;

/* By its root and token.  ERR_LOCK_TOKEN: there is none. */
enum err_code state_lock_refresh(struct state *s, const struct lock *l,
    uint64_t *number, struct err *err) MUST_USE;
enum err_code state_lock_remove(struct state *s, struct rpath root,
    struct str token, uint64_t *number, struct err *err) MUST_USE;

/*
 * Whether a lock at path could be made (known false), or one that is there be
 * refreshed or removed (known true), with neither a transaction nor a sync.
 * alone: or with one sync that takes less than to have another thread wait for
 * it.  That may differ in a moment.
 */
bool
state_lock_is_quick(struct state *s, struct rpath path, bool known, bool alone);

/* Finds the root of the lock with that token; looks at all locks. */
enum err_code state_lock_find(struct state *s, struct str token,
    struct arena *a, struct rpath *root, struct err *err) MUST_USE;

#endif
