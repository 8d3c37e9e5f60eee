/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_temp.h"

static enum err_code
exists(const struct place *p, struct err *err)
{
	return err_set(err, ERR_EXISTS, "'%.*s'", STR_ARG(p->path.s));
}

/* ---- mkcol and remove */

/*
 * Makes the collection with an id of its own, for which it may have to be made
 * elsewhere first.
 */
static enum err_code
make_again(struct dir_store *ds, const struct place *p, struct err *err)
{
	struct temp t CLEANUP(temp_done) = TEMP_NONE;
	enum err_code rc;

	if (unlinkat(p->dir, p->name, AT_REMOVEDIR))
		return err_os(err, "make '%.*s' again", STR_ARG(p->path.s));
	rc = temp_dir(ds, p->dir, false, &t, err);
	if (!rc)
		rc = temp_install(ds, &t, p, NULL, err);
	return rc;
}

static enum err_code
make_collection(struct dir_store *ds, const struct place *p, struct err *err)
{
	struct resource made;
	struct statx stx;
	bool taken = false;

	if (mkdirat(p->dir, p->name, 0777))
		return errno == ENOENT
		    ? err_set(err, ERR_NO_PARENT,
			  "the collection of '%.*s' has gone",
			  STR_ARG(p->path.s))
		    : err_os(err, "make '%.*s'", STR_ARG(p->path.s));
	/* It is made: that it cannot be looked at is no reason to fail. */
	if (statx(p->dir, p->name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return ERR_OK;
	dir_resource(ds, &stx, &made);
	if (state_has_props(ds->state, &made.id, &taken, NULL) || !taken)
		return ERR_OK;
	return make_again(ds, p, err);
}

enum err_code
dir_may_make(struct store *s, struct rpath path, struct err *err)
{
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = place_for_new(dir_of(s), path, FOLLOW_YES, &p, err);

	if (rc || !faccessat(p.dir, ".", W_OK | X_OK, AT_EACCESS))
		return rc;
	return err_os(err, "make '%.*s'", STR_ARG(path.s));
}

enum err_code
dir_mkcol(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct dir_store *ds = dir_of(s);
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place p CLEANUP(place_done) = PLACE_NONE;
	struct act act CLEANUP(act_done) = ACT(.kind = CHANGE_MKCOL);
	enum err_code rc =
	    hold_new(ds, path, FOLLOW_YES, SCOPE_PATH, &h, &p, err);

	if (rc)
		return rc;
	if (p.found != FOUND_NOTHING)
		return exists(&p, err);
	rc = place_allows(&p, TOUCH_NAME, NULL, g, err);
	act.change.path = p.path;
	act_remembers(&act, g, path, true, NULL);
	if (!rc)
		rc = act_begin(&act, ds, b, p.dir, -1, err);
	if (rc)
		return rc;
	rc = make_collection(ds, &p, err);
	return rc ? rc : act_end(&act, err);
}

/* A collection may still hold what unfinished work has left in it. */
static enum err_code
remove_dir(struct dir_store *ds, const struct place *p, struct err *err)
{
	int dir = -1;
	bool swept;

	if (!unlinkat(p->dir, p->name, AT_REMOVEDIR))
		return ERR_OK;
	if (errno == ENOTEMPTY || errno == EEXIST) {
		dir = place_open(p, O_PATH | O_DIRECTORY);
		swept = dir >= 0 && dir_sweep(ds, dir);
		if (dir >= 0)
			(void)close(dir);
		if (!swept)
			return err_tell(err, ERR_NOT_EMPTY,
			    "the collection is not empty: it has what is new, "
			    "or what is not served, such as a link that leads "
			    "nowhere; look there on the server's disk");
		if (!unlinkat(p->dir, p->name, AT_REMOVEDIR))
			return ERR_OK;
	}
	return err_os(err, "remove '%.*s'", STR_ARG(p->path.s));
}

static enum err_code
remove_any(struct dir_store *ds, const struct place *p, struct err *err)
{
	if (place_is_dir(p))
		return remove_dir(ds, p, err);
	if (unlinkat(p->dir, p->name, 0))
		return err_os(err, "remove '%.*s'", STR_ARG(p->path.s));
	return ERR_OK;
}

/* A link that clients do not see cannot be removed by them. */
static enum err_code
must_be_seen(const struct place *p, struct err *err)
{
	bool mapped = false;
	enum err_code rc = place_seen(p, NULL, &mapped, err);

	if (!rc && !mapped)
		return err_set(
		    err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(p->path.s));
	return rc;
}

enum err_code
dir_remove_at(struct dir_store *ds, const struct place *p,
    const struct guard *g, struct store_batch *b, bool waits, struct err *err)
{
	struct act act CLEANUP(act_done) =
	    ACT(.kind = CHANGE_REMOVE, .path = p->path);
	enum err_code rc;

	act.waits = waits;
	act.change.drops_locks = state_may_have_locks_from(ds->state, p->path);
	act_takes(&act, p);
	act_remembers(&act, g, p->asked, false, NULL);
	rc = act_begin(&act, ds, b, p->dir, -1, err);
	if (!rc)
		rc = remove_any(ds, p, err);
	return rc ? rc : act_end(&act, err);
}

enum err_code
dir_remove(struct store *s, struct rpath path, const struct guard *g,
    struct store_batch *b, struct err *err)
{
	struct dir_store *ds = dir_of(s);
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place p CLEANUP(place_done) = PLACE_NONE;
	enum err_code rc = hold_place(ds, path, FOLLOW_NO, &h, &p, err);

	if (!rc)
		rc = must_be_seen(&p, err);
	if (!rc)
		rc = place_allows(&p, TOUCH_NAME, NULL, g, err);
	return rc ? rc : dir_remove_at(ds, &p, g, b, false, err);
}

/* ---- rename */

/*
 * What speaks against it, by paths without links and by identity: a file that
 * is renamed to another of its own names would stay as it is, and a link put
 * over what it leads to would be all that is left.
 */
enum err_code
dir_check_ends(const struct place *src, const struct place *dst,
    enum replace replace, struct err *err)
{
	struct resource from, to;
	bool from_seen = false;
	bool to_seen = false;
	enum err_code rc = place_seen(src, &from, &from_seen, err);

	if (!rc)
		rc = place_seen(dst, &to, &to_seen, err);
	if (rc)
		return rc;
	if (!from_seen)
		return err_set(
		    err, ERR_NOT_FOUND, "'%.*s'", STR_ARG(src->path.s));
	if (rpath_covers(src->path, dst->path) ||
	    rpath_covers(dst->path, src->path) ||
	    (to_seen && !memcmp(&from.id, &to.id, sizeof(to.id))))
		return err_set(err, ERR_SELF, "'%.*s' and '%.*s' overlap",
		    STR_ARG(src->path.s), STR_ARG(dst->path.s));
	if (dst->found != FOUND_NOTHING && !to_seen)
		return err_set(err, ERR_BAD_NAME, "'%.*s' is not for clients",
		    STR_ARG(dst->path.s));
	if (to_seen && replace == REPLACE_NO)
		return exists(dst, err);
	return ERR_OK;
}

/* Asks g about dst, and both ends for the tokens of locks. */
static enum err_code
may_rename(const struct place *src, const struct place *dst,
    const struct guard *g, struct err *err)
{
	const struct guard tokens = { .tokens = g ? g->tokens : NULL };
	bool tree = place_is_dir(src);
	enum err_code rc = place_allows(dst, TOUCH_NAME, src, g, err);

	if (!rc)
		rc = place_allows(src, TOUCH_NAME, NULL, &tokens, err);
	if (!rc && tree)
		rc = place_allows_below(src, g, err);
	/* What goes there, and what comes. */
	if (!rc && (tree || place_is_dir(dst)))
		rc = place_allows_below(dst, g, err);
	return rc;
}

/*
 * Syncs the source, where its bytes may be those of a batch that has not ended.
 * They must not take the place of others before, nor be moved by somebody who
 * does not wait for that batch.
 */
static enum err_code
sync_source(const struct dir_store *ds, const struct place *src,
    const struct place *dst, const struct store_batch *b, struct err *err)
{
	int fd CLEANUP(fd_close) = -1;

	if (ds->relaxed || !place_is_file(src) || !atomic_load(&ds->batches) ||
	    (b && dst->found == FOUND_NOTHING))
		return ERR_OK;
	fd = place_open(src, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && fsync(fd) ? err_os(err, "sync") : ERR_OK;
}

enum err_code
dir_rename(struct store *s, struct rpath from, struct rpath to,
    enum replace replace, const struct guard *g, struct store_batch *b,
    bool *created, struct err *err)
{
	struct dir_store *ds = dir_of(s);
	struct trash trash CLEANUP(trash_done) = TRASH_NONE;
	bool at_once = g && g->at_once;
	struct hold h CLEANUP(hold_done) = { .at_once = at_once };
	struct place src CLEANUP(place_done) = PLACE_NONE;
	struct place dst CLEANUP(place_done) = PLACE_NONE;
	struct act act CLEANUP(act_done) =
	    ACT(.kind = CHANGE_MOVE, .at_once = at_once);
	struct resource seen;
	enum err_code rc =
	    hold_two(ds, from, FOLLOW_NO, &src, to, &h, &dst, err);

	if (!rc && at_once && (!ds->relaxed || dst.found != FOUND_NOTHING))
		rc = err_set(err, ERR_BUSY, "it takes its time");
	if (!rc)
		rc = dir_check_ends(&src, &dst, replace, err);
	if (!rc)
		rc = may_rename(&src, &dst, g, err);
	if (!rc)
		rc = sync_source(ds, &src, &dst, b, err);
	if (rc)
		return rc;
	seen = place_resource(&src);
	act.change.path = src.path;
	act.change.to = dst.path;
	act.change.drops_locks =
	    state_may_have_locks_from(ds->state, src.path) ||
	    state_may_have_locks_from(ds->state, dst.path);
	act_makes(&act, ds, &src.stx);
	act_takes(&act, &dst);
	act_remembers(&act, g, to, dst.found == FOUND_NOTHING, &seen);
	act.change.in_steps =
	    act.change.gone && (place_is_dir(&src) || place_is_dir(&dst));
	if (act.change.in_steps) /* what is displaced is removed soon */
		b = NULL;
	rc = act_begin(&act, ds, b, dst.dir, src.dir, err);
	if (!rc)
		rc = dir_move_into(ds, src.dir, src.name, place_is_dir(&src),
		    &dst, &trash, err);
	if (!rc)
		rc = act_end(&act, err);
	if (!rc && created)
		*created = dst.found == FOUND_NOTHING;
	return rc;
}
