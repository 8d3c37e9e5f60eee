/* SPDX-License-Identifier: MIT */
/*
 * What the files of the state share: its connections, its transactions, and
 * the sync that writers share.
 *
 *   state.c         opening
 *   state_props.c   properties
 *   state_change.c  intents
 *   state_journal.c the journal
 *   state_late.c    its lines, locks and properties, without a transaction yet;
 *                   state_slot.c: what one of them looks like
 *   state_recover.c intents that a crash has left
 *   state_records.c records
 *   state_locks.c   locks; state_lock_change.c: how they come and go
 *   state_held.c    locks in memory; state_held_list.c: in which list
 *   state_sync.c    transactions and when they are on the disk
 *   state_tidy.c    what is done now and then
 *   state_wal.c     whether SQLite's log is whole
 */
#ifndef SHEAF_STORE_STATE_IMPL_H
#define SHEAF_STORE_STATE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/db.h"
#include "store/state.h"
#include "store/state_held.h"
#include "store/state_slot.h"

#define READERS ((size_t)4)

/*
 * Bits of the Bloom filter of ids that may have properties: 512 KiB, touched as
 * it fills.
 */
#define FILTER_BITS ((uint64_t)1 << 22)
#define FILTER_WORDS ((size_t)(FILTER_BITS / 64))
/* Ids that a start puts into the filter; more are put in while it serves. */
#define FILTER_AT_ONCE 200

/* Changes that are over, whose intents are still in the file. */
#define ENDED_MAX ((size_t)64)

struct ended {
	uint64_t seq;
	bool in_place;
	bool keep; /* its record stays */
	bool work; /* there is more to do than to remove the intent */
	bool overtaken; /* the record is all that is left to see to */
};

struct ended_list {
	pthread_mutex_t lock;
	_Atomic size_t n; /* changed under the lock */
	struct ended v[ENDED_MAX];
};

/*
 * A sync that all share who wait for the disk at the same time; see
 * state_sync.c.
 */
struct shared_sync {
	pthread_mutex_t lock;
	pthread_cond_t done;
	int fd; /* the file that is synced */
	bool busy; /* somebody is syncing */
	uint64_t synced; /* what has a number up to this is on disk */
	uint64_t failures; /* of syncs, so far */
	enum err_code failed; /* how the last failure was */
	_Atomic int64_t usual; /* ns that syncs take lately; 0: not known yet */
	/* Syncs; everything up to number *upto is on the disk then. */
	enum err_code (*now)(struct state *s, uint64_t *upto, struct err *err);
};

#define LATE_NAME "state.late"

/*
 * A bit in numbers for state_wait(): it is the number of a late line, not of a
 * transaction.
 */
#define LATE_NUMBER (UINT64_C(1) << 63)

#define LATE_SLOTS UINT64_C(2048)

/* Late lines that a thread is writing; on its stack. */
struct late_lines {
	struct late_lines *prev, *next; /* in order of their numbers */
	uint64_t first;
	bool many; /* of all there are now */
};

/* Late lines: those that have no transaction yet; see state_late.c. */
struct late {
	pthread_mutex_t lock;
	uint64_t last; /* the last number that was given out */
	uint64_t last_lock; /* the last one for a line about a lock */
	uint64_t last_props; /* and about properties */
	uint64_t moved; /* lines up to this one are in the database, */
	uint64_t moved_in; /* by the transaction with this number, */
	uint64_t free; /* and up to this one on the disk: slots to use */
	struct late_lines *oldest, *newest; /* lines being written */
	pthread_cond_t written; /* the oldest of them are */
	unsigned waits; /* threads that wait for that */
	bool broken; /* a sync failed: no more until all are moved */
	struct shared_sync sync; /* of lines; its fd is that of the slots */
};

/* The thread of state_tidy.c. */
struct tidy {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t tried; /* it has tried to shorten the log */
	uint64_t tries;
	pthread_t thread;
	bool runs;
	bool wanted;
	atomic_bool stop;
	atomic_int pages; /* in the log */
	atomic_int due; /* with so many it tries to shorten the log */
	struct db conn; /* its own, for checkpoints */
};

