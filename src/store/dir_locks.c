/* SPDX-License-Identifier: MIT */
/*
 * Locks in the directory store.  They are kept by canonical path, so that a
 * link's name leads to the locks of what it leads to.
 *
 * A change looks at them under its claim.  LOCK and UNLOCK claim the tree of
 * the lock's root, so that no lock comes or goes beside a change of what it
 * protects.
 */
#include <unistd.h>

#include "base/clock.h"
#include "store/dir_impl.h"

#define MAX_TRIES 16 /* while others make what is to be locked */

/* ---- what protects a place */

/* In an arena: those that cover the path, and those that cover its parent. */
struct protection {
	const struct lock *own, *around;
	size_t n_own, n_around;
};

/*
 * What covers the path is what is rooted there, and what is deep of what covers
 * its parent.
 */
static enum err_code
find_protection(struct state *s, struct rpath path, struct arena *a,
    struct protection *out, struct err *err)
{
	const struct lock *at;
	struct lock *own;
	size_t n_at = 0;
	size_t i;
	enum err_code rc = state_locks_covering(
	    s, rpath_parent(path), a, &out->around, &out->n_around, err);

	if (!rc && !rpath_is_root(path))
		rc = state_locks_at(s, path, a, &at, &n_at, err);
	if (rc || !(n_at + out->n_around))
		return rc;
	own = arena_array(a, n_at + out->n_around, sizeof(*own));
	if (!own)
		return err_nomem(err);
	for (i = 0; i < n_at; i++)
		own[out->n_own++] = at[i];
	for (i = 0; i < out->n_around; i++)
		if (lock_covers(&out->around[i], path))
			own[out->n_own++] = out->around[i];
	out->own = own;
	return ERR_OK;
}

static const struct lock_tokens *
tokens_of(const struct guard *g)
{
	return g ? g->tokens : NULL;
}

/*
 * A link's name is protected as well by what protects the resource that a
 * client sees there: it has locked it by that name.
 */
static enum err_code
add_target(const struct place *p, struct arena *a, struct protection *of,
    struct err *err)
{
	struct place end CLEANUP(place_done) = PLACE_NONE;
	const struct lock *more;
	struct lock *all;
	size_t n = 0;
	enum err_code rc = place_find(p->ds, p->path, FOLLOW_YES, &end, err);

	if (!rc)
		rc = state_locks_covering(
		    p->ds->state, end.path, a, &more, &n, err);
	if (rc || !n)
		return rc;
	all = arena_array(a, of->n_own + n, sizeof(*all));
	if (!all)
		return err_nomem(err);
	if (of->n_own)
		memcpy(all, of->own, of->n_own * sizeof(*all));
	memcpy(all + of->n_own, more, n * sizeof(*all));
	of->own = all;
	of->n_own += n;
	return ERR_OK;
}

enum err_code
place_allows(const struct place *p, enum touch touch, const struct place *from,
    const struct guard *g, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct protection by = { 0 };
	struct resource now, source;
	bool has_source = false;
	bool mapped = false;
	enum err_code rc = place_seen(p, &now, &mapped, err);

	if (!rc && state_may_have_locks(p->ds->state)) {
		rc = find_protection(p->ds->state, p->path, &a, &by, err);
		if (!rc && p->found == FOUND_LINK)
			rc = add_target(p, &a, &by, err);
	}
	if (!rc && from)
		rc = place_seen(from, &source, &has_source, err);
	if (!rc)
		rc = guard_ask(g,
		    &(struct guarded){ .now = mapped ? &now : NULL,
			.locks = by.own,
			.n_locks = by.n_own,
			.from = has_source ? &source : NULL },
		    err);
	if (!rc)
		rc = locks_allow(by.own, by.n_own, tokens_of(g), err);
	/* The collection loses or gets a member. */
	if (!rc && (touch == TOUCH_NAME || !mapped))
		rc = locks_allow(by.around, by.n_around, tokens_of(g), err);
	return rc;
}

/* ---- what is below */

struct below {
	struct arena a; /* of roots */
	const struct lock_tokens *tokens;
	struct rpath *roots; /* where there is a shared lock of another */
	size_t n, cap;
};

static enum err_code
member_locked(enum err_code rc, struct err *err)
{
	if (rc != ERR_LOCKED)
		return rc;
	if (err)
		err->code = ERR_MEMBER_LOCKED;
	return ERR_MEMBER_LOCKED;
}

