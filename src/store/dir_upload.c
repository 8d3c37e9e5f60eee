/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_upload.h"

#define MAX_TRIES 16 /* while others make and remove the same name */
#define MANY_NEW 8 /* in a row */

/* The last are followed by what others would have to wait for later. */
static enum err_code
write_file(struct dir_upload *u, struct str bytes, struct err *err)
{
	enum err_code rc = dir_upload_write(u, bytes, err);

	if (!rc && u->spec.keyed && u->written == u->spec.length)
		rc = dir_upload_settle(u, err);
	return rc;
}

static enum err_code
upload_write(struct ostream *o, struct str bytes)
{
	struct dir_upload *u = CONTAINER_OF(o, struct dir_upload, stream);

	u->settled = false;
	u->written += bytes.len;
	if (!u->holds)
		return write_file(u, bytes, &o->err);
	if (u->written > u->spec.length)
		return err_set(&o->err, ERR_INTERNAL, "more than was said");
	memcpy(u->held + (u->written - bytes.len), bytes.ptr, bytes.len);
	return ERR_OK;
}

static const struct ostream_ops upload_stream_ops = {
	.name = "upload",
	.write = upload_write,
};

/* Reserves room, so that a full disk says so before the bytes have come. */
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

/*
 * Whether a flush of the root's file system has ended that began after the last
 * byte was written.
 */
static bool
is_flushed(const struct dir_upload *u)
{
	return atomic_load(&u->ds->flushes_done) > u->flush &&
	    dir_is_on_root_device(u->ds, &u->stx);
}

bool
dir_upload_must_sync(const struct dir_upload *u, bool replaces,
    const struct guard *g, struct store_batch *b)
{
	bool first = replaces || (g && g->record);

	return !u->durable && !u->ds->relaxed &&
	    ((first && !is_flushed(u)) ||
		!batch_waits_for(b, u->temp.fd, &u->stx));
}

/* Syncs the bytes where dir_upload_must_sync() says so. */
static enum err_code
dir_upload_sync(struct dir_upload *u, bool replaces, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	if (!dir_upload_must_sync(u, replaces, g, b))
		return ERR_OK;
	u->durable = true;
	return fsync(u->temp.fd) ? err_os(err, "sync") : ERR_OK;
}

/* Begins that sync in s; dir_upload_synced() waits for its end. */
static void
dir_upload_sync_begin(struct dir_upload *u, bool replaces,
    const struct guard *g, struct store_batch *b, struct syncs *s)
{
	if (!dir_upload_must_sync(u, replaces, g, b))
		return;
	u->durable = true;
	if (b) /* with one there may be no line to wait for meanwhile */
		syncs_make(s, &u->ds->lanes, &u->temp.fd, 1);
	else
		syncs_begin(s, &u->ds->lanes, &u->temp.fd, 1);
}

static enum err_code
dir_upload_synced(struct syncs *s, struct err *err)
{
	syncs_end(s);
	errno = s->failed[0];
	return errno ? err_os(err, "sync") : ERR_OK;
}

void
dir_upload_describe(const struct dir_upload *u, const struct place *p,
    const struct guard *g, struct act *act)
{
	act->change.path = p->path;
	if (place_is_file(p))
		act_inherits(act, p);
	act->made = u->now.id;
	act->change.made = &act->made;
	act_takes(act, p);
	act_remembers(act, g, u->path, p->found == FOUND_NOTHING, &u->now);
}

/*
 * Finds the place by what was seen at the beginning: if the commit finds it
 * otherwise, what was foretold is void.
 */
static bool
find_likely(struct dir_upload *u, struct place *p)
{
	if (!u->straight)
		return !place_for_new(u->ds, u->path, FOLLOW_YES, p, NULL) &&
		    !place_is_dir(p) && rpath_eq(p->path, u->path);
	p->path = u->path;
	p->found = FOUND_NOTHING;
	return true;
}

