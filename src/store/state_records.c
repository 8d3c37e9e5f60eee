/* SPDX-License-Identifier: MIT */
/*
 * Records: what was done under which key.  A key can have more than one row;
 * the newest counts, and those before it go once it is there for good:
 *
 *  - One that came with a change has the number of its line.  It goes with the
 *    intent, if the change was not made; so until that is known, what was there
 *    before it stays.
 *  - One that waits is about more than one change of a batch, and so must not
 *    outlive them: a start after a crash removes it.
 */
#include "base/clock.h"
#include "store/state_impl.h"

enum record_column {
	COL_ID,
	COL_BEGUN,
	COL_EXPIRES,
	COL_PRINT,
	COL_CREATED,
	COL_PATH,
	COL_ETAG,
	COL_RESULT,
};

/* ---- reading */

/* stmt is at the newest row of the key, if there is one. */
static enum err_code
find_row(struct db *c, struct str key, sqlite3_stmt **stmt, bool *found,
    struct err *err)
{
	enum err_code rc = db_prepare(c, Q_RECORD_LAST, stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(*stmt, 1, key);
	if (!result)
		result = sqlite3_step(*stmt);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return db_failed(c, result, err);
	*found = result == SQLITE_ROW;
	return ERR_OK;
}

static bool
is_over(sqlite3_stmt *row)
{
	return sqlite3_column_int64(row, COL_EXPIRES) <= clock_now();
}

enum err_code
state_recall(struct state *s, struct str key, struct arena *a,
    struct recalled *out, bool *found, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	sqlite3_stmt *row CLEANUP(db_reset) = NULL;
	struct recalled r = { .begun = false };
	bool any = false;
	enum err_code rc = find_row(c, key, &row, &any, err);

	*found = false;
	if (rc || !any || is_over(row))
		return rc;
	r.begun = sqlite3_column_int(row, COL_BEGUN);
	r.created = sqlite3_column_int(row, COL_CREATED);
	if (!arena_str(a, db_column(row, COL_PRINT), &r.print) ||
	    !arena_str(a, db_column(row, COL_PATH), &r.path.s) ||
	    !arena_str(a, db_column(row, COL_ETAG), &r.etag) ||
	    !arena_str(a, db_column(row, COL_RESULT), &r.result))
		return err_nomem(err);
	*out = r;
	*found = true;
	return ERR_OK;
}

enum err_code
state_recall_any(struct state *s, struct str key, bool *any, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);

	return db_any(c, Q_RECORD_ANY_BELOW, key, any, err);
}

/* ---- with a change */

/* A row that is yet to be written. */
struct row {
	const struct record *record;
	uint64_t seq;
	bool waits, begun, created;
	struct str path, etag, result;
};

#define ROW_COLUMNS 10

/* Its parameters are numbered from behind `before` on. */
static int
bind_row(sqlite3_stmt *stmt, int before, const struct row *r)
{
	const struct {
		int at;
		int64_t n;
	} numbers[] = {
		{ 2, (int64_t)r->seq },
		{ 3, r->waits },
		{ 4, r->begun },
		{ 5, r->record->expires },
		{ 7, r->created },
	};
	const struct {
		int at;
		struct str s;
	} blobs[] = {
		{ 1, r->record->key },
		{ 6, r->record->print },
		{ 8, r->path },
		{ 9, r->etag },
		{ 10, r->result },
	};
	int result = SQLITE_OK;
	size_t i;

	for (i = 0; i < ARRAY_LEN(numbers) && !result; i++)
		result = sqlite3_bind_int64(
		    stmt, before + numbers[i].at, numbers[i].n);
	for (i = 0; i < ARRAY_LEN(blobs) && !result; i++)
		result = db_bind(stmt, before + blobs[i].at, blobs[i].s);
	return result;
}

static enum err_code
add_row(struct db *c, const struct row *r, uint64_t *id, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_RECORD_ADD, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = bind_row(stmt, 0, r);
	if (!result)
		result = sqlite3_step(stmt);
	if (result != SQLITE_DONE)
		return db_failed(c, result, err);
	*id = (uint64_t)sqlite3_last_insert_rowid(c->db);
	return ERR_OK;
}

static enum err_code
has_row(struct db *c, struct str key, bool *out, struct err *err)
{
	sqlite3_stmt *row CLEANUP(db_reset) = NULL;

	return find_row(c, key, &row, out, err);
}

static struct row
row_of(const struct noted *n, uint64_t seq)
{
	return (struct row){
		.record = n->record,
		.seq = seq,
		.begun = n->record->begins,
		.created = n->created,
		.path = n->path.s,
		.etag = str_of(n->etag, n->etag_len),
	};
}

enum err_code
record_note_some(
    struct db *c, uint64_t seq, const struct change *const *v, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_RECORD_ADD_SOME, &stmt, err);
	int result = SQLITE_OK;
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < JOURNAL_SOME && !result; i++) {
		const struct row r = row_of(v[i]->note, seq + i);

		result = bind_row(stmt, (int)i * ROW_COLUMNS, &r);
	}
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
record_note(struct db *c, uint64_t seq, const struct noted *n, bool *older,
    struct err *err)
{
	const struct row r = row_of(n, seq);
	uint64_t id;
	enum err_code rc =
	    n->record->unused ? ERR_OK : has_row(c, n->record->key, older, err);

