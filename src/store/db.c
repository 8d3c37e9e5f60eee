/* SPDX-License-Identifier: MIT */
#include "store/db.h"

#include "base/mutex.h"

#define BUSY_MS 5000
#define SCHEMA_VERSION 8

/* What is below ?1, which is empty for the root: from "?1/" to "?10". */
#define BELOW_IN(column)                                \
	column " > CAST(?1 || '/' AS BLOB) AND " column \
	       " < CAST(?1 || '0' AS BLOB)"
#define BELOW BELOW_IN("path")

#define INTENT                                                              \
	"kind, path, other, made, gone, props_of, drops_locks, lock_token," \
	" record"

#define LOCKS                                                     \
	"SELECT path, token, shared, depth, owner, user, expires" \
	" FROM locks WHERE "

/* JOURNAL_SOME of them are in one statement. */
#define LINES_4 "(?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?)"
#define TEN "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define TENS_4 TEN ", " TEN ", " TEN ", " TEN
#define TENS TENS_4 ", " TENS_4 ", " TENS_4 ", " TENS_4

#define INTENT_INTO                                                \
	"INSERT INTO intents (seq, kind, path, other, made, gone," \
	" props_of, drops_locks, lock_token, record) VALUES "

#define RECORD_INTO                                             \
	"INSERT INTO records (key, seq, waits, begun, expires," \
	" print, created, path, etag, result) VALUES "

