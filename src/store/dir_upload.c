/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_foretell.h"
#include "store/dir_temp.h"

#define MAX_TRIES 16 /* while others make and remove the same name */

struct dir_upload {
	struct upload base;
	struct ostream stream;
	struct dir_store *ds;
	struct upload_spec spec;
	uint64_t written;
	uint64_t flush; /* that was begun when it was last written to */
	bool durable; /* the bytes are on the disk */
	bool counts; /* among ds->before_names */
	bool settled; /* so is what stx says, since it was last written to */
	bool holds; /* the bytes are in `held` yet, and there is no file */
	char *held; /* room for what spec says */
	struct statx stx;
	struct foretold foretold;
	bool replaces; /* there was something when it was begun */
	struct place
	    begun; /* the directory that temp is in, where it has a name */
	struct temp temp;
	struct rpath path; /* in bytes */
	char bytes[];
};

static enum err_code
write_bytes(struct dir_upload *u, struct str bytes, struct err *err)
{
	enum err_code rc = fd_write_all(u->temp.fd, bytes, err);

	u->flush = atomic_load(&u->ds->flushes_begun);
	return rc;
}

static enum err_code
upload_write(struct ostream *o, struct str bytes)
{
	struct dir_upload *u = CONTAINER_OF(o, struct dir_upload, stream);

	u->settled = false;
	u->written += bytes.len;
	if (!u->holds)
		return write_bytes(u, bytes, &o->err);
	if (u->written > u->spec.length)
		return err_set(&o->err, ERR_INTERNAL, "more than was said");
	memcpy(u->held + (u->written - bytes.len), bytes.ptr, bytes.len);
	return ERR_OK;
}

static const struct ostream_ops upload_stream_ops = {
	.name = "upload",
	.write = upload_write,
};

/* A disk that is too full says so before the bytes have come. */
static enum err_code
reserve(int fd, uint64_t length, struct err *err)
{
	if (length < RESERVE_FROM || length > INT64_MAX)
		return ERR_OK;
	if (!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)length))
		return ERR_OK;
	if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
		return ERR_OK;
	return err_os(err, "reserve %llu bytes", (unsigned long long)length);
}

static enum err_code
must_not_be_dir(const struct place *p, struct err *err)
{
	if (!place_is_dir(p))
		return ERR_OK;
	return err_set(err, ERR_IS_COLLECTION, "'%.*s'", STR_ARG(p->path.s));
}

/* ---- commit */

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

/* Then it is known what it will be. */
static enum err_code
settle(struct dir_upload *u, struct err *err)
{
	enum err_code rc = u->settled ? ERR_OK : set_time(u, err);

	if (!rc && !u->settled)
		rc = give_back(u, err);
	if (!rc && !u->settled)
		rc = dir_stat_fd(u->temp.fd, &u->stx, err);
	u->settled = !rc;
	return rc;
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
		rc = write_bytes(u, bytes, err);
	u->settled = false;
	return rc ? rc : settle(u, err);
}

/* What has a name there outlives the place, and wants its own descriptor. */
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

static enum err_code
let_go(struct dir_upload *u, int dir, struct err *err)
{
	struct resource now;
	enum err_code rc;

	if (!u->holds)
		return ERR_OK;
	rc = make_held(u, dir, false, err);
	if (!rc)
		dir_resource(u->ds, &u->stx, &now);
	if (!rc && now.has_props) {
		temp_done(&u->temp);
		rc = make_held(u, dir, true, err);
	}
	if (rc)
		temp_done(&u->temp);
	else
		rc = keep_dir(u, err);
	u->holds = rc != ERR_OK;
	return rc;
}

/* A flush of the root's file system that began later has ended. */
static bool
is_flushed(const struct dir_upload *u)
{
	return atomic_load(&u->ds->flushes_done) > u->flush &&
	    dir_is_on_root_device(u->ds, &u->stx);
}

/*
 * The bytes must be on the disk before they take the place of others, and
 * before their name says that what has a record was done; else a batch may do
 * it at its end.  The place is on the same file system, or it cannot get there.
 */
