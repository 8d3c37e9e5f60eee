/* SPDX-License-Identifier: MIT */
/*
 * LOCK, refresh and UNLOCK in the directory store.  They claim the tree of the
 * lock's root, so that no lock comes or goes beside a change of what it
 * protects.
 */
#include <unistd.h>

#include "base/clock.h"
#include "store/dir_temp.h"

#define MAX_TRIES 16 /* while others make what is to be locked */
/* Bytes that the locks of most places fit into: malloc() has those at hand. */
#define FEW_LOCKS ((size_t)1000)

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
	struct arena a CLEANUP(arena_done) = { .block = FEW_LOCKS };
	struct conflict c = { spec->shared };
	struct protection by = { 0 };
	struct state *s = p->ds->state;
	struct resource now;
	bool mapped = false;
	enum err_code rc =
	    place_seen(p, guard_asks(g) ? &now : NULL, &mapped, err);

	if (!rc)
		rc = place_protection(p, &a, &by, err);
	if (!rc)
		rc = guard_ask(g,
		    &(struct guarded){ .now = mapped ? &now : NULL,
			.locks = by.all,
			.n_locks = by.n_all },
		    err);
	if (!rc)
		rc = locks_compatible(by.all, by.n_all, spec->shared, err);
	if (!rc && spec->depth == DEPTH_INFINITY && state_may_have_locks(s))
		rc = state_locks_below(s, p->path, visit_conflict, &c, err);
	if (rc || mapped)
		return rc;
	return protection_allows(&by, true, g, err);
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

/* A lock that cannot be brought to the disk is none. */
static enum err_code
wait_for_lock(struct dir_store *ds, const struct lock *l, uint64_t number,
    struct err *err)
{
	enum err_code rc = state_wait(ds->state, number, err);

	if (rc)
		(void)!state_lock_remove(
		    ds->state, l->root, l->token, &number, NULL);
	return rc;
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
	uint64_t number;
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
		rc = state_lock_add(ds->state, l, &number, err);
	if (!rc)
		rc = wait_for_lock(ds, l, number, err);
	if (!rc)
		rc = temp_install(ds, &t, p, &trash, err);
	if (rc == ERR_NOT_FOUND || rc == ERR_CROSS_DEVICE)
		return err_set(err, ERR_NO_PARENT,
		    "the collection of '%.*s' has gone", STR_ARG(p->path.s));
	if (rc)
		return rc;
	rc = act_end(&act, err);
	if (rc) /* the file is there, but who asked does not know its lock */
		(void)!state_lock_remove(
		    ds->state, l->root, l->token, &number, NULL);
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
	uint64_t number = 0;
	enum err_code rc =
	    hold_new(ds, path, FOLLOW_YES, SCOPE_TREE, &h, &p, err);

	if (!rc)
		rc = may_lock(&p, spec, g, err);
	if (!rc)
		rc = new_lock(p.path, spec, a, &l, err);
	if (rc)
		return rc;
	rc = p.found == FOUND_NOTHING
	    ? lock_new_file(ds, &p, &l, err)
	    : state_lock_add(ds->state, &l, &number, err);
	hold_done(&h); /* who comes next waits for the disk beside us */
	if (!rc)
		rc = wait_for_lock(ds, &l, number, err);
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

/* The locks that cover path, and which of them is meant. */
static enum err_code
look_at_locks(struct dir_store *ds, struct rpath path,
    const struct lock_tokens *t, struct guarded *at, struct found_lock *f,
    struct err *err)
{
	enum err_code rc = state_locks_covering(
	    ds->state, path, &f->a, &at->locks, &at->n_locks, err);

	if (!rc)
		f->lock = pick(at->locks, at->n_locks, t);
	return rc;
}

/*
 * The place as it is now, and the lock that covers it.  A file that somebody
 * removed by hand leaves its lock, which its owner may still give back.  So a
 * lock that is rooted right there needs no look at the place, unless the guard
 * asks about that.
 */
static enum err_code
look_for(struct dir_store *ds, struct rpath path, const struct lock_tokens *t,
    bool asks, struct place *p, struct guarded *at, struct found_lock *f,
    struct err *err)
{
	enum err_code rc = look_at_locks(ds, path, t, at, f, err);

