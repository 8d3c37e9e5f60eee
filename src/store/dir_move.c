/* SPDX-License-Identifier: MIT */
/*
 * One thing in the place of another, so that a reader sees the one or the
 * other.  A file over a file is a plain rename.  Where a collection is
 * involved, the two change places in one step, and what was displaced is
 * hidden and then removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_impl.h"

/* Dropped properties of so many resources make one transaction. */
#define DROP_BATCH ((size_t)64)

/* Others who came in before it was hidden may still put things into a tree. */
#define REMOVE_TRIES 4

/* ---- removing trees */

struct removal {
	struct dir_store *ds;
	int top;
	bool moved_up; /* something was, so the top is to be read again */
	size_t n_ids;
	struct resource_id ids[DROP_BATCH];
};

/* Best effort: what stays belongs to an id nobody will ever ask for. */
static void
drop_now(struct removal *r)
{
	if (r->n_ids)
		(void)state_drop(r->ds->state, r->ids, r->n_ids, NULL);
	r->n_ids = 0;
}

static void
drop_later(struct removal *r, const struct statx *stx)
{
	struct resource res;

	if (!S_ISDIR(stx->stx_mode) && stx->stx_nlink > 1)
		return;
	dir_resource(r->ds, stx, &res);
	if (!res.has_props)
		return;
	r->ids[r->n_ids++] = res.id;
	if (r->n_ids == DROP_BATCH)
		drop_now(r);
}

static bool
is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* NULL and errno, or a stream of the entries of `name` in dir. */
static DIR *
read_dir(int dir, const char *name)
{
	int fd CLEANUP(fd_close) =
	    open_beneath(dir, name, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		fd = -1;
	return d;
}

/* False: it is still there, as a collection with members is. */
static bool
remove_entry(struct removal *r, int dir, const char *name)
{
	struct statx stx;

	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return errno == ENOENT;
	if (unlinkat(dir, name, S_ISDIR(stx.stx_mode) ? AT_REMOVEDIR : 0))
		return errno == ENOENT;
	drop_later(r, &stx);
	return true;
}

/* Removes the files in a collection, and moves collections to the top. */
static void
empty_out(struct removal *r, const char *name)
{
	DIR *d = read_dir(r->top, name);
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		char up[TEMP_NAME_SIZE];

		if (is_dot(e->d_name) || remove_entry(r, dirfd(d), e->d_name))
			continue;
		temp_name_new(up);
		r->moved_up |= !renameat(dirfd(d), e->d_name, r->top, up);
	}
	(void)closedir(d);
}

static void
empty_top(struct removal *r, DIR *top)
{
	const struct dirent *e;

	rewinddir(top);
	while ((e = readdir(top))) {
		if (is_dot(e->d_name) || remove_entry(r, r->top, e->d_name))
			continue;
		empty_out(r, e->d_name);
		(void)remove_entry(r, r->top, e->d_name);
	}
}

/*
 * However deep it is, no more than two collections are open: those found in a
 * member of the top are moved up beside it.  That happens to each once, so
 * there is an end to it.
 */
static void
empty_tree(struct removal *r, int dir, const char *name)
{
	DIR *top = read_dir(dir, name);

	if (!top)
		return;
	r->top = dirfd(top);
	do {
		r->moved_up = false;
		empty_top(r, top);
	} while (r->moved_up);
	(void)closedir(top);
}

/*
 * Removes everything below `name` in dir, and itself, with its properties; goes
 * on past what cannot be removed.
 */
static void
remove_tree(struct dir_store *ds, int dir, const char *name)
{
	struct removal r = { .ds = ds };
	int tries;

	for (tries = 0; tries < REMOVE_TRIES; tries++) {
		if (remove_entry(&r, dir, name))
			break;
		empty_tree(&r, dir, name);
	}
	drop_now(&r);
}

bool
dir_sweep(struct dir_store *ds, int dir)
{
	DIR *d = read_dir(dir, ".");
	const struct dirent *e;
	bool only_ours = true;

	if (!d)
		return false;
	while ((e = readdir(d)))
		only_ours &= is_dot(e->d_name) || temp_name_is(e->d_name);
	if (only_ours) {
		rewinddir(d);
		/* Others may have come, or the first reading broke off. */
		while ((e = readdir(d)))
			if (temp_name_is(e->d_name))
				remove_tree(ds, dir, e->d_name);
	}
	(void)closedir(d);
	return only_ours;
}

/* ---- moving */

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

/* In two steps, with a moment between in which nothing is there. */
static enum err_code
swap_without_flags(int fdir, const char *from, const struct place *p,
    const char *aside, struct err *err)
{
	enum err_code rc;

	if (renameat(p->dir, p->name, p->dir, aside))
		return move_failed(p, err);
	if (!renameat(fdir, from, p->dir, p->name))
		return ERR_OK;
	rc = move_failed(p, err);
	(void)renameat(p->dir, aside, p->dir, p->name);
	return rc;
}

/* Leaves what was displaced as *aside in *dir. */
static enum err_code
swap(int fdir, const char *from, const struct place *p,
    char aside[TEMP_NAME_SIZE], int *dir, struct err *err)
{
	enum err_code rc;

	temp_name_new(aside);
	*dir = fdir;
	if (renameat2(fdir, from, p->dir, p->name, RENAME_EXCHANGE)) {
		*dir = p->dir;
		return lacks_flags(errno)
		    ? swap_without_flags(fdir, from, p, aside, err)
		    : move_failed(p, err);
	}
	if (temp_name_is(from)) { /* and so hidden already */
		memcpy(aside, from, TEMP_NAME_SIZE);
		return ERR_OK;
	}
	if (!renameat(fdir, from, fdir, aside))
		return ERR_OK;
	rc = move_failed(p, err);
	(void)renameat2(fdir, from, p->dir, p->name, RENAME_EXCHANGE);
	return rc;
}

enum err_code
dir_move_into(struct dir_store *ds, int fdir, const char *from,
    bool from_is_dir, const struct place *p, struct err *err)
{
	char aside[TEMP_NAME_SIZE];
	enum err_code rc;
	int dir;

	if (p->found == FOUND_NOTHING)
		return move_to_nothing(fdir, from, from_is_dir, p, err);
	if (!from_is_dir && !place_is_dir(p)) {
		if (renameat(fdir, from, p->dir, p->name))
			return move_failed(p, err);
		if (p->found == FOUND_SERVED)
			dir_forget(ds, &p->stx);
		return ERR_OK;
	}
	rc = swap(fdir, from, p, aside, &dir, err);
	if (!rc)
		remove_tree(ds, dir, aside);
	return rc;
}
