/* SPDX-License-Identifier: MIT */
/*
 * From edits to steps.  A path of what there is before all of them leads to
 * what is at a `to` after them: by the nearest collection above it that comes
 * from elsewhere, or is new, and by none that goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "store/dir_apply.h"

static bool
is_new(const struct edit *e)
{
	return e->kind == EDIT_MKCOL || e->kind == EDIT_FILE;
}

static bool
comes(const struct edit *e)
{
	return is_new(e) || e->kind == EDIT_MOVE;
}

static bool
goes(const struct edit *e)
{
	return e->kind == EDIT_REMOVE || e->kind == EDIT_MOVE;
}

/* ---- edits by their paths */

static int
by_path(const void *a, const void *b)
{
	const struct item *const *x = a;
	const struct item *const *y = b;

	return str_cmp((*x)->edit->path.s, (*y)->edit->path.s);
}

static int
by_to(const void *a, const void *b)
{
	const struct item *const *x = a;
	const struct item *const *y = b;

	return str_cmp((*x)->edit->to.s, (*y)->edit->to.s);
}

static struct item *
find_item(struct item *const *sorted, size_t n, const struct edit *e,
    int (*order)(const void *, const void *))
{
	const struct item wanted = { .edit = (struct edit *)(uintptr_t)e };
	const struct item *key = &wanted;
	struct item *const *found =
	    n ? bsearch(&key, sorted, n, sizeof(struct item *), order) : NULL;

	return found ? *found : NULL;
}

static struct item *
what_goes(const struct apply *p, struct rpath path)
{
	return find_item(
	    p->goes, p->n_goes, &(struct edit){ .path = path }, by_path);
}

static struct item *
what_comes(const struct apply *p, struct rpath to)
{
	return find_item(
	    p->comes, p->n_comes, &(struct edit){ .to = to }, by_to);
}

static enum err_code
index_edits(struct apply *p, struct edit *edits, struct err *err)
{
	size_t i;

	p->items = arena_array(&p->a, p->n, sizeof(*p->items));
	p->goes = arena_array(&p->a, p->n, sizeof(struct item *));
	p->comes = arena_array(&p->a, p->n, sizeof(struct item *));
	if (!p->items || !p->goes || !p->comes)
		return err_nomem(err);
	for (i = 0; i < p->n; i++) {
		struct item *it = &p->items[i];

		*it = (struct item){ .edit = &edits[i] };
		if (goes(it->edit))
			p->goes[p->n_goes++] = it;
		if (comes(it->edit))
			p->comes[p->n_comes++] = it;
	}
	if (p->n_goes)
		qsort(p->goes, p->n_goes, sizeof(struct item *), by_path);
	if (p->n_comes)
		qsort(p->comes, p->n_comes, sizeof(struct item *), by_to);
	return ERR_OK;
}

/* ---- what will be at a path, and where that is now */

enum origin {
	FROM_NOWHERE,
	FROM_OLD, /* it is at *old */
	FROM_NEW, /* it is made */
};

/* Whether path, or a collection above it and below `top`, goes. */
static bool
is_taken(const struct apply *p, struct rpath path, struct rpath top)
{
	while (!rpath_eq(path, top)) {
		if (what_goes(p, path))
			return true;
		path = rpath_parent(path);
	}
	return false;
}

static enum err_code
find_origin(struct apply *p, struct rpath path, enum origin *out,
    struct rpath *old, struct item **made, struct err *err)
{
	struct rpath above = path;
	struct item *it = what_comes(p, above);
	enum err_code rc = ERR_OK;

	while (!it && !rpath_is_root(above)) {
		above = rpath_parent(above);
		it = what_comes(p, above);
	}
	if (it && is_new(it->edit)) {
		*out = rpath_eq(above, path) ? FROM_NEW : FROM_NOWHERE;
		*made = it;
		return ERR_OK;
	}
	*old = path;
	if (it)
		rc = rpath_join(
		    &p->a, it->edit->path, rpath_below(above, path), old, err);
	if (!rc)
		*out = is_taken(p, *old, it ? it->edit->path : RPATH_ROOT)
		    ? FROM_NOWHERE
		    : FROM_OLD;
	return rc;
}

/* ---- what can be refused */