bool
dir_upload_foretell(struct foretold *f)
{
	struct dir_upload *u = CONTAINER_OF(f, struct dir_upload, foretold);
	const struct guard g = { .record = f->record };
	struct place p CLEANUP(place_done) = PLACE_NONE;

	if (u->stream.err.code || dir_upload_settle(u, NULL) ||
	    !hold_try(u->ds, u->path, &f->hold))
		return false;
	if (!find_likely(u, &p) ||
	    !batch_waits_for(f->batch, u->temp.fd, &u->stx)) {
		hold_done(&f->hold);
		return false;
	}
	f->act = ACT(.kind = CHANGE_WRITE, .traced = true);
	dir_upload_describe(u, &p, &g, &f->act);
	f->act.change.path = u->path;
	return true;
}

enum err_code
dir_upload_install(struct dir_upload *u, const struct place *p,
    struct trash *trash, struct err *err)
{
	enum err_code rc = temp_install(u->ds, &u->temp, p, trash, err);

	if (rc == ERR_NOT_FOUND || rc == ERR_CROSS_DEVICE)
		return err_set(err, ERR_NO_PARENT,
		    "the collection of '%.*s' has gone", STR_ARG(u->path.s));
	return rc;
}

struct resource
dir_upload_now(const struct dir_upload *u)
{
	struct resource now = u->now;

	now.has_props = state_may_have_props(u->ds->state, &now.id);
	return now;
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

static enum err_code
get_ready(struct dir_upload *u, const struct place *p, const struct guard *g,
    struct err *err)
{
	enum err_code rc = must_not_be_dir(p, err);

	if (!rc)
		rc = place_allows(p, TOUCH_CONTENT, NULL, g, err);
	return rc ? rc : dir_upload_make(u, p, err);
}

enum err_code
dir_upload_over(struct dir_upload *u, struct place *p, const struct guard *g,
    struct store_batch *b, struct act *act, struct trash *trash,
    struct err *err)
{
	enum err_code rc;

	if (!rpath_eq(p->path, u->path) || act->intent)
		return ERR_EXISTS;
	if (err)
		err_clear(err);
	rc = place_look(p, err);
	if (!rc && p->found != FOUND_NOTHING && p->found != FOUND_SERVED)
		return ERR_EXISTS;
	if (!rc)
		rc = get_ready(u, p, g, err);
	if (!rc)
		rc = dir_upload_sync(u, p->found != FOUND_NOTHING, g, b, err);
	if (rc)
		return rc;
	dir_upload_describe(u, p, g, act);
	return state_change_is_line(u->ds->state, &act->change)
	    ? dir_upload_install(u, p, trash, err)
	    : ERR_EXISTS;
}

/* ERR_EXISTS: somebody else made it since we looked. */
static enum err_code
try_commit(struct dir_upload *u, const struct guard *g, struct store_batch *b,
    bool blind, bool *created, struct err *err)
{
	struct trash trash CLEANUP(trash_done) = TRASH_NONE;
	struct hold h CLEANUP(
	    hold_done) = { .mine = &u->foretold, .at_once = u->at_once };
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct act act CLEANUP(act_done) =
	    ACT(.kind = CHANGE_WRITE, .at_once = u->at_once);
	struct syncs bytes CLEANUP(syncs_end) = { 0 };
	enum err_code rc = hold_new(u->ds, u->path,
	    blind ? FOLLOW_BLIND : FOLLOW_YES, SCOPE_PATH, &h, &p, err);

	if (!rc)
		rc = get_ready(u, &p, g, err);
	if (rc)
		return rc;
	/*
	 * The bytes are on their way to the disk while the line is waited for.
	 */
	dir_upload_sync_begin(u, p.found != FOUND_NOTHING, g, b, &bytes);
	dir_upload_describe(u, &p, g, &act);
	rc = begin_act(u, &act, b, p.dir, err);
	if (!rc)
		rc = dir_upload_synced(&bytes, err);
	if (!rc)
		rc = dir_upload_install(u, &p, &trash, err);
	if (rc == ERR_EXISTS && blind)
		rc = dir_upload_over(u, &p, g, b, &act, &trash, err);
	if (rc)
		return rc;
	*created = p.found == FOUND_NOTHING;
	return act_end(&act, err);
}

bool
dir_is_likely_new(const struct dir_store *ds)
{
	return atomic_load_explicit(&ds->new_files, memory_order_relaxed) >=
	    MANY_NEW;
}

void
dir_was_new(struct dir_store *ds, bool is_new)
{
	unsigned n = atomic_load_explicit(&ds->new_files, memory_order_relaxed);

	if (is_new ? n < MANY_NEW : n > 0)
		atomic_store_explicit(
		    &ds->new_files, is_new ? n + 1 : 0, memory_order_relaxed);
}

static enum err_code
commit(struct dir_upload *u, const struct guard *g, struct store_batch *b,
    struct resource *out, bool *created, struct err *err)
{
	bool blind = u->holds && dir_is_likely_new(u->ds);
	bool new = false;
	int tries = 0;
	enum err_code rc = ERR_OK;

	if (!u->holds)
		rc = dir_upload_settle(u, err); /* while it may still fail */
	/*
	 * Before the claim where that is possible: so the disk keeps nobody
	 * waiting.
	 */
	if (!rc && !u->holds && !u->early)
		rc = dir_upload_sync(u, u->replaces, g, b, err);
	if (rc)
		return rc;
	if (blind)
		rc = try_commit(u, g, b, true, &new, err);
	/* After a sync that failed another would seem to succeed. */
	if (!blind || rc == ERR_EXISTS || (rc && !u->durable))
		do
			rc = try_commit(u, g, b, false, &new, err);
		while (rc == ERR_EXISTS && ++tries < MAX_TRIES);
	if (rc)
		return rc;
	dir_was_new(u->ds, new);
	if (out)
		*out = dir_upload_now(u);
	if (created)
		*created = new;
	return ERR_OK;
}

static enum err_code
dir_upload_commit(struct upload *base, const struct guard *g,
    struct store_batch *b, struct resource *out, bool *created, struct err *err)
{
	struct dir_upload *u = CONTAINER_OF(base, struct dir_upload, base);

	u->at_once = false;
	return commit(u, g, b, out, created, err);
}

/* Most small changes need no transaction, and relaxed ones no sync. */
static bool
dir_upload_commit_at_once(struct upload *base, const struct guard *g,
    struct resource *out, bool *created, enum err_code *rc, struct err *err)
{
	struct dir_upload *u = CONTAINER_OF(base, struct dir_upload, base);
	enum err_code got;

	if (!u->holds || !u->ds->relaxed || atomic_load(&u->ds->keyed))
		return false;
	u->at_once = true;
	got = commit(u, g, NULL, out, created, err);
	if (got == ERR_BUSY) {
		if (err)
			*err = (struct err){ 0 };
		return false;
	}
	*rc = got;
	return true;
}

static void
dir_upload_expect(
    struct upload *base, const struct record *r, struct store_batch *b)
{
	struct dir_upload *u = CONTAINER_OF(base, struct dir_upload, base);

	foretold_expect(&u->foretold, u->ds, r, b);
}

static void
commit_all(struct commit *c, size_t n)
{
	if (c[0].batch)
		dir_upload_commit_run(c, n);
	else
		dir_upload_commit_all(c, n);
}

/* Where a sync takes long, so may all else that meets one under way. */
static bool
dir_upload_joins(struct upload *base, int64_t *patience)
{
	struct dir_upload *u = CONTAINER_OF(base, struct dir_upload, base);

	*patience = state_patience(u->ds->state);
	if (!u->holds || u->ds->relaxed)
		return false;
	if (!u->stream.err.code && !state_sync_is_long(u->ds->state))
		dir_upload_make_early(u);
	return true;
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
	.commit_at_once = dir_upload_commit_at_once,
	.joins = dir_upload_joins,
	.commit_all = commit_all,
	.free = dir_upload_free,
};

/* ---- begin */

/*
 * Many uploads may wait for their commit: each keeps one descriptor, if that
 * will do.
 */
static enum err_code
begin(struct dir_upload *u, struct err *err)
{
	struct place *p = &u->begun;
	enum err_code rc = place_for_new(u->ds, u->path, FOLLOW_YES, p, err);

	u->replaces = p->found != FOUND_NOTHING;
	u->mode_of = place_is_file(p) ? p->stx.stx_mode : 0;
	u->straight = !rc && !u->replaces && rpath_eq(p->path, u->path);
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
	bool holds = spec->soon && spec->length &&
	    spec->length < RESERVE_FROM &&
	    (!spec->batched || dir_of(s)->relaxed);
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