/* An exclusive lock stands alone; beside a shared one there may be ours. */
static enum err_code
visit_below(void *arg, const struct lock *l, struct err *err)
{
	struct below *b = arg;

	if (lock_is_held(l, b->tokens))
		return ERR_OK;
	if (!l->shared)
		return locks_allow(l, 1, b->tokens, err);
	if (b->n && str_eq(b->roots[b->n - 1].s, l->root.s))
		return ERR_OK;
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 16;
		struct rpath *more = arena_array(&b->a, cap, sizeof(*more));

		if (!more)
			return err_nomem(err);
		if (b->n)
			memcpy(more, b->roots, b->n * sizeof(*more));
		b->roots = more;
		b->cap = cap;
	}
	return arena_str(&b->a, l->root.s, &b->roots[b->n++].s)
	    ? ERR_OK
	    : err_nomem(err);
}

/*
 * What covers root's members that nobody locked by themselves are its deep
 * locks: who holds another one there has not locked them.
 */
static enum err_code
allows_members(struct state *s, struct rpath root, bool root_too,
    const struct lock_tokens *t, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const struct lock *locks;
	size_t n;
	enum err_code rc = state_locks_covering(s, root, &a, &locks, &n, err);

	if (!rc && root_too)
		rc = locks_allow(locks, n, t, err);
	return rc ? rc : locks_allow_members(locks, n, t, err);
}

static enum err_code
allows_below(
    struct state *s, struct rpath root, struct below *b, struct err *err)
{
	enum err_code rc = allows_members(s, root, false, b->tokens, err);
	size_t i;

	if (!rc)
		rc = state_locks_below(s, root, visit_below, b, err);
	for (i = 0; !rc && i < b->n; i++)
		rc = allows_members(s, b->roots[i], true, b->tokens, err);
	return rc;
}

enum err_code
place_allows_below(
    const struct place *p, const struct guard *g, struct err *err)
{
	struct below b = { .tokens = tokens_of(g) };
	enum err_code rc;

	if (!state_may_have_locks(p->ds->state))
		return ERR_OK;
	rc = allows_below(p->ds->state, p->path, &b, err);
	arena_done(&b.a);
	return member_locked(rc, err);
}

enum err_code
dir_allows(struct store *s, struct rpath path, enum touch touch,
    const struct guard *g, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct dir_store *ds = dir_of(s);
	enum err_code rc;

	if (!(g && g->check) && !state_may_have_locks(ds->state))
		return ERR_OK;
	rc = place_find(
	    ds, path, touch == TOUCH_NAME ? FOLLOW_NO : FOLLOW_YES, &p, err);
	if (rc == ERR_NOT_FOUND) { /* nor is there a collection for it */
		p.path = path;
		p.found = FOUND_NOTHING;
		rc = ERR_OK;
	}
	return rc ? rc : place_allows(&p, touch, NULL, g, err);
}

enum err_code
dir_locks(struct store *s, struct rpath path, struct arena *a,
    const struct lock **out, size_t *n, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct dir_store *ds = dir_of(s);
	enum err_code rc;

	if (!state_may_have_locks(ds->state)) {
		*out = NULL;
		*n = 0;
		return ERR_OK;
	}
	rc = place_find(ds, path, FOLLOW_YES, &p, err);
	if (rc == ERR_NOT_FOUND)
		p.path = path;
	else if (rc)
		return rc;
	return state_locks_covering(ds->state, p.path, a, out, n, err);
}

/* ---- LOCK */

struct conflict {
	bool shared;
};

static enum err_code
visit_conflict(void *arg, const struct lock *l, struct err *err)
{
	const struct conflict *c = arg;

	return locks_compatible(l, 1, c->shared, err);
}

