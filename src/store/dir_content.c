/* SPDX-License-Identifier: MIT */
/* Files that are read. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_ready.h"

/*
 * What was seen to be a file may have become a FIFO since: O_NONBLOCK keeps the
 * open from waiting for its other end.
 */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

struct dir_content {
	struct content base;
	int fd; /* or */
	struct ready_file *file; /* that is known */
};

static enum err_code
dir_content_read(struct content *c, uint64_t offset, char *out, size_t max,
    size_t *got, struct err *err)
{
	const struct dir_content *dc =
	    CONTAINER_OF(c, struct dir_content, base);
	struct str left;

	if (dc->file) {
		left = ready_bytes(dc->file);
		left = offset < left.len ? str_skip(left, (size_t)offset)
					 : (struct str){ 0 };
		*got = left.len < max ? left.len : max;
		if (*got)
			memcpy(out, left.ptr, *got);
		return ERR_OK;
	}
	return fd_read_at(dc->fd, offset, out, max, got, err);
}

static struct str
dir_content_bytes(struct content *c)
{
	const struct ready_file *f =
	    CONTAINER_OF(c, struct dir_content, base)->file;

	return f ? ready_bytes(f) : (struct str){ 0 };
}

static int
dir_content_take_fd(struct content *c)
{
	return fd_take(&CONTAINER_OF(c, struct dir_content, base)->fd);
}

static void
dir_content_free(struct content *c)
{
	struct dir_content *dc = CONTAINER_OF(c, struct dir_content, base);

	fd_close(&dc->fd);
	ready_drop(dc->file);
	free(dc);
}

static const struct content_ops dir_content_ops = {
	.read = dir_content_read,
	.bytes = dir_content_bytes,
	.take_fd = dir_content_take_fd,
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

/* Takes the file over. */
static enum err_code
content_of_ready(const struct dir_store *ds, struct ready_file *f,
    struct content **out, struct err *err)
{
	struct dir_content *dc = calloc(1, sizeof(*dc));

	if (!dc) {
		ready_drop(f);
		return err_nomem(err);
	}
	content_init(&dc->base, &dir_content_ops);
	fact_resource(ds, &f->fact, &dc->base.res);
	dc->fd = -1;
	dc->file = f;
	*out = &dc->base;
	return ERR_OK;
}

/* ---- opening */

/*
 * What is no file must not be opened.  Where the name alone is looked at, no
 * link can lead astray; on a longer way one might, even to where nobody
 * answers, so that it takes an openat2() to look.
 */
static bool
is_file(const struct dir_store *ds, const char *name)
{
	int fd CLEANUP(fd_close) = -1;
	struct statx stx;

	if (!strchr(name, '/'))
		return !statx(ds->root, name,
			   AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE,
			   &stx) &&
		    S_ISREG(stx.stx_mode);
	fd = open_beneath(ds->root, name, O_PATH | O_NOFOLLOW, 0);
	return fd >= 0 &&
	    !statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_TYPE,
		&stx) &&
	    S_ISREG(stx.stx_mode);
}

/*
 * The short way, for a file that no link leads to; known: it is one.  False
 * says nothing: place_find() will know.
 */
static bool
open_at_once(const struct dir_store *ds, struct rpath path, bool known, int *fd,
    struct statx *stx)
{
	char name[PLAIN_MAX];

	if (!path_is_plain(ds, path, name) || !(known || is_file(ds, name)))
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
find_and_open(const struct dir_store *ds, struct rpath path, bool known,
    int *fd, struct statx *stx, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc;

	fd_close(fd);
	if (open_at_once(ds, path, known, fd, stx))
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
	struct ready_file *ready = NULL;
	int fd CLEANUP(fd_close) = -1;
	enum err_code rc = ERR_OK;

	while (look_on(ds, &l)) {
		why = (struct err){ 0 };
		ready_drop(ready);
		rc = ready_hold(ds, path, &ready);
		if (rc)
			(void)err_nomem(&why);
		else if (!ready || !ready->whole)
			rc = find_and_open(
			    ds, path, ready != NULL, &fd, &stx, &why);
	}
	if (ready && ready->whole)
		return content_of_ready(ds, ready, out, err);
	ready_drop(ready);
	if (rc && err)
		*err = why;
	if (rc)
		return rc;
	return dir_content_new(ds, &stx, &fd, out, err);
}
