/* SPDX-License-Identifier: MIT */
/*
 * Locks: a row for each, by path.  Those that cover a path are found by one
 * look for each of its ancestors, those below it by one range of the key, so
 * that neither asks how many others there are.  A lock that is over is not
 * seen, and its row goes some time.  Questions are answered from memory
 * (state_held.c) where they are all there: rows may lag behind it, for which
 * see state_lock_change.c.
 */
#include "base/clock.h"
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
list_add(void *arg, const struct lock *l, struct err *err)
{
	struct lock_list *list = arg;
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

/* Where locks are read: in memory (c is NULL), in the database, or nowhere. */
struct source {
	struct held_locks *held;
	struct db *c;
	int64_t now;
};

/*
 * Opens it.  What is in slots is moved into the table first, if that is read.
 */
static enum err_code
source_open(struct state *s, struct source *from, struct err *err)
{
	struct held_locks *h = &s->held;
	bool held = held_begin(h);
	enum err_code rc = ERR_OK;

	if (!held && late_has_locks(s)) {
		rc = tx_flush(s);
		held = !rc && held_begin(h);
	}
	if (rc)
		return err_set(err, rc, "write the locks");
	*from = (struct source){
		.held = held ? h : NULL,
		.c = held ? NULL : reader_lock(s),
		.now = clock_now(),
	};
	return ERR_OK;
}

static void
source_close(struct source *from)
{
	if (from->c)
		conn_unlock(&from->c);
	if (from->held)
		held_end(from->held);
}

typedef enum err_code (*visit_fn)(
    void *arg, const struct lock *l, struct err *err);

static enum err_code
visit_held(const struct source *from, enum query q, struct rpath root,
    visit_fn visit, void *arg, struct err *err)
{
	const struct held *at = q == Q_LOCKS_BELOW
	    ? held_below(from->held, root)
	    : held_at(from->held, root);
	enum err_code rc = ERR_OK;

	for (; at && !rc; at = held_next(at)) {
		const struct lock *l = held_lock(at);
		bool deep = l->depth == DEPTH_INFINITY;

		if (q == Q_LOCKS_BELOW ? !rpath_is_ancestor(root, l->root)
				       : !rpath_eq(root, l->root))
			break;
		if (l->expires > from->now && (deep || q != Q_LOCKS_DEEP))
			rc = visit(arg, l, err);
	}
	return rc;
}

/* Visits what q finds, in order of path. */
static enum err_code
visit_each(const struct source *from, enum query q, struct rpath root,
    visit_fn visit, void *arg, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	struct db *c = from->c;
	enum err_code rc;
	int result;

	if (!c)
		return visit_held(from, q, root, visit, arg, err);
	rc = db_prepare(c, q, &stmt, err);
	if (rc)
		return rc;
	result = db_bind(stmt, 1, q == Q_LOCKS_BELOW ? below(root) : root.s);
	if (!result)
		result = sqlite3_bind_int64(stmt, 2, from->now);
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
	struct source from CLEANUP(source_close) = { 0 };
	struct lock_list list = { .a = a };
	enum err_code rc = source_open(s, &from, err);

	if (!rc)
		rc = visit_each(&from, Q_LOCKS_AT, path, list_add, &list, err);
	if (!rc)
		list_give(&list, out, n);
	return rc;
}

enum err_code
state_locks_covering(struct state *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct source from CLEANUP(source_close) = { 0 };
	struct lock_list list = { .a = a };
	enum err_code rc = source_open(s, &from, err);

	if (!rc)
		rc = visit_each(&from, Q_LOCKS_AT, path, list_add, &list, err);
	while (!rc && !rpath_is_root(path)) {
		path = rpath_parent(path);
		rc =
		    visit_each(&from, Q_LOCKS_DEEP, path, list_add, &list, err);
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
	struct source from CLEANUP(source_close) = { 0 };
	enum err_code rc = source_open(s, &from, err);

	return rc ? rc
		  : visit_each(&from, Q_LOCKS_BELOW, root, visit, arg, err);
}

/* ---- by token */

/* Looks at all rows: every LOCK would have to keep up an index of tokens. */
enum err_code
state_lock_find(struct state *s, struct str token, struct arena *a,
    struct rpath *root, struct err *err)
{
	struct db *c CLEANUP(conn_unlock) = reader_lock(s);
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LOCKS_FIND, &stmt, err);
	int result;

	if (rc)
		return rc;
	result = db_bind(stmt, 1, token);
	if (!result)
		result = sqlite3_step(stmt);
	if (result == SQLITE_DONE)
		return err_set(err, ERR_LOCK_TOKEN, "no such lock");
	if (result != SQLITE_ROW)
		return db_failed(c, result, err);
	return arena_str(a, db_column(stmt, 0), &root->s) ? ERR_OK
							  : err_nomem(err);
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

static bool
may_have(struct state *s, struct rpath path,
    bool (*any)(const struct held_locks *h, struct rpath path))
{
	bool found;

	if (!state_may_have_locks(s))
		return false;
	if (!held_begin(&s->held))
		return true;
	found = any(&s->held, path);
	held_end(&s->held);
	return found;
}

bool
state_may_have_locks_from(struct state *s, struct rpath path)
{
	return may_have(s, path, held_any_from);
}

bool
state_may_have_locks_near(struct state *s, struct rpath path)
{
	return may_have(s, path, held_any_near);
}

static enum err_code
stop_at_one(void *arg, const struct lock *l, struct err *err)
{
	(void)arg;
	(void)l;
	return err_set(err, ERR_EXISTS, "one is enough");
}

bool
state_may_have_locks_in(struct state *s, struct rpath collection)
{
	struct source from CLEANUP(source_close) = { 0 };
	enum err_code rc;

	if (!state_may_have_locks_near(s, collection))
		return false;
	rc = source_open(s, &from, NULL);
	if (!rc)
		rc = visit_each(
		    &from, Q_LOCKS_BELOW, collection, stop_at_one, NULL, NULL);
	if (!rc)
		rc = visit_each(
		    &from, Q_LOCKS_AT, collection, stop_at_one, NULL, NULL);
	while (!rc && !rpath_is_root(collection)) {
		collection = rpath_parent(collection);
		rc = visit_each(
		    &from, Q_LOCKS_DEEP, collection, stop_at_one, NULL, NULL);
	}
	return rc != ERR_OK;
}

static enum err_code
drop(
    struct db *c, enum query q, const struct str *blobs, int n, struct err *err)
{
	enum err_code rc = db_run(c, q, blobs, n, err);

	if (!rc)
		c->locks -= sqlite3_changes(c->db);
	return rc;
}

enum err_code
state_locks_drop(
    struct db *c, struct rpath root, bool root_too, struct err *err)
{
	const struct str members = below(root);
	enum err_code rc = ERR_OK;

	if (root_too)
		rc = drop(c, Q_LOCKS_DROP_AT, &root.s, 1, err);
	if (!rc)
		rc = drop(c, Q_LOCKS_DROP_BELOW, &members, 1, err);
	if (rc)
		return rc;
	if (root_too)
		held_drop_at(c->held, root);
	held_drop_below(c->held, root);
	return ERR_OK;
}

enum err_code
state_locks_drop_token(
    struct db *c, struct rpath root, struct str token, struct err *err)
{
	const struct lock l = { .root = root, .token = token };
	const struct str key[] = { root.s, token };
	enum err_code rc = drop(c, Q_LOCKS_DROP_TOKEN, key, 2, err);

	if (!rc)
		held_remove(c->held, &l);
	return rc;
}

/* ---- opening, and what others have done */

/* Reads them into memory, as many as there is room for; *n: how many. */
static enum err_code
read_all(struct state *s, struct db *c, int64_t *n, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LOCKS_ALL, &stmt, err);
	int result;

	*n = 0;
	if (rc)
		return rc;
	while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
		const struct lock l = row_lock(stmt);

		++*n;
		rc = held_put(&s->held, &l, err);
		if (rc || held_is_full(&s->held))
			return rc;
	}
	return result == SQLITE_DONE ? ERR_OK : db_failed(c, result, err);
}

