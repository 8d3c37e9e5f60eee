/* SPDX-License-Identifier: MIT */
/*
 * Many files of one collection in one go: what is asked of the collection, and
 * the claim, is once for all of them, and each is found by its name there.
 *
 * Only what is plain is done here: collections, and small files, whose change
 * waits for a batch and has no record.  Whatever else there is, and whatever
 * fails, is left to be done as a single one, which tells the truth about it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/dir_level.h"
#include "store/dir_members.h"

#define SMALL_FILE ((size_t)65536) /* copied while others wait */

static void
many_done(struct many *m)
{
	fd_close(&m->from);
	fd_close(&m->dir);
	place_done(&m->in);
	buf_done(&m->path);
	arena_done(&m->lines);
	free(m->props);
	free(m->bytes);
}

bool
many_is_plain(const struct many *m)
{
	return m->batch &&
	    !(m->guard && (m->guard->check || m->guard->record)) &&
	    !atomic_load(&m->ds->keyed);
}

/* A collection by a path that has no links. */
static bool
open_collection(const struct dir_store *ds, struct rpath path, int flags,
    struct place *p, int *fd)
{
	if (place_find(ds, path, FOLLOW_YES, p, NULL) || !place_is_dir(p) ||
	    !rpath_eq(p->path, path))
		return false;
	*fd = place_open(p, flags | O_DIRECTORY);
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

const char *
many_name(struct many *m, struct str name)
{
	size_t at = m->path_len + 1;

	rpath_pop(&m->path, m->path_len);
	buf_putc(&m->path, '/');
	buf_put(&m->path, name);
	buf_putc(&m->path, '\0');
	return buf_failed(&m->path) ? NULL : m->path.ptr + at;
}

static bool
all_done(const struct many *m)
{
	size_t i;

	for (i = 0; i < m->members->n; i++)
		if (!m->done[i])
			return false;
	return true;
}

/* ---- some at a time, whose lines are written together */

struct one {
	size_t i; /* of the members */
	struct act act;
	struct temp temp; /* what comes */
};

/* What is left out by either is done by itself. */
struct one_ops {
	bool (*prepare)(struct many *m, struct one *o, struct place *p);
	bool (*finish)(struct many *m, struct one *o);
};

static void
end_some(struct many *m, struct one *v, size_t n, const struct one_ops *ops)
{
	struct act *acts[ACTS_SOME];
	bool good;
	size_t i;

	for (i = 0; i < n; i++)
		acts[i] = &v[i].act;
	good = n && !acts_begin(acts, n, m->ds, m->batch, NULL, NULL);
	for (i = 0; i < n; i++) {
		m->done[v[i].i] =
		    good && ops->finish(m, &v[i]) && !act_end(&v[i].act, NULL);
		act_done(&v[i].act);
		temp_done(&v[i].temp);
	}
	arena_clear(&m->lines);
}

static bool
prepare(struct many *m, struct one *o, const struct one_ops *ops)
{
	struct place p;

	return member_place(m, m->members->names[o->i], &p) &&
	    arena_str(&m->lines, p.path.s, &o->act.change.path.s) &&
	    ops->prepare(m, o, &p);
}

static void
do_some(struct many *m, const struct one_ops *ops)
{
	struct one v[ACTS_SOME];
	size_t i, n = 0;

	for (i = 0; i < m->members->n; i++) {
		v[n] = (struct one){
			.i = i,
			.act = ACT(.kind = CHANGE_WRITE),
			.temp = TEMP_NONE,
		};
		if (prepare(m, &v[n], ops))
			n++;
		else
			temp_done(&v[n].temp);
		if (n == ACTS_SOME) {
			end_some(m, v, n, ops);
			n = 0;
		}
	}
	end_some(m, v, n, ops);
}

/* ---- removing */

/*
 * One of several names is left out: which is the last, with which properties
 * go, is seen when the others have.
 */
static bool
prepare_removal(struct many *m, struct one *o, struct place *p)
{
	o->act.change.kind = CHANGE_REMOVE;
	if (statx(p->dir, p->name, AT_SYMLINK_NOFOLLOW, STAT_MASK, &p->stx) ||
	    !S_ISREG(p->stx.stx_mode) || p->stx.stx_nlink > 1 ||
	    state_may_have_locks_from(m->ds->state, p->path))
		return false;
	p->found = FOUND_SERVED;
	act_takes(&o->act, p);
	return !place_allows(p, TOUCH_NAME, NULL, m->guard, NULL);
}

static bool
finish_removal(struct many *m, struct one *o)
{
	const char *name = o->act.change.path.s.ptr + m->path_len + 1;

	return !unlinkat(m->dir, name, 0);
}

static const struct one_ops removal_ops = {
	.prepare = prepare_removal,
	.finish = finish_removal,
};

/* When all of them have gone. */
static bool
remove_itself(struct many *m)
{
	const struct place *p = &m->in;

	return all_done(m) && !rpath_is_root(p->path) &&
	    batch_waits(m->batch, p->dir) &&
	    !place_allows(p, TOUCH_NAME, NULL, m->guard, NULL) &&
	    !dir_remove_at(m->ds, p, m->guard, m->batch, true, NULL);
}

/* ---- removing what nobody has said anything about */

/* A link goes by what it leads to, too, and that may be locked. */
static bool
is_bare(const struct many *m, const struct entry *e, bool props, bool locks)
{
	if (!strcmp(e->name, ".."))
		return true;
	if (props && state_may_have_props_by_inode(m->ds->state, e->inode))
		return false;
	return !locks || e->type == DT_REG || e->type == DT_DIR;
}

/*
 * By what is beside the names, the collection's own among them: with one
 * property or lock anywhere each file would have to be asked what it is, a
 * quarter of the time of a DELETE.  Not where more would be read than is to go.
 */
static bool
look_bare(const struct many *m, bool props, bool locks)
{
	_Alignas(struct entry) char bytes[4096];
	size_t seen = 0;
	long n;

	if (props &&
	    (!m->ds->tells_inodes || !dir_is_on_root_device(m->ds, &m->in.stx)))
		return false;
	while (
	    (n = syscall(SYS_getdents64, m->dir, bytes, sizeof(bytes))) > 0) {
		const struct entry *e;
		long at;

		for (at = 0; at < n; at += e->size) {
			e = (const struct entry *)(const void *)(bytes + at);
			if (seen++ > 2 * MEMBERS_MAX ||
			    !is_bare(m, e, props, locks))
				return false;
		}
	}
	return n == 0;
}

/*
 * Then it does not matter which file is at a name, but for those that have a
 * lock of their own.
 */
static bool
are_bare(struct many *m, bool itself)
{
	struct state *s = m->ds->state;
	bool props = state_may_have_any_props(s);
	bool locks = state_may_have_locks(s);
	bool seen;

	if (!props && !locks)
		return true;
	if (locks && !place_allows_members(&m->in, m->guard))
		return false;
	seen = itself && look_bare(m, props, locks);
	m->spares = state_may_have_locks_from(s, m->in.path);
	m->looks = locks && !seen;
	return seen || !props;
}

/* Else it is left to be done alone. */
static bool
may_go(const struct many *m, const char *name)
{
	struct rpath path = { str_head(buf_str(&m->path), m->path.len - 1) };
	struct statx stx;

	if (m->spares && state_may_have_locks_from(m->ds->state, path))
		return false;
	return !m->looks ||
	    (!statx(m->dir, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &stx) &&
		S_ISREG(stx.stx_mode));
}

static bool
itself_may_go(const struct many *m)
{
	const struct place *p = &m->in;

	if (!all_done(m) || rpath_is_root(p->path))
		return false;
	return !state_may_have_locks(m->ds->state) ||
	    (!m->spares && !place_allows(p, TOUCH_NAME, NULL, m->guard, NULL));
}

/* With one line for all of them; one that is an intent says too little. */
static void
remove_bare(struct many *m, bool itself, bool *done_itself)
{
	struct act act CLEANUP(act_done) =
	    ACT(.kind = CHANGE_TREE, .path = m->in.path);
	const struct member_files *all = m->members;
	size_t i;

	act.waits = true;
	if (act_begin(&act, m->ds, m->batch, m->dir, -1, NULL) || act.intent)
		return;
	for (i = 0; i < all->n; i++) {
		const char *name = many_name(m, all->names[i]);

		m->done[i] =
		    name && may_go(m, name) && !unlinkat(m->dir, name, 0);
	}
	*done_itself = itself && itself_may_go(m) &&
	    !unlinkat(m->in.dir, m->in.name, AT_REMOVEDIR);
	(void)!act_end(&act, NULL);
}

void
dir_remove_members(struct store *s, const struct member_files *members,
    bool itself, const struct guard *g, struct store_batch *b,
    bool *done_itself, bool *done)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	struct many m CLEANUP(many_done) = {
		.ds = dir_of(s),
		.members = members,
		.guard = g,
		.batch = b,
		.done = done,
		.in = PLACE_NONE,
		.from = -1,
		.dir = -1,
	};