static enum err_code
make_durable(struct dir_upload *u, bool replaces, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	bool first = replaces || (g && g->record);

	if (u->durable || u->ds->relaxed ||
	    ((!first || is_flushed(u)) && batch_waits(b, u->temp.fd)))
		return ERR_OK;
	u->durable = true;
	return fsync(u->temp.fd) ? err_os(err, "sync") : ERR_OK;
}

/* What the change at p will be, and what is remembered of it. */
static void
describe(const struct dir_upload *u, const struct place *p,
    const struct guard *g, struct act *act)
{
	struct resource now;

	act->change.path = p->path;
	if (place_is_file(p))
		act_inherits(act, p);
	act_makes(act, u->ds, &u->stx);
	act_takes(act, p);
	dir_resource(u->ds, &u->stx, &now);
	act_remembers(act, g, u->path, p->found == FOUND_NOTHING, &now);
}

bool
dir_upload_foretell(struct foretold *f)
{
	struct dir_upload *u = CONTAINER_OF(f, struct dir_upload, foretold);
	const struct guard g = { .record = f->record };
	struct place p CLEANUP(place_done) = PLACE_NONE;

	if (u->stream.err.code || settle(u, NULL) ||
	    !hold_try(u->ds, u->path, &f->hold))
		return false;
	if (place_for_new(u->ds, u->path, FOLLOW_YES, &p, NULL) ||
	    place_is_dir(&p) || !rpath_eq(p.path, u->path) ||
	    !batch_waits(f->batch, p.dir)) {
		hold_done(&f->hold);
		return false;
	}
	f->act = ACT(.kind = CHANGE_WRITE, .traced = true);
	describe(u, &p, &g, &f->act);
	f->act.change.path = u->path;
	return true;
}

/* The new file gets the mode of the one it replaces. */
static enum err_code
inherit(const struct dir_upload *u, const struct place *p, struct err *err)
{
	if (!place_is_file(p))
		return ERR_OK;
	return fchmod(u->temp.fd, p->stx.stx_mode & 0777)
	    ? err_os(err, "set mode")
	    : ERR_OK;
}

static enum err_code
begin_act(struct dir_upload *u, struct act *act, struct store_batch *b, int dir,
    struct err *err)
{
	uint64_t intent;

	if (foretold_take(&u->foretold, &act->change, &intent))
		return act_begin_foretold(act, u->ds, b, dir, intent, err);
	return act_begin(act, u->ds, b, dir, -1, err);
}

/* ERR_EXISTS: somebody else made it since we looked. */
static enum err_code
try_commit(struct dir_upload *u, const struct guard *g, struct store_batch *b,
    bool *created, struct err *err)
{
	struct trash trash CLEANUP(trash_done) = TRASH_NONE;
	struct hold h CLEANUP(hold_done) = { .mine = &u->foretold };
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct act act CLEANUP(act_done) = ACT(.kind = CHANGE_WRITE);
	enum err_code rc =
	    hold_new(u->ds, u->path, FOLLOW_YES, SCOPE_PATH, &h, &p, err);

	if (!rc)
		rc = must_not_be_dir(&p, err);
	if (!rc)
		rc = place_allows(&p, TOUCH_CONTENT, NULL, g, err);
	if (!rc)
		rc = let_go(u, p.dir, err);
	if (!rc)
		rc = inherit(u, &p, err);
	if (!rc)
		rc = make_durable(u, p.found != FOUND_NOTHING, g, b, err);
	if (rc)
		return rc;
	describe(u, &p, g, &act);
	rc = begin_act(u, &act, b, p.dir, err);
	if (!rc)
		rc = temp_install(u->ds, &u->temp, &p, &trash, err);
	if (rc == ERR_NOT_FOUND || rc == ERR_CROSS_DEVICE)
		return err_set(err, ERR_NO_PARENT,
		    "the collection of '%.*s' has gone", STR_ARG(u->path.s));
	if (rc)
		return rc;
	*created = p.found == FOUND_NOTHING;
	return act_end(&act, err);
}

