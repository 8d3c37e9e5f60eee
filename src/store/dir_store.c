/* SPDX-License-Identifier: MIT */
#include "store/stores.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_listing.h"
#include "store/dir_ready.h"
#include "store/dir_temp.h"
#include "store/dir_watch.h"

static void
dir_close(struct store *s)
{
	struct dir_store *ds = dir_of(s);

	listings_free(ds->listings);
	ready_free(ds->ready);
	staging_close(ds);
	state_close(ds->state);
	fd_close(&ds->root);
	buf_done(&ds->hidden);
	claims_done(&ds->claims);
	sync_lanes_done(&ds->lanes);
	apply_gate_free(ds->gate);
	(void)pthread_mutex_destroy(&ds->staging_lock);
	free(ds);
}

static const struct store_ops dir_ops = {
	.name = "directory",
	.stat = dir_stat,
	.walk = dir_walk,
	.walk_is_quick = dir_walk_is_quick,
	.open = dir_open,
	.upload = dir_upload,
	.may_make = dir_may_make,
	.mkcol = dir_mkcol,
	.remove = dir_remove,
	.copy = dir_copy,
	.copy_members = dir_copy_members,
	.remove_members = dir_remove_members,
	.rename = dir_rename,
	.allows = dir_allows,
	.lock = dir_lock,
	.lock_refresh = dir_lock_refresh,
	.unlock = dir_unlock,
	.lock_is_quick = dir_lock_is_quick,
	.locks = dir_locks,
	.locks_below = dir_locks_below,
	.patch = dir_patch,
	.patch_is_quick = dir_patch_is_quick,
	.props = dir_props,
	.space = dir_space,
	.batch_begin = dir_batch_begin,
	.batch_end = dir_batch_end,
	.batch_flush = dir_batch_flush,
	.recall = dir_recall,
	.recall_any = dir_recall_any,
	.remember = dir_remember,
	.resolve = dir_resolve,
	.find_spots = dir_find_spots,
	.claim = dir_claim,
	.claim_end = dir_claim_end,
	.stage = dir_stage,
	.apply = dir_apply,
	.close = dir_close,
};

static enum err_code
open_root(struct dir_store *ds, const char *dir, struct err *err)
{
	struct statx stx;
	int probe CLEANUP(fd_close) = -1;
	enum err_code rc;

	ds->root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ds->root < 0)
		return err_os(err, "open '%s'", dir);
	probe = open_beneath(ds->root, ".", O_PATH | O_DIRECTORY, 0);
	if (probe < 0 && (errno == ENOSYS || errno == EPERM))
		return err_os(
		    err, "openat2() is needed (Linux 5.6, not filtered out)");
	if (probe < 0)
		return err_os(err, "open '%s'", dir);
	rc = dir_stat_fd(ds->root, &stx, err);
	if (rc)
		return rc;
	ds->dev_major = stx.stx_dev_major;
	ds->dev_minor = stx.stx_dev_minor;
	ds->tells_inodes = watch_is_local(probe);
	return ERR_OK;
}

/* Notes where in the tree the state directory is, if it is there. */
static enum err_code
hide_state(struct dir_store *ds, struct rpath tree, struct rpath state,
    struct err *err)
{
	if (rpath_eq(tree, state))
		return err_set(err, ERR_IN_USE,
		    "the state directory cannot be the one that is served");
	if (!rpath_is_ancestor(tree, state))
		return ERR_OK;
	buf_putc(&ds->hidden, '/');
	buf_put(&ds->hidden, rpath_below(tree, state));
	return buf_failed(&ds->hidden) ? err_nomem(err) : ERR_OK;
}

/*
 * Notes the ids of root and state directory, for walks, which may come to them
 * by a link.
 */
static enum err_code
note_ids(struct dir_store *ds, int state, struct err *err)
{
	struct resource r;
	struct statx stx;
	enum err_code rc = dir_stat_fd(state, &stx, err);

	if (rc)
		return rc;
	dir_resource(ds, &stx, &r);
	ds->hidden_id = r.id;
	rc = dir_stat_fd(ds->root, &stx, err);
	if (rc)
		return rc;
	dir_resource(ds, &stx, &r);
	ds->root_id = r.id;
	return ERR_OK;
}

