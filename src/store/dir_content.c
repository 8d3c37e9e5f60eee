/* SPDX-License-Identifier: MIT */
/* Files that are read. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_impl.h"

/*
 * What was seen to be a file may have become a FIFO since: O_NONBLOCK keeps the
 * open from waiting for its other end.
 */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

struct dir_content {
	struct content base;
	int fd;
};

static enum err_code
dir_content_read(struct content *c, uint64_t offset, char *out, size_t max,
    size_t *got, struct err *err)
{
	const struct dir_content *dc =
	    CONTAINER_OF(c, struct dir_content, base);

	return fd_read_at(dc->fd, offset, out, max, got, err);
}

static int
dir_content_fd(const struct content *c)
{
	return ((const struct dir_content *)c)->fd;
}

static void
dir_content_free(struct content *c)
{
	struct dir_content *dc = CONTAINER_OF(c, struct dir_content, base);

	fd_close(&dc->fd);
	free(dc);
}

static const struct content_ops dir_content_ops = {
	.read = dir_content_read,
	.fd = dir_content_fd,
	.free = dir_content_free,
};

enum err_code
dir_content_new(const struct dir_store *ds, const struct statx *stx, int *fd,
    struct content **out, struct err *err)
{
	struct dir_content *dc = calloc(1, sizeof(*dc));

	if (!dc) {
		fd_close(fd);
		return err_nomem(err);
	}
	content_init(&dc->base, &dir_content_ops);
	dir_resource(ds, stx, &dc->base.res);
	dc->fd = fd_take(fd);
	*out = &dc->base;
	return ERR_OK;
}

/* ---- opening */

/*
 * The short way, for a file that no link leads to: one look, one open.  The
 * look is there because what is no file must not be opened; should a link be in
 * the way, it may be of something else, but then the open refuses that.  False
 * says nothing: place_find() will know.
 */
static bool
open_at_once(
    const struct dir_store *ds, struct rpath path, int *fd, struct statx *stx)
{
	char name[PLAIN_MAX];

	if (!path_is_plain(ds, path, name) ||
	    statx(ds->root, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		STATX_TYPE, stx) ||
	    !S_ISREG(stx->stx_mode))
		return false;
	*fd = open_beneath(ds->root, name, READ_FLAGS, 0);
	return *fd >= 0 && !dir_stat_fd(*fd, stx, NULL) &&
	    S_ISREG(stx->stx_mode);
}

static enum err_code
open_file(const struct place *p, int *fd, struct statx *stx, struct err *err)
{
	enum err_code rc;

	if (place_is_dir(p))
		return err_set(
		    err, ERR_IS_COLLECTION, "'%.*s'", STR_ARG(p->path.s));
	*fd = place_open(p, READ_FLAGS);
	if (*fd < 0)
		return err_os(err, "open '%.*s'", STR_ARG(p->path.s));
	rc = dir_stat_fd(*fd, stx, err);
	if (!rc && !S_ISREG(stx->stx_mode))
		return err_set(
		    err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(p->path.s));
	return rc;
}

static enum err_code
find_and_open(const struct dir_store *ds, struct rpath path, int *fd,
    struct statx *stx, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc;

	fd_close(fd);
	if (open_at_once(ds, path, fd, stx))
		return ERR_OK;
	fd_close(fd);
	rc = place_find_now(ds, path, FOLLOW_YES, &p, err);
	if (!rc)
		rc = place_must_exist(&p, err);
	return rc ? rc : open_file(&p, fd, stx, err);
}

enum err_code
dir_open(
    struct store *s, struct rpath path, struct content **out, struct err *err)
{
	struct dir_store *ds = dir_of(s);
	struct look l = LOOK_NONE;
	struct statx stx = { 0 };
	struct err why = { 0 };
	int fd CLEANUP(fd_close) = -1;
	enum err_code rc = ERR_OK;

	while (look_on(ds, &l)) {
		why = (struct err){ 0 };
		rc = find_and_open(ds, path, &fd, &stx, &why);
	}
	if (rc && err)
		*err = why;
	if (rc)
		return rc;
	return dir_content_new(ds, &stx, &fd, out, err);
}
