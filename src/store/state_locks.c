/* SPDX-License-Identifier: MIT */
/*
 * Locks: a row for each, by path.  Those that cover a path are found by one
 * look for each of its ancestors, those below it by one range of the key, so
 * that neither asks how many others there are.  A lock that is over is not
 * seen, and its row goes some time.
 */
#include "base/clock.h"
#include "store/state_impl.h"

#define TIDY_EVERY (60 * NSEC_PER_SEC)

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

/* ---- reading */

enum lock_column {
	COL_PATH,
	COL_TOKEN,
	COL_SHARED,
	COL_DEPTH,
	COL_OWNER,
	COL_USER,
	COL_EXPIRES
};

/* Borrowed from the row. */
static struct lock
row_lock(sqlite3_stmt *stmt)
{
	return (struct lock){
		.root = { db_column(stmt, COL_PATH) },
		.token = db_column(stmt, COL_TOKEN),
		.shared = sqlite3_column_int(stmt, COL_SHARED),
		.depth = (enum depth)sqlite3_column_int(stmt, COL_DEPTH),
		.owner = db_column(stmt, COL_OWNER),
		.user = db_column(stmt, COL_USER),
		.expires = sqlite3_column_int64(stmt, COL_EXPIRES),
	};
}

/* A list that grows in an arena, twice as long each time. */
struct lock_list {
	struct arena *a;
	struct lock *v;
	size_t n, cap;
};

static enum err_code
list_add(struct lock_list *list, const struct lock *l, struct err *err)
{
	struct lock copy;
	enum err_code rc = lock_copy(l, list->a, &copy, err);

	if (rc)
		return rc;
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 4;
		struct lock *more = arena_array(list->a, cap, sizeof(*more));

		if (!more)
			return err_nomem(err);
		if (list->n)
			memcpy(more, list->v, list->n * sizeof(*more));
		list->v = more;
		list->cap = cap;
	}
	list->v[list->n++] = copy;
	return ERR_OK;
}

/* Adds what q finds at a path. */
static enum err_code
list_at(struct db *c, enum query q, struct rpath path, int64_t now,
    struct lock_list *list, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, q, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, path.s);
	if (!result)
		result = sqlite3_bind_int64(stmt, 2, now);
	if (result)
		return db_failed(c, result, err);
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
		const struct lock l = row_lock(stmt);

		rc = list_add(list, &l, err);
		if (rc)
			return rc;
	}
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

static void
list_give(const struct lock_list *list, const struct lock **out, size_t *n)
{
	*out = list->v;
	*n = list->n;
}

enum err_code
state_locks_at(struct state *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	struct lock_list list = { .a = a };
	enum err_code rc =
	    list_at(c, Q_LOCKS_AT, path, clock_now(), &list, err);

	if (!rc)
		list_give(&list, out, n);
	return rc;
}

enum err_code
state_locks_covering(struct state *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	struct lock_list list = { .a = a };
	int64_t now = clock_now();
	enum err_code rc = list_at(c, Q_LOCKS_AT, path, now, &list, err);

	while (!rc && !rpath_is_root(path)) {
		path = rpath_parent(path);
		rc = list_at(c, Q_LOCKS_DEEP, path, now, &list, err);
	}
	if (!rc)
		list_give(&list, out, n);
	return rc;
}

enum err_code
state_locks_below(struct state *s, struct rpath root,
    enum err_code (*visit)(void *arg, const struct lock *l, struct err *err),
    void *arg, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LOCKS_BELOW, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, below(root));
	if (!result)
		result = sqlite3_bind_int64(stmt, 2, clock_now());
	if (result)
		return db_failed(c, result, err);
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
		const struct lock l = row_lock(stmt);

		rc = visit(arg, &l, err);
		if (rc)
			return rc;
	}
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

/* ---- writing */

static enum err_code
add_row(struct db *c, const struct lock *l, struct err *err)
{
	const struct str blobs[] = { l->root.s, l->token, l->owner, l->user };
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LOCKS_ADD, &stmt, err);
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
	rc = db_run(c, Q_LOCKS_ADD, blobs, (int)ARRAY_LEN(blobs), err);
	c->locks += !rc;
	return rc;
}

/* The rows of locks that are over, now and then. */
static enum err_code
drop_old(struct state *s, struct db *c, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	int64_t now = clock_now();
	enum err_code rc;

	if (now < s->locks_tidy_at)
		return ERR_OK;
	s->locks_tidy_at = now + TIDY_EVERY;
	rc = db_prepare(c, Q_LOCKS_DROP_OLD, &stmt, err);
	if (rc)
		return rc;
	if (sqlite3_bind_int64(stmt, 1, now))
		return db_failed(c, SQLITE_NOMEM, err);
	rc = db_run(c, Q_LOCKS_DROP_OLD, NULL, 0, err);
	if (!rc)
		c->locks -= sqlite3_changes(c->db);
	return rc;
}

static enum err_code
remove_row(struct state *s, struct str token, struct err *err)
{
	struct tx t;
	enum err_code rc = tx_begin(s, &t, err);

	if (rc)
		return rc;
	rc = state_locks_drop_token(t.c, token, err);
	if (!rc && !sqlite3_changes(t.c->db))
		rc = err_set(err, ERR_LOCK_TOKEN, "it has gone");
	return tx_end(&t, rc, true, err);
}

enum err_code
state_lock_add(struct state *s, const struct lock *l, struct err *err)
{
	struct tx t;
	enum err_code rc = tx_begin(s, &t, err);

	if (rc)
		return rc;
	rc = drop_old(s, t.c, err);
	if (!rc)
		rc = add_row(t.c, l, err);
	rc = tx_end(&t, rc, true, err);
	if (rc && t.committed) /* but not on disk */
		(void)!remove_row(s, l->token, NULL);
	return rc;
}

enum err_code
state_lock_refresh(
    struct state *s, struct str token, int64_t expires, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	struct tx t;
	enum err_code rc = tx_begin(s, &t, err);

	if (rc)
		return rc;
	rc = db_prepare(t.c, Q_LOCKS_REFRESH, &stmt, err);
	if (!rc && sqlite3_bind_int64(stmt, 2, expires))
		rc = db_failed(t.c, SQLITE_NOMEM, err);
	if (!rc)
		rc = db_run(t.c, Q_LOCKS_REFRESH, &token, 1, err);
	if (!rc && !sqlite3_changes(t.c->db))
		rc = err_set(err, ERR_LOCK_TOKEN, "it has gone");
	db_reset(&stmt);
	stmt = NULL;
	return tx_end(&t, rc, true, err);
}

enum err_code
state_lock_remove(struct state *s, struct str token, struct err *err)
{
	return remove_row(s, token, err);
}

/* ---- what others do to them, in a transaction of theirs */

enum err_code
state_locks_any(
    struct db *c, struct rpath root, bool root_too, bool *out, struct err *err)
{
	bool found = false;
	enum err_code rc = ERR_OK;

	if (root_too)
		rc = db_any(c, Q_LOCKS_ANY_AT, root.s, &found, err);
	if (!rc && !found)
		rc = db_any(c, Q_LOCKS_ANY_BELOW, below(root), &found, err);
	if (!rc)
		*out = found;
	return rc;
}

bool
state_may_have_locks_in(struct state *s, struct rpath collection)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	bool found = false;
	enum err_code rc = state_locks_any(c, collection, true, &found, NULL);

	while (!rc && !found && !rpath_is_root(collection)) {
		collection = rpath_parent(collection);
		rc = db_any(c, Q_LOCKS_ANY_AT, collection.s, &found, NULL);
	}
	return rc || found;
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
