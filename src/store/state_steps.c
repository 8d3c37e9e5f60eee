/* SPDX-License-Identifier: MIT */
#include "store/state_steps.h"

#include "store/state_impl.h"

/* How a row has them. */
#define FLAG 1
#define FLAG_LAST 2

enum step_column {
	COL_STEP,
	COL_KIND,
	COL_FLAG,
	COL_ID,
	COL_STAND_IN,
	COL_PATH,
	COL_TO,
	COL_HIDDEN,
	COL_BESIDE,
	COL_KEY,
	COL_PRINT,
	COL_EXPIRES,
	COL_BEGINS,
	COL_ETAG,
	COL_RESULT
};

static enum err_code
done(struct db *c, sqlite3_stmt *stmt, int result, struct err *err)
{
	if (!result)
		result = sqlite3_step(stmt);
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

/* ---- begin */

static int
bind_step(sqlite3_stmt *stmt, uint64_t number, size_t at, const struct step *s)
{
	const struct {
		int at;
		struct str s;
	} blobs[] = {
		{ 5, id_str(&s->id) },
		{ 6, id_str(&s->stand_in) },
		{ 7, s->path.s },
		{ 8, s->to.s },
		{ 9, s->hidden },
		{ 10, s->beside.s },
		{ 11, s->record.key },
		{ 12, s->record.print },
		{ 15, s->etag },
		{ 16, s->result },
	};
	const struct {
		int at;
		int64_t n;
	} numbers[] = {
		{ 1, (int64_t)number },
		{ 2, (int64_t)at },
		{ 3, s->kind },
		{ 4, (s->flag ? FLAG : 0) | (s->last ? FLAG_LAST : 0) },
		{ 13, s->record.expires },
		{ 14, s->record.begins },
	};
	int result = SQLITE_OK;
	size_t i;

	for (i = 0; i < ARRAY_LEN(numbers) && !result; i++)
		result = sqlite3_bind_int64(stmt, numbers[i].at, numbers[i].n);
	for (i = 0; i < ARRAY_LEN(blobs) && !result; i++)
		result = db_bind(stmt, blobs[i].at, blobs[i].s);
	return result;
}

static enum err_code
add_step(struct db *c, uint64_t number, size_t at, const struct step *s,
    struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_STEP_ADD, &stmt, err);

	return rc ? rc : done(c, stmt, bind_step(stmt, number, at, s), err);
}

static enum err_code
begin_step(struct state *s, struct db *c, uint64_t number, size_t at,
    const struct step *step, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (step->kind == STEP_NEW_PROPS)
		return props_set(
		    s, c, &step->id, step->props, step->n_props, err);
	if (step->kind == STEP_PROPS)
		rc = props_set(
		    s, c, &step->stand_in, step->props, step->n_props, err);
	return rc ? rc : add_step(c, number, at, step, err);
}

enum err_code
state_steps_begin(struct state *s, const struct step *steps, size_t n,
    const struct change *lines, size_t n_lines, uint64_t *number,
    struct err *err)
{
	struct tx t;
	uint64_t first = 0;
	enum err_code rc = tx_begin(s, &t, err);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < n_lines && !rc; i++)
		rc = journal_add(t.c, &lines[i], i ? NULL : &first, err);
	for (i = 0; i < n && !rc; i++)
		rc = begin_step(s, t.c, first, i, &steps[i], err);
	rc = tx_end(&t, rc, true, err);
	if (!rc)
		*number = first;
	else if (t.committed) /* but not on disk */
		(void)!state_steps_undo(s, first, steps, n, NULL);
	return rc;
}

/* ---- take */

static enum err_code
forget_step(struct db *c, uint64_t number, size_t at, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_STEP_DONE, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)number);
	if (!result)
		result = sqlite3_bind_int64(stmt, 2, (sqlite3_int64)at);
	return done(c, stmt, result, err);
}

/* Once: after that the stand-in has none. */
static enum err_code
take_props(
    struct state *s, struct db *c, const struct step *step, struct err *err)
{
	bool any;
	enum err_code rc =
	    props_copy(s, c, &step->stand_in, &step->id, &any, err);

	return rc ? rc : props_drop(c, &step->stand_in, err);
}

static enum err_code
take_step(
    struct state *s, struct db *c, const struct step *step, struct err *err)
{
	switch (step->kind) {
	case STEP_REMOVE:
	case STEP_MOVE:
		return state_locks_drop(c, step->path, !step->flag, err);
	case STEP_UNLOCK:
		return state_locks_drop(c, step->path, true, err);
	case STEP_PROPS:
		return take_props(s, c, step, err);
	case STEP_RECORD:
		return record_put(c, &step->record, step->flag, step->to,
		    step->etag, step->result, err);
	case STEP_MAKE:
	case STEP_NEW_PROPS:
		return ERR_OK;
	}
	return ERR_OK;
}