struct state {
	int lock; /* the lock file, held as long as it is open */
	bool relaxed;
	struct db writer;
	struct db readers[READERS];
	atomic_uint turn; /* which reader is next: reader_lock() */
	_Atomic int64_t n_locks; /* locks; may be too high, never too low */
	_Atomic int64_t locks_tidy_at;
	struct held_locks held;
	_Atomic uint64_t committed; /* number of the last transaction */
	_Atomic uint64_t ended_in; /* the last one that ended an intent */
	struct ended_list ended;
	struct late late;
	struct shared_sync sync; /* of transactions */
	atomic_bool broken; /* the last of them failed: see sync_repair() */
	struct tidy tidy;
	_Atomic uint64_t filter[FILTER_WORDS];
	atomic_bool filter_whole; /* before, any id may have properties */
	atomic_bool filter_any; /* something is in it */
	_Atomic uint64_t filter_newest; /* second half of an id in it */
};

/* ---- connections */

/* The writer, for one thread until conn_unlock(); tx_begin() calls this. */
struct db *writer_lock(struct state *s);

/*
 * A reader that is free, or the next in turn; for one thread until
 * conn_unlock().
 */
struct db *reader_lock(struct state *s);

/* For CLEANUP(). */
void conn_unlock(struct db **c);

static inline struct str
id_str(const struct resource_id *id)
{
	return str_of((const char *)id->bytes, sizeof(id->bytes));
}

static inline struct str
db_column(sqlite3_stmt *stmt, int at)
{
	const char *ptr = sqlite3_column_blob(stmt, at);

	return str_of(ptr, (size_t)sqlite3_column_bytes(stmt, at));
}

/* ---- the filter (state.c) */

/*
 * Notes that the id may have properties; to be called before anybody can see
 * them.
 */
void state_filter_add(struct state *s, const struct resource_id *id);

/*
 * Puts the ids into the filter that the start did not wait for; called by the
 * thread of state_tidy.c.
 */
void state_filter_fill(struct state *s);

/* ---- transactions (state_sync.c) */

/* The one writer, in a transaction. */
struct tx {
	struct state *s;
	struct db *c;
	size_t n_ended; /* of s->ended, carried out */
	uint64_t moved; /* lines up to this one are moved by it */
	bool ends; /* an intent */
	bool committed; /* set by tx_end(), which may yet fail */
	uint64_t number; /* the same, for state_wait() */
};

/*
 * Begins one, after what others have begun; carries out what
 * state_change_end() was told.  To be ended, unless it fails.
 */
enum err_code tx_begin(struct state *s, struct tx *t, struct err *err) MUST_USE;

/* The same for the thread that makes room in the log; others wait for that. */
enum err_code
tx_begin_now(struct state *s, struct tx *t, struct err *err) MUST_USE;

/*
 * Commits if rc is ERR_OK, else takes it back, and returns rc.  Once committed
 * it is seen by every reader; wait: returns when it is on disk, too.  If it
 * cannot be brought there it fails, and yet is seen.
 */
enum err_code
tx_end(struct tx *t, enum err_code rc, bool wait, struct err *err) MUST_USE;

/*
 * Carries out what state_change_end() was told, and writes the lines that have
 * come late, if there is anything.  What fails is tried again in the next
 * transaction.
 */
enum err_code tx_flush(struct state *s);

void shared_sync_init(struct shared_sync *y,
    enum err_code (*now)(struct state *s, uint64_t *upto, struct err *err));
void shared_sync_done(struct shared_sync *y);

/* Waits until what has this number is on the disk. */
enum err_code sync_wait(struct state *s, struct shared_sync *y, uint64_t n,
    struct err *err) MUST_USE;

/*
 * Makes the caller the one that syncs; it says with sync_give() how that went.
 * False: another thread syncs already.
 */
bool sync_take(struct shared_sync *y, uint64_t n);
void sync_give(
    struct shared_sync *y, int64_t began, enum err_code rc, uint64_t upto);

/*
 * Whether a sync takes about as long as to wake another thread for it, and that
 * thread us.
 */
bool sync_is_short(struct shared_sync *y);

/* Whether what has this number is on disk, for sure. */
bool sync_has(struct shared_sync *y, uint64_t n);

void sync_init(struct state *s);

/* Opens the log of SQLite to sync it; after all connections are. */
enum err_code sync_open(
    struct state *s, const struct state_spec *spec, struct err *err) MUST_USE;
void sync_done(struct state *s);

/* Whether the first frames of SQLite's log read as they were written. */
bool wal_intact(int fd, int frames);

/* ---- now and then (state_tidy.c) */

void tidy_init(struct state *s);
enum err_code tidy_start(struct state *s, struct err *err) MUST_USE;
void tidy_stop(struct state *s);