static enum err_code
plan_going(struct apply *p, struct item *it, struct err *err)
{
	struct place at CLEANUP(place_done) = PLACE_NONE;
	struct rpath path = it->edit->path;
	enum err_code rc;

	if (rpath_is_root(path))
		return err_set(err, ERR_FORBIDDEN, "'/' stays");
	rc = place_find(p->ds, path, FOLLOW_NO, &at, err);
	if (!rc)
		rc = place_must_exist(&at, err);
	if (!rc && !rpath_eq(at.path, path))
		rc = err_set(err, ERR_NOT_FOUND, "'%.*s' has become a link",
		    STR_ARG(path.s));
	if (rc)
		return rc;
	it->stx = at.stx;
	return moves_hideout(
	    &p->moves, rpath_parent(path), at.dir, &p->a, &it->hideout, err);
}

static enum err_code
no_parent(struct rpath to, struct err *err)
{
	return err_set(
	    err, ERR_NO_PARENT, "no collection for '%.*s'", STR_ARG(to.s));
}

static enum err_code
in_the_way(const struct item *it, struct err *err)
{
	return err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(it->edit->to.s));
}

/* Into a collection that is there already, at `in`. */
static enum err_code
plan_coming_to_old(
    struct apply *p, struct item *it, struct rpath in, struct err *err)
{
	struct place at CLEANUP(place_done) = PLACE_NONE;
	struct hideout *h = NULL;
	struct rpath path;
	enum err_code rc =
	    rpath_join(&p->a, in, rpath_name(it->edit->to), &path, err);

	if (!rc)
		rc = place_for_new(p->ds, path, FOLLOW_NO, &at, err);
	if (!rc && !rpath_eq(at.path, path))
		rc = no_parent(it->edit->to, err);
	if (!rc)
		rc = moves_hideout(&p->moves, in, at.dir, &p->a, &h, err);
	if (rc)
		return rc;
	if (it->hideout && it->hideout != h)
		return err_set(err, ERR_CROSS_DEVICE, "move to '%.*s'",
		    STR_ARG(it->edit->to.s));
	it->hideout = h;
	it->beside = in;
	if (at.found == FOUND_NOTHING || what_goes(p, path))
		return ERR_OK;
	if (it->edit->kind != EDIT_FILE || !place_is_file(&at))
		return in_the_way(it, err);
	it->replaces = true;
	it->over = path;
	it->over_stx = at.stx;
	return ERR_OK;
}

/* Into one that is made, too. */
static enum err_code
plan_coming_to_new(struct item *it, struct item *parent, struct err *err)
{
	char name[NAME_MAX + 1];
	struct str s = rpath_name(it->edit->to);

	if (parent->edit->kind != EDIT_MKCOL || parent >= it)
		return no_parent(it->edit->to, err);
	if (s.len > NAME_MAX)
		return err_tell(err, ERR_NAME_TOO_LONG,
		    "a name may have %d bytes here", NAME_MAX);
	memcpy(name, s.ptr, s.len);
	name[s.len] = '\0';
	if (temp_name_is(name))
		return err_set(err, ERR_BAD_NAME, "'%.*s' is not for clients",
		    STR_ARG(it->edit->to.s));
	if (it->edit->kind != EDIT_MOVE) {
		it->parent = parent;
		it->hideout = parent->hideout;
	}
	return it->hideout == parent->hideout
	    ? ERR_OK
	    : err_set(err, ERR_CROSS_DEVICE, "move to '%.*s'",
		  STR_ARG(it->edit->to.s));
}

static enum err_code
plan_coming(struct apply *p, struct item *it, struct err *err)
{
	struct rpath to = it->edit->to;
	struct rpath old = RPATH_ROOT;
	struct item *made = NULL;
	struct resource now;
	enum origin from = FROM_NOWHERE;
	enum err_code rc;

	if (rpath_is_root(to))
		return in_the_way(it, err);
	if (it->edit->record)
		it->existed = !dir_stat(&p->ds->base, to, &now, NULL);
	rc = find_origin(p, rpath_parent(to), &from, &old, &made, err);
	if (rc)
		return rc;
	switch (from) {
	case FROM_NOWHERE:
		return no_parent(to, err);
	case FROM_OLD:
		return plan_coming_to_old(p, it, old, err);
	case FROM_NEW:
		return plan_coming_to_new(it, made, err);
	}
	return ERR_OK;
}

