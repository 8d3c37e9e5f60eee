/* SPDX-License-Identifier: MIT */
/* The memory store: locks, and what every change asks before it is made. */
#include "store/mem_impl.h"

static const struct lock_tokens *
tokens_of(const struct guard *g)
{
	return g ? g->tokens : NULL;
}

enum err_code
mem_ask_guard(const struct mem_store *m, struct rpath path,
    const struct mem_node *now, const struct mem_node *from,
    const struct guard *g, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct guarded at = { 0 };
	struct resource res, source;
	enum err_code rc;

	rc = mem_locks_covering(
	    &m->locks, path, &a, &at.locks, &at.n_locks, err);
	if (rc)
		return rc;
	if (now) {
		res = mem_node_stat(now);
		at.now = &res;
	}
	if (from) {
		source = mem_node_stat(from);
		at.from = &source;
	}
	return guard_ask(g, &at, err);
}

enum err_code
mem_ask_locks(const struct mem_store *m, struct rpath path,
    const struct mem_node *now, enum touch touch, const struct guard *g,
    struct err *err)
{
	const struct lock_tokens *t = tokens_of(g);
	enum err_code rc = mem_locks_allow(&m->locks, path, t, err);

	if (rc || rpath_is_root(path) || (now && touch == TOUCH_CONTENT))
		return rc;
	/* The collection loses or gets a member. */
	return mem_locks_allow(&m->locks, rpath_parent(path), t, err);
}

enum err_code
mem_ask(const struct mem_store *m, struct rpath path,
    const struct mem_node *now, enum touch touch, const struct guard *g,
    struct err *err)
{
	enum err_code rc = mem_ask_guard(m, path, now, NULL, g, err);

	return rc ? rc : mem_ask_locks(m, path, now, touch, g, err);
}

enum err_code
mem_ask_below(const struct mem_store *m, struct rpath path, bool members,
    const struct guard *g, struct err *err)
{
	if (!members)
		return ERR_OK;
	return mem_locks_allow_below(&m->locks, path, tokens_of(g), err);
}

enum err_code
mem_op_allows(struct store *s, struct rpath path, enum touch touch,
    const struct guard *g, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	struct mem_node *now;

	if (mem_tree_find(&m->tree, path, &now, NULL))
		now = NULL;
	return mem_ask(m, path, now, touch, g, err);
}

/* Whether a lock may be made at path, where now is (NULL: nothing). */
static enum err_code
ask_lock(const struct mem_store *m, struct rpath path,
    const struct mem_node *now, const struct lock_spec *spec,
    const struct guard *g, struct err *err)
{
	enum err_code rc = mem_ask_guard(m, path, now, NULL, g, err);

	if (!rc)
		rc = mem_locks_compatible(&m->locks, path, spec, err);
	if (rc || now)
		return rc;
	return mem_ask_locks(m, path, now, TOUCH_CONTENT, g, err);
}

/* The empty file that a lock is to stand on. */
static enum err_code
make_empty(struct mem_store *m, struct rpath path, struct err *err)
{
	struct mem_node *n;
	enum err_code rc = mem_tree_make(&m->tree, path, false, &n, err);

	if (!rc)
		mem_set_bytes(m, n, NULL);
	return rc;
}

enum err_code
mem_op_lock(struct store *s, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_change(s, path, false);
	struct mem_lock_row *row = NULL;
	struct mem_node *now = NULL;
	bool existed = !mem_tree_find(&m->tree, path, &now, NULL);
	struct lock copy;
	enum err_code rc = ERR_OK;

	if (!existed)
		rc = mem_tree_may_make(&m->tree, path, err);
	if (!rc)
		rc = ask_lock(m, path, now, spec, g, err);
	if (!rc)
		rc = mem_lock_row_new(path, spec, &row, err);
	if (!rc)
		rc = lock_copy(mem_lock_row_lock(row), a, &copy, err);
	if (!rc && !existed)
		rc = make_empty(m, path, err);
	if (rc) {
		mem_lock_row_free(row);
		return rc;
	}
	mem_locks_add(&m->locks, row);
	*out = copy;
	if (created)
		*created = !existed;
	return ERR_OK;
}

/*
 * The lock that covers path and has a token of t, when g lets it be changed.
 * ERR_LOCK_TOKEN.
 */
static enum err_code
find_lock(const struct mem_store *m, struct rpath path,
    const struct lock_tokens *t, const struct guard *g,
    struct mem_lock_row **out, struct err *err)
{
	struct mem_node *now;
	enum err_code rc = mem_tree_find(&m->tree, path, &now, err);

	if (!rc)
		rc = mem_ask_guard(m, path, now, NULL, g, err);
	if (rc)
		return rc;
	*out = mem_locks_find(&m->locks, path, t);
	if (!*out)
		return err_set(err, ERR_LOCK_TOKEN, "no such lock on '%.*s'",
		    STR_ARG(path.s));
	return ERR_OK;
}

enum err_code
mem_op_refresh(struct store *s, struct rpath path, const struct lock_tokens *t,
    int64_t timeout, const struct guard *g, struct arena *a, struct lock *out,
    struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_change(s, path, false);
	struct mem_lock_row *row;
	enum err_code rc = find_lock(m, path, t, g, &row, err);
	struct lock copy;

	if (!rc && !lock_is_held(mem_lock_row_lock(row), t))
		rc = err_set(err, ERR_LOCK_TOKEN, "another user's lock");
	if (!rc)
		rc = lock_copy(mem_lock_row_lock(row), a, &copy, err);
	if (rc)
		return rc;
	mem_lock_row_refresh(row, timeout);
	copy.expires = mem_lock_row_lock(row)->expires;
	*out = copy;
	return ERR_OK;
}

enum err_code
mem_op_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) =
	    mem_enter_change(s, path, false);
	struct mem_lock_row *row;
	enum err_code rc = find_lock(m, path, t, g, &row, err);

	if (rc)
		return rc;
	if (!lock_is_held(mem_lock_row_lock(row), t))
		return err_set(err, ERR_FORBIDDEN, "another user's lock");
	mem_locks_remove(&m->locks, row);
	return ERR_OK;
}

/* Copies of what is the table's own. */
static enum err_code
give(struct arena *a, const struct lock *found, size_t count,
    const struct lock **out, size_t *n, struct err *err)
{
	struct lock *copies = NULL;
	enum err_code rc = ERR_OK;
	size_t i;

	if (count) {
		copies = arena_array(a, count, sizeof(*copies));
		if (!copies)
			return err_nomem(err);
	}
	for (i = 0; !rc && i < count; i++)
		rc = lock_copy(&found[i], a, &copies[i], err);
	if (rc)
		return rc;
	*out = copies;
	*n = count;
	return ERR_OK;
}

enum err_code
mem_op_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	const struct lock *found;
	size_t count;
	enum err_code rc =
	    mem_locks_covering(&m->locks, path, a, &found, &count, err);

	return rc ? rc : give(a, found, count, out, n, err);
}

enum err_code
mem_op_locks_below(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct mem_store *m CLEANUP(mem_leave_at_end) = mem_enter(s);
	const struct lock *found;
	size_t count;
	enum err_code rc =
	    mem_locks_below(&m->locks, path, a, &found, &count, err);

	return rc ? rc : give(a, found, count, out, n, err);
}