	if (!many_is_plain(&m) || !set_path(&m, members->in))
		return;
	hold_tree(m.ds, members->in, &h);
	if (!open_collection(m.ds, members->in, O_RDONLY, &m.in, &m.dir) ||
	    !batch_waits(b, m.dir))
		return;
	if (are_bare(&m, itself)) {
		remove_bare(&m, itself, done_itself);
		return;
	}
	do_some(&m, &removal_ops);
	*done_itself = itself && remove_itself(&m);
}

/* ---- copying */

int
many_open(const struct many *m, const char *name, struct statx *stx)
{
	int fd CLEANUP(fd_close) =
	    open_beneath(m->from, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0 || dir_stat_fd(fd, stx, NULL) || !S_ISREG(stx->stx_mode) ||
	    stx->stx_size > SMALL_FILE)
		return -1;
	return fd_take(&fd);
}

bool
many_fill(const struct many *m, int in, int out, size_t size)
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

bool
many_note_props(struct many *m, size_t i, const struct statx *from, int fd,
    const char *name)
{
	struct resource source, made;
	struct statx stx;

	if (!state_may_have_any_props(m->ds->state) ||
	    (m->since &&
		!state_may_have_props_by_inode(m->ds->state, from->stx_ino)))
		return true;
	if (statx(
		fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STAT_MASK, &stx))
		return false;
	dir_resource(m->ds, from, &source);
	dir_resource(m->ds, &stx, &made);
	m->props[i] = (struct inherited){
		.any = source.has_props,
		.from = source.id,
		.made = made.id,
	};
	return !made.has_props;
}

