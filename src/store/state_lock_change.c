/* SPDX-License-Identifier: MIT */
/*
 * Locks that are given, refreshed and removed.
 *
 * While all locks are in memory such a change is made there, and written into a
 * slot (state_late.c), which takes a fifth of what a transaction does.  The
 * next transaction moves it into the table; so does a start, and a process that
 * looks into the state.  So the table lags behind, but nobody reads it before
 * what is in the slots has been moved.  A change that does not fit into a slot,
 * or may not be written so, is a transaction of its own.
 *
 * A lock that is made or removed in this way does not take the writer's lock: a
 * transaction that moves a thousand slots holds that for half a millisecond.
 * Claims see to it that no transaction changes the same lock meanwhile, except
 * one that removes what is over.
 */
#include "base/clock.h"
#include "store/state_impl.h"

#define TIDY_EVERY (60 * NSEC_PER_SEC)

/* ---- rows */

static enum err_code
put_row(struct db *c, enum query q, const struct lock *l, struct err *err)
{
	const struct str blobs[] = { l->root.s, l->token, l->owner, l->user };
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int(stmt, 5, l->shared);
	if (!result)
		result = sqlite3_bind_int(stmt, 6, (int)l->depth);
	if (!result)
		result = sqlite3_bind_int64(stmt, 7, l->expires);
	if (result)
		return db_failed(c, result, err);
	return db_run(c, q, blobs, (int)ARRAY_LEN(blobs), err);
}

static enum err_code
refresh_row(struct db *c, const struct lock *l, struct err *err)
{
	const struct str key[] = { l->root.s, l->token };
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LOCKS_REFRESH, &stmt, err);

	if (!rc && sqlite3_bind_int64(stmt, 3, l->expires))
		rc = db_failed(c, SQLITE_NOMEM, err);
	return rc ? rc : db_run(c, Q_LOCKS_REFRESH, key, 2, err);
}

static enum err_code
drop_row(struct db *c, const struct lock *l, struct err *err)
{
	const struct str key[] = { l->root.s, l->token };

	return db_run(c, Q_LOCKS_DROP_TOKEN, key, 2, err);
}

/* A lock that was removed since it was made needs no row. */
enum err_code
state_lock_move(struct state *s, struct db *c, enum lock_step step,
    const struct lock *l, struct err *err)
{
	switch (step) {
	case LOCK_ADD:
		if (held_is_whole(&s->held) && !held_has(&s->held, l))
			return ERR_OK;
		return put_row(c, Q_LOCKS_MOVE, l, err);
	case LOCK_REFRESH:
		return refresh_row(c, l, err);
	case LOCK_REMOVE:
		return drop_row(c, l, err);
	}
	return ERR_OK;
}

/* Removes the rows of locks that are over, now and then. */
enum err_code
state_locks_drop_old(struct state *s, struct db *c, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	int64_t now = clock_now();
	enum err_code rc;

	if (now < atomic_load(&s->locks_tidy_at))
		return ERR_OK;
	atomic_store(&s->locks_tidy_at, now + TIDY_EVERY);
	rc = db_prepare(c, Q_LOCKS_DROP_OLD, &stmt, err);
	if (rc)
		return rc;
	if (sqlite3_bind_int64(stmt, 1, now))
		return db_failed(c, SQLITE_NOMEM, err);
	rc = db_run(c, Q_LOCKS_DROP_OLD, NULL, 0, err);
	if (rc)
		return rc;
	/* One of them may go into a slot right now, which counts it, too. */
	if (held_is_whole(c->held))
		c->locks -= held_drop_old(c->held, now);
	else
		c->locks -= sqlite3_changes(c->db);
	held_want(c->held);
	return ERR_OK;
}

/* ---- without a transaction */

static bool
may_be_late(struct state *s, enum lock_step step, const struct lock *l)
{
	struct held_locks *h = &s->held;

	if (!held_is_whole(h) || !late_is_safe(s, true) ||
	    held_has(h, l) != (step != LOCK_ADD))
		return false;
	return step != LOCK_ADD ||
	    (!held_is_full(h) && clock_now() < atomic_load(&s->locks_tidy_at));
}

/* Tells memory of the change in the slot; the count is never too low. */
static void
tell(struct state *s, enum lock_step step, const struct lock *l,
    struct held **added)
{
	switch (step) {
	case LOCK_ADD:
		held_put_now(&s->held, *added);
		*added = NULL;
		break;
	case LOCK_REFRESH:
		held_refresh_now(&s->held, l);
		break;
	case LOCK_REMOVE:
		if (held_remove_now(&s->held, l))
			(void)atomic_fetch_sub(&s->n_locks, 1);
		break;
	}
}