/* Of what is made, it is known when it is. */
static enum err_code
plan_props(struct apply *p, struct item *it, struct err *err)
{
	struct place at CLEANUP(place_done) = PLACE_NONE;
	struct rpath old = RPATH_ROOT;
	enum origin from = FROM_NOWHERE;
	enum err_code rc =
	    find_origin(p, it->edit->to, &from, &old, &it->parent, err);

	if (!rc && from == FROM_NOWHERE)
		return err_set(
		    err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(it->edit->to.s));
	if (rc || from == FROM_NEW)
		return rc;
	rc = place_find(p->ds, old, FOLLOW_NO, &at, err);
	if (!rc)
		rc = place_must_exist(&at, err);
	it->stx = at.stx;
	return rc;
}

/* What is hidden beside others must not move with them. */
static enum err_code
check_hideouts(const struct apply *p, struct err *err)
{
	size_t i, k;

	for (i = 0; i < p->moves.n_hideouts; i++) {
		struct rpath beside = p->moves.hideouts[i].beside;

		for (k = 0; beside.s.len && k < p->n_goes; k++)
			if (rpath_covers(p->goes[k]->edit->path, beside))
				return err_set(err, ERR_CROSS_DEVICE,
				    "a file system is mounted below '%.*s'",
				    STR_ARG(p->goes[k]->edit->path.s));
	}
	return ERR_OK;
}

static enum err_code
plan_one(struct apply *p, struct item *it, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (goes(it->edit))
		rc = plan_going(p, it, err);
	if (!rc && comes(it->edit))
		rc = plan_coming(p, it, err);
	if (!rc && it->edit->kind == EDIT_PROPS)
		rc = plan_props(p, it, err);
	return rc;
}

enum err_code
apply_plan(struct apply *p, struct dir_store *ds, struct edit *edits, size_t n,
    struct err *err)
{
	enum err_code rc;
	size_t i;

	p->ds = p->moves.ds = ds;
	p->n = n;
	rc = index_edits(p, edits, err);
	for (i = 0; !rc && i < n; i++)
		rc = plan_one(p, &p->items[i], err);
	return rc ? rc : check_hideouts(p, err);
}

void
apply_done(struct apply *p)
{
	moves_done(&p->moves);
	arena_done(&p->a);
}

/* ---- steps */

static struct resource_id
id_of(const struct apply *p, const struct statx *stx)
{
	struct resource r;

	dir_resource(p->ds, stx, &r);
	return r.id;
}

static struct step *
add_step(struct apply *p, enum step_kind kind)
{
	struct step *s = &p->steps[p->n_steps++];

	*s = (struct step){ .kind = kind };
	return s;
}

static enum err_code
add_moving(struct apply *p, const struct item *it, enum step_kind kind,
    const char *hidden, struct step **out, struct err *err)
{
	struct step *s = add_step(p, kind);

	s->beside = it->hideout->beside;
	*out = s;
	return arena_str(&p->a, str_from_c(hidden), &s->hidden)
	    ? ERR_OK
	    : err_nomem(err);
}

static enum err_code
add_going(struct apply *p, const struct item *it, struct rpath path,
    const struct statx *stx, enum step_kind kind, struct err *err)
{
	char hidden[TEMP_NAME_SIZE];
	struct step *s;
	enum err_code rc;

	temp_name_new(p->ds, hidden);
	rc = add_moving(p, it, kind, hidden, &s, err);
	s->path = path;
	s->id = id_of(p, stx);
	s->flag = what_comes(p, path) != NULL;
	s->last = kind == STEP_REMOVE &&
	    (S_ISDIR(stx->stx_mode) || stx->stx_nlink == 1);
	if (kind == STEP_MOVE)
		s->to = it->edit->to;
	return rc;
}