static const char *const queries[Q_COUNT] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_LIST] = "SELECT ns, local, form, value FROM props WHERE id = ?1"
		   " ORDER BY ns, local",
	[Q_SET] = "INSERT OR REPLACE INTO props (id, ns, local, form, value)"
		  " VALUES (?1, ?2, ?3, ?4, ?5)",
	[Q_UNSET] = "DELETE FROM props"
		    " WHERE id = ?1 AND ns = ?2 AND local = ?3",
	[Q_SIZE] = "SELECT total(length(ns) + length(local) + length(value))"
		   " FROM props WHERE id = ?1",
	[Q_HAS] = "SELECT 1 FROM props WHERE id = ?1 LIMIT 1",
	[Q_DROP] = "DELETE FROM props WHERE id = ?1",
	[Q_COPY] = "INSERT INTO props (id, ns, local, form, value)"
		   " SELECT ?2, ns, local, form, value FROM props"
		   " WHERE id = ?1",
	[Q_JOURNAL] = "INSERT INTO journal (kind, path, other)"
		      " VALUES (?1, ?2, ?3)",
	[Q_JOURNAL_SOME] =
	    "INSERT INTO journal (kind, path, other)"
	    " VALUES " LINES_4 ", " LINES_4 ", " LINES_4 ", " LINES_4,
	[Q_JOURNAL_LAST] = "SELECT max(seq) FROM journal",
	[Q_JOURNAL_FROM] = "SELECT seq, kind, path, other FROM journal"
			   " WHERE seq >= ?1 ORDER BY seq",
	[Q_JOURNAL_PRUNE] = "DELETE FROM journal WHERE"
			    " seq <= (SELECT max(seq) FROM journal) - ?1 AND"
			    " seq < (SELECT min(seq) FROM journal) + ?2",
	/* The number of the last line is never given out again. */
	[Q_JOURNAL_TAKE_BACK] = "DELETE FROM journal WHERE seq = ?1 AND"
				" seq < (SELECT max(seq) FROM journal)",
	[Q_JOURNAL_UNDONE] = "UPDATE journal SET kind = ?2 WHERE seq = ?1",
	[Q_LATE_MOVED] = "SELECT moved FROM late",
	[Q_LATE_SET_MOVED] = "UPDATE late SET moved = ?1",
	[Q_INTENT] = INTENT_INTO TEN,
	[Q_INTENT_SOME] = INTENT_INTO TENS,
	[Q_INTENT_GET] = "SELECT " INTENT " FROM intents WHERE seq = ?1",
	[Q_INTENT_NEXT] = "SELECT " INTENT ", seq FROM intents WHERE seq < ?1"
			  " ORDER BY seq DESC LIMIT 1",
	[Q_INTENT_DONE] = "DELETE FROM intents WHERE seq = ?1",
	[Q_LOCKS_COUNT] = "SELECT count(*) FROM locks",
	[Q_LOCKS_ANY_AT] = "SELECT 1 FROM locks WHERE path = ?1 LIMIT 1",
	[Q_LOCKS_ANY_BELOW] = "SELECT 1 FROM locks WHERE " BELOW " LIMIT 1",
	[Q_LOCKS_DROP_AT] = "DELETE FROM locks WHERE path = ?1",
	[Q_LOCKS_DROP_BELOW] = "DELETE FROM locks WHERE " BELOW,
	[Q_LOCKS_DROP_TOKEN] = "DELETE FROM locks"
			       " WHERE path = ?1 AND token = ?2",
	[Q_LOCKS_DROP_OLD] = "DELETE FROM locks WHERE expires <= ?1",
	[Q_LOCKS_AT] = LOCKS "path = ?1 AND expires > ?2",
	[Q_LOCKS_DEEP] = LOCKS "path = ?1 AND expires > ?2 AND depth > 0",
	[Q_LOCKS_BELOW] = LOCKS BELOW " AND expires > ?2 ORDER BY path",
	[Q_LOCKS_ADD] = "INSERT INTO locks"
			" (path, token, owner, user, shared, depth, expires)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[Q_LOCKS_MOVE] = "INSERT OR REPLACE INTO locks"
			 " (path, token, owner, user, shared, depth, expires)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[Q_LOCKS_REFRESH] = "UPDATE locks SET expires = ?3"
			    " WHERE path = ?1 AND token = ?2",
	[Q_LOCKS_FIND] = "SELECT path FROM locks WHERE token = ?1",
	[Q_LOCKS_ALL] = LOCKS "true",
	[Q_RECORD_LAST] = "SELECT id, begun, expires, print, created, path,"
			  " etag, result FROM records WHERE key = ?1"
			  " ORDER BY id DESC LIMIT 1",
	[Q_RECORD_ANY_BELOW] = "SELECT 1 FROM records"
			       " WHERE " BELOW_IN("key") " LIMIT 1",
	[Q_RECORD_ADD] = RECORD_INTO TEN,
	[Q_RECORD_ADD_SOME] = RECORD_INTO TENS,
	[Q_RECORD_RESULT] = "UPDATE records SET result = ?2, expires = ?3,"
			    " begun = 0 WHERE id = ?1",
	[Q_RECORD_COPY] = "INSERT INTO records (key, seq, waits, begun,"
			  " expires, print, created, path, etag, result)"
			  " SELECT key, 0, 1, 0, ?3, print, created, path,"
			  " etag, ?2 FROM records WHERE id = ?1",
	[Q_RECORD_SETTLE] = "UPDATE records SET waits = 0 WHERE id = ?1",
	[Q_RECORD_DROP] = "DELETE FROM records WHERE id = ?1",
	[Q_RECORD_DROP_OLDER] = "DELETE FROM records WHERE key = ?1 AND id <"
				" (SELECT id FROM records"
				" WHERE key = ?1 AND seq = ?2)",
	[Q_RECORD_DROP_BEFORE] = "DELETE FROM records WHERE key ="
				 " (SELECT key FROM records WHERE id = ?1)"
				 " AND id < ?1",
	[Q_RECORD_DROP_WAITING] = "DELETE FROM records WHERE waits",
	[Q_RECORD_DROP_OF] = "DELETE FROM records WHERE key = ?1 AND seq = ?2",
	[Q_RECORD_DROP_OVER] = "DELETE FROM records WHERE id IN (SELECT id"
			       " FROM records WHERE expires <= ?1 LIMIT ?2)",
	[Q_STEP_ADD] = "INSERT INTO steps (number, step, kind, flag, id,"
		       " stand_in, path, other, hidden, beside, key, print,"
		       " expires, begins, etag, result) VALUES (?1, ?2, ?3,"
		       " ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
		       " ?15, ?16)",
	[Q_STEP_DONE] = "DELETE FROM steps WHERE number = ?1 AND step = ?2",
	[Q_STEPS_DONE] = "DELETE FROM steps WHERE number = ?1",
	[Q_STEPS_OLDEST] = "SELECT number, max(step) + 1 FROM steps"
			   " WHERE number = (SELECT min(number) FROM steps)",
	[Q_STEPS_LIST] = "SELECT step, kind, flag, id, stand_in, path, other,"
			 " hidden, beside, key, print, expires, begins, etag,"
			 " result FROM steps WHERE number = ?1",
};

/*
 * Bytes, not text: SQLite compares them as store_props() orders them.  A row
 * of intents has the number of its line in the journal; a row of records that
 * of the change it came with, or 0 (state_records.c).
 */
