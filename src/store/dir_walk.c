/* SPDX-License-Identifier: MIT */
/*
 * A walk of the directory store, from collection to collection; what is in one
 * comes from dir_level.c.
 *
 * No more than MAX_OPEN collections are open at a time.  In deeper trees the
 * outermost ones are closed, and opened again, at the place where the kernel
 * said to go on, when the walk comes back there from the one below.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "store/dir_ahead.h"
#include "store/dir_listing.h"

#define MAX_OPEN 64

struct trip {
	struct dir_store *ds;
	const struct walk *how;
	struct buf path;
	size_t root_len; /* of the path, where the walk began */
	struct level *level;
	struct level *outermost_open;
	unsigned n_open;
	struct ahead ahead;
	bool linked; /* what is being entered is a link */
	bool by_link; /* what is met is a link, perhaps to a file */
	bool aliased; /* the path of the root goes through links */
	struct err why; /* of a level's failure */
	size_t n_above; /* ancestors of the root, once they were needed */
	struct resource_id *above;
};

static bool
same_id(const struct resource_id *a, const struct resource_id *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* ---- visits */

static bool
is_linked(const struct trip *t)
{
	return t->linked || (t->level && t->level->linked);
}

static enum err_code
visit(struct trip *t, const struct resource *res, bool *prune)
{
	const struct member m = {
		.path = rpath_of_buf(&t->path),
		.res = *res,
		.linked = is_linked(t),
		.maybe_locked =
		    !t->level || t->by_link || t->level->maybe_locked,
	};

	return t->how->visit(t->how->arg, &m, prune);
}

static enum err_code
visit_failed(struct trip *t, const struct resource *res, const struct err *why)
{
	const struct member m = {
		.path = rpath_of_buf(&t->path),
		.res = *res,
		.linked = is_linked(t),
		.failed = why->code,
		.err = why,
	};
	bool prune = false;

	if (err_stops(why->code) && why->code != ERR_LOOP)
		return why->code;
	return t->how->visit(t->how->arg, &m, &prune);
}

/* ---- levels */

/*
 * Whether members may have locks: one look for all of them.  Locks are kept by
 * paths without links; where the walk's is none, each member has to be asked
 * about.
 */
static bool
may_have_locks(const struct trip *t)
{
	if (!state_may_have_locks(t->ds->state))
		return false;
	return t->aliased || is_linked(t) ||
	    state_may_have_locks_in(t->ds->state, rpath_of_buf(&t->path));
}

static void
level_shut(struct trip *t, struct level *l)
{
	if (l->fd >= 0)
		t->n_open--;
	ahead_shut(&t->ahead, l);
	fd_close(&l->fd);
}

static void
descend(struct trip *t, struct level *l)
{
	if (t->level)
		t->level->down = l;
	t->level = l;
	ahead_move(&t->ahead, l, NULL);
	if (l->fd < 0)
		return;
	if (!t->n_open)
		t->outermost_open = l;
	t->n_open++;
	if (t->n_open <= MAX_OPEN)
		return;
	level_shut(t, t->outermost_open);
	t->outermost_open = t->outermost_open->down;
}

static void
level_opened(struct trip *t, struct level *l, int *fd)
{
	l->fd = fd_take(fd);
	l->reopened = true;
	ahead_open(&t->ahead, l);
	t->outermost_open = l;
	t->n_open++;
}

/*
 * The collection above one that the walk leaves is opened from there, so that
 * one that was moved away, or has been removed, is the same still, as those are
 * that stay open.  Where the one below has another place by now, which may be
 * anywhere, it is found by its path.
 */
static void
reopen_above(struct trip *t, const struct level *below)
{
	struct level *l = below->up;
	struct resource now;
	struct statx stx;
	int fd CLEANUP(fd_close) = -1;

	if (!l || l->fd >= 0 || l->whole || below->fd < 0)
		return;
	fd = openat(below->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || dir_stat_fd(fd, &stx, NULL))
		return;
	dir_resource(t->ds, &stx, &now);
	if (same_id(&now.id, &l->res.id))
		level_opened(t, l, &fd);
}

static void
ascend(struct trip *t)
{
	struct level *l = t->level;

	t->level = l->up;
	if (t->level)
		t->level->down = NULL;
	ahead_move(&t->ahead, t->level, l);
	if (l->fd >= 0)
		t->n_open--;
	level_free(l);
}

/* Opens the level's collection again, if it is still the one it was. */
static enum err_code
level_reopen(struct trip *t, struct err *err)
{
	struct level *l = t->level;
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct resource now;
	int fd CLEANUP(fd_close) = -1;
	enum err_code rc =
	    place_find(t->ds, rpath_of_buf(&t->path), FOLLOW_YES, &p, err);

	if (!rc)
		rc = place_must_exist(&p, err);
	if (rc)
		return rc;
	now = place_resource(&p);
	if (!same_id(&now.id, &l->res.id))
		return err_set(err, ERR_NOT_FOUND, "replaced meanwhile");
	fd = place_open(&p, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_os(err, "open '%.*s' again",
		    STR_ARG(rpath_of_buf(&t->path).s));
	level_opened(t, l, &fd);
	return ERR_OK;
}

/*
 * The level's next member, or NULL at the end, or when it cannot be read; then
 * l->failed says so.
 */
static const struct spot *
next_spot(struct trip *t)
{
	struct level *l = t->level;

	if (l->fd < 0 && !l->whole)
		l->failed = level_reopen(t, &t->why);
	return l->failed ? NULL : level_next(&t->ahead, l, &t->why);
}

/* ---- collections that contain themselves */

/* The ancestors of the walk's root. */
static enum err_code
find_above(struct trip *t)
{
	const struct str path = buf_str(&t->path);
	size_t i;

	t->above = calloc(t->root_len + 1, sizeof(*t->above));
	if (!t->above)
		return ERR_NOMEM;
	for (i = 0; i < t->root_len; i++) {
		struct rpath p = { str_head(path, i ? i : 1) };
		struct resource r = { 0 };

		if (path.ptr[i] != '/')
			continue;
		(void)dir_stat(&t->ds->base, p, &r, NULL);
		t->above[t->n_above++] = r.id;
	}
	return ERR_OK;
}

static enum err_code
contains_itself(struct trip *t, const struct resource_id *id, bool *yes)
{
	const struct level *l;
	enum err_code rc = ERR_OK;
	size_t i;

	*yes = false;
	for (l = t->level; l && !*yes; l = l->up)
		*yes = same_id(&l->res.id, id);
	if (!t->above)
		rc = find_above(t);
	if (rc)
		return rc;
	for (i = 0; i < t->n_above && !*yes; i++)
		*yes = same_id(&t->above[i], id);
	return ERR_OK;
}

/* ---- members */

/*
 * Whether a walk with at_once may go on, by what is known of its root, which is
 * also the guess for the next time.
 */
static bool
may_go_on(struct trip *t, const struct level *root)
{
	struct listings *ls = t->ds->listings;
	struct rpath path = rpath_of_buf(&t->path);
	bool quick = t->how->depth == DEPTH_1 && root->listing &&
	    listing_is_quick(ls, root->listing, path);

	if (t->how->depth == DEPTH_1)
		listings_note(ls, path, quick);
	return quick || !t->how->at_once;
}

/* Goes down into l, which it takes over, and whose path is t->path. */
static enum err_code
enter_level(struct trip *t, struct level *l)
{
	bool looks = t->how->order == WALK_LOOK;
	bool prune = false;
	enum err_code rc = ERR_OK;

	if (looks && !l->listings)
		level_look_up(l, t->ds->listings, !t->how->at_once);
	if (looks && !t->level && !may_go_on(t, l))
		rc = ERR_BUSY;
	else if (t->how->order != WALK_UP)
		rc = visit(t, &l->res, &prune);
	if (rc || prune) {
		ahead_skip(&t->ahead, l);
		level_free(l);
		return rc;
	}
	l->up = t->level;
	l->path_len = t->path.len;
	l->linked = is_linked(t);
	l->maybe_locked = may_have_locks(t);
	l->kinds_only = t->how->kinds_only;
	descend(t, l);
	return ERR_OK;
}

/* Opens a collection, whose path is t->path, and goes down into it. */
static enum err_code
enter_by_name(
    struct trip *t, int dir, const char *name, const struct resource *res)
{
	unsigned depth = t->level ? t->level->depth + 1 : 0;
	struct look k = LOOK_NONE;
	struct err why = { 0 };
	int fd CLEANUP(fd_close) = -1;
	struct level *l;

	while (look_on(t->ds, &k)) {
		fd_close(&fd);
		fd = open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	}
	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	if (fd < 0) {
		(void)err_os(&why, "open collection");
		return visit_failed(t, res, &why);
	}
	l = level_new(t->ds, res, depth, &fd);
	return l ? enter_level(t, l) : ERR_NOMEM;
}

static enum err_code
follow(struct trip *t)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct resource res = { 0 };
	struct err why = { 0 };
	bool looped;
	enum err_code rc =
	    place_find(t->ds, rpath_of_buf(&t->path), FOLLOW_YES, &p, &why);

	if (rc == ERR_NOT_FOUND || (!rc && p.found != FOUND_SERVED))
		return ERR_OK;
	if (rc)
		return visit_failed(t, &res, &why);
	res = place_resource(&p);
	/* Only the link is removed, so it is as any other member then. */
	if (!res.collection || t->how->depth != DEPTH_INFINITY ||
	    t->how->order == WALK_UP)
		return visit(t, &res, &(bool){ false });
	rc = contains_itself(t, &res.id, &looped);
	if (rc)
		return rc;
	if (looped) {
		(void)err_set(&why, ERR_LOOP, "contains itself");
		return visit_failed(t, &res, &why);
	}
	t->linked = true;
	rc = enter_by_name(t, p.dir, p.name, &res);
	t->linked = false;
	return rc;
}

/* A member that is a link, as what it leads to. */
static enum err_code
meet_link(struct trip *t)
{
	enum err_code rc;

	t->by_link = true;
	rc = follow(t);
	t->by_link = false;
	return rc;
}

static bool
is_hidden(
    const struct trip *t, const struct fact *fact, const struct resource *res)
{
	if (!res->collection)
		return !S_ISREG(fact->mode);
	return same_id(&res->id, &t->ds->hidden_id);
}

static enum err_code
member_failed(struct trip *t, const struct spot *s)
{
	const struct resource res = { .collection = s->entry->type == DT_DIR };
	struct err why = { 0 };

	if (s->fact.failed == ENOENT)
		return ERR_OK;
	(void)err_errno(&why, s->fact.failed, "stat");
	return visit_failed(t, &res, &why);
}

/* The path is its own already. */
static enum err_code
meet(struct trip *t, const struct spot *s)
{
	struct level *below;
	struct resource res;

	if (s->entry->type == DT_LNK)
		return meet_link(t);
	if (spot_is_clear(t->level, s))
		return visit(t, &(struct resource){ 0 }, &(bool){ false });
	if (s->fact.failed)
		return member_failed(t, s);
	if (S_ISLNK(s->fact.mode))
		return meet_link(t);
	fact_resource(t->ds, &s->fact, &res);
	if (is_hidden(t, &s->fact, &res))
		return ERR_OK;
	if (!res.collection || t->how->depth != DEPTH_INFINITY)
		return visit(t, &res, &(bool){ false });
	below = ahead_below(&t->ahead, t->level, s);
	if (below)
		return enter_level(t, below);
	return enter_by_name(t, t->level->fd, s->entry->name, &res);
}

static enum err_code
meet_next(struct trip *t, const struct spot *s)
{
	struct level *l = t->level;
	enum err_code rc;

	assert(l); /* whose entry it is */
	(void)rpath_push(&t->path, str_from_c(s->entry->name));
	if (buf_failed(&t->path))
		return ERR_NOMEM;
	rc = meet(t, s);
	if (t->level == l)
		rpath_pop(&t->path, l->path_len);
	return rc;
}

/* Goes back from a collection to the one it is in. */
static enum err_code
leave(struct trip *t)
{
	const struct level *l = t->level;
	struct resource res = l->res;
	bool failed = l->failed;
	enum err_code rc = ERR_OK;
	bool prune = false;

	reopen_above(t, l);
	ascend(t);
	if (failed)
		rc = visit_failed(t, &res, &t->why);
	else if (t->how->order == WALK_UP)
		rc = visit(t, &res, &prune);
	if (t->level)
		rpath_pop(&t->path, t->level->path_len);
	return rc;
}

static enum err_code
travel(struct trip *t)
{
	enum err_code rc = ERR_OK;

	while (!rc && t->level) {
		const struct spot *s = next_spot(t);

		rc = s ? meet_next(t, s) : leave(t);
	}
	return rc;
}

static bool
is_link(struct trip *t, struct rpath path)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;

	return place_find(t->ds, path, FOLLOW_NO, &p, NULL) == ERR_OK &&
	    p.found == FOUND_LINK;
}

