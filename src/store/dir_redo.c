/* SPDX-License-Identifier: MIT */
/*
 * After a crash: what was to be done at once is done to its end.  Of the
 * renames, any may have come to the disk and any not; so nothing is believed
 * but where each thing is, which its id tells.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_apply.h"

/* A name in a collection that is opened. */
struct named {
	int dir;
	char name[NAME_MAX + 1];
};

#define NAMED_NONE ((struct named){ .dir = -1 })

static void
named_done(struct named *s)
{
	fd_close(&s->dir);
}

static bool
holds(const struct dir_store *ds, int dir, const char *name,
    const struct resource_id *id)
{
	struct resource r;
	struct statx stx;

	if (dir < 0 || statx(dir, name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return false;
	dir_resource(ds, &stx, &r);
	return !memcmp(&r.id, id, sizeof(*id));
}

static const char *
hidden_of(const struct mover *v, char out[TEMP_NAME_SIZE])
{
	(void)snprintf(out, TEMP_NAME_SIZE, "%.*s", STR_ARG(v->step->hidden));
	return out;
}

static bool
is_hidden(const struct moves *m, const struct mover *v)
{
	char name[TEMP_NAME_SIZE];

	return holds(m->ds, v->hideout->fd, hidden_of(v, name), &v->step->id);
}

/* Where `rest` leads from dir, if all that is above it is there. */
static bool
find_below(int dir, struct str rest, struct named *s)
{
	size_t cut = str_rfind(rest, '/');
	bool deep = cut < rest.len;
	struct str name = deep ? str_skip(rest, cut + 1) : rest;
	char path[PATH_MAX];

	if (name.len > NAME_MAX || (deep && cut >= sizeof(path)))
		return false;
	(void)snprintf(path, sizeof(path), "%.*s", deep ? (int)cut : 1,
	    deep ? rest.ptr : ".");
	(void)snprintf(s->name, sizeof(s->name), "%.*s", STR_ARG(name));
	fd_close(&s->dir);
	s->dir = open_beneath(dir, path, O_PATH | O_DIRECTORY, 0);
	return s->dir >= 0;
}

/* The outermost that goes from above path, and from below `base`. */
static const struct mover *
next_above(const struct moves *m, struct rpath base, struct rpath path)
{
	size_t i = m->n_goes;

	while (i-- > 0) {
		const struct mover *v = m->goes[i];

		if (rpath_is_ancestor(base, v->path) &&
		    rpath_is_ancestor(v->path, path))
			return v;
	}
	return NULL;
}

/* A collection that goes: where it was, is hidden, or has come to. */
static int
open_going(
    const struct moves *m, const struct mover *v, int base, struct str rest)
{
	char hidden[TEMP_NAME_SIZE];
	struct named s CLEANUP(named_done) = NAMED_NONE;
	struct place p CLEANUP(place_done) = PLACE_NONE;

	if (is_hidden(m, v))
		return open_beneath(v->hideout->fd, hidden_of(v, hidden),
		    O_PATH | O_DIRECTORY, 0);
	if (find_below(base, rest, &s) &&
	    holds(m->ds, s.dir, s.name, &v->step->id))
		return open_beneath(s.dir, s.name, O_PATH | O_DIRECTORY, 0);
	if (v->step->kind == STEP_MOVE &&
	    !place_find_now(m->ds, v->step->to, FOLLOW_NO, &p, NULL) &&
	    holds(m->ds, p.dir, p.name, &v->step->id))
		return place_open(&p, O_PATH | O_DIRECTORY);
	return -1;
}

/* Where the path leads that v had before all, wherever what is above it is. */
static bool
find_origin(const struct moves *m, const struct mover *v, struct named *out)
{
	struct rpath base = RPATH_ROOT;
	const struct mover *above;
	int dir CLEANUP(fd_close) =
	    open_beneath(m->ds->root, ".", O_PATH | O_DIRECTORY, 0);

	while (dir >= 0 && (above = next_above(m, base, v->path))) {
		int next =
		    open_going(m, above, dir, rpath_below(base, above->path));

		fd_close(&dir);
		dir = next;
		base = above->path;
	}
	return dir >= 0 && find_below(dir, rpath_below(base, v->path), out) &&
	    holds(m->ds, out->dir, out->name, &v->step->id);
}

static enum err_code
take_again(struct moves *m, struct mover *v, struct err *err)
{
	struct named s CLEANUP(named_done) = NAMED_NONE;

	if (is_hidden(m, v) || !find_origin(m, v, &s))
		return ERR_OK;
	return mover_take(m, v, s.dir, s.name, err);
}

/*
 * Somebody has been there before us, while no server was: what they have made
 * stays, beside ours.
 */
static enum err_code
make_way(const struct place *p, struct err *err)
{
	char other[NAME_MAX + 1];
	int n;

	for (n = 1; n < 1000; n++) {
		(void)snprintf(other, sizeof(other), "%.200s~%d", p->name, n);
		if (!renameat2(
			p->dir, p->name, p->dir, other, RENAME_NOREPLACE))
			return ERR_OK;
	}
	return err_os(err, "move '%.*s' out of the way", STR_ARG(p->path.s));
}

/* Where there is no collection for it any more: to the root. */
static enum err_code
find_place(const struct moves *m, const struct mover *v, struct place *p,
    struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	struct err why = { 0 };
	struct rpath other;
	enum err_code rc =
	    place_find_now(m->ds, v->step->to, FOLLOW_NO, p, &why);

	if (rc && rc != ERR_NOT_FOUND && err)
		*err = why;
	if (rc != ERR_NOT_FOUND)
		return rc;
	place_done(p);
	rc = rpath_join(&a, RPATH_ROOT, rpath_name(v->step->to), &other, err);
	return rc ? rc : place_find_now(m->ds, other, FOLLOW_NO, p, err);
}

static enum err_code
bring_again(struct moves *m, struct mover *v, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc;

	if (!is_hidden(m, v))
		return ERR_OK;
	rc = find_place(m, v, &p, err);
	if (!rc && p.found != FOUND_NOTHING) {
		rc = make_way(&p, err);
		p.found = FOUND_NOTHING;
	}
	return rc ? rc : mover_put(m, v, &p, err);
}

/* All collections that may have changed, not only those that just did. */
static enum err_code
touch_all(struct moves *m, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < m->n; i++) {
		const struct mover *v = &m->movers[i];
		struct place from CLEANUP(place_done) = PLACE_NONE;
		struct place to CLEANUP(place_done) = PLACE_NONE;

		if (v->path.s.len &&
		    !place_find_now(m->ds, v->path, FOLLOW_NO, &from, NULL))
			rc = moves_touch(m, from.dir, err);
		if (!rc && v->step->kind != STEP_REMOVE &&
		    !place_find_now(m->ds, v->step->to, FOLLOW_NO, &to, NULL))
			rc = moves_touch(m, to.dir, err);
	}
	return rc;
}

static enum err_code
redo_moves(struct moves *m, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < m->n_goes; i++)
		rc = take_again(m, m->goes[i], err);
	for (i = 0; !rc && i < m->n; i++)
		if (m->movers[i].step->kind != STEP_REMOVE)
			rc = bring_again(m, &m->movers[i], err);
	if (!rc)
		rc = touch_all(m, err);
	return rc ? rc : moves_sync(m, err);
}

