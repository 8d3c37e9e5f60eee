/* SPDX-License-Identifier: MIT */
/*
 * A file that was asked for a few times is learnt in this order: every
 * collection on its way is watched, and then looked for once more, so that from
 * here on an event tells of whatever may lead elsewhere; it is opened, which
 * would be an event later; it is watched; a lease shows that nobody has it open
 * for writing; it is asked about and read.  If no event has come by then it is
 * known, for as long as none comes.
 *
 * Whoever learns does so without the lock, one at a time.  Who asks for the
 * same file meanwhile waits: to open it now would be such an event.
 */
#include "store/dir_ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "store/dir_watch.h"

#define SLOTS 256 /* a power of two */
#define MAX_DIRS 256
#define PATIENCE 4 /* times it is asked for before it is learnt */
#define MOST_PATIENCE 4096
#define WORTH 64 /* uses after which learning it was worth while */
#define RIVALS 8 /* other files in a row after which one takes its slot */

/* Of its members only those count that move, or go, with it. */
#define DIR_EVENTS (IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB | IN_ONLYDIR)
#define WAY_EVENTS                                                \
	(IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB | IN_ONESHOT | \
	    IN_MASK_CREATE)
#define WHOLE_EVENTS (WAY_EVENTS | IN_OPEN | IN_MODIFY)

struct slot {
	uint64_t hash; /* of the path */
	unsigned times; /* it was asked for */
	unsigned patience;
	unsigned rivals; /* others, since it was used last */
	int wd;
	struct ready_file *file; /* NULL: it is not known */
};

struct ready {
	pthread_mutex_t lock;
	pthread_cond_t learnt;
	int events, mounts, epoll;
	bool on; /* all of these can be had */
	/* Under the lock. */
	bool root_may_go; /* and nothing tells */
	struct slot *learning; /* whose file is being learnt */
	uint64_t heard; /* events that were about no slot */
	size_t kept; /* bytes of files */
	size_t n_dirs;
	int dirs[MAX_DIRS]; /* what is watched on the way to files */
	struct slot slots[SLOTS];
};

static bool
add_to_set(const struct ready *r, int fd, uint32_t what)
{
	struct epoll_event e = { .events = what, .data.fd = fd };

	return fd >= 0 && !epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e);
}

struct ready *
ready_new(void)
{
	struct ready *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->learnt, NULL);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	r->mounts = mounts_open();
	r->on = r->epoll >= 0 && add_to_set(r, r->events, EPOLLIN) &&
	    add_to_set(r, r->mounts, EPOLLPRI);
	return r;
}

void
ready_drop(struct ready_file *f)
{
	if (f && atomic_fetch_sub(&f->holders, 1) == 1)
		free(f);
}

void
ready_free(struct ready *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < SLOTS; i++)
		ready_drop(r->slots[i].file);
	fd_close(&r->epoll);
	fd_close(&r->mounts);
	fd_close(&r->events);
	(void)pthread_cond_destroy(&r->learnt);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- what is forgotten; all with the lock */

/*
 * Forgets a file.  If learning it was not worth while, it is learnt later the
 * next time.
 */
static void
forget(struct ready *r, struct slot *s)
{
	r->kept -= s->file ? s->file->len : 0;
	ready_drop(s->file);
	s->file = NULL;
	if (s->wd > 0)
		(void)inotify_rm_watch(r->events, s->wd);
	s->wd = 0;
	if (s->times >= WORTH)
		s->patience = PATIENCE;
	else if (s->patience < MOST_PATIENCE)
		s->patience *= 2;
	s->times = s->rivals = 0;
}

static void
forget_all(struct ready *r)
{
	size_t i;

	r->heard++;
	for (i = 0; i < SLOTS; i++)
		if (r->slots[i].file)
			forget(r, &r->slots[i]);
	for (i = 0; i < r->n_dirs; i++)
		(void)inotify_rm_watch(r->events, r->dirs[i]);
	r->n_dirs = 0;
}

static void
hear_event(struct ready *r, const struct inotify_event *e)
{
	size_t i;

	/* The watch is gone, as it was said before; or it is of a member. */
	if (e->mask & IN_IGNORED || e->len)
		return;
	for (i = 0; i < SLOTS; i++)
		if (r->slots[i].file && r->slots[i].wd == e->wd) {
			r->slots[i].wd = 0; /* it told of one event */
			forget(r, &r->slots[i]);
			return;
		}
	forget_all(r);
}