static const char *const schema[SCHEMA_VERSION] = {
	"CREATE TABLE props ("
	" id BLOB NOT NULL,"
	" ns BLOB NOT NULL,"
	" local BLOB NOT NULL,"
	" form INTEGER NOT NULL,"
	" value BLOB NOT NULL,"
	" PRIMARY KEY (id, ns, local)) WITHOUT ROWID;"
	"PRAGMA user_version = 1;",

	"CREATE TABLE journal ("
	" seq INTEGER PRIMARY KEY,"
	" kind INTEGER NOT NULL,"
	" path BLOB NOT NULL,"
	" other BLOB);"
	"CREATE TABLE intents ("
	" seq INTEGER PRIMARY KEY,"
	" kind INTEGER NOT NULL,"
	" path BLOB NOT NULL,"
	" other BLOB,"
	" made BLOB,"
	" gone BLOB,"
	" props_of BLOB,"
	" drops_locks INTEGER NOT NULL,"
	" lock_token BLOB);"
	"CREATE TABLE locks ("
	" path BLOB NOT NULL,"
	" token BLOB NOT NULL,"
	" shared INTEGER NOT NULL,"
	" depth INTEGER NOT NULL,"
	" owner BLOB NOT NULL,"
	" user BLOB NOT NULL,"
	" expires INTEGER NOT NULL,"
	" PRIMARY KEY (path, token)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX locks_token ON locks (token);"
	"PRAGMA user_version = 2;",

	"ALTER TABLE intents ADD COLUMN record BLOB;"
	"CREATE TABLE records ("
	" id INTEGER PRIMARY KEY,"
	" key BLOB NOT NULL,"
	" seq INTEGER NOT NULL,"
	" waits INTEGER NOT NULL,"
	" begun INTEGER NOT NULL,"
	" expires INTEGER NOT NULL,"
	" print BLOB NOT NULL,"
	" created INTEGER NOT NULL,"
	" path BLOB NOT NULL,"
	" etag BLOB NOT NULL,"
	" result BLOB NOT NULL);"
	"CREATE INDEX records_key ON records (key);"
	"CREATE INDEX records_expires ON records (expires);"
	"CREATE INDEX records_waits ON records (waits) WHERE waits;"
	"PRAGMA user_version = 3;",

	"CREATE TABLE steps ("
	" number INTEGER NOT NULL,"
	" step INTEGER NOT NULL,"
	" kind INTEGER NOT NULL,"
	" flag INTEGER NOT NULL,"
	" id BLOB NOT NULL,"
	" stand_in BLOB NOT NULL,"
	" path BLOB NOT NULL,"
	" other BLOB NOT NULL,"
	" hidden BLOB NOT NULL,"
	" beside BLOB NOT NULL,"
	" key BLOB NOT NULL,"
	" print BLOB NOT NULL,"
	" expires INTEGER NOT NULL,"
	" begins INTEGER NOT NULL,"
	" etag BLOB NOT NULL,"
	" result BLOB NOT NULL,"
	" PRIMARY KEY (number, step)) WITHOUT ROWID;"
	"PRAGMA user_version = 4;",

	/* Who ends a lock knows its path, too. */
	("DROP INDEX locks_token;"
	 "PRAGMA user_version = 5;"),

	"CREATE TABLE late (moved INTEGER NOT NULL);"
	"INSERT INTO late VALUES (0);"
	"PRAGMA user_version = 6;",

	/* Slots that are about locks (state_late.c) are new. */
	"PRAGMA user_version = 7;",

	/* And those that are about properties. */
	"PRAGMA user_version = 8;",
};

/* ---- failures */

static enum err_code
code_from_sqlite(int result)
{
	static const struct {
		int result;
		enum err_code code;
	} rows[] = {
		{ SQLITE_NOMEM, ERR_NOMEM },
		{ SQLITE_FULL, ERR_NO_SPACE },
		{ SQLITE_BUSY, ERR_BUSY },
		{ SQLITE_LOCKED, ERR_BUSY },
		{ SQLITE_IOERR, ERR_IO },
		{ SQLITE_CORRUPT, ERR_IO },
		{ SQLITE_NOTADB, ERR_IO },
		{ SQLITE_READONLY, ERR_READ_ONLY },
		{ SQLITE_PERM, ERR_FORBIDDEN },
		{ SQLITE_CANTOPEN, ERR_FORBIDDEN },
		{ SQLITE_TOOBIG, ERR_TOO_LARGE },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].result == (result & 0xff))
			return rows[i].code;
	return ERR_OS;
}

/* errno of the last call on the log that failed; 0: none has. */
static int
log_errno(sqlite3 *db)
{
	sqlite3_file *log = NULL;
	int last = 0;

	if (!sqlite3_file_control(
		db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log) &&
	    log && log->pMethods)
		(void)log->pMethods->xFileControl(
		    log, SQLITE_FCNTL_LAST_ERRNO, &last);
	return last;
}

/*
 * SQLite takes only a write with ENOSPC for a full disk.  A sync may say so as
 * well, and both that a quota is used up.
 */
