/* SPDX-License-Identifier: MIT */
/*
 * Many files of one collection in one go: what is asked of the collection, and
 * the claim, is once for all of them, and each is found by its name there.
 *
 * Only what is plain is done here: small files without dead properties, whose
 * change waits for a batch and has no record.  Whatever else there is, and
 * whatever fails, is left to be done as a single one, which tells the truth
 * about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_temp.h"

#define SMALL_FILE ((size_t)65536) /* copied while others wait */

struct many {
	struct dir_store *ds;
	const struct member_files *members;
	const struct guard *guard;
	struct store_batch *batch;
	bool *done;
	struct place in; /* the collection they are in */
	int from; /* O_PATH, of that */
	int dir; /* O_PATH, of the one that changes: it, or where they go */
	char *bytes; /* room for those of a small file */
	struct buf path; /* of a member of that */
	size_t path_len; /* of the collection in it */
};

static void
many_done(struct many *m)
{
	fd_close(&m->from);
	fd_close(&m->dir);
	place_done(&m->in);
	buf_done(&m->path);
	free(m->bytes);
}

/* Whether what it changes can be told to the state by lines alone. */
static bool
is_plain(const struct many *m)
{
	return m->batch &&
	    !(m->guard && (m->guard->check || m->guard->record)) &&
	    !atomic_load(&m->ds->keyed);
}

/* A collection by a path that has no links. */
static bool
open_collection(
    const struct dir_store *ds, struct rpath path, struct place *p, int *fd)
{
	if (place_find(ds, path, FOLLOW_YES, p, NULL) || !place_is_dir(p) ||
	    !rpath_eq(p->path, path))
		return false;
	*fd = place_open(p, O_PATH | O_DIRECTORY);
	return *fd >= 0;
}

static bool
set_path(struct many *m, struct rpath collection)
{
	if (!rpath_is_root(collection))
		buf_put(&m->path, collection.s);
	m->path_len = m->path.len;
	return !buf_failed(&m->path);
}

/* The place of a member of m->dir, borrowed from m; nothing is looked for. */
static bool
member_place(struct many *m, struct str name, struct place *out)
{
	rpath_pop(&m->path, m->path_len);
	(void)rpath_push(&m->path, name);
	if (buf_failed(&m->path) || name.len > NAME_MAX)
		return false;
	*out = (struct place){
		.ds = m->ds,
		.dir = m->dir,
		.dir_is_root = true,
		.path = rpath_of_buf(&m->path),
		.asked = rpath_of_buf(&m->path),
	};
	memcpy(out->name, name.ptr, name.len);
	return true;
}

/* ---- removing */

static bool
remove_file(struct many *m, struct str name)
{
	struct place p;

	if (!member_place(m, name, &p) ||
	    statx(p.dir, p.name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &p.stx) ||
	    !S_ISREG(p.stx.stx_mode))
		return false;
	p.found = FOUND_SERVED;
	return !place_allows(&p, TOUCH_NAME, NULL, m->guard, NULL) &&
	    !dir_remove_at(m->ds, &p, m->guard, m->batch, true, NULL);
}

void
dir_remove_members(struct store *s, const struct member_files *members,
    const struct guard *g, struct store_batch *b, bool *done)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	struct many m CLEANUP(many_done) = {
		.ds = dir_of(s),
		.members = members,
		.guard = g,
		.batch = b,
		.in = PLACE_NONE,
		.from = -1,
		.dir = -1,
	};
	size_t i;

	if (!is_plain(&m) || !set_path(&m, members->in))
		return;
	hold_tree(m.ds, members->in, &h);
	if (!open_collection(m.ds, members->in, &m.in, &m.dir) ||
	    !batch_waits(b, m.dir))
		return;
	for (i = 0; i < members->n; i++)
		done[i] = remove_file(&m, members->names[i]);
}

/* ---- copying */

/* What is to be copied, opened; -1: it is not for us. */
static int
open_source(const struct many *m, const char *name, struct statx *stx)
{
	int fd CLEANUP(fd_close) =
	    open_beneath(m->from, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct resource r;

	if (fd < 0 || dir_stat_fd(fd, stx, NULL) || !S_ISREG(stx->stx_mode) ||
	    stx->stx_size > SMALL_FILE)
		return -1;
	dir_resource(m->ds, stx, &r);
	return r.has_props ? -1 : fd_take(&fd);
}

static bool
fill(const struct many *m, int in, int out, size_t size)
{
	int64_t t = dir_tick(m->ds);
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = t / NSEC_PER_SEC, .tv_nsec = t % NSEC_PER_SEC },
	};
	size_t got = 0;

	return !fd_read_at(in, 0, m->bytes, size, &got, NULL) && got == size &&
	    !fd_write_all(out, str_of(m->bytes, got), NULL) &&
	    !futimens(out, times);
}

/* Whether the state may know a resource by the id that the new file has got. */
static bool
is_known(const struct dir_store *ds, int fd)
{
	struct resource r;
	struct statx stx;

	if (dir_stat_fd(fd, &stx, NULL))
		return true;
	dir_resource(ds, &stx, &r);
	return r.has_props;
}

/* Into a new collection that nobody sees. */
static bool
copy_hidden(struct many *m, struct str name, int dir)
{
	struct place p;
	struct statx stx;
	int in CLEANUP(fd_close) = -1;
	int out CLEANUP(fd_close) = -1;

	if (!member_place(m, name, &p))
		return false;
	in = open_source(m, p.name, &stx);
	if (in < 0)
		return false;
	out = openat(dir, p.name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    stx.stx_mode & 0777);
	if (out < 0)
		return false;
	if (fill(m, in, out, stx.stx_size) && !is_known(m->ds, out))
		return true;
	(void)unlinkat(dir, p.name, 0);
	return false;
}

