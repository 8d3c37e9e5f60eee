/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "store/state_impl.h"

/*
 * The bits of an intent as state_change_begin() gives it out: what is left to
 * do, beside removing it; the number of its line is above them.
 */
#define LEFT_IF_IN_PLACE 1U
#define LEFT_IF_NOT 2U
#define LEFT_LOCKS 4U /* of the first: locks are among it */
#define LEFT_BITS 3

static enum err_code
step(struct db *c, sqlite3_stmt *stmt, int result, struct err *err)
{
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

/* ---- intents */

static int
bind_id(sqlite3_stmt *stmt, int at, const struct resource_id *id)
{
	return id ? db_bind(stmt, at, id_str(id)) : SQLITE_OK;
}

#define INTENT_COLUMNS 10

/* Its parameters are numbered from at on. */
static int
bind_intent(
    sqlite3_stmt *stmt, int at, uint64_t seq, const struct change *change)
{
	int result = sqlite3_bind_int64(stmt, at, (sqlite3_int64)seq);

	if (!result)
		result = sqlite3_bind_int(stmt, at + 1, (int)change->kind);
	if (!result)
		result = db_bind(stmt, at + 2, change->path.s);
	if (!result && change->kind == CHANGE_MOVE)
		result = db_bind(stmt, at + 3, change->to.s);
	if (!result)
		result = bind_id(stmt, at + 4, change->made);
	if (!result)
		result = bind_id(stmt, at + 5, change->gone);
	if (!result && change->kind != CHANGE_PROPS) /* else it is done */
		result = bind_id(stmt, at + 6, change->props_of);
	if (!result)
		result = sqlite3_bind_int(stmt, at + 7, change->drops_locks);
	if (!result && change->lock_token.len)
		result = db_bind(stmt, at + 8, change->lock_token);
	if (!result && change->note)
		result = db_bind(stmt, at + 9, change->note->record->key);
	return result;
}

/*
 * Writes the intents of n changes, numbered from seq on; n is 1 or
 * JOURNAL_SOME.
 */
static enum err_code
intents_add(struct db *c, uint64_t seq, const struct change *const *v, size_t n,
    struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum query q = n == 1 ? Q_INTENT : Q_INTENT_SOME;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result = SQLITE_OK;
	size_t i;

	assert(n == 1 || n == JOURNAL_SOME);
	for (i = 0; i < n && !rc && !result; i++)
		result = bind_intent(
		    stmt, (int)i * INTENT_COLUMNS + 1, seq + i, v[i]);
	return rc ? rc : step(c, stmt, result, err);
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

static enum err_code
note(struct db *c, uint64_t seq, const struct change *change, unsigned *left,
    struct err *err)
{
	bool older = false;
	enum err_code rc;

	if (!change->note)
		return ERR_OK;
	rc = record_note(c, seq, change->note, &older, err);
	*left |= LEFT_IF_NOT | (older ? LEFT_IF_IN_PLACE : 0);
	return rc;
}

/* Does what comes before the change, and says what will be left to do. */
static enum err_code
prepare(struct state *s, struct db *c, uint64_t seq,
    const struct change *change, unsigned *left, struct err *err)
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
	if (locks)
		*left |= LEFT_LOCKS;
	if (locks || change->in_steps ||
	    (change->gone && state_may_have_props(s, change->gone)))
		*left |= LEFT_IF_IN_PLACE;
	if (copied || change->lock_token.len)
		*left |= LEFT_IF_NOT;
	return note(c, seq, change, left, err);
}

/* Whether nothing is to be done about properties, locks or steps. */
static bool
has_little_to_do(const struct state *s, const struct change *change)
{
	return !change->in_steps && !change->lock_token.len &&
	    !(change->drops_locks && state_may_have_locks(s)) &&
	    !(change->gone && state_may_have_props(s, change->gone)) &&
	    !(change->props_of &&
		(state_may_have_props(s, change->props_of) ||
		    state_may_have_props(s, change->made)));
}

bool
state_change_is_line(const struct state *s, const struct change *change)
{
	return !change->note && !change->traced && has_little_to_do(s, change);
}

/* Whether the first JOURNAL_SOME changes want nothing but new records. */
static bool
are_only_noted(const struct state *s, const struct change *const *v, size_t n)
{
	size_t i = 0;

	if (n < JOURNAL_SOME)
		return false;
	while (i < JOURNAL_SOME && v[i]->note && v[i]->note->record->unused &&
	    v[i]->kind != CHANGE_MOVE && has_little_to_do(s, v[i]))
		i++;
	return i == JOURNAL_SOME;
}

/* As write_change() of each, with a third of the work. */
static enum err_code
write_noted(struct db *c, const struct change *const *v, uint64_t *intents,
    struct err *err)
{
	struct change_line lines[JOURNAL_SOME];
	uint64_t seq;
	enum err_code rc;
	size_t i;

	for (i = 0; i < JOURNAL_SOME; i++)
		lines[i] = (struct change_line){ (int)v[i]->kind, v[i]->path.s,
			{ 0 } };
	rc = journal_lines(c, lines, JOURNAL_SOME, err);
	if (rc)
		return rc;
	/* Nobody else writes meanwhile: they are numbered one by one. */
	seq = (uint64_t)sqlite3_last_insert_rowid(c->db) + 1 - JOURNAL_SOME;
	rc = record_note_some(c, seq, v, err);
	if (!rc)
		rc = intents_add(c, seq, v, JOURNAL_SOME, err);
	for (i = 0; i < JOURNAL_SOME && !rc; i++)
		intents[i] = (seq + i) << LEFT_BITS | LEFT_IF_NOT;
	return rc;
}

/* Within a transaction: its line, and what comes before the change. */
static enum err_code
write_change(struct state *s, struct db *c, const struct change *change,
    uint64_t *intent, struct err *err)
{
	uint64_t seq = 0;
	unsigned left = 0;
	enum err_code rc = journal_add(c, change, &seq, err);

	if (!rc)
		rc = prepare(s, c, seq, change, &left, err);
	*intent = 0;
	if (rc || (!left && !change->traced))
		return rc;
	*intent = seq << LEFT_BITS | left;
	return intents_add(c, seq, &change, 1, err);
}

/* Writes some of n changes; how many of the first. */
static enum err_code
write_some(struct state *s, struct db *c, const struct change *const *changes,
    size_t n, uint64_t *intents, size_t *done, struct err *err)
{
	if (are_only_noted(s, changes, n)) {
		*done += JOURNAL_SOME;
		return write_noted(c, changes, intents, err);
	}
	*done += 1;
	return write_change(s, c, changes[0], intents, err);
}

/*
 * Writes late lines for the first, as far as they need no transaction; how
 * many.
 */
static size_t
add_lines(struct state *s, const struct change *const *changes, size_t n,
    bool wait, uint64_t *last)
{
	size_t fit = 0;
	size_t added = 0;
	size_t more = 1;

	while (fit < n && changes[fit]->late &&
	    state_change_is_line(s, changes[fit]))
		fit++;
	while (more && added < fit && late_is_safe(s, wait)) {
		more = late_add(s, changes + added, fit - added, last);
		added += more;
	}
	return added;
}

/* number: where to say what is to be waited for; or NULL. */
static enum err_code
begin(struct state *s, const struct change *const *changes, size_t n, bool wait,
    uint64_t *number, uint64_t *intents, struct err *err)
{
	struct tx t;
	uint64_t line = 0;
	size_t lines = add_lines(s, changes, n, wait, &line);
	size_t i;
	enum err_code rc;

	memset(intents, 0, n * sizeof(*intents));
	if (number)
		*number = line | LATE_NUMBER;
	if (lines == n)
		return wait && !number ? late_sync(s, line, err) : ERR_OK;
	if (changes[lines]->at_once)
		return err_set(err, ERR_BUSY, "it takes a transaction");
	/* It moves the lines that were added, and so is waited for alone. */
	rc = tx_begin(s, &t, err);
	if (rc)
		return rc;
	for (i = lines; i < n && !rc;)
		rc = write_some(
		    s, t.c, changes + i, n - i, intents + i, &i, err);
	rc = tx_end(&t, rc, wait && !number, err);
	if (number)
		*number = t.number;
	for (i = lines; i < n && rc; i++) {
		if (t.committed) /* but not on disk */
			state_change_end(s, intents[i], false);
		intents[i] = 0;
	}
	return rc;
}

enum err_code
state_changes_begin(struct state *s, const struct change *const *changes,
    size_t n, bool wait, uint64_t *intents, struct err *err)
{
	return begin(s, changes, n, wait, NULL, intents, err);
}

enum err_code
state_changes_write(struct state *s, const struct change *const *changes,
    size_t n, uint64_t *number, uint64_t *intents, struct err *err)
{
	return begin(s, changes, n, true, number, intents, err);
}

enum err_code
state_change_begin(struct state *s, const struct change *change, bool wait,
    uint64_t *intent, struct err *err)
{
	uint64_t begun = 0;
	enum err_code rc =
	    state_changes_begin(s, &change, 1, wait, &begun, err);

	if (!rc)
		*intent = begun;
	return rc;
}

bool
state_change_drops_locks(uint64_t intent)
{
	return intent & LEFT_LOCKS;
}

enum err_code
change_note(struct db *c, uint64_t seq, const struct change *change, bool wait,
    uint64_t *intent, struct err *err)
{
	unsigned left = 0;
	enum err_code rc = note(c, seq, change, &left, err);

	if (!rc && wait && (left & LEFT_IF_IN_PLACE))
		rc = record_end(c, change->note->record->key, seq, true, err);
	if (rc || wait || !left)
		return rc;
	*intent = seq << LEFT_BITS | left;
	return intents_add(c, seq, &change, 1, err);
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
intent_ended(struct state *s, const struct ended *e)
{
	if (!ended_add(&s->ended, *e)) {
		(void)tx_flush(s);
		(void)ended_add(&s->ended, *e);
	}
	if (e->work)
		(void)tx_flush(s);
}

static struct ended
ended_from(uint64_t intent, bool in_place)
{
	unsigned flag = in_place ? LEFT_IF_IN_PLACE : LEFT_IF_NOT;

	return (struct ended){
		.seq = intent >> LEFT_BITS,
		.in_place = in_place,
		.keep = in_place,
		.work = intent & flag,
	};
}

void
state_change_end(struct state *s, uint64_t intent, bool in_place)
{
	const struct ended e = ended_from(intent, in_place);

	if (intent)
		intent_ended(s, &e);
}

void
state_change_lost(struct state *s, uint64_t intent)
{
	struct ended e = ended_from(intent, true);

	e.work = e.work || (intent & LEFT_IF_NOT);
	e.keep = false;
	if (intent)
		intent_ended(s, &e);
}

/* ---- batches */

enum err_code
state_say(struct state *s, struct rpath path, uint64_t *seq, struct err *err)
{
	const struct change c = { .kind = CHANGE_BATCH, .path = path };
	struct tx t;
	enum err_code rc = tx_begin(s, &t, err);

	if (!rc)
		rc = tx_end(&t, journal_add(t.c, &c, seq, err), true, err);
	if (rc)
		*seq = 0;
	return rc;
}

static enum err_code
take_back(struct db *c, uint64_t seq, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_JOURNAL_TAKE_BACK, &stmt, err);

	if (rc)
		return rc;
	return step(
	    c, stmt, sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq), err);
}

