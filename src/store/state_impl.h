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

/* Of a Bloom filter: 512 KiB, touched as it fills. */
#define FILTER_BITS ((uint64_t)1 << 22)
#define FILTER_WORDS ((size_t)(FILTER_BITS / 64))
/* So many ids a start waits for; more are looked at while it serves. */
#define FILTER_AT_ONCE 200

/* Changes that are over, whose intents are still in the file. */
#define ENDED_MAX ((size_t)64)

struct ended {
	uint64_t seq;
	bool in_place;
	bool keep; /* its record */
	bool work; /* more to do than to remove the intent */
	bool overtaken; /* the record is all that is left to see to */
};

struct ended_list {
	pthread_mutex_t lock;
	_Atomic size_t n; /* changed under the lock */
	struct ended v[ENDED_MAX];
};

/* Who waits for the disk together.  See state_sync.c. */
struct shared_sync {
	pthread_mutex_t lock;
	pthread_cond_t done;
	int fd; /* of what is synced */
	bool busy; /* somebody is syncing */
	uint64_t synced; /* what has a number up to this is on disk */
	uint64_t failures; /* of syncs, so far */
	enum err_code failed; /* how the last of them did */
	_Atomic int64_t usual; /* ns that one takes, lately; 0: not known yet */
	/* Syncs, and says up to which number. */
	enum err_code (*now)(struct state *s, uint64_t *upto, struct err *err);
};

#define LATE_NAME "state.late"

/* The number to wait for is that of a late line, not of a transaction. */
#define LATE_NUMBER (UINT64_C(1) << 63)

#define LATE_SLOTS UINT64_C(2048)

/* Lines that are being written: by whom, it lies on the stack. */
struct late_lines {
	struct late_lines *prev, *next; /* in order of their numbers */
	uint64_t first;
	bool many; /* of all there are now */
};

/* Lines that have no transaction yet.  See state_late.c. */
struct late {
	pthread_mutex_t lock;
	uint64_t last; /* the number of the last */
	uint64_t last_lock; /* of the last that is about a lock */
	uint64_t last_props; /* about properties */
	uint64_t moved; /* those up to this one are in the database */
	uint64_t moved_in; /* by this transaction */
	uint64_t free; /* and on the disk there: their slots are free */
	struct late_lines *oldest, *newest; /* that are being written */
	pthread_cond_t written; /* the oldest are */
	unsigned waits; /* so many for that */
	bool broken; /* a sync failed: no more until all are moved */
	struct shared_sync sync; /* of lines; its fd is that of the slots */
};

/* The thread of state_tidy.c. */
struct tidy {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_cond_t tried; /* once more to shorten the log */
	uint64_t tries;
	pthread_t thread;
	bool runs;
	bool wanted;
	atomic_bool stop;
	atomic_int pages; /* in the log */
	atomic_int due; /* there is work when the log has so many */
	struct db conn; /* its own, for checkpoints */
};

struct state {
	int lock; /* the lock file, held as long as it is open */
	bool relaxed;
	struct db writer;
	struct db readers[READERS];
	atomic_uint turn; /* of readers */
	_Atomic int64_t n_locks; /* rows; too many rather than too few */
	_Atomic int64_t locks_tidy_at;
	struct held_locks held;
	_Atomic uint64_t committed; /* number of the last transaction */
	_Atomic uint64_t ended_in; /* of the last that ended an intent */
	struct ended_list ended;
	struct late late;
	struct shared_sync sync; /* of transactions */
	atomic_bool broken; /* the last of them failed: see sync_repair() */
	struct tidy tidy;
	_Atomic uint64_t filter[FILTER_WORDS];
	atomic_bool filter_whole; /* till then any may have properties */
	atomic_bool filter_any; /* something is in it */
	_Atomic uint64_t filter_newest; /* second half of an id in it */
};

/* ---- connections */

/* For one thread until conn_unlock(); tx_begin() does it by itself. */
struct db *writer_lock(struct state *s);

/* One that is free, or the next in turn; for one thread until conn_unlock(). */
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

/* It may have properties: to be said before anybody can see them. */
void state_filter_add(struct state *s, const struct resource_id *id);

/* Puts in what a start did not wait for; called by the thread that tidies. */
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

/* The same for the thread that makes room in the log: does not wait for it. */
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