static enum err_code
dir_upload_commit(struct upload *base, const struct guard *g,
    struct store_batch *b, struct resource *out, bool *created, struct err *err)
{
	struct dir_upload *u = CONTAINER_OF(base, struct dir_upload, base);
	bool new = false;
	int tries = 0;
	enum err_code rc = ERR_OK;

	if (!u->holds)
		rc = settle(u, err); /* while it may still fail */
	/* Before the claim, if it can be: the disk keeps nobody waiting. */
	if (!rc && !u->holds)
		rc = make_durable(u, u->replaces, g, b, err);
	if (rc)
		return rc;
	do
		rc = try_commit(u, g, b, &new, err);
	while (rc == ERR_EXISTS && ++tries < MAX_TRIES);
	if (rc)
		return rc;
	if (out)
		dir_resource(u->ds, &u->stx, out);
	if (created)
		*created = new;
	return ERR_OK;
}

static void
dir_upload_expect(
    struct upload *base, const struct record *r, struct store_batch *b)
{
	struct dir_upload *u = CONTAINER_OF(base, struct dir_upload, base);

	foretold_expect(&u->foretold, u->ds, r, b);
}

/* Most small changes need no transaction, and none of them a sync. */
static bool
dir_upload_is_quick(struct upload *base)
{
	const struct dir_upload *u =
	    CONTAINER_OF(base, struct dir_upload, base);

	return u->holds && u->ds->relaxed && !claim_would_wait(u->ds, u->path);
}

static void
dir_upload_free(struct upload *base)
{
	struct dir_upload *u = CONTAINER_OF(base, struct dir_upload, base);

	foretold_done(&u->foretold);
	if (u->counts)
		atomic_fetch_sub(&u->ds->before_names, 1);
	temp_done(&u->temp);
	place_done(&u->begun);
	free(u);
}

static const struct upload_ops dir_upload_ops = {
	.expect = dir_upload_expect,
	.commit = dir_upload_commit,
	.is_quick = dir_upload_is_quick,
	.free = dir_upload_free,
};

/* ---- begin */

/* Many may wait for their commit: one descriptor each, if that will do. */
static enum err_code
begin(struct dir_upload *u, struct err *err)
{
	struct place *p = &u->begun;
	enum err_code rc = place_for_new(u->ds, u->path, FOLLOW_YES, p, err);

	u->replaces = p->found != FOUND_NOTHING;
	u->counts = u->replaces || u->spec.keyed;
	if (u->counts)
		atomic_fetch_add(&u->ds->before_names, 1);
	if (!rc)
		rc = must_not_be_dir(p, err);
	if (!rc)
		rc = temp_file(u->ds, p->dir, 0666, &u->temp, err);
	if (!rc)
		rc = reserve(u->temp.fd, u->spec.length, err);
	if (!rc && !u->temp.name[0]) {
		place_done(p);
		u->temp.dir = -1;
	}
	return rc;
}

enum err_code
dir_upload(struct store *s, struct rpath path, const struct upload_spec *spec,
    struct upload **out, struct err *err)
{
	bool holds = spec->soon && spec->length && spec->length < RESERVE_FROM;
	size_t room = holds ? (size_t)spec->length : 0;
	struct dir_upload *u = calloc(1, sizeof(*u) + path.s.len + room);
	enum err_code rc;

	if (!u)
		return err_nomem(err);
	memcpy(u->bytes, path.s.ptr, path.s.len);
	u->path.s = str_of(u->bytes, path.s.len);
	u->ds = dir_of(s);
	u->spec = *spec;
	u->begun = PLACE_NONE;
	u->temp = TEMP_NONE;
	ostream_init(&u->stream, &upload_stream_ops);
	upload_init(&u->base, &dir_upload_ops, &u->stream);
	u->held = u->bytes + path.s.len;
	u->holds = holds;
	rc = holds ? ERR_OK : begin(u, err);
	if (rc) {
		upload_free(&u->base);
		return rc;
	}
	*out = &u->base;
	return ERR_OK;
}
