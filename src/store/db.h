/* SPDX-License-Identifier: MIT */
/*
 * A connection to the SQLite file of the state, and its prepared statements.
 * Used by one thread at a time.
 */
#ifndef SHEAF_STORE_DB_H
#define SHEAF_STORE_DB_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct held_locks;

#define DB_NAME "state.db"

enum query {
	Q_BEGIN,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_LIST,
	Q_SET,
	Q_UNSET,
	Q_SIZE,
	Q_HAS,
	Q_DROP,
	Q_COPY,
	Q_JOURNAL,
	Q_JOURNAL_SOME,
	Q_JOURNAL_LAST,
	Q_JOURNAL_FROM,
	Q_JOURNAL_PRUNE,
	Q_JOURNAL_TAKE_BACK,
	Q_JOURNAL_UNDONE,
	Q_LATE_MOVED,
	Q_LATE_SET_MOVED,
	Q_INTENT,
	Q_INTENT_SOME,
	Q_INTENT_GET,
	Q_INTENT_NEXT,
	Q_INTENT_DONE,
	Q_LOCKS_COUNT,
	Q_LOCKS_ANY_AT,
	Q_LOCKS_ANY_BELOW,
	Q_LOCKS_DROP_AT,
	Q_LOCKS_DROP_BELOW,
	Q_LOCKS_DROP_TOKEN,
	Q_LOCKS_DROP_OLD,
	Q_LOCKS_AT,
	Q_LOCKS_DEEP,
	Q_LOCKS_BELOW,
	Q_LOCKS_ADD,
	Q_LOCKS_MOVE,
	Q_LOCKS_REFRESH,
	Q_LOCKS_FIND,
	Q_LOCKS_ALL,
	Q_RECORD_LAST,
	Q_RECORD_ANY_BELOW,
	Q_RECORD_ADD,
	Q_RECORD_ADD_SOME,
	Q_RECORD_RESULT,
	Q_RECORD_COPY,
	Q_RECORD_SETTLE,
	Q_RECORD_DROP,
	Q_RECORD_DROP_OLDER,
	Q_RECORD_DROP_BEFORE,
	Q_RECORD_DROP_WAITING,
	Q_RECORD_DROP_OF,
	Q_RECORD_DROP_OVER,
	Q_STEP_ADD,
	Q_STEP_DONE,
	Q_STEPS_DONE,
	Q_STEPS_OLDEST,
	Q_STEPS_LIST,
	Q_COUNT
};

/* All zero is one that db_close() accepts. */
struct db {
	pthread_mutex_t lock; /* held by whoever uses it */
	sqlite3 *db;
	sqlite3_stmt *stmt[Q_COUNT]; /* prepared when first needed */
	int64_t locks; /* rows of locks more, in this transaction */
	struct held_locks *held; /* the writer's: what it changes of them */
};

enum err_code db_open(struct db *c, const char *file, const char *pragmas,
    struct err *err) MUST_USE;
void db_close(struct db *c);

/* ERR_OS: the file was made by a newer version. */
enum err_code db_make_tables(struct db *c, struct err *err) MUST_USE;

/* The error for what SQLite returned. */
enum err_code db_failed(const struct db *c, int result, struct err *err);

/* The prepared statement, which is the connection's; to be reset after use. */
enum err_code db_prepare(
    struct db *c, enum query q, sqlite3_stmt **out, struct err *err) MUST_USE;

/* For CLEANUP(): resets it, and lets go of what was bound. */
void db_reset(sqlite3_stmt **stmt);

/* Borrows the bytes.  No bytes are an empty blob, not NULL. */
int db_bind(sqlite3_stmt *stmt, int at, struct str bytes);

/* Runs a statement that gives no rows, with blobs for its first parameters. */
enum err_code db_run(struct db *c, enum query q, const struct str *blobs, int n,
    struct err *err);

/* Whether a statement gives a row, with a blob for its one parameter. */
enum err_code db_any(struct db *c, enum query q, struct str blob, bool *out,
    struct err *err) MUST_USE;

/* Ends a transaction: commits if rc is ERR_OK, else takes it back. */
enum err_code
db_finish(struct db *c, enum err_code rc, struct err *err) MUST_USE;

#endif