/* Wakes the thread: there is much for it to do. */
void tidy_wake(struct state *s);

/* Waits, where the log has grown faster than it can be shortened. */
void tidy_make_room(struct state *s);
void tidy_done(struct state *s);

/* ---- properties (state_props.c), within a transaction */

/* Makes the changes that state_patch() has packed into a slot. */
enum err_code props_move(
    struct state *s, struct db *c, struct str packed, struct err *err) MUST_USE;

enum err_code props_drop(
    struct db *c, const struct resource_id *id, struct err *err) MUST_USE;

/* Gives the id these properties, and no others. */
enum err_code
props_set(struct state *s, struct db *c, const struct resource_id *id,
    const struct prop *props, size_t n, struct err *err) MUST_USE;

/*
 * Gives the id copies of the properties of `from`, and no others; *any: there
 * are some.
 */
enum err_code
props_copy(struct state *s, struct db *c, const struct resource_id *from,
    const struct resource_id *to, bool *any, struct err *err) MUST_USE;

/* ---- the journal (state_journal.c) */

struct change_line {
	int kind;
	struct str path;
	struct str other; /* empty: there is none */
};

/* Lines in one statement, which costs a third of one statement for each. */
#define JOURNAL_SOME ((size_t)16)

/* Within a transaction: writes these lines. */
enum err_code journal_lines(struct db *c, const struct change_line *lines,
    size_t n, struct err *err) MUST_USE;

/* Within a transaction: writes the line; *seq (seq may be NULL): its number. */
enum err_code journal_add(struct db *c, const struct change *change,
    uint64_t *seq, struct err *err) MUST_USE;

/* The number up to which late lines are in the journal. */
enum err_code
journal_moved(struct db *c, uint64_t *out, struct err *err) MUST_USE;
enum err_code
journal_set_moved(struct db *c, uint64_t number, struct err *err) MUST_USE;

/* ---- lines without a transaction (state_late.c) */

void late_init(struct state *s);

/* Makes the file of slots; its name is yet to be synced. */
enum err_code late_make(
    struct state *s, const struct state_spec *spec, struct err *err) MUST_USE;

/*
 * Opens the slots, after sync_open(), and moves what a crash has left there
 * into the database.
 */
enum err_code late_open(struct state *s, struct err *err) MUST_USE;

/*
 * The same for a process that looks into a state that a server may have open.
 */
enum err_code late_look(struct state *s, const char *file,
    bool (*served)(const void *arg), const void *arg, struct err *err) MUST_USE;
void late_done(struct state *s);

/*
 * Whether a change may be written without a transaction, after all that
 * happened before.  wait: somebody will wait for it, so others may hinge on it.
 */
bool late_is_safe(struct state *s, bool wait);

/*
 * Whether a change so written needs no wait; alone: or none that is longer than
 * it takes to have another thread wait.
 */
bool late_is_quick(struct state *s, bool alone);

/*
 * Writes late lines for the first of n changes, which the next transaction
 * moves into the journal.  Returns for how many, and in *last the number of the
 * last.  0: there is no room, or it cannot be.
 */
size_t late_add(struct state *s, const struct change *const *changes, size_t n,
    uint64_t *last);

/*
 * The same for a change of a lock, in steps: it gets a number; then it is asked
 * whether all locks are in memory; then the line is written, and memory is
 * told.  No transaction moves lines between the first step and the last.
 * False: there is no room, and nothing to end.
 */
bool late_begin_lock(struct state *s, struct late_lines *w);
bool
late_put_lock(struct state *s, const struct late_lines *w, struct slot *line);
void late_end(struct state *s, struct late_lines *w);

/*
 * The same for properties, in one step and packed; only with the writer's lock.
 */
uint64_t late_add_props(struct state *s, struct rpath path, struct str packed);

/* Waits until the late line with that number is on the disk. */
enum err_code
late_sync(struct state *s, uint64_t number, struct err *err) MUST_USE;

bool late_any(struct state *s);

/*
 * Whether late lines about locks are not moved yet: the table of locks is not
 * up to date.
 */
bool late_has_locks(struct state *s);

/* The same for properties. */
bool late_has_props(struct state *s);

/*
 * late_move(): within a transaction, moves all late lines.  late_moved(): to be
 * called when that is committed and has a number.
 */
enum err_code late_move(struct tx *t, struct err *err) MUST_USE;
void late_moved(struct tx *t);