/* Until what has this number is on disk. */
enum err_code sync_wait(struct state *s, struct shared_sync *y, uint64_t n,
    struct err *err) MUST_USE;

/*
 * Makes the caller the one who syncs, who then says how that went.  False:
 * somebody does already.
 */
bool sync_take(struct shared_sync *y, uint64_t n);
void sync_give(
    struct shared_sync *y, int64_t began, enum err_code rc, uint64_t upto);

/* Whether one takes about as long as to wake another thread for it, and that
 * us. */
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

/* There is much for it to do. */
void tidy_wake(struct state *s);

/* Waits where the log has grown faster than it can be shortened. */
void tidy_make_room(struct state *s);
void tidy_done(struct state *s);

/* ---- properties (state_props.c), within a transaction */

/* What state_patch() made of the changes, and was written into a slot. */
enum err_code props_move(
    struct state *s, struct db *c, struct str packed, struct err *err) MUST_USE;

enum err_code props_drop(
    struct db *c, const struct resource_id *id, struct err *err) MUST_USE;

/* It has these, and no others. */
enum err_code
props_set(struct state *s, struct db *c, const struct resource_id *id,
    const struct prop *props, size_t n, struct err *err) MUST_USE;

/* Removes all that it has, and gives it copies; *any: there are some. */
enum err_code
props_copy(struct state *s, struct db *c, const struct resource_id *from,
    const struct resource_id *to, bool *any, struct err *err) MUST_USE;

/* ---- the journal (state_journal.c) */

struct change_line {
	int kind;
	struct str path;
	struct str other; /* empty: there is none */
};

/* So many are one statement, which costs a third of one for each. */
#define JOURNAL_SOME ((size_t)16)

/* Within a transaction. */
enum err_code journal_lines(struct db *c, const struct change_line *lines,
    size_t n, struct err *err) MUST_USE;

/* Within a transaction: writes the line; its number (seq may be NULL). */
enum err_code journal_add(struct db *c, const struct change *change,
    uint64_t *seq, struct err *err) MUST_USE;

/* Up to which number those that come late are in it. */
enum err_code
journal_moved(struct db *c, uint64_t *out, struct err *err) MUST_USE;
enum err_code
journal_set_moved(struct db *c, uint64_t number, struct err *err) MUST_USE;

/* ---- lines without a transaction (state_late.c) */

void late_init(struct state *s);

/* The file, whose name is to be synced. */
enum err_code late_make(
    struct state *s, const struct state_spec *spec, struct err *err) MUST_USE;

/* After sync_open(); what a crash has left is in the database then. */
enum err_code late_open(struct state *s, struct err *err) MUST_USE;

/* The same for who looks into a state that a server may have open. */
enum err_code late_look(struct state *s, const char *file,
    bool (*served)(const void *arg), const void *arg, struct err *err) MUST_USE;
void late_done(struct state *s);

/*
 * Whether something may come without a transaction after all that has happened.
 * wait: it will be waited for, and others may hinge on it then.
 */
bool late_is_safe(struct state *s, bool wait);

/*
 * Whether nobody need wait for what comes so; alone: or no longer than another
 * thread would take to come.
 */
bool late_is_quick(struct state *s, bool alone);

/*
 * Writes the lines of the first of n changes, which the next transaction moves
 * into the journal: of how many, and the number of the last.  0: there is no
 * room, or it cannot be.
 */
size_t late_add(struct state *s, const struct change *const *changes, size_t n,
    uint64_t *last);

/*
 * The same of a lock, in steps: it gets a number, and only then it is asked
 * whether all locks are in memory, then it is written, and memory is told.  All
 * of that is over, or begins, before a transaction moves lines.  If there is no
 * room there is nothing to end.
 */
bool late_begin_lock(struct state *s, struct late_lines *w);
bool
late_put_lock(struct state *s, const struct late_lines *w, struct slot *line);
void late_end(struct state *s, struct late_lines *w);

/* The same of properties, but at once, packed: only with the writer's lock
 * held. */
uint64_t late_add_props(struct state *s, struct rpath path, struct str packed);

/* Waits until the line is on the disk. */
enum err_code
late_sync(struct state *s, uint64_t number, struct err *err) MUST_USE;

bool late_any(struct state *s);