/* What staging_sweep() does not see. */
static void
remove_elsewhere(struct moves *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		const struct mover *v = &m->movers[i];
		char name[TEMP_NAME_SIZE];

		if (v->step->kind == STEP_REMOVE && v->step->beside.s.len)
			dir_remove_tree(
			    m->ds, v->hideout->fd, hidden_of(v, name));
	}
}

static enum err_code
redo_one(struct dir_store *ds, uint64_t number, const struct step *steps,
    size_t n, struct arena *a, struct err *err)
{
	struct moves m CLEANUP(moves_done) = { .ds = ds };
	enum err_code rc = moves_list(&m, steps, n, a, err);

	if (!rc)
		rc = redo_moves(&m, err);
	if (!rc)
		rc = state_steps_take(ds->state, number, steps, n, err);
	if (!rc)
		rc = state_steps_end(ds->state, number, steps, n, err);
	if (!rc)
		remove_elsewhere(&m);
	return rc;
}

enum err_code
dir_redo(struct dir_store *ds, struct err *err)
{
	enum err_code rc;
	uint64_t number;

	do {
		struct arena a CLEANUP(arena_done) = { 0 };
		struct step *steps = NULL;
		size_t n = 0;

		rc = state_steps_left(ds->state, &a, &number, &steps, &n, err);
		if (!rc && number)
			rc = redo_one(ds, number, steps, n, &a, err);
	} while (!rc && number);
	return rc;
}