/* false: events were lost. */
static bool
hear_events(struct ready *r)
{
	alignas(struct inotify_event) char bytes[4096];
	ssize_t n;

	while ((n = read(r->events, bytes, sizeof(bytes))) > 0) {
		const char *at = bytes;

		while (at < bytes + n) {
			const struct inotify_event *e =
			    (const struct inotify_event *)(const void *)at;

			hear_event(r, e);
			at += sizeof(*e) + e->len;
		}
	}
	return n < 0 && errno == EAGAIN;
}

/* Takes in all that has happened until now. */
static void
hear(struct ready *r)
{
	struct epoll_event news[2];
	int i, n = epoll_wait(r->epoll, news, 2, 0);
	bool lost = n < 0;

	for (i = 0; i < n; i++)
		lost |= news[i].data.fd == r->mounts || !hear_events(r);
	if (lost)
		forget_all(r);
}

/* ---- learning */

struct lesson {
	const struct dir_store *ds;
	struct ready *r;
	struct rpath path;
	uint64_t hash, heard;
	uint64_t mount; /* of the root, and so of all */
	size_t most; /* bytes of it that may be kept */
	int wd;
	bool root_may_go;
	struct ready_file *file;
	enum err_code failed;
	char name[PLAIN_MAX];
};

/*
 * A subvolume of Btrfs is of the same mount.  Who deletes it takes away all
 * that is in it at once, and nobody who watches any of that is told.
 */
static bool
ask(const struct lesson *l, int fd, struct statx *stx)
{
	return fd >= 0 &&
	    !statx(fd, "", AT_EMPTY_PATH, STAT_MASK | STATX_MNT_ID, stx) &&
	    stx->stx_mnt_id == l->mount && dir_is_on_root_device(l->ds, stx) &&
	    !watch_keeps_open(stx);
}

static bool
same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	    a->stx_dev_major == b->stx_dev_major &&
	    a->stx_dev_minor == b->stx_dev_minor;
}

static bool
leads_there(const struct lesson *l, const char *name, const struct statx *stx)
{
	struct statx now;
	int fd CLEANUP(fd_close) =
	    open_beneath(l->ds->root, name, O_PATH | O_NOFOLLOW, 0);

	return ask(l, fd, &now) && same(&now, stx);
}

/* Notes a watch of a collection, once. */
static bool
note_dir(struct ready *r, int wd)
{
	size_t i;
	bool noted;

	if (wd <= 0)
		return false;
	(void)pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->n_dirs && r->dirs[i] != wd; i++)
		;
	if (i == r->n_dirs && i == MAX_DIRS)
		forget_all(r);
	noted = i < MAX_DIRS;
	if (i == r->n_dirs && noted)
		r->dirs[r->n_dirs++] = wd;
	(void)pthread_mutex_unlock(&r->lock);
	return noted;
}

static bool
watch_dir(const struct lesson *l, const char *name)
{
	struct statx stx;
	int fd CLEANUP(fd_close) =
	    open_beneath(l->ds->root, name, O_PATH | O_DIRECTORY, 0);

	return ask(l, fd, &stx) &&
	    note_dir(l->r, watch_open(l->r->events, fd, DIR_EVENTS)) &&
	    leads_there(l, name, &stx);
}

static bool
watch_way(struct lesson *l)
{
	size_t i;
	bool good = watch_dir(l, ".");

	for (i = 0; good && l->name[i]; i++) {
		if (l->name[i] != '/')
			continue;
		l->name[i] = '\0';
		good = watch_dir(l, l->name);
		l->name[i] = '/';
	}
	return good;
}

static struct ready_file *
file_new(struct rpath path, size_t len)
{
	struct ready_file *f = calloc(1, sizeof(*f) + path.s.len + len);

	if (!f)
		return NULL;
	atomic_init(&f->holders, 1);
	f->path_len = path.s.len;
	f->len = len;
	memcpy(f->bytes, path.s.ptr, path.s.len);
	return f;
}

/*
 * Reads the file, which nobody writes to: so it has as many bytes as it says.
 */
static bool
read_whole(struct lesson *l, int fd)
{
	struct statx stx;
	size_t got = 0;

	if (!watch_nobody_writes(fd) || !ask(l, fd, &stx) ||
	    stx.stx_size != l->file->len)
		return false;
	fact_set(&l->file->fact, &stx);
	l->file->whole = true;
	return !fd_read_at(fd, 0, l->file->bytes + l->file->path_len,
		   l->file->len, &got, NULL) &&
	    got == l->file->len;
}

