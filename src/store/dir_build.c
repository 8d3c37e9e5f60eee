/* SPDX-License-Identifier: MIT */
/*
 * What is new is built where nobody sees it: new collections with the new files
 * and collections in them, so that one step brings each tree into its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_apply.h"

/* More than that are not synced one by one. */
#define SYNC_ALONE ((size_t)16)

static const struct item *
top_of(const struct item *it)
{
	while (it->parent)
		it = it->parent;
	return it;
}

/* Goes down from *fd, in steps that the kernel takes; -1 and errno. */
static int
open_below(int *fd, struct str rest, int flags)
{
	while (rest.len) {
		char piece[PATH_MAX];
		size_t n = rest.len;
		int next;

		if (n >= sizeof(piece))
			n = str_rfind(str_head(rest, sizeof(piece) - 1), '/');
		if (n >= sizeof(piece) - 1) {
			errno = ENAMETOOLONG;
			return -1;
		}
		(void)snprintf(piece, sizeof(piece), "%.*s", (int)n, rest.ptr);
		rest = str_skip(rest, n + (n < rest.len));
		next = open_beneath(
		    *fd, piece, (rest.len ? O_PATH : flags) | O_DIRECTORY, 0);
		if (next < 0)
			return -1;
		fd_close(fd);
		*fd = next;
	}
	return fd_take(fd);
}

/* Opens a new collection where it is built; -1 and errno. */
static int
open_built(const struct item *it, int flags)
{
	const struct item *top = top_of(it);
	struct str rest = rpath_below(top->edit->to, it->edit->to);
	int fd CLEANUP(fd_close) = open_beneath(it->hideout->fd, top->hidden,
	    (rest.len ? O_PATH : flags) | O_DIRECTORY, 0);

	return fd < 0 ? -1 : open_below(&fd, rest, flags);
}

/* Where it is put: its name there, in a collection that is opened. */
struct site {
	int dir;
	int own; /* -1: dir is another's */
	char name[NAME_MAX + 1];
};

static void
site_done(struct site *s)
{
	fd_close(&s->own);
}

static enum err_code
find_site(struct apply *p, struct item *it, struct site *s, struct err *err)
{
	struct str name = rpath_name(it->edit->to);

	if (!it->parent) {
		if (!it->hidden[0])
			temp_name_new(p->ds, it->hidden);
		(void)snprintf(s->name, sizeof(s->name), "%s", it->hidden);
		s->dir = it->hideout->fd;
		return ERR_OK;
	}
	s->own = open_built(it->parent, O_RDONLY);
	s->dir = s->own;
	(void)snprintf(s->name, sizeof(s->name), "%.*s", STR_ARG(name));
	return s->own < 0 ? err_os(err, "open a new collection") : ERR_OK;
}

/* It gets what members of the collection get that it is for. */
static enum err_code
make_dir(
    struct apply *p, struct item *it, const struct site *s, struct err *err)
{
	struct place in CLEANUP(place_done) = PLACE_NONE;
	struct temp t CLEANUP(temp_done) = TEMP_NONE;
	int dir CLEANUP(fd_close) = -1;
	enum err_code rc = ERR_OK;

	if (!it->parent)
		rc = place_find(p->ds, it->beside, FOLLOW_NO, &in, err);
	if (rc)
		return rc;
	if (!it->parent)
		dir = place_open(&in, O_PATH | O_DIRECTORY);
	if (!it->parent && dir < 0)
		return err_os(err, "open '%.*s'", STR_ARG(it->beside.s));
	rc = temp_dir(p->ds, it->parent ? s->dir : dir, false, &t, err);
	if (!rc && temp_give_name(&t, s->dir, s->name))
		rc = err_os(err, "make '%.*s'", STR_ARG(it->edit->to.s));
	return rc;
}

/* A file has the mode of the one that it replaces. */
static enum err_code
make_file(struct item *it, const struct site *s, struct err *err)
{
	struct dir_staged *u = dir_staged_of(it->edit->file);
	enum err_code rc = dir_staged_settle(u, err);

	if (!rc && temp_give_name(&u->temp, s->dir, s->name))
		rc = err_os(err, "make '%.*s'", STR_ARG(it->edit->to.s));
	if (!rc && it->replaces &&
	    fchmodat(s->dir, s->name, it->over_stx.stx_mode & 0777, 0))
		rc = err_os(err, "set mode");
	return rc;
}

static enum err_code
build_one(struct apply *p, struct item *it, struct err *err)
{
	struct site s CLEANUP(site_done) = { .dir = -1, .own = -1 };
	enum err_code rc = find_site(p, it, &s, err);

	if (!rc)
		rc = it->edit->kind == EDIT_MKCOL ? make_dir(p, it, &s, err)
						  : make_file(it, &s, err);
	if (!rc &&
	    statx(s.dir, s.name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &it->stx))
		rc = err_os(err, "stat what is new");
	return rc;
}

static bool
is_built(const struct item *it)
{
	return it->edit->kind == EDIT_MKCOL || it->edit->kind == EDIT_FILE;
}

static enum err_code
sync_one(struct apply *p, struct item *it, struct err *err)
{
	struct site s CLEANUP(site_done) = { .dir = -1, .own = -1 };
	int fd CLEANUP(fd_close) = -1;
	enum err_code rc = find_site(p, it, &s, err);

	if (rc)
		return rc;
	fd = open_beneath(s.dir, s.name, O_RDONLY, 0);
	return fd < 0 ? err_os(err, "open to sync") : dir_sync_end(fd, err);
}

static enum err_code
sync_built(struct apply *p, size_t built, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	if (p->ds->relaxed || !built)
		return ERR_OK;
	for (i = 0; !rc && built <= SYNC_ALONE && i < p->n; i++)
		if (is_built(&p->items[i]))
			rc = sync_one(p, &p->items[i], err);
	for (i = 0; !rc && i < p->moves.n_hideouts; i++) {
		int fd = p->moves.hideouts[i].fd;

		if (built <= SYNC_ALONE)
			rc = dir_sync_end(fd, err);
		else if (syncfs(fd))
			rc = err_os(err, "sync file system");
	}
	return rc;
}

enum err_code
apply_build(struct apply *p, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t built = 0;
	size_t i;

	p->built = true;
	for (i = 0; !rc && i < p->n; i++) {
		if (!is_built(&p->items[i]))
			continue;
		rc = build_one(p, &p->items[i], err);
		built++;
	}
	return rc ? rc : sync_built(p, built, err);
}

void
apply_clear(struct apply *p)
{
	size_t i;

	for (i = 0; p->built && i < p->n; i++) {
		const struct item *it = &p->items[i];

		if (is_built(it) && !it->parent && it->hidden[0])
			dir_remove_tree(p->ds, it->hideout->fd, it->hidden);
	}
	p->built = false;
}