static enum err_code
settle(struct db *c, const struct settled *d, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < d->n_intents && !rc; i++) {
		struct ended e = ended_from(d->intents[i], true);

		e.keep = !d->lost;
		e.work = e.work || d->lost;
		rc = intent_finish(c, &e, err);
	}
	for (i = 0; i < d->n_records && !rc; i++)
		rc = record_settle(c, d->records[i], !d->lost, err);
	return rc || !d->said ? rc : take_back(c, d->said, err);
}

enum err_code
state_settle(struct state *s, const struct settled *d, struct err *err)
{
	struct tx t = { .s = s };
	size_t i;
	enum err_code rc;

	if (!d->n_intents && !d->n_records && !d->said)
		return ERR_OK;
	rc = tx_begin(s, &t, err);
	t.ends |= d->n_intents > 0;
	if (!rc)
		rc = tx_end(&t, settle(t.c, d, err), d->n_records > 0, err);
	/* It failed: each is done by itself, some time. */
	for (i = 0; i < d->n_intents && !t.committed; i++)
		if (d->lost)
			state_change_lost(s, d->intents[i]);
		else
			state_change_end(s, d->intents[i], true);
	return d->n_records ? rc : ERR_OK;
}

/* ---- what is left of them */

static const struct resource_id *
column_id(sqlite3_stmt *stmt, int at, struct resource_id *id)
{
	struct str s = db_column(stmt, at);

	if (s.len != sizeof(id->bytes))
		return NULL;
	memcpy(id->bytes, s.ptr, s.len);
	return id;
}

void
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
		.record = db_column(stmt, 8),
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
		rc = state_locks_drop_token(
		    c, change->path, change->lock_token, err);
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
	if (i.change.record.len)
		rc = record_end(c, i.change.record, e->seq, e->keep, err);
	if (rc || e->overtaken)
		return rc;
	return e->in_place ? change_done(c, &i.change, err)
			   : change_undone(c, &i.change, err);
}

/*
 * Marks the line: nobody is to take it for a change that has replaced an
 * earlier one.
 */
static enum err_code
line_undone(struct db *c, uint64_t seq, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_JOURNAL_UNDONE, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
	if (!result)
		result = sqlite3_bind_int(stmt, 2, CHANGE_BATCH);
	return step(c, stmt, result, err);
}

enum err_code
intent_finish(struct db *c, const struct ended *e, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = e->work ? do_work(c, e, err) : ERR_OK;

	if (!rc && !e->in_place && !e->keep)
		rc = line_undone(c, e->seq, err);
	if (!rc)
		rc = db_prepare(c, Q_INTENT_DONE, &stmt, err);
	if (rc)
		return rc;
	return step(
	    c, stmt, sqlite3_bind_int64(stmt, 1, (sqlite3_int64)e->seq), err);
}
