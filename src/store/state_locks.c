/* SPDX-License-Identifier: MIT */
#include "store/state_impl.h"

/* The root's members are below "/", those of "/a" below "/a/". */
static struct str
below(struct rpath root)
{
	return rpath_is_root(root) ? str_of("", 0) : root.s;
}

bool
state_may_have_locks(const struct state *s)
{
	return atomic_load(&s->n_locks) > 0;
}

static enum err_code
any(struct db *c, enum query q, struct str path, bool *out, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, path);
	if (!result)
		result = sqlite3_step(stmt);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return db_failed(c, result, err);
	*out = result == SQLITE_ROW;
	return ERR_OK;
}

enum err_code
state_locks_any(
    struct db *c, struct rpath root, bool root_too, bool *out, struct err *err)
{
	bool found = false;
	enum err_code rc = ERR_OK;

	if (root_too)
		rc = any(c, Q_LOCKS_ANY_AT, root.s, &found, err);
	if (!rc && !found)
		rc = any(c, Q_LOCKS_ANY_BELOW, below(root), &found, err);
	if (!rc)
		*out = found;
	return rc;
}

static enum err_code
drop(struct db *c, enum query q, struct str blob, struct err *err)
{
	enum err_code rc = db_run(c, q, &blob, 1, err);

	if (!rc)
		c->locks -= sqlite3_changes(c->db);
	return rc;
}

enum err_code
state_locks_drop(
    struct db *c, struct rpath root, bool root_too, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (root_too)
		rc = drop(c, Q_LOCKS_DROP_AT, root.s, err);
	return rc ? rc : drop(c, Q_LOCKS_DROP_BELOW, below(root), err);
}

enum err_code
state_locks_drop_token(struct db *c, struct str token, struct err *err)
{
	return drop(c, Q_LOCKS_DROP_TOKEN, token, err);
}

enum err_code
state_locks_load(struct state *s, struct err *err)
{
	struct db *c = &s->writer;
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LOCKS_COUNT, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = sqlite3_step(stmt);
	if (result != SQLITE_ROW)
		return db_failed(c, result, err);
	atomic_store(&s->n_locks, sqlite3_column_int64(stmt, 0));
	return ERR_OK;
}