	return rc ? rc : add_row(c, &r, &id, err);
}

/* A statement about a key and a number. */
static enum err_code
run_on(struct db *c, enum query q, struct str key, uint64_t n, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, key);
	if (!result)
		result = sqlite3_bind_int64(stmt, 2, (sqlite3_int64)n);
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
record_end(
    struct db *c, struct str key, uint64_t seq, bool keep, struct err *err)
{
	return run_on(
	    c, keep ? Q_RECORD_DROP_OLDER : Q_RECORD_DROP_OF, key, seq, err);
}

/* ---- without one */

/* A statement about the row of that number. */
static enum err_code
run_at(struct db *c, enum query q, uint64_t id, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)id);
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
record_settle(struct db *c, uint64_t id, bool keep, struct err *err)
{
	enum err_code rc =
	    run_at(c, keep ? Q_RECORD_SETTLE : Q_RECORD_DROP, id, err);

	return rc || !keep ? rc : run_at(c, Q_RECORD_DROP_BEFORE, id, err);
}

static enum err_code
put_result(struct db *c, enum query q, uint64_t id, const struct record *r,
    struct str result, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int code;

	if (rc)
		return rc;
	code = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)id);
	if (!code)
		code = db_bind(stmt, 2, result);
	if (!code)
		code = sqlite3_bind_int64(stmt, 3, r->expires);
	if (!code)
		code = sqlite3_step(stmt);
	return code == SQLITE_DONE ? ERR_OK : db_failed(c, code, err);
}

/* The row that the result belongs to; 0: none. */
static enum err_code
find_of(struct db *c, const struct record *r, uint64_t *id, bool *begun,
    struct err *err)
{
	sqlite3_stmt *row CLEANUP(db_reset) = NULL;
	bool any = false;
	enum err_code rc = find_row(c, r->key, &row, &any, err);

	*id = 0;
	if (rc || !any || is_over(row) ||
	    !str_eq(db_column(row, COL_PRINT), r->print))
		return rc;
	*id = (uint64_t)sqlite3_column_int64(row, COL_ID);
	*begun = sqlite3_column_int(row, COL_BEGUN);
	return ERR_OK;
}

/*
 * A row that came with one change is as good as that.  Of what was begun, and
 * of what has no change, nobody knows whether it is on the disk until the batch
 * is: hence a row that waits.
 */
static enum err_code
remember(struct db *c, const struct record *r, struct str result,
    uint64_t *waits, struct err *err)
{
	const struct row alone = {
		.record = r,
		.waits = waits != NULL,
		.result = result,
	};
	uint64_t id = 0;
	bool begun = false;
	enum err_code rc = find_of(c, r, &id, &begun, err);

	if (rc)
		return rc;
	if (id && begun && waits)
		rc = put_result(c, Q_RECORD_COPY, id, r, result, err);
	else if (id)
		return put_result(c, Q_RECORD_RESULT, id, r, result, err);
	else
		rc = add_row(c, &alone, &id, err);
	if (rc)
		return rc;
	id = (uint64_t)sqlite3_last_insert_rowid(c->db);
	if (!waits)
		return run_at(c, Q_RECORD_DROP_BEFORE, id, err);
	*waits = id;
	return ERR_OK;
}

enum err_code
state_remember(struct state *s, const struct record *r, struct str result,
    uint64_t *waits, struct err *err)
{
	struct tx t;
	uint64_t id = 0;
	enum err_code rc = tx_begin(s, &t, err);

	if (rc)
		return rc;
	rc = remember(t.c, r, result, waits ? &id : NULL, err);
	rc = tx_end(&t, rc, !waits, err);
	if (!rc && waits)
		*waits = id;
	return rc;
}

enum err_code
record_put(struct db *c, const struct record *r, bool created,
    struct rpath path, struct str etag, struct str result, struct err *err)
{
	const struct row row = {
		.record = r,
		.begun = r->begins,
		.created = created,
		.path = path.s,
		.etag = etag,
		.result = result,
	};
	uint64_t id = 0;
	enum err_code rc = add_row(c, &row, &id, err);

	return rc ? rc : run_at(c, Q_RECORD_DROP_BEFORE, id, err);
}

/* ---- opening, and now and then */

enum err_code
records_load(struct state *s, struct err *err)
{
	return db_run(&s->writer, Q_RECORD_DROP_WAITING, NULL, 0, err);
}

enum err_code
records_drop_over(struct db *c, int max, bool *more, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_RECORD_DROP_OVER, &stmt, err);
	int result;

	*more = false;
	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, clock_now());
	if (!result)
		result = sqlite3_bind_int(stmt, 2, max);
	if (!result)
		result = sqlite3_step(stmt);
	if (result != SQLITE_DONE)
		return db_failed(c, result, err);
	*more = sqlite3_changes(c->db) == max;
	return ERR_OK;
}
