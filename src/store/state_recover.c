/* SPDX-License-Identifier: MIT */
/*
 * The changes that a crash cut off, or whose batch it did: what is in the place
 * of each says how far it got.
 *
 * That holds as long as no later change has been there.  There can be one where
 * the change could not be seen when it was over, or waited for the end of its
 * batch.  Then what it was about may be elsewhere, properties and all, and
 * others may have locks there: nothing is done about those.  But its record
 * stays, because the later change found it made.  Only a power cut takes back
 * both: so the newest are looked at first, and a later change that was not made
 * after all does not count.
 */
#include "store/state_impl.h"

/* The newest before a number; *seq is 0 when there is none. */
static enum err_code
next_intent(struct state *s, uint64_t before, struct arena *a, struct intent *i,
    uint64_t *seq, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_INTENT_NEXT, &stmt, err);
	int result;

	*seq = 0;
	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)before);
	if (!result)
		result = sqlite3_step(stmt);
	if (result == SQLITE_DONE)
		return ERR_OK;
	if (result != SQLITE_ROW)
		return db_failed(c, result, err);
	intent_read(stmt, i);
	if (!arena_str(a, i->change.path.s, &i->change.path.s) ||
	    !arena_str(a, i->change.to.s, &i->change.to.s) ||
	    !arena_str(a, i->change.lock_token, &i->change.lock_token) ||
	    !arena_str(a, i->change.record, &i->change.record))
		return err_nomem(err);
	*seq = (uint64_t)sqlite3_column_int64(stmt, 9);
	return ERR_OK;
}

/* ---- what came later */

/* Whether a later line of the journal is about what c is about. */
static bool
is_later_about(sqlite3_stmt *line, const struct change *c)
{
	const struct rpath path = { db_column(line, 2) };
	const struct rpath to = { db_column(line, 3) };
	bool moves = c->kind == CHANGE_MOVE;
	int kind = sqlite3_column_int(line, 1);

	if (kind == CHANGE_MOVE)
		return rpath_covers(path, c->path) ||
		    rpath_covers(to, c->path) ||
		    (moves &&
			(rpath_covers(path, c->to) || rpath_covers(to, c->to)));
	return c->drops_locks && kind != CHANGE_TREE && kind != CHANGE_BATCH &&
	    (rpath_eq(path, c->path) || (moves && rpath_eq(path, c->to)));
}

/* Whether it has put something else where c put its own. */
static bool
is_later_in_place(sqlite3_stmt *line, const struct change *c)
{
	const struct rpath place = c->kind == CHANGE_MOVE ? c->to : c->path;
	const struct rpath path = { db_column(line, 2) };
	const struct rpath to = { db_column(line, 3) };
	int kind = sqlite3_column_int(line, 1);

	if (kind == CHANGE_PROPS || kind == CHANGE_BATCH)
		return false;
	if (kind == CHANGE_MOVE)
		return rpath_covers(path, place) || rpath_covers(to, place);
	return rpath_eq(path, place) ||
	    (kind == CHANGE_TREE && rpath_covers(path, place));
}

/* Numbers of changes that were not made, newest first. */
struct unmade {
	struct buf seqs;
};

static void
unmade_add(struct unmade *u, uint64_t seq)
{
	buf_put(&u->seqs, str_of((const char *)&seq, sizeof(seq)));
}

static bool
unmade_has(const struct unmade *u, uint64_t seq)
{
	size_t i;

	for (i = 0; i + sizeof(seq) <= u->seqs.len; i += sizeof(seq))
		if (!memcmp(u->seqs.ptr + i, &seq, sizeof(seq)))
			return true;
	return false;
}

struct later {
	bool overtaken; /* somebody else may have been at it */
	bool replaced; /* something else came to its place */
};

static void
look_at(sqlite3_stmt *line, const struct change *c, const struct unmade *u,
    struct later *out)
{
	bool about = !out->overtaken && is_later_about(line, c);
	bool in_place = !out->replaced && is_later_in_place(line, c);
	uint64_t seq = (uint64_t)sqlite3_column_int64(line, 0);

	if ((!about && !in_place) || unmade_has(u, seq))
		return;
	out->overtaken |= about;
	out->replaced |= in_place;
}

/* What a batch says beforehand of its whole tree has not been there. */
static enum err_code
look_for_later(struct state *s, uint64_t seq, const struct change *change,
    const struct unmade *u, struct later *out, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_JOURNAL_FROM, &stmt, err);
	int result;

	*out = (struct later){ .overtaken = false };
	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
	if (!result)
		result = sqlite3_step(stmt);
	/* Without its own line nobody knows what came later. */
	if (result == SQLITE_DONE ||
	    (result == SQLITE_ROW &&
		(uint64_t)sqlite3_column_int64(stmt, 0) != seq)) {
		*out = (struct later){ true, true };
		return ERR_OK;
	}
	while (result == SQLITE_ROW) {
		result = sqlite3_step(stmt);
		if (result == SQLITE_ROW)
			look_at(stmt, change, u, out);
	}
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

/* ---- one by one */

struct recovery {
	struct state *s;
	enum err_code (*visit)(
	    void *arg, const struct change *c, bool *in_place, struct err *err);
	void *arg;
	struct unmade unmade;
};

/* Where it is only the record that counts, nothing is put right. */
static enum err_code
recover_one(struct recovery *r, uint64_t seq, struct intent *i, struct err *err)
{
	struct ended e = { .seq = seq, .work = true };
	struct later later;
	enum err_code rc =
	    look_for_later(r->s, seq, &i->change, &r->unmade, &later, err);
	bool blind =
	    later.overtaken && (later.replaced || !i->change.record.len);

	if (rc)
		return rc;
	e.overtaken = later.overtaken;
	if (later.overtaken && i->change.kind != CHANGE_REMOVE)
		i->change.gone = NULL;
	if (!blind)
		rc = r->visit(r->arg, &i->change, &e.in_place, err);
	if (rc)
		return rc;
	e.keep = e.in_place || blind || later.replaced;
	if (!e.keep)
		unmade_add(&r->unmade, seq);
	e.work = !e.overtaken || i->change.record.len;
	intent_ended(r->s, &e);
	return buf_failed(&r->unmade.seqs) ? err_nomem(err) : ERR_OK;
}

/* What cannot be seen now, the next start may see. */
static enum err_code
recover_all(struct recovery *r, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	uint64_t seq = INT64_MAX;

	for (;;) {
		struct intent i;
		struct err why = { 0 };
		enum err_code rc = next_intent(r->s, seq, &a, &i, &seq, &why);

		if (!rc && !seq)
			return ERR_OK;
		if (!rc)
			rc = recover_one(r, seq, &i, &why);
		if (!seq || (rc && (err_stops(rc) || rc == ERR_NO_FDS))) {
			if (err)
				*err = why;
			return rc;
		}
		arena_clear(&a);
	}
}

enum err_code
state_recover(struct state *s,
    enum err_code (*visit)(
	void *arg, const struct change *c, bool *in_place, struct err *err),
    void *arg, struct err *err)
{
	struct recovery r = { .s = s, .visit = visit, .arg = arg };
	enum err_code rc = recover_all(&r, err);

	(void)tx_flush(s);
	buf_done(&r.unmade.seqs);
	return rc;
}