static enum err_code
no_state(const char *name, struct err *err)
{
	return err_os(err,
	    "cannot make or open '%s'"
	    " (--state chooses another place)",
	    name);
}

/* The state directory, made if it is not there; *path: where it really is. */
static enum err_code
open_state_dir(const struct dir_store *ds, const char *name, struct rpath root,
    struct arena *a, int *dir, struct rpath *path, struct err *err)
{
	char *real;
	enum err_code rc;

	if (!name) {
		if (mkdirat(ds->root, STATE_NAME, 0700) && errno != EEXIST)
			return no_state(STATE_NAME, err);
		*dir = openat(ds->root, STATE_NAME,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (*dir < 0)
			return no_state(STATE_NAME, err);
		return rpath_join(a, root, STR(STATE_NAME), path, err);
	}
	if (mkdir(name, 0700) && errno != EEXIST)
		return no_state(name, err);
	*dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	real = *dir < 0 ? NULL : realpath(name, NULL);
	if (!real)
		return no_state(name, err);
	rc = arena_str(a, str_from_c(real), &path->s) ? ERR_OK : err_nomem(err);
	free(real);
	return rc;
}

static enum err_code
open_state(
    struct dir_store *ds, const struct dir_store_spec *spec, struct err *err)
{
	struct state_spec state = { .relaxed = spec->relaxed };
	struct arena a CLEANUP(arena_done) = { 0 };
	int dir CLEANUP(fd_close) = -1;
	char *real = realpath(spec->dir, NULL);
	struct rpath root = { str_from_c(real) };
	struct rpath path;
	enum err_code rc;

	if (!real)
		return err_os(err, "'%s'", spec->dir);
	rc = open_state_dir(ds, spec->state, root, &a, &dir, &path, err);
	if (!rc)
		rc = hide_state(ds, root, path, err);
	free(real);
	if (rc)
		return rc;
	state.dir = dir;
	state.path = path.s.ptr;
	rc = state_open(&state, &ds->state, err);
	if (!rc)
		rc = note_ids(ds, dir, err);
	if (!rc)
		rc = staging_open(ds, dir, err);
	if (!rc)
		rc = dir_recover(ds, err);
	return rc ? rc : dir_redo(ds, err);
}

void
dir_store_prepare(void)
{
	state_prepare();
}

enum err_code
dir_store_open(
    const struct dir_store_spec *spec, struct store **out, struct err *err)
{
	struct dir_store *ds = calloc(1, sizeof(*ds));
	enum err_code rc;

	if (!ds)
		return err_nomem(err);
	claims_init(&ds->claims);
	sync_lanes_init(&ds->lanes);
	ds->root = ds->staging = ds->staging_in = -1;
	ds->gate = apply_gate_new();
	ds->listings = listings_new();
	ds->ready = ready_new();
	(void)pthread_mutex_init(&ds->staging_lock, NULL);
	ds->relaxed = spec->relaxed;
	ds->nameless = !spec->named_temps && temp_nameless_works();
	rc = ds->gate && ds->listings && ds->ready
	    ? open_root(ds, spec->dir, err)
	    : err_nomem(err);
	if (!rc)
		rc = open_state(ds, spec, err);
	if (rc) {
		dir_close(&ds->base);
		return rc;
	}
	staging_sweep(ds);
	ds->base.has_links = true;
	crew_share_init(&ds->base.helpers);
	if (spec->relaxed)
		ds->base.changers = ds->base.helpers.max + 1;
	*out = store_init(&ds->base, &dir_ops);
	return ERR_OK;
}

enum err_code
dir_store_look(
    const struct dir_store_spec *spec, struct state **out, struct err *err)
{
	struct arena a CLEANUP(arena_done) = { 0 };
	const char *name = spec->state ? spec->state : spec->dir;
	char *real = realpath(name, NULL);
	const char *below = spec->state ? "" : STATE_NAME;
	struct rpath dir;
	enum err_code rc;

	if (!real)
		return err_os(err, "'%s'", name);
	rc = rpath_join(&a, (struct rpath){ str_from_c(real) },
	    str_from_c(below), &dir, err);
	free(real);
	return rc ? rc : state_look(dir, out, err);
}