/* Writes the change into a slot: the line's number, or 0. */
static uint64_t
write_late(struct state *s, enum lock_step step, const struct lock *l,
    struct held **added)
{
	struct slot line;
	struct late_lines w;
	uint64_t number = 0;

	if (!slot_fill_lock(&line, step, l) || !late_begin_lock(s, &w))
		return 0;
	if (held_is_whole(&s->held)) {
		(void)atomic_fetch_add(&s->n_locks, step == LOCK_ADD);
		if (late_put_lock(s, &w, &line))
			number = w.first;
		if (number)
			tell(s, step, l, added);
		else
			(void)atomic_fetch_sub(&s->n_locks, step == LOCK_ADD);
	}
	late_end(s, &w);
	return number;
}

/* *number stays 0 where it needs a transaction. */
static enum err_code
change_late(struct state *s, enum lock_step step, const struct lock *l,
    uint64_t *number, struct err *err)
{
	struct held *added = NULL;
	uint64_t line;

	*number = 0;
	if (!may_be_late(s, step, l))
		return ERR_OK;
	if (step == LOCK_ADD) {
		added = held_new(&s->held, l);
		if (!added)
			return err_nomem(err);
	}
	line = write_late(s, step, l, &added);
	held_free(added);
	if (line)
		*number = line | LATE_NUMBER;
	return ERR_OK;
}

/* A transaction must not find meanwhile that it is over. */
static enum err_code
refresh_late(
    struct state *s, const struct lock *l, uint64_t *number, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = writer_lock(s);

	(void)c;
	return change_late(s, LOCK_REFRESH, l, number, err);
}

bool
state_lock_is_quick(struct state *s, struct rpath path, bool known, bool alone)
{
	struct held_locks *h = &s->held;
	bool is = true;

	if (!late_is_quick(s, alone) || !held_is_whole(h))
		return false;
	if (known) {
		if (!held_begin(h))
			return false;
		is = held_at(h, path);
		held_end(h);
	}
	return is && late_is_safe(s, true);
}

/* ---- each */

static enum err_code
must_be_there(const struct db *c, struct err *err)
{
	return sqlite3_changes(c->db)
	    ? ERR_OK
	    : err_set(err, ERR_LOCK_TOKEN, "it has gone");
}

static enum err_code
add(struct state *s, struct db *c, const struct lock *l, struct err *err)
{
	enum err_code rc = state_locks_drop_old(s, c, err);

	if (!rc)
		rc = put_row(c, Q_LOCKS_ADD, l, err);
	if (rc)
		return rc;
	c->locks++;
	return held_add(c->held, l, err);
}

static enum err_code
refresh(struct db *c, const struct lock *l, struct err *err)
{
	enum err_code rc = refresh_row(c, l, err);

	if (!rc)
		rc = must_be_there(c, err);
	if (!rc)
		held_refresh(c->held, l);
	return rc;
}

static enum err_code
remove_one(struct db *c, const struct lock *l, struct err *err)
{
	enum err_code rc = state_locks_drop_token(c, l->root, l->token, err);

	return rc ? rc : must_be_there(c, err);
}

static enum err_code
change(struct state *s, enum lock_step step, const struct lock *l,
    uint64_t *number, struct err *err)
{
	struct tx t;
	enum err_code rc = step == LOCK_REFRESH
	    ? refresh_late(s, l, number, err)
	    : change_late(s, step, l, number, err);

	if (rc || *number)
		return rc;
	rc = tx_begin(s, &t, err);
	if (rc)
		return rc;
	switch (step) {
	case LOCK_ADD:
		rc = add(s, t.c, l, err);
		break;
	case LOCK_REFRESH:
		rc = refresh(t.c, l, err);
		break;
	case LOCK_REMOVE:
		rc = remove_one(t.c, l, err);
		break;
	}
	rc = tx_end(&t, rc, false, err);
	*number = t.number;
	return rc;
}

enum err_code
state_lock_add(
    struct state *s, const struct lock *l, uint64_t *number, struct err *err)
{
	return change(s, LOCK_ADD, l, number, err);
}

enum err_code
state_lock_refresh(
    struct state *s, const struct lock *l, uint64_t *number, struct err *err)
{
	return change(s, LOCK_REFRESH, l, number, err);
}

enum err_code
state_lock_remove(struct state *s, struct rpath root, struct str token,
    uint64_t *number, struct err *err)
{
	const struct lock l = { .root = root, .token = token };

	return change(s, LOCK_REMOVE, &l, number, err);
}