static bool
learn_file(struct lesson *l)
{
	struct statx seen, opened;
	bool whole;
	int fd CLEANUP(fd_close) =
	    open_beneath(l->ds->root, l->name, O_PATH | O_NOFOLLOW, 0);

	if (!ask(l, fd, &seen) || !S_ISREG(seen.stx_mode))
		return false;
	whole = seen.stx_size <= l->most;
	if (whole) {
		fd_close(&fd);
		fd = open_beneath(
		    l->ds->root, l->name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		if (!ask(l, fd, &opened) || !same(&opened, &seen))
			return false;
	}
	l->file = file_new(l->path, whole ? (size_t)seen.stx_size : 0);
	if (!l->file) {
		l->failed = ERR_NOMEM;
		return false;
	}
	l->wd = watch_open(l->r->events, fd, whole ? WHOLE_EVENTS : WAY_EVENTS);
	return l->wd > 0 && (!whole || read_whole(l, fd)) &&
	    leads_there(l, l->name, &seen);
}

/* With the lock: makes the file known, unless an event has come. */
static void
publish(struct lesson *l, struct slot *s, bool good)
{
	struct ready *r = l->r;

	r->root_may_go |= l->root_may_go;
	if (good)
		hear(r);
	if (s->file)
		forget(r, s); /* of another path */
	s->hash = l->hash;
	s->times = 0;
	s->wd = l->wd;
	s->file = l->file;
	r->kept += s->file ? s->file->len : 0;
	if (!good || r->heard != l->heard)
		forget(r, s);
}

static size_t
room(const struct ready *r)
{
	size_t left = r->kept < READY_ROOM ? READY_ROOM - r->kept : 0;

	if (left < READY_SMALL)
		return READY_SMALL;
	return left < READY_WHOLE_MAX ? left : READY_WHOLE_MAX;
}

static enum err_code
learn(const struct dir_store *ds, struct rpath path, struct slot *s)
{
	struct ready *r = ds->ready;
	struct lesson l = {
		.ds = ds,
		.r = r,
		.path = path,
		.hash = str_hash(path.s),
		.heard = r->heard,
		.most = room(r),
	};
	struct statx root;
	bool good;

	(void)pthread_mutex_unlock(&r->lock);
	good = path_is_plain(ds, path, l.name) && watch_is_local(ds->root) &&
	    !statx(ds->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &root);
	if (good) {
		l.mount = root.stx_mnt_id;
		l.root_may_go = watch_may_miss_its_end(ds->root);
		good = watch_way(&l) && learn_file(&l);
	}
	(void)pthread_mutex_lock(&r->lock);
	publish(&l, s, good);
	r->learning = NULL;
	(void)pthread_cond_broadcast(&r->learnt);
	return l.failed;
}

/* ---- what others call */

static bool
is_of(const struct slot *s, struct rpath path)
{
	return s->file &&
	    str_eq(str_of(s->file->bytes, s->file->path_len), path.s);
}

/*
 * With the lock.  Nothing is found in a subvolume that was deleted, but it
 * keeps its inodes while they are watched.  What the way begins with shows
 * that; of the rest of it events tell.
 */
static void
look_for_root(const struct dir_store *ds, struct rpath path)
{
	char name[PLAIN_MAX];
	struct statx stx;

	if (!path_is_plain(ds, path, name))
		return;
	name[strcspn(name, "/")] = '\0';
	if (statx(ds->root, name, AT_SYMLINK_NOFOLLOW, 0, &stx))
		forget_all(ds->ready);
}

/* With the lock, for a file that is not known: whether to learn it now. */
static bool
is_due(struct ready *r, struct slot *s, uint64_t hash)
{
	if (s->file && ++s->rivals < RIVALS)
		return false;
	if (s->file)
		forget(r, s);
	if (s->hash != hash)
		*s = (struct slot){ .hash = hash, .patience = PATIENCE };
	return r->on && ++s->times >= s->patience && !r->learning;
}

/* With the lock. */
static struct ready_file *
use(struct slot *s)
{
	s->rivals = 0;
	s->times += s->times < WORTH;
	(void)atomic_fetch_add(&s->file->holders, 1);
	return s->file;
}

enum err_code
ready_hold(
    const struct dir_store *ds, struct rpath path, struct ready_file **out)
{
	uint64_t hash = str_hash(path.s);
	struct ready *r = ds->ready;
	struct slot *s = &r->slots[hash & (SLOTS - 1)];
	enum err_code rc = ERR_OK;

	*out = NULL;
	(void)pthread_mutex_lock(&r->lock);
	while (r->learning == s)
		(void)pthread_cond_wait(&r->learnt, &r->lock);
	if (is_of(s, path)) {
		hear(r);
		if (r->root_may_go)
			look_for_root(ds, path);
	} else if (is_due(r, s, hash)) {
		r->learning = s;
		rc = learn(ds, path, s);
	}
	if (is_of(s, path))
		*out = use(s);
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}
