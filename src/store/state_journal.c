/* SPDX-License-Identifier: MIT */
/* The journal: a line for every change.  See state_late.c. */
#include "store/state_impl.h"

enum err_code
journal_line(struct db *c, int kind, struct str path, const struct str *other,
    struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_JOURNAL, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int(stmt, 1, kind);
	if (!result)
		result = db_bind(stmt, 2, path);
	if (!result && other)
		result = db_bind(stmt, 3, *other);
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
journal_add(
    struct db *c, const struct change *change, uint64_t *seq, struct err *err)
{
	bool moves = change->kind == CHANGE_MOVE;
	enum err_code rc = journal_line(c, (int)change->kind, change->path.s,
	    moves ? &change->to.s : NULL, err);

	if (!rc && seq)
		*seq = (uint64_t)sqlite3_last_insert_rowid(c->db);
	return rc;
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