enum err_code
state_locks_renew(struct state *s, struct db *c, struct err *err)
{
	int64_t n;
	enum err_code rc;

	if (!held_is_stale(&s->held))
		return ERR_OK;
	held_clear(&s->held);
	rc = read_all(s, c, &n, err);
	if (rc) {
		held_clear(&s->held);
		return rc;
	}
	if (!held_is_full(&s->held)) /* else it may be too high now */
		atomic_store(&s->n_locks, n);
	held_all(&s->held);
	return ERR_OK;
}

static enum err_code
count(struct state *s, struct db *c, struct err *err)
{
	sqlite3_stmt *stmt CLEANUP(db_reset) = NULL;
	enum err_code rc = db_prepare(c, Q_LOCKS_COUNT, &stmt, err);

	if (rc)
		return rc;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		return db_failed(c, sqlite3_errcode(c->db), err);
	atomic_store(&s->n_locks, sqlite3_column_int64(stmt, 0));
	return ERR_OK;
}

/*
 * In a transaction, so that nobody changes them meanwhile.  If there are any,
 * the first that changes something reads them: a start does not wait for that.
 */
enum err_code
state_locks_load(struct state *s, int dir, struct err *err)
{
	struct db *c = &s->writer;
	enum err_code rc = db_run(c, Q_BEGIN, NULL, 0, err);

	if (rc)
		return rc;
	rc = count(s, c, err);
	held_open(&s->held, dir);
	held_want(&s->held);
	if (!rc && !state_may_have_locks(s))
		rc = state_locks_renew(s, c, err);
	return db_finish(c, rc, err);
}