/* Whether the table of locks is not what it should be before it is moved. */
bool late_has_locks(struct state *s);

/* The same of properties. */
bool late_has_props(struct state *s);

/* Within a transaction; the second once that is committed and has a number. */
enum err_code late_move(struct tx *t, struct err *err) MUST_USE;
void late_moved(struct tx *t);

/* Some transaction is on the disk: perhaps that which moved the last lines. */
void late_settle(struct state *s);

/*
 * SQLite forgets why a sync within a commit has failed, and says why the one
 * before it did: the same as that of the lines, then, where that has just
 * failed.
 */
enum err_code late_why(struct state *s, enum err_code rc, struct err *err);

/* ---- intents (state_change.c) */

struct intent {
	struct change change;
	struct resource_id made, gone, props_of;
};

/* From a row of Q_INTENT_GET; its text is the row's, its ids are i's. */
void intent_read(sqlite3_stmt *stmt, struct intent *i);

/*
 * Within a transaction that makes the whole change: remembers its note, if
 * there is one.  Where the change is yet to reach the disk (not wait), *intent
 * is what comes of it.
 */
enum err_code
change_note(struct db *c, uint64_t seq, const struct change *change, bool wait,
    uint64_t *intent, struct err *err) MUST_USE;

/* Within a transaction: what is left of the change, and removes its intent. */
enum err_code
intent_finish(struct db *c, const struct ended *e, struct err *err) MUST_USE;

/* To be carried out in the next transaction, or at once. */
void intent_ended(struct state *s, const struct ended *e);

/* ---- records (state_records.c) */

/* Removes those that a crash has outdated, when the state is opened. */
enum err_code records_load(struct state *s, struct err *err) MUST_USE;

/*
 * Within a transaction: that of the change with that number.  *older: there is
 * another of that key, which goes with record_end().
 */
enum err_code record_note(struct db *c, uint64_t seq, const struct noted *n,
    bool *older, struct err *err) MUST_USE;

/*
 * The same of JOURNAL_SOME changes, numbered from seq on, whose keys were never
 * used.
 */
enum err_code record_note_some(struct db *c, uint64_t seq,
    const struct change *const *v, struct err *err) MUST_USE;

/* Within a transaction: one that is there for good, in place of any other. */
enum err_code record_put(struct db *c, const struct record *r, bool created,
    struct rpath path, struct str etag, struct str result,
    struct err *err) MUST_USE;

/* Within a transaction: the change was made (keep), or not. */
enum err_code record_end(struct db *c, struct str key, uint64_t seq, bool keep,
    struct err *err) MUST_USE;

/* Within a transaction: one that waited is there for good (keep), or not. */
enum err_code
record_settle(struct db *c, uint64_t id, bool keep, struct err *err) MUST_USE;

/* Within a transaction: at most max of those that are over; *more: so many. */
enum err_code
records_drop_over(struct db *c, int max, bool *more, struct err *err) MUST_USE;

/* ---- locks (state_lock_change.c) */

/* Within a transaction: what was written into a slot; memory knows of it. */
enum err_code state_lock_move(struct state *s, struct db *c,
    enum lock_step step, const struct lock *l, struct err *err) MUST_USE;

/* Within a transaction: removes those that are over, if it is time. */
enum err_code
state_locks_drop_old(struct state *s, struct db *c, struct err *err) MUST_USE;

/* ---- locks (state_locks.c) */

/*
 * Within a transaction: removes the locks rooted below root and, with
 * root_too, at it.  Over or not.
 */
enum err_code state_locks_drop(
    struct db *c, struct rpath root, bool root_too, struct err *err) MUST_USE;

/* Whether there are any such; *out says it. */
enum err_code state_locks_any(struct db *c, struct rpath root, bool root_too,
    bool *out, struct err *err) MUST_USE;

/* Within a transaction: removes that lock, if it is there. */
enum err_code state_locks_drop_token(struct db *c, struct rpath root,
    struct str token, struct err *err) MUST_USE;

/* Counts them, when the state is opened, and reads them into memory. */
enum err_code
state_locks_load(struct state *s, int dir, struct err *err) MUST_USE;

/* Within a transaction: reads them anew if another process has been there. */
enum err_code
state_locks_renew(struct state *s, struct db *c, struct err *err) MUST_USE;

#endif