static bool
found_no_room(sqlite3 *db, int *errnum)
{
	int code = sqlite3_extended_errcode(db);
	enum err_code rc;

	if (code != SQLITE_IOERR_FSYNC && code != SQLITE_IOERR_WRITE)
		return false;
	*errnum = log_errno(db);
	rc = err_from_errno(*errnum);
	return rc == ERR_NO_SPACE || rc == ERR_QUOTA;
}

enum err_code
db_failed(const struct db *c, int result, struct err *err)
{
	int errnum;

	if (result == SQLITE_IOERR_NOMEM)
		result = SQLITE_NOMEM;
	if (c->db && found_no_room(c->db, &errnum))
		return err_errno(err, errnum, DB_NAME);
	return err_set(err, code_from_sqlite(result), "%s: %s", DB_NAME,
	    c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(result));
}

/* ---- connections and statements */

void
db_close(struct db *c)
{
	size_t i;

	for (i = 0; i < Q_COUNT; i++)
		(void)sqlite3_finalize(c->stmt[i]);
	(void)sqlite3_close(c->db);
	(void)pthread_mutex_destroy(&c->lock);
}

void
db_reset(sqlite3_stmt **stmt)
{
	if (!*stmt)
		return;
	(void)sqlite3_reset(*stmt);
	(void)sqlite3_clear_bindings(*stmt);
}

enum err_code
db_prepare(struct db *c, enum query q, sqlite3_stmt **out, struct err *err)
{
	int result = SQLITE_OK;

	if (!c->stmt[q])
		result = sqlite3_prepare_v3(c->db, queries[q], -1,
		    SQLITE_PREPARE_PERSISTENT, &c->stmt[q], NULL);
	if (result)
		return db_failed(c, result, err);
	*out = c->stmt[q];
	return ERR_OK;
}

int
db_bind(sqlite3_stmt *stmt, int at, struct str bytes)
{
	return sqlite3_bind_blob64(
	    stmt, at, bytes.ptr ? bytes.ptr : "", bytes.len, SQLITE_STATIC);
}

enum err_code
db_run(
    struct db *c, enum query q, const struct str *blobs, int n, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result = SQLITE_OK;
	int i;

	if (rc)
		return rc;
	for (i = 0; i < n && !result; i++)
		result = db_bind(stmt, i + 1, blobs[i]);
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
db_any(struct db *c, enum query q, struct str blob, bool *out, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, blob);
	if (!result)
		result = sqlite3_step(stmt);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return db_failed(c, result, err);
	*out = result == SQLITE_ROW;
	return ERR_OK;
}

enum err_code
db_finish(struct db *c, enum err_code rc, struct err *err)
{
	if (!rc)
		rc = db_run(c, Q_COMMIT, NULL, 0, err);
	/* A failure may have ended it already. */
	if (rc && !sqlite3_get_autocommit(c->db))
		(void)db_run(c, Q_ROLLBACK, NULL, 0, NULL);
	return rc;
}

enum err_code
db_open(struct db *c, const char *file, const char *pragmas, struct err *err)
{
	int result;

	mutex_init_short(&c->lock); /* to write into a slot; else it is not */
	result = sqlite3_open_v2(
	    file, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (!result)
		result = sqlite3_busy_timeout(c->db, BUSY_MS);
	if (!result)
		result = sqlite3_exec(c->db, pragmas, NULL, NULL, NULL);
	return result ? db_failed(c, result, err) : ERR_OK;
}

static enum err_code
user_version(struct db *c, int *out, struct err *err)
{
	sqlite3_stmt *stmt;
	int result =
	    sqlite3_prepare_v2(c->db, "PRAGMA user_version", -1, &stmt, NULL);

	if (!result)
		result = sqlite3_step(stmt);
	if (result == SQLITE_ROW)
		*out = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return result == SQLITE_ROW ? ERR_OK : db_failed(c, result, err);
}

enum err_code
db_make_tables(struct db *c, struct err *err)
{
	int version = 0;
	enum err_code rc = db_run(c, Q_BEGIN, NULL, 0, err);

	if (rc)
		return rc;
	rc = user_version(c, &version, err);
	if (!rc && version > SCHEMA_VERSION)
		rc = err_set(err, ERR_OS,
		    "%s was made by a newer sheaf (version %d, we know %d)",
		    DB_NAME, version, SCHEMA_VERSION);
	for (; version < SCHEMA_VERSION && !rc; version++) {
		int result =
		    sqlite3_exec(c->db, schema[version], NULL, NULL, NULL);

		if (result)
			rc = db_failed(c, result, err);
	}
	return db_finish(c, rc, err);
}