/*
 * To be called when a transaction is on the disk: perhaps the one that moved
 * the last lines, whose slots are free then.
 */
void late_settle(struct state *s);

/*
 * Why a commit has failed.  SQLite forgets why a sync within it failed, and
 * tells the reason of an earlier one: where the sync of late lines has just
 * failed, that is it.
 */
enum err_code late_why(struct state *s, enum err_code rc, struct err *err);

/* ---- intents (state_change.c) */

struct intent {
	struct change change;
	struct resource_id made, gone, props_of;
};

/* Reads a row of Q_INTENT_GET; text is borrowed from the row, ids from i. */
void intent_read(sqlite3_stmt *stmt, struct intent *i);

/*
 * Within a transaction that makes the whole change: remembers its note, if it
 * has one.  Where the change is yet to reach the disk (wait is false) *intent
 * is set for state_change_end().
 */
enum err_code
change_note(struct db *c, uint64_t seq, const struct change *change, bool wait,
    uint64_t *intent, struct err *err) MUST_USE;

/*
 * Within a transaction: does what is left to do for the change, and removes its
 * intent.
 */
enum err_code
intent_finish(struct db *c, const struct ended *e, struct err *err) MUST_USE;

/*
 * Has the next transaction call intent_finish(), or, if others could see that
 * it was not called yet, one of its own.
 */
void intent_ended(struct state *s, const struct ended *e);

/* ---- records (state_records.c) */

/* Removes those that a crash has outdated, when the state is opened. */
enum err_code records_load(struct state *s, struct err *err) MUST_USE;

/*
 * Within a transaction: makes the record of the change with that number.
 * *older: there is another record of that key, which goes with record_end().
 */
enum err_code record_note(struct db *c, uint64_t seq, const struct noted *n,
    bool *older, struct err *err) MUST_USE;

/*
 * The same for JOURNAL_SOME changes, numbered from seq on, whose keys were
 * never used.
 */
enum err_code record_note_some(struct db *c, uint64_t seq,
    const struct change *const *v, struct err *err) MUST_USE;

/*
 * Within a transaction: makes a record that is there for good, in the place of
 * any other of its key.
 */
enum err_code record_put(struct db *c, const struct record *r, bool created,
    struct rpath path, struct str etag, struct str result,
    struct err *err) MUST_USE;

/*
 * Within a transaction, for a record of record_note(): the change was made
 * (keep), or not.
 */
enum err_code record_end(struct db *c, struct str key, uint64_t seq, bool keep,
    struct err *err) MUST_USE;

/*
 * Within a transaction: a record that waited for its batch is there for good
 * (keep), or goes.
 */
enum err_code
record_settle(struct db *c, uint64_t id, bool keep, struct err *err) MUST_USE;

/*
 * Within a transaction: removes at most max records that are over; *more: there
 * may be more.
 */
enum err_code
records_drop_over(struct db *c, int max, bool *more, struct err *err) MUST_USE;

/* ---- locks (state_lock_change.c) */

/*
 * Within a transaction: changes the table by what was written into a slot;
 * memory knows of it already.
 */
enum err_code state_lock_move(struct state *s, struct db *c,
    enum lock_step step, const struct lock *l, struct err *err) MUST_USE;

/* Within a transaction: removes locks that are over, if it is time for that. */
enum err_code
state_locks_drop_old(struct state *s, struct db *c, struct err *err) MUST_USE;

/* ---- locks (state_locks.c) */

/*
 * Within a transaction: removes the locks rooted below root and, with
 * root_too, at it.  Over or not.
 */
enum err_code state_locks_drop(
    struct db *c, struct rpath root, bool root_too, struct err *err) MUST_USE;

/* Sets *out to whether there are any such locks. */
enum err_code state_locks_any(struct db *c, struct rpath root, bool root_too,
    bool *out, struct err *err) MUST_USE;

/* Within a transaction: removes that lock, if it is there. */
enum err_code state_locks_drop_token(struct db *c, struct rpath root,
    struct str token, struct err *err) MUST_USE;

/* Counts them, when the state is opened, and reads them into memory. */
enum err_code
state_locks_load(struct state *s, int dir, struct err *err) MUST_USE;

/*
 * Within a transaction: reads the locks anew if another process has changed
 * them.
 */
enum err_code
state_locks_renew(struct state *s, struct db *c, struct err *err) MUST_USE;

#endif