/* All that may speak against it. */
static enum err_code
may_lock(const struct place *p, const struct lock_spec *spec,
    const struct guard *g, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct conflict c = { spec->shared };
	struct protection by = { 0 };
	struct state *s = p->ds->state;
	struct resource now;
	bool mapped = false;
	enum err_code rc = place_seen(p, &now, &mapped, err);

	if (!rc && state_may_have_locks(s))
		rc = find_protection(s, p->path, &a, &by, err);
	if (!rc)
		rc = guard_ask(g,
		    &(struct guarded){ .now = mapped ? &now : NULL,
			.locks = by.own,
			.n_locks = by.n_own },
		    err);
	if (!rc)
		rc = locks_compatible(by.own, by.n_own, spec->shared, err);
	if (!rc && spec->depth == DEPTH_INFINITY && state_may_have_locks(s))
		rc = state_locks_below(s, p->path, visit_conflict, &c, err);
	if (rc || mapped)
		return rc;
	rc = locks_allow(by.own, by.n_own, tokens_of(g), err);
	return rc ? rc : locks_allow(by.around, by.n_around, tokens_of(g), err);
}

static int64_t
end_of(int64_t timeout)
{
	int64_t end;

	return __builtin_add_overflow(clock_now(), timeout, &end) ? INT64_MAX
								  : end;
}

static enum err_code
new_lock(struct rpath root, const struct lock_spec *spec, struct arena *a,
    struct lock *out, struct err *err)
{
	char token[LOCK_TOKEN_SIZE];
	struct lock l;
	enum err_code rc = lock_token_new(token, err);

	if (rc)
		return rc;
	l = (struct lock){
		.root = root,
		.shared = spec->shared,
		.depth = spec->depth,
		.token = str_from_c(token),
		.owner = spec->owner,
		.user = spec->user,
		.expires = end_of(spec->timeout),
	};
	return lock_copy(&l, a, out, err);
}

/*
 * The file and its lock come to be in one step: until the file is in place,
 * the intent says that the lock goes.
 */
static enum err_code
lock_new_file(struct dir_store *ds, const struct place *p, const struct lock *l,
    struct err *err)
{
	struct trash trash CLEANUP(trash_done) = TRASH_NONE;
	struct temp t CLEANUP(temp_done) = TEMP_NONE;
	struct act act CLEANUP(act_done) =
	    ACT(.kind = CHANGE_WRITE, .path = p->path, .lock_token = l->token);
	struct statx stx;
	enum err_code rc = temp_file(ds, p->dir, 0666, &t, err);

	if (!rc && !ds->relaxed && fsync(t.fd))
		rc = err_os(err, "sync");
	if (!rc)
		rc = dir_stat_fd(t.fd, &stx, err);
	if (rc)
		return rc;
	act_makes(&act, ds, &stx);
	rc = act_begin(&act, ds, NULL, p->dir, -1, err);
	if (!rc)
		rc = state_lock_add(ds->state, l, err);
	if (!rc)
		rc = temp_install(ds, &t, p, &trash, err);
	if (rc == ERR_NOT_FOUND || rc == ERR_CROSS_DEVICE)
		return err_set(err, ERR_NO_PARENT,
		    "the collection of '%.*s' has gone", STR_ARG(p->path.s));
	if (rc)
		return rc;
	rc = act_end(&act, err);
	if (rc) /* the file is there, but who asked does not know its lock */
		(void)!state_lock_remove(ds->state, l->token, NULL);
	return rc;
}

static enum err_code
try_lock(struct dir_store *ds, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct lock l;
	enum err_code rc =
	    hold_new(ds, path, FOLLOW_YES, SCOPE_TREE, &h, &p, err);

	if (!rc)
		rc = may_lock(&p, spec, g, err);
	if (!rc)
		rc = new_lock(p.path, spec, a, &l, err);
	if (rc)
		return rc;
	rc = p.found == FOUND_NOTHING ? lock_new_file(ds, &p, &l, err)
				      : state_lock_add(ds->state, &l, err);
	if (rc)
		return rc;
	*out = l;
	if (created)
		*created = p.found == FOUND_NOTHING;
	return ERR_OK;
}

enum err_code
dir_lock(struct store *s, struct rpath path, const struct lock_spec *spec,
    const struct guard *g, struct arena *a, struct lock *out, bool *created,
    struct err *err)
{
	struct err why = { 0 };
	enum err_code rc;
	int tries = 0;

	/* ERR_EXISTS: somebody else made it since we looked. */
	do
		rc = try_lock(dir_of(s), path, spec, g, a, out, created, &why);
	while (rc == ERR_EXISTS && ++tries < MAX_TRIES);
	if (rc && err)
		*err = why;
	return rc;
}

/* ---- refresh and UNLOCK */

