/* SPDX-License-Identifier: MIT */
#include "store/state_impl.h"

/*
 * What state_change_begin() gives out: the number of the line in the journal,
 * and whether there is more to do than to remove the intent.
 */
#define LEFT_IF_IN_PLACE 1U
#define LEFT_IF_NOT 2U
#define LEFT_ANY (LEFT_IF_IN_PLACE | LEFT_IF_NOT)
#define LEFT_BITS 2

static enum err_code
step(struct db *c, sqlite3_stmt *stmt, int result, struct err *err)
{
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

/* ---- the journal */

enum err_code
journal_add(
    struct db *c, const struct change *change, uint64_t *seq, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_JOURNAL, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int(stmt, 1, (int)change->kind);
	if (!result)
		result = db_bind(stmt, 2, change->path.s);
	if (!result && change->kind == CHANGE_MOVE)
		result = db_bind(stmt, 3, change->to.s);
	rc = step(c, stmt, result, err);
	if (!rc && seq)
		*seq = (uint64_t)sqlite3_last_insert_rowid(c->db);
	return rc;
}

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
	enum err_code rc = last_line(s, &last, err);

	if (!rc)
		rc = state_sync(s, err);
	if (!rc)
		*out = last;
	return rc;
}

/* ---- intents */

static int
bind_id(sqlite3_stmt *stmt, int at, const struct resource_id *id)
{
	return id ? db_bind(stmt, at, id_str(id)) : SQLITE_OK;
}

static enum err_code
intent_add(
    struct db *c, uint64_t seq, const struct change *change, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_INTENT, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
	if (!result)
		result = sqlite3_bind_int(stmt, 2, (int)change->kind);
	if (!result)
		result = db_bind(stmt, 3, change->path.s);
	if (!result && change->kind == CHANGE_MOVE)
		result = db_bind(stmt, 4, change->to.s);
	if (!result)
		result = bind_id(stmt, 5, change->made);
	if (!result)
		result = bind_id(stmt, 6, change->gone);
	if (!result)
		result = bind_id(stmt, 7, change->props_of);
	if (!result)
		result = sqlite3_bind_int(stmt, 8, change->drops_locks);
	if (!result && change->lock_token.len)
		result = db_bind(stmt, 9, change->lock_token);
	return step(c, stmt, result, err);
}

/* Whether the locks rooted at path go, too. */
static bool
takes_root(const struct change *change)
{
	return change->kind == CHANGE_REMOVE || change->kind == CHANGE_MOVE;
}

static enum err_code
locks_to_drop(struct state *s, struct db *c, const struct change *change,
    bool *out, struct err *err)
{
	enum err_code rc;

	*out = false;
	if (!change->drops_locks || !state_may_have_locks(s))
		return ERR_OK;
	rc = state_locks_any(c, change->path, takes_root(change), out, err);
	if (!rc && !*out && change->kind == CHANGE_MOVE)
		rc = state_locks_any(c, change->to, false, out, err);
	return rc;
}

/* Does what comes before the change, and says what will be left to do. */
static enum err_code
prepare(struct state *s, struct db *c, const struct change *change,
    unsigned *left, struct err *err)
{
	bool copied = false;
	bool locks;
	enum err_code rc = locks_to_drop(s, c, change, &locks, err);

	if (!rc && change->props_of &&
	    (state_may_have_props(s, change->props_of) ||
		state_may_have_props(s, change->made)))
		rc = props_copy(
		    s, c, change->props_of, change->made, &copied, err);
	if (rc)
		return rc;
	if (locks || change->in_steps ||
	    (change->gone && state_may_have_props(s, change->gone)))
		*left |= LEFT_IF_IN_PLACE;
	if (copied || change->lock_token.len)
		*left |= LEFT_IF_NOT;
	return ERR_OK;
}

enum err_code
state_change_begin(struct state *s, const struct change *change, bool wait,
    uint64_t *intent, struct err *err)
{
	struct tx t;
	uint64_t seq = 0;
	unsigned left = 0;
	enum err_code rc = tx_begin(s, &t, err);

	if (rc)
		return rc;
	rc = journal_add(t.c, change, &seq, err);
	if (!rc)
		rc = prepare(s, t.c, change, &left, err);
	if (!rc && left)
		rc = intent_add(t.c, seq, change, err);
	rc = tx_end(&t, rc, wait, err);
	seq = left ? seq << LEFT_BITS | left : 0;
	if (!rc)
		*intent = seq;
	else if (t.committed) /* but not on disk */
		state_change_end(s, seq, false);
	return rc;
}

static bool
ended_add(struct ended_list *l, struct ended e)
{
	bool fits;

	(void)pthread_mutex_lock(&l->lock);
	fits = l->n < ENDED_MAX;
	if (fits)
		l->v[l->n++] = e;
	(void)pthread_mutex_unlock(&l->lock);
	return fits;
}

/*
 * It is carried out in the next transaction, so before any later change is
 * begun.  Where others could see that it has not been, there is one at once.
 */
void
state_change_end(struct state *s, uint64_t intent, bool in_place)
{
	unsigned flag = in_place ? LEFT_IF_IN_PLACE : LEFT_IF_NOT;
	struct ended e = { intent >> LEFT_BITS, in_place, intent & flag };

	if (!intent)
		return;
	if (!ended_add(&s->ended, e)) {
		(void)tx_flush(s);
		(void)ended_add(&s->ended, e);
	}
	if (e.work)
		(void)tx_flush(s);
}

/* ---- what is left of them */

struct intent {
	struct change change;
	struct resource_id made, gone, props_of;
};