	p->path = path;
	p->found = FOUND_NOTHING;
	if (rc || (!asks && f->lock && rpath_eq(f->lock->root, path)))
		return rc;
	rc = place_find(ds, path, FOLLOW_YES, p, err);
	if (rc == ERR_NOT_FOUND) { /* nor is there a collection for it */
		p->path = path;
		p->found = FOUND_NOTHING;
		rc = ERR_OK;
	}
	if (!rc && !rpath_eq(p->path, path))
		rc = look_at_locks(ds, p->path, t, at, f, err);
	if (rc)
		return rc;
	return f->lock && rpath_eq(f->lock->root, p->path)
	    ? ERR_OK
	    : place_must_exist(p, err);
}

/* What has to be claimed is covered by a claim to the tree of root. */
static bool
is_covered(struct rpath root, const struct place *p, const struct found_lock *f)
{
	return rpath_covers(root, p->path) &&
	    (!f->lock || rpath_covers(root, f->lock->root));
}

/*
 * A look under a claim to the path as it is given says whether another is
 * needed: for what it leads to, or for a lock from above.  There is a second
 * look then, under that.
 */
static enum err_code
claim_lock(struct dir_store *ds, struct rpath path, const struct lock_tokens *t,
    bool asks, struct place *p, struct guarded *at, struct found_lock *f,
    struct err *err)
{
	struct rpath root = path;
	enum err_code rc;
	int again;

	for (again = 0; again < 2; again++) {
		hold_tree(ds, root, &f->hold);
		rc = look_for(ds, path, t, asks, p, at, f, err);
		if (rc || is_covered(root, p, f))
			return rc;
		if (!arena_str(
			&f->a, f->lock ? f->lock->root.s : p->path.s, &root.s))
			return err_nomem(err);
		hold_done(&f->hold);
		place_done(p);
		*p = PLACE_NONE;
	}
	return err_set(err, ERR_BUSY, "'%.*s' keeps changing", STR_ARG(path.s));
}

/* g is asked about what is there under the claim. */
static enum err_code
find_lock(struct dir_store *ds, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct found_lock *f, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct guarded at = { 0 };
	struct resource now;
	bool mapped;
	bool asks = guard_asks(g);
	enum err_code rc = claim_lock(ds, path, t, asks, &p, &at, f, err);

	if (!rc)
		rc = place_seen(&p, asks ? &now : NULL, &mapped, err);
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
	struct found_lock f CLEANUP(found_lock_done) = { .a.block = FEW_LOCKS };
	struct dir_store *ds = dir_of(s);
	struct lock l;
	uint64_t number;
	enum err_code rc = find_lock(ds, path, t, g, &f, err);

	if (!rc && !lock_is_held(f.lock, t))
		rc = err_set(err, ERR_LOCK_TOKEN, "another user's lock");
	if (!rc)
		rc = lock_copy(f.lock, a, &l, err);
	if (rc)
		return rc;
	l.expires = end_of(timeout);
	rc = state_lock_refresh(ds->state, &l, &number, err);
	hold_done(&f.hold);
	if (!rc)
		rc = state_wait(ds->state, number, err);
	if (!rc)
		*out = l;
	return rc;
}

enum err_code
dir_unlock(struct store *s, struct rpath path, const struct lock_tokens *t,
    const struct guard *g, struct err *err)
{
	struct found_lock f CLEANUP(found_lock_done) = { .a.block = FEW_LOCKS };
	struct dir_store *ds = dir_of(s);
	uint64_t number;
	enum err_code rc = find_lock(ds, path, t, g, &f, err);

	if (!rc && !lock_is_held(f.lock, t))
		rc = err_set(err, ERR_FORBIDDEN, "another user's lock");
	if (!rc)
		rc = state_lock_remove(
		    ds->state, f.lock->root, f.lock->token, &number, err);
	hold_done(&f.hold);
	return rc ? rc : state_wait(ds->state, number, err);
}

/* One that is known has its root there, or a claim elsewhere is needed. */
bool
dir_lock_is_quick(struct store *s, struct rpath path, bool known, bool alone)
{
	struct dir_store *ds = dir_of(s);

	return state_lock_is_quick(ds->state, path, known, alone) &&
	    !claim_would_wait(ds, path, SCOPE_TREE);
}
