/* SPDX-License-Identifier: MIT */
/*
 * One thing in the place of another, so that a reader sees the one or the
 * other.  A file over a file is a plain rename.  Where a collection is
 * involved, the two change places in one step, and what was displaced is
 * hidden and then removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_impl.h"

/* A file system that does not know a flag of renameat2() says EINVAL. */
static bool
lacks_flags(int errnum)
{
	return errnum == EINVAL || errnum == ENOSYS;
}

static enum err_code
move_failed(const struct place *p, struct err *err)
{
	return err_os(err, "move to '%.*s'", STR_ARG(p->path.s));
}

/* A file is linked, which fails if something is there. */
static enum err_code
move_without_flags(int fdir, const char *from, bool from_is_dir,
    const struct place *p, struct err *err)
{
	struct statx stx;

	if (!from_is_dir && !linkat(fdir, from, p->dir, p->name, 0)) {
		(void)unlinkat(fdir, from, 0);
		return ERR_OK;
	}
	if (!from_is_dir && errno != EPERM && errno != EOPNOTSUPP)
		return move_failed(p, err);
	if (!statx(p->dir, p->name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &stx))
		return err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(p->path.s));
	return renameat(fdir, from, p->dir, p->name) ? move_failed(p, err)
						     : ERR_OK;
}

static enum err_code
move_to_nothing(int fdir, const char *from, bool from_is_dir,
    const struct place *p, struct err *err)
{
	if (!renameat2(fdir, from, p->dir, p->name, RENAME_NOREPLACE))
		return ERR_OK;
	if (lacks_flags(errno))
		return move_without_flags(fdir, from, from_is_dir, p, err);
	return move_failed(p, err);
}

/*
 * Hides `name` in dir: in staging, or beside it where that is on another file
 * system.  False, and errno: it is where it was.
 */
static bool
put_aside(struct dir_store *ds, int dir, const char *name, struct trash *t)
{
	temp_name_new(ds, t->name);
	t->dir = staging_now(ds);
	if (t->dir >= 0 && !renameat(dir, name, t->dir, t->name))
		return true;
	t->dir = dir;
	if (!renameat(dir, name, dir, t->name))
		return true;
	*t = TRASH_NONE;
	return false;
}

/*
 * In two steps, with a moment between in which nothing is there.  A crash then
 * must not leave what was there in staging, which the next start empties.
 */
static enum err_code
swap_without_flags(struct dir_store *ds, int fdir, const char *from,
    const struct place *p, struct trash *t, struct err *err)
{
	enum err_code rc;

	temp_name_new(ds, t->name);
	t->dir = p->dir;
	if (renameat(p->dir, p->name, t->dir, t->name)) {
		rc = move_failed(p, err);
		*t = TRASH_NONE;
		return rc;
	}
	if (!renameat(fdir, from, p->dir, p->name))
		return ERR_OK;
	rc = move_failed(p, err);
	(void)renameat(t->dir, t->name, p->dir, p->name);
	*t = TRASH_NONE;
	return rc;
}

static enum err_code
swap(struct dir_store *ds, int fdir, const char *from, const struct place *p,
    struct trash *t, struct err *err)
{
	enum err_code rc;

	if (renameat2(fdir, from, p->dir, p->name, RENAME_EXCHANGE))
		return lacks_flags(errno)
		    ? swap_without_flags(ds, fdir, from, p, t, err)
		    : move_failed(p, err);
	if (temp_name_is(from)) { /* and so hidden already */
		t->dir = fdir;
		(void)snprintf(t->name, sizeof(t->name), "%s", from);
		return ERR_OK;
	}
	if (put_aside(ds, fdir, from, t))
		return ERR_OK;
	rc = move_failed(p, err);
	(void)renameat2(fdir, from, p->dir, p->name, RENAME_EXCHANGE);
	return rc;
}

enum err_code
dir_move_into(struct dir_store *ds, int fdir, const char *from,
    bool from_is_dir, const struct place *p, struct trash *t, struct err *err)
{
	enum err_code rc;

	if (p->found == FOUND_NOTHING)
		return move_to_nothing(fdir, from, from_is_dir, p, err);
	if (!from_is_dir && !place_is_dir(p))
		return renameat(fdir, from, p->dir, p->name)
		    ? move_failed(p, err)
		    : ERR_OK;
	rc = swap(ds, fdir, from, p, t, err);
	if (rc)
		return rc;
	t->ds = ds;
	/* Its descriptor is not ours to keep. */
	if (t->dir != ds->staging)
		trash_done(t);
	return ERR_OK;
}

enum err_code
dir_set_aside(struct dir_store *ds, const struct place *p, struct err *err)
{
	struct trash t = { .ds = ds, .dir = staging_now(ds) };

	staging_left_name(ds, t.name);
	if (t.dir >= 0 && !renameat(p->dir, p->name, t.dir, t.name))
		return ERR_OK;
	if (!put_aside(ds, p->dir, p->name, &t))
		return move_failed(p, err);
	t.ds = ds;
	trash_done(&t);
	return ERR_OK;
}
