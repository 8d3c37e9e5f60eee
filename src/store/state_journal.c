/* SPDX-License-Identifier: MIT */
/* The journal: a line for every change.  See state_late.c. */
#include "store/state_impl.h"

/* Its parameters are numbered from at on. */
static int
bind_line(sqlite3_stmt *stmt, int at, const struct change_line *l)
{
	int result = sqlite3_bind_int(stmt, at, l->kind);

	if (!result)
		result = db_bind(stmt, at + 1, l->path);
	if (!result && l->other.len) /* else it is NULL */
		result = db_bind(stmt, at + 2, l->other);
	return result;
}

static enum err_code
insert(struct db *c, enum query q, const struct change_line *lines, size_t n,
    struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result = SQLITE_OK;
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < n && !result; i++)
		result = bind_line(stmt, (int)i * 3 + 1, &lines[i]);
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
journal_lines(
    struct db *c, const struct change_line *lines, size_t n, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (; n >= JOURNAL_SOME && !rc; n -= JOURNAL_SOME) {
		rc = insert(c, Q_JOURNAL_SOME, lines, JOURNAL_SOME, err);
		lines += JOURNAL_SOME;
	}
	for (; n && !rc; n--)
		rc = insert(c, Q_JOURNAL, lines++, 1, err);
	return rc;
}

enum err_code
journal_add(
    struct db *c, const struct change *change, uint64_t *seq, struct err *err)
{
	struct change_line l = { (int)change->kind, change->path.s, { 0 } };
	enum err_code rc;

	if (change->kind == CHANGE_MOVE)
		l.other = change->to.s;
	rc = journal_lines(c, &l, 1, err);
	if (!rc && seq)
		*seq = (uint64_t)sqlite3_last_insert_rowid(c->db);
	return rc;
}

/* ---- lines that come late */

enum err_code
journal_set_moved(struct db *c, uint64_t number, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LATE_SET_MOVED, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)number);
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
journal_moved(struct db *c, uint64_t *out, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LATE_MOVED, &stmt, err);

	if (rc)
		return rc;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return db_failed(c, sqlite3_errcode(c->db), err);
	*out = (uint64_t)sqlite3_column_int64(stmt, 0);
	return ERR_OK;
}

/* ---- the last line */

static enum err_code
last_line(struct state *s, uint64_t *out, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = writer_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_JOURNAL_LAST, &stmt, err);

	if (rc)
		return rc;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return db_failed(c, sqlite3_errcode(c->db), err);
	*out = (uint64_t)sqlite3_column_int64(stmt, 0);
	return ERR_OK;
}

/* A number that a power cut takes back would be given out again. */
enum err_code
state_journal_last(struct state *s, uint64_t *out, struct err *err)
{
	uint64_t last = 0;
	enum err_code rc = late_any(s) ? tx_flush(s) : ERR_OK;

	if (rc)
		return err_set(err, rc, "write the journal");
	rc = last_line(s, &last, err);
	if (!rc)
		rc = state_sync(s, err);
	if (!rc)
		*out = last;
	return rc;
}
