/* SPDX-License-Identifier: MIT */
/*
 * The journal: a line for every change.  Lines that may come late, because one
 * of their batch has come before (struct change, said), are kept in memory
 * until the next transaction, whoever's it is: for what changes nothing else in
 * the state a transaction of its own would be most of its cost.
 */
#include "store/state_impl.h"

#define LATE_MAX ((size_t)1 << 16) /* bytes that may come late */

static enum err_code
write_line(struct db *c, int kind, struct str path, const struct str *other,
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
	enum err_code rc = write_line(c, (int)change->kind, change->path.s,
	    moves ? &change->to.s : NULL, err);

	if (!rc && seq)
		*seq = (uint64_t)sqlite3_last_insert_rowid(c->db);
	return rc;
}

/* ---- lines that come late */

struct late_line {
	int kind;
	size_t path, other; /* bytes of each, which follow */
};

bool
late_add(struct state *s, const struct change *change)
{
	struct late *l = &s->late;
	bool moves = change->kind == CHANGE_MOVE;
	const struct late_line line = {
		.kind = (int)change->kind,
		.path = change->path.s.len,
		.other = moves ? change->to.s.len : 0,
	};
	size_t n = sizeof(line) + line.path + line.other;
	char *at;

	(void)pthread_mutex_lock(&l->lock);
	at = l->come.len + n <= LATE_MAX ? buf_room(&l->come, n) : NULL;
	if (at) {
		memcpy(at, &line, sizeof(line));
		at += sizeof(line);
		memcpy(at, change->path.s.ptr, line.path);
		if (moves)
			memcpy(at + line.path, change->to.s.ptr, line.other);
		l->come.len += n;
	} else { /* it is no use as it is */
		l->come.failed = ERR_OK;
	}
	(void)pthread_mutex_unlock(&l->lock);
	return at != NULL;
}

bool
late_any(struct state *s)
{
	bool any;

	(void)pthread_mutex_lock(&s->late.lock);
	any = s->late.come.len || s->late.n_taken;
	(void)pthread_mutex_unlock(&s->late.lock);
	return any;
}

/* What has come joins what a failed transaction has left. */
static enum err_code
take(struct late *l, struct err *err)
{
	struct buf empty = { 0 };

	(void)pthread_mutex_lock(&l->lock);
	if (!l->taken.len) {
		empty = l->taken;
		l->taken = l->come;
		l->come = empty;
	} else {
		buf_put(&l->taken, buf_str(&l->come));
		if (!buf_failed(&l->taken))
			buf_clear(&l->come);
	}
	l->n_taken = l->taken.len;
	(void)pthread_mutex_unlock(&l->lock);
	return buf_failed(&l->taken) ? err_nomem(err) : ERR_OK;
}

enum err_code
late_write(struct state *s, struct db *c, struct err *err)
{
	struct late *l = &s->late;
	enum err_code rc;
	struct str rest;

	if (!late_any(s))
		return ERR_OK;
	rc = take(l, err);
	rest = buf_str(&l->taken);
	while (!rc && rest.len) {
		struct late_line line;
		struct str path, other;

		memcpy(&line, rest.ptr, sizeof(line));
		rest = str_skip(rest, sizeof(line));
		path = str_head(rest, line.path);
		rest = str_skip(rest, line.path);
		other = str_head(rest, line.other);
		rest = str_skip(rest, line.other);
		rc = write_line(c, line.kind, path,
		    line.kind == CHANGE_MOVE ? &other : NULL, err);
	}
	return rc;
}

void
late_written(struct state *s)
{
	struct late *l = &s->late;

	if (!l->n_taken)
		return;
	(void)pthread_mutex_lock(&l->lock);
	buf_clear(&l->taken);
	l->n_taken = 0;
	(void)pthread_mutex_unlock(&l->lock);
}

void
late_init(struct state *s)
{
	(void)pthread_mutex_init(&s->late.lock, NULL);
}

void
late_done(struct state *s)
{
	buf_done(&s->late.come);
	buf_done(&s->late.taken);
	(void)pthread_mutex_destroy(&s->late.lock);
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