enum err_code
state_steps_take(struct state *s, uint64_t number, const struct step *steps,
    size_t n, struct err *err)
{
	struct tx t;
	enum err_code rc = tx_begin(s, &t, err);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < n && !rc; i++) {
		rc = take_step(s, t.c, &steps[i], err);
		if (!rc && steps[i].kind == STEP_PROPS)
			rc = forget_step(t.c, number, i, err);
	}
	return tx_end(&t, rc, !number, err);
}

/* ---- end */

static enum err_code
forget_all(struct db *c, uint64_t number, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_STEPS_DONE, &stmt, err);

	if (rc)
		return rc;
	return done(
	    c, stmt, sqlite3_bind_int64(stmt, 1, (sqlite3_int64)number), err);
}

enum err_code
state_steps_end(struct state *s, uint64_t number, const struct step *steps,
    size_t n, struct err *err)
{
	struct tx t;
	enum err_code rc = tx_begin(s, &t, err);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < n && !rc; i++)
		if (steps[i].last && state_may_have_props(s, &steps[i].id))
			rc = props_drop(t.c, &steps[i].id, err);
	if (!rc)
		rc = forget_all(t.c, number, err);
	return tx_end(&t, rc, true, err);
}

enum err_code
state_steps_undo(struct state *s, uint64_t number, const struct step *steps,
    size_t n, struct err *err)
{
	struct tx t;
	enum err_code rc = tx_begin(s, &t, err);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < n && !rc; i++) {
		if (steps[i].kind == STEP_NEW_PROPS)
			rc = props_drop(t.c, &steps[i].id, err);
		if (steps[i].kind == STEP_PROPS)
			rc = props_drop(t.c, &steps[i].stand_in, err);
	}
	if (!rc)
		rc = forget_all(t.c, number, err);
	return tx_end(&t, rc, true, err);
}

/* ---- after a crash */

static enum err_code
oldest(struct db *c, uint64_t *number, size_t *n, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_STEPS_OLDEST, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_step(stmt);
	if (result != SQLITE_ROW)
		return db_failed(c, result, err);
	*number = (uint64_t)sqlite3_column_int64(stmt, 0);
	*n = (size_t)sqlite3_column_int64(stmt, 1);
	return ERR_OK;
}

static bool
copy_column(sqlite3_stmt *row, int at, struct arena *a, struct str *out)
{
	return arena_str(a, db_column(row, at), out);
}

static void
read_id(sqlite3_stmt *row, int at, struct resource_id *id)
{
	struct str s = db_column(row, at);

	if (s.len == sizeof(id->bytes))
		memcpy(id->bytes, s.ptr, s.len);
}

static enum err_code
read_step(sqlite3_stmt *row, struct arena *a, struct step *s, struct err *err)
{
	s->kind = (enum step_kind)sqlite3_column_int(row, COL_KIND);
	s->flag = sqlite3_column_int(row, COL_FLAG) & FLAG;
	s->last = sqlite3_column_int(row, COL_FLAG) & FLAG_LAST;
	read_id(row, COL_ID, &s->id);
	read_id(row, COL_STAND_IN, &s->stand_in);
	s->record.expires = sqlite3_column_int64(row, COL_EXPIRES);
	s->record.begins = sqlite3_column_int(row, COL_BEGINS);
	if (!copy_column(row, COL_PATH, a, &s->path.s) ||
	    !copy_column(row, COL_TO, a, &s->to.s) ||
	    !copy_column(row, COL_HIDDEN, a, &s->hidden) ||
	    !copy_column(row, COL_BESIDE, a, &s->beside.s) ||
	    !copy_column(row, COL_KEY, a, &s->record.key) ||
	    !copy_column(row, COL_PRINT, a, &s->record.print) ||
	    !copy_column(row, COL_ETAG, a, &s->etag) ||
	    !copy_column(row, COL_RESULT, a, &s->result))
		return err_nomem(err);
	return ERR_OK;
}

/* Each at its own number, so that state_steps_take() finds their rows. */
static enum err_code
read_steps(struct db *c, uint64_t number, struct arena *a, struct step *steps,
    size_t n, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_STEPS_LIST, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_bind_int64(stmt, 1, (sqlite3_int64)number);
	if (result)
		return db_failed(c, result, err);
	while (!rc && (result = sqlite3_step(stmt)) == SQLITE_ROW) {
		size_t at = (size_t)sqlite3_column_int64(stmt, COL_STEP);

		if (at < n)
			rc = read_step(stmt, a, &steps[at], err);
	}
	return rc || result == SQLITE_DONE ? rc : db_failed(c, result, err);
}

enum err_code
state_steps_left(struct state *s, struct arena *a, uint64_t *number,
    struct step **out, size_t *n, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	struct step *steps;
	enum err_code rc;
	size_t i;

	*number = 0;
	rc = oldest(c, number, n, err);
	if (rc || !*number)
		return rc;
	steps = arena_array(a, *n, sizeof(*steps));
	if (!steps)
		return err_nomem(err);
	/* What has no row is done, or never had one. */
	for (i = 0; i < *n; i++)
		steps[i] = (struct step){ .kind = STEP_NEW_PROPS };
	*out = steps;
	return read_steps(c, *number, a, steps, *n, err);
}
