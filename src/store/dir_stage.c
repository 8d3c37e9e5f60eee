/* SPDX-License-Identifier: MIT */
/* Files that have no path yet. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_apply.h"

static enum err_code
staged_write(struct ostream *o, struct str bytes)
{
	struct dir_staged *u = CONTAINER_OF(o, struct dir_staged, stream);

	u->written += bytes.len;
	return fd_write_all(u->temp.fd, bytes, &o->err);
}

static const struct ostream_ops staged_stream_ops = {
	.name = "staged upload",
	.write = staged_write,
};

enum err_code
dir_staged_settle(struct dir_staged *u, struct err *err)
{
	int64_t t = u->spec.has_modified ? u->spec.modified : dir_tick(u->ds);
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = clock_seconds(t),
		    .tv_nsec = t - clock_seconds(t) * NSEC_PER_SEC },
	};
	enum err_code rc;

	if (u->settled)
		return ERR_OK;
	if (u->written < u->spec.length &&
	    ftruncate(u->temp.fd, (off_t)u->written))
		return err_os(err, "give back reserved space");
	if (futimens(u->temp.fd, times))
		return err_os(err, "set time");
	rc = dir_stat_fd(u->temp.fd, &u->stx, err);
	if (rc)
		return rc;
	u->settled = true;
	if (temp_park(u->ds, &u->temp))
		fd_close(&u->dir);
	return ERR_OK;
}

static enum err_code
staged_settle(struct upload *base, struct resource *out, struct err *err)
{
	struct dir_staged *u = CONTAINER_OF(base, struct dir_staged, base);
	enum err_code rc = dir_staged_settle(u, err);

	if (!rc && out)
		dir_resource(u->ds, &u->stx, out);
	return rc;
}

static enum err_code
staged_open(struct upload *base, struct content **out, struct err *err)
{
	struct dir_staged *u = CONTAINER_OF(base, struct dir_staged, base);
	int fd = u->temp.fd >= 0
	    ? fcntl(u->temp.fd, F_DUPFD_CLOEXEC, 0)
	    : open_beneath(u->temp.dir, u->temp.name, O_RDONLY, 0);

	assert(u->settled);
	if (fd < 0)
		return err_os(err, "open what was staged");
	return dir_content_new(u->ds, &u->stx, &fd, out, err);
}

static enum err_code
staged_commit(struct upload *u, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	(void)u;
	(void)g;
	(void)b;
	(void)out;
	(void)created;
	return err_set(err, ERR_NOT_IMPLEMENTED, "it was staged");
}

static void
staged_free(struct upload *base)
{
	struct dir_staged *u = CONTAINER_OF(base, struct dir_staged, base);

	temp_done(&u->temp);
	fd_close(&u->dir);
	free(u);
}

static const struct upload_ops staged_ops = {
	.commit = staged_commit,
	.settle = staged_settle,
	.open = staged_open,
	.free = staged_free,
};

struct dir_staged *
dir_staged_of(struct upload *u)
{
	assert(u->ops == &staged_ops);
	return CONTAINER_OF(u, struct dir_staged, base);
}

/* A disk that is too full says so before the bytes have come. */
static enum err_code
reserve(const struct dir_staged *u, struct err *err)
{
	uint64_t length = u->spec.length;

	if (length < RESERVE_FROM || length > INT64_MAX ||
	    !fallocate(u->temp.fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)length))
		return ERR_OK;
	if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
		return ERR_OK;
	return err_os(err, "reserve %llu bytes", (unsigned long long)length);
}

static enum err_code
begin(struct dir_staged *u, struct rpath near, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = place_find(u->ds, near, FOLLOW_YES, &p, err);

	if (!rc)
		rc = place_must_exist(&p, err);
	if (rc)
		return rc;
	u->dir = place_is_dir(&p)
	    ? place_open(&p, O_PATH | O_DIRECTORY)
	    : open_beneath(p.dir, ".", O_PATH | O_DIRECTORY, 0);
	if (u->dir < 0)
		return err_os(err, "open '%.*s'", STR_ARG(near.s));
	rc = temp_file(u->ds, u->dir, 0666, &u->temp, err);
	return rc ? rc : reserve(u, err);
}

enum err_code
dir_stage(struct store *s, struct rpath near, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	struct dir_staged *u = calloc(1, sizeof(*u));
	enum err_code rc;

	if (!u)
		return err_nomem(err);
	u->ds = dir_of(s);
	u->spec = *spec;
	u->dir = -1;
	u->temp = TEMP_NONE;
	ostream_init(&u->stream, &staged_stream_ops);
	upload_init(&u->base, &staged_ops, &u->stream);
	rc = begin(u, near, err);
	if (rc) {
		staged_free(&u->base);
		return rc;
	}
	*out = &u->base;
	return ERR_OK;
}