static enum err_code
begin(struct trip *t, struct rpath root, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct resource res;
	enum err_code rc = place_find(t->ds, root, FOLLOW_YES, &p, err);

	if (!rc)
		rc = place_must_exist(&p, err);
	if (rc)
		return rc;
	if (!rpath_is_root(root))
		buf_put(&t->path, root.s);
	if (buf_failed(&t->path))
		return ERR_NOMEM;
	t->root_len = t->path.len;
	t->aliased = !rpath_eq(p.path, root);
	res = place_resource(&p);
	if (!res.collection || t->how->depth == DEPTH_0)
		return visit(t, &res, &(bool){ false });
	/* A walk for removing does not go through the root either. */
	t->linked = t->aliased && is_link(t, root);
	if (t->linked && t->how->order == WALK_UP)
		return visit(t, &res, &(bool){ false });
	rc = enter_by_name(t, p.dir, p.name, &res);
	t->linked = false;
	return rc;
}

bool
dir_walk_is_quick(struct store *s, struct rpath root)
{
	return listings_guess(dir_of(s)->listings, root);
}

enum err_code
dir_walk(
    struct store *s, struct rpath root, const struct walk *w, struct err *err)
{
	struct trip t = { .ds = dir_of(s), .how = w };
	bool many = w->depth != DEPTH_0 && w->order != WALK_UP;
	bool looks = w->order == WALK_LOOK;
	struct walking walking = { .looks = looks };
	enum err_code rc;

	if (many && !walking_begin(t.ds, &walking, w->at_once))
		return ERR_BUSY;
	ahead_init(&t.ahead, t.ds,
	    looks && !w->at_once ? &t.ds->base.helpers : NULL,
	    w->depth == DEPTH_INFINITY);
	rc = begin(&t, root, err);
	if (!rc)
		rc = travel(&t);
	ahead_done(&t.ahead);
	while (t.level)
		ascend(&t);
	if (many)
		walking_end(t.ds, &walking);
	free(t.above);
	buf_done(&t.path);
	return rc;
}
