/* SPDX-License-Identifier: MIT */
/*
 * The bytes are copied before anything is locked, into a file that nobody
 * sees; then it takes its place as an upload does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_temp.h"

#define COPY_STEP ((size_t)131072)
#define SMALL_FILE ((size_t)65536)
#define MAX_TRIES 16 /* while others make and remove the same name */

/* ---- bytes */

static size_t
step_of(off_t at, off_t end)
{
	return end - at < (off_t)COPY_STEP ? (size_t)(end - at) : COPY_STEP;
}

static enum err_code
copy_by_hand(int in, int out, off_t at, off_t end, struct err *err)
{
	char *step = malloc(step_of(at, end) + 1); /* not 0 */
	enum err_code rc = ERR_OK;
	size_t got = 1;

	if (!step)
		return err_nomem(err);
	if (at && lseek(out, at, SEEK_SET) < 0)
		rc = err_os(err, "seek");
	while (!rc && got && at < end) {
		rc = fd_read_at(
		    in, (uint64_t)at, step, step_of(at, end), &got, err);
		if (!rc)
			rc = fd_write_all(out, str_of(step, got), err);
		at += (off_t)got;
	}
	free(step);
	return rc;
}

static bool
cannot_do_range(int errnum)
{
	return errnum == EXDEV || errnum == EINVAL || errnum == ENOSYS ||
	    errnum == EOPNOTSUPP || errnum == EPERM || errnum == EBADF;
}

static enum err_code
copy_range(int in, int out, off_t at, off_t end, struct err *err)
{
	off_t to = at;

	while (at < end) {
		ssize_t n =
		    copy_file_range(in, &at, out, &to, (size_t)(end - at), 0);

		if (n == 0) /* it has become shorter meanwhile */
			return ERR_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && cannot_do_range(errno))
			return copy_by_hand(in, out, at, end, err);
		if (n < 0)
			return err_os(err, "copy");
	}
	return ERR_OK;
}

/* Where the next bytes begin that are no hole; `end` when there are none. */
static off_t
next_data(int fd, off_t at, off_t end)
{
	off_t data = lseek(fd, at, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : at;
	return data < end ? data : end;
}

static off_t
next_hole(int fd, off_t at, off_t end)
{
	off_t hole = lseek(fd, at, SEEK_HOLE);

	return hole > at && hole < end ? hole : end;
}

static enum err_code
copy_bytes(int in, int out, off_t size, struct err *err)
{
	enum err_code rc = ERR_OK;
	off_t at = 0;

	/*
	 * For a small file, to read and write costs less than to ask for more.
	 */
	if (size <= (off_t)SMALL_FILE)
		return copy_by_hand(in, out, 0, size, err);
	if (!ioctl(out, FICLONE, in))
		return ERR_OK;
	while (!rc && (at = next_data(in, at, size)) < size) {
		off_t hole = next_hole(in, at, size);

		rc = copy_range(in, out, at, hole, err);
		at = hole;
	}
	if (!rc && ftruncate(out, size)) /* a hole at the end */
		rc = err_os(err, "set size");
	return rc;
}

/* ---- the copy */

struct copying {
	struct dir_store *ds;
	struct rpath to;
	enum replace replace;
	const struct guard *guard;
	struct place src;
	struct place begun; /* holds the directory that temp is in */
	struct temp temp;
	struct store_batch *batch;
	bool durable; /* the bytes are on the disk */
	struct statx made; /* what is in place, asked before it is */
};

static void
copying_done(struct copying *c)
{
	temp_done(&c->temp);
	place_done(&c->begun);
	place_done(&c->src);
}

static bool
src_is_dir(const struct copying *c)
{
	return place_is_dir(&c->src);
}

/*
 * A file takes the place of a whole tree, if there is one.  A link to another
 * kind of resource gives way itself, not what it leads to.
 */
static enum err_code
hold_target(struct copying *c, struct hold *h, struct place *p, struct err *err)
{
	enum scope scope = src_is_dir(c) ? SCOPE_PATH : SCOPE_TREE;
	enum err_code rc;

	hold_also(h, c->src.path);
	rc = hold_new(c->ds, c->to, FOLLOW_YES, scope, h, p, err);
	if (rc || p->found == FOUND_NOTHING || place_is_dir(p) == src_is_dir(c))
		return rc;
	hold_done(h);
	place_done(p);
	hold_also(h, c->src.path);
	return hold_new(c->ds, c->to, FOLLOW_NO, scope, h, p, err);
}

/*
 * Looks at both ends, without guard and locks, which are asked at the last
 * moment.
 */
static enum err_code
begin(struct copying *c, struct rpath from, struct err *err)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	enum err_code rc;

	copying_done(c);
	c->durable = false;
	rc = place_find(c->ds, from, FOLLOW_YES, &c->src, err);
	if (!rc)
		rc = place_must_exist(&c->src, err);
	if (!rc)
		rc = hold_target(c, &h, &c->begun, err);
	if (!rc)
		rc = dir_check_ends(&c->src, &c->begun, c->replace, err);
	return rc;
}