/* ---- into a collection that is there */

static bool
prepare_copy(struct many *m, struct one *o, struct place *p)
{
	struct inherited *props = &m->props[o->i];
	struct statx stx;
	int in CLEANUP(fd_close) = many_open(m, p->name, &stx);

	if (in < 0 || place_allows(p, TOUCH_CONTENT, NULL, m->guard, NULL) ||
	    temp_file_unchecked(
		m->ds, m->dir, stx.stx_mode & 0777, &o->temp, NULL) ||
	    !many_fill(m, in, o->temp.fd, stx.stx_size) ||
	    !many_note_props(m, o->i, &stx, o->temp.fd, ""))
		return false;
	if (props->any) {
		o->act.change.made = &props->made;
		o->act.change.props_of = &props->from;
	}
	return true;
}

static bool
finish_copy(struct many *m, struct one *o)
{
	struct place p;

	return (!m->props[o->i].any || o->act.intent) &&
	    member_place(m, m->members->names[o->i], &p) &&
	    !temp_install(m->ds, &o->temp, &p, NULL, NULL);
}

static const struct one_ops copy_ops = {
	.prepare = prepare_copy,
	.finish = finish_copy,
};

static void
copy_files(struct many *m, struct rpath to)
{
	struct hold h CLEANUP(hold_done) = { 0 };
	struct place there CLEANUP(place_done) = PLACE_NONE;

	hold_tree(m->ds, to, &h);
	if (open_collection(m->ds, to, O_PATH, &there, &m->dir) &&
	    batch_waits(m->batch, m->dir))
		do_some(m, &copy_ops);
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
		.props = calloc(members->n + 1, sizeof(*m.props)), /* not 0 */
	};

	if (!m.bytes || !m.props || !many_is_plain(&m) || !set_path(&m, to) ||
	    !open_collection(m.ds, members->in, O_PATH, &m.in, &m.from))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): m has CLEANUP */
		return;
	if (itself)
		*done_itself = many_copy_collection(&m, to);
	else
		copy_files(&m, to);
}