/* A lock that a request names, under a claim to all that it covers. */
struct found_lock {
	struct arena a;
	struct hold hold;
	const struct lock *lock; /* NULL: there is none of these tokens */
};

static void
found_lock_done(struct found_lock *f)
{
	hold_done(&f->hold);
	arena_done(&f->a);
}

/* One that t holds; else one of its tokens that is another user's. */
static const struct lock *
pick(const struct lock *locks, size_t n, const struct lock_tokens *t)
{
	const struct lock *found = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		struct lock_tokens creator = { locks[i].user, t->v, t->n };

		if (lock_is_held(&locks[i], t))
			return &locks[i];
		if (lock_is_held(&locks[i], &creator))
			found = &locks[i];
	}
	return found;
}

/*
 * The place as it is now, and the lock that covers it.  A file that somebody
 * removed by hand leaves its lock, which its owner may still give back.
 */
static enum err_code
look_for(struct dir_store *ds, struct rpath path, const struct lock_tokens *t,
    struct place *p, struct guarded *at, struct found_lock *f, struct err *err)
{
	enum err_code rc = place_find(ds, path, FOLLOW_YES, p, err);

	if (rc == ERR_NOT_FOUND) { /* nor is there a collection for it */
		p->path = path;
		p->found = FOUND_NOTHING;
		rc = ERR_OK;
	}
	if (!rc)
		rc = state_locks_covering(
		    ds->state, p->path, &f->a, &at->locks, &at->n_locks, err);
	if (rc)
		return rc;
	f->lock = pick(at->locks, at->n_locks, t);
	return f->lock && rpath_eq(f->lock->root, p->path)
	    ? ERR_OK
	    : place_must_exist(p, err);
}

/*
 * A first look says what to claim, a second one, under the claim, what is
 * there; g is asked then.
 */
static enum err_code
find_lock(struct dir_store *ds, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct found_lock *f, struct err *err)
{
	struct place first CLEANUP(place_done) = PLACE_NONE;
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct guarded at = { 0 };
	struct resource now;
	struct rpath root;
	bool mapped;
	enum err_code rc = look_for(ds, path, t, &first, &at, f, err);

	if (rc)
		return rc;
	if (!arena_str(
		&f->a, f->lock ? f->lock->root.s : first.path.s, &root.s))
		return err_nomem(err);
	hold_tree(ds, root, &f->hold);
	rc = look_for(ds, path, t, &p, &at, f, err);
	if (rc)
		return rc;
	if (!rpath_covers(root, p.path) ||
	    (f->lock && !rpath_covers(root, f->lock->root)))
		return err_set(
		    err, ERR_BUSY, "'%.*s' keeps changing", STR_ARG(path.s));
	rc = place_seen(&p, &now, &mapped, err);
	if (rc)
		return rc;
	at.now = mapped ? &now : NULL;
	rc = guard_ask(g, &at, err);
	if (!rc && !f->lock)
		rc = err_set(err, ERR_LOCK_TOKEN, "no such lock on '%.*s'",
		    STR_ARG(path.s));
	return rc;
}

enum err_code
dir_lock_refresh(struct store *s, struct rpath path,
    const struct lock_tokens *t, int64_t timeout, const struct guard *g,
    struct arena *a, struct lock *out, struct err *err)
{
	struct found_lock f CLEANUP(found_lock_done) = { 0 };
	struct dir_store *ds = dir_of(s);
	struct lock l;
	enum err_code rc = find_lock(ds, path, t, g, &f, err);

	if (!rc && !lock_is_held(f.lock, t))
		rc = err_set(err, ERR_LOCK_TOKEN, "another user's lock");
	if (!rc)
		rc = lock_copy(f.lock, a, &l, err);
	if (rc)
		return rc;
	l.expires = end_of(timeout);
	rc = state_lock_refresh(ds->state, l.token, l.expires, err);
	if (!rc)
		*out = l;
	return rc;
}

enum err_code
dir_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	struct found_lock f CLEANUP(found_lock_done) = { 0 };
	struct dir_store *ds = dir_of(s);
	enum err_code rc = find_lock(ds, path, t, g, &f, err);

	if (!rc && !lock_is_held(f.lock, t))
		rc = err_set(err, ERR_FORBIDDEN, "another user's lock");
	return rc ? rc : state_lock_remove(ds->state, f.lock->token, err);
}