/* Their lines, which come before anybody can see them. */
static bool
write_lines(struct many *m)
{
	size_t i;

	for (i = 0; i < m->members->n; i++) {
		struct change c = { .kind = CHANGE_WRITE, .late = true };
		uint64_t intent;

		rpath_pop(&m->path, m->path_len);
		(void)rpath_push(&m->path, m->members->names[i]);
		if (buf_failed(&m->path))
			return false;
		c.path = rpath_of_buf(&m->path);
		if (m->done[i] &&
		    state_change_begin(m->ds->state, &c, false, &intent, NULL))
			return false;
	}
	return true;
}

/* A collection that is complete in its place, which has nothing yet. */
static bool
install(struct many *m, struct temp *t, const struct place *p)
{
	struct act act CLEANUP(act_done) =
	    ACT(.kind = CHANGE_MKCOL, .path = p->path);
	struct statx stx;

	if (statx(t->dir, t->name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return false;
	act_makes(&act, m->ds, &stx);
	act.waits = true;
	return is_plain(m) && write_lines(m) &&
	    !act_begin(&act, m->ds, m->batch, p->dir, -1, NULL) &&
	    !temp_install(m->ds, t, p, NULL, NULL) && !act_end(&act, NULL);
}

static bool
put_in_place(struct many *m, struct temp *t, struct rpath to)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place p CLEANUP(place_done) = PLACE_NONE;

	return !hold_new(m->ds, to, FOLLOW_YES, SCOPE_TREE, &h, &p, NULL) &&
	    p.found == FOUND_NOTHING && rpath_eq(p.path, to) &&
	    !dir_check_ends(&m->in, &p, REPLACE_NO, NULL) &&
	    !place_allows(&p, TOUCH_CONTENT, NULL, m->guard, NULL) &&
	    !place_allows_below(&p, m->guard, NULL) &&
	    batch_waits(m->batch, p.dir) && install(m, t, &p);
}

/*
 * What is hidden and did not get to its place goes: by the names that are
 * known, since dir_remove_tree() has to ask about each.
 */
static void
hidden_done(struct many *m, struct temp *t, int dir)
{
	size_t i;

	if (!t->name[0])
		return;
	for (i = 0; i < m->members->n; i++) {
		struct place p;

		if (m->done[i] && member_place(m, m->members->names[i], &p))
			(void)unlinkat(dir, p.name, 0);
		m->done[i] = false;
	}
	if (unlinkat(t->dir, t->name, AT_REMOVEDIR))
		dir_remove_tree(m->ds, t->dir, t->name);
	t->name[0] = '\0';
}

/* The collection, with those in it that can be; false: nothing was done. */
static bool
copy_collection(struct many *m, struct rpath to)
{
	struct place near CLEANUP(place_done) = PLACE_NONE;
	struct temp t = TEMP_NONE;
	int dir CLEANUP(fd_close) = -1;
	bool made = false;
	size_t i;

	if (place_resource(&m->in).has_props ||
	    place_for_new(m->ds, to, FOLLOW_NO, &near, NULL) ||
	    near.found != FOUND_NOTHING)
		return false;
	if (!temp_dir(m->ds, near.dir, false, &t, NULL))
		dir = open_beneath(t.dir, t.name, O_PATH | O_DIRECTORY, 0);
	for (i = 0; dir >= 0 && i < m->members->n; i++)
		m->done[i] = copy_hidden(m, m->members->names[i], dir);
	made = dir >= 0 && put_in_place(m, &t, to);
	hidden_done(m, &t, dir);
	return made;
}

/* Into a collection that is there. */
static bool
copy_file(struct many *m, struct str name)
{
	struct act act CLEANUP(act_done) = ACT(.kind = CHANGE_WRITE);
	struct temp t CLEANUP(temp_done) = TEMP_NONE;
	struct statx stx;
	struct place p;
	int in CLEANUP(fd_close) = -1;

	if (!member_place(m, name, &p))
		return false;
	in = open_source(m, p.name, &stx);
	if (in < 0 || place_allows(&p, TOUCH_CONTENT, NULL, m->guard, NULL) ||
	    temp_file(m->ds, m->dir, stx.stx_mode & 0777, &t, NULL) ||
	    !fill(m, in, t.fd, stx.stx_size) || is_known(m->ds, t.fd))
		return false;
	act.change.path = p.path;
	act.waits = true;
	return !act_begin(&act, m->ds, m->batch, m->dir, -1, NULL) &&
	    !temp_install(m->ds, &t, &p, NULL, NULL) && !act_end(&act, NULL);
}

static void
copy_files(struct many *m, struct rpath to)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place there CLEANUP(place_done) = PLACE_NONE;
	size_t i;

	hold_tree(m->ds, to, &h);
	if (!open_collection(m->ds, to, &there, &m->dir) ||
	    !batch_waits(m->batch, m->dir))
		return;
	for (i = 0; i < m->members->n; i++)
		m->done[i] = copy_file(m, m->members->names[i]);
}

void
dir_copy_members(struct store *s, const struct member_files *members,
    bool itself, struct rpath to, const struct guard *g, struct store_batch *b,
    bool *done_itself, bool *done)
{
	struct many m CLEANUP(many_done) = {
		.ds = dir_of(s),
		.members = members,
		.guard = g,
		.batch = b,
		.done = done,
		.in = PLACE_NONE,
		.from = -1,
		.dir = -1,
		.bytes = malloc(SMALL_FILE),
	};

	if (!m.bytes || !is_plain(&m) || !set_path(&m, to) ||
	    !open_collection(m.ds, members->in, &m.in, &m.from))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): m has CLEANUP */
		return;
	if (itself)
		*done_itself = copy_collection(&m, to);
	else
		copy_files(&m, to);
}
