/* SPDX-License-Identifier: MIT */
/*
 * After a crash: the changes that were under way are those with an intent, and
 * what is in their place says how far they got.  Nothing is searched for.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_impl.h"

static bool
place_has(const struct place *p, const struct resource_id *id)
{
	struct resource_id now;

	if (p->found == FOUND_NOTHING)
		return false;
	now = dir_id(p->ds, &p->stx);
	return !memcmp(&now, id, sizeof(*id));
}

/*
 * Looks at the name itself; where there is no collection for it, there is
 * nothing.
 */
static enum err_code
look(const struct dir_store *ds, struct rpath path, struct place *p,
    struct err *err)
{
	enum err_code rc = place_find(ds, path, FOLLOW_NO, p, err);

	if (rc != ERR_NOT_FOUND)
		return rc;
	p->found = FOUND_NOTHING;
	return ERR_OK;
}

static struct rpath
where(const struct change *c)
{
	return c->kind == CHANGE_MOVE ? c->to : c->path;
}

static bool
is_in_place(const struct change *c, const struct place *p)
{
	if (c->kind == CHANGE_MKCOL && !c->made) /* there was nothing */
		return place_is_dir(p);
	if (c->kind != CHANGE_REMOVE)
		return c->made && place_has(p, c->made);
	return c->gone ? !place_has(p, c->gone) : p->found == FOUND_NOTHING;
}

enum err_code
dir_change_seen(const struct dir_store *ds, const struct change *c,
    bool *in_place, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = look(ds, where(c), &p, err);

	if (!rc)
		*in_place = is_in_place(c, &p);
	return rc;
}

/* ---- at the start */

/* Syncs the collection of a place; one that has gone needs no sync. */
static enum err_code
sync_place(const struct dir_store *ds, const struct place *p, struct err *err)
{
	int fd CLEANUP(fd_close) = -1;
	enum err_code rc;

	if (p->dir < 0)
		return ERR_OK;
	rc = dir_sync_begin(ds, p->dir, &fd, err);
	return rc ? rc : dir_sync_end(fd, err);
}

/*
 * What a rename took the place of may still be where the other came from: the
 * two change places first.
 */
static enum err_code
finish_move(struct dir_store *ds, const struct change *c, struct err *err)
{
	struct place from CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = look(ds, c->path, &from, err);

	if (!rc && c->gone && place_has(&from, c->gone))
		rc = dir_set_aside(ds, &from, err);
	return rc ? rc : sync_place(ds, &from, err);
}

/*
 * On disk, like all of them, before the state goes by it: the process may have
 * died before it could sync what it had done.
 */
static enum err_code
recover_one(void *arg, const struct change *c, bool *in_place, struct err *err)
{
	struct dir_store *ds = arg;
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = look(ds, where(c), &p, err);

	if (rc)
		return rc;
	*in_place = is_in_place(c, &p);
	if (*in_place && c->kind == CHANGE_MOVE)
		rc = finish_move(ds, c, err);
	return rc || !*in_place ? rc : sync_place(ds, &p, err);
}

enum err_code
dir_recover(struct dir_store *ds, struct err *err)
{
	return state_recover(ds->state, recover_one, ds, err);
}