static enum err_code
add_new(struct apply *p, const struct item *it, struct err *err)
{
	struct step *s;
	enum err_code rc = ERR_OK;

	if (it->replaces)
		rc =
		    add_going(p, it, it->over, &it->over_stx, STEP_REMOVE, err);
	if (rc || it->parent)
		return rc;
	rc = add_moving(p, it, STEP_MAKE, it->hidden, &s, err);
	s->id = id_of(p, &it->stx);
	s->to = it->edit->to;
	s->flag = it->edit->kind == EDIT_MKCOL;
	return rc;
}

static enum err_code
add_props(struct apply *p, const struct item *it, struct err *err)
{
	const struct edit *e = it->edit;
	bool new = is_new(e) || it->parent;
	struct step *s;

	if (is_new(e) && !e->n_props)
		return ERR_OK;
	s = add_step(p, new ? STEP_NEW_PROPS : STEP_PROPS);
	s->id = id_of(p,
	    e->kind == EDIT_PROPS && it->parent ? &it->parent->stx : &it->stx);
	s->props = e->props;
	s->n_props = e->n_props;
	if (new)
		return ERR_OK;
	if (getrandom(s->stand_in.bytes, sizeof(s->stand_in.bytes), 0) !=
	    (ssize_t)sizeof(s->stand_in.bytes))
		return err_os(err, "getrandom");
	return ERR_OK;
}

static void
add_record(struct apply *p, const struct item *it)
{
	const struct edit *e = it->edit;
	struct step *s = add_step(p, STEP_RECORD);

	s->record = *e->record;
	s->to = goes(e) && !comes(e) ? e->path : e->to;
	s->flag =
	    e->kind == EDIT_RECORD ? e->created : comes(e) && !it->existed;
	if (e->kind != EDIT_REMOVE)
		s->etag = resource_etag(&e->made);
	s->result = e->result;
}

static void
add_line(
    struct apply *p, enum change_kind kind, struct rpath path, struct rpath to)
{
	p->lines[p->n_lines++] =
	    (struct change){ .kind = kind, .path = path, .to = to };
}

/* What the journal says of it. */
static void
add_lines(struct apply *p, const struct item *it)
{
	const struct rpath none = { { NULL, 0 } };
	const struct edit *e = it->edit;

	switch (e->kind) {
	case EDIT_REMOVE:
		add_line(p,
		    S_ISDIR(it->stx.stx_mode) ? CHANGE_TREE : CHANGE_REMOVE,
		    e->path, none);
		return;
	case EDIT_MOVE:
		add_line(p, CHANGE_MOVE, e->path, e->to);
		return;
	case EDIT_MKCOL:
		add_line(p, CHANGE_MKCOL, e->to, none);
		return;
	case EDIT_FILE:
		add_line(p, CHANGE_WRITE, e->to, none);
		return;
	case EDIT_PROPS:
		add_line(p, CHANGE_PROPS, e->to, none);
		return;
	case EDIT_UNLOCK:
	case EDIT_RECORD:
		return;
	}
}

static enum err_code
add_steps(struct apply *p, struct item *it, struct err *err)
{
	struct edit *e = it->edit;
	enum err_code rc = ERR_OK;

	if (goes(e))
		rc = add_going(p, it, e->path, &it->stx,
		    e->kind == EDIT_MOVE ? STEP_MOVE : STEP_REMOVE, err);
	if (!rc && is_new(e))
		rc = add_new(p, it, err);
	if (!rc && (is_new(e) || e->kind == EDIT_PROPS))
		rc = add_props(p, it, err);
	if (e->kind == EDIT_UNLOCK)
		add_step(p, STEP_UNLOCK)->path = e->path;
	if (e->kind == EDIT_PROPS || comes(e))
		dir_resource(p->ds,
		    e->kind == EDIT_PROPS && it->parent ? &it->parent->stx
							: &it->stx,
		    &e->made);
	if (e->record)
		add_record(p, it);
	add_lines(p, it);
	return rc;
}

enum err_code
apply_steps(struct apply *p, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	/* At most: one that is replaced, one new, properties, a record. */
	p->steps = arena_array(&p->a, 4 * p->n, sizeof(*p->steps));
	p->lines = arena_array(&p->a, p->n, sizeof(*p->lines));
	if (!p->steps || !p->lines)
		return err_nomem(err);
	for (i = 0; !rc && i < p->n; i++)
		rc = add_steps(p, &p->items[i], err);
	return rc;
}