static enum err_code
set_time(struct copying *c, struct err *err)
{
	int64_t t = dir_tick(c->ds);
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = t / NSEC_PER_SEC, .tv_nsec = t % NSEC_PER_SEC },
	};

	return futimens(c->temp.fd, times) ? err_os(err, "set time") : ERR_OK;
}

/* Brings the bytes to the disk, as those of an upload. */
static enum err_code
make_durable(struct copying *c, const struct place *p, struct err *err)
{
	bool first =
	    p->found != FOUND_NOTHING || (c->guard && c->guard->record);

	if (c->durable || c->ds->relaxed || c->temp.fd < 0 ||
	    (!first && batch_waits(c->batch, p->dir)))
		return ERR_OK;
	c->durable = true;
	return fsync(c->temp.fd) ? err_os(err, "sync") : ERR_OK;
}

static enum err_code
make_file(struct copying *c, struct err *err)
{
	mode_t mode = c->src.stx.stx_mode & 0777;
	struct statx stx;
	int in CLEANUP(fd_close) =
	    place_open(&c->src, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	enum err_code rc;

	if (in < 0)
		return err_os(err, "read '%.*s'", STR_ARG(c->src.path.s));
	rc = dir_stat_fd(in, &stx, err);
	if (!rc && !S_ISREG(stx.stx_mode))
		return err_set(
		    err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(c->src.path.s));
	c->src.stx = stx; /* that of the bytes */
	if (!rc)
		rc = temp_file(c->ds, c->begun.dir, mode, &c->temp, err);
	if (!rc)
		rc = copy_bytes(in, c->temp.fd, (off_t)stx.stx_size, err);
	if (!rc)
		rc = set_time(c, err);
	/*
	 * Before the claim where that is possible: so the disk keeps nobody
	 * waiting.
	 */
	return rc ? rc : make_durable(c, &c->begun, err);
}

static enum err_code
stat_temp(const struct copying *c, struct statx *out, struct err *err)
{
	if (c->temp.fd >= 0)
		return dir_stat_fd(c->temp.fd, out, err);
	if (statx(
		c->temp.dir, c->temp.name, AT_SYMLINK_NOFOLLOW, STAT_MASK, out))
		return err_os(err, "stat a new collection");
	return ERR_OK;
}

/*
 * Copies a collection over a collection: its members stay, all else is the
 * copy's.
 */
static enum err_code
copy_props_only(struct copying *c, const struct place *p, struct err *err)
{
	struct act act CLEANUP(act_done) = ACT(.kind = CHANGE_PROPS);
	const struct resource src = place_resource(&c->src);
	const struct resource dst = place_resource(p);
	enum err_code rc;

	c->made = p->stx;
	act.change.path = p->path;
	act_makes(&act, c->ds, &p->stx);
	act.change.props_of = &src.id;
	act_remembers(&act, c->guard, c->to, false, &dst);
	if (!src.has_props && !dst.has_props && !act.change.note)
		return ERR_OK;
	act_props(&act, c->ds, c->batch, p->dir);
	rc =
	    state_copy(c->ds->state, &act.change, !act.batch, &act.intent, err);
	return rc ? rc : act_end(&act, err);
}

/* A collection that gives way to a file takes its members along. */
static enum change_kind
change_of(const struct copying *c, const struct place *p)
{
	if (src_is_dir(c))
		return CHANGE_MKCOL;
	return place_is_dir(p) ? CHANGE_TREE : CHANGE_WRITE;
}

/*
 * Properties go first, so that nobody sees the copy without them.  A collection
 * that is to give way is synced at once, and then removed.
 */
static enum err_code
install(struct copying *c, const struct place *p, struct trash *trash,
    struct err *err)
{
	struct store_batch *b = place_is_dir(p) ? NULL : c->batch;
	struct act act CLEANUP(act_done) = ACT(.path = p->path);
	struct resource now;
	enum err_code rc = stat_temp(c, &c->made, err);

	if (!rc && place_is_file(p) && c->temp.fd >= 0 &&
	    fchmod(c->temp.fd, p->stx.stx_mode & 0777))
		rc = err_os(err, "set mode");
	if (rc)
		return rc;
	act.change.kind = change_of(c, p);
	act.change.drops_locks =
	    place_is_dir(p) && state_may_have_locks_from(c->ds->state, p->path);
	act_makes(&act, c->ds, &c->made);
	act_takes(&act, p);
	act_inherits(&act, &c->src);
	dir_resource(c->ds, &c->made, &now);
	act_remembers(&act, c->guard, c->to, p->found == FOUND_NOTHING, &now);
	rc = act_begin(&act, c->ds, b, p->dir, -1, err);
	if (!rc)
		rc = temp_install(c->ds, &c->temp, p, trash, err);
	return rc ? rc : act_end(&act, err);
}

static enum err_code
put_in_place(struct copying *c, const struct place *p, struct trash *trash,
    struct err *err)
{
	enum err_code rc = ERR_OK;

	if (src_is_dir(c) && place_is_dir(p))
		return copy_props_only(c, p, err);
	if (src_is_dir(c))
		rc = temp_dir(c->ds, c->begun.dir, false, &c->temp, err);
	if (!rc)
		rc = install(c, p, trash, err);
	/* Project quotas part a file system as well. */
	if (rc == ERR_CROSS_DEVICE && src_is_dir(c)) {
		rc = temp_dir(c->ds, c->begun.dir, true, &c->temp, err);
		if (!rc)
			rc = install(c, p, trash, err);
	}
	if (rc == ERR_NOT_FOUND || rc == ERR_CROSS_DEVICE)
		return err_set(err, ERR_NO_PARENT,
		    "the collection of '%.*s' has gone", STR_ARG(c->to.s));
	return rc;
}

/*
 * Under the claim: the source is what it was when its bytes were copied, or
 * they are copied once more, now that nobody changes it.  Else its properties
 * would have gone to what replaced it.  *again: it is another kind of thing.
 */
static enum err_code
refresh(struct copying *c, bool *again, struct err *err)
{
	const struct resource was = place_resource(&c->src);
	struct resource now;
	struct statx stx;

	if (statx(
		c->src.dir, c->src.name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return err_os(err, "copy '%.*s'", STR_ARG(c->src.path.s));
	dir_resource(c->ds, &stx, &now);
	if (!memcmp(&now.id, &was.id, sizeof(now.id)))
		return ERR_OK;
	*again = (stx.stx_mode & S_IFMT) != (c->src.stx.stx_mode & S_IFMT);
	if (*again)
		return ERR_OK;
	c->src.stx = stx;
	if (src_is_dir(c))
		return ERR_OK;
	temp_done(&c->temp);
	c->durable = false;
	return make_file(c, err);
}

/*
 * *again: from the beginning.  Something has come to be where there was nothing
 * (ERR_EXISTS), or the source is another kind of thing.
 */
static enum err_code
try_copy(struct copying *c, struct resource *out, bool *created, bool *again,
    struct err *err)
{
	struct trash trash CLEANUP(trash_done) = TRASH_NONE;
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = hold_target(c, &h, &p, err);

	*again = false;
	if (!rc)
		rc = refresh(c, again, err);
	if (*again)
		return rc;
	if (!rc)
		rc = dir_check_ends(&c->src, &p, c->replace, err);
	if (!rc)
		rc = place_allows(&p, TOUCH_CONTENT, &c->src, c->guard, err);
	if (!rc && place_is_dir(&p) && !src_is_dir(c))
		rc = place_allows_below(&p, c->guard, err);
	if (!rc)
		rc = make_durable(c, &p, err);
	if (rc)
		return rc;
	rc = put_in_place(c, &p, &trash, err);
	*again = rc == ERR_EXISTS;
	if (rc)
		return rc;
	if (out)
		dir_resource(c->ds, &c->made, out);
	if (created)
		*created = p.found == FOUND_NOTHING;
	return ERR_OK;
}

enum err_code
dir_copy(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	struct copying c CLEANUP(copying_done) = {
		.ds = dir_of(s),
		.to = to,
		.replace = replace,
		.guard = g,
		.batch = b,
		.src = PLACE_NONE,
		.begun = PLACE_NONE,
		.temp = TEMP_NONE,
	};
	bool again = true;
	int tries;
	enum err_code rc = ERR_OK;

	for (tries = 0; !rc && again && tries < MAX_TRIES; tries++) {
		rc = begin(&c, from, err);
		if (!rc && !src_is_dir(&c))
			rc = make_file(&c, err);
		if (rc)
			return rc;
		rc = try_copy(&c, out, created, &again, err);
		if (rc == ERR_EXISTS && again)
			rc = ERR_OK;
	}
	if (!rc && again)
		return err_set(
		    err, ERR_BUSY, "'%.*s' keeps changing", STR_ARG(to.s));
	return rc;
}
