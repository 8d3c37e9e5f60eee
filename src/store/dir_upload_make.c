/* SPDX-License-Identifier: MIT */
/*
 * The file of an upload: what it needs before it can get a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_upload.h"

enum err_code
dir_upload_write(struct dir_upload *u, struct str bytes, struct err *err)
{
	enum err_code rc = fd_write_all(u->temp.fd, bytes, err);

	u->flush = atomic_load(&u->ds->flushes_begun);
	return rc;
}

static enum err_code
set_time(const struct dir_upload *u, struct err *err)
{
	int64_t t = u->spec.has_modified ? u->spec.modified : dir_tick(u->ds);
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = clock_seconds(t),
		    .tv_nsec = t - clock_seconds(t) * NSEC_PER_SEC },
	};

	return futimens(u->temp.fd, times) ? err_os(err, "set time") : ERR_OK;
}

static enum err_code
give_back(const struct dir_upload *u, struct err *err)
{
	return u->written < u->spec.length &&
		ftruncate(u->temp.fd, (off_t)u->written)
	    ? err_os(err, "give back reserved space")
	    : ERR_OK;
}

/* Gives the new file the permissions of this mode. */
static enum err_code
take_mode(struct dir_upload *u, uint16_t as, struct err *err)
{
	mode_t mode = as & 0777;

	if ((u->stx.stx_mode & 07777) == mode)
		return ERR_OK;
	if (fchmod(u->temp.fd, mode))
		return err_os(err, "set mode");
	u->stx.stx_mode = (uint16_t)(S_IFREG | mode);
	u->durable = false;
	return ERR_OK;
}

enum err_code
dir_upload_settle(struct dir_upload *u, struct err *err)
{
	enum err_code rc;

	if (u->settled)
		return ERR_OK;
	rc = set_time(u, err);
	if (!rc)
		rc = give_back(u, err);
	if (!rc)
		rc = dir_stat_fd(u->temp.fd, &u->stx, err);
	u->own_mode = u->stx.stx_mode;
	/* Before the bytes are synced, so that no claim need wait for that. */
	if (!rc && S_ISREG(u->mode_of))
		rc = take_mode(u, u->mode_of, err);
	if (rc)
		return rc;
	dir_resource(u->ds, &u->stx, &u->now);
	u->settled = true;
	return ERR_OK;
}

/*
 * Makes the file of what was held, for a place in dir.  Most often no statx()
 * but the last is needed to see that nobody had its id before.
 */
static enum err_code
make_held(struct dir_upload *u, int dir, bool checked, struct err *err)
{
	const struct str bytes = str_of(u->held, u->written);
	enum err_code rc = checked
	    ? temp_file(u->ds, dir, 0666, &u->temp, err)
	    : temp_file_unchecked(u->ds, dir, 0666, &u->temp, err);

	if (!rc)
		rc = dir_upload_write(u, bytes, err);
	u->settled = false;
	return rc ? rc : dir_upload_settle(u, err);
}

/*
 * Keeps a descriptor of the collection, if the file has a name there: that
 * outlives the place.
 */
static enum err_code
keep_dir(struct dir_upload *u, struct err *err)
{
	if (!u->temp.name[0])
		return ERR_OK;
	u->begun.dir = fcntl(u->temp.dir, F_DUPFD_CLOEXEC, 0);
	if (u->begun.dir >= 0) {
		u->temp.dir = u->begun.dir;
		return ERR_OK;
	}
	temp_done(&u->temp);
	return err_os(err, "keep the collection open");
}

/* Makes a file of what was held, for a place in dir. */
static enum err_code
let_go(struct dir_upload *u, int dir, struct err *err)
{
	enum err_code rc;

	if (!u->holds)
		return ERR_OK;
	rc = make_held(u, dir, false, err);
	if (!rc && u->now.has_props) {
		temp_done(&u->temp);
		rc = u->at_once ? err_set(err, ERR_BUSY, "its id is another's")
				: make_held(u, dir, true, err);
	}
	if (rc)
		temp_done(&u->temp);
	else
		rc = keep_dir(u, err);
	u->holds = rc != ERR_OK;
	return rc;
}

static enum err_code
inherit(struct dir_upload *u, const struct place *p, struct err *err)
{
	return take_mode(
	    u, place_is_file(p) ? p->stx.stx_mode : u->own_mode, err);
}

static bool
is_newer(const struct statx *a, const struct statx *b)
{
	return a->stx_mtime.tv_sec > b->stx_mtime.tv_sec ||
	    (a->stx_mtime.tv_sec == b->stx_mtime.tv_sec &&
		a->stx_mtime.tv_nsec > b->stx_mtime.tv_nsec);
}

/*
 * Gives the file a later time: others may have changed what is at p since it
 * was made.
 */
static enum err_code
renew(struct dir_upload *u, const struct place *p, struct err *err)
{
	if (!u->early || u->spec.has_modified || !place_is_file(p) ||
	    is_newer(&u->stx, &p->stx))
		return ERR_OK;
	u->settled = u->durable = false;
	return dir_upload_settle(u, err);
}

enum err_code
dir_upload_make(struct dir_upload *u, const struct place *p, struct err *err)
{
	enum err_code rc = let_go(u, p->dir, err);

	if (!rc)
		rc = renew(u, p, err);
	return rc ? rc : inherit(u, p, err);
}

void
dir_upload_start(const struct dir_upload *u)
{
	(void)sync_file_range(u->temp.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void
dir_upload_make_early(struct dir_upload *u)
{
	const struct str bytes = str_of(u->held, u->written);
	char dir[PLAIN_MAX];
	char *end;
	bool made;

	if (!u->ds->nameless || !path_is_plain(u->ds, u->path, dir))
		return;
	end = strrchr(dir, '/');
	if (end)
		*end = '\0';
	u->temp.fd = open_beneath(
	    u->ds->root, end ? dir : ".", O_TMPFILE | O_RDWR, 0666);
	made = u->temp.fd >= 0 && dir_upload_write(u, bytes, NULL) == ERR_OK &&
	    dir_upload_settle(u, NULL) == ERR_OK && !u->now.has_props;
	u->settled = u->early = made;
	u->holds = !made;
	if (made)
		dir_upload_start(u);
	else
		temp_done(&u->temp);
}