static const struct resource_id *
column_id(sqlite3_stmt *stmt, int at, struct resource_id *id)
{
	struct str s = db_column(stmt, at);

	if (s.len != sizeof(id->bytes))
		return NULL;
	memcpy(id->bytes, s.ptr, s.len);
	return id;
}

/* From a row of Q_INTENT_GET; its text is the row's, its ids are i's. */
static void
intent_read(sqlite3_stmt *stmt, struct intent *i)
{
	i->change = (struct change){
		.kind = (enum change_kind)sqlite3_column_int(stmt, 0),
		.path = { db_column(stmt, 1) },
		.to = { db_column(stmt, 2) },
		.made = column_id(stmt, 3, &i->made),
		.gone = column_id(stmt, 4, &i->gone),
		.props_of = column_id(stmt, 5, &i->props_of),
		.drops_locks = sqlite3_column_int(stmt, 6),
		.lock_token = db_column(stmt, 7),
	};
}

static enum err_code
change_done(struct db *c, const struct change *change, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (change->gone)
		rc = props_drop(c, change->gone, err);
	if (!rc && change->drops_locks)
		rc = state_locks_drop(c, change->path, takes_root(change), err);
	if (!rc && change->drops_locks && change->kind == CHANGE_MOVE)
		rc = state_locks_drop(c, change->to, false, err);
	return rc;
}

static enum err_code
change_undone(struct db *c, const struct change *change, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (change->props_of && change->made)
		rc = props_drop(c, change->made, err);
	if (!rc && change->lock_token.len)
		rc = state_locks_drop_token(c, change->lock_token, err);
	return rc;
}

static enum err_code
do_work(struct db *c, const struct ended *e, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_INTENT_GET, &stmt, err);
	struct intent i;
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->seq);
	if (!result)
		result = sqlite3_step(stmt);
	if (result == SQLITE_DONE) /* it has been done */
		return ERR_OK;
	if (result != SQLITE_ROW)
		return db_failed(c, result, err);
	intent_read(stmt, &i);
	return e->in_place ? change_done(c, &i.change, err)
			   : change_undone(c, &i.change, err);
}

enum err_code
intent_finish(struct db *c, const struct ended *e, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = e->work ? do_work(c, e, err) : ERR_OK;

	if (!rc)
		rc = db_prepare(c, Q_INTENT_DONE, &stmt, err);
	if (rc)
		return rc;
	return step(
	    c, stmt, sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->seq), err);
}

/* ---- after a crash */

/* The oldest there is; *seq stays 0 when there is none. */
static enum err_code
next_intent(struct state *s, uint64_t after, struct arena *a, struct intent *i,
    uint64_t *seq, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_INTENT_NEXT, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)after);
	if (!result)
		result = sqlite3_step(stmt);
	if (result == SQLITE_DONE)
		return ERR_OK;
	if (result != SQLITE_ROW)
		return db_failed(c, result, err);
	intent_read(stmt, i);
	if (!arena_str(a, i->change.path.s, &i->change.path.s) ||
	    !arena_str(a, i->change.to.s, &i->change.to.s) ||
	    !arena_str(a, i->change.lock_token, &i->change.lock_token))
		return err_nomem(err);
	*seq = (uint64_t)sqlite3_column_int64(stmt, 8);
	return ERR_OK;
}

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
	return c->drops_locks && kind != CHANGE_TREE &&
	    (rpath_eq(path, c->path) || (moves && rpath_eq(path, c->to)));
}

/*
 * What is in the place of a change says how far it got as long as no later one
 * has been there.  That can be where the change could not be seen when it was
 * over, or waited for the end of its batch.  Then what it was about may be
 * elsewhere, properties and all, and others may have locks there.  What a batch
 * says beforehand of its whole tree (CHANGE_TREE) has not been there.
 */
static enum err_code
is_overtaken(struct state *s, uint64_t seq, const struct change *change,
    bool *out, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_JOURNAL_FROM, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
	if (!result)
		result = sqlite3_step(stmt);
	/* Without its own line nobody knows what came later. */
	*out = result == SQLITE_DONE ||
	    (result == SQLITE_ROW &&
		(uint64_t)sqlite3_column_int64(stmt, 0) != seq);
	while (!*out && result == SQLITE_ROW) {
		result = sqlite3_step(stmt);
		*out = result == SQLITE_ROW && is_later_about(stmt, change);
	}
	return result == SQLITE_ROW || result == SQLITE_DONE
	    ? ERR_OK
	    : db_failed(c, result, err);
}

enum err_code
state_recover(struct state *s,
    enum err_code (*visit)(
	void *arg, const struct change *c, bool *in_place, struct err *err),
    void *arg, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	uint64_t after = 0;

	for (;;) {
		struct intent i;
		uint64_t seq = 0;
		bool in_place = false;
		bool overtaken = false;
		struct err why = { 0 };
		enum err_code rc = next_intent(s, after, &a, &i, &seq, &why);

		if (!rc && seq)
			rc = is_overtaken(s, seq, &i.change, &overtaken, &why);
		if (!rc && seq && !overtaken)
			rc = visit(arg, &i.change, &in_place, &why);
		if (!seq || (rc && (err_stops(rc) || rc == ERR_NO_FDS))) {
			if (rc && err)
				*err = why;
			(void)tx_flush(s);
			return rc;
		}
		after = seq;
		if (!rc) /* else the next start may see it */
			state_change_end(s,
			    seq << LEFT_BITS | (overtaken ? 0 : LEFT_ANY),
			    in_place);
		arena_clear(&a);
	}
}
